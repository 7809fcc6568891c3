"""``-m rt``: the routing header of an IPv6 packet (ip6t_rt.c)."""

from __future__ import annotations

from ipaddress import AddressValueError, IPv6Address

from iptc_sim.extension import extension
from iptc_sim.match import Match
from iptc_sim.options import Reading, ValueType, flag, option
from iptc_sim.records import dataclass
from iptc_sim.value_types.number import Integer
from iptc_sim.value_types.number_range import NumberRange, NumberRangeType
from iptc_sim.values import Family, Negatable, address_text

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
class Rt(Match):
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
