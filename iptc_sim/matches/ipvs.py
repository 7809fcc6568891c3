"""``-m ipvs``: what the load balancer IPVS knows of the packet's connection (xt_ipvs.c)."""

from __future__ import annotations

from iptc_sim.constraint import Asked, Constraint, Free
from iptc_sim.extension import extension
from iptc_sim.match import Match, Outcome, Unclear
from iptc_sim.matches.conntrack import ProtocolNumber
from iptc_sim.moment import Moment
from iptc_sim.options import Reading, ValueType, flag, option
from iptc_sim.value_types.choice import Choice
from iptc_sim.value_types.host import HOST_NETWORK, HostNetwork
from iptc_sim.value_types.port import read_service
from iptc_sim.values import Negatable


class AnyCase(Choice):
    """One of a few words in any case."""

    def read(self, words: tuple[str, ...], context: Reading) -> str:
        """Return it in upper case."""
        return super().read((words[0].upper(),), context)


class ServicePort(ValueType[int]):
    """A port by number or name; a range is none."""

    expected = "a port 0-65535, or a service name"

    def read(self, words: tuple[str, ...], context: Reading) -> int:  # noqa: ARG002 - the interface
        """Return the number."""
        return read_service(words[0])


PORT = ServicePort()


@extension
class Ipvs(Match):
    """Kernels may come without it; then the rule cannot be loaded, which a dump does not say."""

    NAME = "ipvs"
    USES_CONNTRACK = True

    has_property: Negatable[bool] | None = flag("--ipvs", negatable=True)
    protocol: Negatable[int] | None = option(ProtocolNumber(), "--vproto", negatable=True)
    address: Negatable[HostNetwork] | None = option(HOST_NETWORK, "--vaddr", negatable=True)
    port: Negatable[int] | None = option(PORT, "--vport", negatable=True)
    direction: str | None = option(AnyCase(("ORIGINAL", "REPLY")), "--vdir")
    method: Negatable[str] | None = option(AnyCase(("GATE", "IPIP", "MASQ")), "--vmethod", negatable=True)
    control_port: Negatable[int] | None = option(PORT, "--vportctl", negatable=True)

    def check(self, context: Reading) -> None:  # noqa: ARG002 - the interface
        """Refuse a rule that asks for nothing, and one that asks something of packets which IPVS shall not know."""
        given = sum(getattr(self, declared.field) is not None for declared in self.OPTIONS)
        if not given:
            raise ValueError("-m ipvs needs at least one option")
        if given > 1 and self.has_property == Negatable(value=True, negated=True):
            raise ValueError("! --ipvs excludes the other options")

    def judge(self, at: Moment) -> Outcome:  # noqa: ARG002 - the interface
        """Say what would have to be known."""
        return Unclear(self, "what IPVS knows of the connection is not known (ipvsadm -Lcn would tell)")

    def constraint(self, asked: Asked) -> Constraint:
        """Say what is asked of the IPVS entry."""
        return Free(self.question(asked), reads=None)
