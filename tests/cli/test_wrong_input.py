"""Wrong input: one clear block, exit status 2, no traceback, nothing half-written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Ran, Runner

FLOW = "tcp 1.1.1.1:1 -> 2.2.2.2:80 in eth0"


def refused(ran: Ran, code: str) -> None:
    assert ran.status == 2, ran
    assert "Traceback" not in ran.err
    assert ran.out == ""
    assert f"error {code}" in ran.err, ran.err
    assert len(ran.err.splitlines()) <= 8, ran.err


@pytest.mark.parametrize(
    ("text", "code", "shown"),
    [
        (b"\x7fELF\x02\x01\x01\x00\x00\x00", "IPT002", "not text"),
        (b"\xff\xfe-\xe9", "IPT002", "UTF-8"),
        (b"", "IPT003", "no rules"),
        (b"*filter\nCOMMIT\n-A INPUT -j DROP\n", "IPT020", "before any table"),
        (b'*filter\n-A INPUT -m comment --comment "abc\nCOMMIT\n', "IPT011", "^"),
        (b"*filter\n-A INPUT -p tcp -m tcp --dport 99999 -j ACCEPT\nCOMMIT\n", "IPT013", "x.save:2:32"),
        (b"Chain INPUT (policy ACCEPT)\ntarget     prot opt source\n", "IPT010", "iptables -L"),
    ],
)
def test_dumps(iptc_sim: Runner, tmp_path: Path, text: bytes, code: str, shown: str) -> None:
    path = tmp_path / "x.save"
    path.write_bytes(text)
    for command in (
        ("trace", "x.save", "--flow", FLOW),
        ("odds", "x.save", "--flow", FLOW),
        ("diff", "x.save", "x.save"),
    ):
        ran = iptc_sim(*command, cwd=tmp_path)
        refused(ran, code)
        assert shown in ran.err


def test_unknown_file_and_folder(iptc_sim: Runner, tmp_path: Path) -> None:
    (tmp_path / "node.save").write_text("*filter\nCOMMIT\n")
    ran = iptc_sim("trace", "nod.save", "--flow", FLOW, cwd=tmp_path)
    refused(ran, "IPT001")
    assert "did you mean node.save?" in ran.err
    refused(iptc_sim("trace", tmp_path, "--flow", FLOW), "IPT001")


@pytest.mark.parametrize(
    ("text", "code", "shown"),
    [
        ("hello: world\n", "IPT050", "Kubernetes"),
        ("[1, 2", "IPT055", ""),
        ("", "IPT003", ""),
        ("apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: x}}\n", "IPT051", "ports"),
        (
            "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: http}]}\n",
            "IPT051",
            "spec.ports[0].port",
        ),
    ],
)
def test_objects(iptc_sim: Runner, tmp_path: Path, text: str, code: str, shown: str) -> None:
    (tmp_path / "x.yaml").write_text(text)
    ran = iptc_sim("generate", "kube", "x.yaml", cwd=tmp_path)
    refused(ran, code)
    assert shown in ran.err
    assert "x.yaml" in ran.err


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("trace", "-"), "IPT004"),
        (("trace", "-", "--flow", "tcp nonsense"), "IPT040"),
        (("trace", "-", "--src", "1.1.1.1"), "IPT004"),
        (("trace", "-", "--flow", FLOW, "--format", "yaml"), "IPT004"),
        (("trace", "-", "--flow", FLOW, "--family", "5"), "IPT004"),
        (("trace", "-", "--flow", FLOW, "--table", "nats"), "IPT004"),
        (("trace", "-", "--flow", FLOW, "--pick", "9"), "IPT044"),
        (("trace", "-", "--flow", FLOW, "--pick", "1", "--seed", "1"), "IPT004"),
        (("trace", "-", "--flow", FLOW, "--iface", "eth0=nonsense"), "IPT042"),
        (("trace", "-", "--flow", FLOW, "--node", "/nowhere"), "IPT001"),
        (("trace", "-", "--flow", FLOW, "--mark", "x"), "IPT040"),
        (("trace", "-", "--flows", "/nowhere"), "IPT001"),
        (("diff", "-"), "IPT004"),
    ],
)
def test_questions_that_cannot_be_asked(iptc_sim: Runner, args: tuple[str, ...], code: str) -> None:
    refused(iptc_sim(*args, stdin="*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n"), code)


@pytest.mark.parametrize(
    "args", [("--release", "1.99"), ("--cluster-cidr", "x"), ("--iptables-masquerade-bit", "99"), ("--node-ip", "x")]
)
def test_wrong_flags_of_kube_proxy(iptc_sim: Runner, seed: Path, args: tuple[str, str]) -> None:
    ran = iptc_sim("generate", "kube", seed / "services.yaml", *args)
    refused(ran, "IPT054")
    assert args[0] in ran.err


@pytest.mark.parametrize("args", [("nosuch",), ("trace", "--nosuch"), ("trace",), ("generate", "kube")])
def test_usage_errors_of_the_command_line_have_status_2(iptc_sim: Runner, args: tuple[str, ...]) -> None:
    ran = iptc_sim(*args)
    assert ran.status == 2
    assert "Traceback" not in ran.err


def test_nothing_is_half_written(iptc_sim: Runner, tmp_path: Path) -> None:
    (tmp_path / "x.save").write_text("*filter\nCOMMIT\n")
    ran = iptc_sim("trace", "x.save", "--flow", FLOW, "--flow", "nonsense", "--write-pcap", "out.pcap", cwd=tmp_path)
    refused(ran, "IPT040")
    assert not (tmp_path / "out.pcap").exists()
