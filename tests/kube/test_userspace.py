"""``--proxy-mode userspace``: the rules of kube-proxy.md 5, its ports, and what the proxy itself does (SC 56 to 58)."""

from __future__ import annotations

import pytest

from iptc_sim import syntax
from iptc_sim.connection import Earlier
from iptc_sim.diagnostics import UsageError
from iptc_sim.engine.session import Session
from iptc_sim.flows import NodeOptions, parse_flow, read_node
from iptc_sim.kube import Cluster, Settings
from iptc_sim.kube.compiler import compile_text
from iptc_sim.kube.hand_over import RoundRobin, UserspaceProxy
from iptc_sim.kube.text import Spelling
from iptc_sim.records import replace
from iptc_sim.values import Family
from tests.kube.builders import cluster, endpoints, fixture, service

HOST = "192.168.0.29"
SETTINGS = Settings(release="1.11", proxy_mode="userspace", node_ip=(HOST,), proxy_ports=(("default/my-nginx", 41321),))


def seed() -> Cluster:
    services = fixture("seed", "services.yaml").text.split("---")[1]
    return cluster(services, fixture("seed", "endpoints.yaml").text)


def saved(found: Cluster, settings: Settings = SETTINGS) -> list[str]:
    return compile_text(found, settings, Spelling.SAVE).splitlines()


def rules(found: Cluster, settings: Settings = SETTINGS, *chains: str) -> list[str]:
    kept = tuple(f"-A {chain} " for chain in chains or ("KUBE-",))
    return [line for line in saved(found, settings) if line.startswith(tuple(word.rstrip() for word in kept))]


NGINX = '-p tcp -m comment --comment "default/my-nginx:" -m tcp --dport'


def test_a_cluster_ip_leads_to_the_proxys_port() -> None:
    assert saved(seed()) == [
        "*filter",
        ":INPUT ACCEPT [0:0]",
        ":FORWARD ACCEPT [0:0]",
        ":OUTPUT ACCEPT [0:0]",
        ":KUBE-NODEPORT-NON-LOCAL - [0:0]",
        '-A INPUT -m comment --comment "Ensure that non-local NodePort traffic can flow" -j KUBE-NODEPORT-NON-LOCAL',
        "COMMIT",
        "*nat",
        ":PREROUTING ACCEPT [0:0]",
        ":INPUT ACCEPT [0:0]",
        ":OUTPUT ACCEPT [0:0]",
        ":POSTROUTING ACCEPT [0:0]",
        ":KUBE-NODEPORT-CONTAINER - [0:0]",
        ":KUBE-NODEPORT-HOST - [0:0]",
        ":KUBE-PORTALS-CONTAINER - [0:0]",
        ":KUBE-PORTALS-HOST - [0:0]",
        (
            "-A PREROUTING -m comment --comment "
            '"handle ClusterIPs; NOTE: this must be before the NodePort rules" -j KUBE-PORTALS-CONTAINER'
        ),
        (
            "-A PREROUTING -m addrtype --dst-type LOCAL -m comment --comment "
            '"handle service NodePorts; NOTE: this must be the last rule in the chain" -j KUBE-NODEPORT-CONTAINER'
        ),
        (
            "-A OUTPUT -m comment --comment "
            '"handle ClusterIPs; NOTE: this must be before the NodePort rules" -j KUBE-PORTALS-HOST'
        ),
        (
            "-A OUTPUT -m addrtype --dst-type LOCAL -m comment --comment "
            '"handle service NodePorts; NOTE: this must be the last rule in the chain" -j KUBE-NODEPORT-HOST'
        ),
        f"-A KUBE-PORTALS-CONTAINER -d 10.97.126.137/32 {NGINX} 8125 -j REDIRECT --to-ports 41321",
        f"-A KUBE-PORTALS-HOST -d 10.97.126.137/32 {NGINX} 8125 -j DNAT --to-destination {HOST}:41321",
        "COMMIT",
    ]


def test_from_1_19_the_comment_of_an_unnamed_port_has_no_colon() -> None:
    found = rules(seed(), replace(SETTINGS, release="1.25"), "KUBE-PORTALS-HOST")
    assert found == [
        (
            '-A KUBE-PORTALS-HOST -d 10.97.126.137/32 -p tcp -m comment --comment "default/my-nginx" '
            f"-m tcp --dport 8125 -j DNAT --to-destination {HOST}:41321"
        )
    ]


