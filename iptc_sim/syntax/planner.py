"""From the Lark tree of one line to what it says: the plan of its shape, or a command about chains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from iptc_sim.builtin import BaseMatch, ForeignMatch
from iptc_sim.protocols import parse_integer
from iptc_sim.ruleset import Counters
from iptc_sim.syntax.grammar import ParsedLine
from iptc_sim.syntax.lines import CommandLine, EmptyLine, RuleLine
from iptc_sim.syntax.own_options import COMMANDS
from iptc_sim.syntax.plan import BasePart, ForeignPart, Given, JumpPart, Part, RulePlan, Ways, read_counters
from iptc_sim.syntax.words import LineError, Loaded, unquote

if TYPE_CHECKING:
    from lark import Token, Tree

#: Commands that take the options of a rule.
_RULE_COMMANDS: Final = frozenset({"-A", "-C", "-D", "-I", "-R"})

#: Those of them that take ``-c``.
_COUNTED: Final = frozenset({"-A", "-I", "-R"})

#: The options of listings: ``-0`` is ``--line-numbers``.
_OF_LISTS: Final = frozenset({"-n", "-x", "-0"})

#: What iptables takes with the other commands besides ``-v`` (measured with each of them).
_ALSO: Final = {"-P": frozenset({"-c"}), "-L": _OF_LISTS}


def read_parsed(parsed: ParsedLine, ways: Ways) -> RulePlan | RuleLine | CommandLine | EmptyLine:
    """Return what a line says that is no table, chain, COMMIT or comment line.

    Args:
        parsed: the line.
        ways: how lines are read.

    Returns:
        The plan of a rule's shape; ``-D CHAIN NUMBER`` and commands about chains as they are; an empty line for a rule
        of the other family.

    Raises:
        LineError: two targets, a negation that cannot be, an option that the command does not take, and so on.
    """
    return LinePlanner(parsed, ways).read()


class LinePlanner:
    """Collects what stands on a line, and makes the plan of its shape from it."""

    def __init__(self, parsed: ParsedLine, ways: Ways) -> None:
        self._parsed, self._ways = parsed, ways
        self._reading = ways.reading(parsed.getopt.protocol, parsed.getopt.other_than)
        self._given: dict[int, list[Given]] = {}
        self._foreign: dict[int, list[int]] = {}
        self._jumps: list[tuple[Token, bool]] = []
        self._counters: list[Token] = []
        self._commands: list[str] = []
        self._command = ""
        self._values: list[Token] = []
        self._letters: dict[str, int] = {}  # of options, with their words

    def read(self) -> RulePlan | RuleLine | CommandLine | EmptyLine:
        """Return what the line says; see :func:`read_parsed`."""
        tree = self._parsed.tree
        for part in tree.children:
            if getattr(part, "data", "") == "part":
                self._part(cast("Tree[Token]", part))
            elif getattr(part, "data", "") in {"command", "listing", "zero"}:
                children = cast("list[Token | None]", cast("Tree[Token]", part).children)
                tokens = [token for token in children if token is not None]
                self._commands.append(COMMANDS[tokens[0].type])
                self._values = tokens[1:] or self._values
        self._command = "-Z" if "-Z" in self._commands else "".join(self._commands)
        counted = self._command == "-D" and len(self._values) > 1
        if tree.data == "cut":
            return self._cut(counted=counted)
        self._check_options("" if counted else self._command)
        if self._command not in _RULE_COMMANDS:
            self._check_extensions()
            return self._chain_command()
        if counted:
            self._check_extensions()
            return RuleLine(self._text(0), [], "-D", self._number())
        return self._plan()

    # --- commands ---------------------------------------------------------------------------------------------------

    def _cut(self, *, counted: bool) -> RuleLine | CommandLine | EmptyLine:
        """A line for the other family: iptables has no addresses then, so no rule either; the rest is carried out."""
        if self._command == "-R":
            raise LineError("IPT016", 0, "-R for the other family: iptables does not survive this")
        if counted:
            return RuleLine(self._text(0), [], "-D", self._number())
        if not self._command or self._command in _RULE_COMMANDS:
            return EmptyLine()
        return self._chain_command()

    def _chain_command(self) -> CommandLine:
        texts = [self._text(place) for place in range(len(self._values))]
        chain = texts[0] if texts else ""
        if self._command in {"-P", "-E"}:
            return CommandLine(self._command, chain, texts[1], self._read_counters())
        return CommandLine(self._command, chain, number=self._number())

    def _text(self, place: int) -> str:
        return self._value(self._values[place])

    def _value(self, token: Token) -> str:
        return unquote(str(token))[self._skip(token) :]

    def _number(self) -> int:
        if len(self._values) < 2:
            return 0
        index, text = self._index(self._values[1]), self._text(1)
        number = parse_integer(text)
        if number is None or not 1 <= number < 1 << 31:
            raise LineError("IPT013", index, f"{text or 'an empty word'} is not a rule number", "a number from 1")
        return number

    def _check_options(self, command: str) -> None:
        """Refuse options that the command does not take; an empty one stands for ``-D CHAIN NUMBER``."""
        if command in _RULE_COMMANDS:
            refused = self._letters.keys() & (_OF_LISTS | (set() if command in _COUNTED else {"-c"}))
        else:
            commands = self._commands if command else []
            refused = self._letters.keys() - {"-v"}.union(*(_ALSO.get(one, ()) for one in commands))
        for letter in sorted(refused, key=self._letters.__getitem__):
            shown = "--line-numbers" if letter == "-0" else letter
            label = command or "-D CHAIN NUMBER"
            raise LineError("IPT016", self._letters[letter], f"{shown} cannot stand with {label}")

    def _check_extensions(self) -> None:
        """Read what stands on a line that makes no rule, since iptables does so before it throws it away."""
        for item in self._parsed.getopt.loaded[1:]:
            if item.extension is not None:
                self._extension_part(item).bind(self._parsed.words)

    # --- rules ------------------------------------------------------------------------------------------------------

    def _plan(self) -> RulePlan:
        loaded = self._parsed.getopt.loaded
        base = BasePart(self._extension_part(loaded[0]))
        matches = tuple(self._match_part(item) for item in loaded[1:] if item.kind == "match")
        if self._command in {"-I", "-R"}:
            self._number()  # refuses what is none
        chain = self._values[0]
        return RulePlan(
            chain=self._index(chain),
            base=base,
            matches=matches,
            target=self._target(),
            counters=tuple(self._index(token) for token in self._counters),
            command=self._command,
            number=self._index(self._values[1]) if len(self._values) > 1 else -1,
            skips=(self._skip(chain), self._skip(self._counters[0]) if self._counters else 0),
            in_interface=self._letters.get("-i", -1),
            out_interface=self._letters.get("-o", -1),
        )

    def _index(self, token: object) -> int:
        return self._parsed.indexes[token.start_pos or 0]  # type: ignore[attr-defined]

    def _part(self, part: Tree[Token]) -> None:
        negation, condition = cast("tuple[Token | None, Tree[Token | None]]", tuple(part.children))
        tokens = [token for token in cast("list[Token | None]", condition.children) if token is not None]
        indexes = [self._index(token) for token in tokens]
        kind = str(condition.data)
        if kind in {"flag", "unary", "binary", "optional"}:
            self._option(tokens, negated=negation is not None)
            return
        if kind == "foreign":
            owner = self._parsed.getopt.owners[indexes[0]]
            marks = [self._index(negation)] if negation is not None else []
            self._foreign.setdefault(id(owner), []).extend([*marks, *indexes])
            return
        letter = str(tokens[0])
        if kind in {"own_family", "modprobe"}:
            return
        if negation is not None:
            raise LineError("IPT014", self._index(negation), f"! cannot stand before {letter}")
        if letter in self._letters and kind == "set_counters":
            raise LineError("IPT015", indexes[0], "-c is given twice")
        if kind != "match":
            self._letters.setdefault(letter, indexes[0])
        if kind in {"jump", "goto"}:
            self._jumps.append((tokens[1], kind == "goto"))
        elif kind == "set_counters":
            self._counters = tokens[1:]
            self._read_counters()

    def _option(self, tokens: list[Token], *, negated: bool) -> None:
        indexes = [self._index(token) for token in tokens]
        found = self._parsed.found[tokens[0].start_pos or 0]
        if found.owner.extension is BaseMatch:
            self._letters.setdefault(found.option.names[0], indexes[0])
        reading = self._ways.reading(found.protocol, found.other_than, negated=negated)
        skip = self._skip(tokens[1]) if len(tokens) > 1 else 0
        given = Given(found.option, found.kind, indexes[0], tuple(indexes[1:]), reading, skip)
        self._given.setdefault(id(found.owner), []).append(given)

    def _skip(self, token: Token) -> int:
        return self._parsed.skips.get(token.start_pos or 0, 0)

    def _read_counters(self) -> Counters | None:
        if not self._counters:
            return None
        return read_counters([self._value(token) for token in self._counters], self._index(self._counters[0]))

    def _extension_part(self, item: Loaded) -> Part:
        if item.extension is None:
            raise AssertionError("a part of an extension that is not modelled")
        given = tuple(self._given.get(id(item), ()))
        index = item.index if item.index >= 0 else (given[0].index if given else 0)
        return self._ways.part(item.extension, given, self._reading, index)

    def _match_part(self, item: Loaded) -> Part | ForeignPart:
        if item.extension is None:
            return ForeignPart(ForeignMatch, item.name, tuple(self._foreign.get(id(item), ())))
        return self._extension_part(item)

    def _target(self) -> Part | JumpPart | None:
        if len(self._jumps) > 1:
            raise LineError("IPT015", self._index(self._jumps[1][0]), "a rule has one target only")
        if not self._jumps:
            return None
        token, goto = self._jumps[0]
        index = self._index(token)
        owner = self._parsed.getopt.owners.get(index)
        if owner is not None and owner.extension is not None:
            return self._extension_part(owner)
        return JumpPart(index, goto, tuple(self._foreign.get(id(owner), ())), self._skip(token))
