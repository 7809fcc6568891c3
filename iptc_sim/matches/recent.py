"""``-m recent``: lists of addresses seen lately (xt_recent.c)."""

from __future__ import annotations

from iptc_sim.extension import Placement, extension
from iptc_sim.match import YES, Match, Outcome, Unclear
from iptc_sim.moment import Moment
from iptc_sim.options import Reading, flag, option
from iptc_sim.value_types.file_name import not_a_file_name
from iptc_sim.value_types.host import HOST
from iptc_sim.value_types.number import Integer
from iptc_sim.value_types.text import Text
from iptc_sim.values import Address, Family, Negatable, Prefix


def _full_mask(family: Family) -> Address:
    return Prefix(family, (1 << family.bits) - 1, 0).address


#: The kernel keeps fewer times of an address than this (XT_RECENT_MAX_NSTAMPS).
MOST_HITS = 65536


class SecondsType(Integer):
    """A number of seconds; 1.8.9 prints the upper half of them as negative numbers."""

    def write(self, value: int) -> tuple[str, ...]:
        """Return the number as one with a sign."""
        return (str(value - (1 << 32) if value >> 31 else value),)


@extension
class Recent(Match):
    """One of four verbs on a named list; ``--name``, ``--mask`` and the side are always printed."""

    NAME = "recent"

    set_: Negatable[bool] | None = flag("--set", negatable=True)
    rcheck: Negatable[bool] | None = flag("--rcheck", negatable=True)
    update: Negatable[bool] | None = flag("--update", negatable=True)
    remove: Negatable[bool] | None = flag("--remove", negatable=True)
    seconds: int | None = option(SecondsType(1), "--seconds")
    reap: bool = flag("--reap")
    hitcount: int | None = option(Integer(), "--hitcount", hidden=0)
    rttl: bool = flag("--rttl")
    list_name: str = option(
        Text("a list name, of which 199 bytes are kept", 199, quote=False), "--name", default="DEFAULT"
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
        """``--set`` always fits; the others depend on who was seen before."""
        if self.set_ is not None:
            return YES if not self.set_.negated else self._history(at)
        return self._history(at)

    def _history(self, at: Moment) -> Unclear:
        who = at.packet.destination if self.rdest else at.packet.source
        return Unclear(self, f"whether {who} is on the list {self.list_name} is not known")
