"""kernel-facts.md, "Matches": what looks at the packet, and what counts."""

from __future__ import annotations

from typing import Final

from iptc_sim.packet import Owner
from iptc_sim.steps import Fate
from iptc_sim.values import Family
from tests.engine.facts.case import ROUTER, ROUTER6, Case, Refused, Says, Send, Stand, send, table

_TCP: Final = "tcp 10.0.0.5:33000 -> 198.51.100.7:80 in eth1"


def _forward(*rules: str, also: str = "") -> str:
    return table("filter", *(f"-A FORWARD {rule}" for rule in rules)) + also


def _packets(flow: str, chain: str, *hits: tuple[int, ...]) -> tuple[Send, ...]:
    """Send as many packets as there are answers, each of a flow of its own; ``PORT`` is its number."""
    return tuple(send(flow.replace("PORT", str(33000 + n)), Says(hits={chain: one})) for n, one in enumerate(hits))


_NEXT: Final = "tcp 10.0.0.5:PORT -> 198.51.100.7:80 in eth1"
_ENDPOINTS: Final = tuple(f"-j DNAT --to-destination 10.0.1.{n}:80" for n in (7, 8, 9))
_NTH: Final = "-m statistic --mode nth"

_COUNTERS: Final = (
    Case(
        "nth_counter",
        "fires at evaluations k with k mod n == p",
        _forward(*(f"{_NTH} --every 3 --packet {p}" for p in (0, 1, 2))),
        _packets(_NEXT, "filter/FWD", (1,), (2,), (3,), (1,), (2,), (3,), (1,)),
        ROUTER,
    ),
    Case(
        "nth_counter",
        "thirds, halves and the rest are an exact round robin",
        table(
            "nat",
            f"-A PREROUTING -p tcp {_NTH} --every 3 --packet 0 {_ENDPOINTS[0]}",
            f"-A PREROUTING -p tcp {_NTH} --every 2 --packet 0 {_ENDPOINTS[1]}",
            f"-A PREROUTING -p tcp {_ENDPOINTS[2]}",
        ),
        _packets("tcp 203.0.113.5:PORT -> 192.0.2.20:80 in eth0", "nat/PRE", (1,), (2,), (3,), (1,), (2,), (3,)),
        ROUTER,
    ),
    Case(
        "nth_counter",
        "each rule has its own counter",
        _forward(f"{_NTH} --every 2 --packet 0", f"-p tcp {_NTH} --every 2 --packet 0"),
        (
            send("udp 10.0.0.5:1 -> 198.51.100.7:53 in eth1", Says(hits={"filter/FWD": (1,)})),
            *_packets(_NEXT, "filter/FWD", (2,), (1,), (2,)),
        ),
        ROUTER,
    ),
    Case(
        "nth_counter",
        "negated",
        _forward("-m statistic --mode nth ! --every 3 --packet 0"),
        _packets(_NEXT, "filter/FWD", (), (1,), (1,), (), (1,)),
        ROUTER,
    ),
    Case(
        "nth_counter",
        "drops count, later packets of a translated flow do not",
        table("nat", f"-A PREROUTING -p tcp {_NTH} --every 2 --packet 0", "-A POSTROUTING -j MASQUERADE")
        + table("filter", "-A FORWARD -p tcp -m tcp --dport 81 -j DROP"),
        (
            send(_TCP, Says(hits={"nat/PRE": (1,)})),
            send(f"{_TCP} flags syn", Says(hits={"nat/PRE": ()})),
            send("tcp 10.0.0.5:33000 -> 198.51.100.7:81 in eth1", Says(hits={"nat/PRE": ()}, fate=Fate.DROP)),
            send("tcp 10.0.0.5:33000 -> 198.51.100.7:81 in eth1", Says(hits={"nat/PRE": (1,)}, fate=Fate.DROP)),
            send("tcp 10.0.0.5:33000 -> 198.51.100.7:81 in eth1", Says(hits={"nat/PRE": ()}, fate=Fate.DROP)),
        ),
        ROUTER,
    ),
    Case(
        "nth_counts_only_evaluations",
        "what stands right of it does not matter",
        _forward(f"-p udp {_NTH} --every 2 --packet 0 -m udp --dport 53"),
        (
            send("udp 10.0.0.5:1 -> 198.51.100.7:99 in eth1", Says(hits={"filter/FWD": ()})),
            send("udp 10.0.0.5:2 -> 198.51.100.7:53 in eth1", Says(hits={"filter/FWD": ()})),
            send("udp 10.0.0.5:3 -> 198.51.100.7:53 in eth1", Says(hits={"filter/FWD": (1,)})),
        ),
        ROUTER,
    ),
    Case(
        "nth_counts_only_evaluations",
        "what stands left of it does, and -s -d -i -o -p wherever they stand",
        _forward(
            f"-p udp -m udp --dport 53 {_NTH} --every 2 --packet 0",
            f"{_NTH} --every 2 --packet 0 -p udp",
        ),
        (
            send("udp 10.0.0.5:1 -> 198.51.100.7:99 in eth1", Says(hits={"filter/FWD": (2,)})),
            send("udp 10.0.0.5:2 -> 198.51.100.7:53 in eth1", Says(hits={"filter/FWD": (1,)})),
            send(_TCP, Says(hits={"filter/FWD": ()})),
            send("udp 10.0.0.5:3 -> 198.51.100.7:53 in eth1", Says(hits={"filter/FWD": (2,)})),
        ),
        ROUTER,
    ),
    Case(
        "random_extremes",
        "0 never, 1 always",
        _forward(
            "-m statistic --mode random --probability 0",
            "-m statistic --mode random --probability 1",
            "-m statistic --mode random ! --probability 0",
            "-m statistic --mode random ! --probability 1",
        ),
        _packets(_NEXT, "filter/FWD", *[(2, 3)] * 5),
        ROUTER,
    ),
)

