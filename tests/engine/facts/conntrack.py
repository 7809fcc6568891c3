"""kernel-facts.md, "Conntrack and nat"."""

from __future__ import annotations

from typing import Final

from iptc_sim.steps import Fate
from tests.engine.facts.case import ROUTER, Case, Change, Refused, Says, back, send, table, without_nat
from tests.engine.facts.hooks import FORWARDED, INCOMING

_STATES: Final = (
    "-A FORWARD -m conntrack --ctstate NEW",
    "-A FORWARD -m conntrack --ctstate ESTABLISHED",
    "-A FORWARD -m conntrack --ctstate INVALID",
    "-A FORWARD -m conntrack --ctstate UNTRACKED",
)
_USED: Final = table("filter", *_STATES)
_TABLES: Final = table("raw") + table("mangle")
_TO_7: Final = "-A PREROUTING -d 192.0.2.11/32 -p tcp -j DNAT --to-destination 10.0.0.7:8080"
_TO_8: Final = "-A PREROUTING -d 192.0.2.11/32 -p tcp -j DNAT --to-destination 10.0.0.8:8080"
_COMING: Final = "tcp 198.51.100.7:33000 -> 192.0.2.11:80 in eth0"
_UDP: Final = "udp 10.0.0.5:33000 -> 198.51.100.7:53 in eth1"
_TCP: Final = "tcp 10.0.0.5:33000 -> 198.51.100.7:80 in eth1"

