"""How a trace stands in JSON: a form for each of its dataclasses, worked out from their fields.

Each dataclass becomes an object with a key for every field; where several may stand, the object says which one it is
(``"step": "hook"``, ``"kind": "jump"``). Addresses, ports and interfaces that exist and were not told are ``"?"``,
those that are not there are null. What the engine keeps for itself is left out: the memory, and the key of a question.
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

from iptc_sim.builtin import BaseMatch
from iptc_sim.connection import Connection
from iptc_sim.extension import Extension
from iptc_sim.interchange.codecs import (
    REQUIRED,
    Either,
    Fixed,
    Listed,
    Member,
    Record,
    closed,
    codec_of,
    decode_members,
)
from iptc_sim.interchange.extensions import decode_base, decode_match, decode_target, encode_extension, encode_options
from iptc_sim.interchange.rules import rule_record
from iptc_sim.interchange.scalars import Codec, Json, UnfitError, unfit
from iptc_sim.match import Match, No, Unclear
from iptc_sim.memory import Memory
from iptc_sim.packet import Packet
from iptc_sim.records import MISSING, dataclass, fields
from iptc_sim.render.leaf_forms import FIELDS, LEAVES, Nothing
from iptc_sim.ruleset import Rule
from iptc_sim.steps import RuleStep
from iptc_sim.tracking import Manip
from iptc_sim.values import Family

#: Names that the modules of the dataclasses import for the type checker only.
_NAMES: Final = {"Connection": Connection, "Memory": Memory, "Packet": Packet, "Manip": Manip}

#: Fields that are not written: which part of a rule gave a reason is told otherwise, the question is the engine's.
_LEFT_OUT: Final = {No: ("extension",), Unclear: ("extension", "question")}


def snake(name: str) -> str:
    """Return ``set_mark`` for ``SetMark``; of a step its name without that word."""
    return re.sub(r"(?<=.)(?=[A-Z])", "_", name.removesuffix("Step")).lower()


class Forms:
    """The forms of everything in a trace of one family."""

    def __init__(self, family: Family) -> None:
        self.family = family
        self._made: dict[type, _Object] = {}
        self._members: dict[type, tuple[Member, ...]] = {}
        self._tagged: dict[str, dict[str, Json]] = {}
        self._rules: dict[int, tuple[Rule, Json]] = {}

    def of(self, hint: Any) -> Codec:
        """Return the form of a type.

        Raises:
            TypeError: it has none.
        """
        if hint in LEAVES:
            return LEAVES[hint]
        if hint is RuleStep:
            return _RuleStep(self)
        origin, arguments = get_origin(hint), get_args(hint)
        if origin in {Union, types.UnionType}:
            return self._union(arguments)
        if origin is frozenset or (origin is tuple and arguments[-1] is Ellipsis):
            return Listed(self.of(arguments[0]), origin)
        if origin is tuple:
            return Fixed(tuple(map(self.of, arguments)))
        if isinstance(hint, type) and hasattr(hint, "__record_fields__"):
            return _Reference(self, hint)
        return codec_of(hint)

    def _union(self, arguments: tuple[Any, ...]) -> Codec:
        several = [one for one in arguments if hasattr(one, "__record_fields__")]
        rest = [one for one in arguments if one not in several]
        if len(several) < 2:
            return Either(tuple((get_origin(one) or one, self.of(one)) for one in arguments))
        key = "step" if all(one.__name__.endswith("Step") for one in several) else "kind"
        tagged = _Tagged(self, key, tuple(several))
        return _OrNull(tagged) if rest else tagged

    def record(self, cls: type) -> _Object:
        """Return the form of a dataclass."""
        if cls not in self._made:
            self._made[cls] = _Object(cls, self.members(cls))
        return self._made[cls]

    def members(self, cls: type) -> tuple[Member, ...]:
        """Return the keys of a dataclass."""
        if cls not in self._members:
            hints = get_type_hints(cls, localns=_NAMES)
            self._members[cls] = tuple(
                self._member(cls, item.name, hints[item.name], REQUIRED if item.default is MISSING else item.default)
                for item in fields(cls)
                if item.name not in _LEFT_OUT.get(cls, ())
            )
        return self._members[cls]

    def _member(self, cls: type, name: str, hint: Any, default: object) -> Member:
        if cls is RuleStep and name in {"rule", "reason"}:
            return Member(name, name, rule_record(self.family) if name == "rule" else _AsIs(), default)
        codec = FIELDS.get((cls, name)) or (Nothing(default) if hint in {Memory, Memory | None} else self.of(hint))
        return Member(name, name, codec, default)

    def rule(self, rule: Rule) -> Json:
        """Return a rule; one that stands in many steps is encoded once."""
        if id(rule) not in self._rules:
            self._rules[id(rule)] = rule, rule_record(self.family).encode(rule)  # holding it keeps its id its own
        return self._rules[id(rule)][1]

    def tagged(self, key: str, cls: type) -> str:
        """Return the name of the schema of a dataclass with its tag."""
        name = f"{key} {snake(cls.__name__)}"
        if name not in self._tagged:
            self._tagged[name] = {}  # what it is made of may hold it
            properties = self.of(cls).schema() if cls is RuleStep else self.record(cls).schema()
            self._tagged[name] = with_key(properties, key, {"const": snake(cls.__name__)})
        return name

    def definitions(self) -> dict[str, dict[str, Json]]:
        """Return the schemas that those asked for refer to, by name."""
        found: dict[str, dict[str, Json]] = {}
        while more := [cls for cls in self._made if cls.__name__ not in found]:
            for cls in more:
                found[cls.__name__] = self._made[cls].schema()
        return found | self._tagged


def with_key(schema: Any, key: str, value: Json, *, required: bool = True) -> dict[str, Json]:
    """Return the schema of an object with one key more."""
    return {
        **schema,
        "properties": {key: value, **schema["properties"]},
        "required": [*([key] if required else []), *schema["required"]],
    }


@dataclass(frozen=True, slots=True)
class _Object(Record):
    """A dataclass as an object with every field."""

    def decode(self, data: Json) -> Any:
        """Return the dataclass."""
        try:
            return Record.decode(self, data)
        except ValueError as error:  # a packet whose addresses are of two families
            raise UnfitError(str(error)) from None

    def schema(self) -> dict[str, Json]:
        """Return a closed object whose keys must all be there, since all are written."""
        return closed({item.key: item.codec.schema() for item in self.members}, [item.key for item in self.members])


@dataclass(frozen=True, slots=True)
class _Reference(Codec):
    """A dataclass that the schema defines by its name."""

    forms: Forms
    cls: type

    def encode(self, value: Any) -> Json:
        """Return the object."""
        return self.forms.record(self.cls).encode(value)

    def decode(self, data: Json) -> Any:
        """Return the dataclass."""
        return self.forms.record(self.cls).decode(data)

    def schema(self) -> dict[str, Json]:
        """Return a reference."""
        self.forms.record(self.cls)
        return {"$ref": f"#/$defs/{self.cls.__name__}"}


@dataclass(frozen=True, slots=True)
class _Tagged(Codec):
    """One of several dataclasses; ``key`` says which."""

    forms: Forms
    key: str
    kinds: tuple[type, ...]

    def encode(self, value: Any) -> Json:
        """Return the object with its tag."""
        found: Any = self.forms.of(type(value)).encode(value)
        return {self.key: snake(type(value).__name__), **found}

    def decode(self, data: Json) -> Any:
        """Return the dataclass that the tag names."""
        if not isinstance(data, dict) or self.key not in data:
            raise unfit(data, f'an object with "{self.key}"')
        tag = data[self.key]
        for cls in self.kinds:
            if snake(cls.__name__) == tag:
                return self.forms.of(cls).decode({key: value for key, value in data.items() if key != self.key})
        raise unfit(tag, "one of " + ", ".join(snake(cls.__name__) for cls in self.kinds)).under(self.key)

    def schema(self) -> dict[str, Json]:
        """Return the alternatives, each with its tag."""
        names = [self.forms.tagged(self.key, cls) for cls in self.kinds]
        return {"oneOf": [{"$ref": f"#/$defs/{name.replace(' ', '%20')}"} for name in names]}


@dataclass(frozen=True, slots=True)
class _OrNull(Codec):
    """What may be null."""

    form: Codec

    def encode(self, value: Any) -> Json:
        """Return null for None."""
        return None if value is None else self.form.encode(value)

    def decode(self, data: Json) -> Any:
        """Return None for null."""
        return None if data is None else self.form.decode(data)

    def schema(self) -> dict[str, Json]:
        """Return both."""
        return {"anyOf": [self.form.schema(), {"type": "null"}]}


@dataclass(frozen=True, slots=True)
class _RuleStep(Codec):
    """A rule that was looked at; ``part`` of its reason says which part of the rule gave it."""

    forms: Forms

    def encode(self, value: Any) -> Json:
        """Return the step with its rule."""
        step: RuleStep = value
        own = {"rule": self.forms.rule(step.rule), "reason": self._reason(step)}
        return {
            item.key: own[item.key] if item.key in own else item.codec.encode(getattr(step, item.field))
            for item in self.forms.members(RuleStep)
        }

    def _reason(self, step: RuleStep) -> Json:
        reason = step.reason
        if reason is None:
            return None
        kind = type(reason)
        told: dict[str, Json] = {
            item.key: item.codec.encode(getattr(reason, item.field)) for item in self.forms.members(kind)
        }
        return {"kind": snake(kind.__name__), "part": self._part(step.rule, reason.extension), **told}

    def _part(self, rule: Rule, extension: Extension) -> Json:
        """Return which part of the rule it is; one that is none of them is written whole."""
        named: list[tuple[str | int, Extension]] = [("base", rule.base), *enumerate(rule.matches, 1)]
        named += [("target", rule.target)] if rule.target is not None else []
        for name, part in named:
            if part is extension:
                return name
        for name, part in named:
            if part == extension:
                return name
        if isinstance(extension, BaseMatch):
            return {"base": encode_options(extension, self.forms.family)}
        kind = "match" if isinstance(extension, Match) else "target"
        return {kind: encode_extension(extension, self.forms.family)}

    def decode(self, data: Json) -> Any:
        """Return the step."""
        found = decode_members(self.forms.members(RuleStep), data)
        found["reason"] = self._read_reason(found["rule"], found["reason"])
        return RuleStep(**found)  # type: ignore[arg-type]

    def _read_reason(self, rule: Any, data: Any) -> No | Unclear | None:
        if data is None:
            return None
        try:
            for kind in (No, Unclear):
                if isinstance(data, dict) and data.get("kind") == snake(kind.__name__):
                    rest = {key: value for key, value in data.items() if key not in {"kind", "part"}}
                    told: Any = decode_members(self.forms.members(kind), rest)
                    return kind(extension=self._read_part(rule, data.get("part")), **told)
            raise unfit(data, 'an object with "kind", which is no or unclear')
        except UnfitError as error:
            raise error.under("reason") from None

    def _read_part(self, rule: Rule, data: Json) -> Any:
        family = self.forms.family
        readers: dict[str, Callable[[Json, Family], Extension]] = {
            "base": decode_base,
            "match": decode_match,
            "target": decode_target,
        }
        if data == "base":
            return rule.base
        if data == "target" and rule.target is not None:
            return rule.target
        if type(data) is int and 0 < data <= len(rule.matches):
            return rule.matches[data - 1]
        if isinstance(data, dict) and len(data) == 1 and (key := next(iter(data))) in readers:
            return readers[key](data[key], family)
        raise unfit(data, '"base", "target", the number of a match of the rule, or a part of its own').under("part")

    def schema(self) -> dict[str, Json]:
        """Return a closed object."""
        reasons: list[Json] = [{"type": "null"}]
        for kind in (No, Unclear):
            keys = {item.key: item.codec.schema() for item in self.forms.members(kind)}
            tagged: dict[str, Json] = {"kind": {"const": snake(kind.__name__)}, "part": _PART}
            reasons.append(closed({**tagged, **keys}, ("kind", "part", *keys)))
        properties: dict[str, Json] = {item.key: item.codec.schema() for item in self.forms.members(RuleStep)}
        properties |= {"reason": {"anyOf": reasons}, "rule": {"type": "object"}}
        return closed(properties, tuple(properties))


_PART: Final[Json] = {
    "description": "the options of iptables itself, the target, the match of that number, or a part of its own",
    "anyOf": [{"enum": ["base", "target"]}, {"type": "integer", "minimum": 1}, {"type": "object"}],
}


@dataclass(frozen=True, slots=True)
class _AsIs(Codec):
    """What is read later, with what stands beside it."""

    def encode(self, value: Any) -> Json:
        """Return it unchanged."""
        return value  # type: ignore[no-any-return]

    def decode(self, data: Json) -> Any:
        """Return it unchanged."""
        return data

    def schema(self) -> dict[str, Json]:
        """Return anything."""
        return {}
