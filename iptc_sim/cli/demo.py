"""``iptc-sim demo``: the tour, on the packaged seed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import typer

from iptc_sim.cli.common import write

if TYPE_CHECKING:
    from iptc_sim.diagnostics import SourceFile
    from iptc_sim.ruleset import Ruleset

POD: Final = "tcp 172.17.0.9:33000 -> 10.97.126.137:8125 in docker0"
HAIRPIN: Final = "tcp 172.17.0.4:33000 -> 10.97.126.137:8125 in docker0"
INTERFACES: Final = ("docker0=172.17.0.1/16", "eth0=192.168.0.29/24")
DOCKER: Final = (
    (
        "On the host itself, `curl 127.0.0.2:8080`: is it translated?",
        "tcp 127.0.0.1:40000 -> 127.0.0.2:8080 from host",
    ),
    ("From another machine?", "tcp 10.0.0.9:40000 -> 127.0.0.2:8080 in eth0"),
    ("From a container?", "tcp 172.17.0.8:40000 -> 127.0.0.2:8080 in docker0"),
)
EPILOG = """Examples:

\b
  iptc-sim demo"""


def _seed(name: str) -> SourceFile:
    from iptc_sim.diagnostics import SourceFile
    from iptc_sim.resources import resource, resource_text

    parts = ("fixtures", "seed", name)
    path = resource(*parts)
    relative = os.path.relpath(path)
    return SourceFile(min(path, relative, key=len), resource_text(*parts))


def _head(title: str, *commands: str) -> None:
    write(f"\n## {title}\n")
    for command in commands:
        write(f"$ {command}")


def demo() -> None:
    """Show the whole tool on a small real cluster.

    It needs no arguments, no root and no network.
    """
    from iptc_sim.kube import Settings, compile_services, load_cluster

    files = [_seed("services.yaml"), _seed("endpoints.yaml")]
    names = " ".join(item.name for item in files)
    settings = Settings(release="1.11")
    rules = compile_services(load_cluster(files, settings), settings)
    generate = f"iptc-sim generate kube {names} --release 1.11"
    _service(rules, generate)
    _packet(rules, generate)
    _compare(rules, names)
    _docker()


def _service(rules: Ruleset, command: str) -> None:
    from iptc_sim.syntax.write import write_save

    _head("Which rules does kube-proxy write for this Service?", f"{command} | grep my-nginx")
    write("\n".join(line for line in write_save(rules).splitlines() if "my-nginx" in line))


def _packet(rules: Ruleset, command: str) -> None:
    from iptc_sim.api import trace
    from iptc_sim.engine.outcomes import outcomes
    from iptc_sim.flows import NodeOptions, read_node
    from iptc_sim.kube.names_of import names_of
    from iptc_sim.render import render_odds, render_path

    node = read_node(NodeOptions(iface=INTERFACES))
    flags = " ".join(f"--iface {text}" for text in INTERFACES)
    found, labels = trace(rules, POD, node), names_of(rules)
    _head(
        "What happens to a pod's connection to it?",
        f"{command} > node.save",
        f"iptc-sim trace node.save {flags} --flow '{POD}'",
    )
    write(render_path(found, labels))
    _head("With which odds?", f"iptc-sim odds node.save {flags} --flow '{POD}'")
    write(render_odds(found, outcomes(found), labels))
    pick = "172.17.0.4:80"
    _head(
        "And if an endpoint reaches itself by its own Service?",
        f"iptc-sim trace node.save {flags} --flow '{HAIRPIN}' --pick {pick}",
    )
    write(render_path(trace(rules, HAIRPIN, node, pick=pick), labels))


def _compare(rules: Ruleset, names: str) -> None:
    from iptc_sim.compare import diff
    from iptc_sim.kube.expected import only_kube_chains
    from iptc_sim.kube.names_of import names_of
    from iptc_sim.render import render_diff
    from iptc_sim.syntax import parse

    dump = _seed("kube-nat.rules")
    found = parse(dump)
    _head(
        "Does the node have the rules that it should have?",
        f"iptc-sim diff --release 1.11 --expect-kube {names} {dump.name}",
    )
    expected, actual = only_kube_chains(rules), only_kube_chains(found)
    write(render_diff(diff(expected, actual), ("expected", dump.name), names_of(found)))


def _docker() -> None:
    from iptc_sim.api import trace
    from iptc_sim.render import render_path
    from iptc_sim.syntax import parse

    dump = _seed("docker-nat.rules")
    rules = parse(dump)
    write("\n## A container is published with -p 127.0.0.2:8080:80; these are its rules\n")
    write(dump.text)
    for title, flow in DOCKER:
        _head(title, f"iptc-sim trace {dump.name} --flow '{flow}'")
        write(render_path(trace(rules, flow)))


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("demo", epilog=EPILOG)(demo)
