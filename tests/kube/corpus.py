"""The corpora of kube-proxy 1.28: where they are, their flags, and how two restore texts compare."""

from __future__ import annotations

import os
import shlex
from collections import Counter
from pathlib import Path

from iptc_sim.diagnostics import SourceFile
from iptc_sim.kube import Cluster, Settings, load_cluster
from iptc_sim.values import Family

#: The chains whose order between services is random in kube-proxy.
UNORDERED = {"KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-EXTERNAL-SERVICES", "KUBE-PROXY-FIREWALL"}

_CHECKOUT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("IPTC_CORPORA", _CHECKOUT.parent / "shared" / "corpora")) / "kube-proxy-1.28"
NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))


def read(name: str, ending: str) -> SourceFile:
    return SourceFile(f"{name}.{ending}", (FOLDER / f"{name}.{ending}").read_text())


def settings_of(line: str) -> Settings:
    """Return the settings that a corpus file's first line ``# kube-proxy: FLAGS`` tells."""
    flags: dict[str, list[str]] = {}
    for word in shlex.split(line.partition(":")[2]):
        flag, _, value = word.removeprefix("--").partition("=")
        flags.setdefault(flag, []).append(value)

    def text(flag: str) -> str:
        return flags.pop(flag, [""])[0]

    settings = Settings(
        cluster_cidr=text("cluster-cidr"),
        masquerade_all="masquerade-all" in flags and text("masquerade-all") != "false",
        iptables_masquerade_bit=int(text("iptables-masquerade-bit") or 14),
        nodeport_addresses=tuple(item for item in text("nodeport-addresses").split(",") if item),
        detect_local_mode=text("detect-local-mode"),
        pod_bridge_interface=text("pod-bridge-interface"),
        pod_interface_name_prefix=text("pod-interface-name-prefix"),
        hostname_override=text("hostname-override"),
        iptables_localhost_nodeports=text("iptables-localhost-nodeports") != "false",
        node_ip=tuple(flags.pop("node-ip", [])),
        random_fully=flags.pop("random-fully", None) is not None,
        family=Family.IPV6 if flags.pop("ipv6", None) else Family.IPV4,
    )
    assert not flags, flags
    return settings


def load(name: str) -> tuple[Cluster, Settings]:
    source = read(name, "yaml")
    settings = settings_of(source.line(1))
    return load_cluster([source], settings), settings


def comparable(text: str) -> dict[str, object]:
    """Return a restore text by table and chain; random orders are taken out, every other order is kept."""
    found: dict[str, object] = {"tables": [line for line in text.splitlines() if line.startswith(("*", "COMMIT"))]}
    table = ""
    for line in text.splitlines():
        if line.startswith("*"):
            table = line[1:]
        elif line.startswith(":"):
            chains = found.setdefault(f"{table} chain lines", Counter())
            assert isinstance(chains, Counter)
            chains[line] += 1
        elif line.startswith("-"):
            chain = line.split()[1]
            if chain in UNORDERED:
                rules = found.setdefault(f"{table} {chain}", Counter())
                assert isinstance(rules, Counter)
                rules[line] += 1
            else:
                ordered = found.setdefault(f"{table} {chain}", [])
                assert isinstance(ordered, list)
                ordered.append(line)
        else:
            assert line in {"COMMIT", ""}, line
    return found
