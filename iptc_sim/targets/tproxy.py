"""``-j TPROXY``: give the packet to a local socket without changing it (xt_TPROXY.c)."""

from __future__ import annotations

from iptc_sim.constraint import Asked
from iptc_sim.extension import extension
from iptc_sim.moment import Hook, Moment
from iptc_sim.options import Reading, ValueType, option
from iptc_sim.protocols import TCP, UDP
from iptc_sim.target import Action, Deed, Drop, Intercept, Proxy, Target
from iptc_sim.value_types.host import HOST
from iptc_sim.value_types.mark import MarkEditType
from iptc_sim.value_types.port import read_service
from iptc_sim.values import UNKNOWN, Address, Family, MarkEdit, Prefix


class PortType(ValueType[int]):
    """A port by number or name; 0 is the packet's own."""

    expected = "a port 0-65535, or a service name"

    def read(self, words: tuple[str, ...], context: Reading) -> int:  # noqa: ARG002 - the interface
        """Return the number."""
        return read_service(words[0])


def _unspecified(family: Family) -> Address:
    return Prefix(family, 0, 0).address


@extension
class TproxyTarget(Target):
    """In PREROUTING of mangle; the mark, for policy routing, changes as with ``--set-xmark``. All three are printed."""

    NAME = "TPROXY"
    TABLES = frozenset({"mangle"})
    HOOKS = frozenset({Hook.PREROUTING})
    PROTOCOLS = frozenset({TCP, UDP})

    on_port: int = option(PortType(), "--on-port", required=True)
    on_ip: Address = option(HOST, "--on-ip", default=_unspecified)
    mark: MarkEdit = option(MarkEditType("xset"), "--tproxy-mark", default=MarkEdit(0, 0))

    def act(self, at: Moment) -> Action:
        """Give the packet to the socket; address and port 0 stand for the in interface's and the packet's own."""
        address = None if self.on_ip.is_unspecified else self.on_ip
        wanted, port = address or at.packet.destination, self.on_port or at.packet.dport
        listeners = at.node.listeners
        if listeners is not None and wanted is not UNKNOWN and isinstance(port, int):
            taken = any(one.takes(at.packet.protocol, wanted, port) for one in listeners)
            if not taken:
                return Drop()  # nor has the packet a connection of its own there, which would do, too
        return Intercept(address, self.on_port or None, self.mark.apply(at.packet.mark))

    def deed(self, asked: Asked) -> Deed:  # noqa: ARG002 - the interface
        """Give the packet to the socket, which is taken to be there."""
        address = None if self.on_ip.is_unspecified else self.on_ip
        return Proxy(address, self.on_port or None, ~self.mark.mask & 0xFFFFFFFF, self.mark.value)
