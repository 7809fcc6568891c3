"""kernel-facts.md, "Translation details": destinations."""

from __future__ import annotations

from typing import Final

from iptc_sim.steps import Fate
from tests.engine.facts.case import ROUTER, ROUTER6, Case, Says, Stand, back, send, table


def _pre(rule: str) -> str:
    return table("nat", f"-A PREROUTING {rule}")


def _from(port: int, destination: str = "192.0.2.20:80", client: str = "198.51.100.7") -> str:
    return f"tcp {client}:{port} -> {destination} in eth0"


_RANGE: Final = "-p tcp -j DNAT --to-destination 10.0.0.7-10.0.0.8"
_EITHER: Final = tuple(f"198.51.100.7:{{port}} > 10.0.0.{last}:80 eth1" for last in (7, 8))


def _either(port: int) -> tuple[str, ...]:
    return tuple(text.format(port=port) for text in _EITHER)


_HASH: Final = (
    *(
        Case(
            "dnat_range_is_a_hash",
            name,
            _pre(f"{_RANGE}{more}"),
            (
                send(_from(33000), Says(one_of=_either(33000))),
                *(send(_from(port, to), Says(same=(0, "destination address"))) for port, to in others),
            ),
            ROUTER,
        )
        for name, more, others in (
            ("neither port takes part", "", ((33001, "192.0.2.20:80"), (700, "192.0.2.20:8080"))),
            ("random has no effect on the address", " --random", ((33001, "192.0.2.20:80"), (33002, "192.0.2.20:80"))),
            ("persistent hashes the source alone", " --persistent", ((33001, "192.0.2.21:80"), (33002, "192.0.2.22:80"))),
        )
    ),
    Case(
        "dnat_range_is_a_hash",
        "another virtual address may give another backend",
        _pre(_RANGE),
        (
            send(_from(33000), Says(one_of=_either(33000))),
            send(_from(33000, "192.0.2.21:80", "198.51.100.8"), Says(
                one_of=("198.51.100.8:33000 > 10.0.0.7:80 eth1", "198.51.100.8:33000 > 10.0.0.8:80 eth1"))),
        ),
        ROUTER,
    ),
)  # fmt: skip

_PORTS: Final = (
    Case(
        "dnat_port_range",
        "no chance and no turn: the first one, or the one that is inside already",
        _pre("-p tcp -j DNAT --to-destination 10.0.0.7:8000-8002"),
        (
            send(_from(33000), Says(leaves="198.51.100.7:33000 > 10.0.0.7:8000 eth1")),
            send(_from(33001), Says(leaves="198.51.100.7:33001 > 10.0.0.7:8000 eth1")),
            send(_from(33002, "192.0.2.20:8001"), Says(leaves="198.51.100.7:33002 > 10.0.0.7:8001 eth1")),
        ),
        ROUTER,
    ),
    Case(
        "dnat_port_range",
        "the next one when the same client clashes",
        _pre("-p tcp -j DNAT --to-destination 10.0.0.7:8000-8002"),
        (
            send(_from(33000), Says(leaves="198.51.100.7:33000 > 10.0.0.7:8000 eth1")),
            send(_from(33000, "192.0.2.21:80"), Says(leaves="198.51.100.7:33000 > 10.0.0.7:8001 eth1")),
            send(_from(33000, "192.0.2.22:80"), Says(leaves="198.51.100.7:33000 > 10.0.0.7:8002 eth1")),
        ),
        ROUTER,
    ),
    Case(
        "dnat_port_range",
        "random draws one",
        _pre("-p tcp -j DNAT --to-destination 10.0.0.7:8000-8002 --random"),
        tuple(
            send(_from(33000 + port), Says(leaves=f"198.51.100.7:{33000 + port} > 10.0.0.7:8000-8002 eth1"))
            for port in range(6)
        ),
        ROUTER,
    ),
    Case(
        "dnat_port_range",
        "shifted from a base, but a port inside is kept",
        _pre("-p tcp -j DNAT --to-destination 10.0.0.7:8000-8009/80"),
        tuple(
            send(_from(33000 + dport, f"192.0.2.20:{dport}"), Says(leaves=f"198.51.100.7:{33000 + dport} > 10.0.0.7:{to} eth1"))
            for dport, to in ((80, 8000), (83, 8003), (95, 8005), (8004, 8004))
        ),
        ROUTER,
    ),
    Case(
        "dnat_port_range",
        "REDIRECT likewise",
        _pre("-p tcp -j REDIRECT --to-ports 8000-8002")
        + table("filter", *(f"-A INPUT -p tcp -m tcp --dport {port}" for port in (8000, 8001, 8002))),
        (
            send(_from(33000), Says(hits={"filter/IN": (1,)}, fate=Fate.LOCAL)),
            send(_from(33001), Says(hits={"filter/IN": (1,)})),
            send(_from(33002, "192.0.2.20:8002"), Says(hits={"filter/IN": (3,)})),
            send(_from(33000, "192.0.2.21:80"), Says(hits={"filter/IN": (2,)})),
        ),
        ROUTER,
    ),
)  # fmt: skip

