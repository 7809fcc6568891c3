"""``-m devgroup``: the group of the interface (xt_devgroup.c)."""

from __future__ import annotations

from iptc_sim.constraint import Asked, Constraint, Field, both
from iptc_sim.extension import Placement, extension, misplaced
from iptc_sim.match import Match, No, Outcome, Unclear, decide
from iptc_sim.moment import Hook, Moment
from iptc_sim.options import Reading, ValueType, option
from iptc_sim.value_types.mark import MARK
from iptc_sim.values import UNKNOWN, Interface, MaskedMark, Negatable

#: The one name in the group list that iproute2 comes with; names that a host adds to it are not known.
DEFAULT = MaskedMark(0)

_IN = frozenset({Hook.PREROUTING, Hook.INPUT, Hook.FORWARD})
_OUT = frozenset({Hook.FORWARD, Hook.OUTPUT, Hook.POSTROUTING})


class DeviceGroup(ValueType[MaskedMark]):
    """``N`` or ``N/MASK``, compared as a mark is; group 0 has the name ``default``, under which it is printed."""

    expected = "a group number, number/mask, or default"

    def read(self, words: tuple[str, ...], context: Reading) -> MaskedMark:
        """Return the group with its mask."""
        if words[0] == "default":
            return DEFAULT
        try:
            return MARK.read(words, context)
        except ValueError:
            raise ValueError(f"{words[0] or 'an empty word'} is not a group of interfaces") from None

    def write(self, value: MaskedMark) -> tuple[str, ...]:
        """Return the name or the number."""
        return ("default" if value == DEFAULT else str(value),)


@extension
class Devgroup(Match):
    """Groups are set by ``ip link set ... group N``."""

    NAME = "devgroup"

    src_group: Negatable[MaskedMark] | None = option(DeviceGroup(), "--src-group", negatable=True)
    dst_group: Negatable[MaskedMark] | None = option(DeviceGroup(), "--dst-group", negatable=True)

    def check(self, context: Reading) -> None:  # noqa: ARG002 - the interface
        """Refuse a rule that asks for nothing."""
        if self.src_group is None and self.dst_group is None:
            raise ValueError("-m devgroup needs --src-group or --dst-group")

    def refusal(self, place: Placement) -> str:
        """A packet has an in interface up to FORWARD, and an out interface from there on."""
        wrong = misplaced("--src-group", place, _IN) if self.src_group else ""
        wrong = wrong or (misplaced("--dst-group", place, _OUT) if self.dst_group else "")
        return wrong or Match.refusal(self, place)

    def judge(self, at: Moment) -> Outcome:
        """Compare the groups of the interfaces."""
        return decide(
            self._group("src_group", at.packet.in_interface, at),
            self._group("dst_group", at.packet.out_interface, at),
        )

    def constraint(self, asked: Asked) -> Constraint:  # noqa: ARG002 - the interface
        """Say which groups are asked for."""
        return both(
            [
                self.free("src_group", frozenset({Field.IN_INTERFACE})),
                self.free("dst_group", frozenset({Field.OUT_INTERFACE})),
            ]
        )

    def _group(self, field: str, interface: Interface, at: Moment) -> No | Unclear | None:
        wanted: Negatable[MaskedMark] | None = getattr(self, field)
        if wanted is None:
            return None
        link = None if interface in {None, UNKNOWN} else at.node.link(interface)
        text = "0" if interface == "lo" else link.group.replace("default", "0") if link else ""
        if not text.isdigit():
            return Unclear(self, f"{self.option_text(field)}: the group of interface {interface} is not known")
        if ((int(text) ^ wanted.value.value) & wanted.value.mask == 0) != wanted.negated:
            return None
        return No(self, field, f"the group of {interface} is {text}")
