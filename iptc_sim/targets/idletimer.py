"""``-j IDLETIMER``: a timer that tells user space when no packet came for a while (xt_IDLETIMER.c)."""

from __future__ import annotations

from iptc_sim.extension import Placement, extension
from iptc_sim.moment import Hook
from iptc_sim.options import Reading, flag, option
from iptc_sim.target import Continue, Same, Target, UniformTarget
from iptc_sim.value_types.file_name import not_a_file_name
from iptc_sim.value_types.number import Integer
from iptc_sim.value_types.text import Text

#: The kernel counts in milliseconds of 31 bits.
LONGEST = (2**31 - 1) // 1000 - 1

#: What every folder of /sys holds.
TAKEN = frozenset({"power", "subsystem", "uevent"})


@extension
class IdletimerTarget(UniformTarget):
    """The label, cut to 27 bytes, names the timer; rules with the same one share it."""

    NAME = "IDLETIMER"

    timeout: int = option(Integer(1, LONGEST), "--timeout", required=True)
    label: str = option(Text("a label", 27, quote=False), "--label", required=True)
    alarm: bool = flag("--alarm")

    def check(self, context: Reading) -> None:  # noqa: ARG002 - the interface
        """Refuse an empty label."""
        if not self.label:
            raise ValueError("--label must not be empty")

    def same(self, hook: Hook) -> Same:  # noqa: ARG002 - the interface
        """Restart the timer and go on."""
        return Continue(f"idle timer {self.label} set to {self.timeout} s")

    def refusal(self, place: Placement) -> str:
        """The timer is a file in /sys."""
        if self.label in TAKEN:
            return f"--label {self.label} is the name of another file there"
        return not_a_file_name("--label", self.label) or Target.refusal(self, place)
