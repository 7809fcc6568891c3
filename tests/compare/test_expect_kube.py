"""``diff --expect-kube``: a right node has no difference, whatever others put there; damage is named per Service."""

from __future__ import annotations

import json
from functools import reduce
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from iptc_sim import parse
from iptc_sim.compare.by_service import Grouped
from iptc_sim.doctor.rules import Compared, compare_rules, explanation
from iptc_sim.kube import Cluster, Settings
from iptc_sim.records import replace
from iptc_sim.render import Around, render_services
from iptc_sim.values import Family
from tests.compare.damages import DAMAGES, WEB, Damage, both, swapped, without
from tests.conftest import Runner
from tests.kube.corpus import FOLDER, NAMES, load, read

pytestmark = [
    pytest.mark.corpora,
    pytest.mark.skipif(not NAMES, reason="the corpora of kube-proxy are not here: set IPTC_CORPORA"),
]

#: What kubelet leaves on a node, its jumps behind kube-proxy's (kube-proxy.md, 2.3 to 2.6).
KUBELET_MANGLE = """*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:KUBE-IPTABLES-HINT - [0:0]
:KUBE-KUBELET-CANARY - [0:0]
:KUBE-PROXY-CANARY - [0:0]
COMMIT
"""
KUBELET_CHAINS = [":KUBE-KUBELET-CANARY - [0:0]", ":KUBE-PROXY-CANARY - [0:0]"]

DOCKER = {
    "*filter": [
        ":DOCKER - [0:0]", ":DOCKER-USER - [0:0]", ":ufw-before-input - [0:0]", ":CNI-FORWARD - [0:0]", ":cali-INPUT - [0:0]",
        "-A INPUT -j ufw-before-input", "-A INPUT -j cali-INPUT", "-A FORWARD -j DOCKER-USER", "-A FORWARD -j CNI-FORWARD",
        "-A FORWARD -o docker0 -j DOCKER", "-A FORWARD -i docker0 ! -o docker0 -j ACCEPT", "-A DOCKER-USER -j RETURN",
        "-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT",
        "-A ufw-before-input -i lo -j ACCEPT", "-A CNI-FORWARD -s 10.244.0.0/16 -j ACCEPT", "-A cali-INPUT -p tcp --dport 22 -j ACCEPT",
    ],
    "*nat": [
        ":DOCKER - [0:0]", ":CNI-HOSTPORT-DNAT - [0:0]", ":FLANNEL-POSTRTG - [0:0]",
        "-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER", "-A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT",
        "-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER", "-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE",
        "-A POSTROUTING -j FLANNEL-POSTRTG", "-A DOCKER -i docker0 -j RETURN", "-A FLANNEL-POSTRTG -s 10.244.0.0/16 -j RETURN",
    ],
}  # fmt: skip


#: Their IPv6 addresses.
IPV6 = [
    ("172.17.0.2/32", "fd00:17::2/128"), ("172.17.0.0/16", "fd00:17::/64"), (" ! -d 127.0.0.0/8 -m addrtype", " ! -d ::1/128 -m addrtype"),
    ("-A CNI-FORWARD -s 10.244.0.0/16", "-A CNI-FORWARD -s fd00:10:244::/56"), ("-A FLANNEL-POSTRTG -s 10.244.0.0/16", "-A FLANNEL-POSTRTG -s fd00:10:244::/56"),
]  # fmt: skip


def compared(cluster: Cluster, settings: Settings, text: str, *, everything: bool = False) -> Compared:
    return compare_rules(cluster, settings, parse(text, family=settings.family), everything=everything)


def with_kubelet(text: str) -> str:
    """Return a dump as it is where kubelet ran before kube-proxy."""
    lines: list[str] = []
    table = ""
    for line in text.splitlines():
        if line.startswith("-A") and line.endswith("-j KUBE-FIREWALL"):
            continue
        if line in {"*filter", "*nat"}:
            lines += [line]
            table = line
            continue
        if line.startswith(":KUBE-EXT") and KUBELET_CHAINS[0] not in lines[lines.index(table) :]:
            lines += KUBELET_CHAINS
        lines.append(line)
        if line.startswith("-A INPUT") and "externally-visible" in line:
            lines.append("-A INPUT -j KUBE-FIREWALL")
        if line.startswith("-A OUTPUT") and "--ctstate NEW" in line and "portals" in line:
            lines.append("-A OUTPUT -j KUBE-FIREWALL")
    nat = lines.index("*nat")
    chain = next(number for number in range(nat, len(lines)) if lines[number].startswith(":POSTROUTING")) + 1
    extra = [] if KUBELET_CHAINS[0] in lines[nat:] else KUBELET_CHAINS
    return "\n".join([KUBELET_MANGLE.strip(), *lines[:chain], *extra, *lines[chain:], ""])


