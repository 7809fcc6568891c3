"""``-j HMARK``: a mark computed from a hash of addresses and ports (xt_HMARK.c)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iptc_sim.constraint import Asked, Field
from iptc_sim.extension import extension
from iptc_sim.moment import Moment
from iptc_sim.options import Reading, ValueType, option
from iptc_sim.protocols import ICMP, ICMPV6, PORT_PROTOCOLS
from iptc_sim.records import dataclass
from iptc_sim.target import Action, Change, Continue, Deed, SetMark, Target, unchanged
from iptc_sim.value_types.hexadecimal import HEX16, HEX32, HexInteger
from iptc_sim.value_types.mask import MaskLength
from iptc_sim.value_types.number import Integer
from iptc_sim.values import Address, Names, Unknown

if TYPE_CHECKING:
    from iptc_sim.wire.headers import Datagram

PARTS = ("src", "dst", "sport", "dport", "spi", "proto", "ct")

#: What a name of the tuple stands for: the field, and the mask that takes all of it (None: all bits of an address).
_WHOLE = {
    "src": ("src_prefix", None),
    "dst": ("dst_prefix", None),
    "sport": ("sport_mask", 0xFFFF),
    "dport": ("dport_mask", 0xFFFF),
    "spi": ("spi_mask", 0xFFFFFFFF),
    "proto": ("proto_mask", 0xFFFF),
}


#: The ICMP errors, which carry the packet that they are about: its addresses and ports count.
_ERRORS = frozenset({(ICMP, kind) for kind in (3, 4, 5, 11, 12)} | {(ICMPV6, kind) for kind in range(1, 5)})
_AH, _ESP = 51, 50


@dataclass(frozen=True, slots=True)
class Hashed:
    """What HMARK takes from a packet: its addresses, its protocol, and four bytes of ports or SPI, None without."""

    source: Address | Unknown
    destination: Address | Unknown
    protocol: int
    ports: tuple[int, int] | None


class TupleType(ValueType[Names]):
    """What goes into the hash, in any case; ``ct`` takes it from the connection's original direction."""

    expected = "a comma list of " + ", ".join(PARTS)

    def read(self, words: tuple[str, ...], context: Reading) -> Names:  # noqa: ARG002 - the interface
        """Return the names."""
        names = words[0].lower().split(",")
        for name in names:
            if name not in PARTS:
                raise ValueError(f"{name or 'an empty word'} is not a part of a packet that HMARK knows")
        return Names.of(names, PARTS)


_LENGTH = MaskLength(holes=True)


