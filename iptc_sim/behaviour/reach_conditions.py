"""What a class of packets has in common, in words as short as can be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from iptc_sim.behaviour.answer import Condition
from iptc_sim.behaviour.described import conditions_of, free_conditions
from iptc_sim.constraint import Field
from iptc_sim.diagram.spans import Span, Spans, complement
from iptc_sim.protocols import PORT_PROTOCOLS, protocol_name
from iptc_sim.records import replace
from iptc_sim.symbolic.pipeline import Entrance
from iptc_sim.symbolic.store import Value, Way
from iptc_sim.symbolic.variables import ROUTE, Space, field_name, interface_name
from iptc_sim.values import Prefix, address_text

#: Holes of so many addresses are told as such.
_HOLE: Final = 2
#: More ranges than this are not written out.
_MOST: Final = 6


def conditions(
    space: Space, box: Mapping[int, Spans], entrance: Entrance, names: tuple[str, ...]
) -> tuple[Condition, ...]:
    """Return what packets of a box have in common.

    Args:
        space: of the levels.
        box: the values of each level that counts.
        entrance: where they come from.
        names: of interfaces that rules name.
    """
    told = dict(box)
    protocol, dport = space.level(Field.PROTOCOL), space.level(Field.DPORT)
    protocols = told.pop(protocol, None) if dport in told else None
    own = {field_name(field): field for field in (Field.SOURCE, Field.DESTINATION)}
    found = []
    for item in conditions_of(space, told, entrance, names):
        field = own.get(item.field)
        text = item.text if field is None else _addresses(space, field, told[space.level(field)])
        found.append(replace(item, text=text))
    if protocols is not None and (text := _with_ports(protocols)):
        found.insert(0, Condition(field_name(Field.PROTOCOL), text))
    return tuple(found)


def _with_ports(spans: Spans) -> str:
    """Return which of the protocols that have ports are meant; nothing where all of them are."""
    inside: list[str] = []
    outside: list[str] = []
    for number in sorted(PORT_PROTOCOLS):
        chosen = any(low <= number <= high for low, high in spans)
        (inside if chosen else outside).append(protocol_name(number))
    return f"not {','.join(outside)}" if outside and len(outside) < len(inside) else ",".join(inside if outside else ())


def _addresses(space: Space, field: Field, spans: Spans) -> str:
    """Return addresses as networks with what is left out of them, or as all but some."""
    highest = space.diagrams.highest[space.level(field)]
    ways = []
    for negated, chosen in ((False, spans), (True, complement(spans, highest))):
        whole, holes = _filled(chosen)
        ways.append((len(whole) + len(holes), negated, whole, holes))
    _, negated, whole, holes = min(ways)
    text, left_out = _listed(space, field, whole), _listed(space, field, holes)
    if negated:
        return f"not {text}, or {left_out}" if holes else f"not {text}"
    return f"{text} but not {left_out}" if holes else text


def _filled(spans: Sequence[Span]) -> tuple[list[Span], list[Span]]:
    """Return ranges with their small holes filled, and the holes."""
    whole: list[Span] = []
    holes: list[Span] = []
    for low, high in spans:
        if whole and low - whole[-1][1] - 1 <= _HOLE and high - whole[-1][0] > 8 * _HOLE:
            holes.append((whole[-1][1] + 1, low - 1))
            whole[-1] = whole[-1][0], high
        else:
            whole.append((low, high))
    return whole, holes


def _listed(space: Space, field: Field, spans: Sequence[Span]) -> str:
    bits = f"/{space.family.bits}"
    parts = [space.text(field, [span]).removesuffix(bits) for span in spans[:_MOST]]
    return ",".join(parts) + (f" and {len(spans) - _MOST:,} more ranges" if len(spans) > _MOST else "")


def facts(space: Space, box: Mapping[int, Spans], names: tuple[str, ...]) -> Iterator[str]:
    """Yield in words what packets of a box take for granted beside their own fields."""
    for level, spans in sorted(box.items()):
        yes = spans[0][0] == 1
        match space.key(level):
            case key if key == ROUTE:
                yield f"the destination is {'' if yes else 'not '}an address of this node"
            case ("route", Value(number), _):
                yield f"{_address(space, number)} is {'' if yes else 'not '}an address of this node"
            case ("type", Value(number)):
                yield f"{_address(space, number)} is of type {space.text(Field.DESTINATION_TYPE, spans)}"
            case ("way", Way(Value(number))):
                yield f"{_address(space, number)} is {_reached(spans, names)}"
            case (str(word), *_) if word not in {"free", "own"}:
                yield f"a condition that is not reasoned about holds{'' if yes else ' not'}: {word}"
    yield from free_conditions(space, box)


def _reached(spans: Spans, names: tuple[str, ...]) -> str:
    if all(low == high for low, high in spans):
        return f"reached by {','.join(filter(None, (interface_name((span,)) for span in spans)))}"
    outside = [name for name in names if interface_name(spans, [name]) != name]
    return (
        f"not reached by {','.join(outside)}" if outside else f"reached by {interface_name(spans, names)} or the like"
    )


def _address(space: Space, number: int) -> str:
    return address_text(Prefix(space.family, number, 0).address)
