"""``sessionAffinity: ClientIP`` in the kernel: our rules keep clients at their endpoints as long as we say, not longer."""

from __future__ import annotations

import time

import pytest

from iptc_sim.api import trace
from iptc_sim.connection import Earlier, Flow
from iptc_sim.kernel import Lab
from iptc_sim.kube import Settings, compile_services
from iptc_sim.packet import Packet
from iptc_sim.syntax.write import write_save
from tests.kernel.scenario import tcp
from tests.kube.builders import cluster, endpoints, service

pytestmark = pytest.mark.kernel

SECONDS = 3
#: So many that some will change their endpoint once they are free to: one that doesn't has a chance of 1/3.
CLIENTS = 10

STICKY = cluster(
    service(
        "{clusterIP: 10.97.126.137, ports: [{port: 80}], sessionAffinity: ClientIP, "
        f"sessionAffinityConfig: {{clientIP: {{timeoutSeconds: {SECONDS}}}}}}}"
    ),
    endpoints("172.17.0.4", "172.17.0.5", "172.17.0.6"),
)


def connection(client: int, number: int) -> Packet:
    return tcp(f"192.0.2.{100 + client}:{33000 + number}", "10.97.126.137:80", "eth0")


def test_clients_stay_until_the_timeout(variant: str) -> None:
    rules = compile_services(STICKY, Settings())
    with Lab({"eth0": ["192.0.2.1/24"], "docker0": ["172.17.0.1/16"]}) as lab:
        lab.load(write_save(rules), variant=variant)
        history: list[list[Earlier]] = [[] for _ in range(CLIENTS)]

        def connect(number: int) -> list[str]:
            found = []
            for client in range(CLIENTS):
                packet = connection(client, number)
                now = time.time()
                arrival = lab.inject(packet, conntrack=False).arrival
                assert arrival is not None
                went = arrival.packet.destination_text
                ways = trace(rules, Flow(packet), now=now, history=history[client]).ends
                assert went in {end.packet.destination_text for end in ways}
                history[client].append(Earlier(Flow(packet), now, went))
                found.append(went)
            return found

        first = connect(0)
        assert len(set(first)) > 1
        assert connect(1) == first
        time.sleep(1)
        assert connect(2) == first
        time.sleep(SECONDS + 1)
        assert connect(3) != first
