"""``-m set``: whether the packet's addresses or ports are in an IP set (xt_set.c)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.match import Match
from iptc_sim.options import FLAG, Reading, ValueType, flag, option
from iptc_sim.records import dataclass
from iptc_sim.value_types.number import Integer
from iptc_sim.values import Negatable

#: A set's name has 31 bytes, and a set at most six dimensions (IPSET_DIM_MAX).
NAME_BYTES = 31
DIMENSIONS = 6
COUNTER = Integer(0, 2**64 - 1)


@dataclass(frozen=True, slots=True)
class SetLookup:
    """A set's name, and for each of its dimensions which side of the packet is looked up."""

    name: str
    sides: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name} {','.join(self.sides)}"


class SetLookupType(ValueType[SetLookup]):
    """A name and a comma list of src and dst."""

    words = 2
    expected = f"a set name and up to {DIMENSIONS} of src and dst, between commas"

    def read(self, words: tuple[str, ...], context: Reading) -> SetLookup:  # noqa: ARG002 - the interface
        """Return the lookup; whether the set exists a dump does not say."""
        name, sides = words[0], tuple(words[1].split(","))
        if not name or len(name.encode()) > NAME_BYTES:
            raise ValueError(f"a set name has 1 to {NAME_BYTES} bytes, not {len(name.encode())}")
        for side in sides:
            if side not in {"src", "dst"}:
                raise ValueError(f"{side or 'an empty word'} is neither src nor dst")
        if len(sides) > DIMENSIONS:
            raise ValueError(f"it lists {len(sides)} sides, at most {DIMENSIONS} fit")
        return SetLookup(name, sides)

    def write(self, value: SetLookup) -> tuple[str, ...]:
        """Return the name, which is never quoted, and the list."""
        return (value.name, ",".join(value.sides))


@extension
class Set(Match):
    """Also keeps, or with ``!`` does not keep, the set's counters, and may compare them."""

    NAME = "set"

    lookup: Negatable[SetLookup] = option(SetLookupType(), "--match-set", "--set", negatable=True, required=True)
    return_nomatch: bool = flag("--return-nomatch", repeats=True)
    update_counters: Negatable[bool] | None = option(
        FLAG, "--update-counters", negatable=True, hidden=Negatable(value=True), repeats=True
    )
    update_subcounters: Negatable[bool] | None = option(
        FLAG, "--update-subcounters", negatable=True, hidden=Negatable(value=True), repeats=True
    )
    packets_eq: Negatable[int] | None = option(COUNTER, "--packets-eq", negatable=True)
    packets_lt: int | None = option(COUNTER, "--packets-lt")
    packets_gt: int | None = option(COUNTER, "--packets-gt")
    bytes_eq: Negatable[int] | None = option(COUNTER, "--bytes-eq", negatable=True)
    bytes_lt: int | None = option(COUNTER, "--bytes-lt")
    bytes_gt: int | None = option(COUNTER, "--bytes-gt")

    @classmethod
    def derive(cls, fields: dict[str, object]) -> None:
        """Forget ``--update-counters`` without ``!``: the kernel updates them anyway."""
        for name in ("update_counters", "update_subcounters"):
            if fields.get(name) == Negatable(value=True):
                del fields[name]

    def check(self, context: Reading) -> None:  # noqa: ARG002 - the interface
        """Refuse two comparisons of the same counter."""
        if sum(value is not None for value in (self.packets_eq, self.packets_lt, self.packets_gt)) > 1:
            raise ValueError("--packets-eq, --packets-lt and --packets-gt exclude each other")
        if sum(value is not None for value in (self.bytes_eq, self.bytes_lt, self.bytes_gt)) > 1:
            raise ValueError("--bytes-eq, --bytes-lt and --bytes-gt exclude each other")

    def objects(self) -> tuple[tuple[str, str], ...]:
        """Name the set."""
        return (("ipset", self.lookup.value.name),)
