"""``-m connlabel``: a bit of the connection's labels (xt_connlabel.c)."""

from __future__ import annotations

from collections.abc import Hashable

from iptc_sim.constraint import Asked, Constraint, Own, both, noting, opposite
from iptc_sim.extension import extension
from iptc_sim.match import YES, Match, No, Outcome, Unclear
from iptc_sim.matches._asked import tracked
from iptc_sim.memory import Memory
from iptc_sim.moment import Moment
from iptc_sim.options import Reading, flag, option
from iptc_sim.protocols import parse_integer
from iptc_sim.remembered.own_state import is_told
from iptc_sim.value_types.number import Integer
from iptc_sim.values import Negatable


class Label(Integer):
    """The number of a bit; names would be those of the host's connlabel.conf, which is not looked at."""

    def read(self, words: tuple[str, ...], context: Reading) -> int:
        """Return the number; of a larger one the lower 16 bits count."""
        number = parse_integer(words[0])
        return super().read((str(number & 0xFFFF),) if number and not number >> 64 else words, context)

    def write(self, value: int) -> tuple[str, ...]:
        """Return the number between quotes."""
        return (f'"{value}"',)


@extension
class Connlabel(Match):
    """Fits where the bit is set; ``--set`` sets it first.

    Remembered under ``("connlabel", TUPLE)``, the tuple of the connection's first packet: the numbers of the bits that
    rules have set.
    """

    NAME = "connlabel"
    USES_CONNTRACK = True
    REMEMBERS = True

    label: Negatable[int] = option(Label(0, 127), "--label", negatable=True, required=True)
    set_: bool = flag("--set")

    def judge(self, at: Moment) -> Outcome:
        """Look the bit up; a packet without a connection has none, and ``!`` holds for it."""
        entry = at.connection
        if entry is None or not entry.is_tracked or entry.is_prepared:
            has = False
        elif self.set_ or self.label.value in entry.labels | at.memory.get(_key(at), frozenset()):
            has = True
        elif not is_told(entry):
            return Unclear(self, f"{self.option_text('label')}: the labels of the connection are not known")
        else:
            has = False
        if has != self.label.negated:
            return YES
        return No(self, "label", f"it is {'' if has else 'not '}set")

    def constraint(self, asked: Asked) -> Constraint:
        """Ask for the bit of a connection; with ``--set`` it is there once the rule has asked."""
        held = Own((self.NAME, self.label.value), shared=True)
        has = noting(tracked(asked), held) if self.set_ else both([tracked(asked), held])
        if not self.label.negated:
            return has
        return noting(opposite(tracked(asked)), held) if self.set_ else opposite(has)

    def remember(self, at: Moment, fits: bool) -> Memory:  # noqa: ARG002 - the interface
        """Set the bit."""
        entry = at.connection
        if not self.set_ or entry is None or not entry.is_tracked:
            return at.memory
        before: frozenset[int] = at.memory.get(_key(at), frozenset())
        return at.memory.put(_key(at), before | {self.label.value})


def _key(at: Moment) -> tuple[Hashable, ...]:
    return ("connlabel", at.connection.original if at.connection else None)
