"""kernel-facts.md, "Marks and routing"."""

from __future__ import annotations

from typing import Final

from iptc_sim.steps import Fate
from tests.engine.facts.case import ROUTER, Case, Says, send, table

#: What has mark 7 leaves by eth2.
_TWO_WAYS: Final = ROUTER.with_setup(
    "rule add fwmark 0x7 lookup 100 priority 1000", "route add default via 10.0.1.254 dev eth2 table 100"
)
_TCP: Final = "tcp 10.0.0.5:33000 -> 198.51.100.7:80 in eth1"
_LOCAL: Final = "tcp 192.0.2.10:33000 -> 198.51.100.7:80 from host"
_SET: Final = "-j MARK --set-mark 0x7"
_DNAT: Final = "-A OUTPUT -d 198.51.100.7/32 -p tcp -j DNAT --to-destination 10.0.1.7:8080"
#: Keeps conntrack on, so that nat is walked.
_USER: Final = "-A INPUT -m conntrack --ctstate RELATED"

_SURVIVING: Final = (
    Case(
        "marks_from_nat_survive",
        "on the first packet to POSTROUTING; the mapping is the connection's",
        table("nat", f"-A PREROUTING -p tcp {_SET}", "-A POSTROUTING -m mark --mark 0x7 -j MASQUERADE")
        + table("filter", "-A FORWARD -m mark --mark 0x7"),
        (
            send(
                _TCP,
                Says(
                    hits={"nat/PRE": (1,), "filter/FWD": (1,), "nat/POST": (1,)},
                    leaves="192.0.2.10:33000 > 198.51.100.7:80 eth0",
                    mark=7,
                ),
            ),
            send(
                _TCP,
                Says(hits={"filter/FWD": ()}, leaves="192.0.2.10:33000 > 198.51.100.7:80 eth0", mark=0),
            ),
        ),
        ROUTER,
    ),
    Case(
        "mark_on_loopback_survives",
        "PREROUTING and INPUT see it",
        table("raw", f"-A OUTPUT -p tcp {_SET}", "-A PREROUTING -m mark --mark 0x7")
        + table("mangle", "-A INPUT -m mark --mark 0x7"),
        (send("tcp 127.0.0.1:33000 -> 127.0.0.1:80", Says(hits={"raw/PRE": (1,), "mangle/IN": (1,)}, mark=7)),),
        ROUTER,
    ),
)

