"""The walk through chains, hooks and translation, without a kernel. The facts were seen in the kernel (tests/kernel)."""

from __future__ import annotations

from fractions import Fraction
from ipaddress import ip_address

import pytest

from iptc_sim import Fate, InputError, Node, Trace, UsageError, odds, parse, trace
from iptc_sim.connection import Flow
from iptc_sim.engine import explore
from iptc_sim.flows import NodeOptions, parse_flow, read_node
from iptc_sim.node import Route
from iptc_sim.packet import Packet
from iptc_sim.protocols import UDP
from iptc_sim.steps import HookStep, NoteStep, PolicyStep, RouteStep, RuleStep, TranslateStep
from iptc_sim.tracking import State
from iptc_sim.values import UNKNOWN, Prefix, Variant
from tests.strategies import ladder

ROUTER = read_node(
    NodeOptions(
        iface=("eth0=192.0.2.10/24", "eth1=10.0.0.1/24", "docker0=172.17.0.1/16"),
        route=("default via 192.0.2.1 dev eth0",),
    )
)
FORWARDED = "tcp 10.0.0.5:33000 -> 198.51.100.7:80 in eth1"


def table(name: str, *lines: str) -> str:
    return "\n".join([f"*{name}", *lines, "COMMIT", ""])


def hits(found: Trace) -> list[str]:
    """Return matched rules and policies as ``table CHAIN:N``."""
    texts = []
    for step in found.steps(found.end):
        if isinstance(step, RuleStep) and step.matched:
            texts.append(f"{step.table} {step.chain}:{step.number}")
        elif isinstance(step, PolicyStep):
            texts.append(f"{step.table} {step.chain}:{step.policy}")
    return texts


def hooks(found: Trace) -> list[str]:
    return [str(step.hook) for step in found.steps(found.end) if isinstance(step, HookStep)]


@pytest.mark.parametrize(
    ("flow", "expected", "fate"),
    [
        (FORWARDED, ["PREROUTING", "FORWARD", "POSTROUTING"], Fate.FORWARD),
        ("tcp 10.0.0.5:33000 -> 192.0.2.10:80 in eth1", ["PREROUTING", "INPUT"], Fate.LOCAL),
        ("tcp 192.0.2.10:33000 -> 10.0.0.9:80 from host", ["OUTPUT", "POSTROUTING"], Fate.SENT),
        ("tcp 127.0.0.1:33000 -> 127.0.0.1:80", ["OUTPUT", "POSTROUTING", "PREROUTING", "INPUT"], Fate.LOCAL),
        ("tcp 10.0.0.5:33000 -> 10.0.0.255:80 in eth1", ["PREROUTING", "INPUT"], Fate.LOCAL),
        ("tcp 8.8.8.8:33000 -> 127.0.0.1:80 in eth0", ["PREROUTING"], Fate.LOST),
        ("tcp 127.0.0.1:33000 -> 10.0.0.9:80 in eth0", ["PREROUTING"], Fate.LOST),
        ("tcp 192.0.2.10:33000 -> 10.0.0.9:80 in eth0", ["PREROUTING"], Fate.LOST),
    ],
)
def test_hooks_and_fate(flow: str, expected: list[str], fate: Fate) -> None:
    found = trace(table("filter", ":INPUT ACCEPT", ":FORWARD ACCEPT", ":OUTPUT ACCEPT"), flow, ROUTER)
    assert hooks(found) == expected
    assert found.end.fate is fate


def test_packet_of_this_node_without_a_route_gets_an_error_before_any_hook() -> None:
    node = Node.of({"eth0": ["192.0.2.10/24"]})
    found = trace(table("filter", ":OUTPUT DROP"), "tcp 192.0.2.10:1 -> 8.8.8.8:80 from host", node)
    assert (found.end.fate, hooks(found)) == (Fate.LOST, [])