def test_every_portal_has_its_rules_in_order() -> None:
    spec = (
        "{type: LoadBalancer, clusterIP: 10.96.0.1, externalIPs: [198.51.100.7],"
        " ports: [{name: http, port: 80, nodePort: 30080}]}"
    )
    found = cluster(service(spec, status="{loadBalancer: {ingress: [{ip: 203.0.113.9}]}}"))
    web = '-p tcp -m comment --comment "default/web:http" -m tcp --dport'
    settings = replace(SETTINGS, proxy_ports=(("default/web:http", 40001),))
    there, here = "-j REDIRECT --to-ports 40001", f"-j DNAT --to-destination {HOST}:40001"
    assert rules(found, settings) == [
        f"-A KUBE-NODEPORT-NON-LOCAL {web} 40001 -m state --state NEW -j ACCEPT",
        f"-A KUBE-NODEPORT-CONTAINER {web} 30080 {there}",
        f"-A KUBE-NODEPORT-HOST {web} 30080 {here}",
        f"-A KUBE-PORTALS-CONTAINER -d 10.96.0.1/32 {web} 80 {there}",
        f"-A KUBE-PORTALS-CONTAINER -d 198.51.100.7/32 {web} 80 -m physdev ! --physdev-is-in {there}",
        f"-A KUBE-PORTALS-CONTAINER -d 198.51.100.7/32 {web} 80 -m addrtype --dst-type LOCAL {there}",
        f"-A KUBE-PORTALS-CONTAINER -d 203.0.113.9/32 {web} 80 {there}",
        f"-A KUBE-PORTALS-HOST -d 10.96.0.1/32 {web} 80 {here}",
        f"-A KUBE-PORTALS-HOST -d 198.51.100.7/32 {web} 80 -m addrtype --dst-type LOCAL {here}",
        f"-A KUBE-PORTALS-HOST -d 203.0.113.9/32 {web} 80 {here}",
    ]


def test_a_proxy_on_one_address_is_reached_by_dnat() -> None:
    settings = replace(SETTINGS, bind_address="192.168.0.30", node_ip=())
    assert [line.partition("8125 ")[2] for line in rules(seed(), settings)] == [
        "-j DNAT --to-destination 192.168.0.30:41321",
        "-j DNAT --to-destination 192.168.0.30:41321",
    ]


def test_ipv6() -> None:
    settings = replace(
        SETTINGS, family=Family.IPV6, node_ip=("fd00::29",), proxy_ports=(("default/web", 40001),), release="1.25"
    )
    found = cluster(service("{clusterIP: 'fd00:10::1', ports: [{port: 80}]}"))
    assert rules(found, settings) == [
        (
            '-A KUBE-PORTALS-CONTAINER -d fd00:10::1/128 -p tcp -m comment --comment "default/web" '
            "-m tcp --dport 80 -j REDIRECT --to-ports 40001"
        ),
        (
            '-A KUBE-PORTALS-HOST -d fd00:10::1/128 -p tcp -m comment --comment "default/web" '
            "-m tcp --dport 80 -j DNAT --to-destination [fd00::29]:40001"
        ),
    ]


@pytest.mark.parametrize(
    "spec",
    [
        "{clusterIP: None, ports: [{port: 80}]}",
        "{clusterIP: 10.96.0.1, ports: [{port: 80, protocol: SCTP}]}",
        "{type: ExternalName, externalName: a.example}",
    ],
)
def test_headless_sctp_and_external_names_have_no_portal(spec: str) -> None:
    assert rules(cluster(service(spec)), replace(SETTINGS, proxy_ports=())) == []


def test_endpoints_do_not_matter_to_the_rules() -> None:
    alone = cluster(service("{clusterIP: 10.96.0.1, ports: [{port: 80}]}"))
    served = cluster(service("{clusterIP: 10.96.0.1, ports: [{port: 80}]}"), endpoints("10.0.0.5"))
    settings = replace(SETTINGS, proxy_ports=())
    assert saved(alone, settings) == saved(served, settings)
    assert len(rules(alone, settings)) == 2


def test_the_restore_text_leads_to_the_saved_one() -> None:
    text = compile_text(seed(), SETTINGS, Spelling.RESTORE)
    assert text.splitlines()[:3] == [
        "*filter",
        ":KUBE-NODEPORT-NON-LOCAL - [0:0]",
        '-I INPUT -m comment --comment "Ensure that non-local NodePort traffic can flow" -j KUBE-NODEPORT-NON-LOCAL',
    ]
    assert syntax.parse(text, strict=True) == syntax.parse(compile_text(seed(), SETTINGS, Spelling.SAVE))


