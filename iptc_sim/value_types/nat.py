"""The value types that the nat targets share."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import Final

from iptc_sim.options import Reading, ValueType
from iptc_sim.protocols import DCCP, ICMP, SCTP, TCP, UDP
from iptc_sim.records import dataclass
from iptc_sim.value_types.address import address_pattern, read_address_range
from iptc_sim.value_types.port import PORT_PATTERN, read_port
from iptc_sim.values import Address, AddressRange, Family, PortRange

_WITH_PORTS: Final = frozenset({TCP, UDP, SCTP, DCCP})


@dataclass(frozen=True, slots=True)
class NatRange:
    """``[address[-address]][:port[-port[/base]]]``."""

    addresses: AddressRange | None
    ports: PortRange | None = None
    base: int | None = None

    def __str__(self) -> str:
        text = str(self.addresses) if self.addresses else ""
        if self.ports is None:
            return text
        if self.addresses and self.addresses.first.version == 6:
            text = f"[{text}]"
        base = "" if self.base is None else f"/{self.base}"
        return f"{text}:{ports_text(self.ports)}{base}"


def ports_text(ports: PortRange) -> str:
    """Return ``P`` or ``P-P``."""
    return str(ports).replace(":", "-")


def _read_address(text: str, family: Family) -> Address:
    """Read an address as inet_pton does: four decimal parts, without zeros in front of them."""
    try:
        if "%" in text:
            raise ValueError("a zone is no part of an address here")
        return IPv4Address(text) if family is Family.IPV4 else IPv6Address(text)
    except ValueError:
        raise ValueError(f"{text or 'an empty word'} is not an IPv{int(family)} address") from None


def _read_ports(text: str) -> PortRange:
    if "-" not in text or not text[0].isdigit():
        port = read_port(text)  # a service name may have a dash in it; a range is of numbers only
        return PortRange(port, port)
    first, _, last = text.partition("-")
    if not last.isalnum() or not last[0].isdigit():
        raise ValueError(f"{last or 'nothing'} cannot end a port range")
    low, high = read_port(first), read_port(last)
    if low > high:
        raise ValueError(f"the port range {text} ends before it begins")
    return PortRange(low, high)


class NatRangeType(ValueType[NatRange]):
    """The argument of ``--to-destination`` and ``--to-source``.

    Args:
        with_base: whether ``/base`` may follow a port range (DNAT only).
    """

    expected = "ADDRESS[-ADDRESS][:PORT[-PORT]]; an IPv6 address before a port in brackets"

    def __init__(self, *, with_base: bool) -> None:
        self.with_base = with_base

    def read(self, words: tuple[str, ...], context: Reading) -> NatRange:
        """Return the range."""
        addresses, ports = self._split(words[0], context.family)
        found = read_address_range(addresses, context.family, _read_address) if addresses else None
        if not ports:
            if found is None:
                raise ValueError("neither an address nor a port is given")
            return NatRange(found)
        check_ports(context)
        text, slash, base = ports.partition("/")
        if slash and not self.with_base:
            raise ValueError(f"{words[0]} has a base port, which only DNAT takes")
        if slash and "-" not in text:
            raise ValueError("a base port stands behind a range of ports only")
        if slash and not read_port(base):
            raise ValueError("the base port cannot be 0")
        return NatRange(found, _read_ports(text), read_port(base) if slash else None)

    def pattern(self, context: Reading) -> str | None:
        """Return one address, with one port where the protocol has ports."""
        address = address_pattern(context.family)
        if context.protocol not in _WITH_PORTS:
            return address
        return rf"\[{address}\]:{PORT_PATTERN}" if context.family is Family.IPV6 else f"{address}:{PORT_PATTERN}"

    @staticmethod
    def _split(text: str, family: Family) -> tuple[str, str]:
        if family is Family.IPV4:
            addresses, colon, ports = text.partition(":")
            if colon and not ports:
                raise ValueError(f"{text} lacks the port behind the colon")
            return addresses, ports
        if not text.startswith("["):
            return ("", text[1:]) if text.startswith(":") and text.count(":") == 1 else (text, "")
        addresses, bracket, rest = text[1:].rpartition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError(f"{text} lacks its closing bracket")
        if rest == ":":
            raise ValueError(f"{text} lacks the port behind the colon")
        if "]" in addresses:
            raise ValueError(f"{text} has two pairs of brackets; a range of addresses stands in one")
        return addresses, rest[1:]


class NatPortsType(ValueType[PortRange]):
    """The argument of ``--to-ports``."""

    expected = "a port, or a range A-B"

    def read(self, words: tuple[str, ...], context: Reading) -> PortRange:
        """Return the range."""
        check_ports(context)
        return _read_ports(words[0])

    def write(self, value: PortRange) -> tuple[str, ...]:
        """Return ``P`` or ``P-P``."""
        return (ports_text(value),)


def check_ports(context: Reading) -> None:
    """Refuse ports where no ``-p`` with ports stands before them; iptables does not mind ``!`` before that.

    Raises:
        ValueError: so it is.
    """
    if (context.protocol or context.other_than) not in _WITH_PORTS | {ICMP}:
        raise ValueError("a port needs -p tcp, udp, sctp or dccp before it")


NAT_RANGE: Final = NatRangeType(with_base=True)
SOURCE_RANGE: Final = NatRangeType(with_base=False)
NAT_PORTS: Final = NatPortsType()
