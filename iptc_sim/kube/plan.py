"""What the rules of a service port are written from, whatever the release: the port, its endpoints, the node."""

from __future__ import annotations

from iptc_sim.kube.endpoint_rules import EndpointRules
from iptc_sim.kube.node_view import NodeView
from iptc_sim.kube.select import Choice, Portal
from iptc_sim.kube.text import RulesText
from iptc_sim.records import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """A service port with the words that its rules share.

    Args:
        portal: the service port.
        view: the node and the release.
        endpoints: writes the endpoint rules.
        chosen: the endpoints that get its traffic.
    """

    portal: Portal
    view: NodeView
    endpoints: EndpointRules
    chosen: Choice

    def to(self, address: str) -> str:
        """Return the words that fit packets to a destination."""
        portal = self.portal
        return f"-m {portal.protocol} -p {portal.protocol} -d {self.view.host(address)} --dport {portal.port}"

    @property
    def to_node_port(self) -> str:
        """The words that fit packets to the node port."""
        portal = self.portal
        return f"-m {portal.protocol} -p {portal.protocol} --dport {portal.node_port}"

    def comment(self, text: str) -> str:
        """Return a comment that starts with the service port's name."""
        return f'-m comment --comment "{self.portal.name} {text}"'

    def write_health_check(self, out: RulesText) -> None:
        """Write the rule that lets the health check's port in: HTTP, whatever the service port's protocol is."""
        check = f"-m tcp -p tcp --dport {self.portal.health_check_node_port} -j ACCEPT"
        out.filter.add("KUBE-NODEPORTS", f"{self.comment('health check node port')} {check}")

    def write_endpoints(self) -> None:
        """Write the chains of the endpoints that some chain leads to."""
        self.endpoints.write_endpoints(self.chosen.reachable)
