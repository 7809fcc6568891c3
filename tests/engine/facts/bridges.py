"""kernel-facts.md, "Bridges" and "Other"."""

from __future__ import annotations

from typing import Final

from iptc_sim.steps import Fate
from tests.engine.facts.case import ROUTER, TRACKING, Case, Says, Send, Stand, send, table, without_nat
from tests.engine.facts.hooks import FORWARDED

_MACS: Final = {"veth7": bytes.fromhex("0242ac110007"), "veth8": bytes.fromhex("0242ac110008")}


def _host(calls: str) -> Stand:
    return Stand(
        {"eth0": ("192.0.2.10/24",), "docker0": ("172.17.0.1/16",)},
        ("default via 192.0.2.1 dev eth0",),
        {"net/bridge/bridge-nf-call-iptables": calls},
        (
            "link set dev veth7 type bridge_slave hairpin on",
            "link set dev veth8 type bridge_slave hairpin on",
        ),
        {"docker0": ("veth7", "veth8")},
        {"172.17.0.7": ("veth7", _MACS["veth7"]), "172.17.0.8": ("veth8", _MACS["veth8"])},
    )


_CALLS: Final = _host("1")
_EMPTY: Final = table("raw") + table("mangle") + table("nat")
_PHYSDEV: Final = table(
    "filter",
    TRACKING,
    "-A FORWARD -m physdev --physdev-in veth7",
    "-A FORWARD -m physdev --physdev-in veth8",
    "-A FORWARD -m physdev --physdev-is-bridged",
    "-A FORWARD -i docker0 -o docker0",
    "-A FORWARD -i veth7",
)


def _from(port: str, flow: str, says: Says, to: str | None = None) -> Send:
    return send(f"{flow} in docker0", says, physical_in=port, physical_out=to, source_mac=_MACS[port])


_HAIRPIN: Final = (
    table("nat", "-A PREROUTING -d 192.0.2.10/32 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.8:80",
          "-A POSTROUTING -s 172.17.0.0/16 -d 172.17.0.8/32 -j MASQUERADE")
    + table("filter", "-A FORWARD -i docker0 -o docker0")
)  # fmt: skip

_BRIDGES: Final = (
    Case(
        "bridge_and_hairpin",
        "a packet that is then routed walks PREROUTING once, and is not bridged",
        _EMPTY + _PHYSDEV,
        (
            _from(
                "veth7",
                "tcp 172.17.0.7:33000 -> 198.51.100.7:80",
                Says(FORWARDED, {"filter/FWD": (1,)}, leaves="172.17.0.7:33000 > 198.51.100.7:80 eth0"),
            ),
        ),
        _CALLS,
    ),
    Case(
        "bridge_and_hairpin",
        "hairpin by the host's address: one pass with DNAT and MASQUERADE, and back",
        _HAIRPIN,
        (
            _from(
                "veth7",
                "tcp 172.17.0.7:33000 -> 192.0.2.10:8080",
                Says(
                    "nat/PRE filter/FWD nat/POST",
                    {"nat/PRE": (1,), "filter/FWD": (1,), "nat/POST": (1,)},
                    leaves="172.17.0.1:33000 > 172.17.0.8:80 docker0",
                ),
                to="veth8",
            ),
            _from(
                "veth8",
                "tcp 172.17.0.8:80 -> 172.17.0.1:33000",
                Says("filter/FWD", {"filter/FWD": (1,)}, leaves="192.0.2.10:8080 > 172.17.0.7:33000 docker0"),
                to="veth7",
            ),
        ),
        _CALLS,
    ),
)

_BRIDGED: Final = (
    Case(
        "bridge_and_hairpin",
        "bridge-nf-call-iptables 1: traffic of one bridge walks PREROUTING, FORWARD and POSTROUTING",
        _EMPTY + _PHYSDEV,
        (
            _from(
                "veth7",
                "tcp 172.17.0.7:33000 -> 172.17.0.8:80",
                Says(FORWARDED, {"filter/FWD": (1, 3, 4)}, leaves="172.17.0.7:33000 > 172.17.0.8:80 docker0"),
                to="veth8",
            ),
            _from(
                "veth8",
                "tcp 172.17.0.8:80 -> 172.17.0.7:33000",
                Says(without_nat(FORWARDED), {"filter/FWD": (2, 3, 4)}),
                to="veth7",
            ),
        ),
        _CALLS,
    ),
    Case(
        "bridge_and_hairpin",
        "bridge-nf-call-iptables 0: nothing at all",
        _EMPTY + _PHYSDEV,
        (_from("veth7", "tcp 172.17.0.7:33000 -> 172.17.0.8:80", Says("", fate=Fate.FORWARD), to="veth8"),),
        _host("0"),
    ),
)

_TPROXY: Final = table(
    "mangle",
    "-A PREROUTING -p tcp -m tcp --dport 80 -j TPROXY --on-port 8080 --on-ip 0.0.0.0 --tproxy-mark 0x1/0x1",
)
_DELIVERED: Final = ROUTER.with_setup(
    "rule add fwmark 0x1 lookup 100 priority 1000", "route add local default dev lo table 100"
)

_NOBODY: Final = (
    Case(
        "tproxy",
        "no listener: DROP",
        _TPROXY + table("filter", "-A INPUT -m conntrack --ctstate NEW"),
        (
            send(
                "tcp 10.0.0.5:33000 -> 198.51.100.7:80 in eth1",
                Says("mangle/PRE", {"mangle/PRE": (1,)}, fate=Fate.DROP),
            ),
        ),
        _DELIVERED,
    ),
)

_LISTENING: Final = (
    Case(
        "tproxy",
        "header unchanged, mark set, delivered",
        _TPROXY + table("nat") + table("filter", "-A INPUT -m conntrack --ctstate NEW -m mark --mark 0x1"),
        (
            send(
                "tcp 10.0.0.5:33000 -> 198.51.100.7:80 in eth1",
                Says(
                    "mangle/PRE nat/PRE mangle/IN filter/IN nat/IN",
                    {"mangle/PRE": (1,), "filter/IN": (1,)},
                    fate=Fate.LOCAL,
                    mark=1,
                    entry="198.51.100.7:80 -> 10.0.0.5:33000",
                ),
            ),
        ),
        _DELIVERED,
        listens=(8080,),
    ),
)

CASES: Final = (*_BRIDGES, *_BRIDGED, *_NOBODY, *_LISTENING)
