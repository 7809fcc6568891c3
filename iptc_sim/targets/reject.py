"""``-j REJECT``: drop with an answer (ipt_REJECT.c, ip6t_REJECT.c)."""

from __future__ import annotations

from typing import Final

from iptc_sim.diagnostics import suggestion
from iptc_sim.extension import Placement, extension, without_protocol
from iptc_sim.moment import Hook
from iptc_sim.options import Reading, ValueType, option
from iptc_sim.protocols import TCP
from iptc_sim.target import Reject, Same, Target, UniformTarget
from iptc_sim.values import Family

#: The answers of each family with their short names, in the order in which a beginning of one is looked up.
_ANSWERS: Final = {
    Family.IPV4: (
        ("icmp-net-unreachable", "net-unreach"),
        ("icmp-host-unreachable", "host-unreach"),
        ("icmp-proto-unreachable", "proto-unreach"),
        ("icmp-port-unreachable", "port-unreach"),
        ("icmp-net-prohibited", "net-prohib"),
        ("icmp-host-prohibited", "host-prohib"),
        ("tcp-reset", "tcp-rst"),
        ("icmp-admin-prohibited", "admin-prohib"),
    ),
    Family.IPV6: (
        ("icmp6-no-route", "no-route"),
        ("icmp6-adm-prohibited", "adm-prohibited"),
        ("icmp6-addr-unreachable", "addr-unreach"),
        ("icmp6-port-unreachable", "port-unreach"),
        ("tcp-reset", "tcp-reset"),
        ("icmp6-policy-fail", "policy-fail"),
        ("icmp6-reject-route", "reject-route"),
    ),
}


class RejectType(ValueType[str]):
    """The answer by name or short name in any case; either may be shortened, and is the first one that begins so."""

    expected = "a reject type such as icmp-port-unreachable or tcp-reset"

    def read(self, words: tuple[str, ...], context: Reading) -> str:
        """Return the full name."""
        answers, word = _ANSWERS[context.family], words[0].lower()
        for names in answers:
            if any(name.startswith(word) for name in names):
                return names[0]
        hint = suggestion(word, [name for names in answers for name in names])
        raise ValueError(f"{words[0]} is not a way to reject" + (f" ({hint})" if hint else ""))


def _default(family: Family) -> str:
    return "icmp-port-unreachable" if family is Family.IPV4 else "icmp6-port-unreachable"


@extension
class RejectTarget(UniformTarget):
    """``--reject-with`` is always printed."""

    NAME = "REJECT"
    TABLES = frozenset({"filter"})
    HOOKS = frozenset({Hook.INPUT, Hook.FORWARD, Hook.OUTPUT})

    reject_with: str = option(RejectType(), "--reject-with", default=_default)

    def refusal(self, place: Placement) -> str:
        """Return why the kernel refuses it: another table or hook, or tcp-reset without ``-p tcp``."""
        reset = self.reject_with == "tcp-reset"
        why = without_protocol("--reject-with tcp-reset", place, frozenset({TCP})) if reset else ""
        return Target.refusal(self, place) or why

    def same(self, hook: Hook) -> Same:  # noqa: ARG002 - the interface
        """Reject."""
        return Reject(self.reject_with)
