"""What the matches that look into the bytes of a packet have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iptc_sim.match import Match, No, Unclear
from iptc_sim.moment import Moment
from iptc_sim.values import UNKNOWN, Family, Unknown, Variant

if TYPE_CHECKING:
    from iptc_sim.wire.headers import ExtensionHeader
    from iptc_sim.wire.packets import Octets


class HeaderMatch(Match):
    """A match on a header that the packet may have."""

    __slots__ = ()

    def octets(self, at: Moment) -> Octets:
        """Return the packet's bytes as they are now."""
        from iptc_sim.wire.packets import octets  # noqa: PLC0415 - what reads rules does not need it

        return octets(at.packet)

    def absent(self, at: Moment, name: str) -> No | Unclear:
        """Return the answer where the packet has no whole header of the transport, negated or not.

        A later fragment has none, and does not fit. In a packet that is too short the kernel finds it wrong, and drops
        it (``hotdrop`` of the kernel's matches).
        """
        datagram = self.octets(at).datagram
        if datagram is not None and datagram.offset:
            return No(self, "", f"a later fragment has no {name} header")
        if datagram is not None and datagram.length > len(datagram.data):
            return Unclear(self, f"{self.option_text('')}: the capture has cut the {name} header off")
        return No(self, "", f"the {name} header is not whole: the kernel drops the packet", drops=True)

    def of_later_fragment(self, at: Moment, length: int) -> bytes | None:
        """Return what nf_tables takes for the transport header of a later fragment.

        In IPv4 it is whatever lies in its place; in IPv6 nf_tables finds no place, and begins with the IP header.

        Returns:
            None where iptables-nft asks a module, which looks for none, where the packet is no later fragment, and
            where it does not have so many bytes there.
        """
        if at.variant is Variant.LEGACY or not self.is_native or at.packet.raw is None:
            return None
        found = self.octets(at).datagram
        if found is None or not found.offset or found.start is None:
            return None
        taken = found.data if found.family is Family.IPV6 else found.data[found.start :]
        return taken if len(taken) >= length else None

    def transport(self, at: Moment, length: int, name: str) -> bytes | No | Unclear:
        """Return the bytes from the transport header on, ``length`` of them at least."""
        found = self.octets(at).datagram
        segment = b"" if found is None else found.transport
        return segment if len(segment) >= length else self.absent(at, name)

    def number(self, at: Moment, first: int, length: int) -> int | Unknown:
        """Return a number of the transport header, which must be there; UNKNOWN where it was not told."""
        octets = self.octets(at)
        start = (octets.datagram.start or 0) if octets.datagram else 0
        if not octets.knows(start + first, start + first + length):
            return UNKNOWN
        return int.from_bytes(octets.data[start + first : start + first + length])

    def extension_header(self, at: Moment, kind: int, name: str, least: int = 2) -> ExtensionHeader | No | Unclear:
        """Return the first extension header of a kind in an IPv6 packet.

        Args:
            at: the moment.
            kind: its protocol number.
            name: what to call it.
            least: how many bytes of it must be there, as otherwise the kernel drops the packet.
        """
        datagram = self.octets(at).datagram
        found = None if datagram is None else datagram.extension(kind)
        if datagram is None or (found is None and datagram.start is not None):
            return No(self, "", f"the packet has no {name} header")
        if found is not None and len(found.data) >= least:
            return found
        return self.absent(at, name)