_ROUTING: Final = (
    *(
        Case(
            "mark_reroutes_only_from_mangle_output",
            f"{name} {chain}",
            table(name, f"-A {chain} -p tcp {_SET}") + (table("nat") if name != "nat" else "") + _rest,
            (send(flow, Says(hits={f"{name}/{chain}": (1,)}, leaves=leaves)),),
            _TWO_WAYS,
        )
        for _rest in (table("security", _USER),)
        for name, chain, flow, leaves in (
            ("raw", "PREROUTING", _TCP, "10.0.0.5:33000 > 198.51.100.7:80 eth2"),
            ("mangle", "PREROUTING", _TCP, "10.0.0.5:33000 > 198.51.100.7:80 eth2"),
            ("mangle", "FORWARD", _TCP, "10.0.0.5:33000 > 198.51.100.7:80 eth0"),
            ("filter", "FORWARD", _TCP, "10.0.0.5:33000 > 198.51.100.7:80 eth0"),
            ("raw", "OUTPUT", _LOCAL, "192.0.2.10:33000 > 198.51.100.7:80 eth0"),
            ("nat", "OUTPUT", _LOCAL, "192.0.2.10:33000 > 198.51.100.7:80 eth0"),
            ("filter", "OUTPUT", _LOCAL, "192.0.2.10:33000 > 198.51.100.7:80 eth0"),
        )
    ),
    Case(
        "mark_reroutes_only_from_mangle_output",
        "in nat PREROUTING the first packet goes by the rule, later ones by the other table",
        table("nat", f"-A PREROUTING -p tcp {_SET}") + table("filter", _USER),
        (
            send(_TCP, Says(leaves="10.0.0.5:33000 > 198.51.100.7:80 eth2", mark=7)),
            send(_TCP, Says(leaves="10.0.0.5:33000 > 198.51.100.7:80 eth0", mark=0)),
        ),
        _TWO_WAYS,
    ),
    Case(
        "mark_reroutes_only_from_mangle_output",
        "mangle OUTPUT: filter sees the old interface, POSTROUTING the new one",
        table("mangle", f"-A OUTPUT -p tcp {_SET}", "-A POSTROUTING -o eth2", "-A POSTROUTING -o eth0")
        + table("filter", "-A OUTPUT -o eth0", "-A OUTPUT -o eth2"),
        (
            send(
                _LOCAL,
                Says(
                    hits={"filter/OUT": (1,), "mangle/POST": (1,)},
                    leaves="192.0.2.10:33000 > 198.51.100.7:80 eth2",
                ),
            ),
        ),
        _TWO_WAYS,
    ),
    Case(
        "mark_reroutes_only_from_mangle_output",
        "the new lookup of DNAT in nat OUTPUT uses the mark",
        table("nat", f"-A OUTPUT -p tcp {_SET}", "-A OUTPUT -p tcp -j DNAT --to-destination 203.0.113.9:80"),
        (send(_LOCAL, Says(leaves="192.0.2.10:33000 > 203.0.113.9:80 eth2")),),
        _TWO_WAYS,
    ),
    Case(
        "output_dnat_reroutes",
        "the source stays; filter sees the new destination and the old interface",
        table("nat", _DNAT, "-A POSTROUTING -o eth2")
        + table("filter", "-A OUTPUT -d 10.0.1.7/32 -o eth0 -p tcp -m tcp --dport 8080", "-A OUTPUT -o eth2")
        + table("mangle", "-A POSTROUTING -o eth2", "-A POSTROUTING -o eth0"),
        (
            send(
                _LOCAL,
                Says(
                    hits={"nat/OUT": (1,), "filter/OUT": (1,), "mangle/POST": (1,), "nat/POST": (1,)},
                    leaves="192.0.2.10:33000 > 10.0.1.7:8080 eth2",
                    fate=Fate.SENT,
                ),
            ),
            send(
                _LOCAL,
                Says(hits={"filter/OUT": (1,), "mangle/POST": (1,)}, leaves="192.0.2.10:33000 > 10.0.1.7:8080 eth2"),
            ),
        ),
        ROUTER,
    ),
)


def _arithmetic(option: str, after: int) -> Case:
    """Start from 0xff."""
    return Case(
        "mark_arithmetic",
        option.removeprefix("--").replace("/", " over "),
        table("mangle", "-A PREROUTING -j MARK --set-mark 0xff", f"-A PREROUTING -j MARK {option}"),
        (send(_TCP, Says(hits={"mangle/PRE": (1, 2)}, mark=after)),),
        ROUTER,
    )


_ARITHMETIC: Final = (
    _arithmetic("--set-mark 0x10/0x30", 0xDF),
    _arithmetic("--set-mark 0x14/0x10", 0xFF & ~0x14 | 0x14),
    _arithmetic("--set-mark 0x100/0x0", 0x1FF),
    _arithmetic("--set-mark 0x5", 0x5),
    _arithmetic("--set-xmark 0x14/0x10", 0xEF ^ 0x14),
    _arithmetic("--set-xmark 0xf/0x0", 0xF0),
    _arithmetic("--set-xmark 0x5", 0x5),
    _arithmetic("--and-mark 0xf", 0xF),
    _arithmetic("--or-mark 0x100", 0x1FF),
    _arithmetic("--xor-mark 0x1ff", 0x100),
    *(
        Case(
            "mark_arithmetic",
            f"the mark to compare with is not masked: {mark:#x}",
            table(
                "mangle",
                f"-A PREROUTING -j MARK --set-mark {mark:#x}",
                "-A PREROUTING -m mark --mark 0x14/0x10",
                "-A PREROUTING -m mark --mark 0x10/0x10",
                "-A PREROUTING -m mark ! --mark 0x14/0x10",
            ),
            (send(_TCP, Says(hits={"mangle/PRE": (1, 3, 4) if mark & 0x10 else (1, 4)})),),
            ROUTER,
        )
        for mark in (0x10, 0x14, 0xFF, 0x4)
    ),
)

CASES: Final = (*_SURVIVING, *_ROUTING, *_ARITHMETIC)
