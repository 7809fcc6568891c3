"""What releases differ in, and the texts that all share."""

from __future__ import annotations

import re

import pytest

from iptc_sim.diagnostics import UsageError
from iptc_sim.kube import Settings, compile_services, load_cluster, restore_text
from iptc_sim.kube.changes import RELEASES
from iptc_sim.syntax.write import write_save
from tests.kube.builders import cluster, endpoints, fixture, rules, service

WEB = service("{clusterIP: 10.96.0.9, ports: [{port: 80}]}")


def probabilities(text: str) -> list[str]:
    return re.findall(r"--probability (\S+)", text)


@pytest.mark.parametrize(
    ("count", "old", "old_shown", "new", "new_shown"),
    [
        (2, "0.50000", "0.50000000000", "0.5000000000", "0.50000000000"),
        (3, "0.33333", "0.33332999982", "0.3333333333", "0.33333333349"),
        (4, "0.25000", "0.25000000000", "0.2500000000", "0.25000000000"),
        (5, "0.20000", "0.20000000019", "0.2000000000", "0.20000000019"),
        (6, "0.16667", "0.16667000018", "0.1666666667", "0.16666666651"),
        (7, "0.14286", "0.14286000002", "0.1428571429", "0.14285714272"),
        (9, "0.11111", "0.11110999994", "0.1111111111", "0.11111111101"),
        (10, "0.10000", "0.10000000009", "0.1000000000", "0.10000000009"),
        (12, "0.08333", "0.08332999982", "0.0833333333", "0.08333333349"),
        (20, "0.05000", "0.04999999981", "0.0500000000", "0.04999999981"),
    ],
)
def test_first_of_several_endpoints_has_this_probability(
    count: int, old: str, old_shown: str, new: str, new_shown: str
) -> None:
    found = cluster(WEB, endpoints(*(f"10.0.0.{number}" for number in range(1, count + 1))))
    for release, text, shown in (("1.11", old, old_shown), ("1.28", new, new_shown)):
        settings = Settings(release=release)
        assert probabilities(restore_text(found, settings))[0] == text
        assert probabilities(write_save(compile_services(found, settings)))[0] == shown


def test_the_last_endpoint_needs_no_chance() -> None:
    found = cluster(WEB, endpoints("10.0.0.1", "10.0.0.2", "10.0.0.3"))
    assert probabilities(restore_text(found, Settings())) == ["0.3333333333", "0.5000000000"]


def test_worked_example_of_a_node_port_service() -> None:
    found = load_cluster([fixture("kube", "worked-example.yaml")])
    lines = restore_text(found, Settings(cluster_cidr="10.244.0.0/16")).splitlines()
    names = {
        "KUBE-SVC": "S",
        "KUBE-EXT": "X",
    }
    text = "\n".join(line for line in lines if "default/web" in line or line.startswith("-A KUBE-EXT"))
    chain_a, chain_b = re.findall(r"-> 10\.244\..*-j (KUBE-SEP-\w+)", text)
    for prefix, letter in names.items():
        text = re.sub(rf"{prefix}-\w{{16}}", letter, text)
    text = text.replace(chain_a, "A").replace(chain_b, "B")
    assert sorted(text.splitlines()) == sorted(WORKED_EXAMPLE.splitlines())
    for chain in "SXAB":
        own = [line for line in text.splitlines() if line.startswith(f"-A {chain} ")]
        assert own == [line for line in WORKED_EXAMPLE.splitlines() if line.startswith(f"-A {chain} ")]


WORKED_EXAMPLE = """\
-A KUBE-SERVICES -m comment --comment "default/web:http cluster IP" -m tcp -p tcp -d 10.96.1.1 --dport 80 -j S
-A KUBE-NODEPORTS -m comment --comment default/web:http -m tcp -p tcp --dport 30080 -j X
-A S -m comment --comment "default/web:http cluster IP" -m tcp -p tcp -d 10.96.1.1 --dport 80 ! -s 10.244.0.0/16 \
-j KUBE-MARK-MASQ
-A X -m comment --comment "masquerade traffic for default/web:http external destinations" -j KUBE-MARK-MASQ
-A X -j S
-A S -m comment --comment "default/web:http -> 10.244.1.5:8080" -m statistic --mode random --probability 0.5000000000 \
-j A
-A S -m comment --comment "default/web:http -> 10.244.2.7:8080" -j B
-A A -m comment --comment default/web:http -s 10.244.1.5 -j KUBE-MARK-MASQ
-A A -m comment --comment default/web:http -m tcp -p tcp -j DNAT --to-destination 10.244.1.5:8080
-A B -m comment --comment default/web:http -s 10.244.2.7 -j KUBE-MARK-MASQ
-A B -m comment --comment default/web:http -m tcp -p tcp -j DNAT --to-destination 10.244.2.7:8080"""


@pytest.mark.parametrize("release", sorted(RELEASES))
def test_filter_comes_before_nat_and_every_jump_has_its_chain(release: str) -> None:
    found = cluster(WEB, endpoints("10.0.0.1"))
    text = restore_text(found, Settings(release=release))
    assert [line for line in text.splitlines() if line[0] in "*C"] == ["*filter", "COMMIT", "*nat", "COMMIT"]
    for table in text.split("COMMIT\n")[:2]:
        declared = re.findall(r"^:(\S+)", table, re.MULTILINE)
        assert len(declared) == len(set(declared))
        targets = set(re.findall(r"-j (KUBE-\S+)", table)) | set(re.findall(r"^-A (\S+)", table, re.MULTILINE))
        assert targets <= set(declared)


