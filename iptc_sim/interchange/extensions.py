"""Matches and targets as JSON: ``{"name": "tcp", "options": {...}}``, by the fields that each extension declares.

An option that is absent from the rule is absent from the JSON. Jumps are ``{"jump": CHAIN}`` and ``{"goto": CHAIN}``;
an extension that is not known keeps its words: ``{"name": "FOO", "words": ["--bar", "1"]}``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from iptc_sim.builtin import BaseMatch, ForeignMatch, ForeignTarget, GoTo, JumpTo
from iptc_sim.diagnostics import suggestion
from iptc_sim.extension import Extension
from iptc_sim.interchange.codecs import REQUIRED, Member, closed, codec_of, decode_members, members_of
from iptc_sim.interchange.scalars import Json, UnfitError, shown
from iptc_sim.match import Match
from iptc_sim.matches import MATCHES
from iptc_sim.records import replace
from iptc_sim.registry import Registry
from iptc_sim.target import Target
from iptc_sim.targets import TARGETS
from iptc_sim.values import Family

#: The two ways to a chain, each with its key.
_LEADS: Final[Mapping[str, type[JumpTo | GoTo]]] = {"jump": JumpTo, "goto": GoTo}
_NAME: Final = codec_of(str)
_WORDS: Final = codec_of(tuple[str, ...])


_MADE: Final[dict[tuple[type[Extension], Family], tuple[Member, ...]]] = {}


def _members(cls: type[Extension], family: Family) -> tuple[Member, ...]:
    """Return the options with the values that an absent one has in the family."""
    if (cls, family) not in _MADE:
        defaults = {item.field: item.default(family) for item in cls.OPTIONS if item.default is not None}
        _MADE[cls, family] = tuple(
            replace(item, default=defaults.get(item.field, item.default)) for item in members_of(cls)
        )
    return _MADE[cls, family]


def encode_options(extension: Extension, family: Family) -> dict[str, Json]:
    """Return the options that the extension has, by name."""
    found: dict[str, Json] = {}
    for item in _members(type(extension), family):
        value = getattr(extension, item.field)
        if not ((value is None or value is False) and value is item.default):
            found[item.key] = item.codec.encode(value)
    return found


def encode_extension(extension: Extension, family: Family) -> dict[str, Json]:
    """Return a match or target."""
    for key, cls in _LEADS.items():
        if isinstance(extension, cls):
            return {key: extension.chain}
    if isinstance(extension, ForeignMatch | ForeignTarget):
        return {"name": extension.module, "words": _WORDS.encode(extension.raw)}
    return {"name": extension.name, "options": encode_options(extension, family)}


def _decode_options(cls: type[Any], data: Json, family: Family) -> Any:
    return cls(**decode_members(_members(cls, family), data))


def decode_base(data: Json, family: Family) -> BaseMatch:
    """Return the options of iptables itself.

    Raises:
        UnfitError: the JSON does not fit.
    """
    made: BaseMatch = _decode_options(BaseMatch, data, family)
    return made


def decode_match(data: Json, family: Family) -> Match:
    """Return a match.

    Raises:
        UnfitError: the JSON does not fit.
    """
    made: Match = _decode_extension(data, family, MATCHES, ForeignMatch)
    return made


def decode_target(data: Json, family: Family) -> Target:
    """Return a target or what leads to a chain.

    Raises:
        UnfitError: the JSON does not fit.
    """
    if isinstance(data, dict) and len(data) == 1:
        key, chain = next(iter(data.items()))
        if key in _LEADS:
            return _LEADS[key](_under(key, _NAME.decode, chain))
    made: Target = _decode_extension(data, family, TARGETS, ForeignTarget)
    return made


def _decode_extension(
    data: Json, family: Family, known: Registry[Any], foreign: type[ForeignMatch | ForeignTarget]
) -> Any:
    if not isinstance(data, dict) or "name" not in data or not data.keys() <= {"name", "options", "words"}:
        also = ', or "jump" or "goto" alone' if known is TARGETS else ""
        expected = f'an object with "name" and "options", or "name" and "words"{also}'
        raise UnfitError(f"{_outline(data)} cannot stand here", expected)
    name = _under("name", _NAME.decode, data["name"])
    cls = known.find(name)
    if "words" in data:
        if "options" in data:
            raise UnfitError('"options" and "words" exclude each other')
        return foreign(name, _under("words", _WORDS.decode, data["words"]))
    if cls is None or name != cls.NAME:
        near = suggestion(name, [item.NAME for item in known.all()])
        hint = near or 'an extension that is not known has "words" instead of "options"'
        raise UnfitError(f"{shown(name)} is not a known extension", hint=hint).under("name")
    options = data.get("options", {})
    return _under("options", lambda piece: _decode_options(cls, piece, family), options)


def _under(key: str, decode: Callable[[Json], Any], data: Json) -> Any:
    try:
        return decode(data)
    except UnfitError as error:
        raise error.under(key) from None


def _outline(data: Json) -> str:
    return f"an object with {', '.join(map(shown, data)) or 'no keys'}" if isinstance(data, Mapping) else shown(data)


def options_schema(cls: type[Extension]) -> dict[str, Json]:
    """Return the schema of the options of an extension."""
    members = _members(cls, Family.IPV4)
    required = [item.key for item in members if item.default is REQUIRED]
    return closed({item.key: item.codec.schema() for item in members}, required)


def extension_schema(cls: type[Extension]) -> dict[str, Json]:
    """Return the schema of a match or target."""
    return closed({"name": {"const": cls.NAME}, "options": options_schema(cls)}, ("name", "options"))


def foreign_schema() -> dict[str, Json]:
    """Return the schema of an extension that is not known."""
    return closed({"name": _NAME.schema(), "words": _WORDS.schema()}, ("name", "words"))


def lead_schemas() -> list[Json]:
    """Return the schemas of what leads to a chain."""
    return [closed({key: _NAME.schema()}, (key,)) for key in _LEADS]
