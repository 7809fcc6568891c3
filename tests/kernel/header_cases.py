"""Packets as bytes, and conditions on their headers: what the simulator says of them is compared with the kernel."""

from __future__ import annotations

import struct
from ipaddress import ip_address
from typing import Final

from iptc_sim.packet import Packet
from iptc_sim.records import replace
from iptc_sim.wire.headers import Datagram
from iptc_sim.wire.packets import checksum, packet_bytes, with_transport

CLIENT, SERVER = ip_address("10.0.0.5"), ip_address("198.51.100.7")
CLIENT6, SERVER6 = ip_address("2001:db8:2::5"), ip_address("2001:db8:9::7")
SYN: Final = Packet(CLIENT, SERVER, 6, 33000, 80, in_interface="eth1")
DATAGRAM: Final = replace(SYN, protocol=17, flags=frozenset(), dport=53)


def four(packet: Packet, segment: bytes = b"", *, fragment: int = 0) -> bytes:
    """Return an IPv4 packet with something behind its header, and the word of the fragment fields."""
    data = bytearray(packet_bytes(replace(packet, protocol=253)) + segment)
    data[2:4], data[6:8], data[9] = len(data).to_bytes(2), fragment.to_bytes(2), packet.protocol
    data[10:12] = bytes(2)
    data[10:12] = checksum(bytes(data[:20])).to_bytes(2)
    return bytes(data)


