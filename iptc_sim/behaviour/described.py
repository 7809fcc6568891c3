"""A part of a space in the words of rules, and how many packets it has."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Final

from iptc_sim.behaviour.answer import Condition
from iptc_sim.constraint import Field
from iptc_sim.diagram.counting import count
from iptc_sim.diagram.nodes import Diagrams
from iptc_sim.diagram.nodes import Node as Diagram
from iptc_sim.diagram.spans import Span, Spans, complement, intersection
from iptc_sim.protocols import PORT_PROTOCOLS, TCP_FLAGS
from iptc_sim.symbolic.pipeline import Entrance
from iptc_sim.symbolic.variables import Space, field_name, interface_name, interface_number

#: The protocols that have ports, as spans.
WITH_PORTS: Final = tuple((number, number) for number in sorted(PORT_PROTOCOLS))
_MARKS: Final = frozenset({Field.MARK, Field.CTMARK})
_INTERFACES: Final = frozenset({Field.IN_INTERFACE, Field.OUT_INTERFACE})
#: What follows from other fields, and is not told.
_SILENT: Final = frozenset({Field.SNATTED, Field.DNATTED, Field.ORIGINAL_PROTOCOL})
#: More ranges than this are not written out.
_MOST: Final = 8


def cube_of(made: Diagrams, region: Diagram, point: Mapping[int, int]) -> dict[int, Spans]:
    """Return the values of each level that lead the way that a point goes, on to the same end."""
    found: dict[int, Spans] = {}
    node = region
    while node.children:
        child = node.part(node.level, point.get(node.level, 0))
        ends = (*node.bounds[1:], made.highest[node.level] + 1)
        spans = [(low, end - 1) for low, end, one in zip(node.bounds, ends, node.children, strict=True) if one is child]
        found[node.level] = tuple(spans)
        node = child
    return found


def size_of(space: Space, region: Diagram) -> int:
    """Return how many combinations of protocol, addresses and, where the protocol has them, ports a region has."""
    made = space.diagrams
    level = space.level
    plain = [level(field) for field in (Field.PROTOCOL, Field.DESTINATION, Field.SOURCE)]
    ports = [level(field) for field in (Field.DPORT, Field.SPORT)]
    with_ports = space.within(Field.PROTOCOL, WITH_PORTS)
    there = made.conjunction(region, with_ports)
    rest = made.conjunction(region, made.negation(with_ports))
    return count(made, there, bool, [*plain, *ports]) + count(made, rest, bool, plain)


def conditions_of(
    space: Space, cube: Mapping[int, Spans], entrance: Entrance, names: Iterable[str] = ()
) -> tuple[Condition, ...]:
    """Return what a box of packets has in common, in the words of rules.

    Args:
        space: of the levels.
        cube: the values of each level that counts.
        entrance: where the packets come from.
        names: of interfaces that rules name.
    """
    found: list[Condition] = []
    marks: dict[Field, list[tuple[int, int]]] = {}
    bits = {space.level(field, bit): bit for field in _MARKS for bit in range(32)}
    for level, spans in sorted(cube.items()):
        field = space.field(level)
        if field in _SILENT or (field is Field.IN_INTERFACE and entrance is Entrance.LOCAL):
            continue
        if field in _MARKS and field is not None:
            marks.setdefault(field, []).append((bits[level], spans[0][0]))
        elif field is not None:
            text = _text(space, field, spans, tuple(names))
            found += [Condition(field_name(field), text)] if text else []
    for field, told in marks.items():
        value, mask = (sum(bit << place for place, bit in pairs) for pairs in (told, [(at, 1) for at, _ in told]))
        found.append(Condition(field_name(field), f"{value:#x}/{mask:#x}"))
    return tuple(found)


def question_of(key: Hashable) -> tuple[str, Hashable, Hashable] | None:
    """Return what the key of a variable asks that is not reasoned about: ``free`` or ``own``, the question, its holder.

    See :func:`iptc_sim.symbolic.own.own_key`; None for any other variable.
    """
    match key:
        case ("free", question, *_):
            return "free", question, None
        case ("own", ((_, question, holder, *_), *_)):
            return "own", question, holder
    return None


def free_conditions(space: Space, cube: Mapping[int, Spans]) -> tuple[str, ...]:
    """Return what a box of packets takes for granted of conditions that cannot be told, in words."""
    found = []
    for level, spans in sorted(cube.items()):
        asked = question_of(space.key(level))
        if asked is not None:
            found.append(f"{question_text(asked[1])} {'holds' if spans[0][0] else 'does not hold'}")
    return tuple(dict.fromkeys(found))


def question_text(question: Hashable) -> str:
    """Return a question as it stands in rules; of a match whose state has a name, that is said once."""
    words = [str(word) for word in (question if isinstance(question, tuple) else (question,))]
    if words[1:2] and words[1] in words[2:]:
        del words[1]
    return " ".join(["-m", *words])


def _text(space: Space, field: Field, spans: Spans, names: tuple[str, ...]) -> str:
    highest = space.diagrams.highest[space.level(field)]
    if field in _INTERFACES:
        return _interfaces(spans, highest, names)
    if field is Field.FLAGS:
        return _flags(spans)
    other = complement(spans, highest)
    if not other:
        return ""
    if len(other) < len(spans) or (len(other) == len(spans) and _is_small(other) and not _is_small(spans)):
        return f"not {_listed(space, field, other)}"
    return _listed(space, field, spans)


def _is_small(spans: Sequence[Span]) -> bool:
    return all(low == high for low, high in spans)


def _listed(space: Space, field: Field, spans: Spans) -> str:
    shown = space.text(field, spans[:_MOST])
    return shown if len(spans) <= _MOST else f"{shown} and {len(spans) - _MOST:,} more ranges"


def _flags(spans: Spans) -> str:
    low = spans[0][0]
    names = [name for bit, name in enumerate(TCP_FLAGS) if low >> bit & 1]
    total = sum(high - low + 1 for low, high in spans)
    return (",".join(names) or "none") if total == 1 else f"{','.join(names) or 'none'} and {total - 1} others like it"


def _interfaces(spans: Spans, highest: int, names: tuple[str, ...]) -> str:
    """Return interfaces by name: one, all that begin alike, or all but some."""
    there = intersection(spans, ((1, highest),))
    inside = [name for name in names if _has(there, interface_number(name))]
    outside = [name for name in names if not _has(there, interface_number(name))]
    if not there:
        return "none"
    if all(low == high for low, high in there):
        return ",".join(filter(None, (interface_name((span,)) for span in there)))
    if _has(there, interface_number("zz-other")) and _has(there, interface_number("aa-other")):
        return f"any but {','.join(outside)}" if outside else ""
    return ",".join(inside) or f"{interface_name(there)} and others like it"


def _has(spans: Sequence[Span], number: int) -> bool:
    return any(low <= number <= high for low, high in spans)