_MANY: Final = Stand(
    {
        "eth0": ("192.0.2.10/24",),
        "eth1": ("10.0.0.1/24", "10.0.0.2/24", "10.9.0.1/24"),
        "eth2": (),
    },
    ("default via 192.0.2.1 dev eth0",),
)
_REDIRECTED: Final = table("nat", "-A PREROUTING -p udp -j REDIRECT --to-ports 5353") + table("filter")

_REDIRECT: Final = (
    *(
        Case(
            "redirect",
            f"to the first address of the in interface, from {asked}",
            _REDIRECTED,
            (
                send(
                    f"udp 10.0.0.5:33000 -> {asked}:53 in eth1",
                    Says("nat/PRE filter/IN nat/IN", fate=Fate.LOCAL, entry="10.0.0.1:5353 -> 10.0.0.5:33000"),
                ),
                back(0, Says("filter/OUT", leaves=f"{asked}:53 > 10.0.0.5:33000 eth1")),
            ),
            _MANY,
        )
        for asked in ("198.51.100.7", "10.0.0.2", "10.9.0.1")
    ),
    Case(
        "redirect",
        "an interface without an address: dropped in nat",
        _REDIRECTED,
        (send("udp 10.7.0.5:33000 -> 198.51.100.7:53 in eth2", Says("nat/PRE", {"nat/PRE": (1,)}, fate=Fate.DROP)),),
        _MANY,
    ),
    Case(
        "redirect",
        "in OUTPUT to 127.0.0.1, the source stays",
        table("nat", "-A OUTPUT -p udp -j REDIRECT --to-ports 5353")
        + table("filter", "-A OUTPUT -o eth0", "-A INPUT -s 192.0.2.10/32 -d 127.0.0.1/32 -i lo -p udp -m udp --dport 5353"),
        (
            send(
                "udp 192.0.2.10:33000 -> 198.51.100.7:53 from host",
                Says(
                    "nat/OUT filter/OUT nat/POST filter/IN",
                    {"filter/OUT": (1,), "filter/IN": (1,)},
                    fate=Fate.LOCAL,
                    entry="127.0.0.1:5353 -> 192.0.2.10:33000",
                ),
            ),
        ),
        _MANY,
    ),
    Case(
        "ipv6_basics",
        "REDIRECT: the address of the interface",
        table("nat", "-A PREROUTING -p udp -j REDIRECT --to-ports 5353"),
        (
            send(
                "udp [2001:db8:2::5]:33000 -> [2001:db8:9::7]:53 in eth1",
                Says("nat/PRE nat/IN", fate=Fate.LOCAL, entry="[2001:db8:2::1]:5353 -> [2001:db8:2::5]:33000"),
            ),
        ),
        ROUTER6,
    ),
    Case(
        "ipv6_basics",
        "REDIRECT in OUTPUT: ::1",
        table("nat", "-A OUTPUT -p udp -j REDIRECT --to-ports 5353") + table("filter", "-A INPUT -i lo -d ::1/128"),
        (
            send(
                "udp [2001:db8:1::10]:33000 -> [2001:db8:9::7]:53 from host",
                Says(hits={"filter/IN": (1,)}, fate=Fate.LOCAL, entry="[::1]:5353 -> [2001:db8:1::10]:33000"),
            ),
        ),
        ROUTER6,
    ),
    Case(
        "ipv6_basics",
        "DNAT and back",
        table("nat", "-A PREROUTING -d 2001:db8:1::20/128 -p tcp -j DNAT --to-destination [2001:db8:2::7]:8080"),
        (
            send(
                "tcp [2001:db8:9::5]:33000 -> [2001:db8:1::20]:80 in eth0",
                Says(leaves="[2001:db8:9::5]:33000 > [2001:db8:2::7]:8080 eth1"),
            ),
            back(0, Says(leaves="[2001:db8:1::20]:80 > [2001:db8:9::5]:33000 eth0")),
        ),
        ROUTER6,
    ),
    Case(
        "ipv6_basics",
        "MASQUERADE",
        table("nat", "-A POSTROUTING -o eth0 -j MASQUERADE"),
        (
            send(
                "tcp [2001:db8:2::5]:33000 -> [2001:db8:9::7]:80 in eth1",
                Says(leaves="[2001:db8:1::10]:33000 > [2001:db8:9::7]:80 eth0"),
            ),
        ),
        ROUTER6,
    ),
)  # fmt: skip