def test_goto_returns_behind_the_last_jump_and_jump_behind_itself() -> None:
    rules = table(
        "filter",
        ":one - [0:0]", ":two - [0:0]", ":three - [0:0]",
        "-A FORWARD -j one",
        "-A FORWARD -j ACCEPT",
        "-A one -g two",
        "-A one -j DROP",
        "-A two -j three",
        "-A two -p tcp",
        "-A three -j RETURN",
        "-A three -j DROP",
    )  # fmt: skip
    assert hits(trace(rules, FORWARDED, ROUTER)) == [
        "filter FORWARD:1", "filter one:1", "filter two:1", "filter three:1", "filter two:2", "filter FORWARD:2",
    ]  # fmt: skip


def test_goto_and_return_in_a_base_chain_end_in_its_policy() -> None:
    for rule in ("-A FORWARD -g one", "-A FORWARD -j RETURN"):
        found = trace(table("filter", ":FORWARD DROP [0:0]", ":one - [0:0]", rule, "-A FORWARD -j ACCEPT"), FORWARDED)
        assert hits(found) == ["filter FORWARD:1", "filter FORWARD:DROP"]
        assert (found.end.fate, found.end.decided_by) == (Fate.DROP, ("filter", "FORWARD", 0))


def test_reject_names_its_code_and_rule() -> None:
    end = trace(table("filter", "-A FORWARD -p udp -j DROP", "-A FORWARD -p tcp -j REJECT"), FORWARDED, ROUTER).end
    assert (end.fate, end.code, end.decided_by) == (Fate.REJECT, "icmp-port-unreachable", ("filter", "FORWARD", 2))


def test_masquerade_takes_the_address_towards_the_next_hop() -> None:
    rules = table("nat", "-A POSTROUTING -o eth0 -j MASQUERADE")
    end = trace(rules, FORWARDED, ROUTER).end
    assert (end.packet.source_text, end.packet.out_interface) == ("192.0.2.10:33000", "eth0")
    assert end.connection is not None
    assert str(end.connection.reply) == "198.51.100.7:80 -> 192.0.2.10:33000"


def test_masquerade_on_an_unknown_node_gives_an_address_that_is_not_known() -> None:
    end = trace(table("nat", "-A POSTROUTING -j MASQUERADE"), FORWARDED).end
    assert end.packet.source is UNKNOWN
    assert end.fate is Fate.FORWARD


def test_reply_is_translated_back_without_walking_nat() -> None:
    rules = table(
        "nat",
        "-A PREROUTING -d 192.0.2.10/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 172.17.0.7:8080",
        "-A POSTROUTING -o docker0 -j MASQUERADE",
    ) + table("filter", "-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT", ":FORWARD ACCEPT")
    found = trace(rules, "tcp 198.51.100.7:33000 -> 192.0.2.10:80 in eth0", ROUTER, reply=True)
    assert str(found.end.packet) == "tcp 172.17.0.1:33000 -> 172.17.0.7:8080 in eth0 out docker0"
    (back,) = found.replies
    assert back is not None
    assert str(back.end.packet) == "tcp 192.0.2.10:80 -> 198.51.100.7:33000 flags syn,ack in docker0 out eth0"
    assert [hit for hit in hits(back) if hit.startswith("nat")] == []
    assert "filter FORWARD:1" in hits(back)


def test_dnat_in_output_reroutes_and_filter_still_sees_the_old_interface() -> None:
    rules = table("nat", "-A OUTPUT -p tcp -j DNAT --to-destination 172.17.0.7:80") + table(
        "filter", "-A OUTPUT -o eth0 -p tcp"
    )
    found = trace(rules, "tcp 192.0.2.10:33000 -> 198.51.100.7:80 from host", ROUTER)
    assert "filter OUTPUT:1" in hits(found)
    assert str(found.end.packet) == "tcp 192.0.2.10:33000 -> 172.17.0.7:80 out docker0"


