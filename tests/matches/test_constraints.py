"""Every match and its constraint say the same of drawn packets. What is expected is what ``judge`` answers."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from itertools import product
from random import Random

import pytest

from iptc_sim import parse
from iptc_sim.builtin import ANY, BaseMatch, ForeignMatch
from iptc_sim.constraint import (
    ALWAYS,
    NEVER,
    Asked,
    Bits,
    Constraint,
    Draw,
    Field,
    Free,
    NamedInterface,
    Own,
    Within,
    both,
    leaves,
)
from iptc_sim.diagnostics import InputError
from iptc_sim.extension import Placement
from iptc_sim.match import Match, No, Yes
from iptc_sim.matches import MATCHES
from iptc_sim.moment import Hook, Moment
from iptc_sim.records import replace
from iptc_sim.ruleset import BUILTIN_CHAINS, Rule
from iptc_sim.values import Address, Family, Negatable, Unknown, Variant
from tests.drawn.rules import LOOSE, NEXT, draw_rules
from tests.matches.constraint_moments import Answers, Drawer, fields_of, holds, numbers_of

#: How many rules are drawn of each class and family, and how many packets for each of their matches.
RULES, PACKETS = (13, 15) if os.environ.get("IPTC_CONSTRAINTS") == "all" else (7, 8)
#: Of these nothing is reasoned about beside the protocol, whether there is a connection, and where the packet came in.
FREE = frozenset({
    "ah", "bpf", "cgroup", "cluster", "cpu", "devgroup", "dst", "esp", "eui64", "frag", "hbh", "helper", "ipcomp", "ipv6header", "ipvs", "mac", "mh",
    "osf", "owner", "physdev", "pkttype", "policy", "realm", "rpfilter", "rt", "socket", "srh", "string",
    "tcpmss", "time", "u32",
})  # fmt: skip
#: These hang on what was seen before (``set`` where it compares counters).
OWN = frozenset({
    "connbytes", "connlabel", "connlimit", "hashlimit", "limit", "nfacct", "quota", "rateest", "recent", "set",
})  # fmt: skip
#: The fields with which such a class may still narrow down what it asks.
_COARSE = frozenset({Field.PROTOCOL, Field.CTSTATE, Field.IN_INTERFACE})
#: Fields that rules rewrite, and how a test does.
_REWRITTEN: dict[Field, Callable[[Moment], Moment]] = {
    Field.MARK: lambda at: replace(at, packet=replace(at.packet, mark=at.packet.mark ^ 0x55)),
    Field.HOPS: lambda at: replace(at, packet=replace(at.packet, ttl=at.packet.ttl ^ 1)),
    Field.TOS: lambda at: replace(at, packet=replace(at.packet, tos=at.packet.tos ^ 0x44)),
    Field.IN_INTERFACE: lambda at: replace(at, packet=replace(at.packet, in_interface="lo")),
    Field.SOURCE: lambda at: replace(at, packet=replace(at.packet, source=_next(at.packet.source, 1))),
    Field.DESTINATION: lambda at: replace(at, packet=replace(at.packet, destination=_next(at.packet.destination, -1))),
}


def _next(address: Address | Unknown, step: int) -> Address:
    """Return another address, near by."""
    assert isinstance(address, Address)
    number = (int(address) + step) % (1 << address.max_prefixlen)
    return IPv4Address(number) if address.version == 4 else IPv6Address(number)


@dataclass(frozen=True)
class Case:
    """A match in a rule that the kernel takes, and where the rule stands."""

    rule: Rule
    match: Match
    asked: Asked
    text: str

    @property
    def constraint(self) -> Constraint:
        return self.match.constraint(self.asked)


def classes() -> list[type[Match]]:
    return [*MATCHES.all(), BaseMatch]


_CASES: dict[tuple[str, Family], tuple[Case, ...]] = {}


def _cases(cls: type[Match], family: Family) -> tuple[Case, ...]:
    if (cls.NAME, family) not in _CASES:
        _CASES[cls.NAME, family] = tuple(_drawn(cls, family))
    return _CASES[cls.NAME, family]


def _drawn(cls: type[Match], family: Family) -> Iterator[Case]:
    """Return matches of drawn rules; where a rule stands in a loose chain, at a hook by which it may be reached."""
    random = Random(f"{cls.NAME} {int(family)}")
    # Of the base options any rule has some.
    focus = MATCHES.all()[0] if cls is BaseMatch else cls
    for number, drawn in enumerate(draw_rules(focus, family, RULES, 6)):
        text = f"*{drawn.table}\n:{LOOSE} - [0:0]\n:{NEXT} - [0:0]\n{drawn.line}\nCOMMIT\n"
        variant = (Variant.NFT, Variant.LEGACY)[number % 2]
        try:
            rules = [rule for *_, rule in parse(text, family=family, variant=variant).rules()]
        except InputError:
            continue
        for rule in rules:
            hooks = [Hook(drawn.chain)] if drawn.chain != LOOSE else [Hook(one) for one in BUILTIN_CHAINS[drawn.table]]
            hook = random.choice(hooks)
            protocol = rule.base.protocol
            place = Placement(
                family, variant, drawn.table, frozenset({hook}), protocol.value if protocol else None,
                protocol is not None and protocol.negated, rule.matches,
            )  # fmt: skip
            for match in (rule.base, *rule.matches):
                if isinstance(match, cls) and not match.refusal(place):
                    yield Case(rule, match, Asked(family, drawn.table, hook, variant), f"{drawn.line} at {hook}")


def _moments(case: Case) -> Iterator[Moment]:
    numbers, names = numbers_of(case.constraint)
    wanted = case.rule.base.protocol
    protocols = () if wanted is None or wanted.negated or isinstance(case.match, BaseMatch) else (wanted.value,)
    asked = case.asked
    drawer = Drawer(Random(case.text), asked.family, asked.table, asked.hook, asked.variant, numbers, names, protocols)
    for _ in range(PACKETS):
        at = drawer.moment()
        if isinstance(case.match, BaseMatch) or not isinstance(_protocol_of(case.rule.base).judge(at), No):
            yield at


def _protocol_of(base: BaseMatch) -> BaseMatch:
    """Return the base options with nothing but ``-p``: what other matches rely on."""
    return replace(ANY, protocol=base.protocol)


def _answered(match: Match, at: Moment) -> bool | None:
    found = match.judge(at)
    return True if isinstance(found, Yes) else False if isinstance(found, No) else None


def _flipped(match: Match) -> Iterator[Match]:
    """Return the match, and with each of its options negated that may be."""
    yield match
    for declared in match.OPTIONS:
        value = getattr(match, declared.field)
        if declared.negatable and isinstance(value, Negatable):
            yield _with(match, {declared.field: Negatable(value.value, not value.negated)})


def _with(match: Match, changes: dict[str, object]) -> Match:
    """Return a match with other options."""
    fields = {declared.field: getattr(match, declared.field) for declared in match.OPTIONS}
    return type(match)(**fields | changes)


def _can_be(told: list[tuple[Constraint, bool | None]], fields: dict[Field, int | str | None]) -> bool:
    """Tell whether some answers to the free questions make every constraint what was answered."""
    told = [(constraint, answer) for constraint, answer in told if answer is not None]
    keys = list({leaf.key for one, _ in told for leaf in leaves(one) if isinstance(leaf, Free | Own)})
    if len(keys) > 8:
        return True
    for values in product((False, True), repeat=len(keys)):
        answers: Answers = dict(zip(keys, values, strict=True))
        if all(holds(constraint, fields, answers) in {answer, None} for constraint, answer in told):
            return True
    return False


def _agree(case: Case, at: Moment) -> None:
    fields = fields_of(at)
    constraint, answer = case.constraint, _answered(case.match, at)
    found = holds(constraint, fields, {})
    if found is None:
        variants = list(_flipped(case.match))
        told = [(one.constraint(case.asked), _answered(one, at)) for one in variants]
        assert _can_be(told, fields), (case.text, told, at.packet, at.connection)
    else:
        assert answer is found, (case.text, constraint, at.packet, at.connection)


def _looked_at(constraint: Constraint) -> set[Field] | None:
    """Return the fields in a constraint; None where they are not told."""
    found: set[Field] = set()
    for leaf in leaves(constraint):
        if isinstance(leaf, Own) or (isinstance(leaf, Free) and leaf.reads is None):
            return None
        if isinstance(leaf, Within | Bits | NamedInterface):
            found.add(leaf.field)
        elif isinstance(leaf, Free):
            found |= leaf.reads or set()
    return found


def _stays(case: Case, at: Moment) -> None:
    """A field that is neither looked at nor read may change without changing the answer."""
    looked_at = _looked_at(case.constraint)
    if looked_at is None or at.packet.raw is not None:
        return
    is_tracked = at.connection is not None and at.connection.is_tracked
    for field, rewrite in _REWRITTEN.items():
        if field in {Field.SOURCE, Field.DESTINATION} and not is_tracked:
            continue  # only nat rewrites them
        followers = {Field.SOURCE: Field.SOURCE_TYPE, Field.DESTINATION: Field.DESTINATION_TYPE}
        if field in looked_at or followers.get(field) in looked_at:
            continue
        other = rewrite(at)
        before, after = _answered(case.match, at), _answered(case.match, other)
        assert before is after or None in {before, after}, (case.text, field, at.packet)


_SEEN: dict[str, int] = {}


@pytest.mark.parametrize("cls", classes(), ids=lambda cls: cls.NAME or "base")
def test_a_constraint_says_what_the_match_answers(cls: type[Match]) -> None:
    for family in cls.FAMILIES:
        for case in _cases(cls, family):
            for at in _moments(case):
                _agree(case, at)
                _stays(case, at)
                _SEEN[cls.NAME] = _SEEN.get(cls.NAME, 0) + 1


def test_enough_was_asked() -> None:
    """At the end of the file: no class is left out, and together it is as many pairs as the plan says."""
    for cls in classes():
        if cls.NAME not in _SEEN:
            test_a_constraint_says_what_the_match_answers(cls)
    assert set(_SEEN) >= {cls.NAME for cls in classes()}
    assert min(_SEEN.values()) >= RULES, _SEEN
    assert sum(_SEEN.values()) >= 100 * RULES * PACKETS  # 20,000 of them with IPTC_CONSTRAINTS=all


def test_a_new_match_has_to_decide_what_of_it_can_be_reasoned_about() -> None:
    """Free and own are told by what is drawn: of these classes no constraint names a field that is not coarse."""
    free, own = set(), set()
    for cls in MATCHES.all():
        kinds: set[type[Constraint]] = set()
        fields: set[Field] = set()
        for family in cls.FAMILIES:
            for case in _cases(cls, family):
                for leaf in leaves(case.constraint):
                    kinds.add(type(leaf))
                    if isinstance(leaf, Within | Bits):
                        fields.add(leaf.field)
        if not fields - _COARSE and Own in kinds and Draw not in kinds:
            own.add(cls.NAME)
        elif not fields - _COARSE and Free in kinds:
            free.add(cls.NAME)
    assert free == FREE
    assert own == OWN


def test_what_is_not_known_may_look_at_anything() -> None:
    asked = Asked(Family.IPV4, "filter", Hook.INPUT)
    found = ForeignMatch("geoip", ("--country", "XX")).constraint(asked)
    assert found == Free(("geoip", "--country", "XX"), reads=None)


def _constraint(options: str, table: str = "filter", hook: Hook = Hook.FORWARD) -> Constraint:
    rules = parse(f"*{table}\n:FOO - [0:0]\n-A FOO {options}\nCOMMIT\n", family=Family.IPV4).rules()
    rule = next(rule for *_, rule in rules)
    return both(match.constraint(Asked(Family.IPV4, table, hook)) for match in (rule.base, *rule.matches))


@pytest.mark.parametrize(
    ("options", "table", "hook", "expected"),
    [
        ("-f", "filter", Hook.FORWARD, NEVER),
        ("! -f", "filter", Hook.FORWARD, ALWAYS),
        ("-o eth0", "mangle", Hook.PREROUTING, NEVER),
        ("! -o eth0", "mangle", Hook.INPUT, ALWAYS),
        ("-i eth0", "mangle", Hook.OUTPUT, NEVER),
        ("-i eth+", "mangle", Hook.POSTROUTING, NamedInterface(Field.IN_INTERFACE, "eth", prefix=True)),
        ("-i +", "mangle", Hook.PREROUTING, ALWAYS),
        ("-d 10.0.0.1/255.0.0.255", "filter", Hook.INPUT, Bits(Field.DESTINATION, 0x0A000001, 0xFF0000FF)),
        ("-m mark --mark 0x3/0x1", "filter", Hook.INPUT, NEVER),
        ("-m mark ! --mark 0x3/0x1", "filter", Hook.INPUT, ALWAYS),
        ("-m state --state INVALID", "raw", Hook.OUTPUT, ALWAYS),
        ("-m state --state NEW", "raw", Hook.OUTPUT, NEVER),
        ("-m state ! --state NEW,ESTABLISHED", "filter", Hook.INPUT, Within(Field.CTSTATE, ((0, 1),), negated=True)),
        ("-m statistic --mode random --probability 0.5", "nat", Hook.OUTPUT, Draw(1 << 30)),
        ("-m statistic --mode random ! --probability 1", "nat", Hook.OUTPUT, NEVER),
        ("-m policy --dir in --pol none", "filter", Hook.INPUT, Free(("policy", "in"), negated=True)),
        ("-m policy --dir in --pol ipsec", "filter", Hook.INPUT, Free(("policy", "in"))),
        ("-m cpu ! --cpu 1", "filter", Hook.INPUT, Free(("cpu", "--cpu", "1"), negated=True)),
    ],
)
def test_examples(options: str, table: str, hook: Hook, expected: Constraint) -> None:
    assert _constraint(options, table, hook) == expected


def test_the_direction_is_1_for_replies() -> None:
    reply = _constraint("-m conntrack --ctdir REPLY")
    assert Within(Field.DIRECTION, ((1, 1),)) in list(leaves(reply))


def test_in_raw_only_what_comes_by_lo_has_a_state_unless_a_rule_has_made_one() -> None:
    found = _constraint("-m state --state NEW", "raw", Hook.PREROUTING)
    assert holds(found, {Field.IN_INTERFACE: "lo", Field.CTSTATE: 0}, {}) is True
    assert holds(found, {Field.IN_INTERFACE: "lo", Field.CTSTATE: 1}, {}) is False
    assert holds(found, {Field.IN_INTERFACE: "eth0", Field.CTSTATE: 0}, {}) is False
    found = _constraint("-m state --state INVALID", "raw", Hook.PREROUTING)
    assert holds(found, {Field.IN_INTERFACE: "lo", Field.CTSTATE: 0}, {}) is False
    assert holds(found, {Field.IN_INTERFACE: "eth0", Field.CTSTATE: 0}, {}) is True
    rules = parse("*raw\n:FOO - [0:0]\n-A FOO -m state --state UNTRACKED\nCOMMIT\n", family=Family.IPV4).rules()
    (match,) = next(rule for *_, rule in rules).matches
    asked = Asked(Family.IPV4, "raw", Hook.PREROUTING)
    assert match.constraint(replace(asked, before_conntrack="UNTRACKED")) == ALWAYS
    assert match.constraint(replace(asked, before_conntrack="NEW")) == NEVER


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("-m string --string x --algo bm", "-m string --string x --algo bm --icase"),
        ("-m string --string x --algo bm", "-m string --string x --algo bm --to 60"),
        ("-m owner --gid-owner 5", "-m owner --gid-owner 5 --suppl-groups"),
        ("-m recent --name A --rcheck", "-m recent --name B --rcheck"),
        ("-m recent --name A --rcheck", "-m recent --name A --rcheck --seconds 5"),
        ("-m set --match-set A src", "-m set --match-set A dst"),
        ("-m time --timestart 10:00", "-m time --timestart 11:00"),
        ("-m rpfilter", "-m rpfilter --loose"),
    ],
)
def test_what_may_be_answered_otherwise_has_another_key(one: str, other: str) -> None:
    assert not _keys(one) & _keys(other) - {("owner", "socket")}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("-m string --string x --algo bm", "-m string --hex-string |78| --algo kmp"),
        ("-m set --match-set A src", "-m set ! --match-set A src ! --update-counters"),
        ("-m owner --uid-owner 5", "-m owner ! --uid-owner root --gid-owner 7 --socket-exists"),
        ("-p tcp -m osf --genre Linux", "-p tcp -m osf --genre Linux --log 1"),
        ("-m recent --name A --update", "-m recent --name A ! --update"),
        ("-m conntrack --ctstatus ASSURED", "-m conntrack ! --ctstatus ASSURED,CONFIRMED"),
    ],
)
def test_what_is_answered_alike_has_the_same_key(one: str, other: str) -> None:
    assert _keys(one) & _keys(other)


def _keys(options: str) -> set[Hashable]:
    return {leaf.key for leaf in leaves(_constraint(options, "mangle")) if isinstance(leaf, Free | Own)}


def test_who_writes_a_list_is_seen_though_it_always_fits() -> None:
    found = _constraint("-m recent --name A --set")
    assert holds(found, {}, {}) is True
    assert [leaf.key[1] for leaf in leaves(found) if isinstance(leaf, Own)] == ["A"]  # type: ignore[index]
