"""``iptc-sim reach``: what people read, what programs read, and what is refused."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import jsonschema
import pytest

from iptc_sim.resources import resource_text
from tests.conftest import Runner

RULES = """*raw
:PREROUTING ACCEPT
-A PREROUTING -s 198.51.100.0/24 -j DROP
COMMIT
*nat
:PREROUTING ACCEPT
:WEB -
-A PREROUTING -d 192.0.2.10/32 -p tcp -m tcp --dport 80 -j WEB
-A WEB -p tcp -m statistic --mode random --probability 0.5 -j DNAT --to-destination 10.2.0.5:8080
-A WEB -p tcp -j DNAT --to-destination 10.2.0.6:8080
COMMIT
*filter
:FORWARD DROP
-A FORWARD -d 10.2.0.0/24 -p tcp -m tcp --dport 8080 -j ACCEPT
COMMIT
"""
NODE = ("--iface", "eth0=192.0.2.10/24", "--iface", "br0=10.2.0.1/24", "--route", "default via 192.0.2.1 dev eth0")
NODE_ASSUMED = """
assumed: packets are whole and well-formed
assumed: connections that exist already are taken as not translated
assumed: routing depends on the destination that a packet has then, not on its mark or TOS
assumed: packets come without a mark (else: --any-mark)
"""
#: The sizes count the ports of tcp, udp, dccp, sctp and udplite.
#: Sources of packets that arrive: all but 0/8, 224/3, the two broadcast addresses of the node, and 198.51.100.0/24.
SOURCES = 2**32 - 2**24 - 2**29 - 2 - 256
GOLDEN = f"""3 classes of packets (NEW) reach 10.2.0.5:8080

1) tcp from anywhere but 198.51.100.0/24 to 10.2.0.5 port 8080, arriving
   forwarded, unchanged
   size   {SOURCES * 2**16:,} (about 2^47)
   by     filter FORWARD 1: ACCEPT
   e.g.   tcp 203.0.113.5:33000 -> 10.2.0.5:8080 in eth0

2) tcp from anywhere but 198.51.100.0/24 to 192.0.2.10 port 80, arriving
   1/2 (50.000%): forwarded, its destination becomes 10.2.0.5:8080
   size   {SOURCES * 2**16:,} (about 2^47)
   by     nat    PREROUTING 1 > WEB 1: DNAT
          filter FORWARD 1: ACCEPT
   e.g.   tcp 203.0.113.5:33000 -> 192.0.2.10:80 in eth0

3) any protocol from anywhere to 10.2.0.5 port 8080, made on this node
   sent, unchanged
   size   {(2**24 + 2) * 5 * 2**16:,} (about 2^42)
   by     no rule, and policies that accept
   e.g.   tcp 10.2.0.1:33000 -> 10.2.0.5:8080 from host

follow one: iptc-sim trace node.save --flow 'tcp 203.0.113.5:33000 -> 10.2.0.5:8080 in eth0'
"""
DROPPED = f"""3 classes of packets (NEW) are meant for 10.2.0.5:8080 and are dropped

1) any protocol but tcp from anywhere to 10.2.0.5 port 8080, arriving
   dropped
   size   {(SOURCES + 256) * 4 * 2**16:,} (about 2^49)
   by     filter FORWARD policy: DROP
   e.g.   udp 203.0.113.5:33000 -> 10.2.0.5:8080 in eth0

2) any protocol from 198.51.100.0/24 to 10.2.0.5 port 8080, arriving
   dropped
   size   {256 * 5 * 2**16:,} (about 2^26)
   by     raw PREROUTING 1: DROP
   e.g.   tcp 198.51.100.9:33000 -> 10.2.0.5:8080 in eth0

3) tcp from 198.51.100.0/24 to 192.0.2.10 port 80, arriving
   dropped on its way to 10.2.0.5:8080, odds 1/2 (50.000%)
   size   16,777,216 (2^24)
   by     raw PREROUTING 1: DROP
   e.g.   tcp 198.51.100.9:33000 -> 192.0.2.10:80 in eth0

