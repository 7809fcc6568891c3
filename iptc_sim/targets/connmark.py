"""``-j CONNMARK``: change the connection's mark, or copy it from or to the packet's (xt_connmark.c, connmark_tg)."""

from __future__ import annotations

from iptc_sim.constraint import Asked, Field
from iptc_sim.extension import Placement, extension
from iptc_sim.moment import Moment
from iptc_sim.options import Reading, flag, option
from iptc_sim.records import replace
from iptc_sim.remembered.own_state import is_told
from iptc_sim.target import Action, Alter, Change, Continue, CopyMark, Deed, EditMark, Target, unchanged
from iptc_sim.value_types.hexadecimal import HEX
from iptc_sim.value_types.mark import MarkEditType
from iptc_sim.value_types.number import Integer
from iptc_sim.values import MarkEdit

_ALL = 0xFFFFFFFF
_SHIFT = Integer(0, 32)


@extension
class ConnmarkTarget(Target):
    """The five ways of MARK print as ``--set-xmark``; a copy prints both masks; ``--mask`` stands for both."""

    NAME = "CONNMARK"
    USES_CONNTRACK = True

    xmark: MarkEdit | None = option(
        MarkEditType("xset"),
        "--set-xmark",
        also={
            "--set-mark": MarkEditType("set"),
            "--and-mark": MarkEditType("and"),
            "--or-mark": MarkEditType("or"),
            "--xor-mark": MarkEditType("xor"),
        },
    )
    save: bool = flag("--save-mark")
    restore: bool = flag("--restore-mark")
    nfmask: int | None = option(HEX, "--nfmask")
    ctmask: int | None = option(HEX, "--ctmask")
    mask: int | None = option(HEX, "--mask")
    left_shift: int = option(_SHIFT, "--left-shift-mark", default=0, hidden=0)
    right_shift: int = option(_SHIFT, "--right-shift-mark", default=0, hidden=0)

    @classmethod
    def derive(cls, fields: dict[str, object]) -> None:
        """Bring the masks to the two that are stored.

        An edit keeps its own mask in the place of ``--ctmask``, so of the two the later one on the line wins (the
        fields stand in that order).
        """
        order = list(fields)
        if "mask" in fields and not {"nfmask", "ctmask"} & set(fields):
            order[order.index("mask")] = "ctmask"
            fields["nfmask"] = fields["ctmask"] = fields.pop("mask")
        edit, ctmask = fields.get("xmark"), fields.get("ctmask")
        if fields.get("save") or fields.get("restore"):
            fields["nfmask"] = fields.get("nfmask", 0xFFFFFFFF)
            fields["ctmask"] = fields.get("ctmask", 0xFFFFFFFF)
        elif isinstance(edit, MarkEdit) and "mask" not in fields:
            if isinstance(ctmask, int) and order.index("ctmask") > order.index("xmark"):
                fields["xmark"] = MarkEdit(edit.value, ctmask)
            fields.pop("nfmask", None)
            fields.pop("ctmask", None)
        if fields["left_shift"] and fields["right_shift"]:
            del fields[min("left_shift", "right_shift", key=order.index)]  # one number is stored, with its direction

    def check(self, context: Reading) -> None:  # noqa: ARG002 - the interface
        """Refuse none or several operations, and the mask given twice."""
        self.demand_one("xmark", "save", "restore")
        if self.mask is not None:
            raise ValueError("--mask stands for --nfmask and --ctmask and excludes them")

    def refusal(self, place: Placement) -> str:
        """A mark has 32 bits to shift it by less."""
        if max(self.left_shift, self.right_shift) == 32:
            return "a mark cannot be shifted by 32 bits"
        return Target.refusal(self, place)

    def act(self, at: Moment) -> Action:
        """Change the one mark or the other; the shift goes over what is set or copied."""
        entry, packet = at.connection, at.packet
        if entry is None or not entry.is_tracked:
            return Continue("the packet has no conntrack entry")
        if self.xmark is not None:
            mark = self._shifted(self.xmark.apply(entry.mark))
            return Alter(f"the mark of the connection becomes {mark:#x}", connection=replace(entry, mark=mark))
        nfmask, ctmask = self.nfmask or 0, self.ctmask or 0
        if self.save:
            mark = (entry.mark & ~ctmask & _ALL) ^ self._shifted(packet.mark & nfmask)
            return Alter(f"the mark of the connection becomes {mark:#x}", connection=replace(entry, mark=mark))
        if not is_told(entry):
            return unchanged(self.NAME, "the mark of the connection is not known")
        mark = (packet.mark & ~nfmask & _ALL) ^ self._shifted(entry.mark & ctmask)
        return Alter(f"the mark becomes {mark:#x}", packet=replace(packet, mark=mark))

    def deed(self, asked: Asked) -> Deed:
        """Say which mark is edited or copied; an edit with a shift moves the connection's own bits about."""
        nfmask, ctmask, shifts = self.nfmask or 0, self.ctmask or 0, (self.left_shift, self.right_shift)
        if self.save:
            return CopyMark(Field.CTMARK, Field.MARK, ~ctmask & _ALL, nfmask, *shifts)
        if self.restore:
            return CopyMark(Field.MARK, Field.CTMARK, ~nfmask & _ALL, ctmask, *shifts)
        if self.xmark is None or any(shifts):
            key = (self.name, *self.words(asked.variant))
            return Change("the mark of the connection is shifted", frozenset({Field.CTMARK}), key)
        return EditMark(Field.CTMARK, ~self.xmark.mask & _ALL, self.xmark.value)

    def _shifted(self, mark: int) -> int:
        return (mark << self.left_shift & _ALL) >> self.right_shift
