"""What targets do that are about connections, queues and sets. Expected values: kernel-facts.md and tests/kernel."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest

from iptc_sim import Family, parse
from iptc_sim.connection import Connection
from iptc_sim.ipsets.text import read_ipsets
from iptc_sim.memory import Memory
from iptc_sim.moment import Hook, Moment
from iptc_sim.node import Node
from iptc_sim.packet import Packet
from iptc_sim.target import (
    Accept,
    Action,
    Alter,
    Continue,
    Drop,
    Either,
    Intercept,
    Prepare,
    Steal,
    Target,
    Translate,
)
from iptc_sim.tracking import Manip, State
from iptc_sim.values import Prefix

PACKET = Packet(ip_address("10.0.0.5"), ip_address("192.0.2.10"), 6, 33000, 80, mark=0x15, in_interface="eth0")
ENTRY = replace(Connection.first(PACKET), mark=0x5F1)


def act(
    options: str,
    table: str = "mangle",
    hook: Hook = Hook.PREROUTING,
    entry: Connection | None = ENTRY,
    packet: Packet = PACKET,
    node: Node | None = None,
) -> Action:
    ruleset = parse(f"*{table}\n:FOO - [0:0]\n-A FOO {options}\nCOMMIT\n", family=Family.IPV4)
    (target,) = (rule.target for *_, rule in ruleset.rules())
    assert isinstance(target, Target)
    return target.act(Moment(packet, hook, table, node or Node.of({}), entry, Memory(fresh=True), 1000.0))


@pytest.mark.parametrize(
    ("options", "connmark", "mark"),
    [
        ("--set-xmark 0x17/0xff", 0x517, None),
        ("--set-xmark 0x17/0xff --left-shift-mark 4", 0x5170, None),
        ("--save-mark --nfmask 0xff --ctmask 0xff0", 0x14, None),
        ("--save-mark", 0x15, None),
        ("--restore-mark", None, 0x5F1),
        ("--restore-mark --nfmask 0xff --ctmask 0xff00 --left-shift-mark 2", None, 0x1400),
    ],
)
def test_connmark(options: str, connmark: int | None, mark: int | None) -> None:
    found = act(f"-j CONNMARK {options}")
    assert isinstance(found, Alter)
    assert (found.connection.mark if found.connection else None) == connmark
    assert (found.packet.mark if found.packet else None) == mark


def test_connmark_without_a_connection_or_of_one_that_is_not_known() -> None:
    assert isinstance(act("-j CONNMARK --restore-mark", entry=None), Continue)
    untracked = replace(ENTRY, state=State.UNTRACKED)
    assert isinstance(act("-j CONNMARK --save-mark", entry=untracked), Continue)
    told = replace(ENTRY, state=State.ESTABLISHED)
    found = act("-j CONNMARK --restore-mark", entry=told)
    assert isinstance(found, Continue)
    assert "not known" in found.taken


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("-j CT --notrack", Prepare(untracked=True)),
        ("-j NOTRACK", Prepare(untracked=True)),
        ("-j CT --zone 3", Prepare(zone=3, reply_zone=3)),
        ("-j CT --zone-orig 3", Prepare(zone=3)),
        ("-j CT --zone-reply 3", Prepare(reply_zone=3)),
        ("-j CT --zone mark", Prepare(zone=None, reply_zone=None)),
        ("-p tcp -j CT --helper ftp", Prepare(helper="ftp")),
    ],
)
def test_what_conntrack_is_prepared_for(options: str, expected: Prepare) -> None:
    assert act(options, "raw", entry=None) == expected
    # A packet that has come back by lo keeps its entry.
    assert isinstance(act(options, "raw"), Continue)


def test_notrack_alone_does_not_switch_conntrack_on() -> None:
    ruleset = parse("*raw\n-A PREROUTING -j CT --notrack\n-A PREROUTING -j CT --zone 1\nCOMMIT\n")
    used = [rule.target.uses_conntrack() for *_, rule in ruleset.rules() if rule.target]
    assert used == [False, True]


def test_netmap_moves_the_side_of_its_hook() -> None:
    network = Prefix.parse("10.0.1.0/24")
    for hook, manip in (
        (Hook.PREROUTING, Manip.DESTINATION),
        (Hook.OUTPUT, Manip.DESTINATION),
        (Hook.INPUT, Manip.SOURCE),
        (Hook.POSTROUTING, Manip.SOURCE),
    ):
        assert act("-j NETMAP --to 10.0.1.0/24", "nat", hook) == Translate(manip, network=network)


def test_tproxy_changes_the_mark_and_no_header() -> None:
    found = act("-p tcp -j TPROXY --on-port 3128 --tproxy-mark 0x1/0x1")
    assert found == Intercept(None, 3128, 0x15)
    found = act("-p tcp -j TPROXY --on-port 0 --on-ip 127.0.0.1")
    assert found == Intercept(ip_address("127.0.0.1"), None, 0x15)


def test_queues_take_the_packet_away() -> None:
    assert isinstance(act("-j NFQUEUE --queue-num 3"), Steal)
    found = act("-j NFQUEUE --queue-balance 1:3 --queue-bypass")
    assert isinstance(found, Either)
    assert [type(action) for _, action in found.ways] == [Steal, Accept]


def test_synproxy_takes_the_handshake() -> None:
    def flags(*names: str) -> Action:
        return act("-p tcp -j SYNPROXY", "filter", Hook.INPUT, packet=replace(PACKET, flags=frozenset(names)))

    assert isinstance(flags("SYN"), Steal)
    found = flags("ACK", "PSH")
    assert isinstance(found, Either)
    assert [type(action) for _, action in found.ways] == [Steal, Drop]
    assert flags("SYN", "ACK") == flags("FIN", "ACK") == Continue()


def test_set_changes_sets_in_the_memory() -> None:
    sets = read_ipsets("create x hash:ip timeout 60\ncreate n hash:net\nadd n 10.9.0.0/16\n")
    node = replace(Node.of({}), sets=sets)
    found = act("-j SET --add-set x src", node=node)
    assert isinstance(found, Alter)
    assert found.memory is not None
    ((element, entry),) = found.memory.get(("set", "x")).elements.items()
    assert element == (int(ip_address("10.0.0.5")),)
    assert entry.expires == 1060 * 10**9
    # What is added to a set of networks has the longest prefix that is in it.
    found = act("-j SET --add-set n src", node=node)
    assert isinstance(found, Alter)
    assert found.memory is not None
    assert (int(ip_address("10.0.0.0")), 16) in {one[0] for one in found.memory.get(("set", "n")).elements}
    assert isinstance(act("-j SET --add-set x src"), Continue)  # a set that is not known
    found = act("-j SET --map-set x src --map-mark")
    assert isinstance(found, Continue)
    assert found.taken
