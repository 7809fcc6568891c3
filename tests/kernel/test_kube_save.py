"""Our kube-proxy rules in the kernel: what we say that it holds is what it holds, in every release's spelling.

The text of ``--output save`` is loaded and saved, and so is what kube-proxy does itself: its jumps first, then the text
of ``--output restore``, with ``--noflush --counters``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from iptc_sim.kube import RELEASES, Cluster, Settings, Spelling, compile_text, restore_text
from iptc_sim.kube.text import MARK_DROP
from iptc_sim.records import replace
from iptc_sim.values import Family
from tests.kernel.kube_node import Machine, jumps
from tests.kube import corpus
from tests.kube.releases.drawn import draw

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.corpora,
    pytest.mark.skipif(not corpus.NAMES, reason=f"no corpora in {corpus.FOLDER} (IPTC_CORPORA names another folder)"),
]

EMPTY = "*filter\nCOMMIT\n*nat\nCOMMIT\n"

#: Between them every kind of rule: all features at once, ranges with a node in them, policies, sticky clients, IPv6.
SEVERAL = ("combined", "loadbalancer-sourceranges", "etp-local-no-local-endpoints", "affinity", "random-0000", "ipv6")


@pytest.fixture
def machine(variant: str) -> Iterator[dict[Family, Machine]]:
    found: dict[Family, Machine] = {family: Machine(family, variant) for family in Family}
    yield found
    for each in found.values():
        each.close()


def check_loads(cluster: Cluster, settings: Settings, machine: Machine) -> None:
    """Load both ways into an empty namespace and compare."""
    ours = compile_text(cluster, settings, Spelling.SAVE)
    machine.restore(ours)
    assert machine.comparable(machine.saved()) == machine.comparable(ours)


def check_synced(cluster: Cluster, settings: Settings, machine: Machine) -> None:
    """Empty the namespace's tables, do what kube-proxy does, and compare."""
    ours = compile_text(cluster, settings, Spelling.SAVE)
    machine.restore(EMPTY)
    machine.restore(jumps(settings), "--noflush")
    if f":{MARK_DROP} " in ours:  # up to 1.24 kubelet or kube-proxy has made it before
        machine.restore(f"*nat\n-N {MARK_DROP}\nCOMMIT\n", "--noflush")
    machine.restore(restore_text(cluster, settings), "--noflush", "--counters")
    assert machine.comparable(machine.saved()) == machine.comparable(ours)


@pytest.mark.parametrize("name", corpus.NAMES)
def test_what_we_save_is_what_iptables_saves(name: str, machine: dict[Family, Machine]) -> None:
    cluster, settings = corpus.load(name)
    check_loads(cluster, settings, machine[settings.family])


@pytest.mark.parametrize("name", corpus.NAMES)
def test_kube_proxys_own_way_leads_there(name: str, machine: dict[Family, Machine]) -> None:
    cluster, settings = corpus.load(name)
    check_synced(cluster, settings, machine[settings.family])


@pytest.mark.parametrize("release", [name for name, release in RELEASES.items() if release.is_read])
@pytest.mark.parametrize("name", SEVERAL)
def test_every_release_loads(name: str, release: str, machine: dict[Family, Machine]) -> None:
    cluster, settings = corpus.load(name)
    check_loads(cluster, replace(settings, release=release), machine[settings.family])


@pytest.mark.parametrize("seed", range(int(os.environ.get("IPTC_CLUSTERS", "40"))))
def test_drawn_clusters_load_both_ways(seed: int, machine: dict[Family, Machine]) -> None:
    cluster, settings = draw(seed)
    settings = replace(settings, nfacct=False)  # this kernel has no such objects
    check_loads(cluster, settings, machine[settings.family])
    check_synced(cluster, settings, machine[settings.family])
