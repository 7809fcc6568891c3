"""kernel-facts.md: what the node sends of itself (REJECT), and ICMP errors of others."""

from __future__ import annotations

from typing import Final

from iptc_sim.steps import Fate
from tests.engine.facts.case import ROUTER, TRACKING, Case, Says, icmp_error, send, table, without_nat
from tests.engine.facts.hooks import FORWARDED, INCOMING, OUTGOING

_OTHERS: Final = table("raw") + table("mangle") + table("nat")
_ERROR: Final = without_nat(OUTGOING)
#: Of the RST for a connection that is still NEW.
_RESET: Final = "raw/OUT mangle/OUT filter/OUT mangle/POST nat/POST"

_NAT: Final = table(
    "nat",
    "-A PREROUTING -d 192.0.2.11/32 -p udp -m udp --dport 53 -j DNAT --to-destination 10.0.1.7:5353",
    "-A POSTROUTING -s 10.0.0.0/24 -o eth0 -j SNAT --to-source 192.0.2.11",
)
_STATES: Final = table(
    "filter",
    *(f"-A {hook} -m conntrack --ctstate {state}" for hook in ("FORWARD", "INPUT")
      for state in ("NEW", "ESTABLISHED", "RELATED", "INVALID")),
)  # fmt: skip
_BOTH: Final = table("raw") + table("mangle") + _NAT + _STATES
_OUT: Final = "udp 10.0.0.5:33000 -> 198.51.100.7:53 in eth1"
_IN: Final = "udp 203.0.113.5:33000 -> 192.0.2.11:53 in eth0"

_REJECTS: Final = (
    Case(
        "reject",
        "the error about a new connection walks no nat chain",
        _OTHERS + table("filter", TRACKING, "-A FORWARD -p udp -j REJECT"),
        (
            send(
                "udp 10.0.0.5:33000 -> 198.51.100.7:53 in eth1",
                Says(
                    "raw/PRE mangle/PRE nat/PRE mangle/FWD filter/FWD",
                    fate=Fate.REJECT,
                    entry="none",
                    back=Says(_ERROR, leaves="10.0.0.1 > 10.0.0.5 eth1"),
                ),
            ),
        ),
        ROUTER,
        answering=True,
    ),
    Case(
        "reject",
        "the RST for a new connection walks nat POSTROUTING, not nat OUTPUT",
        _OTHERS + table("filter", TRACKING, "-A INPUT -p tcp -j REJECT --reject-with tcp-reset"),
        (
            send(
                "tcp 10.0.0.5:33000 -> 10.0.0.1:80 in eth1",
                Says(
                    "raw/PRE mangle/PRE nat/PRE mangle/IN filter/IN",
                    fate=Fate.REJECT,
                    back=Says(_RESET, leaves="10.0.0.1:80 > 10.0.0.5:33000 eth1"),
                ),
            ),
        ),
        ROUTER,
        answering=True,
    ),
    Case(
        "reject",
        "the RST in FORWARD comes from the destination that was addressed",
        table("nat", "-A PREROUTING -d 192.0.2.11/32 -p tcp -j DNAT --to-destination 10.0.0.7:8080")
        + table("filter", "-A FORWARD -p tcp -j REJECT --reject-with tcp-reset"),
        (
            send(
                "tcp 198.51.100.7:33000 -> 192.0.2.11:80 in eth0",
                Says(fate=Fate.REJECT, back=Says(leaves="192.0.2.11:80 > 198.51.100.7:33000 eth0")),
            ),
        ),
        ROUTER,
        answering=True,
    ),
    Case(
        "reject",
        "so does the ICMP error",
        table("nat", "-A PREROUTING -d 192.0.2.11/32 -p udp -j DNAT --to-destination 10.0.0.7:8080")
        + table("filter", "-A FORWARD -p udp -j REJECT"),
        (
            send(
                "udp 198.51.100.7:33000 -> 192.0.2.11:80 in eth0",
                Says(
                    fate=Fate.REJECT,
                    back=Says(leaves="192.0.2.11 > 198.51.100.7 eth0", inner="198.51.100.7:33000 -> 192.0.2.11:80"),
                ),
            ),
        ),
        ROUTER,
        answering=True,
    ),
    Case(
        "reject",
        "in OUTPUT the sender gets EPERM, and the error comes over lo",
        table("filter", TRACKING, "-A OUTPUT -d 198.51.100.7/32 -p udp -j REJECT"),
        (
            send(
                "udp 192.0.2.10:33000 -> 198.51.100.7:53 from host",
                Says("filter/OUT", fate=Fate.REJECT, error="EPERM", back=Says("filter/OUT filter/IN")),
            ),
        ),
        ROUTER,
        answering=True,
    ),
)

