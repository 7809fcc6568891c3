"""Shapes that stand often in a text: one regular expression reads and checks a whole line of such a shape.

The expression is made from the plan of the shape: the words that make the shape stand in it as they are, and each value
as the pattern that its value type declares. A line that fits it is one that the plan takes; what else the plan may take
(hexadecimal ports, odd spacing, quoted names) does not fit and is read word by word. The rule itself is built when
somebody looks at it.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterator
from typing import Final

from iptc_sim.extension import Extension
from iptc_sim.syntax.plan import ForeignPart, JumpPart, Part, RulePlan

#: A shape is worth its expression after so many lines: compiling one costs as much as reading these word by word.
WORTH: Final = 5

#: How many shapes are tried because they followed the last one before.
_REMEMBERED: Final = 6

#: Chains whose packets have no in interface, and no out interface.
_NO_INPUT: Final = ("OUTPUT", "POSTROUTING")
_NO_OUTPUT: Final = ("PREROUTING", "INPUT")

#: The methods that look at several words together.
_JUDGES: Final = ("complete", "derive", "check")

_CHAIN = r"([A-Za-z0-9_.:/][A-Za-z0-9_.:/-]{0,27}+)"
_VALUE = r'([^\s"]{1,255}+|"[^"\\\n]{0,255}")'
_COUNTERS = r"(?:\[[0-9]{1,19}:[0-9]{1,19}\] )?"


class Shape:
    """A shape of lines with its plan, and what is known of it; ``counted``: counters stand before its lines.

    Attributes:
        plan: what its lines mean.
        extensions: the classes of its base options, matches and target.
        placed: whether table, hooks or values decide if iptables and the kernel take a rule of it.
        asked: the same for its lines that do not fit the expression.
        never: chains in which iptables refuses it, with the option that it refuses and the index of its word.
        unmodelled: whether it has a match or target that is not modelled.
        match: the ``match`` of its expression; nothing fits before that is compiled, and where there is none.
        jump: the group of the expression that is the chain jumped to; 0 for none.
        memo: groups whose words the expression does not prove; ``known`` holds those that the plan has taken.
        after: shapes that followed it, the last one first.
        stored: whether further lines of it are known by their words.
        section: in which a line of it was read last; ``entries`` are its rules there and ``owners`` their
            chains, where it is placed. Shapes that are not stored have theirs together.
    """

    __slots__ = (
        "_counted", "_key", "_tries", "after", "asked", "entries", "extensions", "jump", "known", "match", "memo",
        "never", "owners", "placed", "plan", "section", "stored",
        "unmodelled",
    )  # fmt: skip

    def __init__(self, plan: RulePlan, key: tuple[str, ...], *, counted: bool = False) -> None:
        parts = [plan.base.part, *plan.matches, *([plan.target] if plan.target else [])]
        self.plan = plan
        self.extensions = tuple(part.extension for part in parts if isinstance(part, Part))
        self.placed = any(map(_is_placed, self.extensions))
        self.asked = self.placed or any(map(_has_own, self.extensions))
        self.unmodelled = any(map(_is_unmodelled, parts))
        self.never = {
            chain: (option, index)
            for option, index, chains in (("-i", plan.in_interface, _NO_INPUT), ("-o", plan.out_interface, _NO_OUTPUT))
            for chain in chains
            if index >= 0
        }
        self.match: Callable[[str, int], re.Match[str] | None] = _never
        self.jump = 0
        self.memo: tuple[int, ...] = ()
        self.known: set[str | tuple[str, ...]] = set()
        self.after: list[Shape] = []
        self.stored = False
        self.section: object = None
        self.entries, self.owners = array("I"), array("I")
        self._key, self._counted = key, counted
        self._tries = 0

    @property
    def is_hot(self) -> bool:
        """Whether its expression is compiled."""
        return self.match is not _never

    def follow(self, other: Shape) -> None:
        """Remember that a line of ``other`` came after one of this shape."""
        if other in self.after:
            self.after.remove(other)
        self.after.insert(0, other)
        del self.after[_REMEMBERED:]

    def count(self) -> bool:
        """Count a line that was read word by word; say whether the shape has now become worth an expression."""
        self._tries += 1
        if self._tries == WORTH and not self.unmodelled:
            self._compile()
            return self.is_hot
        return False

    def _compile(self) -> None:
        """Make the expression out of the key: words that decide stand for themselves, values by their patterns."""
        plan, words = self.plan, list(map(re.escape, self._key))
        if plan.counters or self._key[0] != "-A" or (isinstance(plan.target, JumpPart) and plan.target.raw):
            return
        memo: list[int] = []
        for part in (plan.base.part, *plan.matches, plan.target):
            if isinstance(part, Part):
                for index, pattern in _values(part):
                    if self._key[index] != "_":
                        continue
                    words[index] = pattern or _VALUE
                    if pattern is None:
                        memo.append(index)
        words[plan.chain] = (f"(?!(?:{'|'.join(self.never)}) )" if self.never else "") + _CHAIN
        if isinstance(plan.target, JumpPart):
            words[plan.target.name] = _CHAIN
        expression = re.compile((_COUNTERS if self._counted else "") + " ".join(words) + "\n")
        aim = plan.target.name if isinstance(plan.target, JumpPart) else -1
        groups = {
            index: group for group, index in enumerate(sorted([plan.chain, *memo, *([aim] if aim >= 0 else [])]), 1)
        }
        self.jump = groups.get(aim, 0)
        self.memo = tuple(groups[index] for index in memo)
        self.match = expression.match


def _never(_text: str, _position: int) -> re.Match[str] | None:
    """Fit nothing."""
    return None


def _values(part: Part) -> Iterator[tuple[int, str | None]]:
    """Yield the values of a part with their patterns; None where the part must look at the words itself."""
    cls = part.extension
    own = any(name in vars(base) for base in cls.__mro__[: cls.__mro__.index(Extension)] for name in _JUDGES)
    proven = cls.PATTERNS_SUFFICE or not own
    for item in part.given:
        patterns = [item.kind.pattern(item.reading)] if proven and len(item.values) == 1 else [None] * len(item.values)
        yield from zip(item.values, patterns, strict=True)


def looks_at_values(cls: type[Extension]) -> bool:
    """Whether the words of a rule decide if the kernel refuses it, and not only its shape and place."""
    return _has_own(cls) and not cls.PATTERNS_SUFFICE


def _has_own(cls: type[Extension]) -> bool:
    return cls.refusal is not Extension.refusal or cls.objects is not Extension.objects


def _is_placed(cls: type[Extension]) -> bool:
    """Whether more than its words decides if a rule with it is taken."""
    return looks_at_values(cls) or bool(cls.TABLES or cls.HOOKS or cls.PROTOCOLS or cls.NOT_IN)


def _is_unmodelled(part: Part | ForeignPart | JumpPart) -> bool:
    if isinstance(part, Part):
        return not part.extension.is_modelled()
    return isinstance(part, ForeignPart) or bool(part.raw)
