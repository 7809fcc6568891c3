"""A service port's rules from release 1.24 on: KUBE-SVC, KUBE-SVL, KUBE-EXT, KUBE-FW and KUBE-SEP chains.

Follows kube-proxy 1.28, pkg/proxy/iptables: syncProxyRules and writeServiceToEndpointRules.
"""

from __future__ import annotations

from iptc_sim.kube.names import endpoint_chain
from iptc_sim.kube.node_view import NodeView
from iptc_sim.kube.select import Backend, Choice, Portal, choose
from iptc_sim.kube.text import RestoreText
from iptc_sim.records import dataclass


@dataclass(frozen=True, slots=True)
class _Plan:
    """A service port with what was decided about it.

    Args:
        chosen: its endpoints.
        serves_inside: whether its cluster IP leads anywhere.
        serves_outside: whether its external destinations do.
        fenced: whether source ranges guard the load balancer's addresses.
        refusal: comment and target of the filter rules for destinations that lead nowhere.
    """

    portal: Portal
    view: NodeView
    chosen: Choice
    serves_inside: bool
    serves_outside: bool
    fenced: bool
    refusal: tuple[str, str]

    def to(self, address: str, port: int) -> str:
        """Return the words that fit packets to a destination."""
        protocol = self.portal.protocol
        return f"-m {protocol} -p {protocol} -d {self.view.host(address)} --dport {port}"

    def comment(self, text: str) -> str:
        """Return a comment that starts with the service port's name."""
        return f'-m comment --comment "{self.portal.name} {text}"'

    @property
    def refused(self) -> str:
        """The comment of filter rules."""
        return self.comment(self.refusal[0])


def write_service_port(portal: Portal, view: NodeView, out: RestoreText) -> None:
    """Write the chains and rules of one service port."""
    chosen = choose(portal, view.zone)
    plan = _Plan(
        portal=portal,
        view=view,
        chosen=chosen,
        serves_inside=chosen.exists and bool(chosen.local or not portal.internal_local),
        serves_outside=chosen.exists and bool(chosen.local or not portal.external_local),
        fenced=chosen.exists and bool(portal.balancer_ips and portal.source_ranges),
        refusal=("has no local endpoints", "DROP") if chosen.exists else ("has no endpoints", "REJECT"),
    )
    _write_cluster_ip(plan, out)
    _write_external_ips(plan, out)
    _write_balancer_ips(plan, out)
    _write_node_port(plan, out)
    _write_masquerade(plan, out)
    if chosen.exists and portal.is_external:
        _write_ext_chain(plan, out)
    if plan.fenced:
        _write_fw_chain(plan, out)
    _write_endpoints(plan, out)


def _write_cluster_ip(plan: _Plan, out: RestoreText) -> None:
    portal = plan.portal
    words = plan.to(portal.cluster_ip, portal.port)
    if plan.serves_inside:
        chain = "SVL" if portal.internal_local else "SVC"
        out.nat.rules.append(f"-A KUBE-SERVICES {plan.comment('cluster IP')} {words} -j KUBE-{chain}-{portal.hash}")
    else:
        out.filter.rules.append(f"-A KUBE-SERVICES {plan.refused} {words} -j {plan.refusal[1]}")


def _write_external_ips(plan: _Plan, out: RestoreText) -> None:
    portal = plan.portal
    for address in portal.external_ips:
        words = plan.to(address, portal.port)
        if plan.chosen.exists:
            out.nat.rules.append(f"-A KUBE-SERVICES {plan.comment('external IP')} {words} -j KUBE-EXT-{portal.hash}")
        if not plan.serves_outside:
            out.filter.rules.append(f"-A KUBE-EXTERNAL-SERVICES {plan.refused} {words} -j {plan.refusal[1]}")


def _write_balancer_ips(plan: _Plan, out: RestoreText) -> None:
    portal = plan.portal
    entry = f"KUBE-{'FW' if plan.fenced else 'EXT'}-{portal.hash}"
    for address in portal.balancer_ips:
        words = plan.to(address, portal.port)
        if plan.chosen.exists:
            out.nat.rules.append(f"-A KUBE-SERVICES {plan.comment('loadbalancer IP')} {words} -j {entry}")
        if plan.fenced:
            comment = plan.comment(f"traffic not accepted by {entry}")
            out.filter.rules.append(f"-A KUBE-PROXY-FIREWALL {comment} {words} -j DROP")
    if not plan.serves_outside:
        out.filter.rules += [
            f"-A KUBE-EXTERNAL-SERVICES {plan.refused} {plan.to(address, portal.port)} -j {plan.refusal[1]}"
            for address in portal.balancer_ips
        ]


def _write_node_port(plan: _Plan, out: RestoreText) -> None:
    portal = plan.portal
    words = f"-m {portal.protocol} -p {portal.protocol} --dport {portal.node_port}"
    if portal.node_port and plan.chosen.exists:
        out.nat.rules.append(f"-A KUBE-NODEPORTS -m comment --comment {portal.name} {words} -j KUBE-EXT-{portal.hash}")
    if portal.node_port and not plan.serves_outside:
        local = f"-m addrtype --dst-type LOCAL {words}"
        out.filter.rules.append(f"-A KUBE-EXTERNAL-SERVICES {plan.refused} {local} -j {plan.refusal[1]}")
    if portal.health_check_node_port:
        # The health check is HTTP, whatever the service port's protocol is.
        out.filter.rules.append(
            f"-A KUBE-NODEPORTS {plan.comment('health check node port')} "
            f"-m tcp -p tcp --dport {portal.health_check_node_port} -j ACCEPT"
        )


