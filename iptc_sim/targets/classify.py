"""``-j CLASSIFY``: put the packet in a traffic class (xt_CLASSIFY.c)."""

from __future__ import annotations

import re

from iptc_sim.constraint import Asked
from iptc_sim.extension import extension
from iptc_sim.moment import Hook, Moment
from iptc_sim.options import Reading, ValueType, option
from iptc_sim.records import dataclass, replace
from iptc_sim.target import Action, Alter, Change, Deed, Target

_CLASS = re.compile(r"\s*(?:0x)?([0-9a-f]+):\s*(?:0x)?([0-9a-f]+)", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TrafficClass:
    """``major:minor``, both of 16 bits, as tc writes them."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major:04x}:{self.minor:04x}"


class TrafficClassType(ValueType[TrafficClass]):
    """Two hexadecimal numbers.

    iptables scans them and looks no further: what follows is ignored, and of larger numbers the lower 16 bits count.
    """

    expected = "MAJOR:MINOR in hexadecimal"

    def read(self, words: tuple[str, ...], context: Reading) -> TrafficClass:  # noqa: ARG002 - the interface
        """Return the class."""
        found = _CLASS.match(words[0])
        if found is None:
            raise ValueError(f"{words[0]} is not a traffic class")
        return TrafficClass(int(found[1], 16) & 0xFFFF, int(found[2], 16) & 0xFFFF)


@extension
class ClassifyTarget(Target):
    """Where a packet may leave the node: the class is for the queueing of the out interface."""

    NAME = "CLASSIFY"
    HOOKS = frozenset({Hook.FORWARD, Hook.OUTPUT, Hook.POSTROUTING})

    traffic_class: TrafficClass = option(TrafficClassType(), "--set-class", required=True)

    def act(self, at: Moment) -> Action:
        """Set the class and go on."""
        number = self.traffic_class.major << 16 | self.traffic_class.minor
        return Alter(f"put in traffic class {self.traffic_class}", replace(at.packet, priority=number))

    def deed(self, asked: Asked) -> Deed:
        """Set the class."""
        return Change(
            f"put in traffic class {self.traffic_class}", frozenset(), (self.name, *self.words(asked.variant))
        )
