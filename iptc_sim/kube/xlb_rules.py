"""A service port's rules up to release 1.23: KUBE-SVC, KUBE-XLB, KUBE-FW and KUBE-SEP chains.

Follows kube-proxy 1.11, pkg/proxy/iptables: syncProxyRules.
"""

from __future__ import annotations

from iptc_sim.kube.names import endpoint_chain
from iptc_sim.kube.node_view import NodeView
from iptc_sim.kube.select import Backend, Portal
from iptc_sim.kube.text import RestoreText
from iptc_sim.records import dataclass
from iptc_sim.values import Family


@dataclass(frozen=True, slots=True)
class _Plan:
    """A service port with the words that its rules share.

    Args:
        chains: the KUBE-SEP chain of each endpoint, in order.
        outside: where external destinations lead, KUBE-SVC or KUBE-XLB.
    """

    portal: Portal
    view: NodeView
    chains: tuple[str, ...]
    outside: str

    def to(self, address: str) -> str:
        """Return the words that fit packets to a destination."""
        portal = self.portal
        return f"-m {portal.protocol} -p {portal.protocol} -d {self.view.host(address)} --dport {portal.port}"

    @property
    def inside(self) -> str:
        """The chain of all endpoints."""
        return f"KUBE-SVC-{self.portal.hash}"


def write_service_port(portal: Portal, view: NodeView, out: RestoreText) -> None:
    """Write the chains and rules of one service port."""
    inside, local_only = f"KUBE-SVC-{portal.hash}", f"KUBE-XLB-{portal.hash}"
    chains = tuple(endpoint_chain(portal.name, portal.protocol, backend.text) for backend in portal.backends)
    plan = _Plan(portal, view, chains, local_only if portal.external_local else inside)
    if portal.backends:
        out.nat.chains.append(inside)
    if portal.external_local:
        out.nat.chains.append(local_only)
    if not portal.backends:
        _write_refusals(plan, out)
        return
    _write_cluster_ip(plan, out)
    for address in portal.external_ips:
        _write_external_ip(plan, address, out)
    if portal.balancer_ips:
        _write_balancer(plan, out)
    if portal.node_port:
        _write_node_port(plan, out)
    out.nat.chains += dict.fromkeys(chains)
    _write_affinity(plan, plan.inside, tuple(zip(portal.backends, chains, strict=True)), out)
    _write_endpoints(plan, out)
    if portal.external_local:
        _write_local_only(plan, out)


def _write_refusals(plan: _Plan, out: RestoreText) -> None:
    """Write the REJECT rules of a service port without endpoints; 1.11 has none for balancer addresses."""
    portal = plan.portal
    comment = f'-m comment --comment "{portal.name} has no endpoints"'
    out.filter.rules.append(f"-A KUBE-SERVICES {comment} {plan.to(portal.cluster_ip)} -j REJECT")
    out.filter.rules += [
        f"-A KUBE-EXTERNAL-SERVICES {comment} {plan.to(address)} -j REJECT" for address in portal.external_ips
    ]
    if portal.node_port:
        out.filter.rules.append(
            f"-A KUBE-EXTERNAL-SERVICES {comment} -m addrtype --dst-type LOCAL "
            f"-m {portal.protocol} -p {portal.protocol} --dport {portal.node_port} -j REJECT"
        )


def _write_cluster_ip(plan: _Plan, out: RestoreText) -> None:
    portal, view = plan.portal, plan.view
    rule = f'-A KUBE-SERVICES -m comment --comment "{portal.name} cluster IP" {plan.to(portal.cluster_ip)}'
    if view.settings.masquerade_all:
        out.nat.rules.append(f"{rule} -j KUBE-MARK-MASQ")
    elif view.if_not_local:
        out.nat.rules.append(f"{rule} {view.if_not_local} -j KUBE-MARK-MASQ")
    out.nat.rules.append(f"{rule} -j {plan.inside}")


def _write_external_ip(plan: _Plan, address: str, out: RestoreText) -> None:
    """Write the rules of an external IP: for traffic from outside, and for an address of the node itself."""
    rule = f'-A KUBE-SERVICES -m comment --comment "{plan.portal.name} external IP" {plan.to(address)}'
    from_outside = "-m physdev ! --physdev-is-in -m addrtype ! --src-type LOCAL"
    out.nat.rules += [
        f"{rule} -j KUBE-MARK-MASQ",
        f"{rule} {from_outside} -j {plan.inside}",
        f"{rule} -m addrtype --dst-type LOCAL -j {plan.inside}",
    ]


