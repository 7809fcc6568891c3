"""Fragments and the packet that they make up (RFC 791, 8200); where conntrack is in use the kernel joins them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from iptc_sim.packet import Packet
from iptc_sim.records import dataclass, replace
from iptc_sim.values import Family
from iptc_sim.wire.headers import FRAGMENT, Datagram
from iptc_sim.wire.packets import checksum, read_packet


def is_fragment(packet: Packet) -> bool:
    """Whether it is a part of a packet only; what was described in words is whole."""
    return _fragment(packet) is not None


@dataclass(frozen=True, slots=True)
class Parts:
    """What has come of one packet.

    Args:
        pieces: bytes by where they belong, counted from the end of the header.
        end: how long all of them are together; None until the last one has come.
    """

    pieces: Mapping[int, bytes]
    end: int | None = None

    def with_fragment(self, packet: Packet) -> Parts:
        """Return what there is with one fragment more; the first of two at the same place is kept."""
        found = _fragment(packet)
        if found is None:
            return self
        piece = found.data[_begin(found) :]
        end = self.end if found.more else found.offset + len(piece)
        return Parts({found.offset: piece, **self.pieces}, end)

    def whole(self, packet: Packet) -> Packet | None:
        """Return the packet that the pieces make up, by the header of ``packet``; None where some are missing."""
        data = b""
        for offset, piece in sorted(self.pieces.items()):
            if offset > len(data):
                return None
            data = data[:offset] + piece
        found = _fragment(packet)
        if self.end is None or len(data) != self.end or found is None:
            return None
        made = read_packet(_header(found, len(data)) + data, packet.in_interface)
        if made is None:
            return None
        return replace(made, mark=packet.mark, physical_in=packet.physical_in, source_mac=packet.source_mac)


def key_of(packet: Packet) -> Hashable:
    """Return what the fragments of one packet have in common (RFC 791, 3.2; RFC 8200, 4.5)."""
    found = _fragment(packet)
    if found is None:
        return None
    if found.family is Family.IPV4:
        return "fragments", found.source, found.destination, found.protocol, found.identifier
    header = found.extension(FRAGMENT)
    return "fragments", found.source, found.destination, header.data[4:8] if header else b""


def _fragment(packet: Packet) -> Datagram | None:
    found = None if packet.raw is None else Datagram.of(packet.raw)
    return found if found is not None and found.is_fragment else None


def _begin(found: Datagram) -> int:
    """Return where the bytes of a fragment begin that belong to the packet."""
    if found.family is Family.IPV4:
        return found.start or 0
    header = found.extension(FRAGMENT)
    return header.start + header.length if header else len(found.data)


def _header(found: Datagram, length: int) -> bytes:
    """Return the header of the whole packet, without what makes it a fragment."""
    if found.family is Family.IPV4:
        head = bytearray(found.data[: found.start])
        head[2:4] = (len(head) + length).to_bytes(2)
        head[6:8] = bytes(2)
        head[10:12] = bytes(2)
        head[10:12] = checksum(bytes(head)).to_bytes(2)
        return bytes(head)
    fragment = found.extension(FRAGMENT)
    if fragment is None:
        raise AssertionError("a fragment of IPv6 has a header that says so")
    head = bytearray(found.data[: fragment.start])
    before = [header.start for header in found.extensions if header.start < fragment.start]
    head[before[-1] if before else 6] = fragment.data[0]
    head[4:6] = (len(head) - 40 + length).to_bytes(2)
    return bytes(head)
