"""Flow text -> Flow."""

from __future__ import annotations

import re
from functools import cache
from ipaddress import ip_address
from string import hexdigits
from typing import TYPE_CHECKING, Final

from iptc_sim.connection import Flow
from iptc_sim.diagnostics import Diagnostic, InputError, SourceFile, Span, suggestion
from iptc_sim.flows.resolver import NotResolvedError, Resolver
from iptc_sim.packet import Owner, Packet
from iptc_sim.protocols import (
    ICMP,
    ICMPV6,
    PORT_PROTOCOLS,
    TCP,
    TCP_FLAGS,
    parse_integer,
    protocol_names,
    protocol_number,
)
from iptc_sim.records import dataclass, replace
from iptc_sim.resources import resource_text
from iptc_sim.tracking import State
from iptc_sim.value_types.icmp import ANY, ICMP_TYPES, ICMPV6_TYPES
from iptc_sim.values import UNKNOWN, Address, Interface, Unknown

if TYPE_CHECKING:
    from lark import Lark, Token, Tree

EXAMPLE: Final = "tcp 10.244.1.5:33000 -> 10.97.126.137:8125 in cni0"
_ENDPOINT = re.compile(r"\[(?P<six>[^\]]*)\](?::(?P<port6>[^:]*))?|(?P<four>[^:]*)(?::(?P<port4>[^:]*))?")

