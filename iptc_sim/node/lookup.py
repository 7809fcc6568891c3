"""The lookup: the rules of policy routing in order, and the tables that they name (``ip-rule(8)``, ``ip-route(8)``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from iptc_sim.node.parts import REFUSING, Link, Route, RouteKey, RoutingRule
from iptc_sim.node.tables import DSCP, RouteTables
from iptc_sim.records import dataclass
from iptc_sim.values import UNKNOWN, Address, Family, Interface, NumberRange, Unknown


@dataclass(frozen=True, slots=True)
class Found:
    """What the rules lead to.

    Args:
        route: the route; None where there is none, or where a rule refuses.
        refused: the kind of refusal of a rule.
        rule: the rule that decided; None where the node has only those that every node has.
        doubt: what would have to be told for an answer.
    """

    route: Route | None = None
    refused: str = ""
    rule: RoutingRule | None = None
    doubt: str = ""


#: There is no route.
NOWHERE: Final = Found()


class Lookup:
    """The tables and rules of one family of a node.

    Args:
        family: 4 or 6.
        tables: the tables.
        rules: the rules by priority.
        links: the interfaces by name.
        plain: whether the rules are those that every node has.
    """

    def __init__(
        self,
        family: Family,
        tables: RouteTables,
        rules: Sequence[RoutingRule],
        links: Mapping[str, Link],
        *,
        plain: bool,
    ) -> None:
        self._family, self._tables, self._rules, self._links = family, tables, rules, links
        self._plain = plain
        self._places = {rule.priority: place for place, rule in reversed(list(enumerate(rules)))}

    def find(self, address: Address, key: RouteKey) -> Found:
        """Return where a packet to ``address`` is led."""
        outer = self._outer(address, key)
        if self._plain and self._family is Family.IPV4:
            route = self._tables.merged.find(address, key, outer)
            if route is not None and route.kind != "throw":
                return Found(route)
        for rule in self._in_turn(address, key):
            if isinstance(rule, str):
                return Found(doubt=rule)
            if rule.action in REFUSING:
                return Found(refused=rule.action, rule=rule)
            route = self._tables.get(self._family, self._table(rule, key)).find(address, key, outer)
            if route is not None and route.kind != "throw" and not self._suppressed(rule, route):
                return Found(route, rule=None if self._plain else rule)
        return NOWHERE

    @staticmethod
    def _outer(address: Address, key: RouteKey) -> str | None:
        """Return the only interface that a route may leave by: link-local addresses mean one link each.

        So does ::1, which a packet from outside can be translated to (``rt6_need_strict``).
        """
        if key.out_interface is not None:
            return key.out_interface
        scoped = address.version == 6 and (address.is_link_local or address.is_loopback)
        near = scoped and key.in_interface != "lo"
        return key.in_interface if near and isinstance(key.in_interface, str) else None

    def _in_turn(self, address: Address, key: RouteKey) -> Iterator[RoutingRule | str]:
        """Yield the rules that fit and decide, in the order in which they are asked; a text where that is not known."""
        at = 0
        while at < len(self._rules):
            rule = self._rules[at]
            at += 1
            doubt = fits(rule, address, key)
            if isinstance(doubt, str):
                yield f"{rule} asks for {doubt}, which was not told"
            elif doubt and rule.action == "goto":
                # A goto leads forward only; one whose target is not there does nothing.
                at = max(at, self._places.get(rule.target, at))
            elif doubt and rule.action != "nop":
                yield rule

    def _table(self, rule: RoutingRule, key: RouteKey) -> str:
        """Return the table of a rule; an ``l3mdev`` rule asks that of the VRF which the interface belongs to."""
        if rule.action != "l3mdev":
            return rule.table
        link = self._links.get(str(key.in_interface if key.in_interface is not None else key.out_interface))
        master = self._links.get(link.master or "") if link else None
        return (link.table if link and link.table else "") or (master.table if master else "")

    def _suppressed(self, rule: RoutingRule, route: Route) -> bool:
        if route.kind in REFUSING:
            return False
        if rule.suppress_length is not None and (route.destination.length or 0) <= rule.suppress_length:
            return True
        link = self._links.get(route.interface or "")
        return rule.suppress_group is not None and link is not None and link.group == rule.suppress_group


def fits(rule: RoutingRule, address: Address, key: RouteKey) -> bool | str:
    """Return whether a rule fits, or what would have to be told of the packet to say so."""
    doubt = ""
    for answer in _answers(rule, address, key):
        if answer is False:
            return rule.inverted
        doubt = doubt or (answer if isinstance(answer, str) else "")
    return doubt or not rule.inverted


def _answers(rule: RoutingRule, address: Address, key: RouteKey) -> Iterator[bool | str]:
    if rule.destination is not None:
        yield address in rule.destination
    if rule.source is not None and rule.source.mask:
        yield "the source" if key.source is UNKNOWN else key.source in rule.source
    if rule.mask:
        yield (rule.mark ^ key.mark) & rule.mask == 0
    if rule.tos:
        yield rule.tos & DSCP == key.tos & DSCP
    if rule.in_interface is not None:
        yield _same(rule.in_interface, "lo" if key.in_interface is None else key.in_interface)
    if rule.out_interface is not None:
        yield rule.out_interface == key.out_interface
    if rule.protocol is not None:
        yield rule.protocol == key.protocol
    yield _within(rule.sports, key.sport, "the source port")
    yield _within(rule.dports, key.dport, "the destination port")
    yield _within(rule.uids, key.uid, "the user")


def _same(name: str, interface: Interface) -> bool | str:
    return "the in interface" if interface is UNKNOWN else name == interface


def _within(numbers: NumberRange | None, value: int | Unknown | None, what: str) -> bool | str:
    if numbers is None:
        return True
    return what if value is UNKNOWN else value in numbers
