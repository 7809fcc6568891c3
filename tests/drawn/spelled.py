"""Values of options that need more than one number, name or address."""

from __future__ import annotations

from typing import Any

from iptc_sim.matches import ipv6header, tos
from iptc_sim.values import Family
from tests.drawn import chance
from tests.drawn.text import NAME, PORT, Words, address, address_range, cased, integers, listed, numbers, text

MOST = 0xFFFFFFFF
#: Names of protocols, in cases and spellings that iptables knows.
PROTOCOLS = chance.one_of(
    cased("tcp", "udp", "icmp", "esp", "ah", "sctp", "dccp", "gre", "ospf", "udplite", "ipv6-icmp", "icmpv6"),
    chance.sampled_from(["ipip", "vrrp", "mh", "mobility-header", "ipcomp", "igmp", "ipv6-mh", "pim", "etherip"]),
    numbers(1, 255),
)
SETS = ("drawn1", "drawn2")
ESTIMATORS = ("drawnrate1", "drawnrate2")
_SIDES = listed(chance.sampled_from(["src", "dst"]), 2)
SET_AND_SIDES = chance.tuples(chance.sampled_from(SETS), _SIDES)
CHUNK = chance.one_of(
    cased("DATA", "INIT", "INIT_ACK", "SACK", "ABORT", "ASCONF", "I_DATA", "PAD", "SHUTDOWN_COMPLETE"),
    chance.sampled_from(
        ["DATA:Be", "DATA:UBEiu", "DATA:I", "ABORT:T", "ABORT:t", "SHUTDOWN_COMPLETE:T", "data:b", "I_DATA:B"]
    ),
)
HEADERS = chance.sampled_from(
    [*ipv6header.HEADERS.values(), "hop", "dst", "route", "frag", "auth", "none", "prot", "0", "43", "44", "51", "59"]
)
FLAGS = chance.one_of(
    listed(cased("SYN", "ACK", "FIN", "RST", "URG", "PSH")), chance.sampled_from(["ALL", "NONE", "all"])
)
HEX_PARTS = chance.one_of(
    chance.binary(1, 6).map(lambda data: f"|{data.hex()}|"),
    chance.binary(1, 6).map(lambda data: f"|{data.hex(' ').upper()}|"),
    chance.text('abc XYZ."/', least=1, most=6),
)


def marks(high: int = MOST) -> Words:
    return chance.one_of(
        numbers(0, high), chance.builds(lambda value, bits: f"{value}/{bits}", numbers(0, high), numbers(0, high))
    )


def mark_edit(kind: Any, high: int = MOST) -> Words:
    return marks(high) if kind.operation in {"set", "xset"} else numbers(0, high)


def short_of(names: list[str]) -> Words:
    """A name, or a beginning of it that no other name has."""
    low = [name.lower() for name in names]
    starts = [
        name[:size]
        for name in low
        for size in range(3, len(name) + 1)
        if sum(other.startswith(name[:size]) for other in low) == 1
    ]
    return chance.one_of(chance.sampled_from(low), chance.sampled_from(names), chance.sampled_from(starts))


def icmp_type(kind: Any, _family: Family) -> Words:
    code = chance.builds(lambda one, two: f"{one}/{two}", numbers(0, 255), numbers(0, 255))
    return chance.one_of(short_of([item[0] for item in kind.types]), numbers(0, 255), code)


def nat_range(kind: Any, family: Family) -> Words:
    port = chance.one_of(integers(1, 65535).map(str), nat_ports())
    if kind.with_base:
        port = chance.one_of(port, chance.just("2000-2010/8000"), chance.just("5000-5999/443"))
    host_part = address_range(family)
    if family is Family.IPV6:
        joined = chance.builds(lambda one, two: f"[{one}]:{two}", host_part, port)
    else:
        joined = chance.builds(lambda one, two: f"{one}:{two}", host_part, port)
    return chance.one_of(host_part, joined, joined, port.map(lambda found: f":{found}"))


def nat_ports() -> Words:
    both = chance.tuples(integers(1, 65535), integers(1, 65535)).map(lambda ends: "-".join(map(str, sorted(ends))))
    return chance.one_of(integers(0, 65535).map(str), both, chance.sampled_from(["http", "ssh", "ftp-data"]))


def number_range(kind: Any, _family: Family) -> Words:
    if kind.maximum == 255:
        return chance.one_of(
            short_of(["binding-update", "home-test-init", "careof-test", "bu", "ba", "be"]), numbers(0, 255)
        )
    number = numbers(0, kind.maximum)
    both = chance.tuples(integers(0, kind.maximum), integers(0, kind.maximum))
    return chance.one_of(
        number,
        both.map(lambda ends: ":".join(map(str, sorted(ends)))),
        number.map(lambda found: f"{found}:"),
        number.map(lambda found: f":{found}"),
        chance.just(f"0:{kind.maximum}"),
    )


def packet_rate(_kind: Any, _family: Family) -> Words:
    unit = chance.sampled_from(
        ["", "/s", "/sec", "/second", "/m", "/min", "/Minute", "/h", "/hour", "/HOUR", "/d", "/day"]
    )
    return chance.builds(lambda count, name: f"{count}{name}", integers(1, 10000), unit)


