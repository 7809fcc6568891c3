"""Every type of ipset, looked up and changed packet by packet beside the kernel; the facts are those of ipset(8)."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from iptc_sim.ipsets.text import read_ipsets
from iptc_sim.kernel import Lab
from tests.kernel.history import NODE, Model, compare, run
from tests.kernel.scenario import ROUTER, ROUTER_ROUTES, ping, tcp, udp

pytestmark = pytest.mark.kernel

SETS = """\
create a hash:ip counters timeout 300
add a 10.0.0.5
create b hash:net counters
add b 10.0.0.0/8
add b 10.0.0.4/31 nomatch
add b 10.0.0.5
add b 198.51.100.6/31 nomatch
create bi hash:net,iface
add bi 0.0.0.0/0,eth0
add bi 10.0.0.0/30,eth1
add bi 10.0.0.6/31,et wildcard
add bi 10.0.0.0/8,physdev:eth1
add bi 10.0.0.5,eth1 nomatch
create c hash:ip,port
add c 10.0.0.5,udp:53
add c 10.0.0.6,tcp:80
add c 10.0.0.6,icmp:echo-request
create e hash:ip,port,net
add e 10.0.0.5,udp:53,198.51.100.0/24
add e 10.0.0.5,udp:53,198.51.100.6 nomatch
create h bitmap:ip range 10.0.0.0/24 netmask 31
add h 10.0.0.6
create i bitmap:ip,mac range 10.0.0.0/24
add i 10.0.0.5
add i 10.0.0.6,02:69:70:74:01:00
add i 10.0.0.7,02:00:00:00:00:09
create j bitmap:port range 0-1024
add j 80
create l hash:ip netmask 31
add l 10.0.0.6
create n hash:ip bitmask 255.0.0.254
add n 10.0.0.4
create q hash:ip,port,ip
add q 10.0.0.5,udp:53,198.51.100.6
create k list:set size 5
add k l
add k b
add k c
create x hash:ip
create y hash:ip timeout 1
create z hash:net
add z 172.16.0.0/20
create np hash:net,port
add np 10.0.0.0/24,udp:53
add np 10.0.0.6,udp:53 nomatch
create kc list:set counters
add kc a
create m hash:ip maxelem 2
create sk hash:ip skbinfo
add sk 10.0.0.5 skbmark 0x12/0xff skbprio 1:10
add sk 10.0.0.6 skbmark 0x1300
"""

LOOKUPS = {
    "bi": ("src,src", "src,dst", "dst,src"), "c": ("src,dst", "dst,src"), "e": ("src,dst,dst", "src,dst"),
    "i": ("src,src", "src"), "q": ("src,dst,dst",), "k": ("src", "src,dst", "dst"), "np": ("src,dst",),
}  # fmt: skip
MATCHES = [
    f"-m set {word}--match-set {name} {sides}{more}"
    for name in ("a", "b", "bi", "c", "e", "h", "i", "j", "k", "kc", "l", "n", "np", "q", "x", "z")
    for sides in LOOKUPS.get(name, ("src", "dst"))
    for word, more in (("", ""), ("! ", ""), ("", " --return-nomatch"))
]
COUNTERS = [
    "-m set --match-set a src --packets-gt 2",
    "-m set --match-set a src ! --update-counters",
    "-m set --match-set a src --packets-eq 2",
    "-m set --match-set b src --bytes-lt 100",
    "-m set ! --match-set b src --packets-lt 3",
    "-m set --match-set b src ! --packets-eq 4 ! --update-counters",
    "-m set --match-set k src --packets-gt 1",
    "-m set --match-set kc src --packets-gt 3",
    "-m set --match-set kc src ! --update-subcounters",
    "-m set --match-set b src --return-nomatch --packets-gt 3",
    "-p udp -j SET --add-set a src",
    "-p tcp -j SET --add-set a src --exist",
    "-p icmp -j SET --del-set a src",
]
CHANGES = [
    "-m set --match-set x src",
    "-p udp -j SET --add-set x src",
    "-m set --match-set x src",
    "-p tcp -j SET --del-set x src",
    "-j SET --add-set m src",
    "-m set --match-set m src",
    "-p icmp -j SET --add-set z src",
    "-m set --match-set z src",
    "-j SET --add-set c src,dst",
    "-j SET --add-set k src --exist",
    "-j SET --add-set b dst",
    "-p tcp -j SET --add-set i src,src",
    "-m set --match-set i src,src",
    "-p icmp -j SET --add-set j src,dst",
    "-j SET --add-set e src,dst,src",
    "-j SET --del-set np src,dst",
]
EXPIRES = [
    "-m set --match-set y src",
    "-p udp -j SET --add-set y src",
    "-p tcp -j SET --add-set y src --exist --timeout 2",
    "-p icmp -j SET --add-set y src --timeout 0",
]
MAPPED = [
    "-j SET --map-set sk src --map-mark --map-prio",
    "-m mark --mark 0x12",
    "-m mark --mark 0x1300",
    "-j MARK --set-mark 0xff00",
    "-j SET --map-set sk src --map-mark",
    "-m mark --mark 0xff12",
]


@pytest.mark.parametrize(
    ("lines", "pauses"),
    [(MATCHES, (0,)), (COUNTERS, (0,)), (CHANGES, (0,)), (EXPIRES, (0, 0.3, 0.7, 0.2)), (MAPPED, (0,))],
    ids=["matches", "counters", "changes", "expires", "mapped"],
)
def test_ipsets(variant: str, lines: list[str], pauses: tuple[float, ...]) -> None:
    rng, packets = Random(8), []
    for _ in range(25):
        source, destination = f"10.0.0.{rng.randrange(4, 9)}", f"198.51.100.{rng.randrange(5, 8)}"
        port = rng.choice([53, 80])
        made = rng.choice(
            [
                udp(f"{source}:33000", f"{destination}:{port}", "eth1"),
                tcp(f"{source}:33000", f"{destination}:{port}", "eth1"),
                ping(source, destination, "eth1"),
            ]
        )
        packets.append(replace(made, out_interface="eth0", source_mac=bytes.fromhex("026970740100")))
    with Lab(ROUTER, ROUTER_ROUTES) as lab:
        run(lab, "ipset", "restore", text=SETS)
        sets = read_ipsets(run(lab, "ipset", "save"))
        model = Model(lines, node=replace(NODE, sets=sets), table="mangle")
        pairs = compare(lab, model, packets, variant=variant, pause=lambda number: pauses[number % len(pauses)])
        after = read_ipsets(run(lab, "ipset", "save"))
    for packet, (kernel, ours) in zip(packets, pairs, strict=True):
        wrong = [lines[number - 1] for number in set(kernel) ^ set(ours)]
        assert not wrong, packet
    if lines is EXPIRES:
        return
    for name, known in after.items():
        changed = model.memory.get(("set", name), sets[name])
        assert {one: (entry.packets, entry.size) for one, entry in changed.elements.items()} == {
            one: (entry.packets, entry.size) for one, entry in known.elements.items()
        }, name
