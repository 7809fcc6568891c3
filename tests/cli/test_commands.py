"""The commands, run as a user runs them."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT, Runner
from tests.timing import least

POD = "tcp 172.17.0.9:33000 -> 10.97.126.137:8125 in docker0"
COMMANDS = ["trace", "odds", "diff", "demo", "generate", "generate kube", "endpoints", "env", "dns", "test"]


@pytest.fixture(scope="module")
def node_save(iptc_sim: Runner, seed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rules that kube-proxy 1.11 writes for the seed."""
    ran = iptc_sim("generate", "kube", seed / "services.yaml", seed / "endpoints.yaml", "--release", "1.11")
    assert (ran.status, ran.err) == (0, "")
    path = tmp_path_factory.mktemp("cli") / "node.save"
    path.write_text(ran.out)
    return path


def test_generate_gives_every_rule_of_the_seed_in_order(node_save: Path, seed: Path) -> None:
    wanted = (seed / "kube-nat.rules").read_text().splitlines()
    lines = node_save.read_text().splitlines()
    for chain in {line.split()[1] for line in wanted}:
        assert [line for line in lines if line.startswith(f"-A {chain} ")] == [
            line for line in wanted if line.startswith(f"-A {chain} ")
        ]


def test_generate_works_on_the_manifest_as_found(iptc_sim: Runner, seed: Path) -> None:
    ran = iptc_sim("generate", "kube", seed / "service.yaml", seed / "endpoints.yaml", "--release", "1.11")
    assert ran.status == 0
    assert "IPT053" in ran.err  # the ClusterIP that the API server would have assigned
    for line in (seed / "kube-nat.rules").read_text().splitlines():
        assert line in ran.out.splitlines()


def test_generate_restore_is_what_kube_proxy_writes(iptc_sim: Runner, seed: Path) -> None:
    ran = iptc_sim("generate", "kube", "-", "--output", "restore", "--cluster-cidr", "172.17.0.0/16",
                   stdin=(seed / "services.yaml").read_text() + "\n---\n" + (seed / "endpoints.yaml").read_text())  # fmt: skip
    assert ran.status == 0
    assert (
        '-A KUBE-SERVICES -m comment --comment "default/my-nginx cluster IP" -m tcp -p tcp -d 10.97.126.137 --dport 8125 '
        "-j KUBE-SVC-L65ENXXZWWSAPRCR" in ran.out.splitlines()
    )


def test_generate_says_that_no_pod_is_selected_and_which_labels_are_near(iptc_sim: Runner, seed: Path) -> None:
    ran = iptc_sim("generate", "kube", seed / "deployment.yaml", seed / "service-clientip.yaml")
    assert ran.status == 0
    assert "no pod matches selector app=nginx" in ran.err
    assert "app=iskey_nginx" in ran.err
    assert 'default/my-nginx has no endpoints"' in ran.out


def test_trace_from_a_pod_to_the_cluster_ip(iptc_sim: Runner, node_save: Path) -> None:
    ran = iptc_sim("trace", node_save, "--flow", POD)
    assert ran.status == 0
    where = [
        ran.out.index(text)
        for text in (
            "nat PREROUTING rule 1 -> KUBE-SERVICES",
            "-> KUBE-SVC-BEPXDJBUHFCSYIC3",
            "3 ways",
            "-> KUBE-SEP-",
            "[DNAT]",
        )
    ]
    assert where == sorted(where)
    for odds in ("178955181/536870912", "357915731/1073741824"):
        assert odds in ran.out


def test_odds(iptc_sim: Runner, node_save: Path) -> None:
    record = json.loads(iptc_sim("odds", node_save, "--flow", POD, "--format", "json").out)
    assert [(item["destination"], item["odds"]["fraction"]) for item in record["outcomes"]] == [
        ("172.17.0.4:80", "178955181/536870912"),
        ("172.17.0.5:80", "357915731/1073741824"),
        ("172.17.0.6:80", "357915731/1073741824"),
    ]


def test_an_endpoint_that_reaches_itself_is_masqueraded(iptc_sim: Runner, node_save: Path) -> None:
    args = ("trace", node_save, "--flow", POD.replace("172.17.0.9", "172.17.0.4"), "--pick", "172.17.0.4:80")
    assert "source masqueraded" in iptc_sim(*args).out
    assert (
        "source 172.17.0.4:33000 translated to 172.17.0.1:33000"
        in iptc_sim(*args, "--iface", "docker0=172.17.0.1/16").out
    )
    assert "masqueraded" not in iptc_sim("trace", node_save, "--flow", POD).out


def test_options_say_the_same_as_a_flow(iptc_sim: Runner, node_save: Path) -> None:
    words = iptc_sim("trace", node_save, "--flow", POD + " mark 0x1")
    options = iptc_sim("trace", node_save, "--src", "172.17.0.9", "--sport", "33000", "--dst", "10.97.126.137",
                       "--dport", "8125", "--proto", "tcp", "-i", "docker0", "--mark", "0x1")  # fmt: skip
    assert words.out == options.out


def test_flows_of_a_file_are_answered_in_order(iptc_sim: Runner, node_save: Path, tmp_path: Path) -> None:
    flows = tmp_path / "flows.txt"
    flows.write_text(f"# two\n{POD}\n\ntcp 172.17.0.9:1 -> 8.8.8.8:53 in docker0\n")
    lines = iptc_sim("trace", node_save, "--flows", flows, "--format", "json").out.splitlines()
    assert [json.loads(line)["flow"]["packet"]["destination"] for line in lines] == ["10.97.126.137", "8.8.8.8"]
    assert iptc_sim("trace", node_save, "--flows", flows).out.count("packet   ") == 2


