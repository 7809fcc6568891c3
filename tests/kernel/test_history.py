"""Matches that remember, packet by packet beside the kernel; the facts are those of kernel-facts.md and of man pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from iptc_sim.kernel import Lab
from iptc_sim.moment import Hook
from iptc_sim.node import Link, Node
from iptc_sim.packet import Owner, Packet
from tests.kernel.history import NODE, Model, compare, run
from tests.kernel.scenario import ROUTER, ROUTER6, ROUTER_ROUTES, ping, table, tcp, udp

pytestmark = pytest.mark.kernel

HASH = "-m hashlimit --hashlimit-mode srcip --hashlimit-name"


def _some(number: int, seed: int = 1) -> list[Packet]:
    rng = Random(seed)
    return [
        udp(f"10.0.0.{rng.randrange(5, 9)}:33000", f"198.51.100.{rng.randrange(5, 7)}:53", "eth1")
        for _ in range(number)
    ]


def _agrees(lines: Sequence[str], packets: Sequence[Packet], variant: str, pauses: Sequence[float] = (0,)) -> Model:
    model = Model(lines)
    with Lab(ROUTER, ROUTER_ROUTES) as lab:
        pairs = compare(lab, model, packets, variant=variant, pause=lambda number: pauses[number % len(pauses)])
    for number, (kernel, ours) in enumerate(pairs):
        assert ours == kernel, f"packet {number}: {packets[number]}"
    return model


def test_nth_counts_only_evaluations(variant: str) -> None:
    nth = "-m statistic --mode nth --every"
    lines = [
        f"{nth} 3 --packet 2",
        "-m statistic --mode nth ! --every 3 --packet 0",
        f"-p tcp {nth} 2 --packet 0",
        f"{nth} 2 --packet 0 -m udp -p udp --dport 53",
        f"{nth} 3 --packet 2",
    ]
    packets = [*_some(5), tcp("10.0.0.5:33000", "198.51.100.5:80", "eth1")] * 3
    _agrees(lines, packets, variant)


def test_limit_and_quota(variant: str) -> None:
    lines = [
        "-m limit --limit 3/min --limit-burst 4",
        "-m limit --limit 2/sec --limit-burst 1",
        "-m limit --limit 2/sec --limit-burst 3",
        "-m quota --quota 100",
        "-m quota ! --quota 200",
    ]
    # Pauses far from the half second in which a packet comes back.
    _agrees(lines, _some(12), variant, (0, 0, 0.2, 0.55))


def test_hashlimit(variant: str) -> None:
    lines = [
        f"{HASH} a --hashlimit-upto 3/min --hashlimit-burst 3",
        f"{HASH} b --hashlimit-above 3/min --hashlimit-burst 2 --hashlimit-srcmask 31",
        f"{HASH} c --hashlimit-upto 1kb/s",
        f"{HASH} d --hashlimit-above 100b/s",
        f"{HASH} e --hashlimit-upto 128b/s --hashlimit-burst 600",
        "-m hashlimit --hashlimit-upto 3/min --hashlimit-burst 7 --hashlimit-name f",
        "-m hashlimit --hashlimit-mode dstip,srcport --hashlimit-upto 3/min --hashlimit-burst 4 --hashlimit-name g",
        f"{HASH} h --hashlimit-upto 3/sec --hashlimit-rate-match",
        f"{HASH} i --hashlimit-above 3/sec --hashlimit-rate-match --hashlimit-rate-interval 60 --hashlimit-burst 1",
    ]
    _agrees(lines, _some(30), variant)


def test_recent(variant: str) -> None:
    recent = "-m recent --name"
    lines = [
        f"{recent} A --rcheck",
        f"-d 198.51.100.5 {recent} A --set",
        f"{recent} A --rcheck --hitcount 3",
        f"-d 198.51.100.6 {recent} A --remove",
        f"{recent} A ! --rcheck",
        f"{recent} B ! --set",
        f"{recent} B --update --seconds 100 --hitcount 3",
        f"{recent} B --rcheck --hitcount 6",
        f"{recent} C ! --update --seconds 100 --hitcount 2",
        f"{recent} C --rcheck --hitcount 4",
        f"-d 198.51.100.5 {recent} C --set --rdest",
        f"-d 198.51.100.5 {recent} D --set --mask 255.255.255.254",
        f"{recent} D --rcheck --mask 255.255.255.254",
    ]
    _agrees(lines, _some(30), variant)


def test_recent_forgets(variant: str) -> None:
    lines = [
        "-d 198.51.100.5 -m recent --name G --set",
        "-m recent --name G --rcheck",
        "-d 198.51.100.6 -m recent --name G --update --seconds 1 --hitcount 2 --reap",
        "-m recent --name G --rcheck --hitcount 4",
    ]
    _agrees(lines, _some(24, seed=3), variant, (0, 0, 0.15, 0.3, 0, 1.1))


def test_recent_holds_a_hundred_addresses(variant: str) -> None:
    lines = ["-m recent --set", "-m recent --rcheck --hitcount 2"]
    packets = [udp(f"10.0.0.{number % 103 + 5}:33000", "198.51.100.5:53", "eth1") for number in range(120)]
    _agrees(lines, packets, variant)


def test_time(variant: str) -> None:
    rng, now, lines = Random(4), datetime.now(UTC).replace(tzinfo=None), []
    days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    for _ in range(40):
        first, last = ((now + timedelta(minutes=rng.choice([-600, -60, 60, 600]))).strftime("%H:%M") for _ in "ab")
        line = f"-m time --timestart {first} --timestop {last}"
        line += " --contiguous" if first > last and rng.random() < 0.6 else ""
        line += f" {rng.choice(['', '! '])}--weekdays {','.join(rng.sample(days, 3))}" if rng.random() < 0.6 else ""
        line += f" --monthdays {now.day},{1 + now.day % 28}" if rng.random() < 0.4 else ""
        begin = (now + timedelta(hours=rng.choice([-30, -3, 3]))).isoformat(timespec="seconds")
        line += f" --datestart {begin}" if rng.random() < 0.4 else ""
        lines.append(line)
    _agrees(lines, _some(1), variant)


def test_connlimit_counts_who_asked_the_rule(variant: str) -> None:
    lines = [f"-m connlimit --connlimit-above {number} --connlimit-mask 24" for number in range(4)]
    packets = [udp(f"10.0.0.{5 + number % 2}:{1000 + number % 3}", "198.51.100.7:53", "eth1") for number in range(8)]
    with Lab(ROUTER, ROUTER_ROUTES) as lab:
        model = Model(lines, others=None)
        for kernel, ours in compare(lab, model, packets, variant=variant):
            assert ours == kernel


def test_cluster_hashes_the_source(variant: str) -> None:
    rng = Random(6)
    lines = [
        f"-m cluster --cluster-total-nodes {nodes} --cluster-local-node {rng.randrange(1, nodes + 1)}"
        f" --cluster-hash-seed {rng.getrandbits(32):#x}"
        for nodes in (2, 3, 5, 7, 32)
        for _ in range(3)
    ]
    packets = [udp(f"10.0.0.{rng.randrange(2, 250)}:33000", "198.51.100.7:53", "eth1") for _ in range(20)]
    with Lab(ROUTER, ROUTER_ROUTES) as lab:
        for kernel, ours in compare(lab, Model(lines), packets, variant=variant, connections=True):
            assert ours == kernel
    packets = [udp(f"[2001:db8:{number}::5]:1", "[2001:db8:1::9]:2", "eth1") for number in (2, 3, 4)]
    with Lab(ROUTER6) as lab:
        for kernel, ours in compare(lab, Model(lines, family=6), packets, variant=variant, connections=True):
            assert ours == kernel


def test_marks_labels_and_counts_of_a_new_connection(variant: str) -> None:
    lines = [
        "-m connmark --mark 0",
        "-m connlabel ! --label 3",
        "-m connlabel --label 3 --set",
        "-m connlabel --label 3",
        "-m helper --helper ftp",
        "-m helper ! --helper ftp",
        "-m connbytes --connbytes 1 --connbytes-mode packets --connbytes-dir both",
        "-m connbytes --connbytes 28:28 --connbytes-mode bytes --connbytes-dir original",
        "-m connbytes ! --connbytes 29:100 --connbytes-mode bytes --connbytes-dir original",
        "-m connbytes --connbytes 0:1 --connbytes-mode avgpkt --connbytes-dir reply",
        "-j CONNMARK --set-xmark 0x5f1/0xffffffff",
        "-j CONNMARK --save-mark --nfmask 0xff --ctmask 0xff0",
        "-j MARK --set-mark 0x1234",
        "-j CONNMARK --set-xmark 0x17/0xff --left-shift-mark 4",
        "-j CONNMARK --save-mark --nfmask 0xff00 --ctmask 0xff --right-shift-mark 8",
        "-j CONNMARK --restore-mark --nfmask 0xff --ctmask 0xff00 --left-shift-mark 2",
        *(f"-m {kind} --mark {1 << bit:#x}/{1 << bit:#x}" for kind in ("mark", "connmark") for bit in range(18)),
    ]
    with Lab(ROUTER, ROUTER_ROUTES) as lab:
        model = Model(lines, table="mangle")
        ((kernel, ours),) = compare(lab, model, _some(1), variant=variant, connections=True)
    assert ours == kernel


def test_physdev_of_a_packet_that_crossed_no_bridge(variant: str) -> None:
    lines = [
        "-m physdev --physdev-in eth1",
        "-m physdev ! --physdev-in eth0",
        "-m physdev ! --physdev-is-bridged",
        "-m physdev --physdev-is-in",
        "-m physdev ! --physdev-is-out --physdev-in eth1",
    ]
    _agrees(lines, _some(1), variant)


def test_devgroup(variant: str) -> None:
    lines = [
        "-m devgroup --src-group 0",
        "-m devgroup --src-group 0x10",
        "-m devgroup --dst-group 3",
        "-m devgroup --src-group 0x13/0x10",
        "-m devgroup ! --src-group 0x5/0x0",
        "-m devgroup --dst-group 0x7/0x3",
    ]
    model = Model(lines, node=replace(NODE, links=(Link("eth1", group="16"), Link("eth0", group="3"))))
    with Lab(ROUTER, ROUTER_ROUTES) as lab:
        run(lab, "ip", "link", "set", "eth1", "group", "16")
        run(lab, "ip", "link", "set", "eth0", "group", "3")
        packets = [replace(packet, out_interface="eth0") for packet in _some(1)]
        ((kernel, ours),) = compare(lab, model, packets, variant=variant)
    assert ours == kernel


RPFILTER = ("", " --invert", " --loose", " --accept-local", " --accept-local --loose", " --validmark")


@pytest.mark.parametrize("in_interface", ["eth0", "eth1", "eth2"])
def test_rpfilter(variant: str, in_interface: str) -> None:
    sources = (
        "10.0.0.5", "10.0.1.5", "8.8.8.8", "10.0.0.1", "192.0.2.10", "10.0.0.255", "127.0.0.1", "0.0.0.0",
        "224.0.0.5", "255.255.255.255", "240.0.0.1",
    )  # fmt: skip
    packets = [
        udp(f"{source}:1", f"{destination}:2", in_interface)
        for source in sources
        for destination in ("198.51.100.7", "224.0.0.5", "224.1.0.5")
    ]
    model = Model([f"-m rpfilter{options}" for options in RPFILTER], hook=Hook.PREROUTING, table="raw")
    with Lab(ROUTER, ROUTER_ROUTES) as lab:
        for packet, (kernel, ours) in zip(packets, compare(lab, model, packets, variant=variant), strict=True):
            assert ours == kernel, packet
    assert not model.unsure


def test_rpfilter_of_ipv6(variant: str) -> None:
    sources = ("2001:db8:1::5", "2001:db8:2::5", "2001:db8:2::1", "fe80::5", "2001:db8:9::1")
    model = Model(
        [f"-m rpfilter{options}" for options in RPFILTER[:4]],
        hook=Hook.PREROUTING,
        table="raw",
        node=Node.of(ROUTER6),
        family=6,
    )
    packets = [udp(f"[{source}]:1", "[2001:db8:1::9]:2", "eth1") for source in sources]
    with Lab(ROUTER6) as lab:
        for packet, (kernel, ours) in zip(packets, compare(lab, model, packets, variant=variant), strict=True):
            assert ours == kernel, packet


def test_owner(variant: str) -> None:
    asked = (
        "--uid-owner 0", "! --uid-owner 0", "--uid-owner 5", "--socket-exists", "! --socket-exists",
        "! --uid-owner 5 ! --gid-owner 7", "--gid-owner 0", "! --socket-exists ! --uid-owner 0",
        "--gid-owner 0-1000 --suppl-groups", "! --gid-owner 2000 --suppl-groups",
    )  # fmt: skip
    lines = [f"-m owner {words}" for words in asked] + [
        "-m cgroup --cgroup 0",
        "-m cgroup ! --cgroup 5",
        "-m cgroup --path /",
    ]
    rules = "".join(
        table(name, *(f"-A {hook} {line}" for line in lines))
        for name, hook in (("filter", "OUTPUT"), ("mangle", "POSTROUTING"))
    )
    with Lab(ROUTER, ROUTER_ROUTES) as lab:
        lab.load(rules, variant=variant)
        local = udp("192.0.2.10:1001", "198.51.100.7:53")
        seen = [hit.number for hit in lab.inject(local, conntrack=False).rules("filter")]
        assert Model(lines, hook=Hook.OUTPUT).ask(replace(local, owner=Owner(0, 0)), None) == seen
        forwarded = udp("10.0.0.5:1001", "198.51.100.7:53", "eth1")
        seen = [hit.number for hit in lab.inject(forwarded, conntrack=False).rules("mangle")]
        assert Model(lines, hook=Hook.POSTROUTING, table="mangle").ask(forwarded, None) == seen


def test_the_first_ct_target_counts(variant: str) -> None:
    rules = table(
        "raw",
        "-A PREROUTING -p udp --dport 1 -j CT --zone 1",
        "-A PREROUTING -p udp --dport 1 -j CT --zone 2",
        "-A PREROUTING -p udp --dport 2 -j CT --notrack",
        "-A PREROUTING -p udp --dport 2 -j CT --zone 4",
        "-A PREROUTING -p udp --dport 3 -j CT --zone-orig 5",
        "-A PREROUTING -j MARK --set-mark 0x70007",
        "-A PREROUTING -p udp --dport 4 -j CT --zone mark",
    )
    with Lab(ROUTER, ROUTER_ROUTES) as lab:
        lab.load(rules, variant=variant)
        for port in range(1, 5):
            lab.inject(udp("10.0.0.5:1001", f"198.51.100.7:{port}", "eth1"), conntrack=False)
        lines = run(lab, "conntrack", "-L").splitlines()
    zones = {line.split("dport=")[1].split()[0]: line for line in lines}
    assert "zone=1 " in zones["1"]
    assert "2" not in zones
    assert "zone-orig=5 " in zones["3"]
    assert "zone=7 " in zones["4"]


def test_queues_and_synproxy_take_packets_away(variant: str) -> None:
    rules = table(
        "filter",
        "-A FORWARD -p tcp -j SYNPROXY --mss 1460",
        "-A FORWARD -p udp -j NFQUEUE --queue-num 3 --queue-bypass",
        "-A FORWARD -p icmp -j NFQUEUE --queue-num 3",
        "-A FORWARD",
    ) + table("mangle", "-A POSTROUTING")
    ends = "10.0.0.5:1", "198.51.100.7:80", "eth1"
    with Lab(ROUTER, ROUTER_ROUTES) as lab:
        lab.load(rules, variant=variant)

        def rules_of(packet: Packet) -> list[tuple[str, int | None]]:
            return [(hit.chain, hit.number) for hit in lab.inject(packet, conntrack=False).rules()]

        goes_on = [("FORWARD", 1), ("FORWARD", 4), ("POSTROUTING", 1)]
        assert rules_of(tcp(*ends)) == [("FORWARD", 1)]
        assert rules_of(tcp(*ends, "ACK", "PSH")) == [("FORWARD", 1)]
        assert rules_of(tcp(*ends, "ACK", "FIN")) == rules_of(tcp(*ends, "RST")) == goes_on
        # Nobody listens: --queue-bypass is ACCEPT, and without it the packet is dropped.
        assert rules_of(udp(*ends)) == [("FORWARD", 2), ("POSTROUTING", 1)]
        assert rules_of(ping("10.0.0.5", "198.51.100.7", "eth1")) == [("FORWARD", 3)]
