"""The whole text that kube-proxy's own test of 1.17 expects for a Service with three endpoints (TestEndpointSliceE2E)."""

from __future__ import annotations

import re

from iptc_sim.kube import Settings, restore_text
from tests.kube.builders import cluster, endpoints, service

#: By our names; the test's protocol, mark and endpoint chains are empty texts, and its probabilities have five digits.
EXPECTED = """\
*filter
:KUBE-SERVICES - [0:0]
:KUBE-EXTERNAL-SERVICES - [0:0]
:KUBE-FORWARD - [0:0]
-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP
-A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules" -m mark --mark 0x00004000/0x00004000 -j ACCEPT
-A KUBE-FORWARD -s 10.0.0.0/24 -m comment --comment "kubernetes forwarding conntrack pod source rule" \
-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A KUBE-FORWARD -m comment --comment "kubernetes forwarding conntrack pod destination rule" -d 10.0.0.0/24 \
-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
COMMIT
*nat
:KUBE-SERVICES - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-POSTROUTING - [0:0]
:KUBE-MARK-MASQ - [0:0]
:S - [0:0]
:E1 - [0:0]
:E2 - [0:0]
:E3 - [0:0]
-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" \
-m mark --mark 0x00004000/0x00004000 -j MASQUERADE
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x00004000/0x00004000
-A KUBE-SERVICES -m comment --comment "ns1/svc1: cluster IP" -m tcp -p tcp -d 172.20.1.1/32 --dport 80 \
! -s 10.0.0.0/24 -j KUBE-MARK-MASQ
-A KUBE-SERVICES -m comment --comment "ns1/svc1: cluster IP" -m tcp -p tcp -d 172.20.1.1/32 --dport 80 -j S
-A S -m statistic --mode random --probability 0.3333333333 -j E1
-A E1 -s 10.0.1.1/32 -j KUBE-MARK-MASQ
-A E1 -m tcp -p tcp -j DNAT --to-destination 10.0.1.1:80
-A S -m statistic --mode random --probability 0.5000000000 -j E2
-A E2 -s 10.0.1.2/32 -j KUBE-MARK-MASQ
-A E2 -m tcp -p tcp -j DNAT --to-destination 10.0.1.2:80
-A S -j E3
-A E3 -s 10.0.1.3/32 -j KUBE-MARK-MASQ
-A E3 -m tcp -p tcp -j DNAT --to-destination 10.0.1.3:80
-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain" \
-m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
COMMIT
"""


def test_the_whole_text_of_a_service_with_three_endpoints() -> None:
    found = cluster(
        service("{clusterIP: 172.20.1.1, ports: [{port: 80}]}", "svc1", "namespace: ns1"),
        endpoints("10.0.1.1", "10.0.1.2", "10.0.1.3", name="svc1", port="{port: 80}").replace(
            "metadata: {", "metadata: {namespace: ns1, "
        ),
    )
    text = restore_text(found, Settings(release="1.17", cluster_cidr="10.0.0.0/24"))
    text = re.sub(r"KUBE-SVC-\w{16}", "S", text)
    for place, chain in enumerate(dict.fromkeys(re.findall(r"KUBE-SEP-\w{16}", text)), 1):
        text = text.replace(chain, f"E{place}")
    assert text == EXPECTED
