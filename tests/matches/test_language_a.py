"""Options of the matches from ah to mac. Expected values: what iptables 1.8.9 (nft) prints, accepts and refuses."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from iptc_sim import Family, InputError, parse, write_rule
from iptc_sim.match import Match, No, Unclear, Yes
from iptc_sim.matches.connlimit import Connlimit
from iptc_sim.matches.hashlimit import Hashlimit
from iptc_sim.matches.limit import Limit
from iptc_sim.moment import Hook, Moment
from iptc_sim.node import Node
from iptc_sim.packet import Packet
from iptc_sim.value_types.rate import ByteBurst, ByteRate, Rate

HASH = "-m hashlimit --hashlimit-name f"


def match_of(args: str, family: Family = Family.IPV4) -> Match:
    chain = parse(f"*filter\n-A FORWARD {args}\nCOMMIT\n", family=family).chain("filter", "FORWARD")
    assert chain is not None
    return chain.rules[0].matches[0]


def canonical(args: str, family: Family = Family.IPV4) -> str:
    chain = parse(f"*filter\n-A FORWARD {args}\nCOMMIT\n", family=family).chain("filter", "FORWARD")
    assert chain is not None
    return write_rule(chain.rules[0])


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ("-p ah -m ah ! --ahspi 0", "-p ah -m ah ! --ahspi 0"),
        ("-p ah --ahspi 3:", "-p ah -m ah --ahspi 3:4294967295"),
        ("-p ah -m ah ! --ahspi :", "-p ah -m ah"),
        ("-p esp -m esp --espspi :32", "-p esp -m esp --espspi 0:32"),
        ("-p esp -m esp --espspi 4:3", "-p esp -m esp --espspi 4:3"),
        ("-p ipcomp -m ipcomp ! --ipcompspi 18 -j ACCEPT", "-p ipcomp -m ipcomp ! --ipcompspi 18 -j ACCEPT"),
        ("-p ipcomp -m ipcomp", "-p ipcomp -m ipcomp --ipcompspi 0"),
        ("-p ipcomp -m ipcomp ! --ipcompspi : --compres", "-p ipcomp -m ipcomp --compres"),
        (
            '-m bpf --bytecode "4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0,"',
            '-m bpf --bytecode "4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0"',
        ),
        ('-m bpf --bytecode "1, 6 0  0 1"', '-m bpf --bytecode "1,6 0 0 1"'),
        ("-m cgroup ! --cgroup 0x10", "-m cgroup ! --cgroup 16"),
        ("-m cgroup --path /", '-m cgroup --path "/"'),
        (
            "-m cluster --cluster-hash-seed 9 --cluster-total-nodes 32 ! --cluster-local-node 32",
            "-m cluster ! --cluster-local-nodemask 0x80000000 --cluster-total-nodes 32 --cluster-hash-seed 0x00000009",
        ),
        (
            "-m cluster --cluster-total-nodes 2 --cluster-local-nodemask 0x3 --cluster-hash-seed 5",
            "-m cluster --cluster-local-nodemask 0x00000003 --cluster-total-nodes 2 --cluster-hash-seed 0x00000005",
        ),
        (
            "-m connbytes --connbytes-dir both --connbytes-mode avgpkt ! --connbytes 1:2",
            "-m connbytes ! --connbytes 1:2 --connbytes-mode avgpkt --connbytes-dir both",
        ),
        (
            "-m connbytes --connbytes 1000: --connbytes-mode packets --connbytes-dir original",
            "-m connbytes --connbytes 1000 --connbytes-mode packets --connbytes-dir original",
        ),
        (
            "-m connbytes ! --connbytes 5:5 --connbytes-mode bytes --connbytes-dir reply",
            "-m connbytes --connbytes 5:5 --connbytes-mode bytes --connbytes-dir reply",
        ),
        ("-m connlabel ! --label 0x29 --set", '-m connlabel ! --label "41" --set'),
        ("-m connlabel --label 40", '-m connlabel --label "40"'),
        (
            "-m connlimit ! --connlimit-above 10 -j ACCEPT",
            "-m connlimit --connlimit-upto 10 --connlimit-mask 32 --connlimit-saddr -j ACCEPT",
        ),
        (
            "-m connlimit --connlimit-daddr --connlimit-mask 255.255.0.0 --connlimit-above 3",
            "-m connlimit --connlimit-above 3 --connlimit-mask 16 --connlimit-daddr",
        ),
        (
            "-m connlimit --connlimit-upto 5 --connlimit-mask 255.0.255.0",
            "-m connlimit --connlimit-upto 5 --connlimit-mask 32 --connlimit-saddr",
        ),
        ("-m connmark --mark 0/0xffffffff", "-m connmark --mark 0x0"),
        ("-m connmark ! --mark 1/0xff", "-m connmark ! --mark 0x1/0xff"),
        ("-m cpu ! --cpu 0", "-m cpu ! --cpu 0"),
        ("-m cpu --cpu 4294967295", "-m cpu --cpu 4294967295"),
        (
            "-p dccp -m dccp --dccp-option 5 ! --dccp-types ack,REQUEST ! --dport 5 ! --sport 1:4",
            "-p dccp -m dccp ! --sport 1:4 ! --dport 5 ! --dccp-types REQUEST,ACK --dccp-option 5",
        ),
        ("-p dccp --dport :", "-p dccp -m dccp --dport 0:65535"),
        (
            "-m devgroup --dst-group 2 --src-group 0x1/0xff",
            "-m devgroup --src-group 0x1/0xff --dst-group 0x2",
        ),
        ("-m devgroup ! --src-group 0", "-m devgroup ! --src-group default"),
        ("-m dscp ! --dscp-class AF11", "-m dscp ! --dscp 0x0a"),
        ("-m dscp --dscp-class ef", "-m dscp --dscp 0x2e"),
        ("-m dscp --dscp 077", "-m dscp --dscp 0x3f"),
        (
            "-p tcp -m ecn ! --ecn-ip-ect 2 ! --ecn-tcp-cwr ! --ecn-tcp-ece",
            "-p tcp -m ecn ! --ecn-tcp-ece ! --ecn-tcp-cwr ! --ecn-ip-ect 2",
        ),
        ("-m ecn --ecn-ip-ect 1", "-m ecn --ecn-ip-ect 1"),
        ('-m helper --helper "x-1"', "-m helper --helper x-1"),
        ('-m helper ! --helper "it\'s"', '-m helper ! --helper "it\\\'s"'),
        ('-m helper --helper ""', '-m helper --helper ""'),
        (
            "-m helper --helper abcdefghijklmnopqrstuvwxyz01234567",
            "-m helper --helper abcdefghijklmnopqrstuvwxyz012",
        ),
        ("-m iprange --dst-range 10.0.0.5", "-m iprange --dst-range 10.0.0.5-10.0.0.5"),
        (
            "-m iprange ! --dst-range 2.2.2.3-2.2.2.2 --src-range 1.1.1.1-1.1.1.2",
            "-m iprange --src-range 1.1.1.1-1.1.1.2 ! --dst-range 2.2.2.3-2.2.2.2",
        ),
        ("-m length ! --length :", "-m length ! --length 0:65535"),
        ("-m length --length 4:4", "-m length --length 4"),
        ("-m mac ! --mac-source 0:AA:bb:3:4:5", "-m mac ! --mac-source 00:aa:bb:03:04:05"),
        ("-m mac --mac-source 42:01:02:03:04:05", "-m mac --mac-source 42:01:02:03:04:05"),
    ],
)
def test_canonical_form(args: str, expected: str) -> None:
    assert canonical(args) == expected
    if "--compres" not in expected:  # iptables does not read that one back either
        assert canonical(expected) == expected


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ("", "--limit 3/hour"),
        ("--limit 3", "--limit 3/sec"),
        ("--limit 7/Mi", "--limit 7/min"),
        ("--limit 300/min", "--limit 5/sec"),
        ("--limit 90/min", "--limit 90/min"),
        ("--limit 24/d", "--limit 1/hour"),
        ("--limit 9999/sec", "--limit 10000/sec"),
        ("--limit 12345/min", "--limit 208/sec"),
        ("--limit-burst 6", "--limit 3/hour --limit-burst 6"),
        ("--limit 7/min --limit-burst 0", "--limit 7/min"),
    ],
)
def test_limit(args: str, expected: str) -> None:
    assert canonical(f"-m limit {args}".rstrip()) == f"-m limit {expected}"


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ("--hashlimit 5/sec", "--hashlimit-upto 5/sec --hashlimit-burst 5 --hashlimit-name f"),
        ("! --hashlimit-upto 5/s", "--hashlimit-above 5/sec --hashlimit-burst 5 --hashlimit-name f"),
        (
            "--hashlimit-mode dstip,srcip,dstport,srcport --hashlimit-upto 10/hour",
            (
                "--hashlimit-upto 10/hour --hashlimit-burst 5 --hashlimit-mode srcip,srcport,dstip,dstport "
                "--hashlimit-name f"
            ),
        ),
        (
            "--hashlimit 60/min",
            "--hashlimit-upto 1/sec --hashlimit-burst 5 --hashlimit-name f --hashlimit-htable-expire 60000",
        ),
        (
            "--hashlimit 6/min --hashlimit-htable-expire 60000",
            "--hashlimit-upto 6/min --hashlimit-burst 5 --hashlimit-name f",
        ),
        (
            (
                "--hashlimit 5/sec --hashlimit-srcmask 24 --hashlimit-dstmask 32 --hashlimit-htable-gcinterval 1000 "
                "--hashlimit-htable-max 100 --hashlimit-htable-size 0 --hashlimit-rate-interval 7"
            ),
            (
                "--hashlimit-upto 5/sec --hashlimit-burst 5 --hashlimit-name f --hashlimit-htable-max 100 "
                "--hashlimit-srcmask 24"
            ),
        ),
        ("--hashlimit 1024kb/s", "--hashlimit-upto 1mb/s --hashlimit-name f"),
        ("--hashlimit 5000b/s", "--hashlimit-upto 4992b/s --hashlimit-name f"),
        (
            "--hashlimit 100kb/s --hashlimit-burst 101kb",
            "--hashlimit-upto 100kb/s --hashlimit-burst 200kb --hashlimit-name f",
        ),
        (
            "--hashlimit-above 9/m --hashlimit-rate-match --hashlimit-rate-interval 7 --hashlimit-htable-expire 1",
            (
                "--hashlimit-above 9/sec --hashlimit-burst 5 --hashlimit-name f --hashlimit-htable-expire 1 "
                "--hashlimit-rate-match --hashlimit-rate-interval 7"
            ),
        ),
        (
            "--hashlimit 60/min --hashlimit-rate-match",
            (
                "--hashlimit-upto 60/sec --hashlimit-burst 5 --hashlimit-name f --hashlimit-htable-expire 60000 "
                "--hashlimit-rate-match --hashlimit-rate-interval 60"
            ),
        ),
        (
            "--hashlimit 40mb/s --hashlimit-rate-match",
            "--hashlimit-upto 40mb/s --hashlimit-name f --hashlimit-rate-match",
        ),
    ],
)
def test_hashlimit(args: str, expected: str) -> None:
    assert canonical(f"{HASH} {args}") == f"-m hashlimit {expected}"
    assert canonical(f"-m hashlimit {expected}") == f"-m hashlimit {expected}"


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ("-m ah --ahres --ahlen 5 ! --ahspi 5:", "-m ah ! --ahspi 5:4294967295 --ahlen 5 --ahres"),
        ("-m ah --ahlen 0", "-m ah"),
        ("-m ah ! --ahlen 0", "-m ah ! --ahlen 0"),
        ("-m connlimit --connlimit-upto 0", "-m connlimit --connlimit-upto 0 --connlimit-mask 128 --connlimit-saddr"),
        (
            "-m connlimit --connlimit-upto 0 --connlimit-mask ffff::",
            "-m connlimit --connlimit-upto 0 --connlimit-mask 16 --connlimit-saddr",
        ),
        (
            f"{HASH} --hashlimit 6/sec --hashlimit-srcmask 32 --hashlimit-dstmask 128",
            "-m hashlimit --hashlimit-upto 6/sec --hashlimit-burst 5 --hashlimit-name f --hashlimit-srcmask 32",
        ),
        ("-m iprange --src-range 2001:DB8::1-2001:db8::5", "-m iprange --src-range 2001:db8::1-2001:db8::5"),
    ],
)
def test_canonical_form_in_ipv6(args: str, expected: str) -> None:
    assert canonical(args, Family.IPV6) == expected


@pytest.mark.parametrize(
    "args",
    [
        "-p ah -m ah --ahspi -1",
        "-p ah -m ah --ahspi 1:2:3",
        "-p ah -m ah --ahres",
        "-m ah --ahspi 5",
        "-p esp -m esp --espspi 5:4294967296",
        "-m esp",
        "-m ipcomp --ipcompspi 5",
        "-p ipcomp -m ipcomp ! --compres",
        "-m bpf",
        '-m bpf --bytecode "2,6 0 0 1"',
        '-m bpf --bytecode "1,6 0 0"',
        '-m bpf --bytecode "x"',
        '-m bpf --bytecode "1,70000 0 0 1"',
        '-m bpf ! --bytecode "1,6 0 0 1"',
        "-m cgroup",
        "-m cgroup --cgroup 1 --path /",
        "-m cluster --cluster-total-nodes 2 --cluster-local-node 3 --cluster-hash-seed 5",
        "-m cluster --cluster-total-nodes 2 --cluster-local-node 2",
        "-m cluster --cluster-total-nodes 33 --cluster-local-node 2 --cluster-hash-seed 5",
        "-m connbytes --connbytes 1000:0 --connbytes-mode packets --connbytes-dir original",
        "-m connbytes --connbytes 0:18446744073709551616 --connbytes-mode packets --connbytes-dir original",
        "-m connbytes --connbytes 1:2 --connbytes-dir original",
        "-m connlabel --label 128",
        "-m connlabel --label foobar_not_there",
        "-m connlimit",
        "-m connlimit --connlimit-upto 5 ! --connlimit-above 6",
        "-m connlimit --connlimit-above 10 --connlimit-saddr --connlimit-daddr",
        "-m connlimit --connlimit-upto 5 --connlimit-mask x",
        "-m connmark --mark 0xfffffffff",
        "-m cpu --cpu 4294967296",
        "-p dccp -m dccp --dccp-types FOO",
        "-p dccp -m dccp --dccp-option 256",
        "-m dccp --sport 5",
        "-m devgroup",
        "-m devgroup --src-group foo",
        "-m dscp",
        "-m dscp --dscp 0x40",
        "-m dscp --dscp-class CS8",
        "-m dscp --dscp 0x3f --dscp-class CS0",
        "-m ecn",
        "-m ecn --ecn-tcp-cwr",
        "-m ecn --ecn-ip-ect 4",
        f"{HASH}",
        f"{HASH} --hashlimit 0/sec",
        f"{HASH} --hashlimit 0b/s",
        f"{HASH} --hashlimit 65535mb/s",
        f"{HASH} --hashlimit 1000001/sec",
        f"{HASH} --hashlimit 5000000/hour --hashlimit-rate-match",
        f"{HASH} --hashlimit 5/sec --hashlimit-above 6/sec",
        f"{HASH} --hashlimit 100kb/s --hashlimit-burst 5",
        f"{HASH} --hashlimit 100kb/s --hashlimit-burst 1000001",
        f"{HASH} --hashlimit 5/sec --hashlimit-burst 1mb",
        f"{HASH} --hashlimit 5/sec --hashlimit-burst 0",
        f"{HASH} --hashlimit 5/sec --hashlimit-mode foo",
        f"{HASH} --hashlimit 5/sec --hashlimit-srcmask 33",
        '-m hashlimit --hashlimit 5/sec --hashlimit-name ""',
        "-m hashlimit --hashlimit 5/sec",
        "-m helper",
        "-m iprange",
        "-m iprange --src-range 1.2.3.4-",
        "-m iprange --src-range 2001:db8::1-2001:db8::5",
        "-m length",
        "-m length --length 0:65536",
        "-m length --length 1-2",
        "-m limit --limit 0/sec",
        "-m limit --limit 7/",
        "-m limit --limit 3/week",
        "-m limit --limit 10001/sec",
        "-m limit ! --limit 3/min",
        "-m limit --limit-burst 10001",
        "-m mac",
        "-m mac --mac-source 42:01:02:03:04",
        "-m mac --mac-source 00-11-22-33-44-55",
        "-m mac --mac-source 0:1:2:3:4:100",
    ],
)
def test_refused(args: str) -> None:
    with pytest.raises(InputError):
        parse(f"*filter\n-A FORWARD {args}\nCOMMIT\n", strict=True)


def test_a_mask_that_only_iptables_save_can_make_is_read() -> None:
    line = "-m cluster --cluster-local-nodemask 0x80000000 --cluster-total-nodes 32 --cluster-hash-seed 0x00000005"
    assert canonical(line) == line


def test_values_are_what_the_kernel_keeps() -> None:
    limit, hashlimit = match_of("-m limit --limit 300/min"), match_of(f"{HASH} ! --hashlimit-above 1mb/s")
    assert isinstance(limit, Limit)
    assert limit.limit == Rate(period=2000, scale=10000)
    assert isinstance(hashlimit, Hashlimit)
    assert hashlimit.upto == ByteRate(cost=0xFFFFFFFF // 65537)
    assert str(ByteBurst(ByteRate.of(992), 1)) == "992b"
    connlimit = match_of("-m connlimit ! --connlimit-upto 5")
    assert isinstance(connlimit, Connlimit)
    assert (connlimit.upto, connlimit.above, connlimit.saddr) == (None, 5, True)


@pytest.mark.parametrize(
    ("args", "protocol", "expected"),
    [
        ("-m iprange --src-range 10.0.0.1-10.0.0.5", 6, "yes"),
        (
            "-m iprange ! --src-range 10.0.0.1-10.0.0.5",
            6,
            "no: ! --src-range 10.0.0.1-10.0.0.5: the source is 10.0.0.5",
        ),
        (
            "-m iprange --dst-range 10.0.0.9-10.0.0.1",
            6,
            "no: --dst-range 10.0.0.9-10.0.0.1: the destination is 10.0.0.7",
        ),
        ("-m iprange ! --dst-range 10.0.0.9-10.0.0.1", 6, "yes"),
        ("-p dccp -m dccp --sport 33000 --dport 80:90", 33, "yes"),
        ("-p dccp -m dccp ! --dport 80", 33, "no: ! --dport 80: the destination port is 80"),
        ("-p dccp -m dccp --dport 80 --dccp-types ACK", 33, "no: --dccp-types ACK: the DCCP packet type is REQUEST"),
        ("-p dccp -m dccp --dport 81 --dccp-option 5", 33, "no: --dport 81: the destination port is 80"),
        ("-p dccp -m dccp", 6, "no: -m dccp: the protocol is tcp"),
        (
            "-m mac --mac-source 0:1:2:3:4:5",
            6,
            "?: --mac-source 00:01:02:03:04:05: the source MAC address is not known",
        ),
        ("-m length --length 40", 6, "yes"),
    ],
)
def test_judging(args: str, protocol: int, expected: str) -> None:
    packet = Packet(ip_address("10.0.0.5"), ip_address("10.0.0.7"), protocol, 33000, 80, in_interface="eth0")
    found = match_of(args).judge(Moment(packet, Hook.FORWARD, "filter", Node.of({"eth0": ["10.0.0.1/24"]}), None))
    assert isinstance(found, Yes | No | Unclear)
    shown = {Yes: "yes", No: f"no: {found}", Unclear: f"?: {found}"}
    assert shown[type(found)] == expected
