"""kernel-facts.md, "Translation details": sources."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from iptc_sim.steps import Fate
from tests.engine.facts.case import ROUTER, Case, Says, Stand, back, send, table


def _post(rule: str) -> str:
    return table("nat", f"-A POSTROUTING {rule}")


def _to(port: int, destination: str = "198.51.100.7:80", client: str = "10.0.0.5") -> str:
    return f"tcp {client}:{port} -> {destination} in eth1"


_SNAT: Final = _post("-s 10.0.0.0/24 -j SNAT --to-source 192.0.2.11")

_KEEP: Final = (
    Case(
        "snat_port_choice",
        "without a clash the port stays, also below 1024",
        _SNAT,
        (
            send(_to(33000), Says(leaves="192.0.2.11:33000 > 198.51.100.7:80 eth0")),
            send(_to(600), Says(leaves="192.0.2.11:600 > 198.51.100.7:80 eth0")),
            send(_to(80), Says(leaves="192.0.2.11:80 > 198.51.100.7:80 eth0")),
        ),
        ROUTER,
    ),
    Case(
        "snat_port_choice",
        "another destination address, port or protocol is no clash",
        _SNAT,
        (
            send(_to(33000), Says(leaves="192.0.2.11:33000 > 198.51.100.7:80 eth0")),
            send(_to(33000, client="10.0.0.6", destination="198.51.100.8:80"), Says(leaves="192.0.2.11:33000 > 198.51.100.8:80 eth0")),
            send(_to(33000, client="10.0.0.7", destination="198.51.100.7:81"), Says(leaves="192.0.2.11:33000 > 198.51.100.7:81 eth0")),
            send("udp 10.0.0.8:33000 -> 198.51.100.7:80 in eth1", Says(leaves="192.0.2.11:33000 > 198.51.100.7:80 eth0")),
        ),
        ROUTER,
    ),
    *(
        Case(
            "snat_port_choice",
            f"a clash gives a port of the class of {port}",
            _SNAT,
            (
                send(_to(port), Says(leaves=f"192.0.2.11:{port} > 198.51.100.7:80 eth0")),
                send(_to(port, client="10.0.0.6"), Says(leaves=f"192.0.2.11:{span}!{port} > 198.51.100.7:80 eth0")),
            ),
            ROUTER,
        )
        for port, span in ((100, "1-511"), (511, "1-511"), (512, "600-1023"), (1000, "600-1023"), (1024, "1024-65535"), (33000, "1024-65535"))
    ),
    Case(
        "snat_port_choice",
        "a client's port is mapped alike for other destinations, also one that a clash gave",
        _SNAT,
        (
            send(_to(33000), Says(leaves="192.0.2.11:33000 > 198.51.100.7:80 eth0")),
            send(_to(33000, client="10.0.0.6"), Says(leaves="192.0.2.11:1024-65535!33000 > 198.51.100.7:80 eth0")),
            send(_to(33000, "198.51.100.8:80", "10.0.0.6"), Says(same=(1, "source"))),
        ),
        ROUTER,
    ),
    Case(
        "snat_port_choice",
        "inside --to-ports, too",
        _post("-p tcp -j MASQUERADE --to-ports 4000-4999"),
        (
            send(_to(33000), Says(leaves="192.0.2.10:4000-4999 > 198.51.100.7:80 eth0")),
            send(_to(33000, "198.51.100.8:80"), Says(same=(0, "source"))),
            send(_to(33000, "198.51.100.8:81"), Says(same=(0, "source"))),
        ),
        ROUTER,
    ),
    Case(
        "snat_port_choice",
        "--to-ports keeps a port that is inside",
        _post("-p tcp -j MASQUERADE --to-ports 4000-4010"),
        (
            send(_to(4005), Says(leaves="192.0.2.10:4005 > 198.51.100.7:80 eth0")),
            send(_to(33000), Says(leaves="192.0.2.10:4000-4010 > 198.51.100.7:80 eth0")),
        ),
        ROUTER,
    ),
    *(
        Case(
            "snat_port_choice",
            f"{option}: a new port for each connection",
            _post(f"-p tcp -j MASQUERADE {option}"),
            (
                send(_to(33000), Says(leaves="192.0.2.10:1024-65535 > 198.51.100.7:80 eth0")),
                send(_to(33001), Says(leaves="192.0.2.10:1024-65535 > 198.51.100.7:80 eth0")),
                send(_to(600), Says(leaves="192.0.2.10:600-1023 > 198.51.100.7:80 eth0")),
            ),
            ROUTER,
        )
        for option in ("--random", "--random-fully")
    ),
    Case(
        "snat_port_choice",
        "no tuple is free: all hooks are passed, and it is dropped silently",
        table("raw") + table("filter") + _post("-p tcp -j MASQUERADE --to-ports 5000"),
        (
            send(_to(33000), Says(leaves="192.0.2.10:5000 > 198.51.100.7:80 eth0")),
            send(
                _to(33000, client="10.0.0.6"),
                Says("raw/PRE nat/PRE filter/FWD nat/POST", {"nat/POST": (1,)}, fate=Fate.LOST, entry="none"),
            ),
        ),
        ROUTER,
    ),
    Case(
        "snat_port_choice",
        "the id of an echo is treated like a port",
        _post("-s 10.0.0.0/24 -j MASQUERADE"),
        (
            send("icmp 10.0.0.5 -> 198.51.100.7 in eth1", Says(echo_id=7), icmp_id=7),
            send("icmp 10.0.0.6 -> 198.51.100.7 in eth1", Says(echo_id="other"), icmp_id=7),
            send("icmp 10.0.0.9 -> 198.51.100.8 in eth1", Says(echo_id=7), icmp_id=7),
            back(0, Says(leaves="198.51.100.7 > 10.0.0.5 eth1", echo_id=7)),
        ),
        ROUTER,
    ),
)  # fmt: skip


def _ways(port: int, destination: str, last: int = 12) -> tuple[str, ...]:
    return tuple(f"192.0.2.{number}:{port} > {destination} eth0" for number in range(11, last + 1))


_RANGE: Final = (
    Case(
        "snat_range",
        "one client socket goes through one address",
        _post("-p tcp -j SNAT --to-source 192.0.2.11-192.0.2.12"),
        (
            send(_to(33000), Says(one_of=_ways(33000, "198.51.100.7:80"))),
            *(send(_to(33000, f"198.51.100.{n}:80"), Says(same=(0, "source"))) for n in (8, 9, 10, 11)),
        ),
        ROUTER,
    ),
    Case(
        "snat_range",
        "a hash of source and destination, without the ports",
        _post("-p tcp -j SNAT --to-source 192.0.2.11-192.0.2.12"),
        (
            send(_to(33000), Says(one_of=_ways(33000, "198.51.100.7:80"))),
            *(send(_to(33000 + n), Says(same=(0, "source address"))) for n in (1, 2)),
            send(_to(33009, "198.51.100.9:80"), Says(one_of=_ways(33009, "198.51.100.9:80"))),
        ),
        ROUTER,
    ),
    Case(
        "snat_range",
        "persistent: a hash of the source alone",
        _post("-p tcp -j SNAT --to-source 192.0.2.11-192.0.2.12 --persistent"),
        (
            send(_to(33000), Says(one_of=_ways(33000, "198.51.100.7:80"))),
            *(send(_to(33000 + n, f"198.51.100.{n}:80"), Says(same=(0, "source address"))) for n in (8, 9, 10)),
        ),
        ROUTER,
    ),
    Case(
        "snat_range",
        "no tuple is free",
        _post("-p tcp -j SNAT --to-source 192.0.2.11:5000") + table("filter"),
        (
            send(_to(33000), Says(leaves="192.0.2.11:5000 > 198.51.100.7:80 eth0")),
            send(_to(33001), Says("nat/PRE filter/FWD nat/POST", {"nat/POST": (1,)}, fate=Fate.LOST, entry="none")),
        ),
        ROUTER,
    ),
)

_MASQUERADE: Final = _post("-j MASQUERADE")
_TWO: Final = Stand(
    {"eth0": ("203.0.113.10/24", "192.0.2.10/24"), "eth1": ("10.0.0.1/24",)}, ("default via 192.0.2.1 dev eth0",)
)

_ADDRESS: Final = (
    Case(
        "masquerade_address",
        "the one in the network of the next hop",
        _MASQUERADE,
        (
            send(_to(33000), Says(leaves="192.0.2.10:33000 > 198.51.100.7:80 eth0")),
            send(_to(33000, "203.0.113.77:80"), Says(leaves="203.0.113.10:33000 > 203.0.113.77:80 eth0")),
            back(0, Says(leaves="198.51.100.7:80 > 10.0.0.5:33000 eth1")),
        ),
        _TWO,
    ),
    Case(
        "masquerade_address",
        "else the first of the interface",
        _MASQUERADE,
        (send(_to(33000), Says(leaves="203.0.113.10:33000 > 198.51.100.7:80 eth0")),),
        replace(_TWO, routes=("default dev eth0",)),
    ),
    Case(
        "masquerade_address",
        "the src hint of a route is not used",
        _MASQUERADE,
        (send(_to(33000), Says(leaves="192.0.2.10:33000 > 198.51.100.7:80 eth0")),),
        replace(ROUTER, routes=("default via 192.0.2.1 dev eth0 src 192.0.2.11",)),
    ),
    Case(
        "masquerade_address",
        "an interface without one gives that of another",
        _MASQUERADE,
        (send(_to(33000), Says(leaves="10.0.0.1:33000 > 198.51.100.7:80 eth0")),),
        Stand({"eth0": (), "eth1": ("10.0.0.1/24",)}, ("default dev eth0",)),
    ),
)

CASES: Final = (*_KEEP, *_RANGE, *_ADDRESS)
