"""The variables that behaviours are functions of: the fields of a packet as it enters, and what is not known."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Final, Self

from iptc_sim.connection import ICMP_REQUESTS
from iptc_sim.constraint import ADDRESS_TYPES, STATES, Field
from iptc_sim.diagram.nodes import Diagrams
from iptc_sim.diagram.nodes import Node as Diagram
from iptc_sim.diagram.spans import Span, Spans, union
from iptc_sim.node import Node
from iptc_sim.packet import Packet
from iptc_sim.protocols import ICMP, ICMPV6, PORT_PROTOCOLS, TCP, TCP_FLAGS, protocol_name
from iptc_sim.ruleset import Ruleset
from iptc_sim.symbolic.odds import Distributions
from iptc_sim.symbolic.reading import Reading
from iptc_sim.tracking import State
from iptc_sim.values import UNKNOWN, Family, Prefix, address_text

#: Bytes of an interface name with the zero behind it (``IFNAMSIZ``).
_NAME: Final = 16
_ALL: Final = 0xFFFFFFFF
_ADDRESSES: Final = frozenset({
    Field.DESTINATION, Field.SOURCE, Field.ORIGINAL_DESTINATION, Field.ORIGINAL_SOURCE
})  # fmt: skip
_HIGHEST: Final[Mapping[Field, int]] = {
    Field.PROTOCOL: 0xFF, Field.CTSTATE: len(STATES) - 1,
    Field.IN_INTERFACE: (1 << 8 * _NAME) - 1, Field.OUT_INTERFACE: (1 << 8 * _NAME) - 1,
    Field.DESTINATION_TYPE: len(ADDRESS_TYPES) - 1, Field.SOURCE_TYPE: len(ADDRESS_TYPES) - 1,
    Field.DPORT: 0xFFFF, Field.SPORT: 0xFFFF, Field.ICMP: 0xFFFF, Field.FLAGS: 0xFF, Field.LENGTH: 0x1FFFF,
    Field.HOPS: 0xFF, Field.TOS: 0xFF, Field.SNATTED: 1, Field.DNATTED: 1, Field.DIRECTION: 1,
    Field.ORIGINAL_DPORT: 0xFFFF, Field.ORIGINAL_SPORT: 0xFFFF, Field.ORIGINAL_PROTOCOL: 0xFF,
}  # fmt: skip
_MARKS: Final = frozenset({Field.MARK, Field.CTMARK})

#: The TCP flags with which a connection begins: SYN, perhaps with URG, or ACK, perhaps with PSH and URG
#: (see :func:`iptc_sim.engine.conntrack.first_state`).
_BEGINS: Final = (0x02, 0x10, 0x18, 0x22, 0x30, 0x38)

#: Keys of the variables that every space has. ROUTE: whether a packet with its own destination is for this node;
#: FRESH: whether a RELATED packet is the first one of its connection.
ROUTE: Final = ("route", "kept")
FRESH: Final = ("fresh",)

#: What is asked of routing, of which there is one variable for each destination that rules give.
_ROUTING: Final = frozenset({"route", "way", "type"})

#: Values of one point: level to value. Levels that are not told are 0.
Point = Mapping[int, int]
#: A part of all packets: for some fields the spans in which their values on entering lie.
Cell = Mapping[Field, Sequence[Span]]


def interface_number(name: str | None) -> int:
    """Return the number that stands for an interface, 0 for none; names with a common beginning are neighbours."""
    return 0 if name is None else int.from_bytes(name.encode()[: _NAME - 1].ljust(_NAME, b"\0"))


def interface_spans(name: str, *, prefix: bool) -> Spans:
    """Return the numbers of the interface of that name, or of all whose names begin so."""
    low = interface_number(name)
    if not prefix:
        return ((low, low),)
    return ((low, low | (1 << 8 * (_NAME - len(name.encode()))) - 1),)


def interface_name(spans: Sequence[Span], known: Iterable[str] = ()) -> str | None:
    """Return a readable name whose number is in the spans; None where only "no interface" is, or none is readable.

    Args:
        spans: sorted, apart.
        known: names to be preferred.
    """
    for name in (*known, "eth0", "eth1", "eth7", "other0"):
        if any(low <= interface_number(name) <= high for low, high in spans):
            return name
    for low, high in spans:
        found = _between(low, high)
        if found is not None:
            return found
    return None


def _between(low: int, high: int) -> str | None:
    """Return a readable name between two numbers: the shortest of those that begin as both do."""
    first, last = (number.to_bytes(_NAME) for number in (low, high))
    letters = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-_@:"
    stem = b""
    for size in range(_NAME):
        stem = first[:size].rstrip(b"\0")
        tails = [b"", *(bytes([one]) for one in letters), *(bytes([one, two]) for one in letters for two in letters)]
        for tail in tails:
            name = stem + tail
            readable = name and len(name) < _NAME and all(one in letters for one in name)
            if readable and low <= int.from_bytes(name.ljust(_NAME, b"\0")) <= high:
                return name.decode()
        if size and first[:size] != last[:size] and not first[size:].strip(b"\0"):
            break
    return None


class Space:
    """The variables of one question, shared by all rulesets that are compared.

    Args:
        family: of the packets.
        node: the machine, where it is known: its addresses decide about rewritten destinations.
        budget: how many nodes there may be in diagrams (:class:`iptc_sim.diagram.nodes.TooLargeError`).

    Attributes:
        diagrams: of the variables.
        odds: the values of their terminals that are drawn.
        routing_reads_marks: whether the way of a packet may depend on its mark.
        assumptions: what is taken for granted, one sentence each.
    """

    def __init__(self, family: Family, node: Node | None = None, *, budget: int = 2_000_000) -> None:
        self.family, self.node = family, node
        highest: list[int] = []
        self._levels: dict[Field, int] = {}
        for field in Field:
            self._levels[field] = len(highest)
            if field is Field.MARK:  # bit by bit beside those of CTMARK: a copy of one is compared with the other
                highest += [1] * 64
            elif field is Field.CTMARK:
                self._levels[field] = self._levels[Field.MARK] + 1
            else:
                highest.append((1 << family.bits) - 1 if field in _ADDRESSES else _HIGHEST[field])
        self._fields = {self.level(field): field for field in Field if field not in _MARKS}
        self._fields |= {self.level(field, bit): field for field in _MARKS for bit in range(32)}
        self.diagrams = Diagrams(highest, budget=budget)
        self.odds = Distributions(self.diagrams, self.is_late)
        self._variables: dict[Hashable, int] = {}
        self._keys: dict[int, Hashable] = {}
        self._late: set[int] = set()
        self._readings: dict[int, Reading] = {}
        self.variable(ROUTE)
        self.variable(FRESH)
        rules = () if node is None else node.rules if family is Family.IPV4 else node.rules6
        self.routing_reads_marks = any(rule.mark is not None for rule in rules)
        self.assumptions: tuple[str, ...] = (
            "packets are whole and well-formed",
            "connections that exist already are taken as not translated",
            "routing depends on the destination that a packet has then"
            + (" and on its mark" if self.routing_reads_marks else ", not on its mark or TOS"),
        )

    @classmethod
    def of(cls, rulesets: Iterable[Ruleset], node: Node | None = None, *, budget: int = 2_000_000) -> Self:
        """Return the space for some rulesets of one family.

        Raises:
            ValueError: they are of different families, or there are none.
        """
        families = {ruleset.family for ruleset in rulesets}
        if len(families) != 1:
            raise ValueError("rulesets of one family are needed")
        return cls(families.pop(), node, budget=budget)

    def level(self, field: Field, bit: int = 0) -> int:
        """Return the level that asks for a field; of the marks for one bit, 0 being the lowest."""
        return self._levels[field] + (2 * bit if field in _MARKS else 0)

    def width(self, field: Field) -> int:
        """Return how many bits a field has."""
        return 32 if field in _MARKS else self.diagrams.highest[self._levels[field]].bit_length()

    def variable(self, key: Hashable, highest: int = 1) -> int:
        """Return the level of a variable beside the fields, which is the same one for the same key."""
        level = self._variables.get(key)
        if level is None:
            level = self._variables[key] = self.diagrams.add_level(highest)
            self._keys[level] = key
            if isinstance(key, tuple) and key[0] in _ROUTING and key != ROUTE:
                self._late.add(level)
        return level

    def reading(self, ruleset: Ruleset) -> Reading:
        """Return what is known of a ruleset, which is kept."""
        found = self._readings.get(id(ruleset))
        if found is None:
            found = self._readings[id(ruleset)] = Reading(ruleset)
        return found

    def is_late(self, level: int) -> bool:
        """Whether a level tells how routing treats a destination that packets get on their way."""
        return level in self._late

    def variables(self) -> tuple[tuple[int, Hashable], ...]:
        """Return the levels of the variables beside the fields, each with its key."""
        return tuple(self._keys.items())

    def key(self, level: int) -> Hashable:
        """Return the key of a variable beside the fields; None for the level of a field."""
        return self._keys.get(level)

    def field(self, level: int) -> Field | None:
        """Return the field that a level asks for; None for other variables."""
        return self._fields.get(level)

    def _bit(self, level: int) -> int:
        """Return which bit of a mark a level asks for."""
        return level - self._levels[Field.MARK] >> 1

    def within(self, field: Field, spans: Sequence[Span]) -> Diagram:
        """Return the condition that a field, as it was on entering, lies within some spans (sorted, apart)."""
        return self.diagrams.test(self._levels[field], spans, self.diagrams.yes, self.diagrams.no)

    def cell(self, cell: Cell) -> Diagram:
        """Return the condition that a packet enters within a cell."""
        return self.diagrams.cell({self._levels[field]: spans for field, spans in cell.items()})

    def flag(self, key: Hashable) -> Diagram:
        """Return the condition that a variable beside the fields is 1."""
        return self.diagrams.test(self.variable(key), ((1, 1),), self.diagrams.yes, self.diagrams.no)

    def is_loopback(self, address: int) -> bool:
        """Whether an address stands for the node itself wherever it is."""
        return address >> 24 == 127 if self.family is Family.IPV4 else address == 1

    def possible(self, *, local: bool) -> Diagram:
        """Return which points packets can be at, as far as that is told; behaviours say something of all points.

        Packets that arrive have an in interface other than lo; those made here have none, and an out interface. A
        connection that begins has no mark, and its tuple is the packet's.

        Args:
            local: of packets that are made here.
        """
        made = self.diagrams
        lo = interface_number("lo")
        some, none = ((1, lo - 1), (lo + 1, _HIGHEST[Field.IN_INTERFACE])), ((0, 0),)
        parts = [self.within(Field.IN_INTERFACE, none if local else some)]
        parts.append(self.within(Field.OUT_INTERFACE, ((1, _HIGHEST[Field.OUT_INTERFACE]),)))
        unmarked = {self.level(Field.CTMARK, bit): none for bit in range(32)}
        unmarked |= {self.level(field): none for field in (Field.SNATTED, Field.DNATTED, Field.DIRECTION)}
        new = STATES.index("NEW")
        begins = self.within(Field.CTSTATE, ((new, new),))
        parts.append(made.choose(begins, made.cell(unmarked), made.yes))
        tcp = self.within(Field.PROTOCOL, ((TCP, TCP),))
        flags = self.within(Field.FLAGS, tuple((one, one) for one in _BEGINS))
        parts.append(made.negation(made.conjunction(begins, tcp, made.negation(flags))))
        protocol = ICMP if self.family is Family.IPV4 else ICMPV6
        asks = self.within(Field.ICMP, union((kind << 8, kind << 8 | 0xFF) for kind in ICMP_REQUESTS[protocol]))
        icmp = self.within(Field.PROTOCOL, ((protocol, protocol),))
        parts.append(made.negation(made.conjunction(begins, icmp, made.negation(asks))))
        ports = made.cell({self.level(field): none for field in (Field.SPORT, Field.DPORT)})
        has = self.within(Field.PROTOCOL, tuple((number, number) for number in sorted(PORT_PROTOCOLS)))
        parts.append(made.choose(has, made.yes, ports))
        return made.conjunction(*parts)

    # ---- points and packets

    def point(
        self,
        packet: Packet,
        state: State = State.NEW,
        *,
        ctmark: int = 0,
        fields: Mapping[Field, int] | None = None,
        answers: Mapping[Hashable, int] | None = None,
    ) -> dict[int, int]:
        """Return the point of a packet as it enters; its connection is taken as begun by it.

        Args:
            packet: with all of its addresses known.
            state: its ctstate.
            ctmark: the mark of its connection.
            fields: further fields: address types, length.
            answers: values of the variables beside the fields.
        """
        told: dict[Field, int] = {Field.PROTOCOL: packet.protocol, Field.CTSTATE: STATES.index(str(state))}
        for field, name in ((Field.IN_INTERFACE, packet.in_interface), (Field.OUT_INTERFACE, packet.out_interface)):
            told[field] = 0 if name is UNKNOWN else interface_number(name)
        sides = (Field.DESTINATION, Field.SOURCE, Field.ORIGINAL_DESTINATION, Field.ORIGINAL_SOURCE)
        for field, address in zip(sides, (packet.destination, packet.source) * 2, strict=True):
            told[field] = 0 if address is UNKNOWN else int(address)
        ports = (Field.DPORT, Field.SPORT, Field.ORIGINAL_DPORT, Field.ORIGINAL_SPORT)
        for field, port in zip(ports, (packet.dport, packet.sport) * 2, strict=True):
            told[field] = port if isinstance(port, int) else 0
        told[Field.ORIGINAL_PROTOCOL] = packet.protocol
        told[Field.HOPS], told[Field.TOS] = packet.ttl, packet.tos
        if packet.protocol == TCP:
            told[Field.FLAGS] = sum(1 << TCP_FLAGS.index(name) for name in packet.flags if name in TCP_FLAGS)
        if packet.protocol in {ICMP, ICMPV6} and packet.icmp_type is not None:
            told[Field.ICMP] = packet.icmp_type << 8 | (packet.icmp_code or 0)
        told |= fields or {}
        point = {self._levels[field]: value for field, value in told.items()}
        for field, mark in ((Field.MARK, packet.mark), (Field.CTMARK, ctmark)):
            point |= {self.level(field, bit): mark >> bit & 1 for bit in range(32)}
        for key, value in (answers or {}).items():
            point[self.variable(key)] = value
        return point

    def fields(self, point: Point) -> dict[Field, int]:
        """Return the values of the fields that a point tells; marks as whole numbers."""
        found: dict[Field, int] = {}
        for level, value in point.items():
            field = self.field(level)
            if field in _MARKS:
                found[field] = found.get(field, 0) | value << self._bit(level)
            elif field is not None:
                found[field] = value
        return found

    def answers(self, point: Point) -> dict[Hashable, int]:
        """Return the values of the variables beside the fields that a point tells, by their keys."""
        return {self._keys[level]: value for level, value in point.items() if level in self._keys}

    # ---- texts

    def describe(self, level: int, spans: Sequence[Span]) -> str:
        """Return in words that a variable lies within some spans."""
        field = self.field(level)
        if field is None:
            key = self._keys.get(level)
            return f"{key} is {_numbers(spans)}"
        if field in _MARKS:
            bit = 1 << self._bit(level)
            return f"{field_name(field)} bit {bit:#x} is {spans[0][0]}"
        return f"{field_name(field)} {self.text(field, spans)}"

    def text(self, field: Field, spans: Sequence[Span]) -> str:
        """Return the values of a field in the words of rules."""
        if field in _ADDRESSES:
            return ",".join(self._addresses(span) for span in spans)
        names: Sequence[str] = ()
        if field is Field.CTSTATE:
            names = STATES
        elif field in {Field.DESTINATION_TYPE, Field.SOURCE_TYPE}:
            names = ADDRESS_TYPES
        if names:
            return ",".join(names[number] for low, high in spans for number in range(low, high + 1))
        if field in {Field.IN_INTERFACE, Field.OUT_INTERFACE}:
            return interface_name(spans) or "none"
        if field in {Field.PROTOCOL, Field.ORIGINAL_PROTOCOL}:
            return ",".join(protocol_name(low) if low == high else f"{low}:{high}" for low, high in spans)
        return _numbers(spans)

    def _addresses(self, span: Span) -> str:
        low, high = span
        size = high - low + 1
        if size & (size - 1) == 0 and low & (size - 1) == 0:
            return str(Prefix(self.family, low, ((1 << self.family.bits) - 1) & ~(size - 1)))
        return "-".join(address_text(Prefix(self.family, number, 0).address) for number in span)


def _numbers(spans: Sequence[Span]) -> str:
    return ",".join(str(low) if low == high else f"{low}:{high}" for low, high in spans)


def field_name(field: Field) -> str:
    """Return what people call a field."""
    return _NAMES.get(field, field.name.lower().replace("_", " "))


_NAMES: Final = {
    Field.DPORT: "destination port", Field.SPORT: "source port", Field.CTSTATE: "ctstate", Field.HOPS: "ttl",
    Field.TOS: "tos", Field.CTMARK: "connection mark", Field.ICMP: "icmp type and code", Field.FLAGS: "tcp flags",
}  # fmt: skip

#: Protocols whose ports nat may change; DCCP is tracked by its addresses alone (see ``FlowTuple.of``).
NAT_PORTS: Final = tuple((number, number) for number in sorted(PORT_PROTOCOLS - {33}))
