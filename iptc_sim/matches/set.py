"""``-m set``: whether the packet's addresses or ports are in an IP set (xt_set.c)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iptc_sim.constraint import Asked, Constraint, Field, Free, Own
from iptc_sim.extension import extension
from iptc_sim.match import YES, Match, No, Outcome, Unclear
from iptc_sim.memory import Memory
from iptc_sim.moment import Moment
from iptc_sim.options import FLAG, Reading, ValueType, flag, option
from iptc_sim.records import dataclass
from iptc_sim.value_types.number import Integer
from iptc_sim.values import Negatable

if TYPE_CHECKING:
    from iptc_sim.remembered.ipset_lookup import Wanted

#: A set's name has 31 bytes, and a set at most six dimensions (IPSET_DIM_MAX).
NAME_BYTES = 31
DIMENSIONS = 6
#: What sets of addresses, ports and interfaces may look at on each side of a packet.
_LOOKED_AT = {
    "src": frozenset({Field.SOURCE, Field.SPORT, Field.IN_INTERFACE}),
    "dst": frozenset({Field.DESTINATION, Field.DPORT, Field.OUT_INTERFACE}),
}
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
    """Also keeps, or with ``!`` does not keep, the set's counters, and may compare them.

    What is in the sets is told with the node; remembered under ``("set", NAME)``: a set whose counters have changed, as
    an :class:`~iptc_sim.ipsets.model.IpSet`.
    """

    NAME = "set"
    REMEMBERS = True

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

    def judge(self, at: Moment) -> Outcome:
        """Look the packet up."""
        from iptc_sim.remembered.ipset_lookup import NotKnownError, find  # noqa: PLC0415 - what reads rules does not need it

        lookup = self.lookup.value
        try:
            has = find(lookup.name, lookup.sides, at, self._wanted).entry is not None
        except NotKnownError as error:
            plain = self._wanted == type(self._wanted)()
            question = ("set", lookup) if plain else None
            why = f"{self.option_text('lookup')}: {error}"
            return Unclear(self, why, question=question, negated=plain and self.lookup.negated)
        return YES if has != self.lookup.negated else No(self, "lookup", f"the packet is {'' if has else 'not '}in it")

    def constraint(self, asked: Asked) -> Constraint:
        """Say which set is asked; its name stands second in the key."""
        lookup = self.lookup.value
        key = (self.NAME, lookup.name, lookup.sides, self.return_nomatch)
        if self._wanted.test is not None:
            return Own((*key, *self.words(asked.variant)), shared=True)
        several = {Field.MARK, *_LOOKED_AT["src"], *_LOOKED_AT["dst"]}  # of a set with marks one side is about them
        reads = several if len(lookup.sides) > 1 else _LOOKED_AT[lookup.sides[0]]
        return Free(key, frozenset(reads), self.lookup.negated)

    def remember(self, at: Moment, fits: bool) -> Memory:  # noqa: ARG002 - the interface
        """Count the packet for the elements that it was looked for in."""
        from iptc_sim.remembered.ipset_lookup import NotKnownError, find  # noqa: PLC0415 - as above

        try:
            return find(self.lookup.value.name, self.lookup.value.sides, at, self._wanted).memory
        except NotKnownError:
            return at.memory

    @property
    def _wanted(self) -> Wanted:
        from iptc_sim.remembered.ipset_lookup import Wanted  # noqa: PLC0415 - as above

        numbers = (self.packets_eq, self.packets_lt, self.packets_gt, self.bytes_eq, self.bytes_lt, self.bytes_gt)
        return Wanted(
            self.return_nomatch,
            self._counts if any(number is not None for number in numbers) else None,
            counting=self.update_counters is None,
            inner=self.update_subcounters is None,
        )

    def _counts(self, packets: int, size: int) -> bool:
        return _within(packets, self.packets_eq, self.packets_lt, self.packets_gt) and _within(
            size, self.bytes_eq, self.bytes_lt, self.bytes_gt
        )


def _within(number: int, equal: Negatable[int] | None, below: int | None, above: int | None) -> bool:
    if equal is not None and (number == equal.value) == equal.negated:
        return False
    return (below is None or number < below) and (above is None or number > above)
