"""Traces drawn at random, field by field, from the type hints of their dataclasses; rules are real ones."""

from __future__ import annotations

import types
from enum import Enum
from functools import cache
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from iptc_sim import parse
from iptc_sim.connection import Connection
from iptc_sim.match import No, Unclear
from iptc_sim.memory import Memory
from iptc_sim.packet import Packet
from iptc_sim.records import fields, replace
from iptc_sim.ruleset import Rule
from iptc_sim.steps import RuleStep, Segment, Trace
from iptc_sim.tracking import Manip
from iptc_sim.values import UNKNOWN, Family, Interface, Odds, Prefix

_RULES = """*filter
-A FORWARD -s 10.0.0.0/8 ! -i eth+ -p tcp -m tcp --dport 80:90 -m comment --comment "a \\"b\\"" -j ACCEPT
-A FORWARD -m conntrack ! --ctstate NEW,INVALID -m statistic --mode nth --every 3 --packet 1 -g CHAIN
-A FORWARD -m foo --bar 1 -j FOO --baz
-A FORWARD
-A CHAIN -m recent --name A --update --seconds 60 -m limit --limit 3/min -j REJECT --reject-with tcp-reset
COMMIT
"""


@cache
def rules() -> tuple[Rule, ...]:
    """Return rules of many kinds; they hold no text, as rules that were read from JSON."""
    return tuple(replace(rule, source=None) for *_, rule in parse(_RULES).rules())


_TEXT = st.text(max_size=8)
_NAMES = {"Connection": Connection, "Memory": Memory, "Packet": Packet, "Manip": Manip}
_V4 = st.integers(0, 2**32 - 1).map(IPv4Address)
_V6 = st.integers(0, 2**128 - 1).map(IPv6Address)
_LEAVES: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(0, 2**40),
    str: _TEXT,
    bool: st.booleans(),
    bytes: st.binary(max_size=6),
    types.NoneType: st.none(),
    IPv4Address: _V4,
    IPv6Address: _V6,
    Interface: st.one_of(st.none(), st.just(UNKNOWN), st.sampled_from(["eth0", "?", "??", ""]), _TEXT),
    Odds: st.builds(Odds, st.integers(0, 2**200), st.integers(1, 2**200)),
    Prefix: st.builds(Prefix.of, _V4, st.integers(0, 32)) | st.builds(Prefix.of, _V6, st.integers(0, 128)),
}


def _addresses() -> st.SearchStrategy[dict[str, Any]]:
    """Source and destination of one family, of which one may not be known."""
    ways = [st.tuples(kind, kind) for kind in (_V4, _V6)]
    ways += [st.tuples(st.just(UNKNOWN), kind) for kind in (_V4, _V6)]
    return st.one_of(*ways).map(lambda pair: dict(zip(("source", "destination"), pair, strict=True)))


def drawn(hint: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    """Return a strategy for the values of a type."""
    if hint in _LEAVES:
        return _LEAVES[hint]
    if hint is RuleStep:
        return st.sampled_from(rules()).flatmap(lambda rule: _rule_step(rule, depth))
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in {Union, types.UnionType}:
        simple = [one for one in arguments if depth < 3 or not hasattr(one, "__record_fields__")]
        return st.one_of([drawn(one, depth + 1) for one in simple or arguments[:1]])
    if origin is frozenset:
        return st.frozensets(drawn(arguments[0], depth), max_size=3)
    if origin is tuple and arguments[-1] is Ellipsis:
        return st.lists(drawn(arguments[0], depth + 1), max_size=2 if depth < 4 else 0).map(tuple)
    if origin is tuple:
        return st.tuples(*(drawn(one, depth) for one in arguments))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(hint)
    return record(hint, depth)


def record(cls: type, depth: int, **own: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return a strategy for a dataclass; ``own`` says how some of its fields are drawn."""
    hints = get_type_hints(cls, localns=_NAMES)
    parts = {
        item.name: drawn(hints[item.name], depth + 1)
        for item in fields(cls)
        if hints[item.name] not in {Memory, Memory | None} and item.name not in {"question", *own}
    } | own
    if cls is not Packet:
        return st.fixed_dictionaries(parts).map(lambda given: cls(**given))
    rest = {name: part for name, part in parts.items() if name not in {"source", "destination", "protocol"}}
    rest["protocol"] = st.integers(0, 255)
    return st.tuples(_addresses(), st.fixed_dictionaries(rest)).map(lambda given: Packet(**given[0], **given[1]))


def _rule_step(rule: Rule, depth: int) -> st.SearchStrategy[RuleStep]:
    parts = st.sampled_from([*rule.extensions, *rules()[0].matches, rules()[0].base])
    reasons = st.one_of(st.none(), *(record(cls, depth + 1, extension=parts) for cls in (No, Unclear)))
    return record(RuleStep, depth, rule=st.just(rule), reason=reasons)


@st.composite
def traces(draw: st.DrawFn) -> Trace:
    """Draw a trace whose segments form a tree."""
    found: Trace = draw(record(Trace, 0, replies=st.just(())))
    steps = drawn(get_type_hints(Segment)["steps"], 1)
    segments = [
        Segment(
            number,
            draw(st.integers(0, number - 1)) if number else None,
            draw(_TEXT),
            draw(drawn(Odds | None)),
            draw(steps),
        )
        for number in range(draw(st.integers(1, 3)))
    ]
    ends = tuple(replace(end, segment=draw(st.integers(0, len(segments) - 1))) for end in found.ends)
    known = Family.IPV4 if found.flow.packet.family is Family.IPV4 else Family.IPV6
    packet = replace(found.flow.packet, inner=None) if known is Family.IPV6 else found.flow.packet
    return replace(found, segments=tuple(segments), ends=ends, flow=replace(found.flow, packet=packet))
