"""A service port's rules from release 1.24 on: KUBE-SVC, KUBE-SVL, KUBE-EXT, KUBE-FW and KUBE-SEP chains.

Follows kube-proxy, pkg/proxy/iptables: syncProxyRules and writeServiceToEndpointRules.
"""

from __future__ import annotations

from typing import Final

from iptc_sim.kube.endpoint_rules import EndpointRules
from iptc_sim.kube.node_view import NodeView
from iptc_sim.kube.plan import Plan
from iptc_sim.kube.releases import Fence, Order, Unserved
from iptc_sim.kube.select import Portal, choose
from iptc_sim.kube.text import MARK_DROP, RulesText
from iptc_sim.records import dataclass

#: To ask the class for a member each time takes ten times as long (Python 3.11).
_FIRST: Final = Order.ENDPOINTS_FIRST


@dataclass(frozen=True, slots=True)
class _Plan(Plan):
    """A service port with what was decided about it.

    Args:
        serves_inside: whether its cluster IP leads anywhere.
        serves_outside: whether its external destinations do.
        inside: the chain that its cluster IP leads to.
    """

    serves_inside: bool
    serves_outside: bool
    inside: str

    @property
    def fenced(self) -> bool:
        """Whether source ranges guard the load balancer's addresses."""
        return bool(self.portal.balancer_ips and self.portal.source_ranges and self.chosen.exists)

    @property
    def outside(self) -> str:
        """The chain of the endpoints for external destinations."""
        return f"KUBE-{'SVL' if self.portal.external_local else 'SVC'}-{self.portal.hash}"

    @property
    def refusal(self) -> tuple[str, str]:
        """Comment and target of the filter rules for destinations that lead nowhere."""
        return ("has no local endpoints", "DROP") if self.chosen.exists else ("has no endpoints", "REJECT")

    @property
    def refused(self) -> str:
        """The comment of filter rules."""
        return self.comment(self.refusal[0])

    @property
    def everywhere(self) -> str:
        """The chain of the endpoints on all nodes."""
        return f"KUBE-SVC-{self.portal.hash}"

    @property
    def external(self) -> str:
        """The chain of external destinations."""
        return f"KUBE-EXT-{self.portal.hash}"


def write_service_port(portal: Portal, view: NodeView, out: RulesText) -> None:
    """Write the chains and rules of one service port."""
    plan = _plan(portal, view, out)
    first = view.release.order is _FIRST
    if first:
        plan.write_endpoints()
    _write_cluster_ip(plan, out)
    _write_external_ips(plan, out)
    _write_balancer_ips(plan, out)
    if portal.node_port and (view.serves_node_ports or view.release.unserved is Unserved.NOTHING):
        _write_node_port(plan, out)
    if portal.health_check_node_port:
        plan.write_health_check(out)
    _write_masquerade(plan, out)
    for part in (_write_dispatch, _write_external) if first else (_write_external, _write_dispatch):
        part(plan, out)
    if not first:
        plan.write_endpoints()


def _plan(portal: Portal, view: NodeView, out: RulesText) -> _Plan:
    chosen = choose(portal, view.release, view.zone, view.settings.hostname_override)
    exists = chosen.exists
    refuses = view.release.refuses_unlocal
    inside, outside = portal.internal_local, portal.external_local
    return _Plan(
        portal,
        view,
        EndpointRules(portal, view, out.nat),
        chosen,
        serves_inside=exists and bool(not inside or chosen.local or not refuses),
        serves_outside=exists and bool(not outside or chosen.local or not refuses),
        inside=f"KUBE-{'SVL' if inside else 'SVC'}-{portal.hash}",
    )


def _write_cluster_ip(plan: _Plan, out: RulesText) -> None:
    portal = plan.portal
    if plan.serves_inside:
        to = (plan.view.host(portal.cluster_ip), portal.port)
        out.nat.add_for("KUBE-SERVICES", f"{portal.name} cluster IP", portal.protocol, to, "", plan.inside)
    else:
        out.filter.add("KUBE-SERVICES", f"{plan.refused} {plan.to(portal.cluster_ip)} -j {plan.refusal[1]}")


def _write_external_ips(plan: _Plan, out: RulesText) -> None:
    for address in plan.portal.external_ips:
        words = plan.to(address)
        if plan.chosen.exists:
            out.nat.add("KUBE-SERVICES", f"{plan.comment('external IP')} {words} -j {plan.external}")
        if not plan.serves_outside:
            out.filter.add("KUBE-EXTERNAL-SERVICES", f"{plan.refused} {words} -j {plan.refusal[1]}")


def _write_balancer_ips(plan: _Plan, out: RulesText) -> None:
    portal = plan.portal
    entry = f"KUBE-FW-{portal.hash}" if plan.fenced else plan.external
    for address in portal.balancer_ips:
        words = plan.to(address)
        if plan.chosen.exists:
            out.nat.add("KUBE-SERVICES", f"{plan.comment('loadbalancer IP')} {words} -j {entry}")
        if plan.fenced and plan.view.release.fence is Fence.FILTER:
            comment = plan.comment(f"traffic not accepted by {entry}")
            out.filter.add("KUBE-PROXY-FIREWALL", f"{comment} {words} -j DROP")
    if not plan.serves_outside:
        for address in portal.balancer_ips:
            out.filter.add("KUBE-EXTERNAL-SERVICES", f"{plan.refused} {plan.to(address)} -j {plan.refusal[1]}")


