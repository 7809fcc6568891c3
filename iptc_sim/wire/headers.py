"""What stands in the bytes of a packet: IP header, the headers that IPv6 chains behind it, transport header.

Bytes may be cut short or wrong everywhere: then a header is not there, nothing is raised. What is read is bounded by
the length of the bytes. Sources: RFC 791, 8200, 4302, 9293, 768, 4340; which headers count as extensions, and where the
kernel stops to follow them, by experiment (tests/kernel/test_headers.py).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from iptc_sim.protocols import PORT_PROTOCOLS, TCP, TCP_FLAGS
from iptc_sim.records import dataclass
from iptc_sim.values import Address, Family

HOP_BY_HOP: Final = 0
ROUTING: Final = 43
FRAGMENT: Final = 44
ESP: Final = 50
AH: Final = 51
NO_NEXT: Final = 59
DESTINATION: Final = 60

#: The extension headers that name the header behind them.
CHAINED: Final = frozenset({HOP_BY_HOP, ROUTING, FRAGMENT, AH, DESTINATION})

#: The bits of the TCP flags by name, in the second half of the 13th byte.
FLAG_BITS: Final = {name: 1 << index for index, name in enumerate(TCP_FLAGS)}
ECE: Final = 0x40
CWR: Final = 0x80

#: The TCP option that does nothing, and the one that tells the maximum segment size.
NO_OPERATION: Final = 1
MSS: Final = 2
FLOW_LABEL: Final = 0xFFFFF


@dataclass(frozen=True, slots=True)
class ExtensionHeader:
    """One header between that of IPv6 and that of the transport.

    Args:
        kind: its protocol number.
        start: where it begins in the packet.
        length: in bytes, as it says itself; more than ``data`` has where the packet ends before.
        data: its bytes.
    """

    kind: int
    start: int
    length: int
    data: bytes

    @property
    def is_whole(self) -> bool:
        """Whether the packet holds all of it."""
        return len(self.data) == self.length


@dataclass(frozen=True, slots=True)
class Datagram:
    """An IP packet taken apart.

    Args:
        family: 4 or 6.
        data: the bytes from the IP header on, without what a link layer has put behind them.
        length: of the whole packet as its header says; ``data`` is shorter where a capture has cut it.
        source: source address.
        destination: destination address.
        ttl: time to live, or hop limit.
        tos: the TOS byte, or traffic class.
        identifier: IPv4 id, or IPv6 flow label.
        protocol: number of the transport protocol; in IPv6 of the first header that is no extension. AH counts as a
            transport protocol for ``-p`` (nf_tables; the old interface goes on behind it).
        last: number of what follows all extension headers, AH too.
        start: where its header begins; None where the chain of extensions is broken.
        extensions: of IPv6, in order, as far as the chain can be followed.
        offset: of a fragment, in bytes; 0 for a first fragment and a whole packet.
        more: whether more fragments follow.
    """

    family: Family
    data: bytes
    length: int
    source: Address
    destination: Address
    ttl: int
    tos: int
    identifier: int
    protocol: int
    start: int | None
    extensions: tuple[ExtensionHeader, ...] = ()
    offset: int = 0
    more: bool = False

    @property
    def is_fragment(self) -> bool:
        """Whether it is a part of a packet only."""
        return self.more or self.offset > 0

    last: int = 0

    @classmethod
    def of(cls, data: bytes) -> Datagram | None:
        """Take a packet apart from its IP header on; None where that is not whole."""
        version = data[0] >> 4 if data else 0
        if version == Family.IPV4 and len(data) >= 20:
            return _ipv4(data)
        return _ipv6(data) if version == Family.IPV6 and len(data) >= 40 else None

    @property
    def transport(self) -> bytes:
        """The transport header and what follows; empty in a later fragment, which has no header."""
        return b"" if self.start is None or self.offset else self.data[self.start :]

    @property
    def ports(self) -> tuple[int, int] | None:
        """Source and destination port; None where the protocol has none, or the packet is too short."""
        found = self.transport
        if self.protocol not in PORT_PROTOCOLS or len(found) < 4:
            return None
        sport, dport = struct.unpack_from("!HH", found)
        return sport, dport

    @property
    def flags(self) -> frozenset[str]:
        """The names of the TCP flags that are set."""
        found = self.transport
        if self.protocol != TCP or len(found) < 14:
            return frozenset()
        return frozenset(name for name, bit in FLAG_BITS.items() if found[13] & bit)

    @property
    def icmp_id(self) -> int:
        """The id of an ICMP echo message."""
        return int.from_bytes(self.transport[4:6])

    @property
    def tcp_options(self) -> bytes | None:
        """The options of the TCP header; None where there is no whole header."""
        found = self.transport
        if self.protocol != TCP or len(found) < 20:
            return None
        length = (found[12] >> 4) * 4
        return found[20:length] if 20 <= length <= len(found) else None

    def extension(self, kind: int) -> ExtensionHeader | None:
        """Return the first extension header of a kind."""
        return next((header for header in self.extensions if header.kind == kind), None)


def _ipv4(data: bytes) -> Datagram:
    header, length = max(20, (data[0] & 15) * 4), int.from_bytes(data[2:4]) or len(data)
    word = int.from_bytes(data[6:8])
    return Datagram(
        Family.IPV4,
        data[: max(20, length)],
        length,
        IPv4Address(data[12:16]),
        IPv4Address(data[16:20]),
        ttl=data[8],
        tos=data[1],
        identifier=int.from_bytes(data[4:6]),
        protocol=data[9],
        start=header,
        offset=(word & 0x1FFF) * 8,
        more=bool(word & 0x2000),
    )


def _ipv6(data: bytes) -> Datagram:
    first, payload = int.from_bytes(data[:4]), int.from_bytes(data[4:6])
    length = payload + 40 if payload else len(data)
    data = data[:length]
    extensions: list[ExtensionHeader] = []
    last, place, whole = data[6], 40, True
    offset, more = 0, False
    while last in CHAINED and not offset:
        header = _extension(data, last, place)
        if header is None:
            whole = False
            break
        extensions.append(header)
        if last == FRAGMENT:
            word = int.from_bytes(header.data[2:4])
            offset, more = word & ~7, bool(word & 1)
        last, place = header.data[0], place + header.length
    authentication = next((header for header in extensions if header.kind == AH), None)
    protocol, start = (last, place) if authentication is None else (AH, authentication.start)
    return Datagram(
        Family.IPV6,
        data,
        length,
        IPv6Address(data[8:24]),
        IPv6Address(data[24:40]),
        ttl=data[7],
        tos=first >> 20 & 0xFF,
        identifier=first & FLOW_LABEL,
        protocol=protocol,
        start=start if whole else None,
        extensions=tuple(extensions),
        offset=offset,
        more=more,
        last=last,
    )


def _extension(data: bytes, kind: int, start: int) -> ExtensionHeader | None:
    """Return the extension header that begins at ``start``; None where not even the fixed part of it is there."""
    if start + (4 if kind == ROUTING else 2) > len(data):
        return None
    if kind == FRAGMENT:
        length = 8
    elif kind == AH:
        length = (data[start + 1] + 2) * 4
    else:
        length = (data[start + 1] + 1) * 8
    return ExtensionHeader(kind, start, length, data[start : start + length])


def tcp_options(options: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield kind, place and length of each TCP option.

    As the kernel's matches do, the end-of-list option does not end the list, an option of no length is passed by one
    byte, and the length may point behind the end.
    """
    place = 0
    while place < len(options):
        kind = options[place]
        length = 1 if kind < 2 else options[place + 1] or 1 if place + 1 < len(options) else 1
        yield kind, place, length
        place += length
