"""``-j MARK``: change the packet's nfmark (xt_mark.c, mark_tg)."""

from __future__ import annotations

from iptc_sim.constraint import Asked, Field
from iptc_sim.extension import extension
from iptc_sim.moment import Moment
from iptc_sim.options import option
from iptc_sim.target import Action, Deed, EditMark, SetMark, Target
from iptc_sim.value_types.mark import MarkEditType
from iptc_sim.values import MarkEdit


@extension
class MarkTarget(Target):
    """All five spellings are stored and printed as ``--set-xmark value/mask``."""

    NAME = "MARK"

    xmark: MarkEdit = option(
        MarkEditType("xset"),
        "--set-xmark",
        required=True,
        also={
            "--set-mark": MarkEditType("set"),
            "--and-mark": MarkEditType("and"),
            "--or-mark": MarkEditType("or"),
            "--xor-mark": MarkEditType("xor"),
        },
    )

    def act(self, at: Moment) -> Action:
        """Set the new mark and go on."""
        return SetMark(self.xmark.apply(at.packet.mark))

    def deed(self, asked: Asked) -> Deed:  # noqa: ARG002 - the interface
        """Edit the mark."""
        return EditMark(Field.MARK, ~self.xmark.mask & 0xFFFFFFFF, self.xmark.value)
