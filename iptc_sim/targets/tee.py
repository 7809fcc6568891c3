"""``-j TEE``: send a copy to another machine of the same link (xt_TEE.c)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.moment import Hook
from iptc_sim.options import Reading, option
from iptc_sim.target import Continue, Same, UniformTarget
from iptc_sim.value_types.host import HOST
from iptc_sim.value_types.text import Text
from iptc_sim.values import Address, address_text


@extension
class TeeTarget(UniformTarget):
    """The packet itself goes on.

    The copy is a packet of the node's own, whatever its source: it begins in OUTPUT with the mark that it has,
    UNTRACKED and so without nat, and is not copied once more. Its TTL is one less where it was made in PREROUTING or
    INPUT (tests/kernel/test_copies.py).
    """

    NAME = "TEE"

    gateway: Address = option(HOST, "--gateway", required=True)
    oif: str = option(Text("an interface name", 15, quote=False), "--oif", default="", hidden="")

    def check(self, context: Reading) -> None:  # noqa: ARG002 - the interface
        """Refuse the address of no machine."""
        if self.gateway.is_unspecified:
            raise ValueError(f"{self.gateway} is the address of no machine")

    def same(self, hook: Hook) -> Same:
        """Copy and go on."""
        lower = " with a lower ttl" if hook in {Hook.PREROUTING, Hook.INPUT} else ""
        return Continue(f"an untracked copy goes through OUTPUT to {address_text(self.gateway)}{lower}")
