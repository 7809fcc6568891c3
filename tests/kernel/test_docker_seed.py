"""The docker question of the seed: who is served by the DNAT rule for 127.0.0.2:8080? The kernel answers."""

from __future__ import annotations

import socket
from collections.abc import Callable
from ipaddress import ip_address

import pytest

from iptc_sim.kernel import Hit, KernelTrace
from tests.kernel.scenario import Scenario
from tests.kernel.scenarios import (
    DOCKER_CONTAINER,
    DOCKER_LOCAL,
    DOCKER_OUTSIDE,
    DOCKER_WITHOUT_EXCEPTION,
)

pytestmark = pytest.mark.kernel

Ask = Callable[[Scenario], KernelTrace]

_NAT_OUTPUT_POLICY = Hit("nat", "OUTPUT", "policy", "ACCEPT")


def test_a_local_connection_is_not_translated(ask: Ask) -> None:
    seen = ask(DOCKER_LOCAL)
    # `! -d 127.0.0.0/8` fails, so no rule at all matches: the policy is the only thing that is hit.
    assert [hit for hit in seen.hits if hit.chain == "OUTPUT"] == [_NAT_OUTPUT_POLICY], seen
    assert not seen.entered("DOCKER"), seen
    by_lo = seen.walks[-1]
    assert (by_lo.entry.in_interface, str(by_lo.entry.destination), by_lo.entry.dport) == (
        "lo",
        "127.0.0.2",
        8080,
    )
    assert seen.arrivals == ()
    assert seen.entry is None  # nobody listens: the RST has ended the connection at once


def test_a_real_local_client_is_served_by_whoever_listens_on_the_address(variant: str) -> None:
    """As docker-proxy does: the connection goes through without any translation."""

    def connect() -> str:
        with socket.create_server(("127.0.0.2", 8080)) as server:
            server.settimeout(5)
            with socket.create_connection(("127.0.0.2", 8080), timeout=5) as client:
                accepted, _ = server.accept()
                accepted.close()
                return str(client.getpeername()[0])

    with DOCKER_LOCAL.lab() as lab:
        lab.load(DOCKER_LOCAL.rules, variant=variant)
        seen = lab.watch(connect)
        assert not any(hit.target_chain == "DOCKER" for hit in seen.hits), seen
        first = seen.walks[0]
        assert _NAT_OUTPUT_POLICY in first.hits
        assert (str(first.entry.source), set(first.entry.flags)) == ("127.0.0.1", {"SYN"})
        (entry,) = lab.connections()
        assert entry.reply == entry.original.inverted
        assert "ASSURED" in entry.flags


def test_a_packet_from_outside_is_translated(ask: Ask) -> None:
    seen = ask(DOCKER_OUTSIDE)
    assert [(hit.chain, hit.number, hit.verdict, hit.target_chain) for hit in seen.rules()] == [
        ("PREROUTING", 1, "JUMP", "DOCKER"),
        ("DOCKER", 1, "ACCEPT", None),
    ], seen
    assert seen.arrival is not None
    left = seen.arrival.packet
    assert (seen.arrival.interface, str(left.destination), left.dport) == ("docker0", "172.17.0.7", 80)
    assert (str(left.source), left.sport) == ("192.0.2.1", 33000)
    assert seen.entry is not None
    assert (seen.entry.reply.source, seen.entry.reply.sport) == (ip_address("172.17.0.7"), 80)


def test_its_reply_comes_from_the_address_that_was_asked(variant: str) -> None:
    with DOCKER_OUTSIDE.lab() as lab:
        lab.load(DOCKER_OUTSIDE.rules, variant=variant)
        there = lab.inject(DOCKER_OUTSIDE.packet).arrival
        assert there is not None
        back = lab.answer(there)
        assert back.path == ()  # nat is not walked again
        assert back.arrival is not None
        packet = back.arrival.packet
        assert (back.arrival.interface, str(packet.source), packet.sport) == ("eth0", "127.0.0.2", 8080)


def test_a_packet_from_a_container_is_not_translated(ask: Ask) -> None:
    seen = ask(DOCKER_CONTAINER)
    assert seen.entered("DOCKER"), seen
    # `! -i docker0` fails: the one rule in DOCKER does not match, and the chain ends.
    assert not any(hit.chain == "DOCKER" for hit in seen.hits), seen
    assert seen.reached("nat", "PREROUTING", "ACCEPT")
    assert seen.arrivals == ()


def test_without_the_exception_a_local_packet_is_lost_in_nat(ask: Ask) -> None:
    """DNAT matches, then the route from 127.0.0.1 by docker0 cannot be had; filter/OUTPUT is never walked."""
    seen = ask(DOCKER_WITHOUT_EXCEPTION)
    assert [hit.chain for hit in seen.rules("nat")] == ["OUTPUT", "DOCKER"], seen
    assert seen.path == ("nat:OUTPUT",)
    assert seen.error == "EINVAL"
    assert seen.arrivals == ()
