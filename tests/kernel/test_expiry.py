"""When connections are forgotten, and --ctexpire: the kernel with short timeouts beside the simulator's clock."""

from __future__ import annotations

import time

import pytest

from iptc_sim.connection import Flow
from iptc_sim.engine import Session
from iptc_sim.kernel import Lab
from iptc_sim.node import Node
from iptc_sim.packet import Packet
from iptc_sim.steps import RuleStep
from iptc_sim.syntax import parse
from tests.kernel.history import run
from tests.kernel.scenario import ROUTER, ROUTER_ROUTES, ping, tcp, udp

pytestmark = pytest.mark.kernel

TIMEOUTS = {
    "icmp_timeout": 1,
    "udp_timeout": 1,
    "udp_timeout_stream": 4,
    "tcp_timeout_syn_sent": 1,
    "tcp_timeout_syn_recv": 2,
    "tcp_timeout_established": 4,
    "generic_timeout": 2,
}
RULES = """\
*mangle
-A PREROUTING -m conntrack --ctstate NEW
-A PREROUTING -m conntrack --ctstate ESTABLISHED
-A PREROUTING -m conntrack --ctstate ESTABLISHED -m conntrack --ctexpire 3:4
-A PREROUTING -m conntrack --ctstate ESTABLISHED -m conntrack ! --ctexpire 5
COMMIT
"""
CLIENT, SERVER = ("10.0.0.5:33000", "198.51.100.7:53"), ("198.51.100.7:53", "10.0.0.5:33000")
ASK, ANSWER = udp(*CLIENT, "eth1"), udp(*SERVER, "eth0")
SYN, SYN_ACK, ACK = tcp(*CLIENT, "eth1"), tcp(*SERVER, "eth0", "SYN", "ACK"), tcp(*CLIENT, "eth1", "ACK")
PING = ping("10.0.0.5", "198.51.100.7", "eth1")
CASES = {
    "udp, asked again in time and late": [(ASK, 0.4), (ASK, 0.4), (ASK, 1.3), (ASK, 0)],
    "udp, answered at once is no stream": [(ASK, 0), (ANSWER, 0), (ASK, 1.4), (ASK, 0)],
    "udp, a stream lasts": [(ASK, 0), (ANSWER, 0.8), (ASK, 0.8), (ASK, 0.8), (ASK, 2), (ASK, 0)],
    "icmp": [(PING, 0.5), (PING, 1.3), (PING, 0)],
    "tcp, nobody answers": [(SYN, 0.5), (SYN, 1.4), (SYN, 0)],
    "tcp, answered and left alone": [(SYN, 0), (SYN_ACK, 1.4), (SYN_ACK, 2.4), (SYN_ACK, 0)],
    "tcp, established": [(SYN, 0), (SYN_ACK, 0), (ACK, 2.4), (ACK, 4.4), (ACK, 0)],
}


@pytest.mark.parametrize("case", CASES)
def test_connections_are_forgotten(case: str) -> None:
    sysctls = {f"net/netfilter/nf_conntrack_{name}": str(value) for name, value in TIMEOUTS.items()}
    node = Node.of({name: list(texts) for name, texts in ROUTER.items()}, ROUTER_ROUTES, sysctls=sysctls)
    session, begun = Session(parse(RULES), node, now=1000.0), time.monotonic()
    with Lab(ROUTER, ROUTER_ROUTES) as lab:
        for name, value in sysctls.items():
            run(lab, "sysctl", "-qw", f"{name.replace('/', '.')}={value}")
        lab.load(RULES)
        for number, (packet, pause) in enumerate(CASES[case]):
            kernel = [hit.number for hit in lab.inject(packet, conntrack=False).rules()]
            session.at(1000.0 + time.monotonic() - begun)
            assert _simulated(session, packet) == kernel, f"packet {number}"
            time.sleep(pause)


def _simulated(session: Session, packet: Packet) -> list[int]:
    trace = session.send(Flow(packet))
    session.settle(trace.end)
    return [step.number for step in trace.steps(trace.end) if isinstance(step, RuleStep) and step.matched]