def _write_masquerade(plan: _Plan, out: RestoreText) -> None:
    """Write the rule that masquerades what is not a local pod's, first in the chain of the cluster IP."""
    portal, view = plan.portal, plan.view
    if not plan.serves_inside or not (view.settings.masquerade_all or view.if_not_local):
        return
    chain = f"KUBE-{'SVL' if portal.internal_local else 'SVC'}-{portal.hash}"
    others = "" if view.settings.masquerade_all else f" {view.if_not_local}"
    words = plan.to(portal.cluster_ip, portal.port)
    out.nat.rules.append(f"-A {chain} {plan.comment('cluster IP')} {words}{others} -j KUBE-MARK-MASQ")


def _write_ext_chain(plan: _Plan, out: RestoreText) -> None:
    """Write the chain for external destinations: who is masqueraded, and who may go to other nodes."""
    portal, view = plan.portal, plan.view
    chain, everywhere = f"KUBE-EXT-{portal.hash}", f"KUBE-SVC-{portal.hash}"
    out.nat.chains.append(chain)

    def add(comment: str, words: str) -> None:
        text = f"{comment} {portal.name} external destinations"
        out.nat.rules.append(f'-A {chain} -m comment --comment "{text}" {words}')

    if not portal.external_local:
        add("masquerade traffic for", "-j KUBE-MARK-MASQ")
    else:
        # The Local policy keeps client addresses; pods and the node itself are not held to it.
        if view.if_local:
            add("pod traffic for", f"{view.if_local} -j {everywhere}")
        add("masquerade LOCAL traffic for", "-m addrtype --src-type LOCAL -j KUBE-MARK-MASQ")
        add("route LOCAL traffic for", f"-m addrtype --src-type LOCAL -j {everywhere}")
    if plan.serves_outside:
        out.nat.rules.append(f"-A {chain} -j KUBE-{'SVL' if portal.external_local else 'SVC'}-{portal.hash}")


def _write_fw_chain(plan: _Plan, out: RestoreText) -> None:
    """Write the chain that lets only the source ranges reach the load balancer's addresses."""
    portal, view = plan.portal, plan.view
    chain = f"KUBE-FW-{portal.hash}"
    out.nat.chains.append(chain)
    sources = list(portal.source_ranges)
    if view.holds_node(portal.source_ranges):
        # A node that is allowed may see its own packets come back with the load balancer's address.
        sources += [view.host(address) for address in portal.balancer_ips]
    out.nat.rules += [
        f"-A {chain} {plan.comment('loadbalancer IP')} -s {source} -j KUBE-EXT-{portal.hash}" for source in sources
    ]
    rest = f"other traffic to {portal.name} will be dropped by KUBE-PROXY-FIREWALL"
    out.nat.rules.append(f'-A {chain} -m comment --comment "{rest}"')


def _write_endpoints(plan: _Plan, out: RestoreText) -> None:
    portal, chosen = plan.portal, plan.chosen
    chains = {
        text: endpoint_chain(portal.name, portal.protocol, text)
        for text in {backend.text for part in (chosen.cluster, chosen.local) for backend in part}
    }
    for kind, backends in (("SVC", chosen.cluster), ("SVL", chosen.local)):
        if backends:
            out.nat.chains.append(f"KUBE-{kind}-{portal.hash}")
            _write_dispatch(plan, f"KUBE-{kind}-{portal.hash}", backends, chains, out)
    for backend in chosen.reachable:
        _write_endpoint(plan, backend, chains[backend.text], out)


def _write_dispatch(
    plan: _Plan, chain: str, backends: tuple[Backend, ...], chains: dict[str, str], out: RestoreText
) -> None:
    """Write the rules that pick an endpoint: the one that a client had, else each with the same chance."""
    portal, view = plan.portal, plan.view
    heads = [
        f'-A {chain} -m comment --comment "{portal.name} -> {backend.text}"'
        if view.endpoint_comments
        else f"-A {chain}"
        for backend in backends
    ]
    targets = [chains[backend.text] for backend in backends]
    if portal.affinity_seconds:
        seen = f"--rcheck --seconds {portal.affinity_seconds}"
        out.nat.rules += [
            f"{head} -m recent --name {target} {seen} --reap -j {target}"
            for head, target in zip(heads, targets, strict=True)
        ]
    last = len(backends) - 1
    for index, (head, target) in enumerate(zip(heads, targets, strict=True)):
        chance = ""
        if index < last:
            chance = f" -m statistic --mode random --probability {view.probability(last + 1 - index)}"
        out.nat.rules.append(f"{head}{chance} -j {target}")


def _write_endpoint(plan: _Plan, backend: Backend, chain: str, out: RestoreText) -> None:
    portal, view = plan.portal, plan.view
    out.nat.chains.append(chain)
    head = f"-A {chain} -m comment --comment {portal.name}" if view.endpoint_comments else f"-A {chain}"
    remember = f" -m recent --name {chain} --set" if portal.affinity_seconds else ""
    protocol = portal.protocol
    out.nat.rules += [
        # A pod that reaches itself has to see another source address, or it would answer itself directly.
        f"{head} -s {view.host(backend.address)} -j KUBE-MARK-MASQ",
        f"{head}{remember} -m {protocol} -p {protocol} -j DNAT --to-destination {backend.text}",
    ]
