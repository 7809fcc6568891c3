"""A client that comes again: ``sessionAffinity: ClientIP`` under ``--history``, where each line may tell its endpoint.

The timeout is a Service's default of 10800 seconds (kube-proxy.md 4.1). The kernel counts a client as seen while it was
seen at most so many seconds ago, the last of them included.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from iptc_sim import trace
from iptc_sim.diagnostics import SourceFile, read_source
from iptc_sim.flows.history import parse_history, parse_time
from iptc_sim.kube import Settings, compile_services, load_cluster
from tests.conftest import Runner

SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: my-nginx, namespace: default}
spec:
  clusterIP: 10.97.126.137
  ports: [{port: 8125, protocol: TCP, targetPort: 80}]
  selector: {app: nginx}
  sessionAffinity: ClientIP
"""
FIRST, SECOND, THIRD = "172.17.0.4:80", "172.17.0.5:80", "172.17.0.6:80"

#: What the kernel holds for 1/3: round(p * 2^31), from 0.33333 up to 1.16 and from 0.3333333333 then (3.8).
THIRDS = {"1.11": Fraction(715820724, 2**31), "1.28": Fraction(715827883, 2**31)}


def client(address: str, port: int) -> str:
    return f"tcp {address}:{port} -> 10.97.126.137:8125 in cni0"


@pytest.fixture(params=THIRDS)
def release(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def objects(seed: Path) -> list[SourceFile]:
    return [SourceFile("service.yaml", SERVICE), read_source("endpoints.yaml", seed / "endpoints.yaml")]


class Asker:
    """Asks for the odds of a new connection after a history, under the rules of the seed's three endpoints."""

    def __init__(self, release: str, seed: Path) -> None:
        settings = Settings(release=release)
        self.rules = compile_services(load_cluster(objects(seed), settings), settings)

    def __call__(self, history: str, at: str, flow: str) -> dict[str, Fraction]:
        now = parse_time(f"2026-01-01T{at}Z")
        past = parse_history(SourceFile("past", history), now)
        found: dict[str, Fraction] = {}
        for end in trace(self.rules, flow, now=now, history=past).ends:
            assert end.odds is not None
            reached = end.packet.destination_text
            found[reached] = found.get(reached, Fraction()) + Fraction(end.odds.numerator, end.odds.denominator)
        return found


@pytest.fixture
def ask(release: str, seed: Path) -> Asker:
    return Asker(release, seed)


ONCE = f"@2026-01-01T00:00:00Z {client('172.17.0.9', 30000)} => {SECOND}\n"
AGAIN = client("172.17.0.9", 30001)


def thirds(release: str) -> dict[str, Fraction]:
    third = THIRDS[release]
    return {FIRST: third, SECOND: (1 - third) / 2, THIRD: (1 - third) / 2}


def test_a_client_stays_at_its_endpoint_until_the_timeout_and_not_longer(release: str, ask: Asker) -> None:
    assert ask(ONCE, "02:59:59", AGAIN) == {SECOND: 1}
    assert ask(ONCE, "03:00:00", AGAIN) == {SECOND: 1}
    assert ask(ONCE, "03:00:01", AGAIN) == thirds(release)


def test_another_client_goes_anywhere(release: str, ask: Asker) -> None:
    assert ask(ONCE, "00:00:01", client("172.17.0.10", 30000)) == thirds(release)


def test_each_connection_begins_the_timeout_anew(release: str, ask: Asker) -> None:
    twice = f"{ONCE}@2026-01-01T02:00:00Z {AGAIN}\n"
    third = client("172.17.0.9", 30002)
    assert ask(twice, "04:59:59", third) == {SECOND: 1}
    assert ask(twice, "05:00:01", third) == thirds(release)


def test_clients_have_endpoints_of_their_own(ask: Asker) -> None:
    both = f"{ONCE}{client('172.17.0.10', 30000)} => {THIRD}\n"
    assert ask(both, "01:00:00", AGAIN) == {SECOND: 1}
    assert ask(both, "01:00:00", client("172.17.0.10", 30001)) == {THIRD: 1}


def test_a_chain_says_where_it_went_too(release: str, ask: Asker) -> None:
    # kube-proxy.md 1: the hash of default/my-nginx:tcp172.17.0.5:80 up to 1.18, without the colon later
    chain = {"1.11": "KUBE-SEP-BLX3X6UTIG6UGCA2", "1.28": "KUBE-SEP-WPP7ENHN57TFJVOJ"}[release]
    assert ask(ONCE.replace(SECOND, chain), "01:00:00", AGAIN) == {SECOND: 1}


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        (ONCE, ["forward 172.17.0.5:80  1   100.000%"]),
        (ONCE.replace(f" => {SECOND}", ""), ["there are 3 ways", f"say where it went: FLOW => {FIRST}"]),
        (ONCE.replace(SECOND, "172.17.0.7:80"), ["no branch passes 172.17.0.7:80", f"such as {FIRST}"]),
        (ONCE.replace(SECOND, ""), ["past:1:74: error IPT040: nothing follows =>"]),
    ],
)
def test_the_command_line(iptc_sim: Runner, seed: Path, tmp_path: Path, history: str, expected: list[str]) -> None:
    names = {"service.yaml": SERVICE, "past": history}
    for name, text in names.items():
        (tmp_path / name).write_text(text)
    made = iptc_sim("generate", "kube", tmp_path / "service.yaml", seed / "endpoints.yaml")
    asked = ("odds", "-", "--flow", AGAIN, "--history", tmp_path / "past", "--at", "2026-01-01T03:00:00Z")
    ran = iptc_sim(*asked, stdin=made.out)
    assert (ran.status, bool(ran.out)) == ((0, True) if history == ONCE else (2, False))
    for text in expected:
        assert text in ran.out + ran.err
