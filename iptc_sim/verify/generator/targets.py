"""A random generator for each target: a table of templates, by the name of the extension."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from iptc_sim.moment import Hook
from iptc_sim.values import Family
from iptc_sim.verify.generator.pieces import Piece, piece

_FOUR, _SIX = Family.IPV4, Family.IPV6
_DNAT: Final = {Hook.PREROUTING, Hook.OUTPUT}
_SNAT: Final = {Hook.POSTROUTING, Hook.INPUT}
_PORTS: Final = "tcp udp sctp dccp"
_NOT_NAT: Final = "raw mangle filter security"

TARGETS: Final[Mapping[str, tuple[Piece, ...]]] = {
    "ACCEPT": (piece("-j ACCEPT", weight=8),),
    "AUDIT": (piece("-j AUDIT --type [accept|drop|reject]", tables=_NOT_NAT, weight=1),),
    "CHECKSUM": (piece("-j CHECKSUM --checksum-fill", p="udp", tables="mangle", weight=1),),
    "CLASSIFY": (piece("-j CLASSIFY --set-class 1:{number}", tables="mangle",
                       hooks={Hook.FORWARD, Hook.OUTPUT, Hook.POSTROUTING}, weight=1),),
    "CLUSTERIP": (),
    "CONNMARK": (
        piece("-j CONNMARK --set-xmark {mark}", weight=3),
        piece("-j CONNMARK --set-mark {mark}", weight=2),
        piece("-j CONNMARK --save-mark [|--nfmask 0xff --ctmask 0xf]", weight=3),
        piece("-j CONNMARK --restore-mark [|--nfmask 0xf --ctmask 0xff]", tables="mangle", weight=4),
        piece("-j CONNMARK --[and|or|xor]-mark {value}", weight=1),
    ),
    "CONNSECMARK": (piece("-j CONNSECMARK --[save|restore]", tables="mangle security", weight=1),),
    "CT": (
        piece("-j CT --notrack", tables="raw", weight=5),
        piece("-j CT --zone [1|2]", tables="raw", weight=1),
        piece("-j CT --zone-orig 3", tables="raw", weight=1),
        piece("-j CT --zone [mark|1]", tables="raw", weight=1),
        piece("-j CT --helper ftp", p="tcp", tables="raw", weight=1),
    ),
    "DNAT": (
        piece("-j DNAT --to-destination {host}", tables="nat", hooks=_DNAT, weight=6),
        piece("-j DNAT --to-destination {address}", tables="nat", hooks=_DNAT, weight=2),
        piece("-j DNAT --to-destination 10.0.[0.9|1.7|1.7-10.0.1.9]:[8080|8000-8003|33000]", p="tcp udp",
              tables="nat", hooks=_DNAT, family=_FOUR, weight=6),
        piece("-j DNAT --to-destination 10.0.1.7-10.0.1.9 [|--persistent|--random]", tables="nat", hooks=_DNAT,
              family=_FOUR, weight=2),
        piece("-j DNAT --to-destination :8080", p="tcp udp", tables="nat", hooks=_DNAT, family=_FOUR, weight=1),
        piece("-j DNAT --to-destination <<2001:db8:3::7>>:8080", p="tcp udp", tables="nat",
              hooks=_DNAT, family=_SIX, weight=6),
    ),
    "DNPT": (piece("-j DNPT --src-pfx 2001:db8:2::/64 --dst-pfx 2001:db8:3::/64", tables="mangle",
                   hooks={Hook.PREROUTING}, family=_SIX, weight=1),),
    "DROP": (piece("-j DROP", tables=_NOT_NAT, weight=5),),
    "DSCP": (piece("-j DSCP --set-dscp [0x00|0x0a|0x2e]", tables="mangle"),
             piece("-j DSCP --set-dscp-class [EF|AF11]", tables="mangle", weight=1)),
    "ECN": (piece("-j ECN --ecn-tcp-remove", p="tcp", tables="mangle", family=_FOUR, weight=1),),
    "HL": (piece("-j HL --hl-[set 2|set 64|inc 1|dec 1]", tables="mangle", family=_SIX),),
    "HMARK": (piece("-j HMARK --hmark-tuple src,dst --hmark-mod 4 --hmark-rnd 0xfeafcafe --hmark-offset 1",
                    tables="mangle", weight=1),),
    "IDLETIMER": (piece("-j IDLETIMER --timeout 3600 --label {list}", weight=1),),
    "LED": (),
    "LOG": (piece('-j LOG --log-prefix "[a|b c]"', weight=1),),
    "MARK": (
        piece("-j MARK --set-xmark {mark}", weight=6),
        piece("-j MARK --set-mark {mark}", weight=3),
        piece("-j MARK --[and|or|xor]-mark {value}", weight=3),
    ),
    "MASQUERADE": (
        piece("-j MASQUERADE", tables="nat", hooks={Hook.POSTROUTING}, weight=7),
        piece("-j MASQUERADE --to-ports 33000-33500 [|--random]", p="tcp udp", tables="nat", hooks={Hook.POSTROUTING}),
        piece("-j MASQUERADE --random-fully", tables="nat", hooks={Hook.POSTROUTING}, weight=1),
    ),
    "NETMAP": (
        piece("-j NETMAP --to [10.0.1.0/24|10.0.1.17/28|198.51.100.7]", tables="nat", hooks=_DNAT | _SNAT,
              family=_FOUR, weight=3),
        piece("-j NETMAP --to 2001:db8:3::/64", tables="nat", hooks=_DNAT | _SNAT, family=_SIX, weight=3),
    ),
    "NFLOG": (piece("-j NFLOG --nflog-group 5", weight=1),),
    "NFQUEUE": (
        piece("-j NFQUEUE --queue-num 3 --queue-bypass", weight=1),
        piece("-j NFQUEUE --queue-num 3", tables=_NOT_NAT, weight=1),
    ),
    "NOTRACK": (piece("-j NOTRACK", tables="raw", weight=3),),
    "QUEUE": (),
    "RATEEST": (piece("-j RATEEST --rateest-name {list} --rateest-interval 250ms --rateest-ewmalog 500ms", weight=1),),
    "REDIRECT": (
        piece("-j REDIRECT", tables="nat", hooks=_DNAT, weight=3),
        piece("-j REDIRECT --to-ports [8080|8080-8083]", p="tcp udp", tables="nat", hooks=_DNAT, weight=3),
    ),
    "REJECT": (
        piece("-j REJECT", tables="filter", weight=3),
        piece("-j REJECT --reject-with tcp-reset", p="tcp", tables="filter", weight=2),
        piece("-j REJECT --reject-with icmp-[net|host|proto|port]-unreachable", tables="filter", family=_FOUR),
        piece("-j REJECT --reject-with icmp-[net|host|admin]-prohibited", tables="filter", family=_FOUR, weight=1),
        piece("-j REJECT --reject-with icmp6-[no-route|adm-prohibited|addr-unreachable|port-unreachable]",
              tables="filter", family=_SIX),
    ),
    "RETURN": (piece("-j RETURN", weight=5),),
    "SECMARK": (),
    "SET": (
        piece("-j SET --add-set hosts [src|dst] [|--exist]", weight=2),
        piece("-j SET --del-set hosts [src|dst]", weight=1),
        piece("-j SET --add-set ports [src|dst]", p="tcp udp", weight=1),
    ),
    "SNAT": (
        piece("-j SNAT --to-source {own}", tables="nat", hooks=_SNAT, weight=5),
        piece("-j SNAT --to-source {host}", tables="nat", hooks=_SNAT, weight=2),
        piece("-j SNAT --to-source 192.0.2.11[|-192.0.2.13]:[33000|20000-20500]", p="tcp udp", tables="nat",
              hooks=_SNAT, family=_FOUR, weight=2),
        piece("-j SNAT --to-source 192.0.2.11-192.0.2.13 [|--persistent|--random]", tables="nat", hooks=_SNAT,
              family=_FOUR, weight=1),
    ),
    "SNPT": (piece("-j SNPT --src-pfx 2001:db8:2::/64 --dst-pfx 2001:db8:5::/64", tables="mangle",
                   hooks={Hook.POSTROUTING}, family=_SIX, weight=1),),
    "SYNPROXY": (piece("-j SYNPROXY [|--mss 1460|--sack-perm --timestamp --wscale 7]", p="tcp", tables="mangle filter",
                       hooks={Hook.INPUT, Hook.FORWARD}, weight=1),),
    "TCPMSS": (piece("-j TCPMSS --set-mss [1000|1460]", p="tcp", tables="mangle", hooks={Hook.FORWARD, Hook.OUTPUT,
                     Hook.POSTROUTING}, weight=1),),
    "TCPOPTSTRIP": (piece("-j TCPOPTSTRIP --strip-options [2|3,8|sack-permitted]", p="tcp", tables="mangle",
                          weight=1),),
    "TEE": (piece("-j TEE --gateway {host} [|--oif eth0]", weight=1),),
    "TOS": (piece("-j TOS --set-tos [0x10/0x3f|0x08/0xff|0x00/0xff]", tables="mangle"),
            piece("-j TOS --[and|or|xor]-tos 0x18", tables="mangle", weight=1)),
    "TPROXY": (
        piece("-j TPROXY --on-port 5000 [|--tproxy-mark 0x1/0x1]", p="tcp udp", tables="mangle",
              hooks={Hook.PREROUTING}, weight=1),
    ),
    "TRACE": (piece("-j TRACE", tables="raw", weight=1),),
    "TTL": (piece("-j TTL --ttl-[set 2|set 64|inc 1|dec 1]", tables="mangle", family=_FOUR),),
    "ULOG": (),
}  # fmt: skip