_LISTS: Final = (
    Case(
        "limit_hashlimit_recent",
        "limit: the bucket is full at load, five by default",
        _forward("-m limit --limit 1/hour", "-m limit --limit 1/hour --limit-burst 2"),
        _packets(_NEXT, "filter/FWD", (1, 2), (1, 2), (1,), (1,), (1,), (), ()),
        ROUTER,
    ),
    Case(
        "limit_hashlimit_recent",
        "hashlimit: a full bucket for each source",
        _forward(
            "-m hashlimit --hashlimit-upto 1/hour --hashlimit-burst 2 --hashlimit-mode srcip --hashlimit-name facts"
        ),
        (
            *_packets(_NEXT, "filter/FWD", (1,), (1,), ()),
            send("tcp 10.0.0.6:33000 -> 198.51.100.7:80 in eth1", Says(hits={"filter/FWD": (1,)})),
        ),
        ROUTER,
    ),
    Case(
        "limit_hashlimit_recent",
        "recent: --set earlier in the same packet counts for --hitcount",
        _forward("-m recent --set --name seen1 --rsource", "-m recent --rcheck --hitcount 2 --name seen1 --rsource"),
        _packets(_NEXT, "filter/FWD", (1,), (1, 2), (1, 2)),
        ROUTER,
    ),
    Case(
        "limit_hashlimit_recent",
        "recent: --update refreshes only when it matches",
        _forward(
            "-p tcp -m recent --update --hitcount 3 --name seen2 --rsource",
            "-p udp -m recent --set --name seen2 --rsource",
            "-p icmp -m recent --rcheck --hitcount 3 --name seen2 --rsource",
        ),
        (
            *_packets("udp 10.0.0.5:PORT -> 198.51.100.7:53 in eth1", "filter/FWD", (2,), (2,)),
            *_packets(_NEXT, "filter/FWD", (), ()),
            send("icmp 10.0.0.5 -> 198.51.100.7 in eth1", Says(hits={"filter/FWD": ()}), icmp_id=1),
            send("udp 10.0.0.5:44000 -> 198.51.100.7:53 in eth1", Says(hits={"filter/FWD": (2,)})),
            *_packets("tcp 10.0.0.5:PORT -> 198.51.100.9:80 in eth1", "filter/FWD", (1,)),
        ),
        ROUTER,
    ),
    Case(
        "limit_hashlimit_recent",
        "recent: ! --set sets and does not match",
        _forward("-m recent ! --set --name seen3 --rsource", "-m recent --rcheck --name seen3 --rsource"),
        _packets(_NEXT, "filter/FWD", (2,), (2,)),
        ROUTER,
    ),
    Case(
        "limit_hashlimit_recent",
        "recent: --remove matches only what was there",
        _forward("-p tcp -m recent --remove --name seen4 --rsource", "-p udp -m recent --set --name seen4 --rsource"),
        (
            *_packets(_NEXT, "filter/FWD", ()),
            send("udp 10.0.0.5:1 -> 198.51.100.7:53 in eth1", Says(hits={"filter/FWD": (2,)})),
            *_packets("tcp 10.0.0.5:PORT -> 198.51.100.9:80 in eth1", "filter/FWD", (1,), ()),
        ),
        ROUTER,
    ),
    Case(
        "ipsets",
        "nomatch, a list of sets, and an element added by the rule before",
        _forward(
            "-m set --match-set nets src",
            "-m set --match-set lists src",
            "-m set --match-set pairs src,src",
            "-m set --match-set added src",
            "-j SET --add-set added src",
            "-m set --match-set added src",
        ),
        (
            send(_TCP, Says(hits={"filter/FWD": (1, 2, 3, 5, 6)})),
            send(_TCP.replace("33000", "33001"), Says(hits={"filter/FWD": (1, 2, 3, 4, 5, 6)})),
            send("tcp 10.0.0.130:1 -> 198.51.100.7:80 in eth1", Says(hits={"filter/FWD": (3, 5, 6)})),
            send("tcp 10.0.1.5:1 -> 198.51.100.7:80 in eth2", Says(hits={"filter/FWD": (2, 5, 6)})),
        ),
        ROUTER,
        sets="""\
create nets hash:net
add nets 10.0.0.0/24
add nets 10.0.0.128/25 nomatch
create hosts hash:ip
add hosts 10.0.1.5
create lists list:set
add lists nets
add lists hosts
create pairs hash:net,iface
add pairs 10.0.0.0/16,eth1
create added hash:ip
""",
    ),
)