#: What only the objects of a cluster tell.
_NAME = re.compile(r"(svc|service|pod|node|nodeport|lb)/|[a-z0-9-]+(\.[a-z0-9-]+)*\.?(:\w+)?$")
_OBJECTS: Final = "names of Services and pods need the objects: --objects FILE"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address with its port, None where none is written."""

    address: Address
    port: int | Unknown | None


@cache
def _parser() -> Lark:
    from lark import Lark  # noqa: PLC0415 - only flows in words need it

    return Lark(resource_text("grammar", "flow.lark"), parser="lalr", lexer="contextual")


def parse_flow(
    text: str,
    *,
    name: str = "--flow",
    line: int = 1,
    source: SourceFile | None = None,
    names: Resolver | None = None,
) -> Flow:
    """Read a flow in words, such as ``tcp 10.244.1.5:33000 -> 10.97.126.137:8125 in cni0``.

    Without ``in IFACE`` and ``from host`` the packet comes in by an interface that is not known, unless its source is a
    loopback address: then this node makes it.

    Args:
        text: one line.
        name: what to call the text in errors.
        line: its line number, where it stands in ``source``.
        source: the file it is a line of.
        names: knows what names such as ``svc/default/web:80`` stand for.

    Raises:
        InputError: IPT040, with the column.
    """
    from lark import UnexpectedInput  # noqa: PLC0415 - see _parser

    place = _Place(source or SourceFile(name, text), line)
    try:
        tree = _parser().parse(text)
    except UnexpectedInput as error:
        column = max(0, int(getattr(error, "pos_in_stream", None) or 0))
        column = len(text.rstrip()) if getattr(getattr(error, "token", None), "type", "") == "$END" else column
        expected = f"PROTOCOL SOURCE -> DESTINATION, as in {EXAMPLE}"
        if "_IN" in (getattr(error, "accepts", None) or getattr(error, "allowed", None) or ()):
            expected = "in IFACE, from host, mark N, ct STATE, flags LIST or icmp TYPE"
        raise place.error("this is not a flow", column, 1, expected) from error
    return _Reader(tree, place, names).flow()


@dataclass(frozen=True, slots=True)
class _Place:
    source: SourceFile
    line: int

    def error(self, message: str, start: int, length: int, expected: str = "", hint: str = "") -> InputError:
        span = Span(self.source, self.line, start + 1, max(1, length))
        return InputError(Diagnostic("IPT040", message, span=span, expected=expected, hint=hint))


class _Reader:
    """Turns the syntax tree of a flow into a Flow."""

    def __init__(self, tree: Tree[Token], place: _Place, names: Resolver | None) -> None:
        self.tree, self.place, self.names = tree, place, names

    def flow(self) -> Flow:
        first, source, destination, *clauses = self.tree.children
        protocol = self._protocol(first)  # type: ignore[arg-type]
        sender = self._endpoint(source.children[0], protocol)  # type: ignore[union-attr, arg-type]
        receiver = self._endpoint(destination.children[0], protocol)  # type: ignore[union-attr, arg-type]
        if sender.address.version != receiver.address.version:
            token = destination.children[0]  # type: ignore[union-attr]
            raise self._error(token, "source and destination are of different families")  # type: ignore[arg-type]
        incoming: Interface = None if sender.address.is_loopback else UNKNOWN
        packet = Packet(sender.address, receiver.address, protocol, sender.port, receiver.port, in_interface=incoming)
        if protocol in {ICMP, ICMPV6}:
            packet = replace(packet, icmp_type=8 if protocol == ICMP else 128, icmp_code=0)
        flow = Flow(replace(packet, flags=frozenset({"SYN"}) if protocol == TCP else frozenset()))
        for clause in clauses:
            flow = self._clause(flow, clause)  # type: ignore[arg-type]
        return flow

    def _error(self, token: Token, message: str, expected: str = "", hint: str = "") -> InputError:
        return self.place.error(message, token.start_pos or 0, len(token), expected, hint)

    def _protocol(self, token: Token) -> int:
        try:
            return protocol_number(str(token))
        except ValueError:
            expected = "tcp, udp, icmp, sctp ... or a protocol number"
            hint = suggestion(str(token), protocol_names())
            raise self._error(token, f"{token} is not a protocol", expected, hint) from None

    def _endpoint(self, token: Token, protocol: int) -> Endpoint:
        with_port = protocol in PORT_PROTOCOLS
        try:
            named = self.names.resolve(str(token), protocol) if self.names else None
            if named is None:
                return read_endpoint(str(token), with_port=with_port)
        except NotResolvedError as error:
            raise self._error(token, str(error), error.expected, error.hint) from error
        except ValueError as error:
            expected = "ADDRESS or ADDRESS:PORT; an IPv6 address before a port in brackets"
            hint = _OBJECTS if self.names is None and _NAME.match(str(token)) else ""
            raise self._error(token, str(error), expected, hint) from error
        return Endpoint(named.address, (named.port or UNKNOWN) if with_port else None)

    def _clause(self, flow: Flow, item: Tree[Token]) -> Flow:
        if str(item.data) == "from_host":
            return replace(flow, packet=replace(flow.packet, in_interface=None))
        token = item.children[0]
        try:
            return _apply(flow, str(item.data), str(token))
        except ValueError as error:
            raise self._error(token, str(error)) from error  # type: ignore[arg-type]


def clause(flow: Flow, kind: str, word: str) -> Flow:
    """Return the flow with one clause more, as the options of the command line give them.

    Args:
        flow: to add to.
        kind: ``in``, ``mark``, ``ct``, ``flags``, ``icmp``, ``ttl``, ``tos``, ``id``, ``uid``, ``gid``, ``mac``,
            ``physin`` or ``physout``.
        word: its value.

    Raises:
        InputError: IPT040, the value cannot be one.
    """
    names = {
        "in": "in_interface", "ct": "state", "icmp": "icmp_type",
        "id": "icmp_id", "mac": "source_mac", "physin": "physical_in", "physout": "physical_out",
    }  # fmt: skip
    try:
        return _apply(flow, names.get(kind, kind), word)
    except ValueError as error:
        raise InputError(Diagnostic("IPT040", str(error), subject=f"--{kind}")) from error


def _apply(flow: Flow, kind: str, word: str) -> Flow:
    packet = flow.packet
    match kind:
        case "in_interface":
            packet = replace(packet, in_interface=word)
        case "mark":
            packet = replace(packet, mark=_number(word, 0xFFFFFFFF, "a mark of 32 bits"))
        case "state":
            return replace(flow, state=_state(word))
        case "flags":
            packet = replace(packet, flags=_flags(word, packet.protocol))
        case "icmp_type":
            kind_code = _icmp(word, packet.protocol)
            packet = replace(packet, icmp_type=kind_code[0], icmp_code=kind_code[1])
        case "icmp_id":
            if not packet.is_icmp:
                raise ValueError("only ICMP packets have an id")
            packet = replace(packet, icmp_id=_number(word, 0xFFFF, "an id of 16 bits"))
        case "ttl":
            packet = replace(packet, ttl=_number(word, 0xFF, "a time to live of 8 bits"))
        case "tos":
            packet = replace(packet, tos=_number(word, 0xFF, "a TOS byte of 8 bits"))
        case "uid" | "gid":
            owner = packet.owner if isinstance(packet.owner, Owner) else Owner()
            number = _number(word, 0xFFFFFFFF, f"a {kind} of 32 bits")
            owner = replace(owner, uid=number) if kind == "uid" else replace(owner, gid=number)
            packet = replace(packet, owner=owner)
        case "source_mac":
            packet = replace(packet, source_mac=_mac(word))
        case "physical_in":
            packet = replace(packet, physical_in=word)
        case _:
            packet = replace(packet, physical_out=word)
    return replace(flow, packet=packet)


def _number(text: str, most: int, what: str) -> int:
    value = parse_integer(text)
    if value is None or value > most:
        raise ValueError(f"{text} is not {what}")
    return value


def _mac(text: str) -> bytes:
    words = text.split(":")
    if len(words) != 6 or not all(1 <= len(word) <= 2 and set(word) <= set(hexdigits) for word in words):
        raise ValueError(f"{text} is not a MAC address such as 00:11:22:aa:bb:cc")
    return bytes(int(word, 16) for word in words)


def read_endpoint(text: str, *, with_port: bool) -> Endpoint:
    """Read ``ADDRESS``, ``ADDRESS:PORT`` or ``[ADDRESS]:PORT``; ``*`` is a port that is not known.

    Raises:
        ValueError: it is none of these, or has a port where the protocol has none.
    """
    bare = _address(text)
    if bare is not None:
        return Endpoint(bare, UNKNOWN if with_port else None)
    found = _ENDPOINT.fullmatch(text)
    address = _address(found["six"] or found["four"] or "") if found else None
    if found is None or address is None:
        raise ValueError(f"{text} is not an address with a port")
    port = found["port6"] or found["port4"]
    if not with_port:
        raise ValueError(f"{text} has a port, which this protocol has not")
    if port == "*":
        return Endpoint(address, UNKNOWN)
    number = parse_integer(port or "")
    if number is None or number > 65535:
        raise ValueError(f"{port or 'nothing'} is not a port 0-65535")
    return Endpoint(address, number)


def _address(text: str) -> Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _state(text: str) -> State:
    try:
        return State(text.upper())
    except ValueError:
        names = ", ".join(state.lower() for state in State)
        raise ValueError(f"{text} is not a state: one of {names}") from None


def _flags(text: str, protocol: int) -> frozenset[str]:
    if protocol != TCP:
        raise ValueError("only TCP packets have flags")
    names = [] if text.lower() == "none" else text.upper().split(",")
    for name in names:
        if name not in TCP_FLAGS:
            raise ValueError(f"{name} is not a TCP flag: {', '.join(TCP_FLAGS)}")
    return frozenset(names)


def _icmp(text: str, protocol: int) -> tuple[int, int]:
    if protocol not in {ICMP, ICMPV6}:
        raise ValueError("only ICMP packets have a type")
    for name, kind, code in ICMP_TYPES if protocol == ICMP else ICMPV6_TYPES:
        if name.lower() == text.lower() and (protocol == ICMPV6 or kind != ANY):
            return kind, code or 0
    kind_text, _, code_text = text.partition("/")
    kind_number, code_number = parse_integer(kind_text), parse_integer(code_text or "0")
    if kind_number is None or code_number is None or max(kind_number, code_number) > 255:
        raise ValueError(f"{text} is not an ICMP type")
    return kind_number, code_number
