"""The switches of a node as ``sysctl`` prints them, and what the kernel makes of ``all`` and an interface's own."""

from __future__ import annotations

from collections.abc import Mapping

from iptc_sim.records import dataclass, field
from iptc_sim.values import Family, Interface

#: Values of a kernel that nobody has told anything else, as far as they matter; forwarding is taken as on, because
#: who asks about a node without its switches asks about a router.
_TAKEN = {"forwarding": 1, "send_redirects": 1}


@dataclass(frozen=True, slots=True)
class Sysctls:
    """Switches by name.

    Args:
        values: named by their path under ``/proc/sys`` (``net/ipv4/conf/eth0.5/rp_filter``), so that a dot can only be
            part of an interface's name.
    """

    values: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Sysctls:
        """Read what ``sysctl -a`` prints; lines that are none are passed over.

        ``sysctl`` puts dots for slashes and slashes for the dots of interface names.
        """
        pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
        swap = str.maketrans("./", "/.")
        return cls({name.strip().translate(swap): value.strip() for name, _, value in pairs})

    def number(self, name: str, default: int = 0) -> int:
        """Return the value of a switch; the default where it was not told or is no number."""
        text = self.values.get(name, "").split()[:1]
        return int(text[0]) if text and text[0].isdigit() else default

    def _one(self, family: Family, interface: Interface, name: str) -> int:
        """Return an interface's own value; an interface that was not told has what new ones get."""
        taken = self.number(f"net/ipv{int(family)}/conf/default/{name}", _TAKEN.get(name, 0))
        return self.number(
            f"net/ipv{int(family)}/conf/{interface}/{name}", taken if interface != "all" else _TAKEN.get(name, 0)
        )

    def _either(self, interface: Interface, name: str) -> bool:
        return any(self._one(Family.IPV4, scope, name) for scope in ("all", interface))

    def forwards(self, family: Family, interface: Interface) -> str:
        """Return why a packet that came in by the interface is not forwarded; empty where it is.

        IPv4 asks the interface's own switch, which ``ip_forward`` sets for all of them; IPv6 asks
        ``net.ipv6.conf.all.forwarding`` alone, or (Linux 6.17) ``force_forwarding`` of the interface.
        """
        if family is Family.IPV6:
            forced = self.number(f"net/ipv6/conf/{interface}/force_forwarding")
            return "" if self._one(family, "all", "forwarding") or forced else "net.ipv6.conf.all.forwarding is 0"
        own = f"net/ipv4/conf/{interface}/forwarding"
        if own in self.values:
            return "" if self.number(own) else f"forwarding of {interface} is 0"
        general = self.number("net/ipv4/ip_forward", self.number("net/ipv4/conf/all/forwarding", 1))
        return "" if general else "ip_forward is 0"

    def route_localnet(self, interface: Interface) -> bool:
        """Whether 127.0.0.0/8 is an ordinary network on the interface: its own switch or that of ``all``."""
        return self._either(interface, "route_localnet")

    def rp_filter(self, interface: Interface) -> int:
        """Return how the way back to a source is checked: the larger of ``all`` and the interface's own value."""
        return max(self._one(Family.IPV4, scope, "rp_filter") for scope in ("all", interface))

    def accept_local(self, interface: Interface) -> bool:
        """Whether a source of this node's own may come in."""
        return self._either(interface, "accept_local")

    def src_valid_mark(self, interface: Interface) -> bool:
        """Whether the mark takes part when a source is checked."""
        return self._either(interface, "src_valid_mark")

    def send_redirects(self, interface: Interface) -> bool:
        """Whether redirects are sent, for which the source of what goes out again by the same interface is checked."""
        return self._either(interface, "send_redirects")

    def bridge_calls(self, family: Family) -> bool:
        """Whether what a bridge passes on walks iptables (``bridge-nf-call-iptables``); not told: no."""
        name = "iptables" if family is Family.IPV4 else "ip6tables"
        return self.number(f"net/bridge/bridge-nf-call-{name}") != 0

    def tracks_in_midstream(self) -> bool:
        """Whether conntrack takes up a TCP connection whose beginning it has not seen (``tcp_loose``)."""
        return self.number("net/netfilter/nf_conntrack_tcp_loose", 1) != 0

    def tracks_by_sums(self) -> bool:
        """Whether what comes in with a wrong checksum is INVALID (``nf_conntrack_checksum``)."""
        return self.number("net/netfilter/nf_conntrack_checksum", 1) != 0

    def timeout(self, name: str, default: int) -> int:
        """Return a timeout of conntrack in seconds: ``udp_timeout``, ``tcp_timeout_established``."""
        return self.number(f"net/netfilter/nf_conntrack_{name}", default)
