"""``-j CLUSTERIP``: an address that several machines share (ipt_CLUSTERIP.c, gone since Linux 6.3)."""

from __future__ import annotations

from iptc_sim.extension import Placement, extension
from iptc_sim.moment import Hook
from iptc_sim.options import Reading, flag, option
from iptc_sim.target import Effect, Same, UniformTarget
from iptc_sim.value_types.choice import Choice
from iptc_sim.value_types.mac import MacAddress, MacType
from iptc_sim.value_types.number import Integer
from iptc_sim.values import Family


class GroupMac(MacType):
    """The address of a group of machines: its first byte is odd."""

    def read(self, words: tuple[str, ...], context: Reading) -> MacAddress:
        """Return the address."""
        found = super().read(words, context)
        if not found.octets[0] & 1:
            raise ValueError(f"{words[0]} is not a multicast address")
        return found


_NUMBER = Integer(0, 16)


@extension
class ClusteripTarget(UniformTarget):
    """IPv4 only. iptables still reads it; no kernel of today takes it."""

    NAME = "CLUSTERIP"
    FAMILIES = frozenset({Family.IPV4})

    new: bool = flag("--new")
    mode: str | None = option(Choice(("sourceip", "sourceip-sourceport", "sourceip-sourceport-destport")), "--hashmode")
    mac: MacAddress | None = option(GroupMac(), "--clustermac")
    total_nodes: int | None = option(_NUMBER, "--total-nodes")
    local_node: int | None = option(_NUMBER, "--local-node")
    hash_init: int | None = option(Integer(), "--hash-init")

    def check(self, context: Reading) -> None:  # noqa: ARG002 - the interface
        """Refuse half a description: a new address needs all but the last option, a known one takes none."""
        described = (self.mode, self.mac, self.total_nodes, self.local_node)
        known = not self.new and self.hash_init is None and described == (None,) * 4
        if not known and (not self.new or None in described):
            raise ValueError("-j CLUSTERIP needs --new with --hashmode, --clustermac, --total-nodes and --local-node")

    def refusal(self, place: Placement) -> str:  # noqa: ARG002 - the interface
        """Refuse it everywhere."""
        return "CLUSTERIP has gone from the kernel; -m cluster took its place"

    def same(self, hook: Hook) -> Same:  # noqa: ARG002 - the interface
        """Say that nothing can be told."""
        return Effect("no kernel since Linux 6.3 has CLUSTERIP")