def test_dnat_of_a_loopback_source_to_another_machine_is_lost_in_output() -> None:
    rules = table("nat", "-A OUTPUT -p tcp -j DNAT --to-destination 172.17.0.7:80") + table(
        "filter", "-A OUTPUT -p tcp"
    )
    found = trace(rules, "tcp 127.0.0.1:33000 -> 127.0.0.2:80", ROUTER)
    assert found.end.fate is Fate.LOST
    assert hits(found) == ["nat OUTPUT:1"]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("DNAT --to-destination 10.0.0.9", "10.0.0.9:80"),
        ("DNAT --to-destination :8080", "192.0.2.10:8080"),
        ("DNAT --to-destination 10.0.0.9:70-90", "10.0.0.9:80"),
        ("DNAT --to-destination 10.0.0.9:100-110", "10.0.0.9:100"),
        ("DNAT --to-destination 10.0.0.9:100-110/75", "10.0.0.9:105"),
        ("DNAT --to-destination 10.0.0.9:100-110 --random", "10.0.0.9:*"),
        ("REDIRECT --to-ports 8080", "192.0.2.10:8080"),
        ("REDIRECT", "192.0.2.10:80"),
    ],
)
def test_destination_translation(target: str, expected: str) -> None:
    found = trace(
        table("nat", f"-A PREROUTING -p tcp -j {target}"), "tcp 198.51.100.7:33000 -> 192.0.2.10:80 in eth0", ROUTER
    )
    assert found.end.packet.destination_text == expected


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("SNAT --to-source 192.0.2.11", "192.0.2.11:33000"),
        ("SNAT --to-source 192.0.2.11:40000", "192.0.2.11:40000"),
        ("SNAT --to-source 192.0.2.11:30000-40000", "192.0.2.11:33000"),
        ("SNAT --to-source 192.0.2.11:40000-50000", "192.0.2.11:*"),
        ("SNAT --to-source 192.0.2.11 --random-fully", "192.0.2.11:*"),
        ("MASQUERADE --to-ports 1024-2048", "192.0.2.10:*"),
    ],
)
def test_source_translation(target: str, expected: str) -> None:
    assert (
        trace(table("nat", f"-A POSTROUTING -p tcp -j {target}"), FORWARDED, ROUTER).end.packet.source_text == expected
    )


def test_address_range_is_one_branch_an_address_with_equal_odds() -> None:
    rules = table("nat", "-A PREROUTING -p tcp -j DNAT --to-destination 172.17.0.4-172.17.0.6")
    found = odds(rules, "tcp 198.51.100.7:33000 -> 192.0.2.10:80 in eth0", ROUTER)
    assert [(item.destination, str(item.odds)) for item in found] == [
        ("172.17.0.4:80", "1/3"), ("172.17.0.5:80", "1/3"), ("172.17.0.6:80", "1/3"),
    ]  # fmt: skip


def test_first_nat_target_wins_and_later_tables_see_the_new_packet() -> None:
    rules = table(
        "nat",
        "-A PREROUTING -p tcp -j MARK --set-mark 7",
        "-A PREROUTING -p tcp -j DNAT --to-destination 172.17.0.7",
        "-A PREROUTING -p tcp -j DNAT --to-destination 172.17.0.8",
    ) + table("filter", "-A FORWARD -d 172.17.0.7/32 -m mark --mark 7 -m conntrack --ctstate DNAT -j DROP")
    found = trace(rules, "tcp 198.51.100.7:33000 -> 192.0.2.10:80 in eth0", ROUTER)
    assert found.end.decided_by == ("filter", "FORWARD", 1)


def test_nat_is_not_walked_without_a_user_of_conntrack() -> None:
    rules = table("nat", "-A PREROUTING -p tcp -j MARK --set-mark 7") + table("filter", "-A FORWARD -p tcp")
    assert trace(rules, FORWARDED, ROUTER).end.packet.mark == 0
    used = rules + table("mangle", "-A INPUT -m conntrack --ctstate NEW")
    assert trace(used, FORWARDED, ROUTER).end.packet.mark == 7