def test_endpoints_of_slices_are_sorted_by_their_text_and_those_of_endpoints_are_not() -> None:
    found = cluster(WEB, endpoints("10.0.0.9", "10.0.0.10", "10.1.1.1", "10.1.1.11"))
    order = {
        release: re.findall(r"--to-destination (\S+):", restore_text(found, Settings(release=release)))
        for release in ("1.11", "1.28")
    }
    assert order["1.28"] == ["10.0.0.10", "10.0.0.9", "10.1.1.11", "10.1.1.1"]
    assert order["1.11"] == ["10.0.0.9", "10.0.0.10", "10.1.1.1", "10.1.1.11"]


def test_a_port_digit_sorts_before_the_colon_of_a_shorter_address() -> None:
    found = cluster(WEB, endpoints("10.1.1.1", "10.1.1.11", port="{port: 11}"))
    order = re.findall(r"--to-destination (\S+)", restore_text(found, Settings()))
    assert order == ["10.1.1.11:11", "10.1.1.1:11"]


@pytest.mark.parametrize("release", ["1.99", "", "1.10", "2.28", "1.28x", "latest", "1"])
def test_an_unknown_release_is_refused_with_the_known_ones(release: str) -> None:
    with pytest.raises(UsageError) as caught:
        Settings(release=release)
    diagnostic = caught.value.diagnostics[0]
    assert diagnostic.code == "IPT054"
    assert "1.11 to 1.37" in diagnostic.expected
    assert ("oldest" in diagnostic.hint) == (release == "1.10")


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("1.28", "1.28"),
        ("v1.28", "1.28"),
        ("1.28.3", "1.28"),
        ("v1.28.3+k3s1", "1.28"),
        ("v1.30.0-rc.1", "1.30"),
        ("newest", "1.37"),
    ],
)
def test_a_release_is_read_as_kubectl_version_prints_it(written: str, name: str) -> None:
    assert Settings(release=written).kube_proxy.name == name


def test_large_clusters_lose_the_comments_of_endpoint_rules_only() -> None:
    addresses = [f"10.1.{number // 250}.{number % 250}" for number in range(1001)]
    small, large = (cluster(WEB, endpoints(*addresses[:count])) for count in (1000, 1001))
    settings = Settings(cluster_cidr="10.0.0.0/8")
    assert all("--comment" in line for line in rules(small, settings, "KUBE-SEP", "KUBE-SVC"))
    lines = rules(large, settings, "KUBE-SEP", "KUBE-SVC")
    assert [line for line in lines if "--comment" in line] == [
        (
            '-A KUBE-SVC-LOLE4ISW44XBNF3G -m comment --comment "default/web cluster IP" -m tcp -p tcp -d 10.96.0.9 '
            "--dport 80 ! -s 10.0.0.0/8 -j KUBE-MARK-MASQ"
        )
    ]
    assert len(lines) == 3 * 1001 + 1


@pytest.mark.parametrize(
    ("spec", "status", "services", "endpoint_count", "filter_rules", "nat_rules"),
    [
        ("", "{}", 0, 0, 4, 5),
        ("", "{}", 1, 0, 5, 5),
        ("", "{}", 1, 1, 4, 10),
        ("", "{}", 1, 2, 4, 13),
        ("", "{}", 1, 10, 4, 37),
        ("", "{}", 10, 0, 14, 5),
        ("", "{}", 10, 10, 4, 325),
        ("balancer", "balancer", 1, 0, 8, 5),
        ("balancer", "balancer", 1, 1, 5, 17),
        ("balancer", "balancer", 1, 10, 5, 44),
        ("balancer", "balancer", 10, 0, 44, 5),
        ("balancer", "balancer", 10, 10, 14, 395),
    ],
)
def test_number_of_rules_per_service_and_endpoint(
    spec: str, status: str, services: int, endpoint_count: int, filter_rules: int, nat_rules: int
) -> None:
    more = "type: LoadBalancer, externalIPs: [1.2.3.4], loadBalancerSourceRanges: [' 1.2.3.4/28'], " if spec else ""
    status = "{loadBalancer: {ingress: [{ip: 1.2.3.4}]}}" if status == "balancer" else status
    texts: list[str] = ["{apiVersion: v1, kind: List, items: []}"]
    for number in range(services):
        node_port = f", nodePort: {30000 + number}" if spec else ""
        texts.append(
            service(
                f"{{{more}clusterIP: 10.96.0.{number + 1}, ports: [{{port: 80{node_port}}}]}}",
                f"s{number}",
                status=status,
            )
        )
        texts.append(endpoints(*(f"10.0.{number}.{item}" for item in range(1, endpoint_count + 1)), name=f"s{number}"))
    text = restore_text(cluster(*texts), Settings(cluster_cidr="10.0.0.0/8"))
    found = [table.count("\n-A ") for table in text.split("COMMIT\n")[:2]]
    assert found == [filter_rules, nat_rules]
