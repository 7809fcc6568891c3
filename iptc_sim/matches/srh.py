"""``-m srh``: the segment routing header of an IPv6 packet (ip6t_srh.c)."""

from __future__ import annotations

from ipaddress import IPv6Address

from iptc_sim.extension import extension
from iptc_sim.match import Match
from iptc_sim.options import Reading, ValueType, option
from iptc_sim.records import dataclass
from iptc_sim.value_types.address import BARE_PREFIX, read_address
from iptc_sim.value_types.number import Integer
from iptc_sim.values import Family, Negatable, Prefix, address_text

OCTET = Integer(0, 255)


@dataclass(frozen=True, slots=True)
class Segment:
    """The address of a segment under a mask; bits outside the mask stay as they were given."""

    address: IPv6Address
    mask: int

    def __str__(self) -> str:
        # 1.8.9 prints a mask with holes as if it were a full one.
        length = Prefix(Family.IPV6, 0, self.mask).length
        return f"{address_text(self.address)}/{128 if length is None else length}"


class SegmentType(ValueType[Segment]):
    """An address with a length or mask, 128 bits by default."""

    expected = "an IPv6 address, address/length or address/mask"

    def read(self, words: tuple[str, ...], context: Reading) -> Segment:
        """Return the segment."""
        prefix = BARE_PREFIX.read(words, Reading(Family.IPV6, context.protocol))
        address = read_address(words[0].partition("/")[0], Family.IPV6)
        if prefix is None or not isinstance(address, IPv6Address):
            raise ValueError(f"{words[0]} is not an IPv6 address")
        return Segment(address, prefix.mask)


SEGMENT = SegmentType()


@extension
class Srh(Match):
    """IPv6 only; without options any packet fits that has the header."""

    NAME = "srh"
    FAMILIES = frozenset({Family.IPV6})

    next_header: Negatable[int] | None = option(OCTET, "--srh-next-hdr", negatable=True)
    length_eq: Negatable[int] | None = option(OCTET, "--srh-hdr-len-eq", negatable=True)
    length_gt: Negatable[int] | None = option(OCTET, "--srh-hdr-len-gt", negatable=True)
    length_lt: Negatable[int] | None = option(OCTET, "--srh-hdr-len-lt", negatable=True)
    left_eq: Negatable[int] | None = option(OCTET, "--srh-segs-left-eq", negatable=True)
    left_gt: Negatable[int] | None = option(OCTET, "--srh-segs-left-gt", negatable=True)
    left_lt: Negatable[int] | None = option(OCTET, "--srh-segs-left-lt", negatable=True)
    last_eq: Negatable[int] | None = option(OCTET, "--srh-last-entry-eq", negatable=True)
    last_gt: Negatable[int] | None = option(OCTET, "--srh-last-entry-gt", negatable=True)
    last_lt: Negatable[int] | None = option(OCTET, "--srh-last-entry-lt", negatable=True)
    tag: Negatable[int] | None = option(Integer(0, 0xFFFF), "--srh-tag", negatable=True)
    previous: Negatable[Segment] | None = option(SEGMENT, "--srh-psid", negatable=True)
    following: Negatable[Segment] | None = option(SEGMENT, "--srh-nsid", negatable=True)
    last: Negatable[Segment] | None = option(SEGMENT, "--srh-lsid", negatable=True)

    @classmethod
    def derive(cls, fields: dict[str, object]) -> None:
        """Give -eq, -gt and -lt of one field the same number, the last on the line: the kernel keeps one for all."""
        for group in ("length", "left", "last"):
            names = [name for name in fields if name in {f"{group}_eq", f"{group}_gt", f"{group}_lt"}]
            kept = fields[names[-1]] if names else None
            for name in names:
                given = fields[name]
                if isinstance(given, Negatable) and isinstance(kept, Negatable):
                    fields[name] = Negatable(kept.value, given.negated)
