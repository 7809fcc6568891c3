"""``--history``, ``--at`` and ``--follow``: what went before, when, and how the conversation goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Runner

FLOW = "tcp 10.0.0.5:33000 -> 10.0.1.7:80 in eth1"
LIMIT = """*filter
:FORWARD ACCEPT [0:0]
-A FORWARD -m limit --limit 1/min --limit-burst 2 -j ACCEPT
-A FORWARD -j DROP
COMMIT
"""
NTH = """*nat
-A PREROUTING -m statistic --mode nth --every 3 --packet 0 -j DNAT --to-destination 10.0.9.1
-A PREROUTING -m statistic --mode nth --every 2 --packet 0 -j DNAT --to-destination 10.0.9.2
-A PREROUTING -j DNAT --to-destination 10.0.9.3
COMMIT
"""


def fates(shown: str) -> list[str]:
    """Return the verdicts that a trace prints."""
    return [line.split()[1] for line in shown.splitlines() if line.lstrip().startswith("=>")]


def test_a_bucket_runs_empty_and_fills_again(iptc_sim: Runner, tmp_path: Path) -> None:
    rules, history = tmp_path / "rules", tmp_path / "history"
    rules.write_text(LIMIT)
    history.write_text(
        "# two packets, and a third a minute later\n"
        "@2026-01-01T00:00:00Z tcp 10.0.0.5:1 -> 10.0.1.7:80 in eth1\n"
        "tcp 10.0.0.5:2 -> 10.0.1.7:80 in eth1\n"
    )
    asked = ("trace", rules, "--flow", FLOW, "--history", history, "--at")
    assert fates(iptc_sim(*asked, "2026-01-01T00:00:01").out) == ["DROPPED"]
    assert fates(iptc_sim(*asked, "2026-01-01T00:01:01").out) == ["forwarded"]
    assert fates(iptc_sim("trace", rules, "--flow", FLOW, "--history", "fresh").out) == ["forwarded"]
    assert sorted(fates(iptc_sim("trace", rules, "--flow", FLOW).out)) == ["DROPPED", "forwarded"]


def test_nth_counters_go_round(iptc_sim: Runner, tmp_path: Path) -> None:
    rules, history = tmp_path / "rules", tmp_path / "history"
    rules.write_text(NTH)
    reached = []
    for earlier in range(4):
        history.write_text("".join(f"tcp 10.0.0.5:{port} -> 10.0.1.7:80 in eth1\n" for port in range(1, earlier + 1)))
        shown = iptc_sim("odds", rules, "--flow", FLOW, "--history", history).out
        reached.append(shown.splitlines()[-1].split()[1])
    # a rule that translates ends the walk, so the second counter counts every packet but the first of three
    assert reached == ["10.0.9.1:80", "10.0.9.2:80", "10.0.9.3:80", "10.0.9.1:80"]


def test_follow_goes_on_to_the_end_of_the_handshake(iptc_sim: Runner, tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.write_text(
        "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT\n"
        "-A FORWARD -i eth1 -p tcp --syn -j ACCEPT\nCOMMIT\n*nat\n-A PREROUTING -p tcp -j DNAT --to 10.0.2.2:8080\nCOMMIT\n"
    )
    ran = iptc_sim("trace", rules, "--flow", FLOW, "--follow")
    assert fates(ran.out) == ["forwarded", "forwarded", "forwarded"]
    replies = [line.strip() for line in ran.out.splitlines() if line.strip().startswith("reply")]
    assert replies[0].startswith("reply    tcp 10.0.2.2:8080 -> 10.0.0.5:33000 flags syn,ack")
    assert replies[1].startswith("reply    tcp 10.0.0.5:33000 -> 10.0.1.7:80 flags ack")


@pytest.mark.parametrize(
    ("history", "at", "expected"),
    [
        ("@yesterday tcp 10.0.0.5:1 -> 10.0.1.7:80\n", None, "history:1:1: error IPT040: yesterday is no time"),
        ("\n@-5 tcp 10.0.0.5:1 -> 10.0.1.7:80\n", None, "history:2:1: error IPT040: -5 counts from --at"),
        ("@5 tcp 10.0.0.5:x -> 10.0.1.7:80\n", None, "history:1:8: error IPT040: x is not a port"),
        ("", "noon", "--at: error IPT004: noon is no time"),
        ("", "1e400", "--at: error IPT004: 1e400 is no time"),
    ],
)
def test_wrong_times(iptc_sim: Runner, tmp_path: Path, history: str, at: str | None, expected: str) -> None:
    rules, past = tmp_path / "rules", tmp_path / "history"
    rules.write_text(LIMIT)
    past.write_text(history)
    ran = iptc_sim("trace", rules, "--flow", FLOW, "--history", past, *(["--at", at] if at else []))
    assert ran.status == 2
    assert expected in ran.err
    assert ran.out == ""


def test_a_history_that_cannot_be_told_is_refused(iptc_sim: Runner, tmp_path: Path) -> None:
    rules, past = tmp_path / "rules", tmp_path / "history"
    rules.write_text("*filter\n-A FORWARD -m statistic --mode random --probability 0.5 -j DROP\nCOMMIT\n")
    past.write_text(f"{FLOW}\n")
    ran = iptc_sim("trace", rules, "--flow", FLOW, "--history", past)
    assert ran.status == 2
    assert "IPT044" in ran.err
    assert "2 ways" in ran.err
