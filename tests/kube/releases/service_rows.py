"""More rows: how Services are dispatched, balanced and fenced."""

from __future__ import annotations

from tests.kube.builders import endpoint_slice, service
from tests.kube.releases.rows import (
    BALANCER,
    BOTH,
    CLUSTER_IP,
    HERE,
    LOCAL_BALANCER,
    NODE_PORT,
    NODE_PORTS,
    ONE,
    PORT,
    SLICE_PORTS,
    Row,
    ports,
)

_DETECTED = {"cluster_cidr": "10.0.0.0/8"}
_TWO = ports("{addresses: [10.0.1.1]}", "{addresses: [10.0.2.2]}")
_A, _B = "SEP:10.0.1.1:8080", "SEP:10.0.2.2:8080"


def _old_endpoint_rules(chance: str, comment: str, host: str) -> list[str]:
    name = f"{comment} " if comment else ""
    return [
        f"-A SVC {name}-m statistic --mode random --probability {chance} -j {_A}",
        f"-A {_A} {name}-s 10.0.1.1{host} -j KUBE-MARK-MASQ",
        f"-A {_A} {name}-m tcp -p tcp -j DNAT --to-destination 10.0.1.1:8080",
        f"-A SVC {name}-j {_B}",
        f"-A {_B} {name}-s 10.0.2.2{host} -j KUBE-MARK-MASQ",
        f"-A {_B} {name}-m tcp -p tcp -j DNAT --to-destination 10.0.2.2:8080",
    ]


_NAME = "-m comment --comment default/web:http"


def _seps(host: str) -> list[str]:
    return [
        f"-A {_A} {_NAME} -s 10.0.1.1{host} -j KUBE-MARK-MASQ",
        f"-A {_A} {_NAME} -m tcp -p tcp -j DNAT --to-destination 10.0.1.1:8080",
        f"-A {_B} {_NAME} -s 10.0.2.2{host} -j KUBE-MARK-MASQ",
        f"-A {_B} {_NAME} -m tcp -p tcp -j DNAT --to-destination 10.0.2.2:8080",
    ]


_SVC = [f"-A SVC {_NAME} -m statistic --mode random --probability 0.5000000000 -j {_A}", f"-A SVC {_NAME} -j {_B}"]
_SVC_WITH_ENDPOINTS = [
    (
        '-A SVC -m comment --comment "default/web:http -> 10.0.1.1:8080" '
        f"-m statistic --mode random --probability 0.5000000000 -j {_A}"
    ),
    f'-A SVC -m comment --comment "default/web:http -> 10.0.2.2:8080" -j {_B}',
]

_FENCED = (
    "{type: LoadBalancer, clusterIP: 10.96.0.9, loadBalancerSourceRanges: ['192.0.2.0/24', '203.0.113.9/28 '], "
    f"ports: [{PORT}]}}"
)
_TWO_ADDRESSES = "{loadBalancer: {ingress: [{ip: 1.2.3.4}, {ip: 5.6.7.8}]}}"
_FW = '-A FW -m comment --comment "default/web:http loadbalancer IP"'


def _marking_fence(range_text: str, mask: str) -> list[str]:
    return [
        rule
        for address in ("1.2.3.4", "5.6.7.8")
        for rule in (
            f"{_FW} -j KUBE-MARK-MASQ",
            f"{_FW} -s 192.0.2.0/24 -j SVC",
            f"{_FW} -s {range_text} -j SVC",
            f"{_FW} -s {address}{mask} -j SVC",
            f"{_FW} -j KUBE-MARK-DROP",
        )
    ]


def _filter_fence(range_text: str) -> list[str]:
    return [f"{_FW} -s {source} -j EXT" for source in ("192.0.2.0/24", range_text, "1.2.3.4", "5.6.7.8")]


_REMARK = '-A FW -m comment --comment "other traffic to default/web:http will be dropped by KUBE-PROXY-FIREWALL"'
_BALANCER_REFUSED = (
    '-m comment --comment "default/web:http has no endpoints" -m tcp -p tcp -d 1.2.3.4{} --dport 80 -j REJECT'
)

