"""Matches that remember: what they say of a fresh rule, of one whose past is not known, and without a clock.

What they say packet by packet is compared with the kernel in tests/kernel/test_history.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_address

import pytest

from iptc_sim.connection import Connection
from iptc_sim.engine.load_order import FirstLoaded
from iptc_sim.ipsets.text import read_ipsets
from iptc_sim.match import No, Unclear, Yes
from iptc_sim.memory import Memory
from iptc_sim.moment import Hook, Moment
from iptc_sim.node import Link, Node
from iptc_sim.packet import Owner, Packet
from iptc_sim.syntax import parse
from iptc_sim.tracking import State
from iptc_sim.values import UNKNOWN, Odds, Variant

NODE = Node.of({"eth0": ["192.0.2.10/24"], "eth1": ["10.0.0.1/24"]})
PACKET = Packet(ip_address("10.0.0.5"), ip_address("198.51.100.7"), 17, 33000, 53, frozenset(), in_interface="eth1")
ENTRY = Connection.first(PACKET)


def answers(
    options: str, times: Sequence[float | None], memory: Memory, *, packet: Packet = PACKET, **more: object
) -> str:
    """Return ``y``, ``n`` or ``?`` for a packet at each of these times; what is unclear counts as not fitting."""
    ruleset = parse(f"*filter\n:FOO - [0:0]\n-A FOO {options}\nCOMMIT\n")
    ((*_, rule),) = ruleset.rules()
    found = ""
    for now in times:
        at = Moment(packet, Hook.FORWARD, "filter", NODE, None, memory, now, ("filter", "FOO", 1))
        for name, value in more.items():
            at = replace(at, **{name: value})  # type: ignore[arg-type]
        outcome: object = Yes()
        for match in rule.matches:
            outcome = match.judge(at)
            at = replace(at, memory=match.remember(at, isinstance(outcome, Yes)))
        found += {Yes: "y", No: "n", Unclear: "?"}[type(outcome)]
        memory = at.memory
    return found


FRESH, UNKNOWN_PAST = Memory(fresh=True), Memory()


@pytest.mark.parametrize(
    ("options", "times", "fresh", "past"),
    [
        ("-m limit --limit 1/sec --limit-burst 2", [0, 0, 0, 0.9, 1, 3.5, 3.5, 3.5], "yynnyyyn", "?" * 8),
        # Without a clock a full bucket still has its burst; then nobody knows.
        ("-m limit --limit 1/sec --limit-burst 2", [None, None, None], "yy?", "???"),
        ("-m quota --quota 60", [0, 0, 0], "yyn", "???"),
        ("-m quota ! --quota 60", [None, None, None], "nny", "???"),
        ("-m statistic --mode nth --every 3 --packet 1", [None] * 6, "nynnyn", "?" * 6),
        (
            "-m statistic --mode nth ! --every 2 --packet 0",
            [None] * 4,
            "nyny",
            "?yny",
        ),  # who does not fit tells the count
        ("-m hashlimit --hashlimit-upto 1/sec --hashlimit-burst 2 --hashlimit-name x", [0, 0, 0, 1], "yyny", "????"),
        # An entry that was idle for a second may be forgotten from then on, and is so after two.
        (
            "-m hashlimit --hashlimit-above 1/min --hashlimit-burst 1 --hashlimit-name x --hashlimit-htable-expire 1000",
            [0, 0.5, 2, 4.1],
            "ny?n",
            "????",
        ),
        ("-m recent --set", [None], "y", "y"),
        ("-m recent --rcheck", [None, 0], "nn", "??"),
        ("-m recent --set -m recent --rcheck --seconds 60 --hitcount 2", [None], "n", "?"),
        ("-m recent --set -m recent --rcheck --seconds 60", [None], "y", "y"),
        ("-m recent --set -m recent --rcheck --seconds 2 --hitcount 2", [0, 1, 4, 6], "nyny", "?y?y"),
        ("-m recent --set -m recent --remove", [None, None], "yy", "yy"),
        ("-m recent --remove -m recent --rcheck", [None], "n", "?"),
        ("-m connlimit --connlimit-above 1", [None], "n", "?"),
        ("-m connlimit --connlimit-above 0", [None], "y", "y"),
        ("-m time --timestart 01:00 --timestop 02:00", [None, 0, 3600, 7200, 7201], "?nyyn", "?nyyn"),
        ("-m time --timestart 23:00 --timestop 01:00 --weekdays Wed", [84600, 86400], "nn", "nn"),
        ("-m time --timestart 23:00 --timestop 01:00 --weekdays Thu", [84600, 86400], "yn", "yn"),
        ("-m time --timestart 23:00 --timestop 01:00 --weekdays Thu --contiguous", [84600, 86400], "yy", "yy"),
        ("-m time --monthdays 31 --kerneltz", [86400 * 30 - 1, 86400 * 30.5, 86400 * 29.5 - 36000], "??n", "??n"),
        ("-m time --datestop 1970-01-02", [86400, 86401], "yn", "yn"),
    ],
)
def test_what_the_past_tells(options: str, times: list[float | None], fresh: str, past: str) -> None:
    assert answers(options, times, FRESH) == fresh
    assert answers(options, times, UNKNOWN_PAST) == past


def test_a_counter_that_is_not_known_has_odds_until_it_fits() -> None:
    ruleset = parse("*filter\n-A FORWARD -m statistic --mode nth --every 3 --packet 1\nCOMMIT\n")
    ((*_, rule),) = ruleset.rules()
    (match,) = rule.matches
    at = Moment(PACKET, Hook.FORWARD, "filter", NODE, None, place=("filter", "FORWARD", 1))
    found = match.judge(at)
    assert isinstance(found, Unclear)
    assert found.chance == Odds(1, 3)
    at = replace(at, memory=match.remember(at, fits=True))
    assert isinstance(match.judge(at), No)  # the one that fits was just there


def test_rules_keep_counters_of_their_own() -> None:
    ruleset = parse("*filter\n-A FORWARD -m quota --quota 40\n-A FORWARD -m quota --quota 40\nCOMMIT\n")
    memory = FRESH
    for number, (*_, rule) in enumerate(ruleset.rules(), 1):
        at = Moment(PACKET, Hook.FORWARD, "filter", NODE, None, memory, place=("filter", "FORWARD", number))
        assert isinstance(rule.matches[0].judge(at), Yes)
        memory = rule.matches[0].remember(at, fits=True)


def test_connlimit_between_what_is_sure_and_what_is_possible() -> None:
    def one(port: int, tcp: str = "") -> Connection:
        return replace(Connection.first(replace(PACKET, sport=port)), tcp=tcp, confirmed=True)

    others = (one(1), one(2), one(3, "TIME_WAIT"))
    assert answers("-m connlimit --connlimit-above 2", [0], UNKNOWN_PAST, others=others) == "?"
    assert answers("-m connlimit --connlimit-above 3", [0], UNKNOWN_PAST, others=others) == "n"
    assert answers("-m connlimit --connlimit-upto 3", [0], UNKNOWN_PAST, others=others) == "y"
    # Rules that were just loaded have seen none of them.
    assert answers("-m connlimit --connlimit-above 1", [0], FRESH, others=others) == "n"


@pytest.mark.parametrize(
    ("options", "new", "told"),
    [
        ("-m connmark --mark 0", "y", "?"),
        ("-m connmark --mark 1", "n", "?"),
        ("-m connmark --mark 0x12/0x4000", "n", "n"),
        ("-m connmark ! --mark 0x12/0x4000", "y", "y"),
        ("-m connlabel --label 3", "n", "?"),
        ("-m connlabel ! --label 3", "y", "?"),
        ("-m connlabel --label 3 --set", "y", "y"),
        ("-m connlabel --label 3 --set -m connlabel --label 3", "y", "y"),
        ("-m helper --helper ftp", "n", "?"),
        ("-m connbytes --connbytes 1 --connbytes-mode packets --connbytes-dir both", "y", "?"),
        ("-m connbytes --connbytes 28:28 --connbytes-mode avgpkt --connbytes-dir original", "y", "?"),
    ],
)
def test_connections(options: str, new: str, told: str) -> None:
    entries = (ENTRY, replace(ENTRY, state=State.ESTABLISHED))
    assert [answers(options, [None], FRESH, connection=entry) for entry in entries] == [new, told]


@pytest.mark.parametrize(
    ("options", "local", "unknown", "forwarded"),
    [
        ("--uid-owner 0", "y", "?", "n"),
        ("! --uid-owner 0", "n", "?", "y"),
        ("--gid-owner 5-7", "n", "?", "n"),
        ("--gid-owner 5-7 --suppl-groups", "y", "?", "n"),
        ("! --gid-owner 9 --suppl-groups", "y", "?", "n"),
        ("--socket-exists", "y", "?", "n"),
        ("! --socket-exists", "n", "?", "y"),
    ],
)
def test_owner(options: str, local: str, unknown: str, forwarded: str) -> None:
    made_here = replace(PACKET, in_interface=None)
    root = replace(made_here, owner=Owner(0, 0, frozenset({6})))
    packets = (root, made_here, PACKET)
    found = [answers(f"-m owner {options}", [None], FRESH, packet=packet) for packet in packets]
    assert found == [local, unknown, forwarded]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("-m physdev --physdev-in eth1", "yyn"),
        ("-m physdev --physdev-is-bridged", "ynn"),
        ("-m physdev ! --physdev-is-bridged", "nyy"),
        ("-m physdev ! --physdev-out eth1", "yny"),
        ("-m physdev ! --physdev-in eth0", "yyy"),
        ("-m physdev --physdev-is-in", "yyn"),
        ("-m physdev ! --physdev-is-out", "nyy"),
    ],
)
def test_physdev(options: str, expected: str) -> None:
    """Bridged from eth1 to eth2; from a bridge and then routed; routed to a bridge: as the kernel says of each."""
    bridged = replace(PACKET, in_interface="br0", out_interface="br0", physical_in="eth1", physical_out="eth2")
    routed = replace(bridged, out_interface="eth0", physical_out=None)
    plain = replace(routed, in_interface="eth0", out_interface="br0", physical_in=None)
    assert "".join(answers(options, [None], FRESH, packet=packet) for packet in (bridged, routed, plain)) == expected


@pytest.mark.parametrize(
    "options",
    [
        "-m cpu --cpu 0",
        "-m nfacct --nfacct-name x",
        "-m osf --genre Linux -p tcp",
        "-m socket",
        "-m ipvs --ipvs",
        "-m rateest --rateest x --rateest-lt --rateest-bps 5",
        "-m set --match-set x src",
    ],
)
def test_what_cannot_be_known_says_what_would_tell(options: str) -> None:
    ruleset = parse(f"*filter\n:FOO - [0:0]\n-A FOO {options}\nCOMMIT\n")
    ((*_, rule),) = ruleset.rules()
    found = rule.matches[0].judge(Moment(PACKET, Hook.FORWARD, "filter", NODE, None, FRESH))
    assert isinstance(found, Unclear)
    assert "not modelled" not in found.why


def test_policy_of_a_node_that_is_known_and_of_one_that_is_not() -> None:
    for options, expected in (("--pol none", "y"), ("--pol ipsec", "n"), ("--pol ipsec --proto esp", "n")):
        assert answers(f"-m policy --dir in {options}", [None], FRESH) == expected
        assert answers(f"-m policy --dir in {options}", [None], FRESH, node=Node()) == "?"


def test_connlimit_and_assured_connections() -> None:
    """An assured connection that has not asked before does not count beside others, and is lost where none is left."""
    one, two = (replace(Connection.first(replace(PACKET, sport=port)), confirmed=True) for port in (1, 2))
    assured = replace(ENTRY, state=State.ESTABLISHED, confirmed=True, seen_reply=True, assured=True)
    ruleset = parse("*filter\n-A FORWARD -m connlimit --connlimit-above 1\nCOMMIT\n")
    ((*_, rule),) = ruleset.rules()
    (match,) = rule.matches
    at = Moment(PACKET, Hook.FORWARD, "filter", NODE, one, FRESH, place=("filter", "FORWARD", 1), others=(one,))
    at = replace(at, memory=match.remember(at, fits=False))
    assert isinstance(match.judge(replace(at, connection=two)), Yes)
    assert isinstance(match.judge(replace(at, connection=assured)), No)
    lost = match.judge(replace(at, connection=assured, others=()))
    assert isinstance(lost, No)
    assert lost.drops


def test_groups_and_realms_come_from_the_node() -> None:
    node = replace(NODE, links=(Link("eth1", group="16"), Link("eth0")))
    packet = replace(PACKET, out_interface="eth0")

    def asked(options: str, packet: Packet = packet, node: Node = node) -> str:
        return answers(options, [None], FRESH, packet=packet, node=node)

    assert asked("-m devgroup --src-group 16") == "y"
    assert asked("-m devgroup --src-group 0x13/0x10 --dst-group 0") == "y"
    assert asked("-m devgroup --dst-group 1") == "n"
    assert asked("-m devgroup --dst-group 1", replace(packet, out_interface="eth9")) == "?"
    assert asked("-m realm --realm 0") == "y"
    assert asked("-m realm --realm 1") == "n"
    assert asked("-m realm --realm 0", node=Node()) == "?"


SETS = """\
create i hash:ip family inet hashsize 1024 maxelem 65536 timeout 300 counters comment bucketsize 12 initval 0x007fb1c8
add i 10.0.0.5 timeout 299 packets 3 bytes 84 comment "a b"
create n hash:net family inet hashsize 1024 maxelem 65536 bucketsize 12 initval 0x0e36d0fc
add n 10.0.0.0/8
add n 10.1.0.0/16 nomatch
create m hash:mac hashsize 1024 maxelem 65536 bucketsize 12 initval 0x0e36d0fc
add m 02:00:00:00:00:01
create im hash:ip,mac family inet hashsize 1024 maxelem 65536
add im 10.0.0.5,02:00:00:00:00:01
create mk hash:ip,mark family inet markmask 0x000000ff hashsize 1024 maxelem 65536
add mk 10.0.0.5,0x00000063
create nn hash:net,net family inet hashsize 1024 maxelem 65536
add nn 10.0.0.0/8,198.51.100.0/24
add nn 10.0.0.5,198.51.0.0/16 nomatch
create npn hash:net,port,net family inet hashsize 1024 maxelem 65536
add npn 10.0.0.0/8,udp:53,198.51.100.0/24
create ipi hash:ip,port,ip family inet hashsize 1024 maxelem 65536
add ipi 10.0.0.5,udp:53,198.51.100.7
create six hash:ip family inet6 hashsize 1024 maxelem 65536 netmask 64
add six 2001:db8::
create ic hash:ip,port family inet6 hashsize 1024 maxelem 65536
add ic 2001:db8::5,ipv6-icmp:echo-request
add ic 2001:db8::5,ipv6-icmp:5/2
create b bitmap:port range 0-1024
add b 53
create l list:set size 8
add l m
add l n
"""


@pytest.mark.parametrize(
    ("lookup", "expected"),
    [
        ("i src", "y"),
        ("i dst", "n"),
        ("i src --packets-gt 3", "y"),  # the packet itself counts
        ("i src --packets-eq 3 ! --update-counters", "y"),
        ("n src", "y"),
        ("m src", "y"),
        ("im src,src", "y"),
        ("mk src,src", "y"),
        ("nn src,dst", "n"),  # the longer network of the first dimension goes first
        ("nn src,dst --return-nomatch", "y"),
        ("npn src,dst,dst", "y"),
        ("npn src,src,dst", "n"),
        ("ipi src,dst,dst", "y"),
        ("ipi src,dst", "n"),  # too few sides never fit
        ("six src", "n"),
        ("b dst", "y"),
        ("l src", "y"),
        ("unheard src", "?"),
    ],
)
def test_ipsets(lookup: str, expected: str) -> None:
    """Types that the kernel of the tests does not have are here: as ipset(8) says."""
    node = replace(NODE, sets=read_ipsets(SETS))
    packet = replace(PACKET, mark=0x163, source_mac=bytes.fromhex("020000000001"))
    name, _, rest = lookup.partition(" ")
    assert answers(f"-m set --match-set {name} {rest}", [0], FRESH, packet=packet, node=node) == expected
    if expected in "yn" and "--" not in lookup:
        other = "n" if expected == "y" else "y"
        assert answers(f"-m set ! --match-set {name} {rest}", [0], FRESH, packet=packet, node=node) == other
    assert answers(f"-m set --match-set {name} {rest}", [0], FRESH, packet=packet) == "?"


def test_a_side_that_is_not_known() -> None:
    node = replace(NODE, sets=read_ipsets(SETS))
    assert answers("-m set --match-set i src", [0], FRESH, packet=replace(PACKET, source=UNKNOWN), node=node) == "?"
    assert answers("-m set --match-set b dst", [0], FRESH, packet=replace(PACKET, dport=UNKNOWN), node=node) == "?"
    assert answers("-m set --match-set m src", [0], FRESH, node=node) == "?"


@pytest.mark.parametrize("text", ["create", "add x 10.0.0.1", "create a hash:ip\nadd a nonsense", "flush a"])
def test_text_that_is_no_sets(text: str) -> None:
    with pytest.raises(ValueError, match=r"^line \d: "):
        read_ipsets(text)


def test_rules_of_one_name_count_as_the_first_one_says() -> None:
    """As tests/kernel/test_shared_rates.py shows; the two variants load the rules in different orders."""
    lines = [f"-A {chain} -m hashlimit --hashlimit-upto 1/hour --hashlimit-burst {burst} --hashlimit-name x"
             for chain, burst in (("FORWARD", 3), ("INPUT", 1))]  # fmt: skip
    ruleset = parse("\n".join(["*filter", *lines, "COMMIT", ""]))
    options = lines[1].removeprefix("-A INPUT ")
    for variant, expected in ((Variant.NFT, "yyynn"), (Variant.LEGACY, "ynnnn")):
        first = FirstLoaded(replace(ruleset, variant=variant))
        assert answers(options, [0] * 5, FRESH, first=first) == expected
    first = FirstLoaded(parse("*filter\n-A FORWARD -m hashlimit --hashlimit-upto 1kb/s --hashlimit-name x\nCOMMIT\n"))
    assert answers(options, [0], FRESH, first=first) == "?"