def _write_balancer(plan: _Plan, out: RestoreText) -> None:
    portal, view = plan.portal, plan.view
    chain = f"KUBE-FW-{portal.hash}"
    comment = f'-m comment --comment "{portal.name} loadbalancer IP"'
    out.nat.chains.append(chain)
    for address in portal.balancer_ips:
        out.nat.rules.append(f"-A KUBE-SERVICES {comment} {plan.to(address)} -j {chain}")
        if not portal.external_local:
            out.nat.rules.append(f"-A {chain} {comment} -j KUBE-MARK-MASQ")
        sources = [f"-s {item} " for item in portal.source_ranges] or [""]
        if view.holds_node(portal.source_ranges):
            sources.append(f"-s {view.host(address)} ")
        out.nat.rules += [f"-A {chain} {comment} {source}-j {plan.outside}" for source in sources]
        out.nat.rules.append(f"-A {chain} {comment} -j KUBE-MARK-DROP")


def _write_node_port(plan: _Plan, out: RestoreText) -> None:
    portal = plan.portal
    rule = (
        f"-A KUBE-NODEPORTS -m comment --comment {portal.name} "
        f"-m {portal.protocol} -p {portal.protocol} --dport {portal.node_port}"
    )
    loopback = ""
    if portal.external_local:
        loopback = " -s 127.0.0.0/8" if plan.view.settings.family is Family.IPV4 else " -s ::1/128"
    out.nat.rules += [f"{rule}{loopback} -j KUBE-MARK-MASQ", f"{rule} -j {plan.outside}"]


def _write_affinity(plan: _Plan, chain: str, targets: tuple[tuple[Backend, str], ...], out: RestoreText) -> None:
    seconds = plan.portal.affinity_seconds
    if seconds:
        out.nat.rules += [
            f"-A {chain} -m comment --comment {plan.portal.name} "
            f"-m recent --name {target} --rcheck --seconds {seconds} --reap -j {target}"
            for _, target in targets
        ]


def _chance(plan: _Plan, index: int, count: int) -> str:
    """Return the condition that gives each of the endpoints the same chance; the last one needs none."""
    if index == count - 1:
        return ""
    return f" -m statistic --mode random --probability {plan.view.probability(count - index)}"


def _write_endpoints(plan: _Plan, out: RestoreText) -> None:
    """Write the balancing rules, each followed by the chain of its endpoint."""
    portal = plan.portal
    protocol, count = portal.protocol, len(portal.backends)
    for index, (backend, chain) in enumerate(zip(portal.backends, plan.chains, strict=True)):
        head = f"-A {chain} -m comment --comment {portal.name}"
        remember = f" -m recent --name {chain} --set" if portal.affinity_seconds else ""
        chance = _chance(plan, index, count)
        out.nat.rules += [
            f"-A {plan.inside} -m comment --comment {portal.name}{chance} -j {chain}",
            f"{head} -s {plan.view.host(backend.address)} -j KUBE-MARK-MASQ",
            f"{head}{remember} -m {protocol} -p {protocol} -j DNAT --to-destination {backend.text}",
        ]


def _write_local_only(plan: _Plan, out: RestoreText) -> None:
    """Write the chain that keeps external traffic on the node."""
    portal, view, chain = plan.portal, plan.view, plan.outside
    if view.if_local:
        comment = "Redirect pods trying to reach external loadbalancer VIP to clusterIP"
        out.nat.rules.append(f'-A {chain} -m comment --comment "{comment}" {view.if_local} -j {plan.inside}')
    pairs = zip(portal.backends, plan.chains, strict=True)
    local = tuple((backend, target) for backend, target in pairs if backend.local)
    if not local:
        out.nat.rules.append(
            f'-A {chain} -m comment --comment "{portal.name} has no local endpoints" -j KUBE-MARK-DROP'
        )
        return
    _write_affinity(plan, chain, local, out)
    for index, (_, target) in enumerate(local):
        comment = f'-m comment --comment "Balancing rule {index} for {portal.name}"'
        out.nat.rules.append(f"-A {chain} {comment}{_chance(plan, index, len(local))} -j {target}")