_FIRST: Final = (
    Case(
        "udp_second_packet_is_new_but_skips_nat",
        "NEW until the reply",
        _TABLES + table("nat", "-A POSTROUTING -p udp") + table("filter", *_STATES),
        (
            send(_UDP, Says(FORWARDED, {"filter/FWD": (1,), "nat/POST": (1,)})),
            send(_UDP, Says(without_nat(FORWARDED), {"filter/FWD": (1,)})),
            back(0, Says(without_nat(FORWARDED), {"filter/FWD": (2,)})),
            send(_UDP, Says(without_nat(FORWARDED), {"filter/FWD": (2,)})),
        ),
        ROUTER,
    ),
    Case(
        "nat_once_per_connection",
        "a rule added later has no effect, flushing nat leaves the mapping",
        table("nat", _TO_7) + _USED,
        (
            send(_COMING, Says(leaves="198.51.100.7:33000 > 10.0.0.7:8080 eth1")),
            back(0, Says(leaves="192.0.2.11:80 > 198.51.100.7:33000 eth0")),
            Change(("-t nat -F",), table("nat") + _USED),
            send(f"{_COMING} flags ack", Says(leaves="198.51.100.7:33000 > 10.0.0.7:8080 eth1")),
            Change((f"-t nat {_TO_8}",), table("nat", _TO_8) + _USED),
            send(f"{_COMING} flags ack", Says(leaves="198.51.100.7:33000 > 10.0.0.7:8080 eth1")),
        ),
        ROUTER,
    ),
    Case(
        "nat_once_per_connection",
        "a flow that was not translated stays so",
        table("nat", "-A INPUT -j ACCEPT") + table("filter", *_STATES),
        (
            send(_UDP, Says(leaves="10.0.0.5:33000 > 198.51.100.7:53 eth0")),
            Change(
                ("-t nat -A POSTROUTING -j MASQUERADE",),
                table("nat", "-A INPUT -j ACCEPT", "-A POSTROUTING -j MASQUERADE") + table("filter", *_STATES),
            ),
            send(_UDP, Says(leaves="10.0.0.5:33000 > 198.51.100.7:53 eth0")),
        ),
        ROUTER,
    ),
    Case(
        "dropped_first_packet_leaves_no_entry",
        "the next one evaluates nat and its nth counter again",
        table(
            "nat",
            "-A PREROUTING -p tcp -m statistic --mode nth --every 2 --packet 0 -j DNAT --to-destination 10.0.0.7:80",
            "-A PREROUTING -p tcp -j DNAT --to-destination 10.0.0.8:80",
        )
        + table("filter", "-A FORWARD -d 10.0.0.7/32 -j DROP"),
        (
            send(_COMING, Says(hits={"nat/PRE": (1,)}, fate=Fate.DROP, entry="none")),
            send(_COMING, Says(hits={"nat/PRE": (2,)}, leaves="198.51.100.7:33000 > 10.0.0.8:80 eth1")),
            send(_COMING, Says(hits={"nat/PRE": ()}, leaves="198.51.100.7:33000 > 10.0.0.8:80 eth1")),
        ),
        ROUTER,
    ),
    *(
        Case(
            "dropped_first_packet_leaves_no_entry",
            f"dropped in {name} {chain}",
            table("raw") + table("nat") + "".join(table(one) for one in ("mangle", "filter") if one != name)
            + table(name, f"-A {chain} -p tcp -j DROP")
            + table("security", *_STATES[:1]),
            (
                send(flow, Says(path, fate=Fate.DROP, entry="none")),
                send(flow, Says(path, fate=Fate.DROP, entry="none")),
            ),
            ROUTER,
        )
        for name, chain, flow, path in (
            ("mangle", "POSTROUTING", _TCP, "raw/PRE mangle/PRE nat/PRE mangle/FWD filter/FWD security/FWD mangle/POST"),
            ("filter", "INPUT", "tcp 10.0.0.5:33000 -> 10.0.0.1:80 in eth1", "raw/PRE mangle/PRE nat/PRE mangle/IN filter/IN"),
        )
    ),
    *(
        Case(
            "notrack_skips_nat",
            rule.split(" -j ")[1],
            table("raw", rule) + table("mangle") + table("nat", _TO_7) + table("filter", *_STATES),
            (
                send(
                    "tcp 198.51.100.7:33000 -> 10.0.0.9:80 in eth0",
                    Says(
                        without_nat(FORWARDED),
                        {"filter/FWD": (4,)},
                        leaves="198.51.100.7:33000 > 10.0.0.9:80 eth1",
                        entry="none",
                    ),
                ),
                send(_COMING, Says(without_nat(INCOMING), fate=Fate.LOCAL)),
            ),
            ROUTER,
        )
        for rule in ("-A PREROUTING -p tcp -j CT --notrack", "-A PREROUTING -p tcp -j NOTRACK")
    ),
    Case(
        "conntrack_off_without_users",
        "MARK in nat does nothing",
        _TABLES + table("nat", "-A PREROUTING -j MARK --set-mark 0x7") + table("filter", "-A FORWARD -m mark --mark 0x7"),
        (
            send(_TCP, Says(without_nat(FORWARDED), {"nat/PRE": (), "filter/FWD": ()}, mark=0, entry="none")),
        ),
        ROUTER,
    ),
    *(
        Case(
            "conntrack_off_without_users",
            f"until some rule needs it: {user}",
            _TABLES + table("nat", "-A PREROUTING -j MARK --set-mark 0x7", *nat)
            + table("filter", "-A FORWARD -m mark --mark 0x7", *other),
            (send(_TCP, Says(FORWARDED, {"nat/PRE": (1,), "filter/FWD": (1,)}, mark=7)),),
            ROUTER,
        )
        for user, nat, other in (
            ("ctstate", (), ("-A OUTPUT -m conntrack --ctstate NEW",)),
            ("state", (), ("-A OUTPUT -m state --state NEW",)),
            ("a nat target", ("-A OUTPUT -d 192.0.2.77/32 -j DNAT --to-destination 10.0.0.7",), ()),
            ("connmark", (), ("-A OUTPUT -m connmark --mark 1",)),
        )
    ),
)  # fmt: skip

