"""What a target does and its deed are the same for drawn packets. What is expected is what ``act`` answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import pytest

from iptc_sim import parse
from iptc_sim.builtin import ForeignTarget, GoTo, JumpTo
from iptc_sim.constraint import Asked, Field
from iptc_sim.diagnostics import InputError
from iptc_sim.extension import Placement
from iptc_sim.moment import Hook, Moment
from iptc_sim.records import replace
from iptc_sim.ruleset import BUILTIN_CHAINS
from iptc_sim.target import (
    Action,
    Alter,
    Change,
    Continue,
    CopyMark,
    Deed,
    Drop,
    EditMark,
    Effect,
    Either,
    Goto,
    Intercept,
    Jump,
    Prepare,
    Proxy,
    Reject,
    SetMark,
    Target,
    Translate,
)
from iptc_sim.targets import TARGETS
from iptc_sim.tracking import Manip
from iptc_sim.values import AddressRange, Family, PortRange, Prefix, Variant
from tests.drawn.rules import LOOSE, NEXT, draw_rules
from tests.matches.constraint_moments import Drawer, Numbers, fields_of

RULES, PACKETS = 16, 8
#: Of these it is not said what becomes of a packet.
UNTOLD = frozenset({"CLUSTERIP", "NFQUEUE", "SYNPROXY"})
#: Addresses whose prefix cannot be swapped are dropped, which the deed leaves out (``ip6t_NPT.c``).
MAY_DROP = frozenset({"DNPT", "SNPT"})
#: What follows from other fields.
_FOLLOWING = {
    Field.SOURCE: {Field.SOURCE_TYPE},
    Field.DESTINATION: {Field.DESTINATION_TYPE},
}
_ALL = 0xFFFFFFFF


@dataclass(frozen=True)
class Case:
    """A target in a rule that the kernel takes, and where the rule stands."""

    target: Target
    asked: Asked
    text: str
    protocols: tuple[int, ...]


def _cases(cls: type[Target], family: Family) -> Iterator[Case]:
    random = Random(f"{cls.NAME} {int(family)}")
    for number, drawn in enumerate(draw_rules(cls, family, RULES, 7)):
        text = f"*{drawn.table}\n:{LOOSE} - [0:0]\n:{NEXT} - [0:0]\n{drawn.line}\nCOMMIT\n"
        variant = (Variant.NFT, Variant.LEGACY)[number % 2]
        try:
            (rule,) = (rule for *_, rule in parse(text, family=family, variant=variant).rules())
        except (InputError, ValueError):
            continue  # none, or as many as it lists addresses
        if not isinstance(rule.target, cls):
            continue
        chains = cls.HOOKS & set(BUILTIN_CHAINS[drawn.table]) if cls.HOOKS else BUILTIN_CHAINS[drawn.table]
        hook = Hook(drawn.chain) if drawn.chain != LOOSE else Hook(random.choice(sorted(chains)))
        protocol = rule.base.protocol
        wanted = (protocol.value,) if protocol and not protocol.negated else ()
        place = Placement(
            family, variant, drawn.table, frozenset({hook}), wanted[0] if wanted else None, matches=rule.matches
        )
        if cls.NAME in UNTOLD or not rule.target.refusal(place):
            asked = Asked(family, drawn.table, hook, variant)
            yield Case(rule.target, asked, f"{drawn.line} at {hook}", wanted)


def _moments(case: Case) -> Iterator[Moment]:
    asked, numbers = case.asked, _numbers(case.target)
    drawer = Drawer(
        Random(case.text), asked.family, asked.table, asked.hook, asked.variant, numbers, set(), case.protocols
    )
    for _ in range(PACKETS):
        at = drawer.moment()
        if not case.protocols or at.packet.protocol in case.protocols:
            yield at


def _numbers(target: Target) -> Numbers:
    """Return marks at which an edit shows, and for NPT addresses in the prefix."""
    found: Numbers = {Field.MARK: {0x12345678, 0xFFFFFFFF, 0}, Field.CTMARK: {0x87654321, 0xFFFFFFFF, 0}}
    prefix: Prefix | None = getattr(target, "src_pfx", None)
    if prefix is not None:
        inside = {prefix.network + 5, prefix.network + (1 << 64) + 9}
        found |= {Field.SOURCE: inside, Field.DESTINATION: inside}
    return found


def _shifted(deed: CopyMark, number: int) -> int:
    return (number << deed.left & _ALL) >> deed.right


def _marks(at: Moment) -> dict[Field, int]:
    entry = at.connection
    has = entry is not None and entry.is_tracked
    return {Field.MARK: at.packet.mark} | ({Field.CTMARK: entry.mark} if entry is not None and has else {})


def _after(at: Moment, action: Action) -> Moment:
    """Return the moment behind the rule."""
    if isinstance(action, SetMark):
        return replace(at, packet=replace(at.packet, mark=action.mark))
    if isinstance(action, Alter):
        return replace(at, packet=action.packet or at.packet, connection=action.connection or at.connection)
    return at


def _expected(deed: EditMark | CopyMark, marks: dict[Field, int]) -> dict[Field, int]:
    """Return the marks after the deed; without a connection there is one mark only."""
    if isinstance(deed, EditMark):
        edited = {deed.field: marks[deed.field] & deed.keep ^ deed.xor} if deed.field in marks else {}
        return marks | edited
    if Field.CTMARK not in marks:
        return marks
    return marks | {deed.to: (marks[deed.to] & deed.keep) ^ _shifted(deed, marks[deed.of] & deed.take)}


def _changed(at: Moment, action: Action) -> set[Field]:
    before, after = fields_of(at), fields_of(_after(at, action))
    return {field for field in before if before[field] != after.get(field)}


def _agree(case: Case, at: Moment, deed: Deed, action: Action) -> None:
    told = (case.text, deed, action, at.packet, at.connection)
    match deed:
        case EditMark() | CopyMark() if isinstance(action, Continue) and action.taken:
            assert not _changed(at, action), told
        case EditMark() | CopyMark():
            assert _marks(_after(at, action)) == _expected(deed, _marks(at)), told
            assert _changed(at, action) <= {Field.MARK, Field.CTMARK}, told
        case Change():
            allowed = set(deed.fields).union(*(_FOLLOWING.get(field, set()) for field in deed.fields))
            assert _changed(at, action) <= allowed, told
            goes_on = isinstance(action, Alter | SetMark | Continue | Either)
            assert goes_on or (isinstance(action, Drop) and case.target.name in MAY_DROP), told
        case Continue():
            assert isinstance(action, Continue | Alter), told
            assert not _changed(at, action), told
        case Prepare():
            assert action == deed if at.connection is None else isinstance(action, Continue), told
        case Proxy(address, port, keep, mark):
            assert action == Intercept(address, port, at.packet.mark & keep ^ mark), told
        case Effect():
            assert case.target.name in UNTOLD, told
        case _:
            assert action == deed, told


_SEEN: dict[str, int] = {}
_TOUCHED: dict[str, tuple[set[Field], set[Field]]] = {}


@pytest.mark.parametrize("cls", TARGETS.all(), ids=lambda cls: cls.NAME)
def test_a_deed_says_what_the_target_does(cls: type[Target]) -> None:
    claimed, touched = _TOUCHED.setdefault(cls.NAME, (set(), set()))
    for family in cls.FAMILIES:
        for case in _cases(cls, family):
            deed = case.target.deed(case.asked)
            if isinstance(deed, Change):
                claimed |= deed.fields
            for at in _moments(case):
                action = case.target.act(at)
                _agree(case, at, deed, action)
                touched |= _changed(at, action)
                _SEEN[cls.NAME] = _SEEN.get(cls.NAME, 0) + 1


def test_enough_was_asked() -> None:
    for cls in TARGETS.all():
        if cls.NAME not in _SEEN:
            test_a_deed_says_what_the_target_does(cls)
    assert min(_SEEN.values()) >= 20, _SEEN
    assert sum(_SEEN.values()) >= 5_000


def test_a_change_names_no_field_that_never_changes() -> None:
    for cls in TARGETS.all():
        if cls.NAME not in _SEEN:
            test_a_deed_says_what_the_target_does(cls)
    # What a set maps to is told with the node, and the drawn packets meet none.
    assert {name: claimed - touched for name, (claimed, touched) in _TOUCHED.items() if claimed - touched} == {
        "SET": {Field.MARK}
    }


def _deed(options: str, table: str = "mangle", hook: Hook = Hook.PREROUTING) -> Deed:
    rules = parse(f"*{table}\n:X - [0:0]\n:FOO - [0:0]\n-A FOO {options}\nCOMMIT\n", family=Family.IPV4).rules()
    target = next(rule for *_, rule in rules).target
    assert isinstance(target, Target)
    return target.deed(Asked(Family.IPV4, table, hook))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("-j X", Jump("X")),
        ("-g X", Goto("X")),
        ("-j MARK --set-mark 0x10", EditMark(Field.MARK, 0, 0x10)),
        ("-j MARK --set-xmark 0x4000/0x4000", EditMark(Field.MARK, 0xFFFFBFFF, 0x4000)),
        ("-j MARK --and-mark 0xf", EditMark(Field.MARK, 0xF, 0)),
        ("-j MARK --or-mark 0xf", EditMark(Field.MARK, 0xFFFFFFF0, 0xF)),
        ("-j MARK --xor-mark 0xf", EditMark(Field.MARK, _ALL, 0xF)),
        ("-j CONNMARK --set-xmark 0x1/0x3", EditMark(Field.CTMARK, 0xFFFFFFFC, 1)),
        ("-j CONNMARK --save-mark", CopyMark(Field.CTMARK, Field.MARK, 0, _ALL)),
        (
            "-j CONNMARK --restore-mark --nfmask 0xff --ctmask 0xff00 --right-shift-mark 8",
            CopyMark(Field.MARK, Field.CTMARK, 0xFFFFFF00, 0xFF00, 0, 8),
        ),
        ("-p tcp -j TPROXY --on-port 8080 --tproxy-mark 0x1/0x1", Proxy(None, 8080, 0xFFFFFFFE, 1)),
        ("-j LOG --log-prefix x", Continue('logged "x"')),
        (
            "-j TOS --set-tos 0x10/0x3f",
            Change("TOS 0x10/0x3f", frozenset({Field.TOS}), ("TOS", "--set-tos", "0x10/0x3f")),
        ),
    ],
)
def test_examples(options: str, expected: Deed) -> None:
    assert _deed(options) == expected


def test_examples_of_other_tables() -> None:
    assert _deed("-p tcp -j REJECT --reject-with tcp-reset", "filter", Hook.INPUT) == Reject("tcp-reset")
    assert _deed("-j REJECT", "filter", Hook.INPUT) == Reject("icmp-port-unreachable")
    there = AddressRange(*[Prefix.parse("10.0.0.1").address] * 2)
    found = _deed("-p tcp -j DNAT --to-destination 10.0.0.1:80", "nat")
    assert found == Translate(Manip.DESTINATION, there, PortRange(80, 80))
    assert _deed("-j NETMAP --to 10.0.0.0/8", "nat", Hook.POSTROUTING) == Translate(
        Manip.SOURCE, network=Prefix.parse("10.0.0.0/8")
    )
    assert _deed("-j CT --notrack", "raw") == Prepare(untracked=True) == _deed("-j NOTRACK", "raw")


def test_what_is_not_known_may_do_anything() -> None:
    asked = Asked(Family.IPV4, "filter", Hook.INPUT)
    assert isinstance(ForeignTarget("XX").deed(asked), Effect)
    assert JumpTo("A").deed(asked) == Jump("A")
    assert GoTo("A").deed(asked) == Goto("A")
