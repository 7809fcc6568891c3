"""What the reference states about releases, line by line: each row is one question, and the answer from a release on.

Chains of the Service default/web are written SVC, SVL, EXT, FW and XLB; SEP:ADDRESS:PORT is that endpoint's. Answers
were written from kube-proxy.md, sections 2 to 4; ``covers`` names section and field of each change that a row proves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.kube.builders import endpoint_slice, service

PORT = "{name: http, port: 80}"
NODE_PORT = "{name: http, port: 80, nodePort: 30080}"
SLICE_PORTS = "[{name: http, port: 8080}]"
BALANCER = "{loadBalancer: {ingress: [{ip: 1.2.3.4}]}}"
HERE = "{addresses: [10.0.1.1], nodeName: here}"
THERE = "{addresses: [10.0.2.2], nodeName: there}"


def ports(*found: str) -> str:
    return endpoint_slice(*found, ports=SLICE_PORTS)


BOTH = ports(HERE, THERE)
ONE = ports(HERE)
REMOTE = ports(THERE)
CLUSTER_IP = service(f"{{clusterIP: 10.96.0.9, ports: [{PORT}]}}")
NODE_PORTS = service(f"{{type: NodePort, clusterIP: 10.96.0.9, ports: [{NODE_PORT}]}}")
LOCAL_BALANCER = (
    "{type: LoadBalancer, externalTrafficPolicy: Local, healthCheckNodePort: 32000, clusterIP: 10.96.0.9, "
    f"ports: [{NODE_PORT}]}}"
)


@dataclass(frozen=True)
class Row:
    """One question.

    Args:
        covers: ``SECTION FIELD`` of the changes that it proves, one or more.
        objects: the cluster.
        answers: what is found from each minor release on.
        chains: rules of these chains are the answer, whole ...
        pick: ... or, if given, what this pattern finds in the text.
        settings: more of them; the node is called ``here``.
        saved: whether the text is that of iptables-save.
    """

    covers: str
    objects: tuple[str, ...]
    answers: dict[int, list[str]]
    chains: tuple[str, ...] = ()
    pick: str = ""
    settings: Mapping[str, object] = field(default_factory=dict)
    saved: bool = False

    @property
    def name(self) -> str:
        return f"{self.covers}, {self.settings}" if self.settings else self.covers


_SNAT = '-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT"'
_ONE_MARK = "-m mark --mark 0x00004000/0x00004000 -j MASQUERADE"
_ACCEPT = (
    '-A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules" -m mark --mark 0x00004000/0x00004000 -j ACCEPT'
)
_INVALID = "-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP"
_KNOWN = "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"
_SOURCE = '-m comment --comment "kubernetes forwarding conntrack pod source rule"'
_DESTINATION = '-m comment --comment "kubernetes forwarding conntrack pod destination rule"'
_ANY = f'-A KUBE-FORWARD -m comment --comment "kubernetes forwarding conntrack rule" {_KNOWN}'
_TWICE = [f"-A KUBE-FORWARD {_SOURCE} {_KNOWN}", f"-A KUBE-FORWARD {_DESTINATION} {_KNOWN}"]
_OF_CIDR = [
    f"-A KUBE-FORWARD -s 10.0.0.0/8 {_SOURCE} {_KNOWN}",
    f"-A KUBE-FORWARD {_DESTINATION} -d 10.0.0.0/8 {_KNOWN}",
]

STATIC = (
    Row(
        "2.5 random_fully; 2.5 postrouting",
        (CLUSTER_IP,),
        {
            11: [f"{_SNAT} {_ONE_MARK}", "-A KUBE-MARK-MASQ -j MARK --set-xmark 0x00004000/0x00004000"],
            16: [f"{_SNAT} {_ONE_MARK} --random-fully", "-A KUBE-MARK-MASQ -j MARK --set-xmark 0x00004000/0x00004000"],
            19: [
                "-A KUBE-POSTROUTING -m mark ! --mark 0x00004000/0x00004000 -j RETURN",
                "-A KUBE-POSTROUTING -j MARK --xor-mark 0x00004000",
                f"{_SNAT} -j MASQUERADE --random-fully",
                "-A KUBE-MARK-MASQ -j MARK --or-mark 0x00004000",
            ],
        },
        ("KUBE-POSTROUTING", "KUBE-MARK-MASQ"),
        settings={"random_fully": True},
    ),
    Row(
        "2.5 invalid_drop; 2.5 forward",
        (CLUSTER_IP,),
        {
            11: [_ACCEPT, *_OF_CIDR],
            15: [_INVALID, _ACCEPT, *_OF_CIDR],
            18: [_INVALID, _ACCEPT, *_TWICE],
            23: [_INVALID, _ACCEPT, _ANY],
        },
        ("KUBE-FORWARD",),
        settings={"cluster_cidr": "10.0.0.0/8"},
    ),
    Row(
        "2.5 forward",
        (CLUSTER_IP,),
        {11: [_ACCEPT], 15: [_INVALID, _ACCEPT], 18: [_INVALID, _ACCEPT, *_TWICE], 23: [_INVALID, _ACCEPT, _ANY]},
        ("KUBE-FORWARD",),
    ),
    Row(
        "2.5 invalid_drop",
        (CLUSTER_IP,),
        {11: [], 15: [_INVALID], 29: []},
        pick="(?m)^.*INVALID.*$",
        settings={"be_liberal": True},
    ),
    Row(
        "2.5 invalid_drop",
        (CLUSTER_IP,),
        {
            11: [],
            15: [_INVALID],
            37: [
                (
                    "-A KUBE-FORWARD -m conntrack --ctstate INVALID -m nfacct --nfacct-name ct_state_invalid_dropped_pkts "
                    "-j DROP"
                )
            ],
        },
        pick="(?m)^.*INVALID.*$",
        settings={"nfacct": True},
    ),
    Row(
        "2.5 filter_chains; 2.5 localnet_firewall",
        (CLUSTER_IP,),
        {
            11: ["KUBE-SERVICES", "KUBE-EXTERNAL-SERVICES", "KUBE-FORWARD"],
            21: ["KUBE-SERVICES", "KUBE-EXTERNAL-SERVICES", "KUBE-FORWARD", "KUBE-NODEPORTS"],
            25: ["KUBE-SERVICES", "KUBE-EXTERNAL-SERVICES", "KUBE-FORWARD", "KUBE-NODEPORTS", "KUBE-PROXY-FIREWALL"],
            27: [
                "KUBE-SERVICES",
                "KUBE-EXTERNAL-SERVICES",
                "KUBE-FORWARD",
                "KUBE-NODEPORTS",
                "KUBE-PROXY-FIREWALL",
                "KUBE-FIREWALL",
            ],
        },
        pick=r"(?m)^:(\S+) (?=[^*]*\*nat)",
    ),
    Row(
        "2.5 localnet_firewall",
        (CLUSTER_IP,),
        {
            11: [],
            27: [
                (
                    '-A KUBE-FIREWALL -m comment --comment "block incoming localnet connections" -d 127.0.0.0/8 '
                    "! -s 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP"
                )
            ],
        },
        ("KUBE-FIREWALL",),
    ),
    Row(
        "2.5 makes_mark_drop",
        (CLUSTER_IP, ONE),
        {11: [], 20: ["KUBE-MARK-DROP"], 25: []},
        pick="(?m)^:(KUBE-MARK-DROP)",
        saved=True,
    ),
)

_SERVICES_IN = "INPUT (N)KUBE-SERVICES"
_EXTERNAL_IN = "INPUT (N)KUBE-EXTERNAL-SERVICES"
_HEALTH = "INPUT KUBE-NODEPORTS"
_FORWARD = "FORWARD KUBE-FORWARD"
_SERVICES_FORWARD = "FORWARD (N)KUBE-SERVICES"
_EXTERNAL_FORWARD = "FORWARD (N)KUBE-EXTERNAL-SERVICES"
_SERVICES_OUT = "OUTPUT (N)KUBE-SERVICES"
_FENCE = "(N)KUBE-PROXY-FIREWALL"

#: Section 2.3: the base chains of the filter table, kube-proxy alone on empty tables.
BASE_CHAINS: dict[int, list[str]] = {
    11: [_EXTERNAL_IN, _FORWARD, _SERVICES_OUT],
    13: [_SERVICES_IN, _EXTERNAL_IN, _FORWARD, _SERVICES_FORWARD, _SERVICES_OUT],
    20: [_EXTERNAL_IN, _FORWARD, _SERVICES_FORWARD, _EXTERNAL_FORWARD, _SERVICES_OUT],
    21: [_HEALTH, _EXTERNAL_IN, _FORWARD, _SERVICES_FORWARD, _EXTERNAL_FORWARD, _SERVICES_OUT],
    25: [
        f"INPUT {_FENCE}",
        _HEALTH,
        _EXTERNAL_IN,
        f"FORWARD {_FENCE}",
        _FORWARD,
        _SERVICES_FORWARD,
        _EXTERNAL_FORWARD,
        f"OUTPUT {_FENCE}",
        _SERVICES_OUT,
    ],
    27: [
        "INPUT KUBE-FIREWALL",
        f"INPUT {_FENCE}",
        _HEALTH,
        _EXTERNAL_IN,
        f"FORWARD {_FENCE}",
        _FORWARD,
        _SERVICES_FORWARD,
        _EXTERNAL_FORWARD,
        "OUTPUT KUBE-FIREWALL",
        f"OUTPUT {_FENCE}",
        _SERVICES_OUT,
    ],
}

_TAIL = (
    "-A KUBE-SERVICES -m comment --comment "
    '"kubernetes service nodeports; NOTE: this must be the last rule in this chain"'
)
_LOCAL_TAIL = f"{_TAIL} -m addrtype --dst-type LOCAL"

NODE = (
    Row(
        "3.9 filters_node_ports",
        (CLUSTER_IP,),
        {11: [], 20: [f"{_LOCAL_TAIL} -j KUBE-NODEPORTS"]},
        pick="(?m)^.*must be the last.*$",
        settings={"nodeport_addresses": ("2001:db8::/32",)},
    ),
    Row(
        "3.9 localhost_flag",
        (CLUSTER_IP,),
        {11: [f"{_LOCAL_TAIL} -j KUBE-NODEPORTS"], 26: [f"{_LOCAL_TAIL} ! -d ::1/128 -j KUBE-NODEPORTS"]},
        pick="(?m)^.*must be the last.*$",
        settings={"family": "ipv6"},
    ),
    Row(
        "3.9 localhost_flag",
        (CLUSTER_IP,),
        {11: [f"{_TAIL} -d ::1/128 -j KUBE-NODEPORTS"], 23: [f"{_TAIL} -d ::1 -j KUBE-NODEPORTS"], 26: []},
        pick="(?m)^.*must be the last.*$",
        settings={"family": "ipv6", "nodeport_addresses": ("::1/128",)},
    ),
    Row(
        "3.1 counts_localhost",
        (NODE_PORTS, ONE),
        {
            24: ["-A KUBE-NODEPORTS -m comment --comment default/web:http -m tcp -p tcp --dport 30080 -j EXT"],
            37: [
                (
                    "-A KUBE-NODEPORTS -m comment --comment default/web:http -m tcp -p tcp -d 127.0.0.0/8 --dport 30080 "
                    "-m nfacct --nfacct-name localhost_nps_accepted_pkts -j EXT"
                ),
                "-A KUBE-NODEPORTS -m comment --comment default/web:http -m tcp -p tcp --dport 30080 -j EXT",
            ],
        },
        ("KUBE-NODEPORTS",),
        settings={"nfacct": True},
    ),
    # An address range that no address of the node is in. 1.20-1.22 skip all that follows for the service port, 1.24-1.26
    # the node port's rules, and 1.27 on nothing. Nothing is stated about 1.23: taken as 1.22, its endpoints stand first.
    Row(
        "3.4 unserved; 3.2 unserved; 3.1 unserved",
        (service(LOCAL_BALANCER), ONE),
        {
            11: ["30080", "30080", "10.0.1.1:8080"],
            20: [],
            23: ["10.0.1.1:8080"],
            24: ["32000", "10.0.1.1:8080"],
            27: ["32000", "30080", "10.0.1.1:8080"],
        },
        pick=r"(?:--dport (30080|32000)|--to-destination (\S+))",
        settings={"nodeport_addresses": ("192.0.2.0/24",)},
    ),
)

_XLB_BALANCER = [
    (
        '-A XLB -m comment --comment "Redirect pods trying to reach external loadbalancer VIP to clusterIP" '
        "-s 10.0.0.0/8 -j SVC"
    )
]
_XLB_OWN = [
    (
        '-A XLB -m comment --comment "masquerade LOCAL traffic for default/web:http LB IP" '
        "-m addrtype --src-type LOCAL -j KUBE-MARK-MASQ"
    ),
    (
        '-A XLB -m comment --comment "route LOCAL traffic for default/web:http LB IP to service chain" '
        "-m addrtype --src-type LOCAL -j SVC"
    ),
]
_XLB_DROP = ['-A XLB -m comment --comment "default/web:http has no local endpoints" -j KUBE-MARK-DROP']
_XLB_RECENT = [
    (
        "-A XLB -m comment --comment default/web:http -m recent --name SEP:10.0.1.1:8080 --rcheck --seconds 10800 --reap "
        "-j SEP:10.0.1.1:8080"
    )
]
_NO_LOCAL = '-A SVL -m comment --comment "default/web:http has no local endpoints" -j KUBE-MARK-DROP'
_EXT_OWN = '-A EXT -m comment --comment "{} LOCAL traffic for default/web:http external destinations" '
_EXT_LOCAL = [
    '-A EXT -m comment --comment "pod traffic for default/web:http external destinations" -s 10.0.0.0/8 -j SVC',
    f"{_EXT_OWN.format('masquerade')}-m addrtype --src-type LOCAL -j KUBE-MARK-MASQ",
    f"{_EXT_OWN.format('route')}-m addrtype --src-type LOCAL -j SVC",
]
_STICKY = LOCAL_BALANCER.replace("type:", "sessionAffinity: ClientIP, type:")
_DETECTED = {"cluster_cidr": "10.0.0.0/8"}

LOCAL = (
    Row(
        "3.7 local_source_rules; 3.3 balancing_number; 3.2 era",
        (service(_STICKY, status=BALANCER), BOTH),
        {
            11: [
                *_XLB_BALANCER,
                *_XLB_RECENT,
                '-A XLB -m comment --comment "Balancing rule 0 for default/web:http" -j SEP:10.0.1.1:8080',
            ],
            15: [
                *_XLB_BALANCER,
                *_XLB_OWN,
                *_XLB_RECENT,
                '-A XLB -m comment --comment "Balancing rule 0 for default/web:http" -j SEP:10.0.1.1:8080',
            ],
            23: [
                *_XLB_BALANCER,
                *_XLB_OWN,
                *_XLB_RECENT,
                "-A XLB -m comment --comment default/web:http -j SEP:10.0.1.1:8080",
            ],
            24: [],
        },
        ("KUBE-XLB",),
        settings=_DETECTED,
    ),
    Row(
        "3.7 local_source_rules; 3.2 era",
        (service(LOCAL_BALANCER, status=BALANCER), REMOTE),
        {
            11: [*_XLB_BALANCER, *_XLB_DROP],
            15: [*_XLB_BALANCER, *_XLB_OWN, *_XLB_DROP],
            24: [_NO_LOCAL, *_EXT_LOCAL, "-A EXT -j SVL"],
            25: _EXT_LOCAL,
        },
        ("KUBE-XLB", "KUBE-EXT-", "KUBE-SVL"),
        settings=_DETECTED,
    ),
    Row(
        "3.2 refuses_unlocal",
        (service(LOCAL_BALANCER, status=BALANCER), REMOTE),
        {
            11: [],
            25: [
                (
                    '-A KUBE-EXTERNAL-SERVICES -m comment --comment "default/web:http has no local endpoints" '
                    "-m tcp -p tcp -d 1.2.3.4 --dport 80 -j DROP"
                ),
                (
                    '-A KUBE-EXTERNAL-SERVICES -m comment --comment "default/web:http has no local endpoints" '
                    "-m addrtype --dst-type LOCAL -m tcp -p tcp --dport 30080 -j DROP"
                ),
            ],
        },
        ("KUBE-EXTERNAL-SERVICES",),
    ),
    # The chain is there without any endpoint, empty.
    Row(
        "3.2 era",
        (service(LOCAL_BALANCER, status=BALANCER),),
        {11: ["KUBE-XLB"], 24: []},
        pick="(?m)^:(KUBE-XLB|KUBE-SV.|KUBE-EXT)-",
    ),
    Row(
        "3.5 health_check",
        (service(LOCAL_BALANCER, status=BALANCER), ONE),
        {
            11: [],
            21: [
                (
                    '-A KUBE-NODEPORTS -m comment --comment "default/web:http health check node port" -m tcp -p tcp '
                    "--dport 32000 -j ACCEPT"
                )
            ],
        },
        pick="(?m)^.*health check node port.*$",
    ),
    Row(
        "3.5 health_check",
        (service(LOCAL_BALANCER, status=BALANCER),),
        {11: [], 21: ["32000"]},
        pick="(?m)^.*health check node port.*--dport (32000)",
    ),
)