_CHAINS: Final = (
    Case(
        "first_nat_target_wins",
        "LOG and MARK go on, the first DNAT ends the chain",
        table(
            "nat",
            "-A PREROUTING -j LOG",
            "-A PREROUTING -j MARK --set-mark 0x7",
            "-A PREROUTING -p tcp -j DNAT --to-destination 10.0.0.7:80",
            "-A PREROUTING -p tcp -j DNAT --to-destination 10.0.0.8:80",
            "-A PREROUTING -j MARK --set-mark 0x8",
        ),
        (
            send(
                _COMING,
                Says(hits={"nat/PRE": (1, 2, 3)}, leaves="198.51.100.7:33000 > 10.0.0.7:80 eth1", mark=7),
            ),
        ),
        ROUTER,
    ),
    *(
        Case(
            "first_nat_target_wins",
            rule.split(" -j ")[1],
            table("nat", f"-A {chain} -p tcp -j MARK --set-mark 0x7", rule, f"-A {chain} -p tcp {last}", _TO_7.replace("192.0.2.11", "192.0.2.99")),
            (send(flow, Says(hits={f"nat/{chain}": (1, 2)}, leaves=leaves, fate=fate)),),
            ROUTER,
        )
        for chain, rule, last, flow, leaves, fate in (
            ("PREROUTING", "-A PREROUTING -p tcp -j ACCEPT", "-j DNAT --to-destination 10.0.0.7", _TCP,
             "10.0.0.5:33000 > 198.51.100.7:80 eth0", Fate.FORWARD),
            ("PREROUTING", "-A PREROUTING -p tcp -j REDIRECT --to-ports 8080", "-j DNAT --to-destination 10.0.0.7", _TCP,
             None, Fate.LOCAL),
            ("PREROUTING", "-A PREROUTING -p tcp -j NETMAP --to 10.0.1.0/24", "-j DNAT --to-destination 10.0.0.7", _TCP,
             "10.0.0.5:33000 > 10.0.1.7:80 eth2", Fate.FORWARD),
            ("POSTROUTING", "-A POSTROUTING -p tcp -j SNAT --to-source 192.0.2.11", "-j SNAT --to-source 192.0.2.99", _TCP,
             "192.0.2.11:33000 > 198.51.100.7:80 eth0", Fate.FORWARD),
            ("POSTROUTING", "-A POSTROUTING -p tcp -j MASQUERADE", "-j SNAT --to-source 192.0.2.99", _TCP,
             "192.0.2.10:33000 > 198.51.100.7:80 eth0", Fate.FORWARD),
        )
    ),
    Case(
        "nat_chain_end_and_policy",
        "RETURN in the base chain is a null binding for the whole connection",
        table("nat", "-A PREROUTING -p tcp -j RETURN", "-A PREROUTING -j DNAT --to-destination 10.0.0.7"),
        (
            send(_TCP, Says("nat/PRE nat/POST", {"nat/PRE": (1,)}, leaves="10.0.0.5:33000 > 198.51.100.7:80 eth0")),
            send(_TCP, Says("", leaves="10.0.0.5:33000 > 198.51.100.7:80 eth0")),
        ),
        ROUTER,
    ),
    Case(
        "nat_chain_end_and_policy",
        "policy DROP in nat drops first packets",
        table("nat", ":PREROUTING DROP", "-A PREROUTING -p tcp -m tcp --dport 80 -j ACCEPT", "-A POSTROUTING -j MASQUERADE"),
        (
            send(_UDP, Says("nat/PRE", {"nat/PRE": ()}, fate=Fate.DROP, entry="none")),
            send(_TCP, Says("nat/PRE nat/POST", {"nat/PRE": (1,)}, fate=Fate.FORWARD)),
            back(1, Says("", leaves="198.51.100.7:80 > 10.0.0.5:33000 eth1")),
        ),
        ROUTER,
    ),
    *(
        Case(
            "nat_chain_end_and_policy",
            f"{rule.split(' -j ')[1]} in INPUT changes the source",
            table("raw") + table("filter", "-A INPUT -p tcp") + table("nat", rule),
            (
                send(
                    "tcp 198.51.100.7:33000 -> 192.0.2.10:80 in eth0",
                    Says("raw/PRE nat/PRE filter/IN nat/IN", {"nat/IN": (1,)}, fate=Fate.LOCAL,
                         entry=f"192.0.2.10:80 -> {source}:33000"),
                ),
                back(0, Says("raw/OUT filter/OUT", leaves="192.0.2.10:80 > 198.51.100.7:33000 eth0")),
            ),
            ROUTER,
        )
        for rule, source in (
            ("-A INPUT -p tcp -j SNAT --to-source 10.0.0.77", "10.0.0.77"),
            ("-A INPUT -p tcp -j NETMAP --to 10.0.0.0/24", "10.0.0.7"),
        )
    ),
    Case(
        "null_binding_moves_ports_without_a_rule",
        "two virtual addresses of one backend",
        table(
            "nat",
            "-A PREROUTING -d 192.0.2.20/32 -p tcp -j DNAT --to-destination 10.0.0.7:80",
            "-A PREROUTING -d 192.0.2.21/32 -p tcp -j DNAT --to-destination 10.0.0.7:80",
        ),
        (
            send(
                "tcp 198.51.100.7:33000 -> 192.0.2.20:80 in eth0",
                Says("nat/PRE nat/POST", leaves="198.51.100.7:33000 > 10.0.0.7:80 eth1"),
            ),
            send(
                "tcp 198.51.100.7:33000 -> 192.0.2.21:80 in eth0",
                Says("nat/PRE nat/POST", leaves="198.51.100.7:1024-65535!33000 > 10.0.0.7:80 eth1"),
            ),
        ),
        ROUTER,
    ),
    Case(
        "null_binding_moves_ports_without_a_rule",
        "a local socket whose tuple a masqueraded flow has",
        table("nat", "-A POSTROUTING -s 10.0.0.0/24 -o eth0 -j MASQUERADE"),
        (
            send(_TCP, Says(leaves="192.0.2.10:33000 > 198.51.100.7:80 eth0")),
            send(
                "tcp 192.0.2.10:33000 -> 198.51.100.7:80 from host",
                Says("nat/OUT nat/POST", {"nat/POST": ()}, leaves="192.0.2.10:1024-65535!33000 > 198.51.100.7:80 eth0"),
            ),
        ),
        ROUTER,
    ),
)  # fmt: skip