@extension
class HmarkTarget(Target):
    """The tuple is printed as the masks that it stands for; only ``ct`` stays a tuple."""

    NAME = "HMARK"

    src_prefix: int | None = option(_LENGTH, "--hmark-src-prefix")
    dst_prefix: int | None = option(_LENGTH, "--hmark-dst-prefix")
    sport_mask: int | None = option(HEX16, "--hmark-sport-mask")
    dport_mask: int | None = option(HEX16, "--hmark-dport-mask")
    spi_mask: int | None = option(HEX32, "--hmark-spi-mask")
    sport: int | None = option(HEX16, "--hmark-sport")
    dport: int | None = option(HEX16, "--hmark-dport")
    spi: int | None = option(HEX32, "--hmark-spi")
    proto_mask: int | None = option(HexInteger(0xFFFF, 2), "--hmark-proto-mask")
    rnd: int = option(HEX32, "--hmark-rnd", required=True)
    mod: int = option(Integer(1), "--hmark-mod", required=True)
    offset: int | None = option(Integer(), "--hmark-offset")
    parts: Names | None = option(TupleType(), "--hmark-tuple")

    @classmethod
    def complete(cls, fields: dict[str, object], context: Reading) -> None:
        """Turn the tuple into masks, whose width depends on the family.

        It overrides masks in front of it and is refused before them; the fields stand in the order of the line. In
        the latter case it is left alone, for :meth:`check` to find.
        """
        parts = fields.get("parts")
        if not isinstance(parts, Names):
            return
        order = list(fields)
        behind = order[order.index("parts") :]
        named = [_WHOLE[name] for name in parts.names if name in _WHOLE]
        if any(field in behind for field, _ in named):
            return
        del fields["parts"]
        fields |= {field: context.family.bits if mask is None else mask for field, mask in named}
        if "ct" in parts:
            fields["parts"] = Names(("ct",))

    def check(self, context: Reading) -> None:  # noqa: ARG002 - the interface
        """Refuse nothing to hash, a part told twice, and ports together with the SPI that lies in the same place."""
        hashed = (self.src_prefix, self.dst_prefix, self.sport_mask, self.dport_mask, self.spi_mask, self.proto_mask)
        if all(item is None for item in (*hashed, self.sport, self.dport, self.spi, self.parts)):
            raise ValueError("-j HMARK needs --hmark-tuple, or one of the masks")
        if self.parts is not None and self.parts.names != ("ct",):
            raise ValueError("--hmark-tuple names what another option says again")
        if self.spi_mask is not None and (self.sport_mask is not None or self.dport_mask is not None):
            raise ValueError("--hmark-spi-mask excludes masks for ports")
        if self.spi is not None and (self.sport is not None or self.dport is not None):
            raise ValueError("--hmark-spi excludes --hmark-sport and --hmark-dport")

    def act(self, at: Moment) -> Action:
        """Set the mark and go on (hmark_tg_v4, hmark_tg_v6)."""
        whole = not (self.sport_mask or self.dport_mask or self.spi_mask)
        found = self._of_connection(at) if self.parts is not None else _of_packet(at, without_ports=whole)
        if found is None:
            missing = "conntrack entry" if self.parts is not None else "whole header inside of what it is about"
            return Continue(f"no mark: the packet has no {missing}")
        if isinstance(found, str):
            return unchanged(self.NAME, found)
        first, second = self._folded(found.source, self.src_prefix), self._folded(found.destination, self.dst_prefix)
        if first is None or second is None:
            return unchanged(self.NAME, "an address is not known")
        from iptc_sim.wire.hashes import jenkins  # noqa: PLC0415 - what reads rules does not need it

        words = [*sorted((first, second)), self._ports(found.ports)]
        number = jenkins(words, self.rnd) ^ found.protocol & (self.proto_mask or 0)
        return SetMark((number * self.mod >> 32) + (self.offset or 0) & 0xFFFFFFFF)

    def deed(self, asked: Asked) -> Deed:
        """Set the mark."""
        return Change("the mark becomes a hash", frozenset({Field.MARK}), (self.name, *self.words(asked.variant)))

    def _folded(self, address: Address | Unknown, prefix: int | None) -> int | None:
        """Return the wanted part of an address in 32 bits, 0 where none is wanted; None where it is not known."""
        if not prefix:
            return 0
        if isinstance(address, Unknown):
            return None
        bits = address.max_prefixlen
        number, folded = int(address) & ((1 << prefix) - 1) << bits - prefix, 0
        while number:
            folded ^= number & 0xFFFFFFFF
            number >>= 32
        return folded

    def _ports(self, ports: tuple[int, int] | None) -> int:
        """Return the wanted part of both ports, the larger one in front."""
        if ports is None:
            return 0
        masks, sets = (self.sport_mask or 0, self.dport_mask or 0), (self.sport or 0, self.dport or 0)
        if self.spi_mask is not None:
            masks = self.spi_mask >> 16, self.spi_mask & 0xFFFF
        if self.spi is not None:
            sets = self.spi >> 16, self.spi & 0xFFFF
        low, high = sorted(port & mask | put for port, mask, put in zip(ports, masks, sets, strict=True))
        return high << 16 | low

    def _of_connection(self, at: Moment) -> Hashed | str | None:
        """Return the source of each direction of the connection; why not, in words, where that is not known."""
        entry = at.connection
        if entry is None or not entry.is_tracked:
            return None
        ports = entry.original.sport, entry.reply.sport
        if at.packet.is_icmp:  # the id of an echo stands where the ports do; of IPv4 the kernel leaves it out
            ports = (None, None) if entry.original.protocol == ICMP else (at.packet.icmp_id, at.packet.icmp_id)
        if isinstance(ports[0], Unknown) or isinstance(ports[1], Unknown):
            return "a port is not known"
        both = None if ports[0] is None or ports[1] is None else (ports[0], ports[1])
        return Hashed(entry.original.source, entry.reply.source, entry.original.protocol, both)


def _of_packet(at: Moment, *, without_ports: bool) -> Hashed | str | None:
    """Return what is hashed of a packet, of an ICMP error that of the packet inside; None where that is cut off."""
    from iptc_sim.wire.headers import Datagram  # noqa: PLC0415 - what reads rules does not need it
    from iptc_sim.wire.packets import octets  # noqa: PLC0415 - likewise

    packet, found = at.packet, octets(at.packet)
    datagram = found.datagram
    if datagram is None:
        return "the packet has no header"
    if (packet.protocol, packet.icmp_type) in _ERRORS:
        inner = Datagram.of(datagram.transport[8:])
        if inner is None:
            return None
        return Hashed(inner.source, inner.destination, inner.protocol, _place(inner, inner.data))
    start = (datagram.start or 0) + (4 if packet.protocol == _AH else 0)
    asked = packet.protocol in PORT_PROTOCOLS | {_AH, _ESP} and not without_ports
    if asked and not found.knows(start, start + 4):
        return "a port or SPI is not known"
    return Hashed(packet.source, packet.destination, packet.protocol, _place(datagram, found.data))


def _place(datagram: Datagram, data: bytes) -> tuple[int, int] | None:
    """Return the four bytes of ports or SPI; None for other protocols, and for fragments, the first one too."""
    if datagram.protocol not in PORT_PROTOCOLS | {_AH, _ESP} or datagram.offset or datagram.more:
        return None
    start = (datagram.start or 0) + (4 if datagram.protocol == _AH else 0)
    if start + 4 > len(data):
        return None
    return int.from_bytes(data[start : start + 2]), int.from_bytes(data[start + 2 : start + 4])
