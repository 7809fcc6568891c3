"""kernel-facts.md, "Order of the hooks"."""

from __future__ import annotations

from typing import Final

from iptc_sim.steps import Fate
from tests.engine.facts.case import ROUTER, ROUTER6, ROUTER_ALONE, TRACKING, Case, Says, back, send, table, without_nat

#: All four tables, empty, and conntrack in use.
EMPTY: Final = table("raw") + table("mangle") + table("nat") + table("filter", TRACKING)

FORWARDED: Final = "raw/PRE mangle/PRE nat/PRE mangle/FWD filter/FWD mangle/POST nat/POST"
INCOMING: Final = "raw/PRE mangle/PRE nat/PRE mangle/IN filter/IN nat/IN"
OUTGOING: Final = "raw/OUT mangle/OUT nat/OUT filter/OUT mangle/POST nat/POST"
LOOPED: Final = f"{OUTGOING} raw/PRE mangle/PRE mangle/IN filter/IN"
ARRIVED: Final = "raw/PRE mangle/PRE nat/PRE"

CASES: Final = (
    Case(
        "hook_order_forwarded",
        "first packet, answer and a third",
        EMPTY,
        (
            send("tcp 10.0.0.5:33000 -> 198.51.100.7:80 in eth1", Says(FORWARDED, fate=Fate.FORWARD)),
            back(0, Says(without_nat(FORWARDED), leaves="198.51.100.7:80 > 10.0.0.5:33000 eth1")),
            send("tcp 10.0.0.5:33000 -> 198.51.100.7:80 in eth1 flags ack", Says(without_nat(FORWARDED))),
        ),
        ROUTER,
    ),
    Case(
        "hook_order_forwarded",
        "security comes after filter, by every packet",
        table("security") + table("filter", TRACKING) + table("mangle"),
        (
            send(
                "tcp 10.0.0.5:33000 -> 198.51.100.7:80 in eth1",
                Says("mangle/PRE mangle/FWD filter/FWD security/FWD mangle/POST"),
            ),
            back(0, Says("mangle/PRE mangle/FWD filter/FWD security/FWD mangle/POST")),
        ),
        ROUTER,
    ),
    *(
        Case(
            "hook_order_incoming",
            f"security in INPUT under {variant}",
            EMPTY + table("security"),
            (send("udp 198.51.100.7:33000 -> 192.0.2.10:53 in eth0", Says(f"{ARRIVED} mangle/IN filter/IN {last}")),),
            ROUTER,
            variants=(variant,),
        )
        for variant, last in (("nft", "nat/IN security/IN"), ("legacy", "security/IN nat/IN"))
    ),
    Case(
        "hook_order_incoming",
        "nat INPUT comes after filter INPUT",
        EMPTY,
        (
            send("udp 198.51.100.7:33000 -> 192.0.2.10:53 in eth0", Says(INCOMING, fate=Fate.LOCAL)),
            back(0, Says(without_nat(OUTGOING), leaves="192.0.2.10:53 > 198.51.100.7:33000 eth0")),
            send("udp 198.51.100.7:33000 -> 192.0.2.10:53 in eth0", Says(without_nat(INCOMING), fate=Fate.LOCAL)),
        ),
        ROUTER,
    ),
    Case(
        "hook_order_incoming",
        "to the address of another interface",
        EMPTY,
        (send("tcp 10.0.0.5:33000 -> 10.0.1.1:22 in eth1", Says(INCOMING, fate=Fate.LOCAL)),),
        ROUTER,
    ),
    Case(
        "hook_order_incoming",
        "the answer of the node walks OUTPUT and POSTROUTING without nat",
        EMPTY,
        (
            send(
                "tcp 198.51.100.7:33000 -> 192.0.2.10:22 in eth0",
                Says(
                    INCOMING,
                    fate=Fate.LOCAL,
                    back=Says(without_nat(OUTGOING), leaves="192.0.2.10:22 > 198.51.100.7:33000 eth0"),
                ),
            ),
        ),
        ROUTER,
        answering=True,
    ),
    Case(
        "hook_order_outgoing",
        "first packet, answer and a third",
        EMPTY,
        (
            send("tcp 192.0.2.10:33000 -> 198.51.100.7:80 from host", Says(OUTGOING, fate=Fate.SENT)),
            back(0, Says(without_nat(INCOMING), fate=Fate.LOCAL)),
            send("tcp 192.0.2.10:33000 -> 198.51.100.7:80 from host flags ack", Says(without_nat(OUTGOING))),
        ),
        ROUTER,
    ),
    Case(
        "hook_order_loopback",
        "the second half of the way is without nat",
        EMPTY,
        (
            send("tcp 127.0.0.1:33000 -> 127.0.0.1:80", Says(LOOPED, fate=Fate.LOCAL)),
            back(0, Says(without_nat(LOOPED), fate=Fate.LOCAL)),
        ),
        ROUTER,
    ),
    Case(
        "hook_order_loopback",
        "to an own address of another interface",
        EMPTY,
        (send("tcp 192.0.2.10:33000 -> 10.0.0.1:80 from host", Says(LOOPED, fate=Fate.LOCAL)),),
        ROUTER,
    ),
    Case(
        "hook_order_loopback",
        "DNAT in PREROUTING with -i lo never fires",
        table("raw", "-A PREROUTING -i lo -p tcp")
        + table("mangle", "-A PREROUTING -i lo -p tcp")
        + table("nat", "-A PREROUTING -i lo -p tcp -j DNAT --to-destination 10.0.0.7:80"),
        (
            send(
                "tcp 127.0.0.1:33000 -> 127.0.0.1:80",
                Says(hits={"raw/PRE": (1,), "mangle/PRE": (1,), "nat/PRE": ()}, fate=Fate.LOCAL),
            ),
        ),
        ROUTER,
    ),
    Case(
        "hook_order_loopback",
        "IPv6",
        EMPTY,
        (send("tcp [::1]:33000 -> [::1]:80", Says(LOOPED, fate=Fate.LOCAL)),),
        ROUTER6,
    ),
    Case(
        "ttl_forwarding_noroute",
        "FORWARD and POSTROUTING see it decremented",
        table(
            "mangle",
            "-A PREROUTING -m ttl --ttl-eq 64",
            "-A PREROUTING -m ttl --ttl-eq 63",
            "-A FORWARD -m ttl --ttl-eq 64",
            "-A FORWARD -m ttl --ttl-eq 63",
            "-A POSTROUTING -m ttl --ttl-eq 64",
            "-A POSTROUTING -m ttl --ttl-eq 63",
        ),
        (
            send(
                "tcp 10.0.0.5:33000 -> 198.51.100.7:80 in eth1",
                Says(hits={"mangle/PRE": (1,), "mangle/FWD": (2,), "mangle/POST": (2,)}),
            ),
        ),
        ROUTER,
    ),
    Case(
        "ttl_forwarding_noroute",
        "TTL 1 is lost after PREROUTING, and an error goes out through OUTPUT",
        EMPTY,
        (
            send(
                "udp 10.0.0.5:33000 -> 198.51.100.7:53 in eth1",
                Says(ARRIVED, fate=Fate.LOST, back=Says("raw/OUT mangle/OUT filter/OUT mangle/POST")),
                ttl=1,
            ),
        ),
        ROUTER,
        answering=True,
    ),
    Case(
        "ttl_forwarding_noroute",
        "TTL 1 is enough for the node itself",
        EMPTY,
        (send("udp 10.0.0.5:33000 -> 10.0.0.1:53 in eth1", Says(INCOMING, fate=Fate.LOCAL), ttl=1),),
        ROUTER,
    ),
    Case(
        "ttl_forwarding_noroute",
        "without a route DNAT in OUTPUT cannot rescue it",
        table("nat", "-A OUTPUT -j DNAT --to-destination 10.0.0.7") + table("raw"),
        (send("tcp 10.0.0.1:33000 -> 203.0.113.9:80 from host", Says("", fate=Fate.LOST, error="ENETUNREACH")),),
        ROUTER_ALONE,
    ),
)
