"""``-m srh``: the segment routing header of an IPv6 packet (ip6t_srh.c)."""

from __future__ import annotations

from ipaddress import IPv6Address

from iptc_sim.constraint import Asked, Constraint, Free, both
from iptc_sim.extension import extension
from iptc_sim.match import No, Outcome, Unclear, decide
from iptc_sim.matches._headers import HeaderMatch
from iptc_sim.moment import Moment
from iptc_sim.options import Reading, ValueType, option
from iptc_sim.records import dataclass
from iptc_sim.value_types.address import BARE_PREFIX, read_address
from iptc_sim.value_types.number import Integer
from iptc_sim.values import Family, Negatable, Prefix, address_text

OCTET = Integer(0, 255)
#: The type of the routing header (RFC 8754).
SEGMENT_ROUTING = 4


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
class Srh(HeaderMatch):
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

    def judge(self, at: Moment) -> Outcome:
        """Look for a routing header of type 4 and compare its fields and addresses (RFC 8754), as srh1_mt6 does."""
        from iptc_sim.wire.headers import ROUTING  # noqa: PLC0415 - what reads rules does not need it

        header = self.extension_header(at, ROUTING, "routing", 8)
        if isinstance(header, No | Unclear):
            return No(self, "", header.found) if isinstance(header, No) else header
        data = header.data
        kind, left, last = data[2], data[3], data[4]
        if not header.is_whole or kind != SEGMENT_ROUTING or left > last:
            return No(self, "", "the packet has no whole segment routing header")
        return decide(
            self.test("next_header", data[0], "next header"),
            *self._compare("length", data[1], "length of the header"),
            *self._compare("left", left, "number of segments left"),
            *self._compare("last", last, "last entry"),
            # Number and header are compared as they lie in memory: on little-endian machines, the bytes are swapped.
            self.test("tag", int.from_bytes(data[6:8], "little"), "tag"),
            self._segment("previous", data, left + 1 if left < last else None),
            self._segment("following", data, left - 1 if left else None),
            self._segment("last", data, 0),
        )

    def constraint(self, asked: Asked) -> Constraint:  # noqa: ARG002 - the interface
        """Say that the header is there, and what is asked of it; a segment that is not there never fits."""
        tests: list[Constraint] = [Free((self.NAME, "header"))]
        for declared in self.OPTIONS:
            if declared.field in {"previous", "following", "last"} and getattr(self, declared.field) is not None:
                tests.append(Free((self.NAME, declared.field)))
            tests.append(self.free(declared.field))
        return both(tests)

    def _compare(self, group: str, actual: int, what: str) -> list[No | Unclear | None]:
        """Test a number against -eq, -gt and -lt."""
        found = [self.test(f"{group}_eq", actual, what)]
        for field, holds in ((f"{group}_gt", int.__gt__), (f"{group}_lt", int.__lt__)):
            wanted: Negatable[int] | None = getattr(self, field)
            if wanted is not None and holds(actual, wanted.value) == wanted.negated:
                found.append(No(self, field, f"the {what} is {actual}"))
        return found

    def _segment(self, field: str, data: bytes, number: int | None) -> No | None:
        """Test an entry of the segment list; one that is not there does not fit, negated or not."""
        wanted: Negatable[Segment] | None = getattr(self, field)
        if wanted is None:
            return None
        entry = data[8 + 16 * number : 24 + 16 * number] if number is not None else b""
        if len(entry) < 16:
            return No(self, field, "there is no such segment")
        address = IPv6Address(entry)
        same = not (int(address) ^ int(wanted.value.address)) & wanted.value.mask
        return None if same != wanted.negated else No(self, field, f"the segment is {address}")