def any_rate(kind: Any, family: Family) -> Words:
    size = chance.builds(
        lambda count, name: f"{count}{name}", integers(16, 4096), chance.sampled_from(["b/s", "kb/s", "mb/s"])
    )
    return chance.one_of(packet_rate(kind, family), packet_rate(kind, family), size)


def program(_kind: Any, _family: Family) -> Words:
    load = chance.builds(
        lambda code, offset: f"{code} 0 0 {offset}", chance.sampled_from([32, 40, 48]), chance.integers(0, 60)
    )
    test = integers(0, MOST).map(lambda number: f"21 0 0 {number}")
    steps = chance.lists(chance.one_of(load, test), most=5)
    last = integers(0, 65535).map(lambda number: f"6 0 0 {number}")
    return chance.builds(lambda found, end: ",".join([str(len(found) + 1), *found, end]), steps, last)


def u32_tests(_kind: Any, _family: Family) -> Words:
    operator = chance.sampled_from(["&", "<<", ">>", "@", " & ", " >> "])
    steps = chance.lists(chance.builds(lambda sign, value: f"{sign}{value}", operator, numbers(0, 31)), most=3)
    where = chance.builds(lambda start, rest: start + "".join(rest), numbers(0, 100), steps)
    both = chance.tuples(integers(0, MOST), integers(0, MOST)).map(lambda ends: f"{min(ends)}:{max(ends):#x}")
    test = chance.builds(lambda left, right: f"{left}={right}", where, listed(chance.one_of(numbers(0, MOST), both), 3))
    return listed(test, 3, separator="&&")


def mac(_kind: Any, _family: Family) -> Words:
    octet = chance.builds(
        lambda number, form: form.format(number), chance.integers(0, 255), chance.sampled_from(["{:02x}", "{:02X}"])
    )
    return chance.lists(octet, least=6, most=6).map(":".join)


def clock(_kind: Any, _family: Family) -> Words:
    second = chance.one_of(chance.just(""), chance.integers(0, 59).map(lambda number: f":{number:02}"))
    return chance.builds(
        lambda one, two, rest: f"{one:02}:{two:02}{rest}", chance.integers(0, 23), chance.integers(0, 59), second
    )


def date_words(_kind: Any, _family: Family) -> Words:
    day = chance.builds(
        "{}-{:02}-{:02}".format, chance.integers(1971, 2037), chance.integers(1, 12), chance.integers(1, 28)
    )
    timed = chance.builds(
        "{}T{:02}:{:02}:{:02}".format, day, chance.integers(0, 23), chance.integers(0, 59), chance.integers(0, 59)
    )
    return chance.one_of(
        day, timed, day.map(lambda text: text[:7]), timed.map(lambda text: text[:16]), day.map(lambda text: text[:4])
    )


def days(kind: Any, _family: Family) -> Words:
    number = chance.integers(1, kind.last).map(str)
    return listed(chance.one_of(number, chance.sampled_from(kind.names)) if kind.names else number, 6)


def duration(_kind: Any, _family: Family) -> Words:
    return chance.sampled_from(
        ["250ms", "0.5s", "1s", "300msec", "2secs", "4s", "500000", "260000us", "1.5s", "900000usec"]
    )


def bit_rate(_kind: Any, _family: Family) -> Words:
    unit = chance.sampled_from(["", "bit", "kbit", "Mbit", "kibit", "bps", "KBPS", "mibps"])
    return chance.builds(lambda number, name: f"{number}{name}", integers(0, 4000), unit)


def segment_size(_kind: Any, family: Family) -> Words:
    return numbers(0, 65515 if family is Family.IPV4 else 65495)


def port_set(_kind: Any, _family: Family) -> Words:
    both = chance.tuples(chance.integers(0, 30000), chance.integers(30001, 65535)).map(
        lambda ends: f"{ends[0]}:{ends[1]}"
    )
    return listed(chance.one_of(PORT, both), 7)


def word_words(kind: Any, _family: Family) -> Words:
    return text(min(kind.limit, 40)) if kind.quote else NAME


def choice_words(kind: Any, _family: Family) -> Words:
    return chance.sampled_from([*kind.choices, *kind.short])


def names_words(kind: Any, _family: Family) -> Words:
    return listed(cased(*kind.order))


def reject_type(_kind: Any, family: Family) -> Words:
    four = ("icmp-net-unreachable", "host-unreach", "icmp-proto-unreachable", "port-unreach", "net-prohib")
    six = ("icmp6-no-route", "no-route", "adm-prohibited", "icmp6-addr-unreachable", "port-unreach", "policy-fail")
    return chance.sampled_from(
        [*four, "icmp-admin-prohibited"] if family is Family.IPV4 else [*six, "icmp6-reject-route"]
    )


def traffic_class(_kind: Any, _family: Family) -> Words:
    return chance.builds("{:x}:{:X}".format, integers(0, 0xFFFF), integers(0, 0xFFFF))


def tos_value(_kind: Any, _family: Family) -> Words:
    return chance.one_of(marks(255), cased(*tos.NAMES))


def hops(_kind: Any, family: Family) -> Words:
    return listed(address(family), 4)


def id_range(_kind: Any, _family: Family) -> Words:
    both = chance.tuples(integers(0, MOST - 1), integers(0, MOST - 1)).map(
        lambda ends: "-".join(map(str, sorted(ends)))
    )
    return chance.one_of(numbers(0, MOST - 1), both, chance.just("root"))