_ANY: Final = Owner(1000, 1000)
_ROOT: Final = Owner(0, 0)
_FROM_HERE: Final = "tcp 192.0.2.10:33000 -> 198.51.100.7:80 from host"

_HEADERS: Final = (
    Case(
        "interfaces",
        "there is no in interface in OUTPUT, also in chains called from there",
        table("filter", ":here -", "-A OUTPUT -j here", "-A here -i eth1", "-A here ! -i eth1", "-A here -i +", "-A here -o eth0"),
        (send(_FROM_HERE, Says(hits={"filter/here": (2, 3, 4)})),),
        ROUTER,
    ),
    Case(
        "interfaces",
        "eth1+ matches eth1",
        _forward("-i eth1+", "-i eth+", "-i et", "-i eth1", "! -i eth+", "-o eth1+"),
        (send(_TCP, Says(hits={"filter/FWD": (1, 2, 4)})),),
        ROUTER,
    ),
    Case(
        "ports_and_flags",
        "--icmp-type 255 is any",
        _forward("-p icmp -m icmp --icmp-type 255", "-p icmp -m icmp --icmp-type any", "-p icmp -m icmp --icmp-type 8"),
        (
            send("icmp 10.0.0.5 -> 198.51.100.7 in eth1", Says(hits={"filter/FWD": (1, 2, 3)})),
            send("icmp 10.0.0.5 -> 198.51.100.7 in eth1 icmp 13", Says(hits={"filter/FWD": (1, 2)})),
        ),
        ROUTER,
    ),
    *(
        Case(
            "ports_and_flags",
            f"--syn and {flags}",
            _forward("-p tcp -m tcp --syn", "-p tcp -m tcp ! --syn"),
            (send(f"{_TCP} flags {flags}", Says(hits={"filter/FWD": hits})),),
            ROUTER,
        )
        for flags, hits in (
            ("syn", (1,)), ("syn,psh", (1,)), ("syn,urg", (1,)), ("syn,ack", (2,)), ("syn,fin", (2,)),
            ("syn,rst", (2,)), ("ack", (2,)), ("none", (2,)),
        )
    ),
    Case(
        "owner",
        "root's packets and another's",
        table("filter", "-A OUTPUT -m owner --uid-owner 0", "-A OUTPUT -m owner ! --uid-owner 0", "-A OUTPUT -m owner --uid-owner 1000", "-A OUTPUT -m owner --gid-owner 1000"),
        (
            send(_FROM_HERE, Says(hits={"filter/OUT": (1,)}), owner=_ROOT),
            send(_FROM_HERE.replace("33000", "33001"), Says(hits={"filter/OUT": (2, 3, 4)}), owner=_ANY),
        ),
        ROUTER,
    ),
    Case(
        "goto_return",
        "the end of the chain returns to the one that last did -j",
        table("filter", ":outer -", ":aside -", "-A FORWARD -j outer", "-A FORWARD -p tcp", "-A outer -g aside", "-A outer -j DROP", "-A aside -p tcp"),
        (send(_TCP, Says(hits={"filter/FWD": (1, 2), "filter/outer": (1,), "filter/aside": (1,)}, fate=Fate.FORWARD)),),
        ROUTER,
    ),
    Case(
        "goto_return",
        "from a base chain: its policy",
        table("filter", ":FORWARD DROP", ":aside -", "-A FORWARD -g aside", "-A FORWARD -j ACCEPT", "-A aside -p tcp"),
        (send(_TCP, Says(hits={"filter/FWD": (1,), "filter/aside": (1,)}, fate=Fate.DROP)),),
        ROUTER,
    ),
    *(
        Case(
            "nft_and_legacy_differ_on_negated_full_range",
            f"{variant}",
            _forward("-p tcp -m tcp ! --dport 0:65535", "-p udp -m udp ! --sport 0:65535"),
            (
                send(_TCP, Says(hits={"filter/FWD": (1,) if variant == "nft" else ()})),
                send("udp 10.0.0.5:1 -> 198.51.100.7:53 in eth1", Says(hits={"filter/FWD": (2,) if variant == "nft" else ()})),
            ),
            ROUTER,
            variants=(variant,),
        )
        for variant in ("nft", "legacy")
    ),
)  # fmt: skip

