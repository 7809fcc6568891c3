"""``iptc-sim verify``: random rulesets and packets on random nodes, where simulator and kernel must be of one mind."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from iptc_sim.connection import Flow
from iptc_sim.kernel import requirements
from iptc_sim.matches import MATCHES
from iptc_sim.ruleset import Ruleset
from iptc_sim.syntax import parse
from iptc_sim.targets import TARGETS
from iptc_sim.values import Family, Variant
from iptc_sim.verify import Divergence, Verifier
from iptc_sim.verify.fuzz import Fuzz
from iptc_sim.verify.generator import NOT_DRAWN, draw_case, matches, targets
from iptc_sim.verify.report import divergence_text, finding_text
from tests.kernel.scenario import table, tcp
from tests.kernel.scenarios import MASQUERADE

pytestmark = pytest.mark.kernel

_REPOSITORY = Path(__file__).parents[2]
_PACKETS = 12
_PORTION = 15
#: In all 210 rulesets, the longer half of them with iptables-nft.
_SEEDS = [*(("nft", seed) for seed in range(0, 8 * _PORTION, _PORTION)),
          *(("legacy", seed) for seed in range(1000, 1000 + 6 * _PORTION, _PORTION))]  # fmt: skip


@pytest.mark.parametrize(("variant", "seed"), _SEEDS)
def test_random_rulesets_on_random_nodes(variant: str, seed: int) -> None:
    if reason := requirements(variant):
        pytest.skip(reason)
    with Fuzz(Variant(variant), packets=_PACKETS) as fuzz:
        wrong = [finding_text(found) for found in fuzz.run(seed, _PORTION) if found is not None]
    assert not wrong, "\n\n".join([f"{len(wrong)} of {_PORTION} rulesets differ", *wrong[:3]])
    assert fuzz.totals.rulesets == _PORTION
    assert fuzz.totals.packets == _PORTION * _PACKETS


def test_every_extension_is_drawn_or_has_a_reason() -> None:
    for drawn, known in ((matches.MATCHES, MATCHES), (targets.TARGETS, TARGETS)):
        names = {kind.NAME for kind in known.all()}
        assert {name for name, pieces in drawn.items() if pieces} | set(NOT_DRAWN) >= names
        assert set(drawn) <= names
        assert not [name for name in NOT_DRAWN if drawn.get(name)]


def test_a_seed_draws_the_same_again() -> None:
    one, other = (draw_case("7/4", Family.IPV4) for _ in range(2))
    assert (one.text, one.sets, one.topology.name) == (other.text, other.sets, other.topology.name)
    assert one.packets.next() == other.packets.next()


def _verify(rules: str, ruleset: Ruleset, variant: str) -> Divergence | None:
    with Verifier(MASQUERADE.node, Variant(variant)) as verifier:
        verifier.load(ruleset, rules)
        found = verifier.send(Flow(tcp("10.0.0.5:33000", "198.51.100.7:80", "eth1")))
    return found if isinstance(found, Divergence) else None


@pytest.mark.parametrize(
    ("other", "place"),
    [
        (table("filter", "-A FORWARD -p udp -j ACCEPT"), "FORWARD, hit 1"),
        (table("filter", "-A FORWARD -p tcp -j DROP"), "FORWARD, hit 1"),
        (table("mangle", "-A PREROUTING -j MARK --set-mark 7"), "PREROUTING, hit 1"),
    ],
)
def test_a_simulator_that_has_other_rules_is_found_out(variant: str, other: str, place: str) -> None:
    """The rules of the two sides are made to differ on purpose."""
    rules = table("filter", "-A FORWARD -p tcp -j ACCEPT")
    assert _verify(rules, parse(rules), variant) is None
    found = _verify(rules, parse(other), variant)
    if variant == "legacy" and "DROP" in other:
        place = "FORWARD ends"  # the trace tells the number of a rule, not what its target said
    assert found is not None
    assert found.difference.place == place, divergence_text(found)


def test_a_wrong_mark_is_found_out(variant: str) -> None:
    rules = table("mangle", "-A PREROUTING -j MARK --set-mark 7")
    found = _verify(rules, parse(rules.replace("7", "8")), variant)
    assert found is not None
    assert (found.difference.place, found.difference.ours, found.difference.theirs) == (
        "PREROUTING ends: the mark", "0x8", "0x7",
    )  # fmt: skip


def test_a_wrong_translation_is_found_out(variant: str) -> None:
    rules = table("nat", "-A POSTROUTING -o eth0 -j SNAT --to-source 192.0.2.10")
    found = _verify(rules, parse(rules.replace("192.0.2.10", "192.0.2.11")), variant)
    assert found is not None
    assert found.difference.place == "POSTROUTING ends: the source"


def _namespaces() -> set[str]:
    found = set()
    for path in Path("/proc").glob("[0-9]*/task/*/ns/net"):
        try:
            found.add(str(path.readlink()))
        except OSError:
            continue
    return found


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_however_it_ends(end: signal.Signals) -> None:
    if reason := requirements():
        pytest.skip(reason)
    before = _namespaces()
    command = [
        sys.executable,
        "-c",
        "from iptc_sim.cli import main; main()",
        "verify",
        "--fuzz",
        "100000",
        "--keep-going",
    ]
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background ignores it, and so would it
    child = subprocess.Popen(command, cwd=_REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        limit = time.monotonic() + 30
        while not _namespaces_of(child.pid) - before and time.monotonic() < limit:
            time.sleep(0.05)
        made = _namespaces_of(child.pid) - before
        assert made
        child.send_signal(end)
        child.wait(timeout=30)
    finally:
        child.kill()
        child.wait()
    limit = time.monotonic() + 10
    while made & _namespaces() and time.monotonic() < limit:
        time.sleep(0.05)
    assert not made & _namespaces()


def _namespaces_of(pid: int) -> set[str]:
    found = set()
    for path in Path(f"/proc/{pid}/task").glob("*/ns/net"):
        try:
            found.add(str(path.readlink()))
        except OSError:
            continue
    return found
