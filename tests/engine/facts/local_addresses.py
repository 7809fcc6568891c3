"""kernel-facts.md: the docker rules for 127.0.0.2:8080, martians, route_localnet, rp_filter."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from iptc_sim.steps import Fate
from tests.engine.facts.case import DOCKER, ROUTER, ROUTER6, Case, Says, Stand, back, send, table, without_nat
from tests.engine.facts.hooks import ARRIVED, EMPTY, FORWARDED, INCOMING

_ENTRY: Final = "-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER"
_PLAIN: Final = "-A OUTPUT -m addrtype --dst-type LOCAL -j DOCKER"
_PREROUTING: Final = "-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER"
_RETURN: Final = "-A DOCKER -i docker0 -j RETURN"
_DNAT: Final = (
    "-A DOCKER -d 127.0.0.2/32 ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.7:80"
)
_MASQUERADE: Final = "-A POSTROUTING -s 127.0.0.0/8 -o docker0 -j MASQUERADE"
_HERE: Final = "tcp 127.0.0.1:33000 -> 127.0.0.2:8080"
_LOCALNET: Final = DOCKER.with_sysctls(net__ipv4__conf__docker0__route_localnet="1")
_LOCALNET_ALL: Final = DOCKER.with_sysctls(net__ipv4__conf__all__route_localnet="1")


def _docker(*rules: str) -> str:
    return table("nat", ":DOCKER -", *rules) + table("filter")


_DOCKER: Final = (
    Case(
        "docker_127_0_0_2",
        "a local connection is not translated: it is delivered over lo",
        _docker(_PREROUTING, _ENTRY, _RETURN, _DNAT),
        (
            send(
                _HERE,
                Says(
                    "nat/OUT filter/OUT nat/POST filter/IN",
                    {"nat/OUT": (), "nat/DOCKER": ()},
                    fate=Fate.LOCAL,
                    entry="127.0.0.2:8080 -> 127.0.0.1:33000",
                ),
            ),
        ),
        DOCKER,
    ),
    Case(
        "docker_127_0_0_2",
        "without the exception it vanishes inside nat OUTPUT; there is no in interface in OUTPUT",
        _docker(_PREROUTING, _PLAIN, _RETURN, _DNAT),
        (send(_HERE, Says("nat/OUT", {"nat/OUT": (1,), "nat/DOCKER": (2,)}, fate=Fate.LOST)),),
        DOCKER,
    ),
    Case(
        "docker_127_0_0_2",
        "MASQUERADE does not help",
        _docker(_PREROUTING, _PLAIN, _RETURN, _DNAT, _MASQUERADE),
        (send(_HERE, Says("nat/OUT", {"nat/DOCKER": (2,), "nat/POST": ()}, fate=Fate.LOST)),),
        DOCKER,
    ),
    *(
        Case(
            "docker_127_0_0_2",
            f"with route_localnet {name} it leaves as 127.0.0.1",
            _docker(_PREROUTING, _PLAIN, _RETURN, _DNAT),
            (send(_HERE, Says("nat/OUT filter/OUT nat/POST", leaves="127.0.0.1:33000 > 172.17.0.7:80 docker0")),),
            stand,
        )
        for name, stand in (("on docker0", _LOCALNET), ("on all", _LOCALNET_ALL))
    ),
    Case(
        "docker_127_0_0_2",
        "with route_localnet and MASQUERADE the connection works",
        _docker(_PREROUTING, _PLAIN, _RETURN, _DNAT, _MASQUERADE),
        (
            send(
                _HERE,
                Says(
                    "nat/OUT filter/OUT nat/POST",
                    {"nat/POST": (1,)},
                    leaves="172.17.0.1:33000 > 172.17.0.7:80 docker0",
                ),
            ),
            back(0, Says("filter/IN", fate=Fate.LOCAL)),
        ),
        _LOCALNET,
    ),
    Case(
        "docker_127_0_0_2",
        "from outside it is translated and forwarded without route_localnet",
        _docker(_PREROUTING, _ENTRY, _RETURN, _DNAT),
        (
            send(
                "tcp 203.0.113.5:33000 -> 127.0.0.2:8080 in eth0",
                Says(
                    "nat/PRE filter/FWD nat/POST",
                    {"nat/DOCKER": (2,)},
                    leaves="203.0.113.5:33000 > 172.17.0.7:80 docker0",
                ),
            ),
            back(0, Says("filter/FWD", leaves="127.0.0.2:8080 > 203.0.113.5:33000 eth0")),
            send("tcp 203.0.113.5:33001 -> 127.0.0.2:8081 in eth0", Says("nat/PRE", fate=Fate.LOST)),
        ),
        DOCKER,
    ),
    Case(
        "docker_127_0_0_2",
        "from a container the DOCKER chain returns, and it is lost",
        _docker(_PREROUTING, _ENTRY, _RETURN, _DNAT),
        (
            send(
                "tcp 172.17.0.8:33000 -> 127.0.0.2:8080 in docker0",
                Says("nat/PRE", {"nat/DOCKER": (1,)}, fate=Fate.LOST),
            ),
        ),
        DOCKER,
    ),
)

_LOCALNET_ETH1: Final = ROUTER.with_sysctls(net__ipv4__conf__eth1__route_localnet="1")
_TO_LOOPBACK: Final = "-A PREROUTING -d 10.0.0.77/32 -p tcp -j DNAT --to-destination 127.0.0.1:8080"

_MARTIANS: Final = (
    *(
        Case("martians", name, EMPTY, (send(flow, Says(path, fate=fate)),), ROUTER)
        for name, flow, path, fate in (
            ("destination 127", "udp 10.0.0.5:1 -> 127.0.0.1:53 in eth1", ARRIVED, Fate.LOST),
            ("source 127", "udp 127.0.0.5:1 -> 10.0.1.7:53 in eth1", ARRIVED, Fate.LOST),
            ("an own source", "udp 10.0.0.1:1 -> 10.0.1.7:53 in eth1", ARRIVED, Fate.LOST),
            ("an own source of another interface", "udp 192.0.2.10:1 -> 10.0.1.7:53 in eth1", ARRIVED, Fate.LOST),
            ("source multicast", "udp 224.0.0.5:1 -> 10.0.1.7:53 in eth1", ARRIVED, Fate.LOST),
            ("source 255.255.255.255", "udp 255.255.255.255:1 -> 10.0.1.7:53 in eth1", ARRIVED, Fate.LOST),
            ("source 0.0.0.0", "udp 0.0.0.0:1 -> 10.0.1.7:53 in eth1", ARRIVED, Fate.LOST),
            ("0.0.0.0 to 255.255.255.255", "udp 0.0.0.0:68 -> 255.255.255.255:67 in eth1", INCOMING, Fate.LOCAL),
            ("source 240 is ordinary", "udp 240.0.0.1:1 -> 10.0.1.7:53 in eth1", FORWARDED, Fate.FORWARD),
            ("destination 240 is ordinary", "udp 10.0.0.5:1 -> 240.0.0.1:53 in eth1", FORWARDED, Fate.FORWARD),
            ("a broadcast address as source", "udp 10.0.0.255:1 -> 10.0.1.7:53 in eth1", FORWARDED, Fate.FORWARD),
        )
    ),
    *(
        Case(
            "martians",
            f"route_localnet {name}: {what}",
            EMPTY,
            (send(flow, Says(path, fate=fate)),),
            stand,
        )
        for name, stand in (
            ("of the interface", _LOCALNET_ETH1),
            ("of all", ROUTER.with_sysctls(net__ipv4__conf__all__route_localnet="1")),
        )
        for what, flow, path, fate in (
            ("destination 127 is delivered", "udp 10.0.0.5:1 -> 127.0.0.1:53 in eth1", INCOMING, Fate.LOCAL),
            ("source 127.0.0.1 is an own address", "udp 127.0.0.1:1 -> 10.0.1.7:53 in eth1", ARRIVED, Fate.LOST),
            ("source 127.0.0.5 is no interface's", "udp 127.0.0.5:1 -> 10.0.1.7:53 in eth1", FORWARDED, Fate.FORWARD),
        )
    ),
    Case(
        "martians",
        "DNAT to 127.0.0.1 in PREROUTING needs route_localnet",
        table("nat", _TO_LOOPBACK) + table("filter"),
        (send("tcp 10.0.0.5:33000 -> 10.0.0.77:80 in eth1", Says("nat/PRE", {"nat/PRE": (1,)}, fate=Fate.LOST)),),
        ROUTER,
    ),
    Case(
        "martians",
        "DNAT to 127.0.0.1 with route_localnet: replies are translated back",
        table("nat", _TO_LOOPBACK) + table("filter"),
        (
            send("tcp 10.0.0.5:33000 -> 10.0.0.77:80 in eth1", Says("nat/PRE filter/IN nat/IN", fate=Fate.LOCAL)),
            back(0, Says("filter/OUT", leaves="10.0.0.77:80 > 10.0.0.5:33000 eth1")),
        ),
        _LOCALNET_ETH1,
    ),
)

_AWAY: Final = replace(ROUTER, routes=(*ROUTER.routes, "203.0.113.0/24 via 10.0.1.254 dev eth2"))


def _filter(value: str, scope: str = "eth1", stand: Stand = _AWAY) -> Stand:
    return stand.with_sysctls(**{f"net__ipv4__conf__{scope}__rp_filter": value})


_LOOSE: Final = replace(ROUTER, routes=())

_RP_FILTER: Final = (
    *(
        Case("rp_filter", name, EMPTY, (send(flow, Says(path, fate=fate)),), stand)
        for name, flow, path, fate, stand in (
            ("0: any source", "udp 203.0.113.5:1 -> 10.0.1.7:53 in eth1", FORWARDED, Fate.FORWARD, _AWAY),
            ("1: the route back is another interface's", "udp 203.0.113.5:1 -> 10.0.1.7:53 in eth1", ARRIVED, Fate.LOST, _filter("1")),
            ("1 of all", "udp 203.0.113.5:1 -> 10.0.1.7:53 in eth1", ARRIVED, Fate.LOST, _filter("1", "all")),
            ("1: the route back is the in interface's", "udp 10.0.0.5:1 -> 10.0.1.7:53 in eth1", FORWARDED, Fate.FORWARD, _filter("1")),
            ("1 of another interface", "udp 203.0.113.5:1 -> 10.0.1.7:53 in eth1", FORWARDED, Fate.FORWARD, _filter("1", "eth0")),
            ("2: any route will do", "udp 203.0.113.5:1 -> 10.0.1.7:53 in eth1", FORWARDED, Fate.FORWARD, _filter("2")),
            ("2: no route at all", "udp 203.0.113.5:1 -> 10.0.1.7:53 in eth1", ARRIVED, Fate.LOST, _filter("2", stand=_LOOSE)),
            ("2 of all is stronger than 1 of the interface", "udp 203.0.113.5:1 -> 10.0.1.7:53 in eth1", FORWARDED, Fate.FORWARD, _filter("2", "all", _filter("1"))),
            ("it applies to the node itself", "udp 203.0.113.5:1 -> 10.0.0.1:53 in eth1", ARRIVED, Fate.LOST, _filter("1")),
            ("ip_forward 0: lost after PREROUTING", "udp 10.0.0.5:1 -> 10.0.1.7:53 in eth1", ARRIVED, Fate.LOST, ROUTER.with_sysctls(net__ipv4__ip_forward="0")),
            ("ip_forward 0: the node itself is reached", "udp 10.0.0.5:1 -> 10.0.0.1:53 in eth1", INCOMING, Fate.LOCAL, ROUTER.with_sysctls(net__ipv4__ip_forward="0")),
        )
    ),
    Case(
        "ipv6_basics",
        "forwarding has a switch of its own",
        EMPTY,
        (send("udp [2001:db8:2::5]:1 -> [2001:db8:9::7]:53 in eth1", Says(ARRIVED, fate=Fate.LOST)),),
        ROUTER6.with_sysctls(net__ipv6__conf__all__forwarding="0"),
    ),
    Case(
        "ipv6_basics",
        "ip_forward is IPv4's alone",
        EMPTY,
        (
            send("udp [2001:db8:2::5]:1 -> [2001:db8:9::7]:53 in eth1", Says(FORWARDED, fate=Fate.FORWARD)),
            send("udp [2001:db8:2::5]:1 -> [2001:db8:9::7]:53 in eth1", Says(without_nat(FORWARDED))),
        ),
        ROUTER6.with_sysctls(net__ipv4__ip_forward="0"),
    ),
)  # fmt: skip

CASES: Final = (*_DOCKER, *_MARTIANS, *_RP_FILTER)