_TYPES: Final = ("LOCAL", "BROADCAST", "MULTICAST", "UNICAST", "BLACKHOLE", "UNREACHABLE", "PROHIBIT")
_ROUTES: Final = Stand(
    {**ROUTER.interfaces, "lo": ("203.0.113.1/32",)},
    ("blackhole 198.18.1.0/24", "unreachable 198.18.2.0/24", "prohibit 198.18.3.0/24"),
    setup=("route add local 198.18.4.0/24 dev lo table local",),
)

_ADDRTYPE: Final = (
    Case(
        "addrtype",
        "the local table alone is asked",
        table("raw", *(f"-A PREROUTING -m addrtype --dst-type {kind}" for kind in _TYPES)),
        tuple(
            send(f"udp 10.0.0.5:33000 -> {address}:53 in eth1", Says(hits={"raw/PRE": (_TYPES.index(kind) + 1,)}))
            for address, kind in (
                ("127.0.0.1", "LOCAL"), ("127.0.0.2", "LOCAL"), ("192.0.2.10", "LOCAL"), ("192.0.2.11", "LOCAL"),
                ("10.0.0.1", "LOCAL"), ("10.0.1.1", "LOCAL"), ("203.0.113.1", "LOCAL"), ("198.18.4.77", "LOCAL"),
                ("127.255.255.255", "BROADCAST"), ("192.0.2.255", "BROADCAST"), ("10.0.1.255", "BROADCAST"),
                ("255.255.255.255", "BROADCAST"), ("0.0.0.0", "BROADCAST"), ("192.0.2.0", "UNICAST"),
                ("224.0.0.1", "MULTICAST"), ("239.1.2.3", "MULTICAST"), ("10.0.0.9", "UNICAST"),
                ("8.8.8.8", "UNICAST"), ("240.0.0.1", "UNICAST"),
                ("198.18.1.1", "UNICAST"), ("198.18.2.1", "UNICAST"), ("198.18.3.1", "UNICAST"),
            )
        ),
        _ROUTES,
    ),
    Case(
        "addrtype",
        "limited to the addresses of the in interface",
        table("raw", "-A PREROUTING -m addrtype --dst-type LOCAL --limit-iface-in", "-A PREROUTING -m addrtype --dst-type LOCAL"),
        (
            send("udp 10.0.0.5:33000 -> 10.0.0.1:53 in eth1", Says(hits={"raw/PRE": (1, 2)})),
            send("udp 10.0.0.5:33000 -> 10.0.1.1:53 in eth1", Says(hits={"raw/PRE": (2,)})),
            send("udp 10.0.0.5:33000 -> 192.0.2.10:53 in eth1", Says(hits={"raw/PRE": (2,)})),
        ),
        ROUTER,
    ),
    Case(
        "addrtype",
        "IPv6",
        table("raw", "-A PREROUTING -m addrtype --dst-type LOCAL", "-A PREROUTING -m addrtype --dst-type UNICAST", "-A PREROUTING -m addrtype --dst-type MULTICAST"),
        (
            send("udp [2001:db8:2::5]:1 -> [2001:db8:2::1]:53 in eth1", Says(hits={"raw/PRE": (1, 2)})),
            send("udp [2001:db8:2::5]:1 -> [2001:db8:1::10]:53 in eth1", Says(hits={"raw/PRE": (1, 2)})),
            send("udp [2001:db8:2::5]:1 -> [2001:db8:9::7]:53 in eth1", Says(hits={"raw/PRE": (2,)})),
            send("udp [2001:db8:2::5]:1 -> [ff02::1]:53 in eth1", Says(hits={"raw/PRE": (3,)})),
        ),
        ROUTER6,
    ),
)  # fmt: skip

CASES: Final = (*_COUNTERS, *_LISTS, *_HEADERS, *_ADDRTYPE)

REFUSED: Final = (
    Refused("nth_counter", "filter", "-A FORWARD -m statistic --mode nth --every 2"),
    Refused("nth_counter", "filter", "-A FORWARD -m statistic ! --mode nth --every 2 --packet 0"),
    Refused("addrtype", "filter", "-A FORWARD -m addrtype --dst-type BROADCAST", Family.IPV6),
    Refused("addrtype", "filter", "-A FORWARD -m addrtype --dst-type BLACKHOLE", Family.IPV6),
)