def _write_node_port(plan: _Plan, out: RulesText) -> None:
    portal, view = plan.portal, plan.view
    if plan.chosen.exists:
        head = f"-m comment --comment {portal.name}"
        if view.counts_localhost:
            own = plan.to_node_port.replace(" --dport", " -d 127.0.0.0/8 --dport")
            counted = "-m nfacct --nfacct-name localhost_nps_accepted_pkts"
            out.nat.add("KUBE-NODEPORTS", f"{head} {own} {counted} -j {plan.external}")
        out.nat.add("KUBE-NODEPORTS", f"{head} {plan.to_node_port} -j {plan.external}")
    if not plan.serves_outside:
        local = f"-m addrtype --dst-type LOCAL {plan.to_node_port}"
        out.filter.add("KUBE-EXTERNAL-SERVICES", f"{plan.refused} {local} -j {plan.refusal[1]}")


def _write_external(plan: _Plan, out: RulesText) -> None:
    if plan.chosen.exists and plan.portal.is_external:
        _write_ext_chain(plan, out)
    if plan.fenced:
        _write_fw_chain(plan, out)


def _write_ext_chain(plan: _Plan, out: RulesText) -> None:
    """Write the chain for external destinations: who is masqueraded, and who may go to other nodes."""
    portal, view, chain = plan.portal, plan.view, plan.external
    out.nat.declare(chain)

    def add(comment: str, words: str) -> None:
        text = f"{comment} {portal.name} external destinations"
        out.nat.add(chain, f'-m comment --comment "{text}" {words}')

    if not portal.external_local:
        add("masquerade traffic for", "-j KUBE-MARK-MASQ")
    else:
        # The Local policy keeps client addresses; pods and the node itself are not held to it.
        if view.if_local:
            add("pod traffic for", f"{view.if_local} -j {plan.everywhere}")
        add("masquerade LOCAL traffic for", "-m addrtype --src-type LOCAL -j KUBE-MARK-MASQ")
        add("route LOCAL traffic for", f"-m addrtype --src-type LOCAL -j {plan.everywhere}")
    if plan.serves_outside:
        out.nat.add(chain, f"-j {plan.outside}")


def _write_fw_chain(plan: _Plan, out: RulesText) -> None:
    """Write the chain that lets only the source ranges reach the load balancer's addresses."""
    portal, view = plan.portal, plan.view
    chain = f"KUBE-FW-{portal.hash}"
    out.nat.declare(chain)
    marks = view.release.fence is Fence.MARK
    comment = plan.comment("loadbalancer IP")
    for addresses in [(address,) for address in portal.balancer_ips] if marks else [portal.balancer_ips]:
        # A node that is allowed may see its own packets come back with the load balancer's address.
        own = addresses if view.holds_node(portal.source_ranges) else ()
        for source in (*portal.source_ranges, *(view.host(address) for address in own)):
            out.nat.add(chain, f"{comment} -s {source} -j {plan.external}")
        if marks:
            out.nat.ensure(MARK_DROP)
            out.nat.add(chain, f"{comment} -j {MARK_DROP}")
    if view.release.fence_remark:
        rest = f"other traffic to {portal.name} will be dropped by KUBE-PROXY-FIREWALL"
        out.nat.add(chain, f'-m comment --comment "{rest}"')


def _write_masquerade(plan: _Plan, out: RulesText) -> None:
    """Write the rule that marks what is not a local pod's, first in the chain of the cluster IP."""
    portal, others = plan.portal, plan.view.masquerades
    if plan.serves_inside and others is not None:
        to = (plan.view.host(portal.cluster_ip), portal.port)
        out.nat.add_for(plan.inside, f"{portal.name} cluster IP", portal.protocol, to, others, "KUBE-MARK-MASQ")


def _write_dispatch(plan: _Plan, out: RulesText) -> None:
    """Write the chains that pick an endpoint."""
    portal, chosen = plan.portal, plan.chosen
    lists = {f"KUBE-SVC-{portal.hash}": chosen.cluster} if chosen.cluster else {}
    uses_local = portal.internal_local or (portal.external_local and portal.is_external)
    if chosen.local or (chosen.exists and uses_local and not plan.view.release.refuses_unlocal):
        lists[f"KUBE-SVL-{portal.hash}"] = chosen.local
    for chain, backends in lists.items():
        out.nat.declare(chain)
        if not backends:
            out.nat.ensure(MARK_DROP)
            out.nat.add(chain, f"{plan.comment('has no local endpoints')} -j {MARK_DROP}")
        comments = plan.endpoints.comments(backends)
        plan.endpoints.write_affinity(chain, backends, comments)
        plan.endpoints.write_balancing(chain, backends, comments)
