"""``-j REJECT``: drop with an answer (ipt_REJECT.c, ip6t_REJECT.c)."""

from __future__ import annotations

from iptc_sim.extension import Action, Hook, Moment, Reject, Target, extension, option
from iptc_sim.options import Reading, ValueType
from iptc_sim.protocols import TCP
from iptc_sim.value_types.basic import Choice
from iptc_sim.values import Family

_IPV4 = Choice(
    (
        "icmp-net-unreachable",
        "icmp-host-unreachable",
        "icmp-proto-unreachable",
        "icmp-port-unreachable",
        "icmp-net-prohibited",
        "icmp-host-prohibited",
        "tcp-reset",
        "icmp-admin-prohibited",
    ),
    {
        "net-unreach": "icmp-net-unreachable",
        "host-unreach": "icmp-host-unreachable",
        "proto-unreach": "icmp-proto-unreachable",
        "port-unreach": "icmp-port-unreachable",
        "net-prohib": "icmp-net-prohibited",
        "host-prohib": "icmp-host-prohibited",
        "tcp-rst": "tcp-reset",
        "admin-prohib": "icmp-admin-prohibited",
    },
)
_IPV6 = Choice(
    (
        "icmp6-no-route",
        "icmp6-adm-prohibited",
        "icmp6-addr-unreachable",
        "icmp6-port-unreachable",
        "tcp-reset",
        "icmp6-policy-fail",
        "icmp6-reject-route",
    ),
    {
        "no-route": "icmp6-no-route",
        "adm-prohibited": "icmp6-adm-prohibited",
        "addr-unreach": "icmp6-addr-unreachable",
        "port-unreach": "icmp6-port-unreachable",
        "policy-fail": "icmp6-policy-fail",
        "reject-route": "icmp6-reject-route",
    },
)


class RejectType(ValueType[str]):
    """The answer: its list depends on the family."""

    expected = "a reject type such as icmp-port-unreachable or tcp-reset"

    def read(self, words: tuple[str, ...], context: Reading) -> str | None:
        """Return the full name."""
        return (_IPV4 if context.family is Family.IPV4 else _IPV6).read(words, context)


def _default(family: Family) -> str:
    return "icmp-port-unreachable" if family is Family.IPV4 else "icmp6-port-unreachable"


@extension
class RejectTarget(Target):
    """``--reject-with`` is always printed."""

    NAME = "REJECT"
    TABLES = frozenset({"filter"})
    HOOKS = frozenset({Hook.INPUT, Hook.FORWARD, Hook.OUTPUT})

    reject_with: str = option(RejectType(), "--reject-with", default=_default)

    def check(self, context: Reading) -> None:
        """Refuse tcp-reset without ``-p tcp``."""
        if self.reject_with == "tcp-reset" and context.protocol != TCP:
            raise ValueError("--reject-with tcp-reset needs -p tcp")

    def act(self, at: Moment) -> Action:  # noqa: ARG002 - the interface
        """Reject."""
        return Reject(self.reject_with)
