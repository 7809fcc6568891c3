"""The objects of the document, from the whole to a rule; reader and schema are made from them."""

from __future__ import annotations

import types
from collections.abc import Callable
from functools import cache
from typing import Any, Final

from iptc_sim.builtin import ANY
from iptc_sim.interchange.codecs import Either, Keyed, Listed, Member, Record, codec_of
from iptc_sim.interchange.extensions import (
    decode_base,
    decode_match,
    decode_target,
    encode_extension,
    encode_options,
)
from iptc_sim.interchange.scalars import NULL, Codec, Exactly, Json
from iptc_sim.records import dataclass
from iptc_sim.ruleset import BUILTIN_CHAINS, Counters, Rule
from iptc_sim.values import Family

_COUNTERS = codec_of(Counters | None)


@dataclass(frozen=True, slots=True)
class Part(Codec):
    """A part of a rule that the schema defines by name.

    Args:
        family: of the ruleset.
        definition: its name in ``$defs``.
        write: gives its JSON.
        read: gives it from JSON.
    """

    family: Family
    definition: str
    write: Callable[[Any, Family], Json]
    read: Callable[[Json, Family], Any]

    def encode(self, value: Any) -> Json:
        """Return its JSON."""
        return self.write(value, self.family)

    def decode(self, data: Json) -> Any:
        """Return it."""
        return self.read(data, self.family)

    def schema(self) -> dict[str, Json]:
        """Return a reference."""
        return {"$ref": f"#/$defs/{self.definition}"}


@cache
def rule_record(family: Family) -> Record:
    """Return the codec of a rule; its place is the ``line``, the text itself is not kept."""
    match = Part(family, "match", encode_extension, decode_match)
    target = Part(family, "target", encode_extension, decode_target)
    return Record(
        Rule,
        (
            Member("line", "line", codec_of(int), 0),
            Member("counters", "counters", _COUNTERS, None),
            Member("base", "base", Part(family, "base", encode_options, decode_base), ANY),
            Member("matches", "matches", Listed(match, tuple), ()),
            Member("target", "target", Either(((types.NoneType, NULL), (object, target))), None),
        ),
    )


#: The version of the form, and its name; a reader refuses another one.
VERSION: Final = 1
KIND: Final = "ruleset"


def _raw(definition: str) -> Part:
    """Return a part that is decoded on its own, so that the errors of each can be told."""
    return Part(Family.IPV4, definition, lambda value, _family: value, lambda data, _family: data)


CHAIN: Final = Record(
    dict,
    (
        Member("name", "name", codec_of(str)),
        Member("declared", "declared", codec_of(bool), True),
        Member("policy", "policy", codec_of(str | None), None),
        Member("counters", "counters", _COUNTERS, None),
        Member("rules", "rules", Listed(_raw("rule"), tuple), ()),
    ),
)
TABLE: Final = Record(dict, (Member("chains", "chains", Listed(_raw("chain"), tuple)),))
DOCUMENT: Final = Record(
    dict,
    (
        Member("version", "version", Exactly(VERSION)),
        Member("kind", "kind", Exactly(KIND)),
        Member("family", "family", codec_of(Family)),
        Member("whole", "whole", codec_of(bool), True),
        Member("tables", "tables", Keyed(tuple(BUILTIN_CHAINS), _raw("table"))),
    ),
)
