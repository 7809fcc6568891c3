"""How the single values of a trace stand in JSON."""

from __future__ import annotations

import re
from typing import Any, Final

from iptc_sim.connection import FlowTuple
from iptc_sim.interchange.codecs import Member, closed, decode_members
from iptc_sim.interchange.scalars import AsText, Codec, Json, OneOf, Plain, unfit
from iptc_sim.packet import Packet
from iptc_sim.protocols import protocol_name, protocol_number
from iptc_sim.records import dataclass
from iptc_sim.render.words import fraction_text
from iptc_sim.steps import End
from iptc_sim.values import Interface, Odds, Unknown


@dataclass(frozen=True, slots=True)
class Text(Codec):
    """A text of any characters: sentences, names, comments."""

    def encode(self, value: Any) -> Json:
        """Return it unchanged."""
        return value  # type: ignore[no-any-return]

    def decode(self, data: Json) -> Any:
        """Return it if it is a text."""
        if isinstance(data, str):
            return data
        raise unfit(data, "a text")

    def schema(self) -> dict[str, Json]:
        """Return the type."""
        return {"type": "string"}


@dataclass(frozen=True, slots=True)
class _Interface(Codec):
    """An interface; ``?`` is one that is not known, so a name that begins with ``?`` has one more of them."""

    def encode(self, value: Any) -> Json:
        """Return the name, null or ``?``."""
        if isinstance(value, str):
            return f"?{value}" if value.startswith("?") else value
        return None if value is None else "?"

    def decode(self, data: Json) -> Any:
        """Return the interface."""
        if data is None:
            return None
        if not isinstance(data, str):
            raise unfit(data, 'an interface, "?" or null')
        return Unknown.UNKNOWN if data == "?" else data.removeprefix("?")

    def schema(self) -> dict[str, Json]:
        """Return a text or null."""
        return {"type": ["string", "null"], "description": 'the name; "?": there is one that is not known'}


def short_odds(odds: Odds) -> dict[str, Json]:
    """Return a chance for people; its exact value follows from others."""
    return {"fraction": fraction_text(odds) or None, "percent": odds.percent, "exact": None}


_EXACT: Final = re.compile(r"([0-9a-f]+)/([0-9a-f]*[1-9a-f][0-9a-f]*)")


@dataclass(frozen=True, slots=True)
class _Odds(Codec):
    """A chance: reduced, in percent, and exactly as it was worked out."""

    def encode(self, value: Any) -> Json:
        """Return the three spellings."""
        return short_odds(value) | {"exact": f"{value.numerator:x}/{value.denominator:x}"}

    def decode(self, data: Json) -> Any:
        """Return the chance by its exact spelling."""
        if not isinstance(data, dict) or data.keys() != {"fraction", "percent", "exact"}:
            raise unfit(data, 'an object with "fraction", "percent" and "exact"')
        exact = data["exact"]
        found = _EXACT.fullmatch(exact) if isinstance(exact, str) else None
        if found is None:
            raise unfit(exact, "two hexadecimal numbers such as 1/2, the second not zero").under("exact")
        return Odds(int(found[1], 16), int(found[2], 16))

    def schema(self) -> dict[str, Json]:
        """Return a closed object."""
        texts: dict[str, Json] = {
            "fraction": {
                "type": ["string", "null"],
                "pattern": "^[0-9]+(/[0-9]+)?$",
                "description": "reduced; null where its numbers are very long",
            },
            "percent": {"type": "string", "pattern": r"^[0-9]+\.[0-9]{3}%$"},
            "exact": {
                "type": ["string", "null"],
                "pattern": "^[0-9a-f]+/[0-9a-f]+$",
                "description": "numerator and denominator in hexadecimal, not reduced; of an end null: "
                "the product of the chances of its segments",
            },
        }
        return closed(texts, ("fraction", "percent", "exact"))


@dataclass(frozen=True, slots=True)
class _Place(Codec):
    """The rule that ended the walk; rule 0 is the policy."""

    def encode(self, value: Any) -> Json:
        """Return table, chain and number."""
        return None if value is None else dict(zip(("table", "chain", "rule"), value, strict=True))

    def decode(self, data: Json) -> Any:
        """Return the triple."""
        if data is None:
            return None
        members = (Member("table", "table", TEXT), Member("chain", "chain", TEXT), Member("rule", "rule", _NUMBER))
        return tuple(decode_members(members, data)[key] for key in ("table", "chain", "rule"))

    def schema(self) -> dict[str, Json]:
        """Return a closed object, or null."""
        properties: dict[str, Json] = {"table": TEXT.schema(), "chain": TEXT.schema(), "rule": _NUMBER.schema()}
        return {"anyOf": [closed(properties, tuple(properties)), {"type": "null"}]}


@dataclass(frozen=True, slots=True)
class Nothing(Codec):
    """What is not written: null, which is read as what the field has by default."""

    default: Any

    def encode(self, value: Any) -> Json:  # noqa: ARG002 - the interface
        """Return null."""
        return None

    def decode(self, data: Json) -> Any:
        """Return the default."""
        if data is not None:
            raise unfit(data, "null")
        return self.default

    def schema(self) -> dict[str, Json]:
        """Return null."""
        return {"type": "null"}


TEXT: Final = Text()
_NUMBER: Final = Plain(int, "integer")
_PROTOCOL: Final = AsText("a protocol by its name in iptables, or its number", protocol_number, protocol_name)

#: Forms of types that have one of their own.
LEAVES: Final[dict[Any, Codec]] = {
    str: TEXT,
    Odds: _Odds(),
    Interface: _Interface(),
    Unknown: OneOf(Unknown),
}

#: Forms of single fields.
FIELDS: Final[dict[tuple[type, str], Codec]] = {
    (Packet, "protocol"): _PROTOCOL,
    (FlowTuple, "protocol"): _PROTOCOL,
    (End, "decided_by"): _Place(),
}
