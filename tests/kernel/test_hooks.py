"""What the simulator's walk is built on, as the kernel does it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from iptc_sim.kernel import Hit, KernelTrace
from iptc_sim.packet import Packet
from iptc_sim.protocols import ICMP
from tests.kernel import scenarios
from tests.kernel.hook_order import HOOK_ORDER, without_nat
from tests.kernel.scenario import Scenario, ping, tcp, udp
from tests.kernel.scenarios import SCENARIOS

pytestmark = pytest.mark.kernel

Ask = Callable[[Scenario], KernelTrace]


def _steps(seen: KernelTrace) -> list[tuple[str, int | str, str]]:
    return [(hit.chain, hit.number or hit.kind, hit.target_chain or hit.verdict) for hit in seen.hits]


@pytest.mark.parametrize(("scenario", "path"), HOOK_ORDER, ids=[scenario.name for scenario, _ in HOOK_ORDER])
def test_hook_order(ask: Ask, scenario: Scenario, path: tuple[str, ...]) -> None:
    seen = ask(scenario)
    assert seen.path == path, seen
    marked = tuple(f"{hit.table}:{hit.chain}" for hit in seen.rules() if hit.verdict == "JUMP")
    assert marked == path
    assert bool(seen.arrivals) == any("POSTROUTING" in step for step in path) * ("raw:PREROUTING" not in path[1:])


def test_interfaces_that_a_packet_shows_at_each_hook(ask: Ask) -> None:
    (walk,) = ask(HOOK_ORDER[0][0]).walks
    shown = {(stage.chain, stage.headers.in_interface, stage.headers.out_interface) for stage in walk.stages}
    assert ("PREROUTING", "eth1", None) in shown
    assert ("FORWARD", "eth1", "eth0") in shown
    assert {out for chain, _, out in shown if chain == "POSTROUTING"} == {"eth0"}


def test_forwarding_lowers_the_ttl_between_prerouting_and_forward(ask: Ask) -> None:
    (walk,) = ask(HOOK_ORDER[0][0]).walks
    assert [stage.headers.ttl for stage in walk.stages] == [64, 64, 64, 63, 63, 63, 63]


@pytest.mark.parametrize(
    "packet",
    [udp("10.0.0.5:33000", "198.51.100.7:53", "eth1"), replace(ping("10.0.0.5", "198.51.100.7", "eth1"), icmp_id=7)],
)
def test_later_packets_skip_nat(variant: str, packet: Packet) -> None:
    scenario, path = HOOK_ORDER[0]
    with scenario.lab() as lab:
        lab.load(scenario.rules, variant=variant)
        first = lab.inject(packet)
        assert first.path == path
        assert lab.inject(packet).path == without_nat(path)  # no reply yet: still NEW, and yet no nat
        assert first.arrival is not None
        assert lab.answer(first.arrival).path == without_nat(path)


def test_no_route_is_told_before_any_hook(ask: Ask) -> None:
    scenario = next(one for one in SCENARIOS if one.name == "no-route-before-any-hook")
    assert ask(scenario).error == "ENETUNREACH"


def test_goto(ask: Ask) -> None:
    assert _steps(ask(scenarios.GOTO)) == [
        ("FORWARD", 1, "outer"),
        ("outer", 1, "aside"),
        ("aside", 1, "CONTINUE"),
        ("FORWARD", 2, "CONTINUE"),
        ("FORWARD", "policy", "ACCEPT"),
    ]
    seen = ask(scenarios.GOTO_FROM_BASE)
    assert _steps(seen) == [("FORWARD", 1, "aside"), ("aside", 1, "CONTINUE"), ("FORWARD", "policy", "DROP")]
    assert seen.hits[0].verdict == "GOTO"
    assert seen.arrivals == ()


def test_return_from_a_user_chain(ask: Ask) -> None:
    assert _steps(ask(scenarios.RETURN_FROM_USER)) == [
        ("FORWARD", 1, "one"),
        ("one", 1, "two"),
        ("two", 1, "RETURN"),
        ("one", 2, "CONTINUE"),
        ("FORWARD", 2, "ACCEPT"),
    ]


@pytest.mark.parametrize("scenario", [scenarios.RETURN_FROM_BASE, scenarios.RETURN_IS_UNCONDITIONAL])
def test_return_in_a_base_chain_is_its_policy(ask: Ask, scenario: Scenario) -> None:
    seen = ask(scenario)
    assert _steps(seen) == [("FORWARD", 1, "RETURN"), ("FORWARD", "policy", "DROP")]
    assert seen.arrivals == ()


def test_statistic_extremes(variant: str) -> None:
    for scenario, number, verdict in (
        (scenarios.STATISTIC_NEVER, 3, "ACCEPT"),
        (scenarios.STATISTIC_ALWAYS, 1, "DROP"),
    ):
        with scenario.lab() as lab:
            lab.load(scenario.rules, variant=variant)
            for port in range(33000, 33020):
                seen = lab.inject(replace(scenario.packet, sport=port), conntrack=False)
                assert _steps(seen) == [("FORWARD", number, verdict)]


def test_a_mark_is_seen_later(ask: Ask) -> None:
    seen = ask(scenarios.MARK)
    (walk,) = seen.walks
    assert walk.entry.mark == 0
    # The back ends differ in whether the stage that sets the mark shows it already.
    assert [stage.headers.mark for stage in walk.stages[1:]] == [0x4000] * 5
    assert [hit.number for hit in seen.rules("filter")] == [2]
    assert seen.arrival is not None
    assert str(seen.arrival.packet.source) == "192.0.2.10"


def test_a_local_packet_can_be_sent_with_a_mark(ask: Ask) -> None:
    scenario = replace(scenarios.POLICY_DROP, packet=replace(scenarios.POLICY_DROP.packet, mark=0x55))
    (walk,) = ask(scenario).walks
    assert walk.entry.mark == 0x55


def test_dropped_in_output_is_told_to_the_sender(ask: Ask) -> None:
    seen = ask(scenarios.POLICY_DROP)
    assert seen.error == "EPERM"
    assert seen.reached("filter", "OUTPUT", "DROP")


def test_reject_drops_and_answers(ask: Ask) -> None:
    seen = ask(scenarios.REJECT)
    assert _steps(seen) == [("FORWARD", 1, "DROP")]
    assert seen.arrivals == ()
    (answer,) = [other for other in seen.other_arrivals if other.packet.protocol == ICMP]
    assert (answer.interface, answer.packet.icmp_type, answer.packet.icmp_code) == ("eth1", 3, 3)


def test_dnat_in_output_reroutes(ask: Ask) -> None:
    seen = ask(scenarios.OUTPUT_DNAT)
    (walk,) = seen.walks
    at_filter, at_post = walk.stage("filter", "OUTPUT"), walk.stage("nat", "POSTROUTING")
    assert at_filter is not None
    assert at_post is not None
    # filter sees the new destination but still the old interface.
    assert (str(at_filter.headers.destination), at_filter.headers.dport) == ("10.0.1.7", 8080)
    assert (at_filter.headers.out_interface, at_post.headers.out_interface) == ("eth0", "eth2")
    assert Hit("filter", "OUTPUT", "rule", "CONTINUE", None, "-A OUTPUT -o eth0 -p tcp", 1) in seen.hits
    assert seen.arrival is not None
    # The source stays that of the first lookup.
    assert (seen.arrival.interface, str(seen.arrival.packet.source)) == ("eth2", "192.0.2.10")


@pytest.mark.parametrize("scenario", [scenarios.MASQUERADE, scenarios.MASQUERADE_NEXT_HOP], ids=lambda one: one.name)
def test_masquerade_address(ask: Ask, scenario: Scenario) -> None:
    seen = ask(scenario)
    assert seen.arrival is not None
    assert (str(seen.arrival.packet.source), seen.arrival.packet.sport) == ("192.0.2.10", 33000)
    assert seen.entry is not None
    assert str(seen.entry.reply.destination) == "192.0.2.10"


def test_redirect(ask: Ask) -> None:
    seen = ask(scenarios.REDIRECT)
    assert seen.entry is not None
    assert (str(seen.entry.reply.source), seen.entry.reply.sport) == ("10.0.0.1", 5353)
    assert [hit.number for hit in seen.rules("filter")] == [1]


def test_ctstate_of_a_reply(variant: str) -> None:
    with scenarios.STATE.lab() as lab:
        lab.load(scenarios.STATE.rules, variant=variant)
        asked = lab.inject(scenarios.STATE.packet)
        assert asked.entered("new", "filter")
        assert asked.arrival is not None
        back = lab.answer(asked.arrival)
        assert back.entered("established", "filter"), back
        assert back.arrival is not None
        packet = back.arrival.packet
        assert (back.arrival.interface, str(packet.destination), packet.dport) == ("eth1", "10.0.0.5", 33000)
        assert back.entry is not None
        assert back.entry.state == "SYN_RECV"


def test_dnat_ipv6(ask: Ask) -> None:
    seen = ask(scenarios.DNAT_IPV6)
    assert seen.arrival is not None
    assert (seen.arrival.interface, seen.arrival.packet.destination_text) == ("eth1", "[2001:db8:2::7]:8080")
    (hit,) = seen.rules("nat")
    assert hit.rule_text.endswith("--to-destination [2001:db8:2::7]:8080")


def test_nat_is_not_walked_where_nobody_needs_conntrack(ask: Ask) -> None:
    seen = ask(scenarios.NO_CONNTRACK)
    assert seen.path == ("filter:FORWARD",)
    assert seen.entry is None


def test_kube_service_lands_on_one_of_its_endpoints(variant: str) -> None:
    scenario = scenarios.KUBE_SERVICE
    landed: Counter[str] = Counter()
    with scenario.lab() as lab:
        lab.load(scenario.rules, variant=variant)
        for port in range(33000, 33030):
            seen = lab.inject(replace(scenario.packet, sport=port), conntrack=False)
            assert seen.arrival is not None, seen
            landed[seen.arrival.packet.destination_text] += 1
            jumps = [hit.target_chain for hit in seen.rules("nat") if hit.verdict == "JUMP"]
            assert jumps[:2] == ["KUBE-SERVICES", "KUBE-SVC-WEB"]
            end = {"KUBE-SEP-A": "172.17.0.4", "KUBE-SEP-B": "172.17.0.5", "KUBE-SEP-C": "172.17.0.6"}[str(jumps[2])]
            assert str(seen.arrival.packet.destination) == end
    # Each is missed by 30 draws once in 190,000.
    assert set(landed) == {"172.17.0.4:8125", "172.17.0.5:8125", "172.17.0.6:8125"}


def test_kube_hairpin_is_masqueraded(variant: str) -> None:
    scenario = scenarios.KUBE_SERVICE
    with scenario.lab() as lab:
        lab.load(scenario.rules, variant=variant)
        for port in range(33000, 33060):
            packet = tcp(f"172.17.0.4:{port}", "10.97.126.137:8125", "cni0")
            seen = lab.inject(packet, conntrack=False)
            assert seen.arrival is not None
            left = seen.arrival.packet
            masqueraded = str(left.source) == "172.17.0.1"
            assert masqueraded == (str(left.destination) == "172.17.0.4")
            assert masqueraded == seen.entered("KUBE-MARK-MASQ")
            if masqueraded:
                return
    pytest.fail("60 draws missed the endpoint")