_OUTSIDE = service(f"{{clusterIP: 10.96.0.9, externalIPs: [198.51.100.7], ports: [{PORT}]}}")
_OUTSIDE_LOCAL = service(
    "{type: NodePort, externalTrafficPolicy: Local, clusterIP: 10.96.0.9, externalIPs: [198.51.100.7], "
    f"ports: [{NODE_PORT}]}}"
)
_OUTSIDE_CLUSTER_IP_LOCAL = service(
    f"{{externalTrafficPolicy: Local, clusterIP: 10.96.0.9, externalIPs: [198.51.100.7], ports: [{PORT}]}}"
)


def _external(mask: str) -> str:
    comment = '-m comment --comment "default/web:http external IP"'
    return f"{comment} -m tcp -p tcp -d 198.51.100.7{mask} --dport 80"


def _by_source(chain: str) -> list[str]:
    return [
        f"-A KUBE-SERVICES {_external('/32')} -m physdev ! --physdev-is-in -m addrtype ! --src-type LOCAL -j {chain}",
        f"-A KUBE-SERVICES {_external('/32')} -m addrtype --dst-type LOCAL -j {chain}",
    ]


def _cluster(mask: str) -> str:
    return f'-m comment --comment "default/web:http cluster IP" -m tcp -p tcp -d 10.96.0.9{mask} --dport 80'


_NOT_PODS = "! -s 10.0.0.0/8 -j KUBE-MARK-MASQ"
_TO_NODE_PORT = "-m comment --comment default/web:http -m tcp -p tcp --dport 30080"
_EXT = '-A EXT -m comment --comment "masquerade traffic for default/web:http external destinations" -j KUBE-MARK-MASQ'

