"""``doctor``: the first thing that is wrong, stage by stage; each case a right cluster with one fault."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from iptc_sim import UsageError, compile_services, parse, write_save
from iptc_sim.doctor.diagnose import Question, diagnose
from iptc_sim.doctor.report import Check, Diagnosis, Verdict
from iptc_sim.doctor.text import render_diagnosis
from iptc_sim.kube import Cluster, Settings
from iptc_sim.node import Node
from iptc_sim.records import replace
from tests.compare.damages import both, swapped, without
from tests.conftest import Runner
from tests.kube.builders import cluster, endpoint_slice, fixture, pod, service
from tests.kube.corpus import FOLDER, NAMES, load, read

SETTINGS = Settings(cluster_cidr="10.244.0.0/16", node_ip=("192.168.0.2",), hostname_override="node-a")
WEB = "{type: NodePort, clusterIP: 10.96.0.20, selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080, nodePort: 30080}]}"
PODS = [
    pod("web-1", "{app: web}", "10.244.1.5", spec="{nodeName: node-a}"),
    pod("web-2", "{app: web}", "10.244.2.5", spec="{nodeName: node-b}"),
    pod("client", "{app: client}", "10.244.1.9", spec="{nodeName: node-a}"),
]


def asked(
    found: Cluster,
    text: str | None = None,
    to: str = "svc/default/web:80",
    settings: Settings = SETTINGS,
    **more: str | bool,
) -> Diagnosis:
    """Ask about a node whose rules are right, unless a text is given."""
    dump = parse(text) if text is not None else parse(write_save(compile_services(found, settings)))
    return diagnose(Question(to, **more), found, settings, dump, Node())  # type: ignore[arg-type]


def fault(found: Diagnosis, stage: str) -> Check:
    assert found.fault is not None, render_diagnosis(found)
    assert found.fault.stage == stage, render_diagnosis(found)
    assert found.checks[-1] is found.fault
    return found.fault


def web(*others: str, spec: str = WEB) -> Cluster:
    return cluster(service(spec), *(others or PODS))


def test_nothing_is_wrong() -> None:
    found = asked(web())
    assert [str(check.verdict) for check in found.checks] == ["ok"] * 4
    objects, endpoints, rules, path = (check.said for check in found.checks)
    assert objects == "Service default/web, NodePort 10.96.0.20, port 80/tcp -> 8080"
    assert endpoints == "2 ready: 10.244.1.5:8080 (this node), 10.244.2.5:8080"
    assert rules.startswith("as kube-proxy 1.28 writes them")
    assert (
        path
        == "from pod default/web-1 (10.244.1.5): reaches 10.244.1.5:8080, 10.244.2.5:8080; masqueraded for some of them"
    )
    assert render_diagnosis(found).endswith("=> svc/default/web:80: nothing is wrong on this node\n")


@pytest.mark.parametrize(
    ("source", "to", "said"),
    [
        ("pod/default/client", "svc/default/web:http", "the client's own address stays"),
        ("host", "svc/default/web:80", "from this node: reaches 10.244.1.5:8080, 10.244.2.5:8080; masqueraded"),
        ("client", "nodeport/default/web:http", "from a client outside (198.51.100.7): reaches"),
        ("", "nodeport/default/web", "from a client outside (198.51.100.7): reaches"),
        ("10.244.1.9", "web.default:80", "from pod default/client (10.244.1.9): reaches"),
        ("10.244.1.9", "10.96.0.20:80", "from pod default/client (10.244.1.9): reaches"),
        ("10.244.1.9", "default/web:80", "from pod default/client (10.244.1.9): reaches"),
    ],
)
def test_where_packets_come_from_and_go_to(source: str, to: str, said: str) -> None:
    found = asked(web(), to=to, source=source)
    assert found.fault is None
    assert said in found.checks[-1].said


def test_a_source_that_is_nothing_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        asked(web(), source="pod/default/clint")
    assert "did you mean default/client?" in caught.value.diagnostics[0].hint


@pytest.mark.parametrize(
    ("to", "said", "look_at"),
    [
        ("svc/default/wep:80", "there is no Service default/wep", "did you mean default/web?"),
        ("svc/shop/web:80", "there is no Service shop/web", "there is one in namespace default"),
        ("svc/default/web:8080", "has no port 8080", "8080 is the pods' port; clients ask for the Service's port 80"),
        ("svc/default/web:30080", "has no port 30080", "30080 is its node port: nodeport/default/web:80"),
        ("svc/default/web:81", "has no port 81", "it has 80/tcp (http)"),
        ("svc/default/web:htp", "has no TCP port called htp", "did you mean http?"),
        ("lb/default/web", "has no load balancer address", ""),
        ("198.51.100.1:80", "is no Service among the objects", ""),
        ("nothing", "there is no DNS name nothing", ""),
    ],
)
def test_objects_that_are_not_there(to: str, said: str, look_at: str) -> None:
    check = fault(asked(web(), to=to), "objects")
    assert said in check.said
    assert look_at in check.look_at


def test_another_protocol_is_no_port_of_it() -> None:
    check = fault(asked(web(), protocol="udp"), "objects")
    assert check.look_at == "it has 80/tcp (http)"


def test_services_without_rules_are_not_judged_by_them() -> None:
    objects = web(*PODS, service("{type: ExternalName, externalName: db.example.org}", "out"))
    found = asked(objects, to="svc/default/out")
    (check,) = found.checks
    assert (check.verdict, check.look_at) == (Verdict.UNCLEAR, "whether db.example.org resolves and answers")
    headless = web(
        *PODS, service("{clusterIP: None, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}", "db")
    )
    assert asked(headless, to="svc/default/db:8080").fault is not None  # 8080 is no port of the Service
    check = fault(asked(headless, to="svc/default/db:80"), "objects")
    assert "is headless" in check.said
    assert "the pods listen on 8080" in check.look_at
    (check,) = asked(headless, to="svc/default/db").checks
    assert check.verdict is Verdict.UNCLEAR


def test_a_service_of_another_proxy_is_remarked() -> None:
    labelled = service(WEB, metadata="labels: {service.kubernetes.io/service-proxy-name: cilium}")
    found = asked(cluster(labelled, *PODS))
    assert "service-proxy-name=cilium leaves it to another proxy" in found.checks[0].details[0]


def test_selector_that_fits_no_pod() -> None:
    pods = [pod("web-1", "{app: iskey_web}", "10.244.1.5")]
    check = fault(asked(web(*pods)), "endpoints")
    assert check.said == "none: no pod matches selector app=web; near: app=iskey_web (Pod web-1)"
    assert "--show-labels" in check.look_at


def test_pods_that_are_not_ready() -> None:
    pods = [pod("web-1", "{app: web}", "10.244.1.5", ready=False)]
    check = fault(asked(web(*pods)), "endpoints")
    assert check.said == "1 endpoint, none of them ready: 10.244.1.5:8080"
    assert check.details == ("pod default/web-1 is not ready: its condition Ready is not True",)
    some = asked(web(*PODS, pod("web-3", "{app: web}", "10.244.2.6", ready=False)))
    assert some.fault is None
    assert some.checks[1].details[0] == "1 not ready: 10.244.2.6:8080"


def test_target_port_that_no_container_names() -> None:
    check = fault(asked(web(spec=WEB.replace("targetPort: 8080", "targetPort: www"))), "endpoints")
    assert "no container has a port called www" in check.said


def test_names_of_ports_that_differ() -> None:
    found = cluster(
        service("{clusterIP: 10.96.0.20, ports: [{name: http, port: 80}]}"),
        endpoint_slice("{addresses: [10.244.1.5]}", ports="[{name: web, port: 8080}]"),
    )
    check = fault(asked(found), "endpoints")
    assert check.said == "the endpoints of default/web:http have no port called http, only web"


def test_local_policies_without_endpoints_here() -> None:
    internal = web(PODS[1], spec=WEB[:-1] + ", internalTrafficPolicy: Local}")
    check = fault(asked(internal), "endpoints")
    assert check.said == "internalTrafficPolicy is Local, and no endpoint is on node node-a: 10.244.2.5:8080"
    external = web(PODS[1], spec=WEB[:-1] + ", externalTrafficPolicy: Local}")
    check = fault(asked(external, to="nodeport/default/web"), "endpoints")
    assert check.said.startswith("externalTrafficPolicy is Local")
    assert asked(external).fault is None  # the cluster IP does not depend on it


def test_manual_endpoints_that_are_empty() -> None:
    found = cluster(service("{clusterIP: 10.96.0.20, ports: [{port: 80}]}"))
    assert "it has no selector, and no Endpoints" in fault(asked(found), "endpoints").said


def dump_of(found: Cluster, settings: Settings = SETTINGS) -> str:
    return write_save(compile_services(found, settings))


def changed(text: str, *changes: object) -> str:
    return "\n".join([*both(*changes)(text.splitlines()), ""])  # type: ignore[arg-type]


def test_rules_that_are_missing() -> None:
    text = changed(dump_of(web()), without("-A KUBE-SERVICES", "default/web:http cluster IP"))
    check = fault(asked(web(), text, source="pod/default/client"), "rules")
    assert check.said.startswith("missing nat KUBE-SERVICES rule 1: -d 10.96.0.20/32")
    effect = (
        "so from pod default/client (10.244.1.9): the packet goes to 10.96.0.20:80, which is no endpoint of the Service"
    )
    assert effect in check.details
    assert "kube-proxy's log" in check.look_at


def test_rules_of_before() -> None:
    before = web(PODS[0], pod("web-9", "{app: web}", "10.244.9.9"))
    check = fault(asked(web(), dump_of(before)), "rules")
    told = "\n".join([check.said, *check.details])
    assert "missing endpoint 10.244.2.5:8080" in told
    assert "stale endpoint 10.244.9.9:8080" in told


def test_rules_of_kube_proxy_itself() -> None:
    check = fault(asked(web(), changed(dump_of(web()), without("-A PREROUTING"))), "rules")
    assert check.said.startswith("missing nat PREROUTING rule 1")
    assert "what else writes to iptables" in check.look_at


def test_rules_of_other_services_are_besides() -> None:
    both_services = web(
        *PODS,
        service("{clusterIP: 10.96.0.30, ports: [{port: 80}]}", "other"),
        endpoint_slice("{addresses: [10.244.1.7]}", name="other", ports="[{name: '', port: 80}]"),
    )
    text = changed(dump_of(both_services), swapped("10.244.1.7", "10.244.1.8", "DNAT"))
    found = asked(both_services, text)
    assert found.fault is None
    assert "besides, 1 other service port differ" in "\n".join(found.checks[2].details)


def test_an_empty_node_says_what_may_be() -> None:
    check = fault(asked(web(), "*filter\nCOMMIT\n*nat\nCOMMIT\n"), "rules")
    assert any("holds no chain of kube-proxy" in text for text in (check.said, *check.details))


def test_flags_that_were_left_out_are_taken_from_the_dump() -> None:
    plain = Settings()
    found = asked(web(), dump_of(web(), replace(SETTINGS, random_fully=True)), settings=plain)
    assert found.fault is None
    assert "taken from the dump: " in found.checks[2].details[0]
    for flag in ("--cluster-cidr 10.244.0.0/16", "--random-fully"):
        assert flag in found.checks[2].details[0]


def test_another_release_is_named() -> None:
    text = dump_of(web(), replace(SETTINGS, release="1.18"))
    found = asked(web(), text, auto=True)
    assert found.fault is None
    assert found.checks[2].details[0].startswith("release 1.18 fits best")
    explained = asked(web(), text)
    assert explained.fault is None or "--release 1.1" in "\n".join(explained.fault.details)


@pytest.mark.parametrize(
    ("line", "said", "look_at"),
    [
        ("-A FORWARD -d 10.244.0.0/16 -j DROP", "is dropped on its way to 10.244.1.5:8080, 10.244.2.5:8080 by rule 1 of filter FORWARD", "-A FORWARD -d 10.244.0.0/16 -j DROP (not kube-proxy's)"),
        ("-A FORWARD -d 10.244.2.0/24 -j REJECT", "in 50.000% of cases the packet is rejected with icmp-port-unreachable on its way to 10.244.2.5:8080", "not kube-proxy's"),
    ],
)  # fmt: skip
def test_rules_of_others_in_the_way(line: str, said: str, look_at: str) -> None:
    text = dump_of(web())
    place = text.index("-A FORWARD")
    check = fault(asked(web(), text[:place] + line + "\n" + text[place:], source="pod/default/client"), "path")
    assert said in check.said
    assert look_at in check.look_at
    assert "step by step: iptc-sim trace DUMP --flow 'tcp 10.244.1.9:33000 -> 10.96.0.20:80'" in check.details


def test_policy_that_drops() -> None:
    text = dump_of(web()).replace(":FORWARD ACCEPT", ":FORWARD DROP")
    check = fault(asked(web(), text, source="pod/default/client"), "path")
    assert "by policy DROP of filter FORWARD" in check.said
    assert check.look_at.startswith("the policy of filter FORWARD")


def test_answers_that_are_dropped() -> None:
    text = dump_of(web())
    place = text.index("-A FORWARD")
    line = "-A FORWARD -s 10.244.0.0/16 -p tcp -m tcp --sport 8080 -j DROP\n"
    check = fault(asked(web(), text[:place] + line + text[place:], source="pod/default/client"), "path")
    assert "the answer is dropped on its way back by rule 1 of filter FORWARD" in check.said


def test_a_rule_in_front_of_kube_proxys_that_takes_every_packet() -> None:
    text = dump_of(web())
    place = text.index("-A PREROUTING")
    check = fault(asked(web(), text[:place] + "-A PREROUTING -j ACCEPT\n" + text[place:]), "rules")
    assert "takes every packet" in check.said


def test_all_goes_on() -> None:
    found = asked(web(), "*filter\nCOMMIT\n*nat\nCOMMIT\n", everything=True)
    assert [check.stage for check in found.checks] == ["objects", "endpoints", "rules", "path"]
    assert found.fault is found.checks[2]


def test_manifests_without_addresses_are_no_fault_of_the_node() -> None:
    """The seed's story: a Service as it was written down, and the rules of the cluster that runs it."""
    found = cluster(fixture("seed", "service.yaml").text, fixture("seed", "deployment.yaml").text)
    dump = parse(fixture("seed", "kube-nat.rules").text)
    settings = Settings(release="1.11")
    answer = diagnose(Question("svc/my-nginx:8125"), found, settings, dump, Node())
    objects, _, rules = answer.checks[:3]
    assert "the object has no clusterIP" in objects.details[0]
    assert rules.verdict is Verdict.UNCLEAR
    assert "kubectl get services,endpointslices" in rules.look_at


