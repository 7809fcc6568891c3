"""``-j CHECKSUM``: compute the checksum that was left to the network card (xt_CHECKSUM.c)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.moment import Hook
from iptc_sim.options import FLAG, option
from iptc_sim.target import Continue, Same, UniformTarget


@extension
class ChecksumTarget(UniformTarget):
    """In mangle only; there is nothing but ``--checksum-fill``."""

    NAME = "CHECKSUM"
    TABLES = frozenset({"mangle"})

    fill: bool = option(FLAG, "--checksum-fill", required=True)

    def same(self, hook: Hook) -> Same:  # noqa: ARG002 - the interface
        """Fill it in and go on."""
        return Continue("checksum filled in")
