"""``-m rt``: the routing header of an IPv6 packet (ip6t_rt.c)."""

from __future__ import annotations

from ipaddress import AddressValueError, IPv6Address

from iptc_sim.constraint import Asked, Constraint, Free, both
from iptc_sim.extension import extension
from iptc_sim.match import No, Outcome, Unclear, decide
from iptc_sim.matches._headers import HeaderMatch
from iptc_sim.moment import Moment
from iptc_sim.options import Reading, ValueType, flag, option
from iptc_sim.records import dataclass
from iptc_sim.value_types.number import Integer
from iptc_sim.value_types.number_range import NumberRangeType
from iptc_sim.values import Family, Negatable, NumberRange, address_text

#: The kernel's structure has this many slots (IP6T_RT_HOPS).
SLOTS = 16


@dataclass(frozen=True, slots=True)
class Hops:
    """The addresses that the packet is routed by."""

    addresses: tuple[IPv6Address, ...]

    def __str__(self) -> str:
        return ",".join(map(address_text, self.addresses))


class HopsType(ValueType[Hops]):
    """Up to 16 addresses between commas."""

    expected = f"up to {SLOTS} IPv6 addresses between commas"

    def read(self, words: tuple[str, ...], context: Reading) -> Hops:  # noqa: ARG002 - the interface
        """Return the addresses in the order given."""
        items = words[0].split(",")
        if len(items) > SLOTS:
            raise ValueError(f"it lists {len(items)} addresses, at most {SLOTS} fit")
        try:
            return Hops(tuple(map(IPv6Address, items)))
        except AddressValueError as error:
            raise ValueError(f"{words[0]} is not a list of IPv6 addresses") from error


@extension
class Rt(HeaderMatch):
    """IPv6 only; the options with ``-0-`` look into a header of type 0."""

    NAME = "rt"
    FAMILIES = frozenset({Family.IPV6})

    rt_type: Negatable[int] | None = option(Integer(), "--rt-type", negatable=True)
    segments_left: Negatable[NumberRange] | None = option(
        NumberRangeType(0xFFFFFFFF, ordered=False, vanishes=True), "--rt-segsleft", negatable=True
    )
    length: Negatable[int] | None = option(Integer(), "--rt-len", negatable=True)
    reserved: bool = flag("--rt-0-res")
    addresses: Hops | None = option(HopsType(), "--rt-0-addrs")
    not_strict: bool = flag("--rt-0-not-strict")

    @classmethod
    def derive(cls, fields: dict[str, object]) -> None:
        """Refuse what looks into type 0 without asking for it first; the fields stand in the order of the line."""
        before: dict[str, object] = {}
        for name, value in fields.items():
            if not value:
                continue  # a flag that is not there
            if name in {"reserved", "addresses"} and before.get("rt_type") != Negatable(0):
                raise ValueError("--rt-0-res and --rt-0-addrs need --rt-type 0 in front of them")
            if name == "not_strict" and "addresses" not in before:
                raise ValueError("--rt-0-not-strict needs --rt-0-addrs in front of it")
            before[name] = value

    def judge(self, at: Moment) -> Outcome:
        """Look for the header and compare its fields, then its addresses, as rt_mt6 does."""
        from iptc_sim.wire.headers import ROUTING  # noqa: PLC0415 - what reads rules does not need it

        header = self.extension_header(at, ROUTING, "routing", 4)
        if isinstance(header, No | Unclear):
            return header
        if not header.is_whole:
            return self.absent(at, "routing")
        failed = (
            self.test("segments_left", header.data[3], "number of segments left")
            or self.test("length", header.length, "length of the header")
            or self.test("rt_type", header.data[2], "type of the routing header")
        )
        if failed is None and self.reserved and any(header.data[4:8]):
            return No(self, "reserved", f"the reserved field is {header.data[4:8].hex()}")
        if failed is None and self.addresses is not None and not self._routed_by(header.data[8:]):
            return No(self, "addresses", "the addresses of the header are others")
        return decide(failed)

    def constraint(self, asked: Asked) -> Constraint:  # noqa: ARG002 - the interface
        """Say that the header is there, and what is asked of it."""
        asks = [self.free(name) for name in ("rt_type", "segments_left", "length", "reserved")]
        return both([Free((self.NAME, "header")), *asks, self.free("addresses", frozenset(), self.not_strict)])

    def _routed_by(self, data: bytes) -> bool:
        """Whether the header's addresses are the wanted ones, or with ``--rt-0-not-strict`` hold them in order."""
        wanted = [] if self.addresses is None else [address.packed for address in self.addresses.addresses]
        found = [data[at : at + 16] for at in range(0, len(data) - 15, 16)]
        if not self.not_strict:
            return found == wanted
        rest = iter(found)
        return all(address in rest for address in wanted)
