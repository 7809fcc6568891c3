"""What TTL and HL share: the number of hops that a packet may still go is changed (xt_HL.c)."""

from __future__ import annotations

from typing import ClassVar

from iptc_sim.constraint import Asked, Field
from iptc_sim.moment import Moment
from iptc_sim.options import Reading
from iptc_sim.records import replace
from iptc_sim.target import Action, Alter, Change, Deed, Target
from iptc_sim.value_types.number import Integer

NUMBER, STEP = Integer(0, 255), Integer(1, 255)


class HopsTarget(Target):
    """In mangle only. The result stays within 0 and 255; a packet with 0 is dropped later, not here.

    ``WHAT`` is what the number is called.
    """

    __slots__ = ()

    TABLES = frozenset({"mangle"})
    WHAT: ClassVar[str]

    set_to: int | None
    inc: int | None
    dec: int | None

    def check(self, context: Reading) -> None:  # noqa: ARG002 - the interface
        """Refuse none or several changes."""
        self.demand_one("set_to", "inc", "dec")

    def act(self, at: Moment) -> Action:
        """Change the number and go on."""
        value, before = self.set_to, at.packet.ttl
        if value is None:
            value = max(0, before - (self.dec or 0)) if self.inc is None else min(255, before + self.inc)
        return Alter(f"{self.WHAT} {before} => {value}", replace(at.packet, ttl=value))

    def deed(self, asked: Asked) -> Deed:
        """Change the number."""
        return Change(
            f"-j {self.name} {' '.join(self.words(asked.variant))}",
            frozenset({Field.HOPS}),
            (self.name, *self.words(asked.variant)),
        )