follow one: iptc-sim trace node.save --flow 'udp 203.0.113.5:33000 -> 10.2.0.5:8080 in eth0'
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the rules."""
    (tmp_path / "node.save").write_text(RULES)
    return tmp_path


def test_what_people_read(iptc_sim: Runner, folder: Path) -> None:
    done = iptc_sim("reach", "node.save", "--to", "10.2.0.5:8080", *NODE, cwd=folder)
    assert (done.status, done.err) == (0, "")
    assert done.out == GOLDEN + NODE_ASSUMED


def test_what_is_dropped(iptc_sim: Runner, folder: Path) -> None:
    done = iptc_sim("reach", "node.save", "--to", "10.2.0.5:8080", "--dropped", *NODE, cwd=folder)
    assert (done.status, done.err) == (0, "")
    assert done.out == DROPPED + NODE_ASSUMED


def test_the_command_that_is_told_shows_the_example(iptc_sim: Runner, folder: Path) -> None:
    for node in (NODE, ()):
        done = iptc_sim("reach", "node.save", "--to", "10.2.0.5:8080", *node, cwd=folder)
        (line,) = [line for line in done.out.split("\n") if line.startswith("follow one: ")]
        words = shlex.split(line.removeprefix("follow one: iptc-sim "))
        followed = iptc_sim(*words, *node, cwd=folder)
        assert followed.status == 0
        assert "=> forwarded to 10.2.0.5:8080" in followed.out or "=> sent to 10.2.0.5:8080" in followed.out


def test_nobody_reaches_it(iptc_sim: Runner, folder: Path) -> None:
    for option in ("--rejected", "--masqueraded"):
        done = iptc_sim("reach", "node.save", "--to", "10.2.0.5:8080", option, *NODE, cwd=folder)
        assert done.status == 1
        assert done.out.startswith("no packets (NEW) ")


def test_what_programs_read(iptc_sim: Runner, folder: Path) -> None:
    done = iptc_sim(
        "reach", "node.save", "--to", "10.2.0.5:8080", "--limit", "1", "--state", "all", "--format", "json", cwd=folder
    )
    data = json.loads(done.out)
    jsonschema.validate(data, json.loads(resource_text("iptc_sim", "render", "schemas", "reach-1.json")))
    assert data["states"] == ["NEW", "ESTABLISHED", "RELATED", "INVALID"]
    assert len(data["classes"]) == 1
    assert data["more"] > 0
    assert data["classes"][0]["examples"][0]["node"][0] == "--iface"


def test_hostile_text_is_escaped(iptc_sim: Runner, folder: Path) -> None:
    rules = RULES.replace("WEB", "W\u202eB")
    (folder / "node.save").write_text(rules)
    done = iptc_sim("reach", "node.save", "--to", "10.2.0.5:8080", cwd=folder)
    assert "\u202e" not in done.out
    assert "W\\u202eB 1: DNAT" in done.out


def test_a_bundle_tells_rules_and_node(iptc_sim: Runner, folder: Path) -> None:
    bundle = folder / "node"
    bundle.mkdir()
    (bundle / "iptables-save.txt").write_text(RULES)
    addresses = [("eth0", "192.0.2.10", 24), ("br0", "10.2.0.1", 24)]
    links = [
        {"ifindex": number, "ifname": name, "addr_info": [{"family": "inet", "local": local, "prefixlen": length}]}
        for number, (name, local, length) in enumerate(addresses, 2)
    ]
    (bundle / "addr.json").write_text(json.dumps(links))
    routes = [
        {"dst": "default", "gateway": "192.0.2.1", "dev": "eth0"},
        {"dst": "192.0.2.0/24", "dev": "eth0", "protocol": "kernel", "scope": "link", "prefsrc": "192.0.2.10"},
        {"dst": "10.2.0.0/24", "dev": "br0", "protocol": "kernel", "scope": "link", "prefsrc": "10.2.0.1"},
    ]
    (bundle / "route.json").write_text(json.dumps(routes))
    done = iptc_sim("reach", "node", "--to", "10.2.0.5:8080", cwd=folder)
    assert done.status == 0
    told = [line for line in done.out.split("\n") if line[1:3] == ") "]
    assert told == [line for line in GOLDEN.split("\n") if line[1:3] == ") "]


def test_names_of_objects(iptc_sim: Runner, folder: Path) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web-0", "namespace": "shop"}}
    pod |= {"spec": {"containers": [{"name": "web"}]}, "status": {"podIP": "10.2.0.5", "podIPs": [{"ip": "10.2.0.5"}]}}
    (folder / "pod.json").write_text(json.dumps(pod))
    ask = ("reach", "node.save", "--to", "pod/shop/web-0:8080")
    done = iptc_sim(*ask, "--objects", "pod.json", *NODE, cwd=folder)
    assert done.out == GOLDEN + NODE_ASSUMED
    refused = iptc_sim(*ask, cwd=folder)
    assert refused.status == 2
    assert "no objects are given" in refused.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "no destination is given"),
        (("--to", "10.2.0.5:x"), "10.2.0.5:x is not an address or network, with or without a port"),
        (("--to", "10.2.0.5", "--from", "10.2.0.0/33"), "10.2.0.0/33 is not an address or network"),
        (("--to", "10.2.0.5", "--dropped", "--rejected"), "they exclude each other"),
        (("--to", "10.2.0.5", "--state", "NEW,OLD"), "OLD is not one of its values"),
        (("--to", "svc/default/web"), "packets end at its endpoints"),
        (("--to", "10.2.0.5", "--from", "fd00::/8"), "fd00::/8 is of IPv6, and the rules are of IPv4"),
        (("--to", "fd00::1"), "fd00::1/128 is of IPv6, and the rules are of IPv4"),
        (("--to", "10.2.0.5", "--format", "xml"), "xml is not one of its values"),
    ],
)
def test_what_is_refused(iptc_sim: Runner, folder: Path, words: tuple[str, ...], told: str) -> None:
    done = iptc_sim("reach", "node.save", *words, cwd=folder)
    assert done.status == 2
    assert told in done.err
    assert done.out == ""