def test_stdin_is_a_dump(iptc_sim: Runner, node_save: Path) -> None:
    assert (
        iptc_sim("trace", "-", "--flow", POD, stdin=node_save.read_text()).out
        == iptc_sim("trace", node_save, "--flow", POD).out
    )


def test_pcap_in_and_out(iptc_sim: Runner, node_save: Path, tmp_path: Path) -> None:
    pytest.importorskip("scapy", reason="the pcap extra is not installed")
    out = tmp_path / "out.pcap"
    first = iptc_sim("trace", node_save, "--flow", POD, "--write-pcap", out, "--pick", "1")
    assert first.status == 0
    again = iptc_sim("trace", node_save, "--pcap", out, "-i", "docker0", "--format", "json")
    packets = [json.loads(line)["flow"]["packet"] for line in again.out.splitlines()]
    assert packets[0]["destination"] == "10.97.126.137"
    assert packets[-1]["destination"] == "172.17.0.4"


def test_diff_of_generated_and_real_rules(iptc_sim: Runner, seed: Path, tmp_path: Path) -> None:
    args = ("diff", "--release", "1.11", "--expect-kube", seed / "services.yaml", seed / "endpoints.yaml")
    same = iptc_sim(*args, seed / "kube-nat.rules")
    assert (same.status, same.out.splitlines()[-1]) == (0, "no difference (4 chains, 9 rules compared)")
    fewer = tmp_path / "endpoints.yaml"
    text = (seed / "endpoints.yaml").read_text()
    assert "172.17.0.6" in text
    fewer.write_text("\n".join(line for line in text.splitlines() if "172.17.0.6" not in line))
    other = iptc_sim(
        "diff", "--release", "1.11", "--expect-kube", seed / "services.yaml", fewer, seed / "kube-nat.rules"
    )
    assert other.status == 1
    assert "  stale    endpoint 172.17.0.6:80: nat KUBE-SEP-J5WBW7HEOGAHN6ZG, the chain with 2 rules" in other.out
    assert "1 of 2 service ports differs: 1 stale" in other.out


def test_diff_of_two_dumps(iptc_sim: Runner, seed: Path, node_save: Path) -> None:
    assert iptc_sim("diff", node_save, node_save).status == 0
    ran = iptc_sim("diff", node_save, seed / "docker-nat.rules", "--table", "nat", "--format", "json")
    assert ran.status in {0, 1}
    assert json.loads(ran.out)["schema"] == "iptc-sim/diff/3"


@pytest.mark.parametrize(
    ("flow", "expected"),
    [
        (
            "tcp 127.0.0.1:40000 -> 127.0.0.2:8080 from host",
            "does not fit: ! -d 127.0.0.0/8: the destination is 127.0.0.2",
        ),
        ("tcp 10.0.0.9:40000 -> 127.0.0.2:8080 in eth0", "destination 127.0.0.2:8080 => 172.17.0.7:80 [DNAT]"),
        (
            "tcp 172.17.0.8:40000 -> 127.0.0.2:8080 in docker0",
            "does not fit: ! -i docker0: the in interface is docker0",
        ),
    ],
)
def test_the_docker_question(iptc_sim: Runner, seed: Path, flow: str, expected: str) -> None:
    ran = iptc_sim("trace", seed / "docker-nat.rules", "--flow", flow)
    assert ran.status == 0
    assert expected in ran.out
    assert "table is named; taken as nat" in ran.err


def test_demo_shows_what_its_commands_print(iptc_sim: Runner, tmp_path: Path) -> None:
    demo = iptc_sim("demo")
    assert (demo.status, demo.err) == (0, "")
    commands = [line[2:] for line in demo.out.splitlines() if line.startswith("$ ")]
    assert len(commands) >= 8
    launcher = tmp_path / "iptc-sim"
    launcher.write_text(f"#!/bin/sh\nexec {sys.executable} -c 'from iptc_sim.cli import main; main()' \"$@\"\n")
    launcher.chmod(0o755)
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    for command in commands:
        real = command.replace("node.save", str(tmp_path / "node.save"))
        done = subprocess.run(
            ["sh", "-c", real], capture_output=True, text=True, env=environment, cwd=CHECKOUT, timeout=60, check=False
        )
        for line in done.stdout.splitlines():
            if not line.startswith(("---", "+++")):
                assert line in demo.out, command


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_examples_in_its_help(iptc_sim: Runner, command: str) -> None:
    ran = iptc_sim(*command.split(), "--help")
    assert ran.status == 0
    if command != "generate":
        assert "Examples:" in ran.out
        assert f"iptc-sim {command}" in ran.out


_HELP = "import sys; sys.argv = ['iptc-sim', '--help']; from iptc_sim.cli import main; main()"


def cpu_seconds(code: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=60)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def test_help_is_quick() -> None:
    """The map's bound is 0.3 s; on the machine that it was said of, this is three times what typer's import takes."""
    typer, whole = least(
        lambda: cpu_seconds("import typer"),
        lambda: cpu_seconds(_HELP),
        until=lambda typer, whole: whole < 3 * typer,
    )
    assert whole < 3 * typer


def test_start_imports_nothing_heavy() -> None:
    code = "import sys; import iptc_sim.cli; print([name for name in ('lark', 'yaml', 'scapy', 'rich') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.strip() == "[]"


def test_version(iptc_sim: Runner) -> None:
    assert iptc_sim("--version").out == "iptc-sim 0.1.0\n"