@pytest.mark.parametrize("state", [State.ESTABLISHED, State.INVALID, State.UNTRACKED, State.RELATED])
def test_nat_is_walked_for_new_connections_only(state: State) -> None:
    rules = parse(table("nat", "-A PREROUTING -p tcp -j DNAT --to-destination 172.17.0.7"))
    flow = Flow(parse_flow(FORWARDED).packet, state)
    assert trace(rules, flow, ROUTER).end.packet.destination_text == "198.51.100.7:80"
    assert trace(rules, FORWARDED, ROUTER).end.packet.destination_text == "172.17.0.7:80"


@pytest.mark.parametrize(
    ("flow", "state"),
    [
        ("tcp 1.1.1.1:1 -> 2.2.2.2:2 in a flags syn", "NEW"),
        ("tcp 1.1.1.1:1 -> 2.2.2.2:2 in a flags ack", "NEW"),
        ("tcp 1.1.1.1:1 -> 2.2.2.2:2 in a flags psh,ack", "NEW"),
        ("tcp 1.1.1.1:1 -> 2.2.2.2:2 in a flags syn,ack", "INVALID"),
        ("tcp 1.1.1.1:1 -> 2.2.2.2:2 in a flags rst", "INVALID"),
        ("tcp 1.1.1.1:1 -> 2.2.2.2:2 in a flags fin", "INVALID"),
        ("tcp 1.1.1.1:1 -> 2.2.2.2:2 in a flags none", "INVALID"),
        ("tcp 1.1.1.1:1 -> 2.2.2.2:2 in a flags fin,psh,urg", "INVALID"),
        ("udp 1.1.1.1:1 -> 2.2.2.2:2 in a", "NEW"),
        ("icmp 1.1.1.1 -> 2.2.2.2 in a icmp echo-request", "NEW"),
        ("icmp 1.1.1.1 -> 2.2.2.2 in a icmp timestamp-request", "NEW"),
        ("icmp 1.1.1.1 -> 2.2.2.2 in a icmp echo-reply", "INVALID"),
        ("icmp 1.1.1.1 -> 2.2.2.2 in a icmp 3/1", "INVALID"),
        ("icmp 1.1.1.1 -> 2.2.2.2 in a icmp 200", "INVALID"),
    ],
)
def test_state_of_a_first_packet(flow: str, state: str) -> None:
    rules = table("filter", *(f"-A FORWARD -m conntrack --ctstate {name} -j {name}" for name in ("NEW", "INVALID")))
    rules = rules.replace("*filter", "*filter\n:NEW - [0:0]\n:INVALID - [0:0]")
    entered = [step.chain for step in trace(rules, flow).steps(trace(rules, flow).end) if isinstance(step, RuleStep)]
    assert trace(rules, flow).end.connection is not None
    assert str(trace(rules, flow).end.connection.state) == state, entered  # type: ignore[union-attr]


def test_unknown_interface_forks_once_and_is_learnt() -> None:
    rules = table(
        "filter",
        "-A FORWARD -o docker0 -p udp -j DROP",
        "-A FORWARD -o docker0 -p tcp -j MARK --set-mark 1",
        "-A FORWARD -o docker0 -j ACCEPT",
        "-A FORWARD ! -o docker0 -j DROP",
    ).replace("-j MARK --set-mark 1", "")
    found = trace(rules, FORWARDED)
    assert [(end.fate, end.odds, str(end.packet.out_interface)) for end in found.ends] == [
        (Fate.FORWARD, None, "docker0"),
        (Fate.DROP, None, "?"),
    ]