def with_others(text: str, *, ipv6: bool = False) -> str:
    """Return a dump with the rules of Docker, CNI plugins and ufw, in front of kube-proxy's and behind them."""
    lines: list[str] = []
    rules: list[str] = []
    for line in text.splitlines():
        if line == "COMMIT":
            lines += rules
            rules = []
        elif line in DOCKER:
            rules = [rule for number, rule in enumerate(DOCKER[line]) if rule.startswith("-A") and number % 2]
        elif line.startswith("-A") and lines[-1].startswith(":"):
            table = [item for item in lines if item.startswith("*")][-1]
            lines += [item for item in DOCKER.get(table, ()) if item.startswith(":")]
            lines += [item for item in DOCKER.get(table, ()) if item.startswith("-A") and item not in rules]
        lines.append(line)
    text = "\n".join([*lines, ""])
    return reduce(lambda done, pair: done.replace(*pair), IPV6, text) if ipv6 else text


@pytest.mark.parametrize("name", NAMES)
def test_what_kube_proxy_wrote_has_no_difference(name: str) -> None:
    cluster, settings = load(name)
    found = compared(cluster, settings, read(name, "save").text)
    assert not found.grouped.difference
    assert not found.grouped.services
    assert (found.absent, found.mind) == ((), ())


@pytest.mark.parametrize("name", NAMES)
def test_kubelets_chains_and_other_peoples_rules_do_not_count(name: str) -> None:
    cluster, settings = load(name)
    text = with_others(with_kubelet(read(name, "save").text), ipv6=settings.family is Family.IPV6)
    assert text.count("KUBE-KUBELET-CANARY") == 3
    found = compared(cluster, settings, text)
    assert not found.grouped.difference, found.grouped.difference.edits
    assert found.others["nat", "PREROUTING"] == 2
    assert compared(cluster, settings, text, everything=True).grouped.difference


@pytest.fixture(scope="module")
def combined() -> tuple[Cluster, Settings, str]:
    cluster, settings = load("combined")
    return cluster, settings, read("combined", "save").text


def damaged(text: str, damage: Damage) -> str:
    return "\n".join([*damage.change(text.splitlines()), ""])


def chains_of(grouped: Grouped, service: str, kind: str) -> set[str]:
    """Return the chains of the findings of a kind about a Service."""
    parts = [part for part in grouped.services if part.service == service]
    return {item.edit.chain for part in parts for item in part.findings if item.kind == kind}


def test_there_are_more_than_twenty_kinds_of_damage() -> None:
    assert len(DAMAGES) >= 40


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_named(name: str, combined: tuple[Cluster, Settings, str]) -> None:
    cluster, settings, text = combined
    damage = DAMAGES[name]
    dump = parse(damaged(text, damage))
    found = compare_rules(cluster, settings, dump)
    assert damage.chain in chains_of(found.grouped, damage.service, damage.kind)
    assert {part.service for part in found.grouped.services} <= {damage.service, ""} | (
        {"default/web:old"} if name == "comment of before" else set()
    ) | ({"shop/edge:http"} if name == "mark bit everywhere" else set())
    said = explanation(cluster, found, dump)
    around = Around(("A", "B"), settings.release, explained=said)
    assert damage.told in render_services(found.grouped, around, found.names)


@pytest.mark.parametrize("name", ["endpoint gone", "endpoint too many", "mark bit everywhere", "order of endpoints"])
def test_damage_is_found_among_the_rules_of_others(name: str, combined: tuple[Cluster, Settings, str]) -> None:
    cluster, settings, text = combined
    plain = compared(cluster, settings, damaged(text, DAMAGES[name]))
    among = compared(cluster, settings, damaged(with_others(with_kubelet(text)), DAMAGES[name]))
    assert among.grouped.counts == plain.grouped.counts


