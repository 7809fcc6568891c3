"""From JSON text to a Ruleset.

What fits the schema can still be no rule (a port of 99999, a chain name with a blank), and iptables is the judge of
that: the decoded rules are written as text and read again, and must come back as they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain as joined
from itertools import zip_longest
from typing import Any

from iptc_sim.builtin import BaseMatch, ForeignMatch, ForeignTarget, GoTo
from iptc_sim.diagnostics import Diagnostic, InputError, SourceFile, Span
from iptc_sim.extension import Extension
from iptc_sim.interchange.rules import CHAIN, DOCUMENT, TABLE, rule_record
from iptc_sim.interchange.scalars import Json, UnfitError, shown
from iptc_sim.match import Match
from iptc_sim.records import dataclass, field, replace
from iptc_sim.ruleset import BUILTIN_CHAINS, Chain, Rule, Ruleset, Table
from iptc_sim.syntax import Findings
from iptc_sim.syntax.loader import Manner
from iptc_sim.syntax.reader import Reader
from iptc_sim.syntax.write import write_rule
from iptc_sim.value_types.text import quoted
from iptc_sim.values import Family, Variant

#: The policies; the first one is that of a chain which does not tell it.
POLICIES = ("ACCEPT", "DROP")

_SEVERAL = re.compile(r'[\s"]')
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')


def ruleset_from_json(source: SourceFile | str, *, variant: Variant = Variant.NFT) -> Ruleset:
    """Read what :func:`ruleset_to_json` writes.

    Args:
        source: the text.
        variant: of the iptables that would load it; each takes some rules and names that the other does not.

    Returns:
        The ruleset. Its rules know their line, but hold no source; warnings are in ``Ruleset.notes``.

    Raises:
        InputError: IPT055 where it is no JSON; IPT056 where it is no ruleset, with the path as the subject, and the
            codes of the text form for what iptables would refuse; all that were found.
    """
    found = examine_json(SourceFile("<text>", source) if isinstance(source, str) else source, variant=variant)
    if found.errors:
        raise InputError(*found.errors)
    return found.ruleset


def examine_json(
    source: SourceFile,
    *,
    strict: bool = False,
    variant: Variant = Variant.NFT,
    objects: Mapping[str, Collection[str]] | None = None,
) -> Findings:
    """Read like :func:`ruleset_from_json`, but return everything that is wrong; bad JSON raises nothing.

    Args:
        source: the text.
        strict: whether what a load would not take is an error too.
        variant: of the iptables that would load it.
        objects: names that exist on the machine, by kind.
    """
    known = {kind: frozenset(names) for kind, names in (objects or {}).items()}
    document = _Document(source.name, Manner(Family.IPV4, strict, variant, "", known))
    try:
        ruleset = document.ruleset(load_json(source))
    except InputError as error:
        return Findings(Ruleset({}), error.diagnostics)
    return Findings(ruleset, tuple(document.errors))


def load_json(source: SourceFile) -> Json:
    """Return the JSON; a key that stands twice is an error, because one of the two would be lost.

    Raises:
        InputError: IPT055, it is no JSON.
    """

    def refuse(message: str, place: Span | None = None) -> InputError:
        subject = "" if place else source.name
        return InputError(Diagnostic("IPT055", message, span=place, subject=subject, expected="JSON"))

    def once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        made = dict(pairs)
        if len(made) < len(pairs):
            keys = [key for key, _ in pairs]
            raise refuse(f"key {shown(next(key for key in keys if keys.count(key) > 1))} stands twice in an object")
        return made

    try:
        data: Json = json.loads(source.text, object_pairs_hook=once)
    except json.JSONDecodeError as error:
        place = Span(source, error.lineno, error.colno, 1)
        raise refuse(f"this is not JSON: {error.msg[:1].lower()}{error.msg[1:]}", place) from error
    except RecursionError:
        raise refuse("it is nested too deeply") from None
    except ValueError:  # a number with more digits than Python reads
        raise refuse("a number in it is far too long") from None
    return data


@dataclass(slots=True)
class _Text:
    """The text of one table, and which piece of JSON each line stands for."""

    lines: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    def add(self, words: Iterable[str], path: str) -> None:
        self.lines.append(" ".join(words))
        self.paths.append(path)


class _Document:
    """One document being read; collects what is wrong with it."""

    def __init__(self, name: str, manner: Manner) -> None:
        self.name, self.manner = name, manner
        self.errors: list[Diagnostic] = []
        self.notes: list[Diagnostic] = []

    def ruleset(self, data: Json) -> Ruleset:
        """Return what could be understood."""
        head = self._try("", DOCUMENT.decode, data)
        if head is None:
            return Ruleset({})
        self.manner = replace(self.manner, family=head["family"])
        read = {name: self._table(name, piece, whole=head["whole"]) for name, piece in head["tables"].items()}
        tables = {name: table for name, table in read.items() if table is not None}
        return Ruleset(tables, head["family"], tuple(self.notes), head["whole"], self.manner.variant)

    def _fail(self, path: str, message: str, expected: str = "", hint: str = "") -> None:
        subject = f"{self.name}: {path.removeprefix('.')}" if path else self.name
        self.errors.append(Diagnostic("IPT056", message, subject=subject, expected=expected, hint=hint))

    def _try(self, path: str, decode: Callable[[Json], Any], data: Json) -> Any:
        """Return what was decoded; None where it does not fit, which is then among the errors."""
        try:
            return decode(data)
        except UnfitError as error:
            self._fail(path + error.path, error.message, error.expected, error.hint)
            return None

    def _table(self, name: str, data: Json, *, whole: bool) -> Table | None:
        """Return a table; None where something is wrong with it."""
        path = f".tables.{name}"
        before = len(self.errors)
        found = self._try(path, TABLE.decode, data)
        chains: dict[str, Chain] = {}
        for number, piece in enumerate(found["chains"] if found else ()):
            place = f"{path}.chains[{number}]"
            given = self._try(place, CHAIN.decode, piece)
            if given is None:
                continue
            if given["name"] in chains:
                self._fail(f"{place}.name", f"chain {shown(given['name'])} stands twice in the table")
            chains[given["name"]] = self._chain(name, given, place)
        if len(self.errors) > before:
            return None
        return self._judged(Table(name, chains), path, whole=whole)

    def _chain(self, table: str, found: dict[str, Any], path: str) -> Chain:
        builtin = found["name"] in {str(hook) for hook in BUILTIN_CHAINS[table]}
        policy = found["policy"]
        if policy is not None and not (builtin and policy in POLICIES):
            expected = " or ".join(POLICIES) if builtin else "null: only built-in chains have a policy"
            self._fail(f"{path}.policy", f"{shown(policy)} is not a policy of {shown(found['name'])}", expected)
        decode = rule_record(self.manner.family).decode
        rules = [self._try(f"{path}.rules[{number}]", decode, piece) for number, piece in enumerate(found["rules"])]
        return Chain(**found | {"rules": tuple(rule for rule in rules if rule is not None)})

    def _judged(self, table: Table, path: str, *, whole: bool) -> Table | None:
        """Let the reader of text judge the table; None where it refuses it."""
        before = len(self.errors)
        text = self._written(table, path, whole=whole)
        if len(self.errors) > before:
            return None
        if not text.lines:
            return table
        reader = Reader(replace(self.manner, table=table.name))
        reader.read(SourceFile(self.name, "".join(f"{line}\n" for line in text.lines)))
        found = reader.findings()
        self.errors += self._placed(found.errors, text)
        self.notes += self._placed(found.ruleset.notes, text)
        if len(self.errors) > before:
            return None
        chains = {}
        for number, chain in enumerate(table.chains.values()):
            known = found.ruleset.chain(table.name, chain.name)
            rules = self._same(chain, known.rules if known else (), f"{path}.chains[{number}]")
            chains[chain.name] = replace(chain, rules=tuple(rules))
        return None if len(self.errors) > before else Table(table.name, chains)

    def _written(self, table: Table, path: str, *, whole: bool) -> _Text:
        """Return a table as iptables-save prints it, one that is not whole as a listing, which may be an excerpt."""
        text = _Text()
        if whole:
            text.add((f"*{table.name}",), path)
        for number, chain in enumerate(table.chains.values()):
            if chain.declared:
                text.add(
                    _declaration(chain, whole=whole, builtin=chain.name in table.builtin), f"{path}.chains[{number}]"
                )
        for number, chain in enumerate(table.chains.values()):
            for place, rule in enumerate(chain.rules):
                where = f"{path}.chains[{number}].rules[{place}]"
                try:
                    text.add(("-A", chain.name, *joined.from_iterable(map(_spelled, rule.extensions))), where)
                except (ValueError, ArithmeticError, LookupError):  # values that the types allow and no rule can have
                    self._fail(where, "a value of the rule is out of its range")
        if whole:
            text.add(("COMMIT",), path)
        return text

    def _same(self, chain: Chain, read: Sequence[Rule], path: str) -> Iterator[Rule]:
        """Yield the rules that were given if iptables keeps them; equal parts of them are one object, as when read."""
        for number, (one, other) in enumerate(zip_longest(chain.rules, read)):
            if one is None or other is None or not _keeps(one, other):
                expected = write_rule(other, chain.name) if other else ""
                self._fail(f"{path}.rules[{number}]", "iptables would keep another rule than this", expected)
                return
            shared = other if one == other else one
            yield replace(shared, counters=one.counters, source=None, line=one.line)

    def _placed(self, found: Iterable[Diagnostic], text: _Text) -> list[Diagnostic]:
        """Return diagnostics about the text as diagnostics about the JSON."""
        made = []
        for item in found:
            path = text.paths[item.span.line - 1].removeprefix(".") if item.span else ""
            made.append(replace(item, span=None, subject=f"{self.name}: {path}" if path else self.name))
        return made


def _declaration(chain: Chain, *, whole: bool, builtin: bool) -> tuple[str, ...]:
    policy = chain.policy or POLICIES[0]
    if whole:
        return f":{chain.name}", policy if builtin else "-", "[0:0]"
    return ("-P", chain.name, policy) if builtin else ("-N", chain.name)


def _spelled(part: Extension) -> tuple[str, ...]:
    """Return the words of a part of a rule as they are read: neither variant prints every rule as it was given."""
    words = part.words()
    if not isinstance(part, ForeignMatch | ForeignTarget):  # these keep their words as they stood
        words = tuple(map(_one_word, words))
    if isinstance(part, BaseMatch):
        return words
    if isinstance(part, Match):
        return "-m", part.name, *words
    return "-g" if isinstance(part, GoTo) else "-j", part.name, *words


def _one_word(word: str) -> str:
    """Return a printed word so that it is read as one: names of interfaces and timers are printed without quotes."""
    return quoted(word) if _SEVERAL.search(word) and not _QUOTED.fullmatch(word) else word


def _keeps(given: Rule, read: Rule) -> bool:
    """Whether the rule that was read from the text of another one is that rule.

    A value that is never printed cannot come back; it is one of a few that the declarations name.
    """
    if given == read:
        return True
    pairs: Iterable[tuple[Any, Any]] = zip_longest(given.extensions, read.extensions)
    for one, other in pairs:
        if type(one) is not type(other):
            return False
        silent = {item.field: item.hidden for item in one.OPTIONS if getattr(one, item.field) == item.hidden}
        if _spelled(one) != _spelled(replace(other, **silent)):
            return False
    return True
