"""``-m recent``: lists of addresses seen lately (xt_recent.c)."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING

from iptc_sim.constraint import ALWAYS, NEVER, Asked, Constraint, Own, noting
from iptc_sim.extension import Placement, extension
from iptc_sim.match import YES, Match, No, Outcome, Unclear
from iptc_sim.memory import Memory
from iptc_sim.moment import Moment
from iptc_sim.options import Reading, flag, option
from iptc_sim.remembered.own_state import nanoseconds, same_packet
from iptc_sim.value_types.file_name import not_a_file_name
from iptc_sim.value_types.host import HOST
from iptc_sim.value_types.number import Integer
from iptc_sim.value_types.text import Text
from iptc_sim.values import UNKNOWN, Address, Family, Negatable, Prefix, Unknown

if TYPE_CHECKING:
    from iptc_sim.remembered.recent_list import RecentList, Seen


def _full_mask(family: Family) -> Address:
    return Prefix(family, (1 << family.bits) - 1, 0).address


#: The kernel keeps fewer times of an address than this (XT_RECENT_MAX_NSTAMPS).
MOST_HITS = 65536


class SecondsType(Integer):
    """A number of seconds; 1.8.9 prints the upper half of them as negative numbers."""

    def write(self, value: int) -> tuple[str, ...]:
        """Return the number as one with a sign."""
        return (str(value - (1 << 32) if value >> 31 else value),)


class HitCount(Integer):
    """A number of packets; :meth:`Recent.refusal` says how many are too many."""

    def pattern(self, context: Reading) -> str | None:  # noqa: ARG002 - the interface
        """Return numbers that are never too many."""
        return "[1-9][0-9]{0,3}"


class ListName(Text):
    """The name of a list, which becomes that of a file."""

    def pattern(self, context: Reading) -> str | None:  # noqa: ARG002 - the interface
        """Return names that are no path."""
        return "[A-Za-z0-9_-]{1,199}"


@extension
class Recent(Match):
    """One of four verbs on a named list; ``--name``, ``--mask`` and the side are always printed.

    Remembered under ``("recent", FAMILY, NAME)``: the :class:`~iptc_sim.remembered.recent_list.RecentList`.
    """

    NAME = "recent"
    PATTERNS_SUFFICE = True
    REMEMBERS = True

    set_: Negatable[bool] | None = flag("--set", negatable=True)
    rcheck: Negatable[bool] | None = flag("--rcheck", negatable=True)
    update: Negatable[bool] | None = flag("--update", negatable=True)
    remove: Negatable[bool] | None = flag("--remove", negatable=True)
    seconds: int | None = option(SecondsType(1), "--seconds")
    reap: bool = flag("--reap")
    hitcount: int | None = option(HitCount(), "--hitcount", hidden=0)
    rttl: bool = flag("--rttl")
    list_name: str = option(
        ListName("a list name, of which 199 bytes are kept", 199, quote=False), "--name", default="DEFAULT"
    )
    mask: Address = option(HOST, "--mask", default=_full_mask)
    rsource: bool = flag("--rsource")
    rdest: bool = flag("--rdest")

    @classmethod
    def derive(cls, fields: dict[str, object]) -> None:
        """Look at the side that is given last, the source where none is; the fields stand in the order of the line."""
        sides = [name for name in fields if name in {"rsource", "rdest"} and fields[name]]
        fields |= {"rsource": False, "rdest": False, (sides or ["rsource"])[-1]: True}

    def check(self, context: Reading) -> None:  # noqa: ARG002 - the interface
        """Refuse none or several verbs, and conditions that the verb does not take."""
        self.demand_one("set_", "rcheck", "update", "remove")
        conditions = self.seconds is not None or self.hitcount is not None or self.rttl
        if conditions and (self.set_ is not None or self.remove is not None):
            raise ValueError("--seconds, --hitcount and --rttl go with --rcheck or --update")
        if self.reap and self.seconds is None:
            raise ValueError("--reap needs --seconds")

    def refusal(self, place: Placement) -> str:
        """The list is a file in /proc, and the kernel counts so many packets only."""
        if self.hitcount is not None and self.hitcount >= MOST_HITS:
            return f"--hitcount {self.hitcount} is not below {MOST_HITS}"
        return not_a_file_name("--name", self.list_name) or Match.refusal(self, place)

    def judge(self, at: Moment) -> Outcome:
        """``--set`` always fits, ``--remove`` where the address is on the list; else its times are looked at."""
        held = self._holds(at)
        if held is None:
            who = self._who(at)
            if who is UNKNOWN or not self._list(at).told(who):
                return Unclear(self, f"whether {who} is on the list {self.list_name} is not known")
            return Unclear(self, f"when {who} was put on the list {self.list_name} is not known")
        verb = self._verb
        if held != getattr(self, verb).negated:
            return YES
        if verb == "set_":
            return No(self, verb, "it always holds")
        return No(self, verb, f"{self._who(at)} is {'' if held else 'not '}on the list {self._asked}")

    def constraint(self, asked: Asked) -> Constraint:
        """Say which list is asked, and how; the list's name stands second in the key."""
        negated: bool = getattr(self, self._verb).negated
        how = (word for word in self.words(asked.variant) if word != "!")
        held = Own((self.NAME, self.list_name, *how), shared=True, negated=negated)
        return held if self.set_ is None else noting(NEVER if negated else ALWAYS, held)

    def remember(self, at: Moment, fits: bool) -> Memory:
        """Put the address on the list, note the time or take it off.

        ``--update`` notes the time where the rule's test fits, and so does ``! --update`` for an address that is on
        the list but does not meet the conditions.
        """
        who, known = self._who(at), self._list(at)
        if who is UNKNOWN:
            return at.memory
        here = known.find(who, self._ttl(at))
        if self.remove is not None:
            known = known.without(who) if here else known
        elif self.set_ is not None:
            known = known.noted(who, self._now(at), self._real_ttl(at), at.memory.fresh, other=not here)
        else:
            updates = self.update is not None and fits and (here is not None or self._was_there(at))
            if self.reap and here and at.now is not None:
                known = known.reaped(self._earliest(at), who if updates else None)
            if updates:
                known = known.noted(who, self._now(at), self._real_ttl(at), at.memory.fresh)
        return at.memory.put(self._key(at), known)

    def _was_there(self, at: Moment) -> bool:
        """Whether an address of which nothing was known must be on the list, as ``--update`` fits."""
        who = self._who(at)
        told = who is UNKNOWN or at.memory.fresh or self._list(at).told(who)
        return not told and self.update is not None and not self.update.negated

    @property
    def _verb(self) -> str:
        return next(name for name in ("set_", "rcheck", "update", "remove") if getattr(self, name) is not None)

    @property
    def _asked(self) -> str:
        words = [self.list_name]
        words += [f"{self.hitcount} times"] if self.hitcount else []
        words += [f"in the last {self.seconds} s"] if self.seconds else []
        return " ".join(words)

    def _holds(self, at: Moment) -> bool | None:
        """Whether the verb's own condition holds; None where that is not known."""
        if self.set_ is not None:
            return True
        who = self._who(at)
        if who is UNKNOWN:
            return None
        known = self._list(at)
        seen = known.find(who, self._ttl(at))
        if seen is None:
            return False if at.memory.fresh or known.told(who) else None
        if self.remove is not None:
            return True
        return self._often_enough(seen, at)

    def _often_enough(self, seen: Seen, at: Moment) -> bool | None:
        sure = maybe = 0
        for stamp in seen.stamps:
            late = self._is_late_enough(stamp, at)
            sure += late is True
            maybe += late is not False
        wanted = max(1, self.hitcount or 0)
        if sure >= wanted:
            return True
        return False if maybe < wanted and seen.complete else None

    def _is_late_enough(self, stamp: Hashable, at: Moment) -> bool | None:
        if not self.seconds:
            return True
        if isinstance(stamp, int):
            return None if at.now is None else stamp >= self._earliest(at)
        return True if stamp == self._now(at) else None

    def _earliest(self, at: Moment) -> int:
        return (nanoseconds(at) or 0) - (self.seconds or 0) * 10**9

    def _now(self, at: Moment) -> Hashable:
        now = nanoseconds(at)
        return ("packet", same_packet(at)) if now is None else now

    def _ttl(self, at: Moment) -> int:
        """The one that the address must have been seen with; 0: any."""
        return self._real_ttl(at) if self.rttl else 0

    @staticmethod
    def _real_ttl(at: Moment) -> int:
        """As it was before forwarding took one off."""
        forwarded = at.packet.in_interface is not None and at.packet.out_interface is not None
        return at.packet.ttl + forwarded

    def _list(self, at: Moment) -> RecentList:
        from iptc_sim.remembered.recent_list import RecentList  # noqa: PLC0415 - what reads rules does not need it

        found: RecentList = at.memory.get(self._key(at)) or RecentList()
        return found

    def _key(self, at: Moment) -> tuple[Hashable, ...]:
        return (self.NAME, int(at.packet.family), self.list_name)

    def _who(self, at: Moment) -> Address | Unknown:
        address = at.packet.destination if self.rdest else at.packet.source
        if address is UNKNOWN:
            return address
        family, mask = Family(address.version), int(self.mask)
        return Prefix(family, int(address) & mask, mask).address
