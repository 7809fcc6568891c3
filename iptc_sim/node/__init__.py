"""The node: interfaces, addresses, routes and rules, switches, sockets, and the lookups that they answer."""

from iptc_sim.node.machine import Node
from iptc_sim.node.parts import (
    DEFAULT_RULES,
    EVERYWHERE,
    ROUTE_KINDS,
    Decision,
    InterfaceAddress,
    Link,
    Listener,
    NextHop,
    Route,
    RouteKey,
    RoutingRule,
    in_order,
    interface_address,
    table_name,
)
from iptc_sim.node.sysctls import Sysctls

__all__ = [
    "DEFAULT_RULES",
    "EVERYWHERE",
    "ROUTE_KINDS",
    "Decision",
    "InterfaceAddress",
    "Link",
    "Listener",
    "NextHop",
    "Node",
    "Route",
    "RouteKey",
    "RoutingRule",
    "Sysctls",
    "in_order",
    "interface_address",
    "table_name",
]
