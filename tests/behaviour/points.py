"""The point of a packet in a space, and whether it is in a box."""

from __future__ import annotations

from iptc_sim.connection import Flow
from iptc_sim.constraint import ADDRESS_TYPES, Field
from iptc_sim.diagram.spans import Spans
from iptc_sim.engine.routing import route_in, route_out
from iptc_sim.node import Node
from iptc_sim.symbolic.pipeline import Entrance
from iptc_sim.symbolic.store import Value, Way
from iptc_sim.symbolic.variables import Space, interface_number
from iptc_sim.tracking import State
from iptc_sim.values import UNKNOWN
from iptc_sim.wire.packets import packet_bytes


class PointOf:
    """A packet as it enters a node."""

    def __init__(self, space: Space, node: Node, flow: Flow, state: State, entrance: Entrance) -> None:
        self.space, self.node = space, node
        packet = flow.packet
        assert packet.source is not UNKNOWN
        assert packet.destination is not UNKNOWN
        routed = route_out(packet, node) if entrance is Entrance.LOCAL else route_in(packet, node)
        fields = {
            Field.DESTINATION_TYPE: ADDRESS_TYPES.index(node.address_type(packet.destination)),
            Field.SOURCE_TYPE: ADDRESS_TYPES.index(node.address_type(packet.source)),
            Field.LENGTH: len(packet_bytes(packet)),
            Field.OUT_INTERFACE: interface_number(routed.interface if isinstance(routed.interface, str) else None),
        }
        self.told = space.point(packet, state, fields=fields)

    def is_in(self, box: tuple[tuple[int, Spans], ...]) -> bool:
        """Whether it is in a box; what is not reasoned about may be either way."""
        return all(self._fits(level, spans) for level, spans in box)

    def _fits(self, level: int, spans: Spans) -> bool:
        key = self.space.key(level)
        if key is None:
            value = self.told.get(level, 0)
            return any(low <= value <= high for low, high in spans)
        match key:
            case ("way", Way(Value())) | ("route", Value(), _) | ("type", Value()):
                raise AssertionError(f"the node tells: {key}")
        return True