def _netmap(name: str, chain: str, to: str, flow: str, says: Says) -> Case:
    return Case("netmap", name, table("nat", f"-A {chain} -j NETMAP --to {to}"), (send(flow, says),), ROUTER)


_NETMAP: Final = (
    _netmap("destination in PREROUTING", "PREROUTING -d 192.0.2.0/24", "10.0.1.0/24",
            "tcp 198.51.100.7:33000 -> 192.0.2.77:80 in eth0", Says(leaves="198.51.100.7:33000 > 10.0.1.77:80 eth2")),
    _netmap("destination in OUTPUT", "OUTPUT -d 203.0.113.0/24", "10.0.1.0/24",
            "tcp 192.0.2.10:33000 -> 203.0.113.77:80 from host", Says(leaves="192.0.2.10:33000 > 10.0.1.77:80 eth2")),
    _netmap("source in POSTROUTING", "POSTROUTING -s 10.0.0.0/24", "203.0.113.0/24",
            "tcp 10.0.0.5:33000 -> 198.51.100.7:80 in eth1", Says(leaves="203.0.113.5:33000 > 198.51.100.7:80 eth0")),
    _netmap("source in INPUT", "INPUT -s 10.0.0.0/24", "203.0.113.0/24", "tcp 10.0.0.5:33000 -> 10.0.0.1:80 in eth1",
            Says(fate=Fate.LOCAL, entry="10.0.0.1:80 -> 203.0.113.5:33000")),
    _netmap("host bits are dropped", "PREROUTING -d 192.0.2.0/24", "10.0.1.17/28",
            "tcp 198.51.100.7:33000 -> 192.0.2.21:80 in eth0", Says(leaves="198.51.100.7:33000 > 10.0.1.21:80 eth2")),
    _netmap("a larger network folds into a smaller one", "PREROUTING -d 192.0.2.0/24", "10.0.1.16/28",
            "tcp 198.51.100.7:33000 -> 192.0.2.200:80 in eth0", Says(leaves="198.51.100.7:33000 > 10.0.1.24:80 eth2")),
)  # fmt: skip

CASES: Final = (*_HASH, *_PORTS, *_REDIRECT, *_NETMAP)
