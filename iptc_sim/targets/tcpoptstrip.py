"""``-j TCPOPTSTRIP``: overwrite TCP options with no-ops (xt_TCPOPTSTRIP.c)."""

from __future__ import annotations

from iptc_sim.constraint import Asked
from iptc_sim.extension import extension
from iptc_sim.moment import Moment
from iptc_sim.options import Reading, ValueType, option
from iptc_sim.protocols import TCP, parse_integer
from iptc_sim.records import dataclass
from iptc_sim.target import Action, Alter, Change, Continue, Deed, Target

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

    def act(self, at: Moment) -> Action:
        """Strip and go on."""
        from iptc_sim.wire.headers import NO_OPERATION, tcp_options  # noqa: PLC0415 - what reads rules does not need it
        from iptc_sim.wire.packets import datagram_of, with_transport  # noqa: PLC0415 - likewise

        datagram = datagram_of(at.packet)
        options = None if datagram is None else datagram.tcp_options
        if self.strip is None or datagram is None or not options:
            return Continue("no TCP option stripped")
        kept, found = bytearray(options), []
        for kind, place, length in tcp_options(options):
            if kind in self.strip.numbers and place + length <= len(options) and place < len(options) - 1:
                kept[place : place + length] = bytes([NO_OPERATION]) * length
                found.append(str(kind))
        if not found:
            return Continue("no TCP option stripped")
        segment = datagram.transport
        changed = segment[:20] + bytes(kept) + segment[20 + len(kept) :]
        return Alter(f"TCP options {','.join(found)} stripped", with_transport(at.packet, changed))

    def deed(self, asked: Asked) -> Deed:
        """Strip the options."""
        return Change(
            f"-j TCPOPTSTRIP {' '.join(self.words(asked.variant))}",
            frozenset(),
            (self.name, *self.words(asked.variant)),
        )
