"""``-m cgroup``: the control group of the socket (xt_cgroup.c)."""

from __future__ import annotations

from iptc_sim.constraint import NEVER, Asked, Constraint, Free, both
from iptc_sim.extension import extension
from iptc_sim.match import YES, Match, No, Outcome, Unclear
from iptc_sim.matches._asked import ENDS
from iptc_sim.moment import Hook, Moment
from iptc_sim.options import Reading, option
from iptc_sim.value_types.number import Integer
from iptc_sim.value_types.text import Text
from iptc_sim.values import UNKNOWN, Negatable


@extension
class Cgroup(Match):
    """A class number of net_cls (version 1), or the path of a group (version 2)."""

    NAME = "cgroup"
    HOOKS = frozenset({Hook.INPUT, Hook.OUTPUT, Hook.POSTROUTING})

    cgroup: Negatable[int] | None = option(Integer(), "--cgroup", negatable=True)
    path: Negatable[str] | None = option(
        Text("the path of a control group, at most 511 bytes", 511, strict=True), "--path", negatable=True
    )

    def check(self, context: Reading) -> None:  # noqa: ARG002 - the interface
        """Refuse none and both."""
        self.demand_one("cgroup", "path")

    def objects(self) -> tuple[tuple[str, str], ...]:
        """Name the group; the root group is always there."""
        return (("control group", self.path.value),) if self.path and self.path.value != "/" else ()

    def judge(self, at: Moment) -> Outcome:
        """Compare the class of the socket; a packet that no socket made never fits, nor does ``!``."""
        field = "path" if self.cgroup is None else "cgroup"
        owner = at.packet.owner
        if owner is UNKNOWN and at.packet.in_interface is not None and at.hook is not Hook.INPUT:
            owner = None
        if owner is not None and at.hook is Hook.INPUT:
            owner = UNKNOWN  # here it is the socket that the packet is for; that of the sender is lost on lo
        if owner is None:
            return No(self, field, "the packet comes from no socket")
        if owner is not UNKNOWN and self.path is not None and self.path.value == "/":
            return No(self, field, "every socket is in it") if self.path.negated else YES
        if owner is UNKNOWN or self.cgroup is None:
            return Unclear(self, f"{self.option_text(field)}: the control group of the socket is not known")
        if (self.cgroup.value == owner.class_id) != self.cgroup.negated:
            return YES
        return No(self, "cgroup", f"the class is {owner.class_id}")

    def constraint(self, asked: Asked) -> Constraint:
        """Say which group is asked for; in INPUT it is that of the socket that the packet is for."""
        arrives = asked.hook is Hook.INPUT
        side, reads = ("receiver", ENDS) if arrives else ("sender", frozenset())
        has = Free((self.NAME, "socket", side), reads)
        if self.path is not None and self.path.value == "/":
            return NEVER if self.path.negated else has
        return both([has, self.free("cgroup", reads, side), self.free("path", reads, side)])
