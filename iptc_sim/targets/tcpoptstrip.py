"""``-j TCPOPTSTRIP``: overwrite TCP options with no-ops (xt_TCPOPTSTRIP.c)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.moment import Moment
from iptc_sim.options import Reading, ValueType, option
from iptc_sim.protocols import TCP, parse_integer
from iptc_sim.records import dataclass
from iptc_sim.target import Action, Continue, Target

#: RFC 793, 7323, 2018, 2385.
NAMES = {"mss": 2, "wscale": 3, "sack-permitted": 4, "sack": 5, "timestamp": 8, "md5": 19}


@dataclass(frozen=True, slots=True)
class TcpOptions:
    """Numbers of TCP options, in ascending order."""

    numbers: tuple[int, ...]

    def __str__(self) -> str:
        return ",".join(map(str, self.numbers))


class TcpOptionsType(ValueType[TcpOptions]):
    """A comma list of names and numbers; 0 and 1 are the end and the no-op, which cannot be stripped."""

    expected = f"a comma list of numbers 2-255 and {', '.join(NAMES)}"

    def read(self, words: tuple[str, ...], context: Reading) -> TcpOptions:  # noqa: ARG002 - the interface
        """Return the options."""
        numbers: set[int] = set()
        for word in words[0].split(","):
            number = NAMES.get(word, parse_integer(word))
            if number is None or number > 255:
                raise ValueError(f"{word or 'an empty word'} is not a TCP option")
            if number < 2:
                raise ValueError("the options 0 and 1 cannot be stripped")
            if number in numbers:
                raise ValueError(f"the option {number} is named twice")
            numbers.add(number)
        return TcpOptions(tuple(sorted(numbers)))


@extension
class TcpoptstripTarget(Target):
    """In mangle only; without options it strips nothing."""

    NAME = "TCPOPTSTRIP"
    TABLES = frozenset({"mangle"})
    PROTOCOLS = frozenset({TCP})

    strip: TcpOptions | None = option(TcpOptionsType(), "--strip-options")

    def act(self, at: Moment) -> Action:  # noqa: ARG002 - the interface
        """Strip and go on."""
        return Continue(f"TCP options {self.strip} stripped" if self.strip else "no TCP option stripped")
