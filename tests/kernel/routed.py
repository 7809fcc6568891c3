"""Nodes with tables, rules and switches of their own, and what is sent through them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from iptc_sim.kernel import Surroundings
from iptc_sim.packet import Packet
from tests.kernel.scenario import ROUTER, ROUTER_ROUTES, ping, table, tcp, udp

#: A rule in every chain, so that the trace tells which were walked.
EVERYWHERE: Final = table("mangle", *[
    f"-A {chain} -m comment --comment here" for chain in ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING")
])  # fmt: skip
#: As it, and marks by TOS or port: in mangle/PREROUTING 1 for port 8001, in mangle/OUTPUT 2 for port 8002.
MARKING: Final = EVERYWHERE + table(
    "mangle",
    "-A PREROUTING -p udp --dport 8001 -j MARK --set-mark 1",
    "-A OUTPUT -p udp --dport 8002 -j MARK --set-mark 2",
    "-A FORWARD -p udp --dport 8003 -j MARK --set-mark 1",
)

ROUTER6_WIDE: Final = {"eth0": ["2001:db8:1::10/64"], "eth1": ["2001:db8:2::1/64"], "eth2": ["2001:db8:3::1/64"]}


@dataclass(frozen=True)
class World:
    """A node and the packets sent through it, one after the other.

    Args:
        name: the fact.
        packets: what is sent.
        setup: lines for ``ip -batch``.
        setup6: lines for ``ip -6 -batch``.
        sysctls: switches.
        interfaces: addresses.
        rules: for iptables-restore.
    """

    name: str
    packets: tuple[Packet, ...]
    setup: tuple[str, ...] = ()
    setup6: tuple[str, ...] = ()
    sysctls: Mapping[str, str] = field(default_factory=dict)
    interfaces: Mapping[str, list[str]] = field(default_factory=lambda: ROUTER)
    rules: str = EVERYWHERE

    @property
    def surroundings(self) -> Surroundings:
        four = "eth0" in self.interfaces and "192.0.2.10/24" in self.interfaces["eth0"]
        return Surroundings(self.interfaces, ROUTER_ROUTES if four else (), self.sysctls, {}, self.setup)


def to(*destinations: str, source: str = "10.0.0.5", by: str | None = "eth1") -> tuple[Packet, ...]:
    """UDP packets from one source to several addresses."""
    return tuple(udp(f"{_in_brackets(source)}:1000", f"{_in_brackets(one)}:53", by) for one in destinations)


def of(*sources: str, destination: str = "198.51.100.7", by: str | None = "eth1") -> tuple[Packet, ...]:
    """UDP packets from several sources to one address."""
    return tuple(udp(f"{_in_brackets(one)}:1000", f"{_in_brackets(destination)}:53", by) for one in sources)


def _in_brackets(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _marked(packets: tuple[Packet, ...], mark: int) -> tuple[Packet, ...]:
    return tuple(replace(packet, mark=mark) for packet in packets)


_OUTSIDE: Final = "198.51.100.7"
_TABLE_100: Final = "route add default via 10.0.1.9 table 100"

WORLDS: Final = (
    World(
        "fwmark_rules_and_tables",
        (
            *to(_OUTSIDE),
            *_marked(to(_OUTSIDE), 1),
            *_marked(to(_OUTSIDE), 0x11),
            *_marked(to(_OUTSIDE), 0x12),
            *_marked(to(_OUTSIDE, source="192.0.2.10", by=None), 1),
            udp("10.0.0.5:1000", f"{_OUTSIDE}:8001", "eth1"),
            udp("192.0.2.10:1000", f"{_OUTSIDE}:8002"),
            udp("10.0.0.5:1000", f"{_OUTSIDE}:8003", "eth1"),
        ),
        (
            _TABLE_100,
            "rule add fwmark 1 lookup 100",
            "rule add fwmark 0x12/0x1f lookup 100",
            "rule add fwmark 2 lookup 100",
        ),
        rules=MARKING,
    ),
    World(
        "longest_prefix_and_metric",
        to(*(f"10.5{n}.1.9" for n in range(6)), "10.50.128.1"),
        (
            "route add 10.50.0.0/16 via 192.0.2.1",
            "route add 10.50.1.0/24 via 10.0.1.9",
            "route add 10.51.0.0/16 via 192.0.2.1 metric 20",
            "route add 10.51.0.0/16 via 10.0.1.9 metric 10",
            "route add unreachable 10.52.0.0/16 metric 50",
            "route add 10.52.0.0/16 via 10.0.1.9 metric 40",
            "route add 10.53.0.0/16 dev eth2",
            "route add 10.54.1.9 dev eth2",
        ),
    ),
    World(
        "refusing_routes_and_throw",
        (
            *to("10.50.0.9", "10.51.0.9", "10.52.0.9", "10.53.0.9", "10.54.0.9"),
            *to("10.50.0.9", "10.51.0.9", "10.52.0.9", "10.53.0.9", source="192.0.2.10", by=None),
        ),
        (
            "route add unreachable 10.50.0.0/16",
            "route add blackhole 10.51.0.0/16",
            "route add prohibit 10.52.0.0/16",
            "route add throw 10.53.0.0/16 table 100",
            "route add default via 10.0.1.9 table 100",
            "rule add to 10.53.0.0/16 lookup 100",
            "rule add to 10.54.0.0/16 lookup 100",
        ),
    ),
    World(
        "local_and_main_are_one_until_there_is_a_rule",
        (*to("10.58.0.9", "10.58.1.9", "10.58.2.9", "10.0.0.1"), *of("10.58.3.3", "10.0.1.255")),
        (
            "route add local 10.58.0.0/16 dev lo",
            "route add 10.58.1.0/24 via 10.0.1.9",
            "route add blackhole 10.58.2.0/24",
        ),
    ),
    World(
        "a_rule_parts_local_from_main",
        (*to("10.58.0.9", "10.58.1.9", "10.58.2.9", "10.0.0.1"), *of("10.58.3.3", "10.0.1.255")),
        (
            "route add local 10.58.0.0/16 dev lo",
            "route add 10.58.1.0/24 via 10.0.1.9",
            "route add blackhole 10.58.2.0/24",
            "rule add from 99.0.0.0/8 lookup 99",
        ),
    ),
    World(
        "rules_by_source_destination_and_interface",
        (
            *of("10.0.0.5", "10.0.0.6", "192.0.2.77"),
            *to("198.51.100.8", "198.51.100.9", "198.51.101.9"),
            *to(_OUTSIDE, by="eth2", source="10.0.1.5"),
            *of("192.0.2.10", "192.0.2.11", by=None),
        ),
        (
            _TABLE_100,
            "route add default via 10.0.0.9 table 101",
            "rule add from 10.0.0.6 lookup 100",
            "rule add to 198.51.100.8 lookup 100",
            "rule add to 198.51.100.9 prohibit",
            "rule add to 198.51.101.0/24 blackhole",
            "rule add iif eth2 lookup 101",
            "rule add iif lo from 192.0.2.11 lookup 100",
            "rule add oif eth2 unreachable",
        ),
    ),
    World(
        "rules_by_protocol_port_and_user",
        (
            *to(_OUTSIDE),
            udp("10.0.0.5:1000", f"{_OUTSIDE}:54", "eth1"),
            tcp("10.0.0.5:1000", f"{_OUTSIDE}:54", "eth1"),
            tcp("10.0.0.5:2000", f"{_OUTSIDE}:54", "eth1"),
            ping("10.0.0.5", _OUTSIDE, "eth1"),
        ),
        (
            _TABLE_100,
            "rule add ipproto udp dport 53 lookup 100",
            "rule add ipproto icmp unreachable",
            "rule add ipproto tcp sport 1000-1999 lookup 100",
        ),
    ),
    World("what_comes_in_is_roots", to(_OUTSIDE), (_TABLE_100, "rule add uidrange 0-0 lookup 100")),
    World("and_nobody_elses", to(_OUTSIDE), (_TABLE_100, "rule add uidrange 1-1000 lookup 100")),
    World(
        "not_goto_nop_and_suppress",
        (*of("10.0.0.5", "10.0.0.6"), *to("10.0.1.77", "198.51.100.9")),
        (
            _TABLE_100,
            "rule add pref 100 not from 10.0.0.6 goto 300",
            "rule add pref 200 to 198.51.100.0/24 blackhole",
            "rule add pref 250 nop",
            "rule add pref 300 lookup main suppress_prefixlength 0",
            "rule add pref 400 to 198.51.100.0/24 lookup 100",
            "rule add pref 500 goto 600",
        ),
    ),
    World(
        "rules_and_routes_by_tos",
        tuple(
            replace(packet, tos=tos)
            for tos in (0, 0x10, 0x11, 0x50, 0x08, 0x48, 0x28, 0x14)
            for packet in to(_OUTSIDE, "10.50.0.9")
        ),
        (
            _TABLE_100,
            "rule add tos 0x10 lookup 100",
            "route add 10.50.0.0/16 via 192.0.2.1",
            "route add 10.50.0.0/16 tos 0x08 via 10.0.1.9",
        ),
    ),
    World(
        "martians",
        (
            *of("10.0.0.5", "127.0.0.1", "192.0.2.11", "10.0.0.1", "224.0.0.5", "255.255.255.255", "0.0.0.0"),
            *of("0.1.2.3", "240.0.0.1", "10.0.0.255", "10.0.1.255"),
            *to("127.0.0.1", "127.0.0.2", "0.0.0.0", "0.1.2.3", "240.0.0.1", "255.255.255.255", "10.0.0.255"),
            *to("10.0.1.255", "10.0.1.1", "224.0.0.1", "224.0.0.5"),
            *of("0.0.0.0", destination="255.255.255.255"),
            *of("0.0.0.0", destination="0.0.0.0"),
            *of("0.0.0.0", destination="10.0.0.1"),
            *of("0.0.0.0", destination="224.0.0.1"),
            *of("10.0.0.255", destination="10.0.0.1"),
            *of("127.0.0.1", destination="127.0.0.1"),
        ),
    ),
    World(
        "sources_are_checked_where_redirects_are_sent",
        (*of("10.0.0.255", "10.0.1.255", "192.0.2.77", destination="10.0.0.9"), *of("10.0.0.255", "10.0.1.255")),
        sysctls={"net/ipv4/conf/eth1/send_redirects": "1"},
    ),
    World(
        "route_localnet",
        (
            *to("127.0.0.1", "127.0.0.2", "127.255.255.255"),
            *of("127.0.0.1", "127.0.0.1"),
            *to("127.0.0.1", by="eth2", source="10.0.1.5"),
        ),
        sysctls={"net/ipv4/conf/eth1/route_localnet": "1"},
    ),
    World("route_localnet_of_all", to("127.0.0.1"), sysctls={"net/ipv4/conf/all/route_localnet": "1"}),
    World("accept_local", of("192.0.2.11", "10.0.0.1", "127.0.0.1"), sysctls={"net/ipv4/conf/eth1/accept_local": "1"}),
    *(
        World(
            f"rp_filter_{own}_and_{everyone}_of_all",
            (
                *of("10.0.0.5", "10.0.1.5", "192.0.2.77", "203.0.113.9", "10.0.0.255", "10.50.0.9"),
                *of("10.0.1.5", destination="10.0.0.1"),
                *of("0.0.0.0", "203.0.113.9", destination="255.255.255.255"),
                *of("203.0.113.9", destination="224.0.0.1"),
                *of("10.0.0.5", "203.0.113.9", by="eth0"),
                *of("10.0.0.5", by="eth2"),
            ),
            ("route add unreachable 10.50.0.0/16",),
            sysctls={"net/ipv4/conf/eth1/rp_filter": own, "net/ipv4/conf/all/rp_filter": everyone},
        )
        for own, everyone in (("0", "0"), ("1", "0"), ("2", "0"), ("0", "2"), ("1", "2"), ("0", "1"))
    ),
    World(
        "rp_filter_without_a_way_back",
        of("10.0.0.5", "203.0.113.9"),
        ("route del default",),
        sysctls={"net/ipv4/conf/eth1/rp_filter": "2"},
    ),
    World(
        "src_valid_mark",
        (*of("203.0.113.9"), *_marked(of("203.0.113.9"), 1)),
        ("route add default via 10.0.0.9 table 100", "rule add fwmark 1 lookup 100"),
        sysctls={"net/ipv4/conf/eth1/rp_filter": "1", "net/ipv4/conf/eth1/src_valid_mark": "1"},
    ),
    World(
        "without_src_valid_mark",
        _marked(of("203.0.113.9"), 1),
        ("route add default via 10.0.0.9 table 100", "rule add fwmark 1 lookup 100"),
        sysctls={"net/ipv4/conf/eth1/rp_filter": "1"},
    ),
    World("ip_forward_0", to(_OUTSIDE, "10.0.0.1"), sysctls={"net/ipv4/ip_forward": "0"}),
    World(
        "forwarding_of_one_interface",
        (*to(_OUTSIDE), *to(_OUTSIDE, source="10.0.1.5", by="eth2")),
        sysctls={"net/ipv4/conf/eth1/forwarding": "0"},
    ),
    World(
        "next_hop_of_the_other_family",
        to("10.50.0.9"),
        ("route add 10.50.0.0/16 via inet6 fe80::9 dev eth2",),
    ),
    World(
        "point_to_point",
        (*to("10.9.0.1", "10.9.0.2", "10.9.0.3"), *to("10.9.0.2", source="10.9.0.1", by=None)),
        ("addr add 10.9.0.1 peer 10.9.0.2/32 dev eth2",),
    ),
)

_SIX: Final = "2001:db8:2::5"
WORLDS6: Final = (
    World(
        "ipv6_martians",
        (
            *of(
                _SIX,
                "::1",
                "ff02::1",
                "::",
                "fe80::77",
                "2001:db8:1::10",
                "::ffff:192.0.2.9",
                destination="2001:db8:1::7",
            ),
            *of(_SIX, "fe80::77", "::", destination="2001:db8:2::1"),
            *to("::1", "ff02::1", "ff02::5", "ff01::1", "ff05::5", "2001:db8:2::", "2001:db8:3::", source=_SIX),
            *to("2001:db8:9::9", "2001:db8:3::1", "fe80::99", "fe80::1", "fe80::2", source=_SIX),
            *to("fe80::99", "fe80::1", "fe80::2", source="fe80::5", by="eth2"),
            *of("::", "fe80::5", destination="2001:db8:2::77"),
        ),
        setup6=("addr add fe80::1/64 dev eth1 nodad", "addr add fe80::2/64 dev eth2 nodad"),
        interfaces=ROUTER6_WIDE,
    ),
    World(
        "ipv6_forwarding_0",
        to("2001:db8:1::7", "2001:db8:2::1", "2001:db8:2::", source=_SIX),
        sysctls={"net/ipv6/conf/all/forwarding": "0"},
        interfaces=ROUTER6_WIDE,
    ),
    World(
        "ipv6_ignores_ip_forward",
        to("2001:db8:1::7", source=_SIX),
        sysctls={"net/ipv4/ip_forward": "0"},
        interfaces=ROUTER6_WIDE,
    ),
    World(
        "ipv6_forwarding_of_one_interface",
        to("2001:db8:1::7", source=_SIX),
        sysctls={"net/ipv6/conf/eth1/forwarding": "0"},
        interfaces=ROUTER6_WIDE,
    ),
    World(
        "ipv6_forced_forwarding",
        to("2001:db8:1::7", source=_SIX),
        sysctls={"net/ipv6/conf/all/forwarding": "0", "net/ipv6/conf/eth1/force_forwarding": "1"},
        interfaces=ROUTER6_WIDE,
    ),
    World(
        "ipv6_tables_and_rules",
        (
            *to("2001:db8:50::9", "2001:db8:51::9", "2001:db8:52::9", "2001:db8:53::9", "2001:db8:54::9", source=_SIX),
            *_marked(to("2001:db8:55::9", source=_SIX), 1),
            *to("2001:db8:55::9", source="2001:db8:2::6"),
            *to("2001:db8:55::9", source=_SIX),
        ),
        setup6=(
            "route add default via 2001:db8:1::1",
            "route add 2001:db8:50::/48 via 2001:db8:3::9",
            "route add unreachable 2001:db8:51::/48",
            "route add blackhole 2001:db8:52::/48",
            "route add prohibit 2001:db8:53::/48",
            "route add throw 2001:db8:54::/48 table 100",
            "route add default via 2001:db8:3::9 table 100",
            "rule add fwmark 1 lookup 100",
            "rule add to 2001:db8:54::/48 lookup 100",
            "rule add from 2001:db8:2::6 lookup 100",
        ),
        interfaces=ROUTER6_WIDE,
    ),
)
