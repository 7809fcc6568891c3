"""``-j SET``: add the packet to an IP set, remove it, or take marks from the set's entry (xt_set.c)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iptc_sim.constraint import Asked, Field
from iptc_sim.extension import Placement, extension, misplaced
from iptc_sim.moment import Hook, Moment
from iptc_sim.options import Reading, ValueType, flag, option
from iptc_sim.packet import Packet
from iptc_sim.records import dataclass, replace
from iptc_sim.target import Action, Alter, Change, Continue, Deed, Target, unchanged
from iptc_sim.value_types.number import Integer

if TYPE_CHECKING:
    from iptc_sim.ipsets.model import Entry


@dataclass(frozen=True, slots=True)
class SetEntry:
    """A set, and which side of the packet stands for each of its dimensions."""

    set_name: str
    sides: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.set_name} {','.join(self.sides)}"


class SetEntryType(ValueType[SetEntry]):
    """A name of at most 31 bytes, and up to six of src and dst. Whether there is such a set is not known here."""

    words = 2
    expected = "the name of a set, and a comma list of src and dst"

    def read(self, words: tuple[str, ...], context: Reading) -> SetEntry:  # noqa: ARG002 - the interface
        """Return the entry."""
        name, sides = words[0], tuple(words[1].split(","))
        if not name or len(name.encode()) > 31:
            raise ValueError(f"{name or 'an empty word'} cannot be the name of a set")
        for side in sides:
            if side not in {"src", "dst"}:
                raise ValueError(f"{side or 'an empty word'} is neither src nor dst")
        if len(sides) > 6:
            raise ValueError("a set has at most 6 dimensions")
        return SetEntry(name, sides)

    def write(self, value: SetEntry) -> tuple[str, ...]:
        """Return the two words."""
        return (value.set_name, ",".join(value.sides))


_ENTRY = SetEntryType()


@extension
class SetTarget(Target):
    """All three verbs may stand in one rule, on different sets. ``!`` is taken everywhere and means nothing.

    Remembered under ``("set", NAME)``: the set as it is from then on, an :class:`~iptc_sim.ipsets.model.IpSet`.
    """

    NAME = "SET"

    add: SetEntry | None = option(_ENTRY, "--add-set", drops_not=True)
    exist: bool = flag("--exist", repeats=True, drops_not=True)
    timeout: int | None = option(Integer(0, 0xFFFFFFFE), "--timeout", drops_not=True)
    delete: SetEntry | None = option(_ENTRY, "--del-set", drops_not=True)
    map: SetEntry | None = option(_ENTRY, "--map-set", drops_not=True)
    map_mark: bool = flag("--map-mark", repeats=True, drops_not=True)
    map_prio: bool = flag("--map-prio", repeats=True, drops_not=True)
    map_queue: bool = flag("--map-queue", repeats=True, drops_not=True)

    def check(self, context: Reading) -> None:  # noqa: ARG002 - the interface
        """Refuse no verb, and what belongs to a verb that is not there."""
        maps = self.map_mark or self.map_prio or self.map_queue
        if self.add is None and self.delete is None and self.map is None:
            raise ValueError("-j SET needs one of --add-set, --del-set, --map-set")
        if self.add is None and (self.exist or self.timeout is not None):
            raise ValueError("--exist and --timeout go with --add-set")
        if self.map is None and maps:
            raise ValueError("--map-mark, --map-prio and --map-queue go with --map-set")
        if self.map is not None and not maps:
            raise ValueError("--map-set needs one of --map-mark, --map-prio, --map-queue")

    def refusal(self, place: Placement) -> str:
        """What is mapped belongs to a packet on its way out, except the mark."""
        if self.map is not None:
            if place.table != "mangle":
                return "--map-set can stand only in table mangle"
            if self.map_prio or self.map_queue:
                label = "--map-prio" if self.map_prio else "--map-queue"
                wrong = misplaced(label, place, frozenset({Hook.FORWARD, Hook.OUTPUT, Hook.POSTROUTING}))
                if wrong:
                    return wrong
        return Target.refusal(self, place)

    def objects(self) -> tuple[tuple[str, str], ...]:
        """Name the sets."""
        return tuple(("ipset", entry.set_name) for entry in (self.add, self.delete, self.map) if entry is not None)

    def act(self, at: Moment) -> Action:
        """Add first, then remove, then take what the set keeps with the element."""
        from iptc_sim.remembered import ipset_lookup  # noqa: PLC0415 - what reads rules does not need it

        memory, packet, notes = at.memory, at.packet, []
        try:
            if self.add is not None:
                memory = ipset_lookup.added(
                    self.add.set_name, self.add.sides, at, memory, timeout=self.timeout, again=self.exist
                )
                notes.append(f"added to the set {self.add.set_name}")
            if self.delete is not None:
                memory = ipset_lookup.removed(self.delete.set_name, self.delete.sides, at, memory)
                notes.append(f"removed from the set {self.delete.set_name}")
            if self.map is not None:
                at = replace(at, memory=memory)
                found = ipset_lookup.find(self.map.set_name, self.map.sides, at, ipset_lookup.Wanted())
                memory = found.memory
                if found.entry is not None:
                    packet = self._mapped(packet, found.entry)
                    notes.append(f"found in the set {self.map.set_name}")
        except ipset_lookup.NotKnownError as error:
            return unchanged(self.NAME, str(error)) if self.map else Continue(str(error))
        return Alter(", ".join(notes), packet=None if packet is at.packet else packet, memory=memory)

    def deed(self, asked: Asked) -> Deed:
        """Name the sets that are written (see :meth:`objects`); ``--map-set`` changes the packet too."""
        if self.map is None:
            return Continue(f"-j SET {' '.join(self.words(asked.variant))}")
        fields = frozenset({Field.MARK} if self.map_mark else ())
        return Change(f"mapped by the set {self.map.set_name}", fields, (self.name, *self.words(asked.variant)))

    def _mapped(self, packet: Packet, entry: Entry) -> Packet:
        if self.map_mark and entry.mark is not None:
            mark, mask = entry.mark
            packet = replace(packet, mark=packet.mark & ~mask & 0xFFFFFFFF ^ mark)
        if self.map_prio:
            packet = replace(packet, priority=entry.priority or 0)
        return packet
