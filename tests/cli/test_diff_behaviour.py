"""``iptc-sim diff --behaviour``: text, JSON by its schema, exit status, and the command that shows the witness again."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import jsonschema
import pytest

from iptc_sim.resources import resource_text
from tests.conftest import Runner

A = """*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -s 10.0.0.0/8 -d 192.0.2.0/24 -p tcp -m tcp --dport 443 -j ACCEPT
COMMIT
"""


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    a, b = tmp_path / "a.save", tmp_path / "b.save"
    a.write_text(A)
    b.write_text(A.replace("--dport 443", "--dport 443:444"))
    return str(a), str(b)


def test_different(files: tuple[str, str], iptc_sim: Runner) -> None:
    done = iptc_sim("diff", "--behaviour", *files)
    assert (done.status, done.err) == (1, "")
    assert "different: 1 class of packets" in done.out
    assert "tcp from 10.0.0.0/8 to 192.0.2.0/24 port 444, arriving by any interface" in done.out
    assert f"{1 << 48:,} combinations" in done.out  # 2^24 sources, 2^16 ports, 2^8 destinations, one port
    shown = [line.partition(": ")[2] for line in done.out.splitlines() if "the way through" in line]
    ends = [iptc_sim(*shlex.split(line)[1:]).out.splitlines()[-1] for line in shown]
    assert "DROPPED" in ends[0]
    assert "forwarded" in ends[1]


def test_equivalent(files: tuple[str, str], iptc_sim: Runner) -> None:
    done = iptc_sim("diff", "--behaviour", files[0], files[0])
    assert done.status == 0
    assert "equivalent for all packets, proven" in done.out


@pytest.mark.parametrize("other", [0, 1])
def test_json(files: tuple[str, str], other: int, iptc_sim: Runner) -> None:
    done = iptc_sim("diff", "--behaviour", "--format", "json", files[0], files[other])
    assert done.status == other
    record = json.loads(done.out)
    jsonschema.validate(record, json.loads(resource_text("iptc_sim", "render", "schemas", "behaviour-1.json")))
    assert record["verdict"] == ("equivalent", "different")[other]
    assert len(record["classes"]) == other
    if other:
        assert record["classes"][0]["size"] == str(1 << 48)
        assert [row["fate"] for side in "ab" for row in record["classes"][0][side]] == ["drop", "forward"]


def test_a_node(files: tuple[str, str], tmp_path: Path, iptc_sim: Runner) -> None:
    """Packets to the node itself are not forwarded: the witness goes to another machine."""
    folder = tmp_path / "bundle"
    folder.mkdir()
    own = [("eth0", "10.0.0.1", 24), ("eth1", "192.0.2.0", 25)]
    links = [
        {"ifname": name, "addr_info": [{"family": "inet", "local": address, "prefixlen": length}]}
        for name, address, length in own
    ]
    (folder / "addr.json").write_text(json.dumps(links))
    done = iptc_sim("diff", "--behaviour", "--format", "json", *files, "--node", folder)
    assert done.status == 1
    record = json.loads(done.out)
    assert record["verdict"] == "different"
    assert record["classes"][0]["node"] is None


@pytest.mark.parametrize("words", [["--format", "patch"], ["--only-kube"], ["--all-chains"], ["--limit", "0"]])
def test_usage(files: tuple[str, str], words: list[str], iptc_sim: Runner) -> None:
    assert iptc_sim("diff", "--behaviour", *files, *words).status == 2


@pytest.mark.parametrize("words", [["--node", "."], ["--limit", "3"]])
def test_options_that_say_nothing_without_it(files: tuple[str, str], words: list[str], iptc_sim: Runner) -> None:
    done = iptc_sim("diff", *files, *words)
    assert (done.status, done.out) == (2, "")
    assert f"{words[0]}: error IPT004: it is for --behaviour" in done.err