def tcp(options: bytes = b"", payload: bytes = b"", packet: Packet = SYN, *, offset: int = 0, flags: int = 0) -> bytes:
    """Return a TCP packet with options, padded by zeros; ``offset`` is a wrong length of its header."""
    segment = bytearray(packet_bytes(packet)[20 if packet.source.version == 4 else 40 :])  # type: ignore[union-attr]
    padded = options + bytes(-len(options) % 4)
    segment[12] = (offset or 5 + len(padded) // 4) << 4
    segment[13] |= flags
    return packet_bytes(with_transport(packet, bytes(segment) + padded + payload))


def sctp(*chunks: tuple[int, int, int]) -> bytes:
    """Return an SCTP packet with chunks of a type, flags, and length."""
    data = b"".join(
        struct.pack("!BBH", kind, flags, length).ljust(length + 3 & ~3, b"\1") for kind, flags, length in chunks
    )
    return four(replace(SYN, protocol=132), struct.pack("!HHII", 33000, 80, 7, 0) + data)


def dccp(kind: int, options: bytes = b"", *, offset: int = 0) -> bytes:
    fixed = {0: 4, 1: 12, 2: 0, 3: 8, 7: 12}.get(kind, 8)
    whole = 16 + fixed + len(options)
    head = struct.pack("!HHBBHBBHI", 33000, 80, offset or whole // 4, 0, 0, kind << 1 | 1, 0, 0, 1)
    return four(replace(SYN, protocol=33), head + bytes(fixed) + options)


def six(*headers: tuple[int, bytes], last: int = 59, payload: bytes = b"", packet: Packet | None = None) -> bytes:
    """Return an IPv6 packet with extension headers; of each the kind, and what follows its first byte."""
    kinds = [kind for kind, _ in headers] + [last]
    body = (
        b"".join(bytes([following]) + data for (_, data), following in zip(headers, kinds[1:], strict=True)) + payload
    )
    ttl, tos = (packet.ttl, packet.tos) if packet else (64, 0)
    first = 6 << 28 | tos << 20
    return struct.pack("!IHBB", first, len(body), kinds[0], ttl) + CLIENT6.packed + SERVER6.packed + body


def numbered(packets: list[bytes]) -> list[bytes]:
    """Give every packet an id or flow label of its own, by which a trace tells them apart."""
    found = []
    for number, packet in enumerate(packets, 0x201):
        data = bytearray(packet)
        if data[0] >> 4 == 6:
            data[2:4] = number.to_bytes(2)
        else:
            data[4:6] = number.to_bytes(2)
            data[10:12] = bytes(2)
            data[10:12] = checksum(bytes(data[: (data[0] & 15) * 4])).to_bytes(2)
        found.append(bytes(data))
    return found


TEXT = b"hello GET /Index\xe4\xff\xdf\xf7 world"
MSS = b"\x02\x04\x05\xb4"
UDP_HEAD = struct.pack("!HHHH", 33000, 53, 16, 0)
AH4 = struct.pack("!BBHII", 59, 1, 0, 0x100, 1)

PACKETS4: Final = [
    tcp(),
    tcp(MSS),
    tcp(bytes(4) + MSS),
    tcp(b"\1\1\1" + MSS),
    tcp(b"\x02\x03\x05\xb4"),
    tcp(b"\x08\x00\x01\x01" + MSS),
    tcp(b"\x03\x03\x07\x01\x05\x0a" + bytes(8)),
    tcp(b"\1\1\1\2"),
    tcp(b"", TEXT),
    tcp(b"", TEXT, replace(SYN, ttl=9, tos=0xB9, flags=frozenset({"PSH", "ACK"})), flags=0xC0),
    tcp(b"", b"", replace(SYN, ttl=255, tos=0x10), flags=0x40),
    four(DATAGRAM, UDP_HEAD + bytes(8)),
    four(DATAGRAM, UDP_HEAD + bytes(8), fragment=0x2000),
    four(DATAGRAM, b"behind the first" * 2, fragment=0x2010),
    four(DATAGRAM, b"the last of them", fragment=0x20),
    four(replace(SYN, protocol=50), struct.pack("!II", 0x1234, 1)),
    four(replace(SYN, protocol=51), AH4),
    four(replace(SYN, protocol=108), struct.pack("!BBH", 6, 1, 0x55)),
    four(replace(SYN, protocol=108), struct.pack("!BBH", 6, 0, 0)),
    four(replace(SYN, protocol=50), b"\1\2\3\4"),
    four(replace(SYN, protocol=108), b"\1"),
    four(replace(SYN, protocol=1), struct.pack("!BBHHH", 8, 0, 0, 1, 1)),
    sctp((1, 0, 20)),
    sctp((0, 3, 20)),
    sctp((0, 3, 17), (3, 0, 16)),
    sctp((0, 3, 17), (0, 5, 16), (6, 1, 4)),
    sctp((6, 0, 4)),
    sctp((64, 1, 20), (192, 0, 8)),
    sctp((200, 0, 8)),
    sctp((1, 0, 0)),
    sctp(),
    dccp(0),
    dccp(0, b"\1\1\1\1"),
    dccp(1, b"\x20\x04\0\0"),
    dccp(2, b"\0\0\0\x29"),
    dccp(7),
    dccp(10, bytes(4)),
    dccp(12, bytes(4)),
    dccp(12),
    dccp(15, bytes(4)),
    dccp(0, offset=4),
    tcp(offset=4),
    tcp(offset=8),
]  # fmt: skip

OPTIONS4: Final = [
    "-p tcp -m tcpmss --mss 1460", "-p tcp -m tcpmss ! --mss 1460", "-p tcp -m tcpmss --mss 536:1460",
    "-p tcp --tcp-option 2", "-p tcp ! --tcp-option 2", "-p tcp --tcp-option 3", "-p tcp ! --tcp-option 5",
    "-p tcp ! --dport 81", "-p udp --dport 53", "-p udp ! --dport 54", "-p udp -m multiport ! --dports 1,2",
    "-p udp -m multiport ! --ports 1,2", "-p icmp --icmp-type 8", "-p icmp ! --icmp-type 0",
    "-f", "! -f", "-p udp -f",
    "-m length --length 40", "-m length ! --length 40:60", "-m length --length 61:",
    "-m ttl --ttl-eq 64", "-m ttl ! --ttl-eq 64", "-m ttl --ttl-lt 64", "-m ttl --ttl-gt 64", "-m ttl --ttl-gt 254",
    "-m dscp --dscp 0x2e", "-m dscp ! --dscp 0x2e", "-m dscp --dscp-class CS0", "-m tos --tos 0x10", "-m tos ! --tos 0x10",
    "-m tos --tos Minimize-Delay", "-m tos --tos 0xb8/0xfc", "-m tos --tos 0x11/0x10",
    "-m ecn --ecn-ip-ect 1", "-m ecn ! --ecn-ip-ect 0",
    "-p tcp -m ecn --ecn-tcp-ece", "-p tcp -m ecn ! --ecn-tcp-cwr", "-p tcp -m ecn --ecn-tcp-ece --ecn-tcp-cwr",
    "-p esp -m esp --espspi 0x1234", "-p esp -m esp ! --espspi 0x1234", "-p esp -m esp --espspi 0:0x1233", "-p esp -m esp",
    "-p ah -m ah --ahspi 0x100", "-p ah -m ah ! --ahspi 1:0xff", "-p ah -m ah",
    "-p ipcomp -m ipcomp --ipcompspi 0x55", "-p ipcomp -m ipcomp ! --ipcompspi 0x55", "-p ipcomp -m ipcomp",
    "-p ipcomp -m ipcomp --ipcompspi 0x55 --compres",
    '-m string --string GET --algo bm', '-m string --string get --algo bm', '-m string --string get --algo bm --icase',
    '-m string --string get --algo kmp --icase', '-m string --string GET --algo kmp --from 46',
    '-m string --string GET --algo kmp --from 47', '-m string --string GET --algo kmp --to 49',
    '-m string --string GET --algo kmp --to 48', '-m string --string GET --algo bm --to 48',
    '-m string ! --string GET --algo kmp --to 48', '-m string --string GET --algo bm --from 46 --to 49',
    '-m string --hex-string "|c4df|" --algo bm --icase', '-m string --hex-string "|e4ff|" --algo kmp --icase',
    '-m string --hex-string "|c4ff|" --algo kmp --icase', '-m string --hex-string "|c4dfdff7|" --algo bm --icase',
    '-m string --hex-string "|c4dfbfd7|" --algo bm --icase', '-m string --hex-string "INDEX|c4|" --algo bm --icase',
    '-m string --hex-string "|0a000005c6336407|" --algo bm', '-m string --string "world" --algo kmp --from 1000',
    '-m u32 --u32 "6&0xFF=6"', '-m u32 ! --u32 "6&0xFF=6"', '-m u32 --u32 "6&0xFF=1,17"', '-m u32 --u32 "0>>22&0x3C@12>>26&0x3C@0=0x68656c6c"',
    '-m u32 --u32 "0>>22&0x3C@0>>16=33000"', '-m u32 --u32 "36=0"', '-m u32 ! --u32 "37=0"', '-m u32 --u32 "40=0:0xffffffff"',
    '-m u32 --u32 "12=0x0a000005 && 16=0xc6336407"', '-m u32 --u32 "0&0xFFFF=40:44 && 8>>24=64"', '-m u32 --u32 "4=0:0xffffffff"',
    '-m u32 --u32 "12@0=0"', '-m u32 ! --u32 "12@0=0"', '-m u32 --u32 "12<<4>>4=0xa000005"', '-m u32 ! --u32 "0@0xffffffff=1"',
    '-m bpf --bytecode "4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0"', '-m bpf --bytecode "2,128 0 0 0,22 0 0 0"',
    '-m bpf --bytecode "5,177 0 0 0,80 0 0 13,84 0 0 2,22 0 0 0,6 0 0 9"', '-m bpf --bytecode "2,32 0 0 37,6 0 0 5"',
    '-m bpf --bytecode "6,1 0 0 3,48 0 0 8,60 0 0 0,2 0 0 5,96 0 0 5,22 0 0 0"',
    '-m bpf --bytecode "3,0 0 0 7,29 0 0 0,22 0 0 0"', '-m bpf --bytecode "3,1 0 0 0,60 0 0 0,6 0 0 1"',
    '-m bpf --bytecode "4,48 0 0 4293918729,21 0 1 17,6 0 0 1,6 0 0 0"', '-m bpf --bytecode "3,0 0 0 1,132 0 0 0,22 0 0 0"',
    "-p sctp --chunk-types any INIT", "-p sctp ! --chunk-types any INIT", "-p sctp --chunk-types all DATA,SACK",
    "-p sctp --chunk-types only DATA", "-p sctp --chunk-types only DATA,SACK", "-p sctp --chunk-types any DATA:Be",
    "-p sctp --chunk-types all DATA:Be,ABORT:T", "-p sctp --chunk-types only DATA:B,ABORT:t", "-p sctp --chunk-types any ABORT:t",
    "-p sctp --chunk-types any I_DATA,FORWARD_TSN", "-p sctp --chunk-types any ALL", "-p sctp --chunk-types only NONE",
    "-p sctp --chunk-types all ALL", "-p sctp ! --dport 81", "-p sctp --chunk-types only DATA:BE,ABORT",
    "-p dccp -m dccp --dccp-types REQUEST", "-p dccp -m dccp ! --dccp-types REQUEST,RESPONSE",
    "-p dccp -m dccp --dccp-types INVALID", "-p dccp -m dccp --dport 80", "-p dccp -m dccp --dccp-option 1",
    "-p dccp -m dccp ! --dccp-option 1", "-p dccp -m dccp --dccp-option 32", "-p dccp -m dccp --dccp-option 41",
]  # fmt: skip

PADDED: Final = b"\0\1\4" + bytes(4)  # a length of 8 bytes, and a PadN of six
OPTIONS_16: Final = b"\1\5\2\0\0\3\1\7\0\0\1\4" + bytes(3)
ADDRESSES: Final = b"".join(ip_address(f"2001:db8::{number}").packed for number in (1, 2, 3))


def routing(kind: int, left: int, addresses: bytes, word: bytes = bytes(4)) -> tuple[int, bytes]:
    return 43, bytes([len(addresses) // 8, kind, left]) + word + addresses


def fragment(word: int, identifier: int, reserved: int = 0) -> tuple[int, bytes]:
    return 44, struct.pack("!BHI", reserved, word, identifier)


TCP6: Final = replace(SYN, source=CLIENT6, destination=SERVER6)
TCP_HEAD: Final = tcp(packet=TCP6)[40:]
ICMP6: Final = struct.pack("!BBHHH", 128, 0, 0, 1, 1)
MH: Final = struct.pack("!BBBBHHI", 59, 1, 5, 0, 0, 0, 0) + bytes(4)

PACKETS6: Final = [
    six(last=6, payload=TCP_HEAD),
    six(last=59),
    six((60, PADDED), last=6, payload=TCP_HEAD),
    six((60, b"\1" + OPTIONS_16[1:]), last=17, payload=UDP_HEAD),
    six((60, b"\1\5\2\0\0\3\1\7\0\0\1\3" + bytes(3)), last=17, payload=UDP_HEAD),
    six((0, PADDED), last=6, payload=TCP_HEAD),
    six((0, b"\0\5\2\0\0\1\0"), (60, PADDED), last=6, payload=TCP_HEAD),
    six((0, PADDED), (43, routing(0, 1, ADDRESSES)[1]), (60, PADDED), (51, struct.pack("!BHII", 1, 0, 0x100, 1)), last=6, payload=TCP_HEAD),
    six((51, struct.pack("!BHII", 1, 7, 0x101, 1)), last=6, payload=TCP_HEAD),
    six((51, struct.pack("!BHIII", 2, 0, 0x100, 1, 5)), last=6, payload=TCP_HEAD),
    six(last=50, payload=struct.pack("!II", 0x1234, 1)),
    six((60, PADDED), last=50, payload=struct.pack("!II", 0x1235, 1)),
    six(fragment(1, 77), last=17, payload=UDP_HEAD + bytes(8)),
    six(fragment(0x81, 77), last=17, payload=bytes(16)),
    six(fragment(0x88, 78, 3), last=6, payload=bytes(16)),
    six(fragment(6, 79), last=6, payload=TCP_HEAD),
    six((60, PADDED), fragment(0x10, 80), last=17, payload=bytes(16)),
    six(routing(4, 2, ADDRESSES, b"\2\0\7\0"), last=6, payload=TCP_HEAD),
    six(routing(0, 0, ADDRESSES), last=6, payload=TCP_HEAD),
    six(routing(0, 2, ADDRESSES, b"\0\0\0\1"), last=6, payload=TCP_HEAD),
    six(routing(2, 1, ADDRESSES[:16]), last=6, payload=TCP_HEAD),
    six(routing(4, 1, ADDRESSES, b"\2\0\0\7"), last=6, payload=TCP_HEAD),
    six(routing(4, 0, ADDRESSES, b"\2\0\0\7"), last=41, payload=six(last=59)),
    six(routing(4, 2, ADDRESSES, b"\2\0\1\0"), last=6, payload=TCP_HEAD),
    six(routing(4, 3, ADDRESSES, b"\2\0\0\7"), last=6, payload=TCP_HEAD),
    six(last=135, payload=MH),
    six(last=135, payload=b"\6" + MH[1:]),
    six((60, PADDED), last=135, payload=MH[:2] + b"\0" + MH[3:]),
    six(last=58, payload=ICMP6),
    six((0, PADDED), last=58, payload=ICMP6),
    six(last=132, payload=struct.pack("!HHII", 33000, 80, 7, 0) + b"\1\0\0\4"),
    six(last=6, payload=TCP_HEAD, packet=replace(TCP6, ttl=7, tos=0xB9)),
]  # fmt: skip

#: Packets whose headers are cut: a match that meets one drops the packet, or finds nothing.
BROKEN6: Final = [
    six((60, b"\7" + bytes(6)), last=6),
    six((60, b"\3" + bytes(6)), last=6, payload=TCP_HEAD),
    six((43, b"\2\0\0" + bytes(4)), last=6),
    six((60, b"\2" + bytes(6)), last=43, payload=b"\0"),
    six(last=43, payload=b"\6\0\0"),
    six(last=44, payload=b"\6\0\0\0"),
    six(last=51, payload=b"\6\1\0\0"),
    six(last=0, payload=b"\6"),
    six(last=135, payload=b"\73\1"),
    six((43, b"\6\4\0\0\0\0\0"), last=6),
]  # fmt: skip

_A1, _A2, _A3 = "2001:db8::1", "2001:db8::2", "2001:db8::3"
OPTIONS6: Final = [
    "-p tcp", "! -p tcp", "-p udp", "-p esp", "-p ipv6-icmp", "-p tcp --dport 80", "-p tcp ! --dport 81", "-p udp ! --dport 1",
    "-p ipv6-icmp --icmpv6-type 128", "-m length --length 60", "-m length ! --length 0:80",
    "-m hl --hl-eq 64", "-m hl --hl-lt 64", "-m hl --hl-gt 7", "-m dscp --dscp 46", "-m tos --tos 0xb9", "-m ecn --ecn-ip-ect 1",
    "-m dst", "-m dst --dst-len 8", "-m dst ! --dst-len 8", "-m dst --dst-opts 1", "-m dst --dst-opts 1:4", "-m dst --dst-opts 1:3",
    "-m dst --dst-opts 5:2,3:1", "-m dst --dst-opts 5:2,3:1,0,0,1:4", "-m dst --dst-opts 5,3:2", "-m dst --dst-opts 5,3,0,0,1:3",
    "-m dst --dst-opts 5,3,0,0,1,7", "-m dst --dst-len 16 --dst-opts 5", "-m dst ! --dst-len 16 --dst-opts 5",
    "-m dst --dst-opts 0", "-m dst --dst-opts 0,0,0,0,0,0", "-m dst --dst-opts 0,0,0,0,0,0,0",
    "-m hbh", "-m hbh --hbh-len 8", "-m hbh ! --hbh-len 8 --hbh-opts 5,1", "-m hbh --hbh-opts 1:4", "-m hbh --hbh-opts 5,1", "-m hbh --hbh-opts 5:2,1:0",
    "-m frag", "-m frag --fragid 77", "-m frag ! --fragid 77", "-m frag --fragid 78:80", "-m frag --fraglen 8", "-m frag --fraglen 9",
    "-m frag --fragres", "-m frag --fragfirst", "-m frag --fragmore", "-m frag --fraglast", "-m frag --fragid 77 --fragmore --fragfirst",
    "-m ah", "-m ah --ahspi 0x100", "-m ah ! --ahspi 0x100", "-m ah --ahlen 12", "-m ah ! --ahlen 12", "-m ah --ahres",
    "-p esp -m esp --espspi 0x1234", "-p esp -m esp ! --espspi 0x1234",
    "-m rt", "-m rt --rt-type 0", "-m rt ! --rt-type 0", "-m rt --rt-segsleft 1:2", "-m rt ! --rt-segsleft 1:2", "-m rt --rt-len 56",
    "-m rt ! --rt-len 56", "-m rt --rt-type 0 --rt-0-res", f"-m rt --rt-type 0 --rt-0-addrs {_A1},{_A2},{_A3}",
    f"-m rt --rt-type 0 --rt-0-addrs {_A1},{_A2}", f"-m rt --rt-type 0 --rt-0-addrs {_A1},{_A3} --rt-0-not-strict",
    f"-m rt --rt-type 0 --rt-0-addrs {_A3},{_A1} --rt-0-not-strict", f"-m rt --rt-type 0 --rt-0-addrs {_A2} --rt-0-not-strict",
    "-p mh -m mh --mh-type 5", "-p mh -m mh ! --mh-type 5", "-p mh -m mh --mh-type brr:hot", "-p mh -m mh",
    "-m srh", "-m srh --srh-next-hdr 6", "-m srh ! --srh-next-hdr 6", "-m srh --srh-hdr-len-eq 6", "-m srh --srh-hdr-len-gt 6",
    "-m srh --srh-hdr-len-lt 7", "-m srh ! --srh-hdr-len-lt 7", "-m srh --srh-segs-left-eq 1", "-m srh --srh-segs-left-gt 1",
    "-m srh --srh-segs-left-lt 1", "-m srh ! --srh-segs-left-gt 1", "-m srh --srh-last-entry-eq 2", "-m srh --srh-last-entry-gt 1",
    "-m srh --srh-last-entry-lt 2", "-m srh --srh-tag 7", "-m srh ! --srh-tag 7",
    f"-m srh --srh-psid {_A3}", f"-m srh ! --srh-psid {_A3}", f"-m srh --srh-nsid {_A1}", f"-m srh ! --srh-nsid {_A1}",
    f"-m srh --srh-lsid {_A1}", "-m srh --srh-lsid 2001:db8::/64", f"-m srh ! --srh-lsid {_A1}", f"-m srh --srh-nsid {_A2}",
    "-m ipv6header --header dst", "-m ipv6header --header dst,prot", "-m ipv6header ! --header dst,prot", "-m ipv6header --header dst --soft",
    "-m ipv6header ! --header dst --soft", "-m ipv6header --header prot", "-m ipv6header --header none", "-m ipv6header --header hop,dst --soft",
    "-m ipv6header ! --header hop,dst --soft", "-m ipv6header --header frag,prot", "-m ipv6header --header esp", "-m ipv6header --header auth,prot",
    "-m ipv6header --header route --soft", "-m ipv6header --header esp,dst", "-m ipv6header --header none --soft",
    '-m u32 --u32 "4>>8&0xFF=6"', '-m string --hex-string "|20010db8|" --algo bm --from 8', '-m bpf --bytecode "4,48 0 0 6,21 0 1 6,6 0 0 1,6 0 0 0"',
    '-m bpf --bytecode "4,40 0 0 4294963200,21 0 1 34525,6 0 0 1,6 0 0 0"',
]  # fmt: skip


def is_later_fragment(data: bytes) -> bool:
    """Whether an IPv6 packet is a later fragment."""
    found = Datagram.of(data)
    return found is not None and found.offset > 0
