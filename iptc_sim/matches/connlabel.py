"""``-m connlabel``: a bit of the connection's labels (xt_connlabel.c)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.match import Match
from iptc_sim.options import Reading, flag, option
from iptc_sim.protocols import parse_integer
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
    """Fits where the bit is set; ``--set`` sets it first."""

    NAME = "connlabel"
    USES_CONNTRACK = True

    label: Negatable[int] = option(Label(0, 127), "--label", negatable=True, required=True)
    set_: bool = flag("--set")
