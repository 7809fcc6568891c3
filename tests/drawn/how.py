"""What the declarations do not say about options that go together, so that most drawn rules are accepted ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from iptc_sim.extension import Extension
from iptc_sim.moment import Hook
from iptc_sim.protocols import protocol_name
from iptc_sim.values import Family
from tests.drawn import chance
from tests.drawn.chance import Chance
from tests.drawn.spelled import ESTIMATORS
from tests.drawn.text import NAME, Words, address_range, numbers, pairs

PORTED: Final = ("tcp", "udp", "sctp", "dccp", "udplite")
NATTED: Final = ("tcp", "udp", "sctp", "dccp")
#: The target refuses rules that do not look for SYN packets.
SYN: Final = ("-m tcp --tcp-flags SYN,RST SYN", "-m tcp --syn")


@dataclass(frozen=True, slots=True)
class How:
    """One way to draw the options of an extension, by their fields.

    Args:
        take: always there, beside the required ones.
        one_of: of each group exactly one.
        some_of: at least one of them.
        at_most: of each group one or none.
        leave: not there, but for rules that may be wrong.
        never: not there at all, as this machine lacks what it needs.
        plain: never negated.
        values: other values than the value type's, by field or by the option's name.
        protocols: ``-p`` words one of which must stand there; empty: those of the declaration.
        tables: where it may stand, and from which hooks, if the declaration does not say so.
        hooks: the same.
        beside: a match that must stand in the rule, one of these.
        elements: ways to draw the elements of the option that has some; one is taken for each of them.
        most: elements.
        loads: whether this kernel can be asked; else iptables only parses it, alone and without mistakes.
    """

    take: tuple[str, ...] = ()
    one_of: tuple[tuple[str, ...], ...] = ()
    some_of: tuple[str, ...] = ()
    at_most: tuple[tuple[str, ...], ...] = ()
    leave: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()
    values: Mapping[str, Chance[Any]] = field(default_factory=dict)
    protocols: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    hooks: tuple[Hook, ...] = ()
    beside: tuple[str, ...] = ()
    elements: tuple[How, ...] = ()
    most: int = 1
    loads: bool = True


_LISTED: Final[Mapping[str, Chance[Any]]] = {
    "list_name": NAME,
    "hitcount": numbers(1, 20),
    "seconds": numbers(1, 2**31 - 1),  # larger ones are printed as negative numbers, which iptables does not take
}
_TABLE: Final[Mapping[str, Chance[Any]]] = {
    "table_name": NAME,
    "htable_size": numbers(0, 4096),
    "htable_max": numbers(0, 65536),
}
_SIDES: Final = (("rsource", "rdest"),)
_CONDITIONS = ("seconds", "hitcount", "rttl", "reap")
_CLOCKS = ("00:00", "07:30:15", "12:00")
_MASKS = ("nfmask", "ctmask", "mask")
_TCP_BITS = ("tcp_remove", "tcp_ece", "tcp_cwr")
_NO_V6_TYPES = chance.lists(
    chance.sampled_from(["UNSPEC", "unicast", "LOCAL", "anycast", "Multicast", "UNREACHABLE"]), least=1, most=3
).map(",".join)
_ZONES = ("zone", "zone_orig", "zone_reply")
_BITS = ("tcp_ece", "tcp_cwr")
_HASHED = ("src_prefix", "dst_prefix", "proto_mask")
_IN: Final = (Hook.PREROUTING, Hook.INPUT, Hook.FORWARD)
_OUT: Final = (Hook.FORWARD, Hook.OUTPUT, Hook.POSTROUTING)
_TRANSFORMS: Final = (
    How(some_of=("reqid", "spi", "proto", "mode"), leave=("tunnel_src", "tunnel_dst")),
    How(take=("mode",), plain=("mode",), values={"mode": chance.just("tunnel")}),
)
_COMPARED: Final = (("less", "greater", "equal"),)
_ESTIMATORS: Final = {"first": chance.sampled_from(ESTIMATORS), "second": chance.sampled_from(ESTIMATORS)}

#: By name, or by name and family; an extension that is not here has options that stand for themselves.
_HOW: Final[Mapping[str | tuple[str, Family], tuple[How, ...]]] = {
    "addrtype": (
        How(some_of=("src_type", "dst_type"), leave=("limit_iface_in", "limit_iface_out")),
        How(some_of=("src_type", "dst_type"), take=("limit_iface_in",), leave=("limit_iface_out",), hooks=_IN),
        How(
            some_of=("src_type", "dst_type"),
            take=("limit_iface_out",),
            leave=("limit_iface_in",),
            hooks=_OUT,
        ),
    ),
    ("addrtype", Family.IPV6): (
        How(
            some_of=("src_type", "dst_type"),
            leave=("limit_iface_in", "limit_iface_out"),
            values={"src_type": _NO_V6_TYPES, "dst_type": _NO_V6_TYPES},
        ),
    ),
    ("ah", Family.IPV4): (How(protocols=("ah",), leave=("ahlen", "ahres")),),
    "bpf": (How(take=("bytecode",), never=("object_pinned",)),),
    "cgroup": (
        How(take=("cgroup",), never=("path",)),
        How(
            take=("path",),
            leave=("cgroup",),
            values={"path": chance.sampled_from(["/", "", "/init.scope"])},
            loads=False,
        ),
    ),
    "cluster": (
        How(
            values={
                "--cluster-local-nodemask": numbers(1, 32),  # 1.8.9 prints larger ones, but does not read them
                "--cluster-local-node": numbers(1, 6),  # the mask of the 6th is 32
                "total_nodes": numbers(8, 32),
            }
        ),
    ),
    "connlimit": (How(one_of=(("upto", "above"),), at_most=(("saddr", "daddr"),)),),
    "conntrack": (
        How(some_of=("ctstate", "ctproto", "ctorigsrc", "ctrepldst", "ctstatus", "ctexpire", "ctorigdstport")),
    ),
    "devgroup": (
        How(take=("src_group",), leave=("dst_group",), hooks=_IN),
        How(take=("dst_group",), leave=("src_group",), hooks=_OUT),
        How(take=("src_group", "dst_group"), hooks=(Hook.FORWARD,)),
    ),
    "ecn": (How(some_of=(*_BITS, "ip_ect"), protocols=("tcp",)), How(take=("ip_ect",), leave=_BITS)),
    "frag": (How(at_most=(("more", "last"),)),),
    "hashlimit": tuple(
        How(one_of=(("above", "upto"),), leave=leave, values=_TABLE)
        for leave in (("rate_match", "rate_interval"), ("burst",))
    ),
    "hl": (How(one_of=(("equal", "below", "above"),)),),
    "ipcomp": (How(values={"ipcompspi": pairs(numbers(1, 2**32 - 2))}),),  # of the full range it prints nothing
    "iprange": (How(some_of=("src_range", "dst_range")),),
    "ipvs": (How(some_of=("has_property", "protocol", "port"), plain=("has_property",), loads=False),),
    "multiport": (How(one_of=(("sports", "dports", "ports"),)),),
    "nfacct": (How(loads=False),),
    "osf": (How(protocols=("tcp",)),),
    "owner": (
        How(some_of=("socket_exists", "uid", "gid"), leave=("suppl_groups",)),
        How(take=("gid",)),
    ),
    "physdev": (How(some_of=("is_in", "in_port", "is_out", "out_port", "is_bridged")),),
    "policy": tuple(
        How(
            hooks=hooks,
            values={"direction": chance.just(way), "policy": chance.just("ipsec")},
            elements=_TRANSFORMS,
            take=("strict", "elements") if strict else (),
            leave=() if strict else ("strict",),
            most=4 if strict else 1,
        )
        for way, hooks in (("in", _IN), ("out", _OUT))
        for strict in (False, True)
    ),
    "rateest": tuple(
        How(take=take, one_of=_COMPARED, some_of=numbers_, leave=leave, values=_ESTIMATORS)
        for take, numbers_, leave in (
            (("first",), ("bits2",), ("second", "bits1", "packets1", "packets2")),
            (("first",), ("packets2",), ("second", "bits1", "bits2", "packets1")),
            (("first", "second"), ("bits1", "bits2"), ("packets1", "packets2")),
            (("first", "second"), ("packets1", "packets2"), ("bits1", "bits2")),
        )
    ),
    "recent": (
        How(one_of=(("rcheck", "update"),), leave=("set_", "remove", "reap"), at_most=_SIDES, values=_LISTED),
        How(
            one_of=(("rcheck", "update"),), leave=("set_", "remove"), take=("seconds",), at_most=_SIDES, values=_LISTED
        ),
        How(one_of=(("set_", "remove"),), leave=("rcheck", "update", *_CONDITIONS), at_most=_SIDES, values=_LISTED),
    ),
    "rt": (
        How(leave=("reserved", "addresses", "not_strict")),
        How(take=("rt_type",), plain=("rt_type",), values={"rt_type": chance.just("0")}, leave=("not_strict",)),
        How(take=("rt_type", "addresses"), plain=("rt_type",), values={"rt_type": chance.just("0")}),
    ),
    "set": (How(at_most=(("packets_eq", "packets_lt", "packets_gt"), ("bytes_eq", "bytes_lt", "bytes_gt"))),),
    "statistic": (
        How(take=("probability",), leave=("every", "packet"), values={"mode": chance.just("random")}),
        How(
            take=("every", "packet"),
            leave=("probability",),
            values={"mode": chance.just("nth"), "every": numbers(100, 2**32 - 1), "packet": numbers(0, 99)},
        ),
    ),
    "string": (How(one_of=(("text", "hex_text"),), values={"first": numbers(0, 99), "last": numbers(99, 0xFFFF)}),),
    "time": (
        How(leave=("contiguous",), at_most=(("utc", "kerneltz", "localtz"),)),
        How(
            take=("start", "stop", "contiguous"),
            at_most=(("utc", "kerneltz", "localtz"),),
            values={"start": chance.sampled_from(["12:00", "23:59:59", "18:05"]), "stop": chance.sampled_from(_CLOCKS)},
        ),
    ),
    "ttl": (How(one_of=(("equal", "below", "above"),)),),
    "CONNMARK": (
        How(take=("xmark",), leave=("save", "restore", *_MASKS), at_most=(("left_shift", "right_shift"),)),
        How(one_of=(("save", "restore"),), leave=("xmark", "mask"), at_most=(("left_shift", "right_shift"),)),
        How(
            one_of=(("save", "restore"),),
            take=("mask",),
            leave=("xmark", "nfmask", "ctmask", "left_shift", "right_shift"),
        ),
    ),
    "CONNSECMARK": (How(one_of=(("save", "restore"),)),),
    "CT": (
        How(never=("helper", "timeout"), at_most=(_ZONES,)),
        How(never=("timeout",), values={"helper": NAME}, protocols=NATTED, loads=False),
    ),
    "DNAT": (How(protocols=NATTED), How(values={"to": chance.just("")})),
    "SNAT": (How(protocols=NATTED), How(values={"to": chance.just("")})),
    "ECN": (
        How(take=("tcp_remove",), leave=_BITS, protocols=("tcp",)),
        How(some_of=_BITS, leave=("tcp_remove",), protocols=("tcp",)),
        How(take=("ip_ect",), leave=_TCP_BITS),
    ),
    "HL": (How(one_of=(("set_to", "inc", "dec"),)),),
    "HMARK": (
        How(take=("parts",), leave=(*_HASHED, "sport_mask", "dport_mask", "spi_mask", "sport", "dport", "spi")),
        How(some_of=(*_HASHED, "sport_mask", "dport", "sport"), leave=("parts", "spi_mask", "spi")),
        How(take=("spi_mask",), leave=("parts", "sport_mask", "dport_mask", "sport", "dport")),
    ),
    "IDLETIMER": (How(values={"label": NAME, "timeout": numbers(1, 100000)}),),
    "LED": (How(loads=False),),
    "MASQUERADE": (How(protocols=NATTED), How(leave=("to_ports",))),
    "REDIRECT": (How(protocols=NATTED), How(leave=("to_ports",))),
    "NFLOG": (How(at_most=(("nflog_range", "nflog_size"),)),),
    "NFQUEUE": (
        How(leave=("queue_balance", "queue_cpu_fanout")),
        How(take=("queue_balance",), leave=("queue_num",)),
    ),
    "RATEEST": (
        How(
            values={
                "estimator": NAME,
                "interval": chance.sampled_from(["250ms", "500000us", "1s", "0.3s"]),
                "ewma": chance.sampled_from(["2s", "8s", "3500msec", "16s", "20000000"]),
            }
        ),
    ),
    "SECMARK": (How(loads=False),),
    "SET": (
        How(take=("add",), leave=("delete", "map", "map_mark", "map_prio", "map_queue")),
        How(take=("delete",), leave=("add", "exist", "timeout", "map", "map_mark", "map_prio", "map_queue")),
        How(
            take=("map",),
            some_of=("map_mark", "map_prio", "map_queue"),
            leave=("add", "exist", "timeout", "delete"),
            tables=("mangle",),
            hooks=_OUT,
        ),
    ),
    "TCPMSS": (
        How(take=("set_mss",), leave=("clamp_to_pmtu",), beside=SYN),
        How(
            take=("clamp_to_pmtu",),
            leave=("set_mss",),
            beside=SYN,
            hooks=_OUT,
        ),
    ),
    "SYNPROXY": (How(protocols=("tcp",)),),
    "TEE": (How(values={"oif": chance.sampled_from(["eth0", "lo", "wg0"])}),),
    "TTL": (How(one_of=(("set_to", "inc", "dec"),)),),
}
_AS_DECLARED: Final = (How(),)


def ways(extension: type[Extension], family: Family) -> tuple[How, ...]:
    """Return the ways to draw an extension."""
    return _HOW.get((extension.NAME, family)) or _HOW.get(extension.NAME) or _AS_DECLARED


def value_of(how: How, field_name: str, spelling: str, family: Family) -> Words | None:
    """Return the strategy that a way has for an option, None for that of the value type."""
    if spelling not in how.values and field_name not in how.values:
        return None
    if field_name == "to":  # without a protocol there can be no port
        return address_range(family)
    return how.values.get(spelling, how.values.get(field_name))


def protocols_of(extension: type[Extension], how: How) -> tuple[str, ...]:
    """Return the ``-p`` words of which the extension needs one; empty where it needs none."""
    return how.protocols or tuple(map(protocol_name, sorted(extension.PROTOCOLS)))