CASES: Final = (*_FIRST, *_CHAINS)

REFUSED: Final = tuple(
    Refused("nat_chain_end_and_policy", name, line)
    for name, line in (
        ("nat", "-A PREROUTING -j SNAT --to-source 192.0.2.11"),
        ("nat", "-A POSTROUTING -j DNAT --to-destination 10.0.0.7"),
        ("nat", "-A INPUT -j MASQUERADE"),
        ("nat", "-A OUTPUT -j MASQUERADE"),
        ("nat", "-A INPUT -j REDIRECT"),
        ("nat", "-A PREROUTING -j DROP"),
        ("nat", "-A PREROUTING -j REJECT"),
        ("nat", "-A PREROUTING -o eth0 -j ACCEPT"),
        ("nat", "-A POSTROUTING -i eth0 -j ACCEPT"),
        ("nat", "-A PREROUTING -j DNAT --to-destination 10.0.0.7:80"),
        ("mangle", "-A PREROUTING -j DNAT --to-destination 10.0.0.7"),
        ("mangle", "-A FORWARD -j REJECT"),
        ("mangle", "-A PREROUTING -j CT --notrack"),
        ("filter", "-A INPUT -o eth0 -j ACCEPT"),
        ("filter", "-A OUTPUT -i eth0 -j ACCEPT"),
    )
)
