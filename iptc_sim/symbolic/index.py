"""The rules of a long chain by the one destination or port that they ask for."""

from __future__ import annotations

from collections.abc import Sequence

from iptc_sim.ruleset import Rule
from iptc_sim.values import Negatable, PortRange


class ChainIndex:
    """Which rules of a chain packets to an address and port may fit.

    Args:
        rules: of the chain.
    """

    __slots__ = ("_by_destination", "_by_port", "_length", "_others")

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._by_destination: dict[int, list[int]] = {}
        self._by_port: dict[int, list[int]] = {}
        self._others: list[int] = []
        self._length = len(rules)
        for number, rule in enumerate(rules):
            wanted, port = rule.base.destination, _port(rule)
            if wanted is not None and wanted.value.is_host and not wanted.negated:
                self._by_destination.setdefault(wanted.value.network, []).append(number)
            elif port is not None:
                self._by_port.setdefault(port, []).append(number)
            else:
                self._others.append(number)

    def slice(self, destination: int | None, port: int | None = None) -> Sequence[int]:
        """Return the places, from 0, of the rules that packets may fit, in order.

        Args:
            destination: where they go; None where that is not known.
            port: to which port; None where that is not known, or they have none.
        """
        if destination is None and port is None:
            return range(self._length)
        found = [*self._others]
        for known, places in ((destination, self._by_destination), (port, self._by_port)):
            if known is not None:
                found += places.get(known, ())
            else:
                found += [number for some in places.values() for number in some]
        return sorted(found)


def _port(rule: Rule) -> int | None:
    """Return the destination port that a rule asks for, before anything that remembers it; None for several or any."""
    for match in rule.matches:
        if match.REMEMBERS:
            return None
        wanted: Negatable[PortRange] | None = getattr(match, "dport", None) if match.NAME in {"tcp", "udp"} else None
        if wanted is not None and not wanted.negated and wanted.value.first == wanted.value.last:
            return wanted.value.first
    return None
