"""The options of targets: what is read, and what is written. Expected lines are what iptables-save 1.8.9 (nft) prints."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from iptc_sim import Family, IptcError, parse, write_rule
from iptc_sim.builtin import ForeignTarget
from iptc_sim.moment import Hook, Moment
from iptc_sim.node import Node
from iptc_sim.packet import Packet
from iptc_sim.ruleset import Rule
from iptc_sim.target import Action, Continue, Target

SAME = "="


def rule_of(options: str, family: Family) -> Rule:
    ruleset = parse(f"*mangle\n:FOO - [0:0]\n-A FOO {options}\nCOMMIT\n", family=family)
    rule = next(rule for *_, rule in ruleset.rules())
    assert not isinstance(rule.target, ForeignTarget)
    return rule


def check_written(options: str, canonical: str, family: Family) -> None:
    rule = rule_of(options, family)
    written = options if canonical == SAME else canonical
    assert write_rule(rule, "FOO") == f"-A FOO {written}"


@pytest.mark.parametrize("family", list(Family))
@pytest.mark.parametrize(
    ("options", "canonical"),
    [
        ("-j AUDIT --type accept", SAME),
        ("-j AUDIT --type REJECT", "-j AUDIT --type reject"),
        ("-j CHECKSUM --checksum-fill", SAME),
        ("-j CLASSIFY --set-class 1:10", "-j CLASSIFY --set-class 0001:0010"),
        ("-j CLASSIFY --set-class 0x1:ffff", "-j CLASSIFY --set-class 0001:ffff"),
        ("-j CLASSIFY --set-class 10000:1", "-j CLASSIFY --set-class 0000:0001"),
        ("-j CONNMARK --set-mark 5/7", "-j CONNMARK --set-xmark 0x5/0x7"),
        ("-j CONNMARK --set-mark 0xff/0xf", "-j CONNMARK --set-xmark 0xff/0xff"),
        ("-j CONNMARK --and-mark 1", "-j CONNMARK --set-xmark 0x0/0xfffffffe"),
        ("-j CONNMARK --or-mark 1", "-j CONNMARK --set-xmark 0x1/0x1"),
        ("-j CONNMARK --xor-mark 1", "-j CONNMARK --set-xmark 0x1/0x0"),
        ("-j CONNMARK --set-mark 1 --mask 4", "-j CONNMARK --set-xmark 0x1/0x4"),
        ("-j CONNMARK --set-mark 1 --ctmask 3", "-j CONNMARK --set-xmark 0x1/0x3"),
        ("-j CONNMARK --mask 3 --set-mark 1", "-j CONNMARK --set-xmark 0x1/0xffffffff"),
        ("-j CONNMARK --restore-mark", "-j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff"),
        ("-j CONNMARK --save-mark --mask 0xff", "-j CONNMARK --save-mark --nfmask 0xff --ctmask 0xff"),
        ("-j CONNMARK --ctmask 0xf --nfmask 0xff --save-mark", "-j CONNMARK --save-mark --nfmask 0xff --ctmask 0xf"),
        ("-j CONNMARK --or-mark 1 --left-shift-mark 4", "-j CONNMARK --set-xmark 0x1/0x1 --left-shift-mark 4"),
        (
            "-j CONNMARK --or-mark 1 --left-shift-mark 1 --right-shift-mark 2",
            "-j CONNMARK --set-xmark 0x1/0x1 --right-shift-mark 2",
        ),
        ("-j CONNSECMARK --save", SAME),
        ("-j CONNSECMARK --restore", SAME),
        ("-j CT", SAME),
        ("-j CT --zone 1 --notrack", "-j CT --notrack --zone 1"),
        ("-j CT --zone mark", SAME),
        ("-j CT --zone-reply 2", SAME),
        ("-j CT --zone 0", "-j CT"),
        ("-j CT --zone 1 --zone-orig 2", "-j CT --zone-orig 2"),
        ("-j CT --zone-orig 2 --zone-reply 3", "-j CT --zone 3"),
        ("-j CT --zone mark --zone-orig 3", "-j CT --zone-orig mark"),
        ("-j CT --ctevents destroy,new,new", "-j CT --ctevents new,destroy"),
        (
            "-p tcp -j CT --expevents new --ctevents new --helper ftp --zone 0xff",
            "-p tcp -j CT --helper ftp --ctevents new --expevents new --zone 255",
        ),
        ("-j DSCP --set-dscp 46", "-j DSCP --set-dscp 0x2e"),
        ("-j DSCP --set-dscp-class ef", "-j DSCP --set-dscp 0x2e"),
        ("-j DSCP --set-dscp-class BE", "-j DSCP --set-dscp 0x00"),
        ("-j DSCP --set-dscp-class AF43", "-j DSCP --set-dscp 0x26"),
        (
            "-j HMARK --hmark-mod 10 --hmark-rnd 1 --hmark-spi 3",
            "-j HMARK --hmark-spi 0x00000003 --hmark-rnd 0x00000001 --hmark-mod 10",
        ),
        (
            (
                "-j HMARK --hmark-src-prefix 1 --hmark-dst-prefix 2 --hmark-sport-mask 0x0003 --hmark-dport-mask 0x0004 "
                "--hmark-proto-mask 0x05 --hmark-rnd 0x00000004 --hmark-mod 42 --hmark-offset 1 --hmark-tuple ct"
            ),
            SAME,
        ),
        (
            "-j HMARK --hmark-mod 10 --hmark-rnd 1 --hmark-sport 5 --hmark-dport-mask 7 --hmark-tuple PROTO",
            (
                "-j HMARK --hmark-dport-mask 0x0007 --hmark-sport 0x0005 --hmark-proto-mask 0xffff "
                "--hmark-rnd 0x00000001 --hmark-mod 10"
            ),
        ),
        ("-j IDLETIMER --label foo --timeout 42", "-j IDLETIMER --timeout 42 --label foo"),
        ("-j IDLETIMER --timeout 42 --label bar --alarm", SAME),
        (
            "-j IDLETIMER --timeout 5 --label abcdefghijklmnopqrstuvwxyz01",
            "-j IDLETIMER --timeout 5 --label abcdefghijklmnopqrstuvwxyz0",
        ),
        ("-j LED --led-trigger-id foo", '-j LED --led-trigger-id "foo"'),
        ('-j LED --led-trigger-id "foo" --led-delay 42 --led-always-blink', SAME),
        ("-j LED --led-delay inf --led-trigger-id foo", '-j LED --led-trigger-id "foo" --led-delay inf'),
        ("-j NFLOG --nflog-group 0", "-j NFLOG"),
        ('-j NFLOG --nflog-group 5 --nflog-prefix "it\'s"', '-j NFLOG --nflog-prefix "it\\\'s" --nflog-group 5'),
        ("-j NFLOG --nflog-range 5 --nflog-threshold 3", "-j NFLOG --nflog-threshold 3"),
        ("-j NFLOG --nflog-threshold 20 --nflog-size 0", "-j NFLOG --nflog-size 0 --nflog-threshold 20"),
        ("-j NFQUEUE", "-j NFQUEUE --queue-num 0"),
        ("-j NFQUEUE --queue-bypass", "-j NFQUEUE --queue-num 0 --queue-bypass"),
        ("-j NFQUEUE --queue-balance :4", "-j NFQUEUE --queue-balance 0:4"),
        ("-j NFQUEUE --queue-balance 4:", "-j NFQUEUE --queue-balance 4:65535"),
        (
            "-j NFQUEUE --queue-cpu-fanout --queue-bypass --queue-balance 3:5",
            "-j NFQUEUE --queue-balance 3:5 --queue-bypass --queue-cpu-fanout",
        ),
        ("-j NOTRACK", SAME),
        (
            "-j RATEEST --rateest-name RE1 --rateest-interval 250ms --rateest-ewmalog 0.5s",
            "-j RATEEST --rateest-name RE1 --rateest-interval 250.0ms --rateest-ewmalog 500.0ms",
        ),
        (
            "-j RATEEST --rateest-name R1 --rateest-interval 400ms --rateest-ewmalog 7200msecs",
            "-j RATEEST --rateest-name R1 --rateest-interval 500.0ms --rateest-ewmalog 8.0s",
        ),
        (
            "-j RATEEST --rateest-name R1 --rateest-interval 250usecs --rateest-ewmalog 7.2s",
            "-j RATEEST --rateest-name R1 --rateest-interval 250.0ms --rateest-ewmalog 4096.0s",
        ),
        ("-j SECMARK --selctx system_u:object_r:x_t:s0", SAME),
        ("-j SET --add-set s_ip src --timeout 60 --exist", "-j SET --add-set s_ip src --exist --timeout 60"),
        (
            "-j SET --del-set s_ip dst --add-set s_ipport src,dst",
            "-j SET --add-set s_ipport src,dst --del-set s_ip dst",
        ),
        (
            "-j SET --map-set s_ip src --map-queue --map-prio --map-mark",
            "-j SET --map-set s_ip src --map-mark --map-prio --map-queue",
        ),
        ("-p tcp -j SYNPROXY", SAME),
        (
            "-p tcp -j SYNPROXY --ecn --mss 1460 --wscale 9 --timestamp --sack-perm",
            "-p tcp -j SYNPROXY --sack-perm --timestamp --wscale 9 --mss 1460 --ecn",
        ),
        ("-p tcp -j TCPMSS --set-mss 1360", SAME),
        ("-p tcp -j TCPMSS --set-mss 42 --clamp-mss-to-pmtu", "-p tcp -j TCPMSS --clamp-mss-to-pmtu"),
        ("-p tcp -j TCPMSS --clamp-mss-to-pmtu --set-mss 42", "-p tcp -j TCPMSS --set-mss 42"),
        ("-p tcp -j TCPOPTSTRIP", SAME),
        ("-p tcp -j TCPOPTSTRIP --strip-options timestamp,5", "-p tcp -j TCPOPTSTRIP --strip-options 5,8"),
        ("-p tcp -j TCPOPTSTRIP --strip-options md5,mss,254", "-p tcp -j TCPOPTSTRIP --strip-options 2,19,254"),
        ("-j TOS --set-tos 0x1f", "-j TOS --set-tos 0x1f/0xff"),
        ("-j TOS --set-tos 0x1f/0x1f", SAME),
        ("-j TOS --set-tos Minimize-Cost", "-j TOS --set-tos 0x02/0x3f"),
        ("-j TOS --and-tos 0x12", "-j TOS --set-tos 0x00/0xed"),
        ("-j TOS --or-tos 0x12", "-j TOS --set-tos 0x12/0x12"),
        ("-j TOS --xor-tos 0x12", "-j TOS --set-tos 0x12/0x00"),
        ("-j TRACE", SAME),
    ],
)
def test_both_families(options: str, canonical: str, family: Family) -> None:
    check_written(options, canonical, family)


@pytest.mark.parametrize(
    ("options", "canonical"),
    [
        ("-p tcp -j ECN --ecn-tcp-remove", SAME),
        ("-p tcp -j ECN --ecn-tcp-cwr 0 --ecn-tcp-ece 0", "-p tcp -j ECN --ecn-tcp-remove"),
        ("-p tcp -j ECN --ecn-tcp-cwr 1 --ecn-tcp-ece 0", "-p tcp -j ECN --ecn-tcp-ece 0 --ecn-tcp-cwr 1"),
        (
            "-p tcp -j ECN --ecn-tcp-remove --ecn-ip-ect 1",
            "-p tcp -j ECN --ecn-tcp-ece 0 --ecn-tcp-cwr 0 --ecn-ip-ect 1",
        ),
        ("-p tcp -j ECN --ecn-ip-ect 1 --ecn-tcp-remove", "-p tcp -j ECN --ecn-tcp-remove"),
        ("-j ECN --ecn-ip-ect 2", SAME),
        (
            "-j HMARK --hmark-tuple src,dst,ct --hmark-mod 10 --hmark-rnd 7",
            (
                "-j HMARK --hmark-src-prefix 32 --hmark-dst-prefix 32 --hmark-rnd 0x00000007 --hmark-mod 10 "
                "--hmark-tuple ct"
            ),
        ),
        (
            "-j HMARK --hmark-src-prefix 255.255.0.0 --hmark-mod 10 --hmark-rnd 7",
            "-j HMARK --hmark-src-prefix 16 --hmark-rnd 0x00000007 --hmark-mod 10",
        ),
        ("-j NETMAP --to 1.2.3.4", "-j NETMAP --to 1.2.3.4/32"),
        ("-j NETMAP --to 5.5.5.5/255.255.255.0", "-j NETMAP --to 5.5.5.0/24"),
        ("-j NETMAP --to 1.2.3.4/255.255.0.255", "-j NETMAP --to 1.2.3.4/32"),
        ("-j NETMAP --to 1.2.3.0/0", "-j NETMAP --to 0.0.0.0/0"),
        ("-p tcp -j TCPMSS --set-mss 65515", SAME),
        ("-j TEE --gateway 10.0.0.1", SAME),
        ("-j TEE --oif lo --gateway 10", "-j TEE --gateway 0.0.0.10 --oif lo"),
        ("-p tcp -j TPROXY --on-port 80", "-p tcp -j TPROXY --on-port 80 --on-ip 0.0.0.0 --tproxy-mark 0x0/0x0"),
        (
            "-p udp -j TPROXY --tproxy-mark 5 --on-ip 10.0.0.1 --on-port http",
            "-p udp -j TPROXY --on-port 80 --on-ip 10.0.0.1 --tproxy-mark 0x5/0xffffffff",
        ),
        ("-j TTL --ttl-set 0x10", "-j TTL --ttl-set 16"),
        ("-j TTL --ttl-inc 1", SAME),
    ],
)
def test_ipv4(options: str, canonical: str) -> None:
    check_written(options, canonical, Family.IPV4)


@pytest.mark.parametrize(
    ("options", "canonical"),
    [
        ("-j DNPT --src-pfx dead::/64 --dst-pfx 1c3::/64", SAME),
        ("-j DNPT --dst-pfx 1c3::/ffff:: --src-pfx DEAD:0::/0x40", "-j DNPT --src-pfx dead::/64 --dst-pfx 1c3::/16"),
        ("-j SNPT --src-pfx dead::/64 --dst-pfx 1c3::/48", SAME),
        ("-j SNPT --src-pfx dead::/64 --dst-pfx ::/0", "-j SNPT --src-pfx dead::/64"),
        ("-j HL --hl-set 42", SAME),
        ("-j HL --hl-dec 255", SAME),
        (
            "-j HMARK --hmark-tuple src,dst --hmark-mod 10 --hmark-offset 5 --hmark-rnd 7",
            (
                "-j HMARK --hmark-src-prefix 128 --hmark-dst-prefix 128 --hmark-rnd 0x00000007 --hmark-mod 10 "
                "--hmark-offset 5"
            ),
        ),
        ("-j NETMAP --to dead::beef", "-j NETMAP --to dead::beef/128"),
        ("-j NETMAP --to 2001:db8::1/64", "-j NETMAP --to 2001:db8::/64"),
        ("-j TEE --gateway ::ffff:1.2.3.4", SAME),
        ("-p tcp -j TPROXY --on-port 80", "-p tcp -j TPROXY --on-port 80 --on-ip :: --tproxy-mark 0x0/0x0"),
    ],
)
def test_ipv6(options: str, canonical: str) -> None:
    check_written(options, canonical, Family.IPV6)


@pytest.mark.parametrize(
    "options",
    [
        "-j AUDIT",
        "-j AUDIT --type wrong",
        "-j CHECKSUM",
        "-j CLASSIFY",
        "-j CLASSIFY --set-class 1",
        "-j CONNMARK",
        "-j CONNMARK --nfmask 1",
        "-j CONNMARK --save-mark --restore-mark",
        "-j CONNMARK --save-mark --mask 1 --ctmask 1",
        "-j CONNMARK --or-mark 1/2",
        "-j CONNSECMARK",
        "-j CONNSECMARK --save --restore",
        "-j CT --zone 65536",
        "-j CT --ctevents NEW",
        "-j CT --expevents destroy",
        "-j CT --helper ftp",
        "-j DNPT --src-pfx dead::/64 --dst-pfx 1c3::/64",
        "-j DSCP",
        "-j DSCP --set-dscp 0x40",
        "-j DSCP --set-dscp-class VA",
        "-j DSCP --set-dscp 0x3f --set-dscp-class CS0",
        "-p tcp -j ECN",
        "-j ECN --ecn-tcp-remove",
        "-p tcp -j ECN --ecn-tcp-remove --ecn-tcp-cwr 1",
        "-p tcp -j ECN --ecn-ip-ect 4",
        "-j HL --hl-set 64",
        "-j HMARK --hmark-mod 10 --hmark-tuple src",
        "-j HMARK --hmark-mod 10 --hmark-rnd 1 --hmark-offset 3",
        "-j HMARK --hmark-mod 10 --hmark-rnd 1 --hmark-tuple bad",
        "-j HMARK --hmark-mod 10 --hmark-rnd 1 --hmark-tuple src --hmark-src-prefix 8",
        "-j HMARK --hmark-mod 10 --hmark-rnd 1 --hmark-tuple spi,sport",
        "-j HMARK --hmark-mod 10 --hmark-rnd 1 --hmark-spi 5 --hmark-sport 3",
        "-j HMARK --hmark-mod 10 --hmark-rnd 1 --hmark-dst-prefix x",
        "-j IDLETIMER --timeout 42",
        "-j IDLETIMER --timeout 0 --label foo",
        '-j IDLETIMER --timeout 5 --label ""',
        "-j LED",
        "-j LED --led-trigger-id foo --led-delay abc",
        "-j LED --led-trigger-id abcdefghijklmnopq",
        "-j NETMAP",
        "-j NETMAP --to dead::/64",
        "-j NETMAP --to 1.2.3.4/x",
        "-j NFLOG --nflog-group 65536",
        "-j NFLOG --nflog-size 5 --nflog-range 5",
        '-j NFLOG --nflog-prefix ""',
        "-j NFQUEUE --queue-num 65536",
        "-j NFQUEUE --queue-balance 4",
        "-j NFQUEUE --queue-balance 4:3",
        "-j NFQUEUE --queue-balance 0:65535",
        "-j NFQUEUE --queue-num 1 --queue-cpu-fanout",
        "-j RATEEST --rateest-name R1 --rateest-interval 250ms",
        "-j RATEEST --rateest-name R1 --rateest-interval 250ms --rateest-ewmalog 0.3s",
        "-j RATEEST --rateest-name R1 --rateest-interval 16s --rateest-ewmalog 100s",
        "-j RATEEST --rateest-name R1 --rateest-interval 250ms --rateest-ewmalog 1min",
        "-j SECMARK",
        "-j SET",
        "-j SET --exist",
        "-j SET --add-set s_ip src,foo",
        "-j SET --add-set s_ip src,src,src,src,src,src,dst",
        "-j SET --del-set s_ip src --timeout 5",
        "-j SET --map-set s_ip src",
        "-j SET --add-set s_ip src --map-mark",
        "-j SET --add-set abcdefghijklmnopqrstuvwxyzabcdefghij src",
        "-j SYNPROXY",
        "-j TCPMSS --clamp-mss-to-pmtu",
        "-p tcp -j TCPMSS",
        "-p tcp -j TCPMSS --set-mss 65516",
        "-j TCPOPTSTRIP",
        "-p tcp -j TCPOPTSTRIP --strip-options 1,2",
        "-p tcp -j TCPOPTSTRIP --strip-options 2,2",
        "-p tcp -j TCPOPTSTRIP --strip-options foo",
        "-j TEE",
        "-j TEE ! --gateway 1.1.1.1",
        "-j TEE --gateway 0.0.0.0",
        "-j TEE --gateway 2001:db8::1",
        "-j TOS",
        "-j TOS --set-tos 256",
        "-j TOS --or-tos 1/2",
        "-j TOS --set-tos 1/",
        "-j TPROXY --on-port 80",
        "-p tcp -j TPROXY --on-ip 1.2.3.4",
        "-p tcp -j TPROXY --on-port 0x50",
        "-j TTL --ttl-set 256",
        "-j TTL --ttl-inc 0",
        "-j TTL --ttl-dec 1 --ttl-inc 1",
        "-j TTL",
    ],
)
def test_refused(options: str) -> None:
    with pytest.raises(IptcError):
        parse(f"*mangle\n-A FORWARD {options}\nCOMMIT\n", family=Family.IPV4, strict=True)


@pytest.mark.parametrize(
    "options",
    [
        "-j DNPT --src-pfx dead::/64",
        "-j DNPT --src-pfx dead::beef --dst-pfx 1c3::/64",
        "-j DNPT --src-pfx dead::/65 --dst-pfx 1c3::/64",
        "-j SNPT --dst-pfx dead::/64",
        "-j SNPT --src-pfx dead::1/64 --dst-pfx 1c3::/64",
        "-p tcp -j ECN --ecn-tcp-remove",
        "-j HL --hl-dec 0",
        "-j HL --hl-dec 1 --hl-inc 1",
        "-j NETMAP --to dead::/129",
        "-p tcp -j TCPMSS --set-mss 65496",
        "-j TEE --gateway 10.0.0.1",
        "-j TTL --ttl-set 64",
    ],
)
def test_refused_ipv6(options: str) -> None:
    with pytest.raises(IptcError):
        parse(f"*mangle\n-A FORWARD {options}\nCOMMIT\n", family=Family.IPV6, strict=True)


def action(options: str) -> Action:
    packet = Packet(ip_address("10.0.0.5"), ip_address("192.0.2.10"), 6, 33000, 80)
    target = rule_of(options, Family.IPV4).target
    assert isinstance(target, Target)
    return target.act(Moment(packet, Hook.FORWARD, "mangle", Node.of({}), None))


@pytest.mark.parametrize(
    ("options", "note"),
    [
        ("-j TEE --gateway 10.0.0.1", "an untracked copy goes through OUTPUT to 10.0.0.1"),
        ("-j NFLOG --nflog-group 3", "sent to NFLOG group 3"),
        ("-p tcp -j TCPOPTSTRIP --strip-options sack", "no TCP option stripped"),
    ],
)
def test_targets_beside_the_way_of_the_packet(options: str, note: str) -> None:
    assert action(options) == Continue(note)