@pytest.mark.parametrize("name", ["chain gone with its jumps", "probability", "stale Service", "jump twice"])
def test_command_says_it_with_status_1(name: str, iptc_sim: Runner, tmp_path: Path) -> None:
    dump = tmp_path / "node.save"
    dump.write_text(damaged(read("combined", "save").text, DAMAGES[name]))
    flags = ("--cluster-cidr=10.244.0.0/16", "--node-ip=192.168.0.2", "--hostname-override=node-a")
    ran = iptc_sim("diff", "--expect-kube", FOLDER / "combined.yaml", dump, *flags)
    assert ran.status == 1
    assert DAMAGES[name].chain in ran.out
    assert DAMAGES[name].service in ran.out
    record = json.loads(
        iptc_sim("diff", "--expect-kube", FOLDER / "combined.yaml", dump, *flags, "--format", "json").out
    )
    schema = json.loads((Path(__file__).parents[2] / "iptc_sim" / "render" / "schemas" / "diff-3.json").read_text())
    Draft202012Validator(schema).validate(record)
    assert record["counts"][DAMAGES[name].kind] >= 1


def test_consequences_stand_with_their_cause(combined: tuple[Cluster, Settings, str]) -> None:
    cluster, settings, text = combined
    found = compared(cluster, settings, damaged(text, DAMAGES["endpoint too many"]))
    (part,) = found.grouped.services
    (finding,) = part.findings
    assert (len(finding.jumps), len(finding.odds)) == (1, 0)
    chain_and_odds = both(
        without("KUBE-SEP-HQQLGVWC5OFWA4VC"), swapped("0.50000000000", "1.00000000000", "KUBE-SVC-CDGG")
    )
    found = compared(cluster, settings, "\n".join([*chain_and_odds(text.splitlines()), ""]))
    (part,) = found.grouped.services
    (finding,) = part.findings
    assert (part.service, len(finding.jumps), len(finding.odds)) == (WEB, 1, 1)


def test_rules_have_the_numbers_that_they_have_on_the_node(combined: tuple[Cluster, Settings, str]) -> None:
    cluster, settings, text = combined
    jump = '-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES'
    dump = text.replace(jump, f"-A PREROUTING -i lo -j ACCEPT\n-A PREROUTING -i lo -j ACCEPT\n{jump}\n{jump}")
    (edit,) = compared(cluster, settings, dump).grouped.difference.edits
    assert (edit.chain, getattr(edit, "number", 0)) == ("PREROUTING", 4)


def test_what_takes_every_packet_before_kube_proxy_is_minded(combined: tuple[Cluster, Settings, str]) -> None:
    cluster, settings, text = combined
    jump = "-A PREROUTING -m comment"
    found = compared(cluster, settings, text.replace(jump, f"-A PREROUTING -j ACCEPT\n{jump}"))
    assert not found.grouped.difference
    assert found.mind == (
        "nat PREROUTING rule 1 (-j ACCEPT) takes every packet: the jump of kube-proxy behind it cannot be reached",
    )


def test_a_dump_without_anything_of_kube_proxy_says_so(combined: tuple[Cluster, Settings, str]) -> None:
    cluster, settings, text = combined
    found = compared(cluster, settings, "*filter\nCOMMIT\n*nat\nCOMMIT\n")
    assert "holds no chain of kube-proxy" in found.absent[0]
    flushed = "\n".join([text.partition("*nat")[0], "*nat", "COMMIT", ""])
    assert compared(cluster, settings, flushed).absent == (
        "table nat holds no chain of kube-proxy: something flushed or deleted them",
    )


def test_flags_that_would_explain_are_told(combined: tuple[Cluster, Settings, str]) -> None:
    cluster, settings, text = combined
    other = replace(settings, cluster_cidr="", hostname_override="")
    dump = parse(text.replace("-j MASQUERADE", "-j MASQUERADE --random-fully"))
    said = explanation(cluster, compare_rules(cluster, other, dump), dump)
    assert said.startswith("would be explained by ")
    for flag in ("--cluster-cidr 10.244.0.0/16", "--hostname-override node-a", "--random-fully", ": all of the"):
        assert flag in said
