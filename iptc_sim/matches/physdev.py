"""``-m physdev``: the bridge ports that a bridged packet uses (xt_physdev.c)."""

from __future__ import annotations

from iptc_sim.extension import Placement, extension, misplaced
from iptc_sim.match import Match
from iptc_sim.moment import Hook
from iptc_sim.options import Reading, ValueType, flag, option
from iptc_sim.value_types.interface import INTERFACE
from iptc_sim.values import InterfacePattern, Negatable


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
