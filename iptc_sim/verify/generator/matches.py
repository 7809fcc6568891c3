"""A random generator for each match: a table of templates, by the name of the extension.

What the templates name must meet what the packets of :mod:`packets` have, or every rule would pass them by.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from iptc_sim.moment import Hook
from iptc_sim.values import Family
from iptc_sim.verify.generator.pieces import IN, OUT, Piece, piece

_FOUR, _SIX = Family.IPV4, Family.IPV6
_LOCAL_OUT: Final = {Hook.OUTPUT, Hook.POSTROUTING}
#: The estimator that the first rule feeds, where a rule asks for its rate.
ESTIMATOR: Final = "speed"
_STATES: Final = "[NEW|INVALID|ESTABLISHED|RELATED|UNTRACKED|NEW,ESTABLISHED|NEW,INVALID"

MATCHES: Final[Mapping[str, tuple[Piece, ...]]] = {
    "addrtype": (
        piece("-m addrtype <!>--dst-type [LOCAL|UNICAST|MULTICAST|LOCAL,UNICAST]"),
        piece("-m addrtype <!>--src-type [LOCAL|UNICAST]"),
        piece("-m addrtype <!>--dst-type [BROADCAST|LOCAL,BROADCAST]", family=_FOUR),
        piece("-m addrtype --dst-type LOCAL --limit-iface-in", hooks={Hook.PREROUTING, Hook.INPUT}),
        piece("-m addrtype --src-type LOCAL --limit-iface-out", hooks={Hook.POSTROUTING}),
    ),
    "ah": (
        piece("-m ah <!>--ahspi [0|0:10|7]", p="ah", family=_FOUR),
        piece("-m ah <!>--ahspi [0|0:10|7]", p="ah", family=_SIX),
    ),
    "bpf": (
        piece('-m bpf --bytecode "4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0"', family=_FOUR, weight=1),
        piece('-m bpf --bytecode "4,48 0 0 8,37 0 1 63,6 0 0 1,6 0 0 0"', family=_FOUR, weight=1),
        piece('-m bpf --bytecode "4,48 0 0 6,21 0 1 17,6 0 0 1,6 0 0 0"', family=_SIX, weight=1),
    ),
    "cgroup": (
        piece("-m cgroup <!>--cgroup [0|5]", hooks=_LOCAL_OUT | {Hook.INPUT}, weight=1),
        piece("-m cgroup <!>--path /", hooks=_LOCAL_OUT | {Hook.INPUT}, weight=1),
    ),
    "cluster": (
        piece(
            "-m cluster --cluster-total-nodes 2 <!>--cluster-local-node [1|2] --cluster-hash-seed 0xdeadbeef",
            tables="mangle filter",
            weight=1,
        ),
    ),
    "comment": (piece('-m comment --comment "[a b|-j DROP|x]"', weight=1),),
    "connbytes": (
        piece(
            "-m connbytes <!>--connbytes [0:|1:|2:100|3:] --connbytes-dir [original|reply|both]"
            " --connbytes-mode [packets|bytes|avgpkt]",
            weight=1,
        ),
    ),
    "connlabel": (piece("-m connlabel <!>--label [1|2] [|--set]", weight=1),),
    # The run waits a tick between the packets of rulesets with it.
    "connlimit": (
        piece("-m connlimit --connlimit-[upto|above] [0|1|2|3] --connlimit-mask [32|24|0] --connlimit-[saddr|daddr]",
              family=_FOUR, base=True, weight=1),
        piece("-m connlimit --connlimit-[upto|above] [0|1|2|3] --connlimit-mask [128|64|0] --connlimit-[saddr|daddr]",
              family=_SIX, base=True, weight=1),
    ),
    "connmark": (piece("-m connmark <!>--mark {mark}"),),
    "conntrack": (
        piece(f"-m conntrack <!>--ctstate {_STATES}|DNAT|SNAT|ESTABLISHED,DNAT]", weight=4),
        piece("-m conntrack <!>--ctstatus [NONE|SEEN_REPLY|ASSURED|CONFIRMED|EXPECTED|CONFIRMED,SEEN_REPLY]"),
        piece("-m conntrack --ctdir [ORIGINAL|REPLY]"),
        piece("-m conntrack <!>--ctorigsrc {prefix}"),
        piece("-m conntrack <!>--ctorigdst {prefix}"),
        piece("-m conntrack <!>--ctreplsrc {prefix}"),
        piece("-m conntrack <!>--ctrepldst {prefix}"),
        piece("-m conntrack <!>--ctorigdstport {ports}"),
        piece("-m conntrack <!>--ctreplsrcport {ports}"),
        piece("-m conntrack <!>--ctproto [6|17|1]"),
    ),
    "cpu": (piece("-m cpu <!>--cpu 0", weight=1),),
    "dccp": (piece("-m dccp <!>--dport {ports}", p="dccp"), piece("-m dccp --dccp-types [REQUEST|ACK]", p="dccp")),
    "devgroup": (
        piece("-m devgroup <!>--src-group 0x[0|1]", hooks=IN, weight=1),
        piece("-m devgroup <!>--dst-group 0x0", hooks=OUT, weight=1),
    ),
    "dscp": (piece("-m dscp <!>--dscp [0x00|0x04|0x0a|0x2e]"), piece("-m dscp <!>--dscp-class [EF|CS0|AF11]")),
    "dst": (piece("-m dst [|--dst-len 8]", family=_SIX, weight=1),),
    "ecn": (
        piece("-m ecn <!>--ecn-ip-ect [0|1|3]"),
        piece("-m ecn <!>--ecn-tcp-[ece|cwr]", p="tcp"),
    ),
    "esp": (piece("-m esp <!>--espspi [0|0:10|7]", p="esp"),),
    "eui64": (piece("-m eui64", family=_SIX, hooks={Hook.PREROUTING}, weight=1),),
    "frag": (piece("-m frag --fragid 0:100", family=_SIX, weight=1),),
    "hashlimit": (
        piece(
            "-m hashlimit --hashlimit-[upto|above] [1/hour|2/hour] --hashlimit-burst [1|2|3]"
            " --hashlimit-mode [srcip|dstip|srcip,dstip|dstip,dstport] --hashlimit-name {list}x{serial}",
        ),
        # Rules with one name share a table.
        piece(
            "-m hashlimit --hashlimit-[upto|above] [1/hour|2/hour] --hashlimit-burst [1|2|3|4]"
            " --hashlimit-mode [srcip|dstip|dstport] [|--hashlimit-srcmask [0|24]] --hashlimit-name {list}",
        ),
        piece("-m hashlimit --hashlimit-[upto|above] 1kb/s --hashlimit-mode srcip --hashlimit-name {list}", weight=1),
    ),
    "hbh": (piece("-m hbh [|--hbh-len 8]", family=_SIX, weight=1),),
    "helper": (piece("-m helper <!>--helper [ftp|sip]", weight=1),),
    "hl": (piece("-m hl [<!>--hl-eq 64|--hl-lt 64|--hl-gt 62|--hl-eq 63]", family=_SIX),),
    "icmp": (piece("-m icmp <!>--icmp-type [8|0|any|3|3/1|echo-request|11]", p="icmp", family=_FOUR, weight=6),),
    "icmp6": (
        piece("-m icmp6 <!>--icmpv6-type [128|129|1|1/4|echo-request]", p="ipv6-icmp", family=_SIX, weight=6),
    ),
    "ipcomp": (piece("-m ipcomp <!>--ipcompspi [0|7]", p="ipcomp", weight=1),),
    "iprange": (piece("-m iprange <!>--[src|dst]-range {range}"),),
    "ipv6header": (piece("-m ipv6header --header [hop|dst|frag|none] [|--soft]", family=_SIX, weight=1),),
    "ipvs": (),
    "length": (piece("-m length <!>--length [40|28|0:40|41:|60:1500|20:48]"),),
    # Not by the day: the credits of iptables-legacy's limit overflow 32 bits then, from a burst of 2 on.
    "limit": (piece("-m limit --limit [1/hour|2/hour] --limit-burst [1|2|3|5]"),),
    "mac": (piece("-m mac <!>--mac-source 02:69:70:74:01:[00|01]", hooks=IN),),
    "mark": (piece("-m mark <!>--mark {mark}", weight=6), piece("-m mark <!>--mark {value}", weight=3)),
    "mh": (piece("-m mh --mh-type 0:5", p="mh", family=_SIX, weight=1),),
    "multiport": (
        piece("-m multiport <!>--[dports|sports|ports] {portlist}", p="tcp udp sctp dccp udplite", weight=5),
    ),
    "nfacct": (piece("-m nfacct --nfacct-name {list}", weight=1),),
    # Without fingerprints; whether there are some, for the whole kernel, the simulator does not know.
    "osf": (piece("-m osf <!>--genre [Linux|unknown] [|--ttl 1]", p="tcp", hooks=IN, family=_FOUR, weight=1),),
    "owner": (
        piece("-m owner <!>--uid-owner [0|1000|0-999]", hooks=_LOCAL_OUT, weight=4),
        piece("-m owner <!>--gid-owner [0|1000]", hooks=_LOCAL_OUT, weight=2),
        piece("-m owner <!>--socket-exists", hooks=_LOCAL_OUT, weight=2),
    ),
    "physdev": (
        piece("-m physdev <!>--physdev-in port[0|1|+]", hooks=IN, weight=1),
        piece("-m physdev <!>--physdev-is-[in|bridged]", hooks={Hook.FORWARD, Hook.PREROUTING}, weight=1),
    ),
    "pkttype": (piece("-m pkttype <!>--pkt-type [unicast|broadcast|multicast]"),),
    "policy": (
        piece("-m policy --dir in --pol [none|ipsec]", hooks=IN, weight=1),
        piece("-m policy --dir out --pol [none|ipsec]", hooks=OUT - {Hook.FORWARD}, weight=1),
    ),
    "quota": (piece("-m quota <!>--quota [100|50|1000|0]"),),
    # The first rule of all feeds this estimator.
    "rateest": (piece(f"-m rateest --rateest {ESTIMATOR} <!>--rateest-[lt|gt|eq] --rateest-pps [0|1000]", weight=1),),
    "realm": (piece("-m realm <!>--realm 0", hooks=OUT | {Hook.INPUT}, family=_FOUR, weight=1),),
    "recent": (
        piece("-m recent --name {list} <!>--set [--rsource|--rdest]", weight=3),
        piece("-m recent --name {list} <!>--[rcheck|update] [|--seconds 3600|--hitcount [1|2|3]] [--rsource|--rdest]",
              weight=4),
        piece("-m recent --name {list} <!>--remove [--rsource|--rdest]", weight=1),
    ),
    "rpfilter": (piece("-m rpfilter [|--loose] [|--validmark] [|--accept-local] [|--invert]",
                       tables="raw mangle", hooks={Hook.PREROUTING}),),
    "rt": (piece("-m rt --rt-type 0", family=_SIX, weight=1),),
    "sctp": (
        piece("-m sctp <!>--dport {ports}", p="sctp"),
        piece("-m sctp <!>--chunk-types [any|all|only] [INIT|DATA|INIT,DATA]", p="sctp"),
    ),
    "set": (
        piece("-m set <!>--match-set [hosts|nets] [src|dst]", weight=4),
        piece("-m set <!>--match-set hostports [src,src|dst,dst|src,dst]", p="tcp udp", weight=3),
        piece("-m set <!>--match-set all [src|dst]", weight=1),
        piece("-m set <!>--match-set ports [src|dst]", p="tcp udp", weight=2),
        piece("-m set <!>--match-set netifaces [src,src|dst,src]", hooks=IN, weight=1),
    ),
    "socket": (piece("-m socket [|--nowildcard|--transparent]", tables="mangle", hooks={Hook.PREROUTING, Hook.INPUT},
                     weight=1),),
    "srh": (piece("-m srh --srh-next-hdr 6", family=_SIX, weight=1),),
    "state": (piece(f"-m state <!>--state {_STATES}]", weight=3),),
    "statistic": (
        piece("-m statistic --mode nth --every 1 --packet 0", weight=1),
        piece("-m statistic --mode nth <!>--every [2|3] --packet [0|1]", weight=5),
        piece("-m statistic --mode random <!>--probability [0|1]", weight=1),
        piece("-m statistic --mode random --probability 0.5", weight=1),
    ),
    "string": (
        piece('-m string --string "[hello|GET /|zz]" --algo [bm|kmp] [|--from 20|--to 60] [|--icase]', weight=2),
        piece('-m string ! --string "hello" --algo bm', weight=1),
        piece('-m string --hex-string "|68 65|llo" --algo kmp', weight=1),
    ),
    "tcp": (
        piece("-m tcp <!>--dport {ports}", p="tcp", weight=6),
        piece("-m tcp <!>--sport {ports}", p="tcp", weight=2),
        piece("-m tcp <!>--syn", p="tcp", weight=3),
        piece("-m tcp <!>--tcp-flags [SYN,ACK SYN|ALL NONE|FIN,RST RST|ALL SYN,ACK]", p="tcp", weight=3),
        piece("-m tcp <!>--tcp-option [2|3|8]", p="tcp", weight=2),
    ),
    "tcpmss": (piece("-m tcpmss <!>--mss [1460|500:1500|536]", p="tcp"),),
    "time": (
        piece("-m time --timestart 00:00 --timestop 23:59:59", weight=1),
        piece("-m time --datestart [2001-01-01|2099-01-01]", weight=1),
        piece("-m time <!>--weekdays [Mo,Tu,We|Th,Fr,Sa,Su]", weight=1),
    ),
    "tos": (piece("-m tos <!>--tos [0x10/0x3f|0x08/0xff|0x00/0xff|0xb8/0xfc]"),),
    "ttl": (piece("-m ttl [<!>--ttl-eq 64|--ttl-lt 64|--ttl-gt 62|--ttl-eq 63]", family=_FOUR),),
    "u32": (
        piece('-m u32 <!>--u32 "[6&0xFF=0x6|6&0xFF=0x11|0>>22&0x3C@0>>16=0:1023|4&0x3FFF=0|0x8>>24=64]"',
              family=_FOUR),
        piece('-m u32 <!>--u32 "[4&0xFF=0:64|6&0xFF00=0x600]"', family=_SIX),
    ),
    "udp": (piece("-m udp <!>--dport {ports}", p="udp", weight=6), piece("-m udp <!>--sport {ports}", p="udp")),
}  # fmt: skip
