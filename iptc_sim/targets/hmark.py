"""``-j HMARK``: a mark computed from a hash of addresses and ports (xt_HMARK.c)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.options import Reading, ValueType, option
from iptc_sim.target import Target
from iptc_sim.value_types.hexadecimal import HEX16, HEX32, HexInteger
from iptc_sim.value_types.mask import MaskLength
from iptc_sim.value_types.number import Integer
from iptc_sim.values import Names

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
