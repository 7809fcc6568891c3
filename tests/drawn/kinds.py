"""How each value type is drawn; :data:`KINDS` must name every one that an option is declared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

from iptc_sim.matches import (
    bpf,
    cluster,
    connbytes,
    connlabel,
    conntrack,
    devgroup,
    hashlimit,
    iprange,
    ipv6header,
    ipvs,
    limit,
    owner,
    physdev,
    pkttype,
    policy,
    realm,
    rt,
    sctp,
    srh,
    statistic,
    string,
    tcp,
    time,
    tos,
    u32,
)
from iptc_sim.matches import rateest as rateest_match
from iptc_sim.matches import set as set_match
from iptc_sim.options import Flag, ValueType
from iptc_sim.targets import (
    audit,
    classify,
    ct,
    hmark,
    led,
    log,
    nflog,
    nfqueue,
    rateest,
    reject,
    tcpmss,
    tcpoptstrip,
    tproxy,
)
from iptc_sim.targets import set as set_target
from iptc_sim.targets import tos as tos_target
from iptc_sim.value_types import (
    choice,
    dscp,
    header_options,
    hexadecimal,
    host,
    icmp,
    interface,
    mac,
    mark,
    nat,
    npt,
    number,
    number_range,
    port,
    protocol,
)
from iptc_sim.value_types.address import PrefixType
from iptc_sim.value_types.mask import MaskLength
from iptc_sim.value_types.text import Text
from iptc_sim.values import Family
from tests.drawn import chance, spelled
from tests.drawn.chance import Chance
from tests.drawn.text import (
    INTERFACE,
    PORT,
    address,
    address_range,
    cased,
    integers,
    listed,
    mask,
    network,
    numbers,
    pairs,
    text,
)

#: Gives one word for an option of this type and family; a tuple of words where the option takes several.
Draw = Callable[[Any, Family], Chance[Any]]

KINDS: Final[Mapping[type[ValueType[Any]], Draw]] = {
    Flag: lambda _kind, _family: chance.just(()),
    audit.RecordType: lambda _kind, _family: cased("accept", "drop", "reject"),
    choice.Choice: spelled.choice_words,
    number.Integer: lambda kind, _family: numbers(kind.minimum, kind.maximum),
    interface.InterfaceType: lambda _kind, _family: INTERFACE,
    mark.MarkEditType: lambda kind, _family: spelled.mark_edit(kind),
    mark.MarkType: lambda _kind, _family: spelled.marks(),
    choice.NameList: spelled.names_words,
    port.PortRangeType: lambda _kind, _family: pairs(PORT),
    port.PortSetType: spelled.port_set,
    PrefixType: lambda _kind, family: network(family),
    statistic.ProbabilityType: lambda _kind, _family: chance.one_of(
        chance.fractions().map("{:.12f}".format),
        chance.sampled_from(["0", "1", "0.5", ".25", "1e-3", "0.33333333349", "1.0"]),
    ),
    protocol.ProtocolType: lambda _kind, _family: spelled.PROTOCOLS,
    Text: spelled.word_words,
    bpf.ProgramType: spelled.program,
    classify.TrafficClassType: spelled.traffic_class,
    cluster.NodeNumber: lambda _kind, _family: numbers(1, 32),
    connbytes.CountRangeType: lambda _kind, _family: pairs(numbers(0, 2**64 - 1)),
    connlabel.Label: lambda kind, _family: numbers(kind.minimum, kind.maximum),
    conntrack.ProtocolNumber: lambda _kind, _family: spelled.PROTOCOLS,
    conntrack.SecondsType: lambda _kind, _family: pairs(numbers(0, spelled.MOST)),
    ct.EventsType: lambda kind, _family: listed(chance.sampled_from(kind.order)),
    ct.ZoneType: lambda _kind, _family: chance.one_of(numbers(0, 65535), chance.just("mark")),
    devgroup.DeviceGroup: lambda _kind, _family: chance.one_of(spelled.marks(), chance.just("default")),
    dscp.ClassName: lambda _kind, _family: cased(*dscp.CLASSES),
    hashlimit.Burst: lambda _kind, _family: integers(1, 10000).map(str),
    hashlimit.HashRate: spelled.any_rate,
    hashlimit.Modes: lambda _kind, _family: listed(chance.sampled_from(hashlimit.MODES), 3),
    header_options.HeaderOptionsType: lambda _kind, _family: listed(
        chance.one_of(numbers(0, 255), chance.builds("{}:{}".format, numbers(0, 255), numbers(0, 254))), 5
    ),
    hexadecimal.HexInteger: lambda kind, _family: numbers(kind.minimum, kind.maximum),
    hmark.TupleType: lambda _kind, _family: listed(cased("src", "dst", "sport", "dport", "proto", "ct")),
    host.HostType: lambda _kind, family: address(family),
    host.NetworkType: lambda _kind, family: network(family),
    icmp.IcmpTestType: spelled.icmp_type,
    ipvs.ServicePort: lambda _kind, _family: PORT,
    iprange.RangeType: lambda _kind, family: address_range(family),
    ipv6header.HeaderList: lambda _kind, _family: listed(spelled.HEADERS),
    led.DelayType: lambda _kind, _family: chance.one_of(numbers(0, spelled.MOST), chance.just("inf")),
    led.TriggerType: lambda kind, _family: text(kind.limit, least=1),
    limit.LimitBurst: lambda kind, _family: numbers(kind.minimum, kind.maximum),
    limit.LimitRate: spelled.packet_rate,
    log.LevelType: lambda _kind, _family: chance.one_of(cased(*log.LEVELS), numbers(0, 7)),
    mac.MacType: spelled.mac,
    nat.NatPortsType: lambda _kind, _family: spelled.nat_ports(),
    nat.NatRangeType: spelled.nat_range,
    nflog.PrefixTextType: lambda _kind, _family: text(60, least=1),
    nfqueue.QueueRangeType: lambda _kind, _family: pairs(numbers(0, 65535)).filter(lambda found: ":" in found),
    npt.NptPrefixType: lambda _kind, _family: chance.builds(
        lambda number, length: f"{'%x:%x' % divmod(number, 65536)}::/{length}",  # noqa: UP031 - a pair
        integers(1, spelled.MOST),
        chance.integers(32, 64),
    ),
    MaskLength: lambda _kind, family: mask(family),
    number_range.NumberRangeType: spelled.number_range,
    owner.IdRangeType: spelled.id_range,
    physdev.PortName: lambda _kind, _family: INTERFACE,
    pkttype.PacketType: lambda _kind, _family: cased("unicast", "broadcast", "multicast", "otherhost", "host", "bcast"),
    policy.TransformType: lambda _kind, _family: chance.sampled_from(["esp", "ah", "ipcomp", "50", "51", "108"]),
    host.HostNetworkType: lambda _kind, family: network(family),
    rateest.DurationType: spelled.duration,
    rateest_match.BitRateType: spelled.bit_rate,
    rateest_match.PacketRateType: lambda kind, _family: numbers(kind.minimum, kind.maximum),
    realm.RealmType: lambda _kind, _family: chance.one_of(spelled.marks(), chance.just("cosmos")),
    reject.RejectType: spelled.reject_type,
    rt.HopsType: spelled.hops,
    sctp.ChunkTestType: lambda _kind, _family: chance.tuples(
        cased("all", "any", "only"), chance.one_of(listed(spelled.CHUNK), chance.sampled_from(["ALL", "NONE"]))
    ),
    set_match.SetLookupType: lambda _kind, _family: spelled.SET_AND_SIDES,
    set_target.SetEntryType: lambda _kind, _family: spelled.SET_AND_SIDES,
    srh.SegmentType: lambda _kind, family: network(family),
    string.HexPatternType: lambda _kind, _family: chance.lists(spelled.HEX_PARTS, least=1, most=4).map("x".join),
    string.PatternType: lambda _kind, _family: text(60, least=1),
    tcp.FlagTestType: lambda _kind, _family: chance.tuples(spelled.FLAGS, spelled.FLAGS),
    tcp.Syn: lambda _kind, _family: chance.just(()),
    tcpmss.SegmentSizeType: spelled.segment_size,
    tcpoptstrip.TcpOptionsType: lambda _kind, _family: chance.lists(
        chance.one_of(chance.sampled_from(tcpoptstrip.NAMES), numbers(20, 255)), least=1, most=5
    ).map(lambda found: ",".join(dict.fromkeys(found))),
    time.ClockType: spelled.clock,
    time.DateType: spelled.date_words,
    time.DaysType: spelled.days,
    tos.TosType: spelled.tos_value,
    tos_target.TosEditType: lambda kind, family: (
        spelled.tos_value(kind, family) if kind.operation == "set" else numbers(0, 255)
    ),
    tproxy.PortType: lambda _kind, _family: PORT,
    u32.TestsType: spelled.u32_tests,
}


def draw_of(kind: ValueType[Any]) -> Draw:
    """Return how a value type is drawn: as it says itself, or as the one that it is derived from.

    Raises:
        KeyError: neither is in :data:`KINDS`.
    """
    known = next((cls for cls in type(kind).__mro__ if cls in KINDS), type(kind))
    return KINDS[known]


@cache
def words_of(kind: ValueType[Any], family: Family) -> Chance[tuple[str, ...]]:
    """Return a strategy of the words after an option with this value type, without quotes."""
    return draw_of(kind)(kind, family).map(lambda found: found if isinstance(found, tuple) else (found,))