def test_odds_of_all_branches_sum_to_one_and_many_endpoints_need_no_recursion() -> None:
    count = 1500
    lines = [
        f"-A PREROUTING -p tcp -m statistic --mode random --probability {1 / (count - i):.10f} "
        f"-j DNAT --to-destination 10.1.{i // 250}.{i % 250}:80"
        for i in range(count - 1)
    ]
    rules = parse(table("nat", *lines, "-A PREROUTING -p tcp -j DNAT --to-destination 10.2.0.1:80"))
    found = trace(rules, "tcp 198.51.100.7:33000 -> 192.0.2.10:80 in eth0")
    assert len(found.ends) == count
    total = sum((end.odds.fraction for end in found.ends[:3] if end.odds), Fraction(0))
    assert 0 < total < 1
    whole = found.ends[0].odds
    assert whole is not None
    for end in found.ends[1:]:
        assert end.odds is not None
        whole = whole + end.odds
    assert whole.fraction == 1


def test_too_many_branches_end_with_a_clear_error() -> None:
    lines = [f"-A FORWARD -m recent --name l{i} --rcheck -j MARK --set-mark {i}" for i in range(30)]
    rules = parse(table("mangle", *lines))
    with pytest.raises(UsageError) as caught:
        explore(rules, parse_flow(FORWARDED), ROUTER, max_ends=100)
    assert caught.value.diagnostics[0].code == "IPT043"


def test_chains_in_a_circle_and_nested_too_deep_are_refused() -> None:
    circle = table("filter", ":a - [0:0]", ":b - [0:0]", "-A FORWARD -j a", "-A a -j b", "-A b -j a")
    with pytest.raises(InputError, match="comes back to itself"):
        trace(circle, FORWARDED)
    trace(ladder(15), FORWARDED)
    with pytest.raises(InputError, match="nested deeper than 15"):
        trace(ladder(16), FORWARDED)
    legacy = trace(parse(ladder(600), variant=Variant.LEGACY), FORWARDED, ROUTER)
    assert hits(legacy)[599:] == ["filter c598:1", "filter c599:1"]
    assert legacy.end.fate is Fate.DROP


def test_what_is_not_modelled_is_neither_match_nor_miss() -> None:
    rules = table("filter", "-A FORWARD -m geoip --source-country DE -j DROP", "-A FORWARD -j ACCOUNT --tname x")
    found = trace(rules, FORWARDED, ROUTER)
    assert [end.fate for end in found.ends] == [Fate.DROP, Fate.FORWARD, Fate.STOLEN]
    assert all(end.odds is None for end in found.ends)
    notes = [step.text for step in found.steps(found.ends[1]) if isinstance(step, NoteStep)]
    assert notes == []
    assert found.ends[2].why == "-j ACCOUNT is not modelled"


def test_chain_that_is_not_in_the_dump_is_said() -> None:
    found = trace(table("filter", "-A FORWARD -j gone", "-A FORWARD -j DROP"), FORWARDED, ROUTER)
    assert found.end.decided_by == ("filter", "FORWARD", 2)
    assert any(isinstance(step, NoteStep) and "gone is not in the dump" in step.text for step in found.steps(found.end))


def test_excerpt_of_docker_gets_the_jump_that_dockerd_always_writes(seed: object) -> None:
    rules = "-A DOCKER -p tcp --dport 8080 -j DNAT --to-destination 172.17.0.7:80\n"
    flow = "tcp 10.0.0.9:40000 -> 127.0.0.2:8080 in eth0"
    completed = trace(rules, flow)
    assert completed.end.packet.destination_text == "172.17.0.7:80"
    assert "dockerd" in completed.assumptions[0]
    assert trace(rules, flow, as_is=True).end.packet.destination_text == "127.0.0.2:8080"
    whole = f"*nat\n:DOCKER - [0:0]\n{rules}COMMIT\n"
    assert trace(whole, flow).end.packet.destination_text == "127.0.0.2:8080"  # a whole dump is taken as it is
    assert seed


