"""``-j TEE``: send a copy to another machine of the same link (xt_TEE.c)."""

from __future__ import annotations

from iptc_sim.extension import extension
from iptc_sim.moment import Moment
from iptc_sim.options import Reading, option
from iptc_sim.target import Action, Continue, Target
from iptc_sim.value_types.host import HOST
from iptc_sim.value_types.text import Text
from iptc_sim.values import Address, address_text


@extension
class TeeTarget(Target):
    """The packet itself goes on."""

    NAME = "TEE"

    gateway: Address = option(HOST, "--gateway", required=True)
    oif: str = option(Text("an interface name", 15, quote=False), "--oif", default="", hidden="")

    def check(self, context: Reading) -> None:  # noqa: ARG002 - the interface
        """Refuse the address of no machine."""
        if self.gateway.is_unspecified:
            raise ValueError(f"{self.gateway} is the address of no machine")

    def act(self, at: Moment) -> Action:  # noqa: ARG002 - the interface
        """Copy and go on."""
        return Continue(f"copied to {address_text(self.gateway)}")