def ports(settings: Settings, *names: str) -> list[int]:
    objects = [
        service(f"{{clusterIP: 10.96.0.{number}, ports: [{{port: 80}}]}}", name) for number, name in enumerate(names, 1)
    ]
    lines = rules(cluster(*objects), settings, "KUBE-PORTALS-CONTAINER")
    return [int(line.rpartition(" ")[2]) for line in lines]


def test_ports_follow_from_the_name_and_are_all_different() -> None:
    settings = replace(SETTINGS, proxy_ports=())
    found = ports(settings, *(f"web-{number}" for number in range(40)))
    assert len(set(found)) == 40
    assert all(32768 <= port < 61000 for port in found)
    alone = ports(settings, "web-7")
    assert alone[0] in found


def test_ports_of_a_range_go_round_and_are_used_up() -> None:
    names = [f"web-{number}" for number in range(5)]
    for text in ("40000-40004", "40000+4"):
        found = ports(replace(SETTINGS, proxy_ports=(), proxy_port_range=text), *names)
        assert sorted(found) == [40000, 40001, 40002, 40003, 40004]
    with pytest.raises(UsageError, match="its 4 ports are not enough"):
        ports(replace(SETTINGS, proxy_ports=(), proxy_port_range="40000-40003"), *names)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (replace(SETTINGS, bind_address="127.0.0.1"), "cannot listen on 127.0.0.1"),
        (replace(SETTINGS, bind_address="fd00::1"), "is no IPv4 address"),
        (replace(SETTINGS, node_ip=()), "the node's address, which is not told"),
        (replace(SETTINGS, proxy_ports=(("default/my-ngin", 1),)), "there is no service port default/my-ngin"),
        (replace(SETTINGS, proxy_port_range="40000-"), "is no range of ports"),
        (replace(SETTINGS, proxy_port_range="40001-40000"), "is no range of ports"),
        (replace(SETTINGS, proxy_port_range="70000"), "is no range of ports"),
    ],
)
def test_what_the_proxy_cannot_do_is_refused(settings: Settings, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        saved(seed(), settings)


def test_it_was_removed_in_1_26() -> None:
    with pytest.raises(UsageError, match="it was removed"):
        replace(SETTINGS, release="1.26")


def serve(balancer: RoundRobin, *clients: str, now: float = 0) -> tuple[list[tuple[str, ...]], RoundRobin]:
    found = []
    for client in clients:
        found.append(balancer.candidates(balancer.place(client, now)[0]))
        balancer = balancer.serve(client, now)
    return found, balancer


def test_round_robin_goes_round() -> None:
    order = ("a:1", "b:1", "c:1")
    found, _ = serve(RoundRobin(order, order), *"wxyzw")
    assert found == [("a:1",), ("b:1",), ("c:1",), ("a:1",), ("b:1",)]
    assert serve(RoundRobin.start(["a:1"]), "x", "y")[0] == [("a:1",)] * 2


def test_an_unknown_order_is_learnt_from_what_happened() -> None:
    balancer = RoundRobin.start(["a:1", "b:1", "c:1"])
    assert balancer.candidates(0) == ("a:1", "b:1", "c:1")
    balancer = balancer.serve("x", 0, "b:1").serve("x", 0, "c:1")
    found, _ = serve(balancer, "x", "x", "x")
    assert found == [("a:1",), ("b:1",), ("c:1",)]
    with pytest.raises(UsageError, match="cannot have connected x to b:1"):
        balancer.serve("x", 0, "b:1")


def test_a_seed_shuffles() -> None:
    orders = {RoundRobin.start(["a:1", "b:1", "c:1"], seed=seed).order for seed in range(50)}
    assert len(orders) == 6


def test_a_sticky_client_stays_until_the_timeout_and_each_use_counts() -> None:
    order = ("a:1", "b:1", "c:1")
    _, balancer = serve(RoundRobin(order, order, seconds=10800), "x", "y", now=0)
    # Whole seconds, and less than the timeout: unlike the kernel's list it ends at 10800.
    assert serve(balancer, "x", now=10799.9)[0] == [("a:1",)]
    assert serve(balancer, "x", now=10800)[0] == [("c:1",)]
    assert serve(balancer, "y", now=9)[0] == [("b:1",)]
    _, again = serve(balancer, "x", now=9000)
    assert serve(again, "x", now=12000)[0] == [("a:1",)]
    assert serve(again, "z", now=12000)[0] == [("c:1",)]


NODE = read_node(
    NodeOptions((), (f"eth0={HOST}/24", "docker0=172.17.0.1/16"), ("default via 192.168.0.1 dev eth0",), None)
)
POD = "tcp 172.17.0.9:33000 -> 10.97.126.137:8125 in docker0"


def at_proxy(flow: str, *history: Earlier, found: Cluster | None = None, now: float = 0) -> str:
    """Return what kube-proxy does with a packet after others."""
    there = found or seed()
    session = Session(syntax.parse(compile_text(there, SETTINGS, Spelling.SAVE)), NODE)
    proxy = UserspaceProxy(session.ruleset, there)
    assert all(sent.pick is None for sent in proxy.remember(session, history))
    session.at(now)
    return "".join(map(str, proxy.hand_overs(session.send(parse_flow(flow)), now)))


def earlier(flow: str, went: str | None = None, now: float = 0) -> Earlier:
    return Earlier(parse_flow(flow), now, went)


WAYS = "; the pod sees the node's address, not the client's"


def test_a_pod_is_handed_over() -> None:
    # REDIRECT takes the address of the interface by which the packet came.
    assert at_proxy(POD) == (
        "kube-proxy takes it at 172.17.0.1:41321 for default/my-nginx and connects to one of 172.17.0.4:80, "
        f"172.17.0.5:80, 172.17.0.6:80 (round robin, in an order that only kube-proxy knows: 1/3 each){WAYS}"
    )


def test_the_node_itself_is_handed_over_after_two_others() -> None:
    second = POD.replace("33000", "33001")
    there = earlier(POD, "172.17.0.6:80"), earlier(second, "172.17.0.4:80")
    assert at_proxy(f"tcp {HOST}:33000 -> 10.97.126.137:8125 from host", *there) == (
        f"kube-proxy takes it at {HOST}:41321 for default/my-nginx and connects to 172.17.0.5:80 "
        f"(round robin, 3 of 3){WAYS}"
    )


def test_a_sticky_client_comes_back() -> None:
    services = fixture("seed", "services.yaml").text.split("---")[1]
    sticky = cluster(f"{services}  sessionAffinity: ClientIP\n", fixture("seed", "endpoints.yaml").text)
    again = POD.replace("33000", "33001")
    said = at_proxy(again, earlier(POD, "172.17.0.6:80"), found=sticky, now=10799)
    assert "connects to 172.17.0.6:80 (as before: session affinity)" in said
    # 172.17.0.6 is in the first place of the order, which has three: it is not the next one's turn.
    said = at_proxy(again, earlier(POD, "172.17.0.6:80"), found=sticky, now=10800)
    assert "connects to one of 172.17.0.4:80, 172.17.0.5:80 (round robin" in said


def test_without_endpoints_the_connection_is_accepted_and_closed() -> None:
    services = fixture("seed", "services.yaml").text.split("---")[1]
    assert at_proxy(POD, found=cluster(services)) == (
        "kube-proxy takes it at 172.17.0.1:41321 for default/my-nginx and closes it: there are no endpoints"
    )


def test_other_packets_are_not_kube_proxys() -> None:
    assert at_proxy(f"tcp 172.17.0.9:33000 -> {HOST}:22 in docker0") == ""
    assert at_proxy(f"udp 172.17.0.9:33000 -> {HOST}:41321 in docker0") == ""


def test_the_rules_alone_tell_whose_port_it_is() -> None:
    rules = syntax.parse(compile_text(seed(), SETTINGS, Spelling.SAVE))
    (found,) = UserspaceProxy(rules, None).hand_overs(Session(rules, NODE).send(parse_flow(POD)))
    assert str(found) == "kube-proxy takes it at 172.17.0.1:41321 for default/my-nginx; --objects tells where to"
    (found,) = UserspaceProxy(rules, Cluster()).hand_overs(Session(rules, NODE).send(parse_flow(POD)))
    assert str(found).endswith("default/my-nginx; there is no such service port among the objects")
    assert not UserspaceProxy(syntax.parse("*nat\n-A PREROUTING -j ACCEPT\nCOMMIT\n"), None)
