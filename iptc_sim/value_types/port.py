"""Ports, as numbers in any base (tcp, multiport, nat) or as getaddrinfo reads them (what most extensions take)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from iptc_sim.options import Reading, ValueType
from iptc_sim.protocols import PORT_PROTOCOLS, parse_integer, protocol_name
from iptc_sim.services import service_port
from iptc_sim.values import Negatable, PortRange, PortSet

_NUMBER = re.compile(r"\s*([+-]?)(\d{0,30})", re.ASCII)

#: A port number from 0 to 64999 in decimal; the few above are not worth the time that their branches take to compile.
PORT_PATTERN: Final = r"(?:[1-5][0-9]{0,4}|6[0-4]?[0-9]{0,3}|[7-9][0-9]{0,3}|0)"

#: The range that says nothing, and the same after ``!``: no port fits, and tcp and udp print nothing of it.
EVERY_PORT: Final = PortRange(0, 65535)
NO_PORT: Final = Negatable(EVERY_PORT, negated=True)


def read_port(text: str, protocol: str = "") -> int:
    """Read a port: a number 0-65535 or the name of a service, of one protocol or of any.

    Raises:
        ValueError: it is neither.
    """
    number = parse_integer(text)
    if number is None:
        number = service_port(text, protocol)
    if number is None:
        raise ValueError(f"{text or 'an empty word'} is not a port")
    if number > 65535:
        raise ValueError(f"port {text} is out of range")
    return number


def read_service(text: str) -> int:
    """Read a port: a decimal number, of which the lower 16 bits count, or the name of a service. Nothing is 0.

    Raises:
        ValueError: it is neither.
    """
    found = _NUMBER.fullmatch(text)
    if found:
        number = min(int(found[2] or 0), (1 << 64) - 1)
        wrapped = (-number if found[1] == "-" else number) & 0xFFFFFFFF
        if wrapped != 0xFFFFFFFF:  # -1 stands for "no number" there
            return wrapped & 0xFFFF
    port = service_port(text)
    if port is None:
        raise ValueError(f"{text or 'an empty word'} is not a port")
    return port


class PortRangeType(ValueType[PortRange]):
    """``P``, ``P:P``, ``:P`` or ``P:``; the full range says nothing and disappears, unless ``!`` stands before it.

    Args:
        ordered: whether a range that ends before it begins is refused (tcp: yes; udp and others: no, in 1.8.9).
        separator: between the two ports.
        vanishes: whether the full range disappears.
        number: reads one port.
    """

    expected = "a port 0-65535, a range A:B, or a service name"

    def __init__(
        self, *, ordered: bool, separator: str = ":", vanishes: bool = True, number: Callable[[str], int] = read_port
    ) -> None:
        self.ordered, self.separator, self.vanishes, self.number = ordered, separator, vanishes, number

    def read(self, words: tuple[str, ...], context: Reading) -> PortRange | None:
        """Return the range, None for all ports."""
        first, separator, last = words[0].partition(self.separator)
        low = self.number(first) if first or not separator else 0
        high = low if not separator else (self.number(last) if last else 65535)
        if self.ordered and low > high:
            raise ValueError(f"the range {words[0]} ends before it begins")
        value = PortRange(low, high)
        return None if self.vanishes and value == EVERY_PORT and not context.negated else value

    def pattern(self, context: Reading) -> str | None:  # noqa: ARG002 - the interface
        """Return single ports."""
        return PORT_PATTERN

    def write(self, value: PortRange) -> tuple[str, ...]:
        """Return ``P`` or ``P:P``."""
        return (str(value).replace(":", self.separator),)


class PortSetType(ValueType[PortSet]):
    """The list of multiport: at most 15 slots, a range takes two."""

    expected = "up to 15 ports or ranges A:B, between commas"

    def read(self, words: tuple[str, ...], context: Reading) -> PortSet:
        """Return the list, in the order given."""
        if context.protocol not in PORT_PROTOCOLS:
            raise ValueError("-p with tcp, udp, udplite, sctp or dccp must stand before it")
        protocol = protocol_name(context.protocol)
        ranges = []
        for item in words[0].split(","):
            first, separator, last = item.partition(":")
            low = read_port(first, protocol)
            high = read_port(last, protocol) if separator else low
            if separator and low >= high:
                raise ValueError(f"the range {item} ends before it begins")
            ranges.append(PortRange(low, high))
        if sum(2 if item.first != item.last else 1 for item in ranges) > 15:
            raise ValueError("it has more than 15 slots")
        return PortSet(tuple(ranges))


PORT_SET: Final = PortSetType()
