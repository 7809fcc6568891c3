"""``doctor`` with dumps that show a part of the rules only: that part is judged, the rest is taken as there, and said."""

from __future__ import annotations

import pytest

from iptc_sim import compile_services, parse, write_save
from iptc_sim.doctor.diagnose import Question, diagnose
from iptc_sim.doctor.report import Diagnosis, Verdict
from iptc_sim.doctor.text import render_diagnosis
from iptc_sim.kube import Settings
from iptc_sim.node import Node
from tests.kube.builders import cluster, fixture, pod, service

SETTINGS = Settings(cluster_cidr="10.244.0.0/16", node_ip=("192.168.0.2",), hostname_override="node-a")
WEB = cluster(
    service("{clusterIP: 10.96.0.20, selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}"),
    pod("web-1", "{app: web}", "10.244.1.5", spec="{nodeName: node-a}"),
    pod("web-2", "{app: web}", "10.244.2.5", spec="{nodeName: node-b}"),
    pod("client", "{app: client}", "10.244.1.9", spec="{nodeName: node-a}"),
)
DUMP = write_save(compile_services(WEB, SETTINGS))
NAT = DUMP[DUMP.index("*nat") :]
RULES = [line for line in NAT.splitlines() if line.startswith("-A")]
CHAINS = [f"-N {line[1:].partition(' ')[0]}" for line in NAT.splitlines() if line.startswith(":KUBE")]


def asked(text: str) -> Diagnosis:
    return diagnose(Question("svc/default/web:80", "pod/default/client"), WEB, SETTINGS, parse(text), Node())


def grep(*words: str, lines: list[str] = RULES) -> str:
    return "\n".join([*(line for line in lines if any(word in line for word in words)), ""])


@pytest.mark.parametrize(
    ("text", "assumed"),
    [
        (grep("-A KUBE-S"), "nat PREROUTING, POSTROUTING, KUBE-POSTROUTING and table filter"),
        (grep("-A KUBE-"), "nat PREROUTING, POSTROUTING and table filter"),
        (grep("-N KUBE-", "-A KUBE-", lines=[*CHAINS, *RULES]), "nat PREROUTING, POSTROUTING and table filter"),
        (grep("-N KUBE-SERVICES", "-A KUBE-SERVICES", lines=[*CHAINS, *RULES]), "nat PREROUTING, KUBE-SVC-"),
        (grep("KUBE"), "table filter"),
        (NAT, "table filter"),
        (DUMP[: DUMP.index("*nat")], "table nat"),
    ],
)
def test_what_is_not_shown_is_taken_as_there(text: str, assumed: str) -> None:
    found = asked(text)
    rules, path = found.checks[2:]
    assert found.fault is None, render_diagnosis(found)
    assert (rules.verdict, path.verdict) == (Verdict.UNCLEAR, Verdict.UNCLEAR)
    assert "reaches 10.244.1.5:8080, 10.244.2.5:8080" in path.said
    assert path.details[0].startswith(f"assumed: the dump does not show {assumed}")
    assert path.look_at == "a whole dump of the node: iptables-save, without -t and without grep"
    assert "as far as can be told; unclear: rules, path" in render_diagnosis(found)


def test_the_excerpt_of_the_seed() -> None:
    objects = cluster(fixture("seed", "services.yaml").text, fixture("seed", "endpoints.yaml").text)
    dump = parse(fixture("seed", "kube-nat.rules").text)
    found = diagnose(Question("svc/my-nginx:8125"), objects, Settings(release="1.11"), dump, Node())
    assert found.fault is None
    assert "reaches 172.17.0.4:80, 172.17.0.5:80, 172.17.0.6:80" in found.checks[3].said
    assert "nat PREROUTING, KUBE-SERVICES" in found.checks[3].details[0]


def test_what_an_excerpt_shows_is_judged() -> None:
    rules = [line for line in RULES if "10.244.2.5:8080" not in line or "-j KUBE-SEP" in line]
    found = asked(grep("-A KUBE-S", lines=rules))
    assert found.fault is not None
    assert found.fault.stage == "rules"
    assert "10.244.2.5:8080" in found.fault.said
    assert asked(DUMP).checks[3].verdict is Verdict.OK


@pytest.mark.parametrize("text", ["*filter\nCOMMIT\n*nat\nCOMMIT\n", "*mangle\nCOMMIT\n"])
def test_an_empty_node_is_no_excerpt(text: str) -> None:
    fault = asked(text).fault
    assert fault is not None
    assert fault.said.startswith("the dump holds no chain of kube-proxy")
    assert "whether kube-proxy runs" in fault.look_at


def test_a_flushed_table_is_said_first() -> None:
    fault = asked(DUMP[: DUMP.index("*nat")] + "*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n").fault
    assert fault is not None
    assert fault.said == "table nat holds no chain of kube-proxy: something flushed or deleted them"
