"""A service port's rules up to release 1.23: KUBE-SVC, KUBE-XLB, KUBE-FW and KUBE-SEP chains.

Follows kube-proxy, pkg/proxy/iptables: syncProxyRules.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from iptc_sim.kube.endpoint_rules import EndpointRules
from iptc_sim.kube.node_view import NodeView
from iptc_sim.kube.plan import Plan
from iptc_sim.kube.releases import ExternalIp, Order, Unserved
from iptc_sim.kube.select import Portal, choose
from iptc_sim.kube.text import MARK_DROP, RulesText
from iptc_sim.records import dataclass
from iptc_sim.values import Family

_LOOPBACK: Final = {Family.IPV4: "127.0.0.0/8", Family.IPV6: "::1/128"}


@dataclass(frozen=True, slots=True)
class _Plan(Plan):
    """A service port with what was decided about it.

    Args:
        inside: the chain of all endpoints.
        outside: where external destinations lead, KUBE-SVC or KUBE-XLB.
    """

    inside: str
    outside: str

    @property
    def refused(self) -> str:
        """The comment of filter rules."""
        return self.comment("has no endpoints")

    @property
    def skips_rest(self) -> bool:
        """Whether nothing more is written once the node port's turn has come."""
        view = self.view
        return bool(self.portal.node_port) and not view.serves_node_ports and view.release.unserved is Unserved.REST


def write_service_port(portal: Portal, view: NodeView, out: RulesText) -> None:
    """Write the chains and rules of one service port."""
    plan = _plan(portal, view, out)
    if view.release.order is Order.ENDPOINTS_FIRST:
        plan.write_endpoints()
    if plan.chosen.exists:
        out.nat.declare(plan.inside)
    if portal.external_local:
        out.nat.declare(plan.outside)
    if not plan.chosen.exists:
        _write_refusals(plan, out)
    else:
        _write_services(plan, out)
    if plan.skips_rest:
        return
    if portal.health_check_node_port and view.release.health_check:
        plan.write_health_check(out)
    if not plan.chosen.exists:
        return
    _write_dispatch(plan)
    if portal.external_local:
        _write_local_only(plan, out)


def _plan(portal: Portal, view: NodeView, out: RulesText) -> _Plan:
    chosen = choose(portal, view.release, view.zone, view.settings.hostname_override)
    inside = f"KUBE-SVC-{portal.hash}"
    outside = f"KUBE-XLB-{portal.hash}" if portal.external_local else inside
    return _Plan(portal, view, EndpointRules(portal, view, out.nat), chosen, inside, outside)


def _write_refusals(plan: _Plan, out: RulesText) -> None:
    """Write the REJECT rules of a service port without endpoints."""
    portal, release = plan.portal, plan.view.release
    out.filter.add("KUBE-SERVICES", f"{plan.refused} {plan.to(portal.cluster_ip)} -j REJECT")
    for address in portal.external_ips:
        out.filter.add("KUBE-EXTERNAL-SERVICES", f"{plan.refused} {plan.to(address)} -j REJECT")
    for address in portal.balancer_ips if release.balancer_refusal else ():
        out.filter.add(release.balancer_refusal, f"{plan.refused} {plan.to(address)} -j REJECT")
    if portal.node_port and not plan.skips_rest:
        local = f"-m addrtype --dst-type LOCAL {plan.to_node_port}"
        out.filter.add("KUBE-EXTERNAL-SERVICES", f"{plan.refused} {local} -j REJECT")


def _write_services(plan: _Plan, out: RulesText) -> None:
    """Write the rules that bring packets to the service port's chains."""
    portal = plan.portal
    rule = f"{plan.comment('cluster IP')} {plan.to(portal.cluster_ip)}"
    if plan.view.masquerades is not None:
        _mark(plan, "KUBE-SERVICES", f"{rule}{plan.view.masquerades}", out)
    out.nat.add("KUBE-SERVICES", f"{rule} -j {plan.inside}")
    for address in portal.external_ips:
        _write_external_ip(plan, address, out)
    if portal.balancer_ips:
        _write_balancer(plan, out)
    if portal.node_port and not plan.skips_rest:
        _write_node_port(plan, out)


def _mark(plan: _Plan, chain: str, words: str, out: RulesText) -> None:
    """Write a rule that marks for masquerading, where the release has them: at the dispatch or in KUBE-SVC."""
    place = plan.inside if plan.view.release.masquerades_in_service else chain
    out.nat.add(place, f"{words} -j KUBE-MARK-MASQ")


