"""``-m physdev``: the bridge ports that a bridged packet uses (xt_physdev.c)."""

from __future__ import annotations

from iptc_sim.constraint import Asked, Constraint, Field, Free
from iptc_sim.extension import Placement, extension, misplaced
from iptc_sim.match import YES, Match, No, Outcome, decide
from iptc_sim.moment import Hook, Moment
from iptc_sim.options import Reading, ValueType, flag, option
from iptc_sim.value_types.interface import INTERFACE
from iptc_sim.values import Interface, InterfacePattern, Negatable


class PortName(ValueType[InterfacePattern]):
    """The name of a bridge port, ``+`` at the end for a prefix; unlike with ``-i``, ``+`` alone and no name stay."""

    expected = INTERFACE.expected

    def read(self, words: tuple[str, ...], context: Reading) -> InterfacePattern:
        """Return the pattern."""
        return (words[0] and INTERFACE.read(words, context)) or InterfacePattern(words[0])


PORT = PortName()


@extension
class Physdev(Match):
    """Packets that did not cross a bridge have no ports."""

    NAME = "physdev"

    is_in: Negatable[bool] | None = flag("--physdev-is-in", negatable=True)
    in_port: Negatable[InterfacePattern] | None = option(PORT, "--physdev-in", negatable=True)
    is_out: Negatable[bool] | None = flag("--physdev-is-out", negatable=True)
    out_port: Negatable[InterfacePattern] | None = option(PORT, "--physdev-out", negatable=True)
    is_bridged: Negatable[bool] | None = flag("--physdev-is-bridged", negatable=True)

    def check(self, context: Reading) -> None:  # noqa: ARG002 - the interface
        """Refuse a rule that asks for nothing."""
        if all(getattr(self, declared.field) is None for declared in self.OPTIONS):
            raise ValueError("-m physdev needs at least one option")

    def refusal(self, place: Placement) -> str:
        """The out port of a packet that is routed, not bridged, is not known in OUTPUT."""
        asks_port = self.out_port is not None or self.is_out is not None
        if asks_port and self.is_bridged != Negatable(value=True):
            label = "--physdev-out" if self.out_port is not None else "--physdev-is-out"
            wrong = misplaced(f"{label} without --physdev-is-bridged", place, frozenset(Hook) - {Hook.OUTPUT})
            if wrong:
                return wrong
        return Match.refusal(self, place)

    def judge(self, at: Moment) -> Outcome:
        """Compare the ports; a packet that did not come in by a bridge has none, and fits only ``!``."""
        came, goes = at.packet.physical_in, at.packet.physical_out
        if came is None and goes is None:
            for declared in self.OPTIONS:
                value: Negatable[object] | None = getattr(self, declared.field)
                if value is not None and not value.negated:
                    return No(self, declared.field, "the packet did not cross a bridge")
            return YES
        if self.out_port is not None and goes is None:
            return No(self, "out_port", "the packet is not bridged")
        return decide(
            self._is("is_bridged", goes, "bridged"),
            self._is("is_in", came, "in by a bridge port"),
            self._is("is_out", goes, "out by a bridge port"),
            self.test("in_port", came, "port that it came in by") if came is not None else None,
            self.test("out_port", goes, "port that it leaves by"),
        )

    def constraint(self, asked: Asked) -> Constraint:
        """Say which ports are asked for: which one a packet leaves by hangs on where it goes."""
        return Free(self.question(asked), frozenset({Field.IN_INTERFACE, Field.OUT_INTERFACE, Field.DESTINATION}))

    def _is(self, field: str, port: Interface, what: str) -> No | None:
        """Test a port's being there; UNKNOWN is some port."""
        wanted: Negatable[bool] | None = getattr(self, field)
        if wanted is None:
            return None
        if (port is not None) != wanted.negated:
            return None
        return No(self, field, f"the packet is {'not ' if port is None else ''}{what}")
