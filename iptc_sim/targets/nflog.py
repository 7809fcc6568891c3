"""``-j NFLOG``: a copy of the packet for a program that listens (xt_NFLOG.c)."""

from __future__ import annotations

from iptc_sim.extension import Action, Continue, Moment, Target, extension, option
from iptc_sim.options import Reading
from iptc_sim.value_types.basic import Integer, Text

_SHORT = Integer(0, 0xFFFF)


class PrefixTextType(Text):
    """A string of at least one byte."""

    def read(self, words: tuple[str, ...], context: Reading) -> str:
        """Return the string."""
        if not words[0]:
            raise ValueError("the prefix is empty")
        return super().read(words, context)


@extension
class NflogTarget(Target):
    """The prefix is cut to 127 bytes; group 0 and threshold 0 are not printed."""

    NAME = "NFLOG"

    nflog_prefix: str | None = option(PrefixTextType("a text", 127), "--nflog-prefix")
    nflog_group: int = option(_SHORT, "--nflog-group", default=0, hidden=0)
    nflog_range: int | None = option(Integer(), "--nflog-range")
    nflog_size: int | None = option(Integer(), "--nflog-size")
    nflog_threshold: int = option(_SHORT, "--nflog-threshold", default=0, hidden=0)

    @classmethod
    def derive(cls, fields: dict[str, object]) -> None:
        """Forget ``--nflog-range``: it never had an effect, and iptables does not keep it."""
        if "nflog_size" not in fields:
            fields.pop("nflog_range", None)

    def check(self, context: Reading) -> None:  # noqa: ARG002 - the interface
        """Refuse both ways to limit the copy."""
        if self.nflog_range is not None:
            raise ValueError("--nflog-range and --nflog-size exclude each other")

    def act(self, at: Moment) -> Action:  # noqa: ARG002 - the interface
        """Send the copy and go on."""
        return Continue(f"sent to NFLOG group {self.nflog_group}")