_ERRORS: Final = (
    Case(
        "icmp_errors",
        "about a translated source: both headers are translated",
        _BOTH,
        (
            send(_OUT, Says(FORWARDED, leaves="192.0.2.11:33000 > 198.51.100.7:53 eth0")),
            icmp_error(
                "198.51.100.7",
                "udp 192.0.2.11:33000 -> 198.51.100.7:53",
                (3, 3),
                "eth0",
                Says(
                    without_nat(FORWARDED),
                    {"filter/FWD": (3,)},
                    leaves="198.51.100.7 > 10.0.0.5 eth1",
                    inner="10.0.0.5:33000 -> 198.51.100.7:53",
                ),
            ),
        ),
        ROUTER,
    ),
    Case(
        "icmp_errors",
        "of a router on the way, which keeps its address where the destination is not translated",
        _BOTH,
        (
            send(_OUT),
            icmp_error(
                "203.0.113.99",
                "udp 192.0.2.11:33000 -> 198.51.100.7:53",
                (11, 0),
                "eth0",
                Says(hits={"filter/FWD": (3,)}, leaves="203.0.113.99 > 10.0.0.5 eth1"),
            ),
        ),
        ROUTER,
    ),
    Case(
        "icmp_errors",
        "of a router on the way behind DNAT: it shows as the address that was translated",
        _BOTH,
        (
            send(_IN, Says(FORWARDED, leaves="203.0.113.5:33000 > 10.0.1.7:5353 eth2")),
            icmp_error(
                "10.0.1.99",
                "udp 203.0.113.5:33000 -> 10.0.1.7:5353",
                (3, 1),
                "eth2",
                Says(
                    without_nat(FORWARDED),
                    {"filter/FWD": (3,)},
                    leaves="192.0.2.11 > 203.0.113.5 eth0",
                    inner="203.0.113.5:33000 -> 192.0.2.11:53",
                ),
            ),
        ),
        ROUTER,
    ),
    Case(
        "icmp_errors",
        "a redirect about a translated flow is dropped after PREROUTING",
        _BOTH,
        (
            send(_IN),
            icmp_error(
                "10.0.1.99",
                "udp 203.0.113.5:33000 -> 10.0.1.7:5353",
                (5, 1),
                "eth2",
                Says("raw/PRE mangle/PRE", fate=Fate.LOST),
            ),
        ),
        ROUTER,
    ),
    Case(
        "icmp_errors",
        "about a flow that is not known: INVALID",
        _BOTH,
        (
            icmp_error(
                "198.51.100.7",
                "udp 10.0.0.5:33000 -> 198.51.100.7:53",
                (3, 3),
                "eth0",
                Says(without_nat(FORWARDED), {"filter/FWD": (4,)}, leaves="198.51.100.7 > 10.0.0.5 eth1"),
            ),
        ),
        ROUTER,
    ),
    *(
        Case(
            "icmp_errors",
            name,
            _BOTH,
            (send(f"icmp 198.51.100.7 -> 10.0.0.5 in eth0 icmp {kind}", Says(hits={"filter/FWD": (rule,)})),),
            ROUTER,
        )
        for name, kind, rule in (
            ("an echo reply that nobody asked for is INVALID", "0", 4),
            ("a timestamp request is NEW", "13", 1),
            ("an echo request is NEW", "8", 1),
            ("an unknown type is INVALID", "42", 4),
        )
    ),
    Case(
        "icmp_errors",
        "about a flow of the node itself",
        _BOTH,
        (
            send("udp 192.0.2.10:33000 -> 198.51.100.7:53 from host"),
            icmp_error(
                "198.51.100.7",
                "udp 192.0.2.10:33000 -> 198.51.100.7:53",
                (3, 3),
                "eth0",
                Says(without_nat(INCOMING), {"filter/IN": (3,)}, fate=Fate.LOCAL),
            ),
        ),
        ROUTER,
    ),
)

CASES: Final = (*_REJECTS, *_ERRORS)
