"""The rules of the userspace proxy (``--proxy-mode userspace``, up to 1.25): they lead to kube-proxy's own sockets.

Every portal of a service port is redirected to the port on which kube-proxy listens for it, whether there are endpoints
or not. kube-proxy makes each rule with an ``iptables`` call of its own; there is no text for iptables-restore
(kube-proxy.md 5).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from iptc_sim.diagnostics import Diagnostic, UsageError
from iptc_sim.kube.fields import family_of
from iptc_sim.kube.names import USERSPACE_CHAINS, endpoint_text
from iptc_sim.kube.node_view import NodeView
from iptc_sim.kube.proxy_ports import Key
from iptc_sim.kube.select import Portal
from iptc_sim.kube.settings import Settings
from iptc_sim.kube.text import RulesText, Spelling
from iptc_sim.records import dataclass

_ANYWHERE: Final = ("", "0.0.0.0", "::")  # noqa: S104 - what the flag says, nothing is bound
_LOOPBACK: Final = ("127.0.0.1", "::1")

CONTAINER, HOST, NODE_CONTAINER, NODE_HOST = USERSPACE_CHAINS["nat"]
(NON_LOCAL,) = USERSPACE_CHAINS["filter"]
#: The chains whose jumps kube-proxy appends; it puts all others in front.
APPENDED: Final = frozenset({NODE_CONTAINER, NODE_HOST})

_CLUSTER_IPS: Final = '-m comment --comment "handle ClusterIPs; NOTE: this must be before the NodePort rules"'
_NODE_PORTS: Final = (
    "-m addrtype --dst-type LOCAL "
    '-m comment --comment "handle service NodePorts; NOTE: this must be the last rule in the chain"'
)
_JUMPS: Final = (
    ("nat", "PREROUTING", f"{_CLUSTER_IPS} -j {CONTAINER}"),
    ("nat", "PREROUTING", f"{_NODE_PORTS} -j {NODE_CONTAINER}"),
    ("nat", "OUTPUT", f"{_CLUSTER_IPS} -j {HOST}"),
    ("nat", "OUTPUT", f"{_NODE_PORTS} -j {NODE_HOST}"),
    (
        "filter",
        "INPUT",
        f'-m comment --comment "Ensure that non-local NodePort traffic can flow" -j {NON_LOCAL}',
    ),
)


@dataclass(frozen=True, slots=True)
class Listening:
    """Where kube-proxy listens.

    Args:
        everywhere: whether on all addresses: packets from outside are then redirected to the one they came to.
        address: that packets of the node itself are sent to: the one it listens on, else the node's own.
    """

    everywhere: bool
    address: str


def listening(settings: Settings, node_address: str) -> Listening:
    """Return where kube-proxy listens.

    Args:
        settings: ``bind_address`` and the family.
        node_address: the address of the interface with the default route; empty where it is not known.

    Raises:
        UsageError: IPT054, the address cannot be listened on, or the node's is missing.
    """
    bound = settings.bind_address
    if bound in _LOOPBACK:
        raise _wrong("--bind-address", f"the userspace proxy cannot listen on {bound}", "an address of the node")
    if bound not in _ANYWHERE:
        if family_of(bound) is not settings.family:
            raise _wrong("--bind-address", f"{bound} is no IPv{int(settings.family)} address")
        return Listening(everywhere=False, address=bound)
    if not node_address:
        message = "the userspace proxy sends the node's own packets to the node's address, which is not told"
        raise _wrong("--node-ip", message, "an address of the node, or a Node object and --hostname-override")
    return Listening(everywhere=True, address=node_address)


def write_userspace(portals: Sequence[Portal], view: NodeView, ports: Mapping[Key, int], out: RulesText) -> None:
    """Write the userspace proxy's chains, jumps and rules.

    In the spelling of iptables-restore the jumps are part of the text, which then does what kube-proxy does by calls.

    Args:
        portals: the service ports, in the order of writing; kube-proxy's own order is random.
        view: the node.
        ports: the port on which kube-proxy listens for each of them; without one it has no rules.
        out: where to.

    Raises:
        UsageError: IPT054, as :func:`listening`.
    """
    where = listening(view.settings, view.node_address)
    out.filter.declare(NON_LOCAL)
    for chain in (CONTAINER, HOST, NODE_CONTAINER, NODE_HOST):
        out.nat.declare(chain)
    out.base += _JUMPS
    if out.spelling is Spelling.RESTORE:
        for table, base, words in _JUMPS:
            command = "-A" if words.rpartition(" ")[2] in APPENDED else "-I"
            out.tables[table].lines.append(f"{command} {base} {words}")
    for portal in portals:
        if (port := ports.get((portal.name, portal.protocol))) is not None:
            _write_portal(portal, where, port, out)


def _write_portal(portal: Portal, where: Listening, port: int, out: RulesText) -> None:
    """Write the rules of one service port: cluster IP, external IPs, the load balancer's, node port."""
    head = f"-m comment --comment {portal.name} -p {portal.protocol} -m {portal.protocol}"
    to_host = f"-j DNAT --to-destination {endpoint_text(where.address, port)}"
    to_proxy = f"-j REDIRECT --to-ports {port}" if where.everywhere else to_host

    def at(address: str) -> str:
        return f"{head} --dport {portal.port} -d {address}/{128 if ':' in address else 32}"

    def open_portal(address: str) -> None:
        out.nat.add(CONTAINER, f"{at(address)} {to_proxy}")
        out.nat.add(HOST, f"{at(address)} {to_host}")

    local = "-m addrtype --dst-type LOCAL"
    open_portal(portal.cluster_ip)
    for address in portal.external_ips:
        # Not for packets that a bridge carries past: they may be another machine's.
        out.nat.add(CONTAINER, f"{at(address)} -m physdev ! --physdev-is-in {to_proxy}")
        out.nat.add(CONTAINER, f"{at(address)} {local} {to_proxy}")
        out.nat.add(HOST, f"{at(address)} {local} {to_host}")
    for address in portal.balancer_ips:
        open_portal(address)
    if portal.node_port:
        out.nat.add(NODE_CONTAINER, f"{head} --dport {portal.node_port} {to_proxy}")
        out.nat.add(NODE_HOST, f"{head} --dport {portal.node_port} {to_host}")
        # The destination is the proxy's port by then.
        out.filter.add(NON_LOCAL, f"{head} --dport {port} -m state --state NEW -j ACCEPT")


def _wrong(flag: str, message: str, expected: str = "") -> UsageError:
    return UsageError(Diagnostic("IPT054", message, subject=flag, expected=expected))