def test_source_of_a_packet_made_here_is_the_nodes_own() -> None:
    rules = table("filter", "-A OUTPUT -m addrtype --src-type LOCAL -j DROP")
    assert trace(rules, "tcp 192.0.2.77:1 -> 8.8.8.8:53 from host").end.fate is Fate.DROP


def test_pick_and_seed_keep_one_branch() -> None:
    rules = table("nat", "-A PREROUTING -p tcp -j DNAT --to-destination 172.17.0.4-172.17.0.6")
    flow = "tcp 198.51.100.7:33000 -> 192.0.2.10:80 in eth0"
    assert trace(rules, flow, pick="2").end.packet.destination_text == "172.17.0.5:80"
    assert trace(rules, flow, pick="172.17.0.6").end.packet.destination_text == "172.17.0.6:80"
    drawn = {trace(rules, flow, seed=seed).end.packet.destination_text for seed in range(40)}
    assert drawn == {"172.17.0.4:80", "172.17.0.5:80", "172.17.0.6:80"}
    assert trace(rules, flow, seed=5).end == trace(rules, flow, seed=5).end
    for wrong in ("7", "10.9.9.9"):
        with pytest.raises(UsageError) as caught:
            trace(rules, flow, pick=wrong)
        assert caught.value.diagnostics[0].code == "IPT044"


def test_route_steps_tell_why() -> None:
    found = trace(table("filter", ":FORWARD ACCEPT"), FORWARDED, ROUTER)
    (route,) = [step for step in found.steps(found.end) if isinstance(step, RouteStep)]
    assert (route.kind, route.interface, route.why) == ("forward", "eth0", "0.0.0.0/0 by eth0")


def test_translation_keeps_the_old_packet_true() -> None:
    found = trace(table("nat", "-A PREROUTING -p tcp -j DNAT --to-destination 172.17.0.7"), FORWARDED, ROUTER)
    (step,) = [step for step in found.steps(found.end) if isinstance(step, TranslateStep)]
    assert (step.before.destination_text, step.after.destination_text) == ("198.51.100.7:80", "172.17.0.7:80")
    assert found.flow.packet.destination_text == "198.51.100.7:80"


@pytest.mark.parametrize(
    ("destination", "comes_back"),
    [("10.0.0.255", True), ("255.255.255.255", True), ("224.0.0.1", True), ("239.1.2.3", False), ("10.0.0.9", False)],
)
def test_what_this_node_sends_to_many_comes_back(destination: str, comes_back: bool) -> None:
    """The kernel's hooks: OUTPUT, POSTROUTING twice, PREROUTING, INPUT (``ip_mc_output``); the way out is followed."""
    node = Node.of({"eth1": ["10.0.0.1/24"]}, [Route(Prefix.parse("0.0.0.0/0"), "eth1", ip_address("10.0.0.254"))])
    packet = Packet(ip_address("10.0.0.1"), ip_address(destination), UDP, 53, 20010, frozenset())
    found = trace("*filter\nCOMMIT\n", packet, node)
    notes = [step.text for step in found.steps(found.end) if isinstance(step, NoteStep)]
    assert found.end.fate is Fate.SENT
    assert bool(notes) is comes_back, notes


def test_mark_of_a_connection_that_is_only_told() -> None:
    """``connmark_tg`` always goes on (xt_connmark.c): what it restores here is not known, which is said."""
    rules = table("mangle", "-A PREROUTING -i eth1 -j CONNMARK --restore-mark --nfmask 0x80 --ctmask 0x80")
    found = trace(rules, Flow(parse_flow(FORWARDED).packet, State.ESTABLISHED), ROUTER)
    assert found.end.fate is Fate.FORWARD
    assert hits(found)[0] == "mangle PREROUTING:1"
    assert [text for text in found.assumptions if "CONNMARK" in text] == [
        "the mark of the connection is not known: -j CONNMARK is taken to change nothing"
    ]
    fresh = trace(rules, FORWARDED, ROUTER)
    assert not [text for text in fresh.assumptions if "CONNMARK" in text]
