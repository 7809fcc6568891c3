"""How matches from nfacct to u32 and those of IPv6 headers read and print. Expected: what iptables 1.8.9 printed."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from iptc_sim import Family, IptcError, Node, Packet, parse, write_rule
from iptc_sim.moment import Hook, Moment

LONG = "x" * 128


def written(words: str, family: Family) -> str:
    (rule,) = [rule for *_, rule in parse(f"*mangle\n:FOO - [0:0]\n-A FOO {words}\nCOMMIT\n", family=family).rules()]
    return write_rule(rule, "FOO").removeprefix("-A FOO ")


SAME = "="
IPV4 = [
    ("-m nfacct --nfacct-name web-in", "-m nfacct --nfacct-name  web-in"),
    ("-m nfacct --nfacct-name b -j ACCEPT", "-m nfacct --nfacct-name  b -j ACCEPT"),
    ("-m nfacct --nfacct-name a.b-c", '-m nfacct --nfacct-name  "a.b-c"'),
    ("-p tcp -m osf ! --genre Linux -j ACCEPT", SAME),
    ("-p tcp -m osf --log 0 --genre linux --ttl 0", "-p tcp -m osf --genre linux --ttl 0 --log 0"),
    (f"-p tcp -m osf --genre {'a' * 40}", f"-p tcp -m osf --genre {'a' * 31}"),
    ("-m owner --gid-owner 1337 ! --uid-owner 1337", "-m owner ! --uid-owner 1337 --gid-owner 1337"),
    ("-m owner --socket-exists --uid-owner root", "-m owner --socket-exists --uid-owner 0"),
    ("-m owner --gid-owner 5 --uid-owner 0x10 --suppl-groups", "-m owner --uid-owner 16 --gid-owner 5 --suppl-groups"),
    ("-m owner --uid-owner 5-5", "-m owner --uid-owner 5"),
    ("-m owner ! --gid-owner 0-4294967294", SAME),
    (
        "-m physdev --physdev-is-bridged --physdev-is-in --physdev-in eth0 --physdev-out eth1",
        "-m physdev --physdev-is-in --physdev-in eth0 --physdev-out eth1 --physdev-is-bridged",
    ),
    ("-m physdev ! --physdev-is-in ! --physdev-in tap+ ! --physdev-is-bridged", SAME),
    ("-m physdev --physdev-in +", SAME),
    ("-m pkttype --pkt-type HOST", "-m pkttype --pkt-type unicast"),
    ("-m pkttype ! --pkt-type mcast", "-m pkttype ! --pkt-type multicast"),
    ("-m quota --quota 0x10", "-m quota --quota 16"),
    ("-m quota ! --quota 18446744073709551615", SAME),
    ("-m realm --realm 5/0xffffffff", "-m realm --realm 0x5"),
    ("-m realm ! --realm 0x1/0xf", SAME),
    ("-m realm --realm 0", "-m realm --realm cosmos"),
    (
        "-m rpfilter --invert --accept-local --validmark --loose -j DROP",
        "-m rpfilter --loose --validmark --accept-local --invert -j DROP",
    ),
    ("-m rpfilter", SAME),
    ("-p sctp --sport 80:90 --chunk-types all INIT,DATA", "-p sctp -m sctp --sport 80:90 --chunk-types all DATA,INIT"),
    ("-p sctp ! --dport :", "-p sctp -m sctp ! --dport 0:65535"),
    ("-p sctp --chunk-types ANY DATA:eB,abort:T", "-p sctp -m sctp --chunk-types any DATA:Be,ABORT:T"),
    ("-p sctp -m sctp ! --chunk-types only none", "-p sctp -m sctp ! --chunk-types only NONE"),
    ("-p sctp --chunk-types any DATA:IUBEiube", "-p sctp -m sctp --chunk-types any DATA:IUBE"),
    ("-p sctp --chunk-types all PAD,ASCONF,PAD", "-p sctp -m sctp --chunk-types all PAD,ASCONF"),
    ("-m set --set s_ip src -j ACCEPT", "-m set --match-set s_ip src -j ACCEPT"),
    (
        "-m set ! --match-set s_ip src ! --bytes-eq 3 --packets-gt 4",
        "-m set ! --match-set s_ip src --packets-gt 4 ! --bytes-eq 3",
    ),
    (
        "-m set --bytes-gt 3 ! --update-subcounters ! --update-counters --return-nomatch --match-set s_ipport src,dst",
        "-m set --match-set s_ipport src,dst --return-nomatch ! --update-counters ! --update-subcounters --bytes-gt 3",
    ),
    ("-m set --match-set s_ip src --update-counters", "-m set --match-set s_ip src"),
    ("-m socket", SAME),
    ("-m socket --restore-skmark --transparent --nowildcard", "-m socket --transparent --nowildcard --restore-skmark"),
    ("-m string --algo bm --from 0 --to 65535 --string test", '-m string --string "test" --algo bm'),
    (
        '-m string --to 100 --from 5 --icase --algo kmp ! --hex-string "|00|x"',
        '-m string ! --hex-string "|0078|" --algo kmp --from 5 --to 100 --icase',
    ),
    ('-m string --hex-string "| 41 42 |c" --algo bm', '-m string --string "ABc" --algo bm'),
    ('-m string --hex-string "|225c27|" --algo bm', '-m string --string "\\"\\\\\'" --algo bm'),
    ('-m string --string "\\\\" --algo bm', '-m string --hex-string "|5c|" --algo bm'),
    ('-m string --string "é" --algo bm', '-m string --hex-string "|c3a9|" --algo bm'),
    (f'-m string --string "{LONG}" --algo bm', SAME),
    ("-p tcp -m tcpmss --mss 42:", "-p tcp -m tcpmss --mss 42:65535"),
    ("-p tcp -m tcpmss ! --mss :", "-p tcp -m tcpmss ! --mss 0:65535"),
    ("-p tcp -m tcpmss --mss 42:42", "-p tcp -m tcpmss --mss 42"),
    ("-m time", "-m time --datestop 2038-01-19T03:14:07"),
    ("-m time --timestart 8:5", "-m time --timestart 08:05:00 --timestop 23:59:59 --datestop 2038-01-19T03:14:07"),
    ("-m time --timestart 00:00 --datestop 2037", "-m time --datestop 2037-01-01T00:00:00"),
    (
        "-m time ! --weekdays Sat,7 --datestop 2030",
        "-m time --weekdays Mon,Tue,Wed,Thu,Fri --datestop 2030-01-01T00:00:00",
    ),
    (
        "-m time --monthdays 5,3,3 --localtz --datestop 2020-02-30",
        "-m time --monthdays 3,5 --datestop 2020-03-01T00:00:00 --kerneltz",
    ),
    (
        "-m time --contiguous --timestop 02:00 --timestart 22:00 --utc",
        "-m time --timestart 22:00:00 --timestop 02:00:00 --datestop 2038-01-19T03:14:07 --contiguous",
    ),
    (
        "-m time --datestop 2020-01-02T5 --datestart 1970",
        "-m time --datestop 2020-01-02T05:00:00",
    ),
    ("-m tos ! --tos 16", "-m tos ! --tos 0x10/0xff"),
    ("-m tos --tos minimize-delay", "-m tos --tos 0x10/0x3f"),
    ("-m tos --tos 0xff/0x0f", SAME),
    ("-m ttl --ttl 64", "-m ttl --ttl-eq 64"),
    ("-m ttl ! --ttl-eq 255", SAME),
    ("-m ttl --ttl-gt 0", SAME),
    ('-m u32 --u32 "0>>22&0x3C@ 12 >> 24 = 5:9"', '-m u32 --u32 "0x0>>0x16&0x3c@0xc>>0x18=0x5:0x9"'),
    ('-m u32 ! --u32 "6&0xFF=1 && 4&0x3FFF=0,010"', '-m u32 ! --u32 "0x6&0xff=0x1&&0x4&0x3fff=0x0,0x8"'),
]
IPV6 = [
    ("-m dst ! --dst-len 0x10", "-m dst ! --dst-len 16"),
    ("-m dst --dst-opts 149:92,12:255,256 --dst-len 4", "-m dst --dst-len 4 --dst-opts 149:92,12,0"),
    ("-m eui64", SAME),
    ("-m eui64 -j DROP", SAME),
    ("-m frag --fragid 4:3", SAME),
    ("-m frag ! --fragid :", "-m frag"),
    (
        "-m frag --fragmore --fragfirst --fragres ! --fraglen 5",
        "-m frag ! --fraglen 5 --fragres --fragfirst --fragmore",
    ),
    ("-m hbh", SAME),
    ("-m hbh --hbh-opts 1:2,23:42,4 ! --hbh-len 42", "-m hbh ! --hbh-len 42 --hbh-opts 1:2,23:42,4"),
    ("-m hl --hl 5", "-m hl --hl-eq 5"),
    ("-m hl ! --hl-eq 255", SAME),
    ("-p icmpv6 --icmpv6-type Ping", "-p ipv6-icmp -m icmp6 --icmpv6-type 128"),
    ("-p ipv6-icmp -m icmp6 ! --icmpv6-type no-r", "-p ipv6-icmp -m icmp6 ! --icmpv6-type 1/0"),
    ("-p ipv6-icmp -m icmp6 --icmpv6-type 255/0x3", "-p ipv6-icmp -m icmp6 --icmpv6-type 255/3"),
    ("-m ipv6header --header ah,hop,59", "-m ipv6header --header hop-by-hop,ah,ipv6-nonxt"),
    ("-m ipv6header ! --header prot --soft", "-m ipv6header ! --header protocol --soft"),
    ("-p mobility-header -m mh --mh-type BINDING-u:be", "-p mobility-header -m mh --mh-type 5:7"),
    ("-p mh -m mh ! --mh-type :", "-p mobility-header -m mh"),
    ("-p mh -m mh --mh-type 3:", "-p mobility-header -m mh --mh-type 3:255"),
    ("-m rt --rt-segsleft :3 ! --rt-type 1", "-m rt ! --rt-type 1 --rt-segsleft 0:3"),
    (
        "-m rt --rt-type 0 --rt-0-addrs 2001:0DB8::1,::ffff:1.2.3.4 --rt-0-not-strict",
        "-m rt --rt-type 0 --rt-0-addrs 2001:db8::1,::ffff:1.2.3.4 --rt-0-not-strict",
    ),
    ("-m srh --srh-tag 0x10 ! --srh-next-hdr 17", "-m srh ! --srh-next-hdr 17 --srh-tag 16"),
    ("-m srh --srh-lsid c::/0 ! --srh-psid a::1", "-m srh ! --srh-psid a::1/128 --srh-lsid c::/0"),
    ("-m srh --srh-segs-left-lt 5 --srh-segs-left-eq 5", "-m srh --srh-segs-left-eq 5 --srh-segs-left-lt 5"),
]
REFUSED = [
    ("-m nfacct", "--nfacct-name"),
    ("-m osf --genre Linux", "-p with tcp"),
    ("-p tcp -m osf --genre linux --ttl 3", "out of range"),
    ("-m owner", "needs"),
    ("-m owner --suppl-groups", "needs"),
    ("-m owner --uid-owner 4294967295", "out of range"),
    ("-m owner --uid-owner nosuchuser", "neither a number nor a user"),
    ("-m owner --uid-owner 10-5", "before it begins"),
    ("-m physdev", "at least one"),
    ("-m pkttype --pkt-type wrong", "wrong"),
    ("-m quota --quota 18446744073709551616", "out of range"),
    ("-m realm --realm foo", "not a realm"),
    ("-m realm --realm 0x1ffffffff", "32 bits"),
    ("-m rpfilter ! --loose", "negated"),
    ("-m sctp --sport 4", "-p with sctp"),
    ("-p sctp --dport 65536", "out of range"),
    ("-p sctp --sport 5:4", "before it begins"),
    ("-p sctp --chunk-types any INIT:e", "flags"),
    ("-p sctp --chunk-types any FOO", "FOO"),
    ("-m set --match-set s_ip source", "neither src nor dst"),
    ("-m set --match-set s_ip src,src,src,src,src,src,src", "at most 6"),
    ("-m set --match-set s_ip src --packets-eq 5 --packets-lt 6", "exclude"),
    ("-m set", "--match-set"),
    ("-m socket ! --transparent", "negated"),
    ("-m string --algo bm", "--hex-string"),
    ("-m string --string foo", "--algo"),
    ("-m string --string foo --hex-string |41| --algo bm", "not both"),
    (f"-m string --string {LONG}x --algo bm", "129 bytes"),
    ("-m string --hex-string |4| --algo bm", "hex digits"),
    ("-m string --hex-string |41 --algo bm", "not closed"),
    ("-m tcpmss --mss 5", "-p with tcp"),
    ("-p tcp -m tcpmss --mss 65535:1000", "before it begins"),
    ("-m time --timestart 24:00", "time of day"),
    ("-m time --datestart 2020-13-01", "not a date"),
    ("-m time --datestop 2039-01-20", "not a date"),
    ("-m time --contiguous --timestart 12:00 --timestop 13:00", "--contiguous"),
    ("-m time --kerneltz --utc", "exclude"),
    ("-m time --monthdays 32", "not a day"),
    ("-m time --weekdays mon", "not a day"),
    ("-m tos --tos wrong", "wrong"),
    ("-m tos --tos 0x100", "8 bits"),
    ("-m ttl", "exactly one"),
    ("-m ttl --ttl-eq 256", "out of range"),
    ("-m ttl --ttl-lt 5 --ttl-gt 1", "exactly one"),
    ('-m u32 --u32 "0"', "no ="),
    ('-m u32 --u32 "0=1,"', "empty word"),
    ('-m u32 --u32 "0|5=1"', "operator"),
    ('-m u32 --u32 "0=1,2,3,4,5,6,7,8,9,10,11"', "at most 10"),
    ("-m eui64", "IPv6"),
]
REFUSED6 = [
    ("-m ttl --ttl-eq 64", "IPv4"),
    ("-m dst --dst-opts 1,", "option type"),
    ("-m dst --dst-opts " + ",".join("1" * 17), "at most 16"),
    ("-m hbh --hbh-opts 1:", "option length"),
    ("-m hbh ! --hbh-opts 1", "negated"),
    ("-m frag --fragmore --fraglast", "exclude"),
    ("-m frag --fraglen 4:5", "not a number"),
    ("-m hl", "exactly one"),
    ("-m hl --hl-gt 42 --hl-eq 42", "exactly one"),
    ("-p ipv6-icmp -m icmp6", "--icmpv6-type"),
    ("-p ipv6-icmp -m icmp6 --icmpv6-type any", "any"),
    ("-p ipv6-icmp -m icmp6 --icmpv6-type echo", "echo-request, echo-reply"),
    ("-p ipv6-icmp -m icmp6 --icmpv6-type 256", "out of range"),
    ("-m icmp6 --icmpv6-type 1", "-p with ipv6-icmp"),
    ("-m ipv6header --soft", "--header"),
    ("-m ipv6header --header 5", "extension header"),
    ("-m mh --mh-type 1", "-p with mobility-header"),
    ("-p mh -m mh --mh-type 4:3", "before it begins"),
    ("-m rt ! --rt-type 0 --rt-0-res", "--rt-type 0"),
    ("-m rt --rt-type 0 --rt-0-not-strict", "--rt-0-addrs"),
    ("-m srh --srh-tag 65536", "out of range"),
    ("-m srh --srh-psid a::1/129", "129"),
]


@pytest.mark.parametrize(("words", "expected"), IPV4)
def test_ipv4_rules_are_written_as_iptables_prints_them(words: str, expected: str) -> None:
    canonical = words if expected == SAME else expected
    assert written(words, Family.IPV4) == canonical
    assert written(canonical, Family.IPV4) == canonical


@pytest.mark.parametrize(("words", "expected"), IPV6)
def test_ipv6_rules_are_written_as_ip6tables_prints_them(words: str, expected: str) -> None:
    canonical = words if expected == SAME else expected
    assert written(words, Family.IPV6) == canonical
    assert written(canonical, Family.IPV6) == canonical


@pytest.mark.parametrize(("words", "reason"), REFUSED)
def test_what_iptables_refuses_is_refused_with_the_reason(words: str, reason: str) -> None:
    with pytest.raises(IptcError) as caught:
        parse(f"*mangle\n-A FORWARD {words}\nCOMMIT\n", family=Family.IPV4, strict=True)
    assert reason in caught.value.diagnostics[0].message


@pytest.mark.parametrize(("words", "reason"), REFUSED6)
def test_what_ip6tables_refuses_is_refused_with_the_reason(words: str, reason: str) -> None:
    with pytest.raises(IptcError) as caught:
        parse(f"*mangle\n-A FORWARD {words}\nCOMMIT\n", family=Family.IPV6, strict=True)
    assert reason in caught.value.diagnostics[0].message


SCTP = Packet(ip_address("10.0.0.5"), ip_address("10.0.0.6"), 132, 33000, 80)
PING = Packet(ip_address("2001:db8::1"), ip_address("2001:db8::2"), 58, icmp_type=128, icmp_code=0)


@pytest.mark.parametrize(
    ("words", "packet", "expected"),
    [
        ("-p sctp -m sctp --dport 80:90 ! --sport 5", SCTP, "Yes()"),
        ("-p sctp -m sctp --dport 81", SCTP, "--dport 81: the destination port is 80"),
        ("-p sctp -m sctp ! --dport :", SCTP, "! --dport 0:65535: the destination port is 80"),
        (
            "-p sctp -m sctp --chunk-types any DATA:e",
            SCTP,
            "--chunk-types any DATA:e: its chunks are INIT",
        ),
        ("-p icmpv6 -m icmp6 --icmpv6-type ping", PING, "Yes()"),
        ("-p icmpv6 -m icmp6 --icmpv6-type 128/0", PING, "Yes()"),
        ("-p icmpv6 -m icmp6 ! --icmpv6-type 128/1", PING, "Yes()"),
        ("-p icmpv6 -m icmp6 --icmpv6-type 255", PING, "--icmpv6-type 255: the ICMPv6 type is 128/0"),
        ("-m eui64", PING, "-m eui64: the source MAC address is not known"),
    ],
)
def test_only_what_the_packet_says_is_judged(words: str, packet: Packet, expected: str) -> None:
    ruleset = parse(f"*filter\n:FOO - [0:0]\n-A FOO {words}\nCOMMIT\n", family=packet.family)
    ((match,),) = [rule.matches for *_, rule in ruleset.rules()]
    assert str(match.judge(Moment(packet, Hook.FORWARD, "filter", Node.of({}), None))) == expected
