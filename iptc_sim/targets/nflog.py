"""``-j NFLOG``: a copy of the packet for a program that listens (xt_NFLOG.c)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.moment import Hook
from iptc_sim.options import Reading, option
from iptc_sim.records import replace
from iptc_sim.target import Continue, Same, UniformTarget
from iptc_sim.value_types.number import Integer
from iptc_sim.value_types.text import Text
from iptc_sim.values import Variant

_SHORT = Integer(0, 0xFFFF)


#: The bytes that the old interface has room for.
_LEGACY_BYTES = 63


class PrefixTextType(Text):
    """A string of at least one byte, cut to 127 bytes by nf_tables and to 63 by the old interface."""

    def read(self, words: tuple[str, ...], context: Reading) -> str:
        """Return the string."""
        text = super().read(words, context)
        return text if context.variant is Variant.NFT else text.encode()[:_LEGACY_BYTES].decode(errors="ignore")


@extension
class NflogTarget(UniformTarget):
    """Group 0 and threshold 0 are not printed."""

    NAME = "NFLOG"

    nflog_prefix: str | None = option(PrefixTextType("a text", 127, least=1), "--nflog-prefix")
    nflog_group: int = option(_SHORT, "--nflog-group", default=0, hidden=0)
    nflog_range: int | None = option(Integer(), "--nflog-range")
    nflog_size: int | None = option(Integer(), "--nflog-size")
    nflog_threshold: int = option(_SHORT, "--nflog-threshold", default=0, hidden=0)

    def kept(self, context: Reading) -> NflogTarget:
        """Forget ``--nflog-range``, which never had an effect, as nf_tables has no room for it; 0 says nothing."""
        gone = context.variant is Variant.NFT or not self.nflog_range
        return replace(self, nflog_range=None) if gone else self

    def check(self, context: Reading) -> None:  # noqa: ARG002 - the interface
        """Refuse both ways to limit the copy."""
        if self.nflog_range is not None and self.nflog_size is not None:
            raise ValueError("--nflog-range and --nflog-size exclude each other")

    def same(self, hook: Hook) -> Same:  # noqa: ARG002 - the interface
        """Send the copy and go on."""
        return Continue(f"sent to NFLOG group {self.nflog_group}")