SERVICES = (
    Row(
        "1 always_colon",
        (service("{clusterIP: 10.96.0.9, ports: [{port: 80}]}"), endpoint_slice(HERE)),
        {
            11: ["default/web:BIJGBSD4RZCCZX5R"],
            19: ["default/webLOLE4ISW44XBNF3G"],
        },
        pick=r'"(\S+) cluster IP".* -j KUBE-SVC-(\w+)',
    ),
    Row(
        "3.6 endpoint_comment; 3.8 probability_digits; 3 host_masks; 3.1 endpoint_comment; 3.3 order; 3.2 order",
        (CLUSTER_IP, _TWO),
        {
            11: _old_endpoint_rules("0.50000", _NAME, "/32"),
            12: _old_endpoint_rules("0.50000", "", "/32"),
            17: _old_endpoint_rules("0.5000000000", "", "/32"),
            18: _old_endpoint_rules("0.5000000000", _NAME, "/32"),
            22: [*_SVC, *_seps("/32")],
            23: [*_seps(""), *_SVC],
            24: [*_seps(""), *_SVC_WITH_ENDPOINTS],
            25: [*_SVC_WITH_ENDPOINTS, *_seps("")],
        },
        ("KUBE-SVC", "KUBE-SEP"),
    ),
    # Which chains a balancer's Service has, in the order of their lines.
    Row(
        "3.3 order; 3.2 order; 3.2 era",
        (service(LOCAL_BALANCER, status=BALANCER), ONE),
        {
            11: ["SVC", "XLB", "FW", "SEP"],
            23: ["SEP", "SVC", "XLB", "FW"],
            24: ["SEP", "SVC", "SVL", "EXT"],
            25: ["EXT", "SVC", "SVL", "SEP"],
        },
        pick="(?m)^:(?:KUBE-(SVC|XLB|SVL|FW|EXT)-.*|(SEP):.*) -",
    ),
    Row(
        "3 ranges; 3.2 fence; 3.1 fence_remark; 3.2 era",
        (service(_FENCED, status=_TWO_ADDRESSES), ONE),
        {
            11: _marking_fence("203.0.113.9/28 ", "/32"),
            20: _marking_fence("203.0.113.9/28", "/32"),
            23: _marking_fence("203.0.113.9/28", ""),
            24: [
                rule
                for address in ("1.2.3.4", "5.6.7.8")
                for rule in (
                    f"{_FW} -s 192.0.2.0/24 -j EXT",
                    f"{_FW} -s 203.0.113.9/28 -j EXT",
                    f"{_FW} -s {address} -j EXT",
                    f"{_FW} -j KUBE-MARK-DROP",
                )
            ],
            25: _filter_fence("203.0.113.9/28"),
            27: [*_filter_fence("203.0.113.9/28"), _REMARK],
            30: [*_filter_fence("203.0.113.0/28"), _REMARK],
        },
        ("KUBE-FW",),
        settings={"node_ip": ("192.0.2.10",)},
    ),
    Row(
        "3.2 fence",
        (service(_FENCED, status=BALANCER), ONE),
        {
            11: [],
            25: [
                (
                    '-A KUBE-PROXY-FIREWALL -m comment --comment "default/web:http traffic not accepted by FW" '
                    "-m tcp -p tcp -d 1.2.3.4 --dport 80 -j DROP"
                )
            ],
        },
        ("KUBE-PROXY-FIREWALL",),
    ),
    # Without ranges the chain is there up to 1.23 all the same.
    Row(
        "3.2 era",
        (
            service(
                _FENCED.replace("loadBalancerSourceRanges: ['192.0.2.0/24', '203.0.113.9/28 '], ", ""), status=BALANCER
            ),
            ONE,
        ),
        {
            11: [f"{_FW} -j KUBE-MARK-MASQ", f"{_FW} -j SVC", f"{_FW} -j KUBE-MARK-DROP"],
            24: [_EXT, "-A EXT -j SVC"],
        },
        ("KUBE-FW", "KUBE-EXT-"),
    ),
    Row(
        "3.7 balancer_refusal; 3.5 balancer_refusal; 3 host_masks",
        (service(_FENCED, status=BALANCER),),
        {
            11: [],
            14: [f"-A KUBE-SERVICES {_BALANCER_REFUSED.format('/32')}"],
            20: [f"-A KUBE-EXTERNAL-SERVICES {_BALANCER_REFUSED.format('/32')}"],
            23: [f"-A KUBE-EXTERNAL-SERVICES {_BALANCER_REFUSED.format('')}"],
        },
        pick=r"(?m)^.*1\.2\.3\.4.*$",
    ),
    Row(
        "3.4 external_ip; 3.3 masquerades_in_service; 3 host_masks; 3.2 era",
        (_OUTSIDE, ONE),
        {
            11: [f"-A KUBE-SERVICES {_external('/32')} -j KUBE-MARK-MASQ", *_by_source("SVC")],
            21: [
                f"-A KUBE-SERVICES {_external('/32')} {_NOT_PODS}",
                f"-A KUBE-SERVICES {_external('/32')} -j SVC",
            ],
            22: [f"-A SVC {_external('/32')} {_NOT_PODS}", f"-A KUBE-SERVICES {_external('/32')} -j SVC"],
            23: [f"-A SVC {_external('')} {_NOT_PODS}", f"-A KUBE-SERVICES {_external('')} -j SVC"],
            24: [f"-A KUBE-SERVICES {_external('')} -j EXT"],
        },
        pick="(?m)^.*external IP.*$",
        settings=_DETECTED,
    ),
    Row(
        "3.4 external_ip",
        (_OUTSIDE, ONE),
        {
            11: [f"-A KUBE-SERVICES {_external('/32')} -j KUBE-MARK-MASQ", *_by_source("SVC")],
            21: [
                f"-A KUBE-SERVICES {_external('/32')} -j KUBE-MARK-MASQ",
                f"-A KUBE-SERVICES {_external('/32')} -j SVC",
            ],
            22: [f"-A SVC {_external('/32')} -j KUBE-MARK-MASQ", f"-A KUBE-SERVICES {_external('/32')} -j SVC"],
            23: [f"-A SVC {_external('')} -j KUBE-MARK-MASQ", f"-A KUBE-SERVICES {_external('')} -j SVC"],
            24: [f"-A KUBE-SERVICES {_external('')} -j EXT"],
        },
        pick="(?m)^.*external IP.*$",
    ),
    Row(
        "3.5 external_ip_policy; 3.4 external_ip",
        (_OUTSIDE_LOCAL, ONE),
        {
            11: [f"-A KUBE-SERVICES {_external('/32')} -j KUBE-MARK-MASQ", *_by_source("SVC")],
            20: _by_source("XLB"),
            21: [f"-A KUBE-SERVICES {_external('/32')} -j XLB"],
            23: [f"-A KUBE-SERVICES {_external('')} -j XLB"],
            24: [f"-A KUBE-SERVICES {_external('')} -j EXT"],
        },
        pick="(?m)^.*external IP.*$",
        settings=_DETECTED,
    ),
    Row(
        "3.3 masquerades_in_service; 3 host_masks",
        (NODE_PORTS, ONE),
        {
            11: [
                f"-A KUBE-SERVICES {_cluster('/32')} {_NOT_PODS}",
                f"-A KUBE-SERVICES {_cluster('/32')} -j SVC",
                f"-A KUBE-NODEPORTS {_TO_NODE_PORT} -j KUBE-MARK-MASQ",
                f"-A KUBE-NODEPORTS {_TO_NODE_PORT} -j SVC",
            ],
            22: [
                f"-A SVC {_cluster('/32')} {_NOT_PODS}",
                f"-A KUBE-SERVICES {_cluster('/32')} -j SVC",
                f"-A SVC {_TO_NODE_PORT} -j KUBE-MARK-MASQ",
                f"-A KUBE-NODEPORTS {_TO_NODE_PORT} -j SVC",
            ],
            23: [
                f"-A SVC {_cluster('')} {_NOT_PODS}",
                f"-A KUBE-SERVICES {_cluster('')} -j SVC",
                f"-A SVC {_TO_NODE_PORT} -j KUBE-MARK-MASQ",
                f"-A KUBE-NODEPORTS {_TO_NODE_PORT} -j SVC",
            ],
            24: [
                f"-A KUBE-SERVICES {_cluster('')} -j SVC",
                f"-A KUBE-NODEPORTS {_TO_NODE_PORT} -j EXT",
                f"-A SVC {_cluster('')} {_NOT_PODS}",
            ],
        },
        pick="(?m)^.*(?:cluster IP|--dport 30080).*$",
        settings=_DETECTED,
    ),
    # The Local policy marks the node's own packets from loopback only.
    Row(
        "3.2 era",
        (_OUTSIDE_LOCAL, ONE),
        {
            11: [
                f"-A KUBE-NODEPORTS {_TO_NODE_PORT} -s 127.0.0.0/8 -j KUBE-MARK-MASQ",
                f"-A KUBE-NODEPORTS {_TO_NODE_PORT} -j XLB",
            ],
            24: [f"-A KUBE-NODEPORTS {_TO_NODE_PORT} -j EXT"],
        },
        pick="(?m)^.*--dport 30080.*$",
    ),
    Row(
        "4.1 cluster_ip_policy",
        (_OUTSIDE_CLUSTER_IP_LOCAL, BOTH),
        {11: [], 29: ["-A EXT -j SVL"]},
        pick="(?m)^.*(?:-j KUBE-XLB|KUBE-EXT-.* -j KUBE-SVL).*$",
    ),
    Row(
        "3.10 honours_ip_mode",
        (service(_FENCED, status="{loadBalancer: {ingress: [{ip: 1.2.3.4, ipMode: Proxy}, {ip: 5.6.7.8}]}}"), ONE),
        {11: ["1.2.3.4", "5.6.7.8"], 30: ["5.6.7.8"]},
        pick=r"loadbalancer IP.* -d ([\d.]+)",
    ),
    Row(
        "3 ranges",
        (
            service("{clusterIP: 'fd00:0:0::9', externalIPs: ['FD00::0:7'], ports: [{name: http, port: 80}]}"),
            endpoint_slice("{addresses: ['fd00:1::5']}", ports=SLICE_PORTS, family="IPv6"),
        ),
        {23: ["fd00:0:0::9", "FD00::0:7"], 30: ["fd00::9", "fd00::7"]},
        pick=r"(?m)^-A KUBE-SERVICES.* -d (\S+)",
        settings={"family": "ipv6", "iptables_localhost_nodeports": True, "nodeport_addresses": ("2001:db8::/32",)},
    ),
)
