"""scapy packets and pcap files <-> Packet. scapy takes two seconds to import, so that happens inside the functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any

from iptc_sim.diagnostics import Diagnostic, InputError
from iptc_sim.packet import Packet
from iptc_sim.records import replace
from iptc_sim.values import UNKNOWN, Address, Family, Interface
from iptc_sim.wire.packets import packet_bytes, read_packet

#: What a value that is not known becomes in bytes.
_ANY_PORT = 33000
_ANY_ADDRESS: dict[Family, Address] = {Family.IPV4: IPv4Address(0), Family.IPV6: IPv6Address(0)}


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
    from scapy.layers.l2 import Ether  # noqa: PLC0415 - heavy

    layer = packet.getlayer(IP) or packet.getlayer(IPv6)
    if layer is None:
        raise InputError(Diagnostic("IPT041", f"the packet {packet.summary()} holds no IP packet"))
    found = read_packet(bytes(layer), in_interface)  # what was left to scapy (lengths, checksums) is filled in
    if found is None:
        raise InputError(Diagnostic("IPT041", f"the packet {packet.summary()} has no whole IP header"))
    frame = packet.getlayer(Ether)
    source = None if frame is None or in_interface is None else frame.fields.get("src")
    return found if source is None else replace(found, source_mac=bytes.fromhex(source.replace(":", "")))


def to_scapy(packet: Packet) -> Any:
    """Turn a Packet into a scapy packet; what is not known becomes 0.0.0.0 (``::``) or port 33000.

    Bytes that were captured are kept, with what has changed since written into them.
    """
    from scapy.layers.inet import IP  # noqa: PLC0415 - heavy
    from scapy.layers.inet6 import IPv6  # noqa: PLC0415 - heavy

    if packet.sport is UNKNOWN:
        packet = replace(packet, sport=_ANY_PORT)
    if packet.dport is UNKNOWN:
        packet = replace(packet, dport=_ANY_PORT)
    if packet.source is UNKNOWN:
        packet = replace(packet, source=_ANY_ADDRESS[packet.family])
    if packet.destination is UNKNOWN:
        packet = replace(packet, destination=_ANY_ADDRESS[packet.family])
    cls = IP if packet.family is Family.IPV4 else IPv6
    return cls(packet_bytes(packet))


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
