"""scapy packets and pcap files <-> Packet. scapy takes two seconds to import, so that happens inside the functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from iptc_sim.diagnostics import Diagnostic, InputError
from iptc_sim.packet import Packet
from iptc_sim.protocols import ICMP, ICMPV6, PORT_PROTOCOLS, SCTP, TCP, TCP_FLAGS, UDP
from iptc_sim.values import UNKNOWN, Family, Interface

_FLAG_LETTERS = dict(zip("FSRPAU", TCP_FLAGS, strict=True))

#: What a value that is not known becomes in bytes.
_ANY_PORT = 33000
_ANY_ADDRESS = {Family.IPV4: "0.0.0.0", Family.IPV6: "::"}  # noqa: S104 - the unspecified address


def is_scapy(packet: object) -> bool:
    """Whether an object is a scapy packet, without importing scapy."""
    return any(base.__module__.startswith("scapy.") for base in type(packet).__mro__)


def _missing() -> InputError:
    hint = "pip install 'iptc-sim[pcap]'"
    return InputError(
        Diagnostic("IPT041", "pcap files and scapy packets need scapy, which is not installed", hint=hint)
    )


def from_scapy(packet: Any, in_interface: Interface = UNKNOWN) -> Packet:
    """Turn a scapy packet (with an IP or IPv6 layer) into a Packet.

    Args:
        packet: the scapy packet, Ethernet header or not.
        in_interface: by which it comes in; None: this node makes it.

    Raises:
        InputError: IPT041, it holds no IP packet.
    """
    from scapy.layers.inet import IP  # noqa: PLC0415 - heavy
    from scapy.layers.inet6 import IPv6  # noqa: PLC0415 - heavy

    layer = packet.getlayer(IP) or packet.getlayer(IPv6)
    if layer is None:
        raise InputError(Diagnostic("IPT041", f"the packet {packet.summary()} holds no IP packet"))
    raw = bytes(layer)
    layer = type(layer)(raw)  # what was left to scapy (protocol, lengths, checksums) is filled in
    transport = _transport(layer)
    found = Packet(
        ip_address(layer.src),
        ip_address(layer.dst),
        transport[0],
        flags=frozenset(),
        in_interface=in_interface,
        raw=raw,
    )
    header = transport[1]
    if header is None:
        return found
    if found.protocol in {ICMP, ICMPV6}:
        return replace(found, icmp_type=int(header.type), icmp_code=int(header.code))
    flags = (
        frozenset(_FLAG_LETTERS[flag] for flag in str(header.flags) if flag in _FLAG_LETTERS)
        if found.protocol == TCP
        else frozenset()
    )
    return replace(found, sport=int(header.sport), dport=int(header.dport), flags=flags)


def _transport(layer: Any) -> tuple[int, Any]:
    """Return protocol number and transport header; a later fragment has none."""
    from scapy.layers.inet import ICMP as ICMP_LAYER  # noqa: PLC0415 - heavy
    from scapy.layers.inet import TCP as TCP_LAYER  # noqa: PLC0415 - heavy
    from scapy.layers.inet import UDP as UDP_LAYER  # noqa: PLC0415 - heavy
    from scapy.layers.sctp import SCTP as SCTP_LAYER  # noqa: PLC0415 - heavy

    known = {TCP: TCP_LAYER, UDP: UDP_LAYER, SCTP: SCTP_LAYER, ICMP: ICMP_LAYER}
    for number, cls in known.items():
        header = layer.getlayer(cls)
        if header is not None and (layer.version == 6 or layer.proto == number):
            return number, header
    if layer.version == 4:
        return int(layer.proto), None
    if "ICMPv6" in type(layer.payload).__name__:
        return ICMPV6, layer.payload
    return int(layer.nh), None


def to_scapy(packet: Packet) -> Any:
    """Turn a Packet into a scapy packet; what is not known becomes 0.0.0.0 (``::``) or port 33000.

    Bytes that were captured are kept, with the addresses and ports of ``packet`` written into them.
    """
    from scapy.layers.inet import IP  # noqa: PLC0415 - heavy
    from scapy.layers.inet6 import IPv6  # noqa: PLC0415 - heavy

    cls = IP if packet.family is Family.IPV4 else IPv6
    if packet.raw is not None:
        layer = cls(packet.raw)
        for name in ("chksum", "len", "plen"):
            if name in layer.fields:
                delattr(layer, name)
    else:
        field = {"proto": packet.protocol} if packet.family is Family.IPV4 else {"nh": packet.protocol}
        layer = cls(**field) / _header(packet)
    layer.src, layer.dst = _text(packet, "source"), _text(packet, "destination")
    _, header = _transport(layer)
    if header is not None and packet.protocol in PORT_PROTOCOLS:
        header.sport = packet.sport if isinstance(packet.sport, int) else _ANY_PORT
        header.dport = packet.dport if isinstance(packet.dport, int) else _ANY_PORT
    if header is not None and "chksum" in header.fields:
        del header.chksum
    return cls(bytes(layer))


def _text(packet: Packet, side: str) -> str:
    address = getattr(packet, side)
    return _ANY_ADDRESS[packet.family] if address is UNKNOWN else str(address)


def _header(packet: Packet) -> Any:
    from scapy.layers.inet import ICMP as ICMP_LAYER  # noqa: PLC0415 - heavy
    from scapy.layers.inet import TCP as TCP_LAYER  # noqa: PLC0415 - heavy
    from scapy.layers.inet import UDP as UDP_LAYER  # noqa: PLC0415 - heavy
    from scapy.layers.inet6 import ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6Unknown  # noqa: PLC0415 - heavy
    from scapy.layers.sctp import SCTP as SCTP_LAYER  # noqa: PLC0415 - heavy
    from scapy.packet import Raw  # noqa: PLC0415 - heavy

    match packet.protocol:
        case 6:
            return TCP_LAYER(flags="".join(letter for letter, name in _FLAG_LETTERS.items() if name in packet.flags))
        case 17:
            return UDP_LAYER()
        case 132:
            return SCTP_LAYER()
        case 1:
            return ICMP_LAYER(type=packet.icmp_type or 0, code=packet.icmp_code or 0)
        case 58:
            known = {128: ICMPv6EchoRequest, 129: ICMPv6EchoReply}.get(packet.icmp_type or 0)
            return known(code=packet.icmp_code or 0) if known else ICMPv6Unknown(type=packet.icmp_type or 0)
        case _:
            return Raw(b"")


def read_pcap(path: Path, in_interface: Interface = UNKNOWN) -> Iterator[Packet]:
    """Yield the IP packets of a pcap or pcapng file; other frames are passed over.

    Raises:
        InputError: IPT001 (cannot be read), IPT041 (not a capture, or scapy is missing).
    """
    try:
        from scapy.error import Scapy_Exception  # noqa: PLC0415 - heavy
        from scapy.layers.inet import IP  # noqa: PLC0415 - heavy; importing it tells scapy what raw IP captures hold
        from scapy.layers.inet6 import IPv6  # noqa: PLC0415 - heavy
        from scapy.utils import PcapReader  # noqa: PLC0415 - heavy
    except ImportError as error:
        raise _missing() from error
    try:
        with path.open("rb") as file, PcapReader(file) as reader:
            for frame in reader:
                if frame.haslayer(IP) or frame.haslayer(IPv6):
                    yield from_scapy(frame, in_interface)
    except OSError as error:
        raise InputError(
            Diagnostic("IPT001", f"cannot read it: {(error.strerror or str(error)).lower()}", subject=str(path))
        ) from error
    except (Scapy_Exception, EOFError) as error:
        raise InputError(Diagnostic("IPT041", "this is not a pcap or pcapng file", subject=str(path))) from error


def write_pcap(path: Path, packets: Iterable[Packet]) -> None:
    """Write packets to a pcap file of raw IP packets (link type 101).

    Raises:
        InputError: IPT001 (cannot be written), IPT041 (scapy is missing).
    """
    try:
        from scapy.utils import RawPcapWriter  # noqa: PLC0415 - heavy
    except ImportError as error:
        raise _missing() from error
    frames = [bytes(to_scapy(packet)) for packet in packets]
    try:
        with RawPcapWriter(str(path), linktype=101) as writer:
            writer.write_header(None)
            for number, frame in enumerate(frames):  # numbered, not timed: the same trace gives the same file
                writer.write_packet(frame, sec=0, usec=number)
    except OSError as error:
        raise InputError(
            Diagnostic("IPT001", f"cannot write it: {(error.strerror or str(error)).lower()}", subject=str(path))
        ) from error
