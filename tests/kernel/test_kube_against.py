"""``--against`` in the kernel: a node with rules of others and of a former cluster takes our text and ends as we say."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise

import pytest

from iptc_sim import syntax
from iptc_sim.kernel.errors import KernelError
from iptc_sim.kube import Cluster, Settings, compile_services
from iptc_sim.kube.against import node_after, text_against
from iptc_sim.kube.compiler import compile_text
from iptc_sim.kube.text import MARK_DROP, Spelling
from iptc_sim.records import replace
from iptc_sim.ruleset import Ruleset
from iptc_sim.syntax.write import write_save
from iptc_sim.values import Variant
from tests.kernel.kube_node import Machine
from tests.kube import corpus
from tests.kube.releases.drawn import draw
from tests.kube.test_userspace import SETTINGS as USERSPACE
from tests.kube.test_userspace import seed

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.corpora,
    pytest.mark.skipif(not corpus.NAMES, reason=f"no corpora in {corpus.FOLDER} (IPTC_CORPORA names another folder)"),
]

#: Docker's and an administrator's rules, put behind and between kube-proxy's.
OTHERS = """*filter
:DOCKER - [0:0]
-A INPUT -i lo -j ACCEPT
-I INPUT 2 -p tcp --dport 22 -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-P FORWARD DROP
COMMIT
*nat
:DOCKER - [0:0]
-I PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-A DOCKER -i docker0 -j RETURN
COMMIT
"""


def random_clusters() -> list[tuple[str, str]]:
    """Return pairs of random clusters of one family: what was on the node, and what comes."""
    names = [name for name in corpus.NAMES if name.startswith("random")]
    by_family: dict[object, list[str]] = {}
    for name in names:
        first = corpus.read(name, "yaml").line(1)
        by_family.setdefault("--ipv6" in first, []).append(name)
    return [pair for group in by_family.values() for pair in pairwise(group[:6])]


@pytest.fixture
def machine() -> Iterator[dict[str, Machine]]:
    made: dict[str, Machine] = {}
    yield made
    for each in made.values():
        each.close()


def node(made: dict[str, Machine], settings: Settings, variant: str) -> Machine:
    return made.setdefault("node", Machine(settings.family, variant))


def parsed(there: Machine, settings: Settings, variant: str) -> Ruleset:
    return syntax.parse(there.saved(), family=settings.family, variant=Variant(variant))


def check(there: Machine, cluster: Cluster, settings: Settings, variant: str) -> None:
    """Let kube-proxy sync, and compare with what we say."""
    found = parsed(there, settings, variant)
    after = node_after(cluster, settings, found)
    assert after.held == ()
    there.install_jumps(settings)
    there.restore(text_against(cluster, settings, found), "--noflush", "--counters")
    expected = write_save(after.ruleset, variant=Variant(variant))
    assert there.comparable(there.saved()) == there.comparable(expected)


@pytest.mark.parametrize(("before", "now"), random_clusters())
def test_a_cluster_that_changed(before: str, now: str, variant: str, machine: dict[str, Machine]) -> None:
    old, old_settings = corpus.load(before)
    new, settings = corpus.load(now)
    there = node(machine, settings, variant)
    there.restore(write_save(compile_services(old, old_settings)))
    if settings.family == 4:
        there.restore(OTHERS, "--noflush")
    check(there, new, settings, variant)


@pytest.mark.parametrize(
    ("before", "now"), [("1.11", "1.14"), ("1.18", "1.20"), ("1.23", "1.24"), ("1.24", "1.25"), ("1.26", "1.28")]
)
def test_a_kube_proxy_that_was_upgraded(before: str, now: str, variant: str, machine: dict[str, Machine]) -> None:
    cluster, settings = corpus.load("combined")
    there = node(machine, settings, variant)
    there.restore(compile_text(cluster, replace(settings, release=before, kubelet=True), Spelling.SAVE))
    there.restore(OTHERS, "--noflush")
    check(there, cluster, replace(settings, release=now), variant)


def test_a_rule_of_others_makes_the_kernel_refuse_the_text(variant: str, machine: dict[str, Machine]) -> None:
    cluster, settings = corpus.load("clusterip")
    there = node(machine, settings, variant)
    there.restore(write_save(compile_services(cluster, settings)))
    stale = "KUBE-SVC-AAAAAAAAAAAAAAAA"
    there.restore(f"*nat\n:{stale} - [0:0]\n:MINE - [0:0]\n-A MINE -j {stale}\nCOMMIT\n", "--noflush")
    found, saved = parsed(there, settings, variant), there.saved()
    assert node_after(cluster, settings, found).held == (f"nat MINE 1 jumps to {stale}",)
    with pytest.raises(KernelError):
        there.restore(text_against(cluster, settings, found), "--noflush", "--counters")
    assert there.comparable(there.saved()) == there.comparable(saved)


def test_the_userspace_proxys_rules(variant: str, machine: dict[str, Machine]) -> None:
    there = node(machine, USERSPACE, variant)
    there.restore(compile_text(seed(), USERSPACE, Spelling.RESTORE), "--noflush")
    saved = compile_text(seed(), USERSPACE, Spelling.SAVE)
    assert there.comparable(there.saved()) == there.comparable(saved)
    there.restore(OTHERS, "--noflush")
    # A second sync finds all jumps, and others' rules where they are.
    found = parsed(there, USERSPACE, variant)
    assert node_after(seed(), USERSPACE, found).ruleset == found


@pytest.mark.parametrize("seed", range(int(os.environ.get("IPTC_CLUSTERS", "30"))))
def test_any_kube_proxy_after_any_other(seed: int, variant: str, machine: dict[str, Machine]) -> None:
    (old, before), (new, now) = (draw(number) for number in (seed, 1000 + seed))
    before, now = (replace(settings, nfacct=False, kubelet=True) for settings in (before, now))
    if before.family is not now.family:
        old, before = new, replace(now, release=before.release, iptables_localhost_nodeports=True, detect_local_mode="")
    there = node(machine, now, variant)
    there.restore(compile_text(old, before, Spelling.SAVE))
    found = parsed(there, now, variant)
    if not node_after(new, now, found).held:
        # kubelet of the new release has made its chains by then
        missing = [name for name in (MARK_DROP,) if not found.chain("nat", name)]
        there.restore("*nat\n" + "".join(f"-N {name}\n" for name in missing) + "COMMIT\n", "--noflush")
        check(there, new, replace(now, kubelet=False), variant)
        return
    # KUBE-XLB chains of an old release that a new one does not know hold what they jump to.
    with pytest.raises(KernelError):
        there.restore(text_against(new, now, found), "--noflush", "--counters")
