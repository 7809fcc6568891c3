"""``iptc-sim verify``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from iptc_sim.cli.common import (
    NO,
    FlowFlags,
    NodeFlags,
    ReadFlags,
    RulesOrBundle,
    one_of,
    read_flows,
    read_input,
    read_node_flags,
    read_ruleset,
    usage,
    with_bundle,
    write,
)
from iptc_sim.cli.grouped import grouped
from iptc_sim.cli.object_flags import ObjectFlags, read_named

if TYPE_CHECKING:
    from iptc_sim.values import Family, Variant
    from iptc_sim.verify import Totals

EPILOG = """Examples:

\b
  sudo iptc-sim capture node1 && sudo iptc-sim verify node1 --flow 'tcp 192.0.2.9:33000 -> 192.0.2.10:80 in eth0'
  sudo iptc-sim verify rules.txt --iface eth0=192.0.2.10/24 --iface eth1=10.0.0.1/24 --flows flows.txt
  sudo iptc-sim verify node1 --objects shop.yaml --flow 'tcp pod/shop/client -> svc/shop/edge:http in cni0'
  sudo iptc-sim verify --fuzz 5000 --seed 1 --variant legacy

Nothing outside of throw-away network namespaces is touched; they are gone when the command ends, however it ends.
Status: 0 both sides agree, 1 they differ, 2 the kernel cannot be asked."""


@grouped
def verify(
    *,
    rules: RulesOrBundle = None,
    flow: FlowFlags,
    read: ReadFlags,
    node: NodeFlags,
    objects: ObjectFlags,
    fuzz: Annotated[int | None, typer.Option("--fuzz", metavar="N", min=1, help="N random rulesets instead.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the first random ruleset; the next ones follow it.")] = 1,
    packets: Annotated[int, typer.Option("--packets", min=1, help="Sent through each random ruleset.")] = 20,
    sets: Annotated[str | None, typer.Option("--sets", metavar="FILE", help="What ipset save prints.")] = None,
    keep_going: Annotated[bool, typer.Option("--keep-going", help="Go on after a difference.")] = False,
) -> None:
    """Send the same packets through the simulator and the real kernel, and tell the first thing that differs."""
    from iptc_sim.kernel import KernelError, requirements
    from iptc_sim.values import Family, Variant

    back_end = Variant(one_of(read.variant, tuple(Variant), "--variant"))
    if reason := requirements(back_end):
        needs = "root on Linux, ip, nft, iptables and ip6tables of the variant; a container needs CAP_NET_ADMIN"
        raise usage(f"the kernel cannot be asked: {reason}", "verify", needs)
    families = tuple(Family) if read.family is None else (Family(int(one_of(read.family, ("4", "6"), "--family"))),)
    try:
        if fuzz is not None:
            if rules:
                raise usage("random rulesets take the place of RULES", "--fuzz")
            _fuzz(fuzz, seed, packets, back_end, families, keep_going=keep_going)
        else:
            _flows(rules, flow, read, node, objects, sets, back_end, keep_going=keep_going)
    except KernelError as error:
        raise usage(f"the kernel cannot be asked: {error}", "verify") from error


def _flows(
    rules: list[str] | None,
    flow: FlowFlags,
    read: ReadFlags,
    node: NodeFlags,
    objects: ObjectFlags,
    sets: str | None,
    variant: Variant,
    *,
    keep_going: bool,
) -> None:
    from iptc_sim.ipsets.text import read_ipsets
    from iptc_sim.records import replace
    from iptc_sim.syntax.write import write_save
    from iptc_sim.verify import Divergence, Totals, verify_flows
    from iptc_sim.verify.report import divergence_text

    named = read_named(objects, read.family)
    flows = list(read_flows(flow, named.names))
    named.tell()
    names, node = with_bundle(rules, read, node, flows)
    machine = read_node_flags(node)
    if not machine.known or not any(item.interface not in {"", "lo"} for item in machine.addresses):
        raise usage("the node must be known to be built", "verify", "--node DIR, or --iface NAME=ADDR/LEN")
    ruleset = read_ruleset(names, read)
    listing = read_input(sets).text if sets else _captured_sets(node)
    if listing:
        machine = replace(machine, sets=read_ipsets(listing))
    totals = Totals(rulesets=1)
    text = write_save(ruleset, variant=variant)
    for item, found in verify_flows(ruleset, text, flows, machine, variant=variant, sets=listing):
        totals.packets += 1
        if isinstance(found, Divergence):
            totals.divergences += 1
            write(divergence_text(found) + "\n")
            if not keep_going:
                break
        else:
            write(f"same: {item.packet}: {found[0].fate}")
    _tell(totals)


def _captured_sets(node: NodeFlags) -> str:
    path = node.node / "ipset.txt" if node.node else None
    return path.read_text() if path is not None and path.exists() else ""


def _fuzz(
    number: int, seed: int, packets: int, variant: Variant, families: tuple[Family, ...], *, keep_going: bool
) -> None:
    from iptc_sim.verify.fuzz import Fuzz
    from iptc_sim.verify.report import finding_text

    with Fuzz(variant, families, packets) as fuzz:
        for done, finding in enumerate(fuzz.run(seed, number), 1):
            _progress(done, number, fuzz.totals)
            if finding is not None:
                write(finding_text(finding) + "\n")
                if not keep_going:
                    break
        _progress(0, 0, fuzz.totals)
        _tell(fuzz.totals)


def _progress(done: int, number: int, totals: Totals) -> None:
    """Show on a terminal how far it is; ``number`` 0 wipes it away."""
    if not sys.stderr.isatty():
        return
    line = f"{done}/{number} rulesets, {totals.packets} packets, {totals.divergences} differ" if number else ""
    sys.stderr.write(f"\r\x1b[K{line}")
    sys.stderr.flush()


def _tell(totals: Totals) -> None:
    lines = [f"{totals.rulesets} rulesets, {totals.packets} packets, {totals.divergences} divergences"]
    if totals.branching:
        lines.append(f"{totals.branching} packets had several ways in the simulator, and took one of them")
    if totals.refused:
        names = ", ".join(f"{words} ({count})" for words, count in sorted(totals.refused.items()))
        lines.append(f"rules left out, which this kernel refuses: {names}")
    write("\n".join(lines))
    if totals.divergences:
        raise typer.Exit(NO)


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("verify", epilog=EPILOG)(verify)
