"""The harness itself: what it refuses, that its two readers agree, and that it leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from iptc_sim.kernel import KernelError, KernelTrace, Lab, RulesRefusedError, requirements
from iptc_sim.values import UNKNOWN
from tests.kernel.hook_order import ALL_HOOKS, HOOK_ORDER
from tests.kernel.scenario import DOCKER_HOST, ROUTER, Scenario, table, tcp
from tests.kernel.scenarios import SCENARIOS

pytestmark = [pytest.mark.kernel, pytest.mark.skipif(bool(requirements()), reason=requirements())]

_REPOSITORY = Path(__file__).parents[2]
_HOLD = """
import sys, time
from iptc_sim.kernel import Lab
with Lab({"eth0": ["192.0.2.10/24"]}) as lab:
    lab.load("*filter\\nCOMMIT\\n")
    print("ready", flush=True)
    time.sleep(60)
"""


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(word) for task in tasks for word in task.read_text().split()]


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def _outside() -> tuple[str, str]:
    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, timeout=10, check=True).stdout
    names = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, timeout=10, check=True).stdout
    return links, names


_UNPREDICTABLE = {"kube-service-with-three-endpoints"}


@pytest.mark.parametrize(
    "scenario",
    [one for one in SCENARIOS if one.packet.family == 4 and one.name not in _UNPREDICTABLE],
    ids=lambda one: one.name,
)
def test_both_readers_tell_the_same(scenario: Scenario) -> None:
    """xtables-monitor's text and netlink's messages; the same packet in two labs, ids and all."""
    seen: list[KernelTrace] = []
    for reader in ("xtables-monitor", "netlink"):
        with Lab(scenario.interfaces, scenario.routes, sysctls=scenario.sysctls, reader=reader) as lab:
            lab.load(scenario.rules)
            seen.append(lab.inject(scenario.packet))
    assert seen[0].walks == seen[1].walks
    assert len(seen[0].other_walks) == len(seen[1].other_walks)


def test_nothing_outside_is_touched() -> None:
    before = _outside()
    with Lab(ROUTER) as lab:
        lab.load(ALL_HOOKS)
        assert _outside() == before
    assert _outside() == before


def test_nothing_is_left_after_a_kill() -> None:
    child = subprocess.Popen([sys.executable, "-c", _HOLD], cwd=_REPOSITORY, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        monitors = _children(child.pid)
        assert monitors
        os.kill(child.pid, signal.SIGKILL)
    finally:
        child.kill()
        child.communicate()
    end = time.monotonic() + 5
    while any(map(_runs, monitors)) and time.monotonic() < end:
        time.sleep(0.01)
    assert not any(map(_runs, monitors))


def test_the_monitor_is_gone_after_an_exception() -> None:
    class Oops(Exception):  # noqa: N818 - not an error of ours
        pass

    before = set(_children(os.getpid()))
    with pytest.raises(Oops), Lab(ROUTER) as lab:  # noqa: PT012 - the context is what is tested
        lab.load(ALL_HOOKS)
        assert set(_children(os.getpid())) - before
        raise Oops
    assert set(_children(os.getpid())) <= before


def test_two_labs_at_once_do_not_meet() -> None:
    scenario, path = HOOK_ORDER[0]
    with scenario.lab() as one, scenario.lab() as other:
        one.load(scenario.rules)
        other.load(table("filter", ":FORWARD DROP"))
        assert one.inject(scenario.packet).path == path
        assert other.inject(scenario.packet).arrivals == ()


def test_rules_can_be_replaced(variant: str) -> None:
    scenario, path = HOOK_ORDER[0]
    with scenario.lab() as lab:
        lab.load(scenario.rules, variant=variant)
        assert lab.inject(scenario.packet).path == path
        lab.load(table("filter", "-A FORWARD -p udp -j DROP"), variant=variant)
        assert lab.inject(scenario.packet).path == ("filter:FORWARD",)
        lab.load(scenario.rules, variant=variant)
        assert lab.inject(scenario.packet).path == path


def test_both_families_at_once(variant: str) -> None:
    interfaces = {"eth0": ["192.0.2.10/24", "2001:db8:1::10/64"], "eth1": ["10.0.0.1/24", "2001:db8:2::1/64"]}
    with Lab(interfaces) as lab:
        lab.load(table("filter", "-A FORWARD -j ACCEPT"), 4, variant)
        lab.load(table("filter", "-A FORWARD -j DROP"), 6, variant)
        four = lab.inject(tcp("10.0.0.5:33000", "192.0.2.7:80", "eth1"))
        six = lab.inject(tcp("[2001:db8:2::5]:33000", "[2001:db8:1::7]:80", "eth1"))
        assert [hit.verdict for hit in (*four.hits, *six.hits)] == ["ACCEPT", "DROP"]


def test_refused_rules_are_told_in_iptables_words(variant: str) -> None:
    with Lab(DOCKER_HOST) as lab:
        with pytest.raises(RulesRefusedError, match=r"(?i)line"):
            lab.load(table("filter", "-A FORWARD -j NOWHERE"), variant=variant)
        lab.load(table("filter", "-A FORWARD -j DROP"), variant=variant)
        assert lab.inject(tcp("192.0.2.7:1", "172.17.0.7:2", "eth0")).hits[0].verdict == "DROP"


def test_a_packet_from_outside_can_have_a_mark(variant: str) -> None:
    with Lab(DOCKER_HOST) as lab:
        lab.load(table("filter", "-A FORWARD -m mark --mark 7 -j DROP"), variant=variant)
        packet = tcp("192.0.2.7:1", "172.17.0.7:2", "eth0")
        marked, plain = lab.inject(replace(packet, mark=7)), lab.inject(packet)
        assert [one.walks[0].entry.mark for one in (marked, plain)] == [7, 0]
        assert [one.hits[0].verdict for one in (marked, plain)] == ["DROP", "ACCEPT"]


def test_what_cannot_be_sent_is_refused() -> None:
    packet = tcp("192.0.2.7:1", "172.17.0.7:2", "eth0")
    with pytest.raises(KernelError, match="interface"):
        Lab({})
    with Lab(DOCKER_HOST) as lab:
        with pytest.raises(KernelError, match="no rules are loaded"):
            lab.inject(packet)
        lab.load(table("filter"))
        with pytest.raises(KernelError, match="nothing can come in at eth7"):
            lab.inject(tcp("192.0.2.7:1", "172.17.0.7:2", "eth7"))
        with pytest.raises(KernelError, match="both ports must be told"):
            lab.inject(packet.__class__(packet.source, packet.destination, 6, 1, UNKNOWN, in_interface="eth0"))
        with pytest.raises(KernelError, match="stays with the back end"):
            lab.load(table("filter"), variant="legacy")


def test_an_interface_that_cannot_be_built_is_told() -> None:
    with pytest.raises(KernelError, match="ip -batch"), Lab({"eth0": ["not-an-address"]}):
        pass


def test_without_root_the_reason_is_told() -> None:
    code = "import os; os.setuid(65534); from iptc_sim.kernel import requirements; print(requirements())"
    probe = [sys.executable, "-c", f"from iptc_sim.kernel import requirements; {code}"]
    done = subprocess.run(probe, cwd=_REPOSITORY, capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == "network namespaces need root\n"
