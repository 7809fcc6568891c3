"""``-j LED``: blink (xt_LED.c)."""

from __future__ import annotations

import re

from iptc_sim.extension import extension
from iptc_sim.moment import Hook
from iptc_sim.options import Reading, ValueType, flag, option
from iptc_sim.protocols import parse_integer
from iptc_sim.records import dataclass
from iptc_sim.target import Continue, Same, UniformTarget
from iptc_sim.value_types.text import Text


@dataclass(frozen=True, slots=True)
class Delay:
    """How long the light stays on, in milliseconds; None: for good."""

    milliseconds: int | None

    def __str__(self) -> str:
        return "inf" if self.milliseconds is None else str(self.milliseconds)


class DelayType(ValueType[Delay]):
    """A number or ``inf``; 0 disappears."""

    expected = "milliseconds, or inf"

    def read(self, words: tuple[str, ...], context: Reading) -> Delay | None:  # noqa: ARG002 - the interface
        """Return the delay."""
        if words[0] == "inf":
            return Delay(None)
        number = parse_integer(words[0])
        if number is None or number > 0xFFFFFFFF:
            raise ValueError(f"{words[0]} is not a delay")
        return Delay(number) if number else None


class TriggerType(Text):
    """The name of a trigger: quoted always, unlike other strings."""

    def write(self, value: str) -> tuple[str, ...]:
        """Return the name in quotes."""
        return ('"' + re.sub(r'(["\\])', r"\\\1", value) + '"',)


@extension
class LedTarget(UniformTarget):
    """The trigger appears as ``netfilter-ID`` among those of the LEDs."""

    NAME = "LED"

    trigger: str = option(TriggerType("a name of at most 16 bytes", 16, strict=True), "--led-trigger-id", required=True)
    delay: Delay | None = option(DelayType(), "--led-delay")
    always_blink: bool = flag("--led-always-blink")

    def check(self, context: Reading) -> None:  # noqa: ARG002 - the interface
        """Refuse an empty name."""
        if not self.trigger:
            raise ValueError("--led-trigger-id must not be empty")

    def same(self, hook: Hook) -> Same:  # noqa: ARG002 - the interface
        """Blink and go on."""
        return Continue(f"LED trigger {self.trigger} fired")