@pytest.mark.skipif(not NAMES, reason="the corpora of kube-proxy are not here: set IPTC_CORPORA")
@pytest.mark.corpora
def test_every_service_port_of_named_corpora_is_judged_without_a_false_alarm() -> None:
    for name in NAMES:
        if name.startswith("random") or name in {"ipv6", "sctp"}:
            continue
        found, settings = load(name)
        dump = parse(read(name, "save").text)
        for item in found.services:
            for port in item.ports:
                answer = diagnose(
                    Question(f"svc/{item.namespace}/{item.name}:{port.port}", source="host"),
                    found,
                    settings,
                    dump,
                    Node(),
                )
                stage = answer.fault.stage if answer.fault else ""
                assert stage in {"", "endpoints"}, (name, render_diagnosis(answer))


@pytest.mark.skipif(not NAMES, reason="the corpora of kube-proxy are not here: set IPTC_CORPORA")
@pytest.mark.corpora
def test_command(iptc_sim: Runner, tmp_path: Path) -> None:
    objects, dump = FOLDER / "etp-local.yaml", FOLDER / "etp-local.save"
    good = iptc_sim("doctor", "--expect-kube", objects, dump, "--to", "svc/shop/edge:80")
    assert (good.status, good.out.splitlines()[-1]) == (0, "=> svc/shop/edge:80: nothing is wrong on this node")
    broken = tmp_path / "node.save"
    broken.write_text("\n".join(line for line in dump.read_text().splitlines() if "KUBE-SVC-6DIQ" not in line) + "\n")
    flags = ("--cluster-cidr=10.244.0.0/16", "--node-ip=192.168.0.2", "--hostname-override=node-a")
    ran = iptc_sim("doctor", "--expect-kube", objects, broken, "--to", "svc/shop/edge:80", *flags)
    assert ran.status == 1
    assert "rules      WRONG    missing nat KUBE-SVC-6DIQQWZY5FTPVDUK, the chain with 4 rules" in ran.out
    assert "path       -        not looked at" in ran.out
    record = json.loads(
        iptc_sim("doctor", "--expect-kube", objects, broken, "--to", "svc/shop/edge:80", *flags, "--format", "json").out
    )
    assert (record["schema"], record["fault"]) == ("iptc-sim/doctor/1", "rules")
    assert iptc_sim("doctor", dump, "--to", "svc/shop/edge:80").status == 2
