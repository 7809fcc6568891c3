"""Small pairs whose answer is plain: verdicts, kinds, exact sizes, and what is not decided."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from iptc_sim.behaviour.answer import Behaviour, Kind, Verdict
from iptc_sim.behaviour.differ import differ
from iptc_sim.diagnostics import InputError, UsageError
from iptc_sim.node import Node, Route
from iptc_sim.records import replace
from iptc_sim.syntax import parse
from iptc_sim.values import Family, Prefix, Variant
from tests.strategies import ladder


def filters(*rules: str, policy: str = "ACCEPT", head: str = "") -> str:
    chains = f":INPUT ACCEPT [0:0]\n:FORWARD {policy} [0:0]\n:OUTPUT ACCEPT [0:0]\n{head}"
    return f"*filter\n{chains}{''.join(f'-A {rule}{chr(10)}' for rule in rules)}COMMIT\n"


def nat(*rules: str, head: str = "") -> str:
    chains = f":PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n{head}"
    return f"*nat\n{chains}{''.join(f'-A {rule}{chr(10)}' for rule in rules)}COMMIT\n"


def answer(a: str, b: str, *, limit: int = 20) -> Behaviour:
    return differ(parse(a), parse(b), limit=limit)


MARKED = (
    "*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -j MARK --set-xmark 0x0/0xffffffff\n"
    "-A PREROUTING -s 10.0.0.1/32 -j MARK --set-xmark 0x1/0xffffffff\nCOMMIT\n"
)
#: Destinations that packets are forwarded to: all but 224.0.0.0/4, 127.0.0.0/8, 0.0.0.0 and 255.255.255.255.
FORWARDED = (1 << 32) - (1 << 28) - (1 << 24) - 2

SAME = {
    "order of rules that no packet fits both of": (
        filters("FORWARD -s 10.0.0.1/32 -j DROP", "FORWARD -s 10.0.0.2/32 -j DROP"),
        filters("FORWARD -s 10.0.0.2/32 -j DROP", "FORWARD -s 10.0.0.1/32 -j DROP"),
    ),
    "two halves": (
        filters("FORWARD -s 10.0.0.0/24 -j DROP"),
        filters("FORWARD -s 10.0.0.0/25 -j DROP", "FORWARD -s 10.0.0.128/25 -j DROP"),
    ),
    "a renamed chain": (
        filters("FORWARD -p tcp -j web", "web -s 10.0.0.1/32 -j DROP", head=":web - [0:0]\n"),
        filters("FORWARD -p tcp -j site", "site -s 10.0.0.1/32 -j DROP", head=":site - [0:0]\n"),
    ),
    "a shadowed rule": (
        filters("FORWARD -s 10.0.0.0/8 -j DROP", "FORWARD -s 10.1.0.0/16 -j REJECT"),
        filters("FORWARD -s 10.0.0.0/8 -j DROP"),
    ),
    "a policy said as a rule": (filters(policy="DROP"), filters("FORWARD -j DROP")),
    "a drop moved to mangle": (
        filters("FORWARD -s 10.0.0.1/32 -j DROP"),
        "*mangle\n:FORWARD ACCEPT [0:0]\n-A FORWARD -s 10.0.0.1/32 -j DROP\nCOMMIT\n" + filters(),
    ),
    "a mark set and asked": (
        MARKED + filters("FORWARD -s 10.0.0.1/32 -j DROP"),
        MARKED + filters("FORWARD -m mark --mark 0x1 -j DROP"),
    ),
    "a chain that nothing leads to": (filters(), filters("idle -j DROP", head=":idle - [0:0]\n")),
    "the same odds drawn another way": (
        nat(*(f"PREROUTING -d 192.0.2.1/32 {rule}" for rule in (
            "-p tcp -m statistic --mode random --probability 0.5 -j DNAT --to-destination 10.0.0.1",
            "-p tcp -j DNAT --to-destination 10.0.0.2",
        ))),
        nat(*(f"PREROUTING -d 192.0.2.1/32 {rule}" for rule in (
            "-p tcp -m statistic --mode random --probability 0.5 -j DNAT --to-destination 10.0.0.2",
            "-p tcp -j DNAT --to-destination 10.0.0.1",
        ))),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_equivalent(name: str) -> None:
    a, b = SAME[name]
    found = answer(a, b)
    assert (found.verdict, found.classes, found.undecided) == (Verdict.EQUIVALENT, (), ()), found


@pytest.mark.parametrize(
    ("a", "b", "kinds", "size"),
    [
        (
            filters("FORWARD -s 10.0.0.0/24 -p tcp -m tcp --dport 80 -j DROP"),
            filters(),
            {Kind.FATE},
            256 * FORWARDED << 16,
        ),
        (
            filters("FORWARD -s 10.0.0.0/24 -p icmp -j REJECT --reject-with icmp-port-unreachable"),
            filters("FORWARD -s 10.0.0.0/24 -p icmp -j REJECT --reject-with icmp-host-prohibited"),
            {Kind.REJECT},
            256 * FORWARDED,
        ),
        (
            nat("PREROUTING -d 192.0.2.1/32 -p udp -m udp --dport 53 -j DNAT --to-destination 10.0.0.1:53"),
            nat("PREROUTING -d 192.0.2.1/32 -p udp -m udp --dport 53 -j DNAT --to-destination 10.0.0.2:53"),
            {Kind.DESTINATION},
            None,
        ),
        (
            nat("POSTROUTING -s 10.0.0.0/24 -o eth0 -j MASQUERADE"),
            nat("POSTROUTING -s 10.0.0.0/25 -o eth0 -j MASQUERADE"),
            {Kind.MASQUERADE},
            None,
        ),
        (
            "*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -s 10.0.0.1/32 -j MARK --set-xmark 0x1/0x1\nCOMMIT\n",
            "*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -s 10.0.0.1/32 -j MARK --set-xmark 0x3/0x3\nCOMMIT\n",
            {Kind.MARK},
            None,
        ),
    ],
)
def test_different(a: str, b: str, kinds: set[Kind], size: int | None) -> None:
    found = answer(a, b)
    assert found.verdict is Verdict.DIFFERENT
    assert {kind for item in found.classes for kind in item.kinds} == kinds
    assert found.complete
    if size is not None:
        assert sum(item.size for item in found.classes) == size


def drawn(probability: str) -> str:
    rule = f"-m statistic --mode random --probability {probability} -j DNAT --to-destination 10.0.0.1"
    return nat(f"PREROUTING -d 192.0.2.1/32 {rule}", "PREROUTING -d 192.0.2.1/32 -j DNAT --to-destination 10.0.0.2")


def test_odds() -> None:
    found = answer(drawn("0.5"), drawn("0.4"))
    assert {item.kinds for item in found.classes} == {(Kind.ODDS,)}
    shares = {share.ending.destination: share.odds.fraction for share in found.classes[0].ours if share.odds}
    assert set(shares.values()) == {parse_half()}


def parse_half() -> object:
    from fractions import Fraction

    return Fraction(1, 2)


def test_rounding_is_told_and_no_difference() -> None:
    found = answer(drawn("0.33333333349"), drawn("0.33333333302"))  # one step of 2^-31 apart
    assert found.verdict is Verdict.EQUIVALENT
    assert {item.kinds for item in found.classes} == {(Kind.ROUNDING,)}


def test_a_limit_that_is_asked_for_other_packets() -> None:
    limit = "FORWARD -m limit --limit 1/sec -j MARKED"
    head = ":MARKED - [0:0]\n"
    ends = ("MARKED -j ACCEPT", "FORWARD -j ACCEPT")
    a = filters(limit, *ends, head=head)
    b = filters("FORWARD -s 10.0.0.1/32 -j ACCEPT", limit, *ends, head=head)
    found = answer(a, b)
    assert found.verdict is Verdict.UNDECIDED
    assert "asked for other packets" in found.undecided[0].why


def test_what_is_asked_is_told_as_rules_say_it() -> None:
    lists = "FORWARD -m recent --set --name seen", "FORWARD -m recent ! --rcheck --seconds 9 --name seen -j DROP"
    found = answer(filters(*lists), filters(lists[1]))
    assert found.verdict is Verdict.UNDECIDED
    assert "-m recent --set --name seen --mask 255.255.255.255 --rsource" in found.undecided[0].places


def test_a_hashlimit_table_that_another_rule_makes() -> None:
    """Rules of one name share the table of the rule that is loaded first (tests/kernel/test_shared_rates.py)."""

    def limited(source: str, more: str) -> str:
        options = f"--hashlimit-upto {more} --hashlimit-burst 5 --hashlimit-mode srcip --hashlimit-name shared"
        return f"INPUT -s {source} -m hashlimit {options} -j ACCEPT"

    rules = limited("10.0.0.1", "1/hour"), limited("10.0.0.2", "9/sec")
    found = answer(filters(*rules), filters(*rules[::-1]))
    assert found.verdict is Verdict.UNDECIDED
    assert "hashlimit table shared" in found.undecided[0].why
    same = limited("10.0.0.1", "1/hour"), limited("10.0.0.2", "1/hour")
    assert not any("hashlimit" in item.why for item in answer(filters(*same), filters(*same[::-1])).undecided)


LOCAL = Route(Prefix.parse("10.1.0.1"), "eth0", kind="local", table="local")
DEFAULT = Route(Prefix.parse("0.0.0.0/0"), "eth1")


@pytest.mark.parametrize(
    ("derived", "routes", "goes_by"),
    [
        (True, [DEFAULT], "eth0"),
        (False, [LOCAL, DEFAULT], "eth1"),  # as after ip addr add 10.1.0.1/16 dev eth0 noprefixroute
        (False, [LOCAL, DEFAULT, Route(Prefix.parse("10.1.0.0/16"), "eth0", metric=100)], "eth0"),
        (False, [LOCAL, replace(DEFAULT, metric=9), Route(Prefix.parse("0.0.0.0/0"), "eth0", metric=10)], "eth1"),
        (False, [LOCAL, replace(DEFAULT, metric=9), Route(Prefix.parse("0.0.0.0/0"), "eth0", metric=8)], "eth0"),
    ],
)
def test_packets_go_by_the_routes_that_a_node_has(derived: bool, routes: list[Route], goes_by: str) -> None:
    node = replace(Node.of({"eth0": ["10.1.0.1/16"], "eth1": ["192.0.2.1/24"]}, routes), derived=derived)
    assert node.lookup(ip_address("10.1.0.9")).interface == goes_by
    for interface in ("eth0", "eth1"):
        rule = f"FORWARD -d 10.1.0.0/24 -o {interface} -j DROP"
        found = differ(parse(filters(rule)), parse(filters()), node)
        assert found.verdict is (Verdict.DIFFERENT if interface == goes_by else Verdict.EQUIVALENT)


def test_families() -> None:
    with pytest.raises(UsageError, match="two families"):
        differ(parse(filters(), family=Family.IPV4), parse(filters(), family=Family.IPV6))


def test_limit() -> None:
    rules = [f"FORWARD -s 10.0.{number}.0/24 -j REJECT --reject-with {code}" for number, code in enumerate(
        ("icmp-port-unreachable", "icmp-net-unreachable", "icmp-host-unreachable", "icmp-proto-unreachable")
    )]  # fmt: skip
    found = answer(filters(*rules), filters(), limit=2)
    assert (len(found.classes), found.complete) == (2, False)
    assert len(answer(filters(*rules), filters()).classes) == 4


def test_deep_chains() -> None:
    """What nf_tables loads is compared, what it refuses is refused; deeper than that only legacy goes."""
    first, second = (ladder(15, target) for target in ("DROP", "ACCEPT"))
    assert differ(parse(first), parse(second)).verdict is Verdict.DIFFERENT
    with pytest.raises(InputError, match="nested deeper than 15 jumps"):
        differ(parse(ladder(16)), parse(first))
    with pytest.raises(InputError, match="nested deeper than 15 jumps"):
        differ(parse(ladder(3000)), parse(ladder(3000, "ACCEPT")))
    for length, verdict in ((40, Verdict.DIFFERENT), (3000, Verdict.UNDECIDED)):
        one, other = (parse(ladder(length, target), variant=Variant.LEGACY) for target in ("DROP", "ACCEPT"))
        assert differ(one, other).verdict is verdict