def _write_external_ip(plan: _Plan, address: str, out: RulesText) -> None:
    release = plan.view.release
    local = plan.portal.external_local and release.external_ip_policy
    chain = plan.outside if local else plan.inside
    rule = f"{plan.comment('external IP')} {plan.to(address)}"
    plain = release.external_ip is ExternalIp.PLAIN
    if not local:
        others = f" {plan.view.if_not_local}" if plain and plan.view.if_not_local else ""
        _mark(plan, "KUBE-SERVICES", f"{rule}{others}", out)
    if plain:
        out.nat.add("KUBE-SERVICES", f"{rule} -j {chain}")
        return
    # From outside, and for an address of the node itself.
    out.nat.add("KUBE-SERVICES", f"{rule} -m physdev ! --physdev-is-in -m addrtype ! --src-type LOCAL -j {chain}")
    out.nat.add("KUBE-SERVICES", f"{rule} -m addrtype --dst-type LOCAL -j {chain}")


def _write_balancer(plan: _Plan, out: RulesText) -> None:
    """Write the rules of the load balancer's addresses, with the chain that source ranges guard."""
    portal, view = plan.portal, plan.view
    chain = f"KUBE-FW-{portal.hash}"
    comment = plan.comment("loadbalancer IP")
    out.nat.declare(chain)
    out.nat.ensure(MARK_DROP)
    for address in portal.balancer_ips:
        out.nat.add("KUBE-SERVICES", f"{comment} {plan.to(address)} -j {chain}")
        if not portal.external_local:
            out.nat.add(chain, f"{comment} -j KUBE-MARK-MASQ")
        sources = [f"-s {item} " for item in portal.source_ranges] or [""]
        if view.holds_node(portal.source_ranges):
            # A node that is allowed may see its own packets come back with the load balancer's address.
            sources.append(f"-s {view.host(address)} ")
        for source in sources:
            out.nat.add(chain, f"{comment} {source}-j {plan.outside}")
        out.nat.add(chain, f"{comment} -j {MARK_DROP}")


def _write_node_port(plan: _Plan, out: RulesText) -> None:
    portal = plan.portal
    rule = f"-m comment --comment {portal.name} {plan.to_node_port}"
    if portal.external_local:
        loopback = _LOOPBACK[plan.view.settings.family]
        out.nat.add("KUBE-NODEPORTS", f"{rule} -s {loopback} -j KUBE-MARK-MASQ")
    else:
        _mark(plan, "KUBE-NODEPORTS", rule, out)
    out.nat.add("KUBE-NODEPORTS", f"{rule} -j {plan.outside}")


def _write_dispatch(plan: _Plan) -> None:
    """Write what picks an endpoint, and the endpoints' chains in the release's order."""
    rules, backends, order = plan.endpoints, plan.chosen.cluster, plan.view.release.order
    comments = rules.comments(backends)
    rules.write_affinity(plan.inside, backends, comments)
    if order is not Order.INTERLEAVED:
        rules.write_balancing(plan.inside, backends, comments)
        if order is Order.ENDPOINTS_LAST:
            plan.write_endpoints()
        return
    rules.declare(backends)
    for index, backend in enumerate(backends):
        rules.write_choice(plan.inside, backend, comments[index], len(backends) - index)
        rules.write_endpoints((backend,))


def _write_local_only(plan: _Plan, out: RulesText) -> None:
    """Write the chain that keeps external traffic on the node."""
    portal, view, chain, local = plan.portal, plan.view, plan.outside, plan.chosen.local
    if view.if_local:
        comment = "Redirect pods trying to reach external loadbalancer VIP to clusterIP"
        out.nat.add(chain, f'-m comment --comment "{comment}" {view.if_local} -j {plan.inside}')
    if view.release.local_source_rules:
        # The node itself is not held to the policy.
        own = f"{portal.name} LB IP"
        source = "-m addrtype --src-type LOCAL"
        out.nat.add(chain, f'-m comment --comment "masquerade LOCAL traffic for {own}" {source} -j KUBE-MARK-MASQ')
        comment = f"route LOCAL traffic for {own} to service chain"
        out.nat.add(chain, f'-m comment --comment "{comment}" {source} -j {plan.inside}')
    if not local:
        out.nat.ensure(MARK_DROP)
        out.nat.add(chain, f"{plan.comment('has no local endpoints')} -j {MARK_DROP}")
        return
    bare = view.release.bare_local_chain and not view.endpoint_comments
    name = "" if bare else f" -m comment --comment {portal.name}"
    plan.endpoints.write_affinity(chain, local, [name] * len(local))
    comments = list(_balancing_comments(plan)) if view.release.balancing_number else [name] * len(local)
    for index, backend in enumerate(local):
        plan.endpoints.write_choice(chain, backend, comments[index], len(local) - index)


def _balancing_comments(plan: _Plan) -> Iterator[str]:
    for index in range(len(plan.chosen.local)):
        yield f' -m comment --comment "Balancing rule {index} for {plan.portal.name}"'
