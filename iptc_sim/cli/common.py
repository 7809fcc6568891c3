"""What the commands share: reading inputs, options for rules, flows and nodes, and where output goes."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from iptc_sim.records import dataclass, replace

if TYPE_CHECKING:
    from iptc_sim.connection import Flow
    from iptc_sim.diagnostics import Diagnostic, SourceFile
    from iptc_sim.flows.resolver import Resolver
    from iptc_sim.node import Node
    from iptc_sim.ruleset import Ruleset
    from iptc_sim.syntax import Findings

#: Exit statuses: the answer is yes, the answer is no, the question or the input is wrong.
NO: Final = 1
WRONG: Final = 2

#: How many warnings and notes a command tells besides its answer.
SAID = 20

Rules = Annotated[
    list[str],
    typer.Argument(
        metavar="RULES", help="iptables-save or iptables -S text, or the JSON of parse; several files join; - is stdin."
    ),
]
RulesOrBundle = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="RULES",
        help="As iptables-save or iptables -S print them, or the JSON of parse, or a folder of capture; "
        "several files join; - is stdin; left out: those of --node.",
    ),
]


VariantFlag = Annotated[
    str, typer.Option("--variant", help="nft or legacy: which of the two iptables the rules are for.")
]


@dataclass(frozen=True)
class DumpFlags:
    """What a dump does not say of itself."""

    table: Annotated[
        str | None,
        typer.Option("--table", help="Table of an iptables -S listing (default: guessed, and said)."),
    ] = None
    family: Annotated[str | None, typer.Option("--family", help="4 or 6 (default: seen from the text).")] = None
    variant: VariantFlag = "nft"


@dataclass(frozen=True)
class ReadFlags(DumpFlags):
    """How a dump is read."""

    as_is: Annotated[
        bool,
        typer.Option("--as-is", help="Take an excerpt without the jumps that dockerd and kube-proxy always write."),
    ] = False


@dataclass(frozen=True)
class FlowFlags:
    """Which packets are sent."""

    flow: Annotated[
        list[str] | None, typer.Option("--flow", "-f", metavar="FLOW", help="A packet in words; repeatable.")
    ] = None
    flows: Annotated[str | None, typer.Option("--flows", metavar="FILE", help="A file with one flow a line.")] = None
    pcap: Annotated[
        Path | None, typer.Option("--pcap", metavar="FILE", help="Captured packets (needs iptc-sim[pcap]).")
    ] = None
    proto: Annotated[str | None, typer.Option("--proto", "-p", help="Protocol (default: tcp).")] = None
    src: Annotated[str | None, typer.Option("--src", "-s", metavar="ADDR", help="Source address.")] = None
    dst: Annotated[str | None, typer.Option("--dst", "-d", metavar="ADDR", help="Destination address.")] = None
    sport: Annotated[int | None, typer.Option("--sport", help="Source port.")] = None
    dport: Annotated[int | None, typer.Option("--dport", help="Destination port.")] = None
    in_interface: Annotated[
        str | None, typer.Option("--in-interface", "-i", metavar="IFACE", help="By which it comes in.")
    ] = None
    from_host: Annotated[bool, typer.Option("--from-host", help="It is made on the node.")] = False
    mark: Annotated[str | None, typer.Option("--mark", help="The nfmark that it has already.")] = None
    ct: Annotated[
        str | None, typer.Option("--ct", help="Its ctstate: new, established, related, invalid, untracked.")
    ] = None


@dataclass(frozen=True)
class NodeFlags:
    """What is known of the machine."""

    node: Annotated[
        Path | None,
        typer.Option("--node", metavar="DIR", help="A folder of capture: addr.json (ip -j addr) and more."),
    ] = None
    local: Annotated[
        list[str] | None, typer.Option("--local", metavar="ADDR", help="An address of the node; repeatable.")
    ] = None
    iface: Annotated[
        list[str] | None, typer.Option("--iface", metavar="NAME=ADDR/LEN", help="An interface; repeatable.")
    ] = None
    route: Annotated[
        list[str] | None,
        typer.Option("--route", metavar="ROUTE", help="'default via 192.0.2.1 dev eth0'; repeatable."),
    ] = None


def say(diagnostics: Iterable[Diagnostic]) -> None:
    """Write diagnostics to stderr, the first of them where they are many."""
    shown, more = (found := list(diagnostics))[:SAID], len(found) - SAID
    for item in shown:
        sys.stderr.write(f"{item.render()}\n")
    if more > 0:
        sys.stderr.write(f"  and {more} more; iptc-sim check tells them all\n")


def write(text: str) -> None:
    """Write an answer to stdout."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def write_exactly(text: str) -> None:
    """Write text that a program reads back to stdout; only on a terminal are control characters escaped."""
    from iptc_sim.diagnostics import printable

    if sys.stdout.isatty():
        text = "\n".join(map(printable, text.split("\n")))
    sys.stdout.write(text)


def usage(message: str, subject: str, expected: str = "", hint: str = "") -> Exception:
    """Return the error of a command line that does not fit together."""
    from iptc_sim.diagnostics import Diagnostic, UsageError

    return UsageError(Diagnostic("IPT004", message, subject=subject, expected=expected, hint=hint))


def one_of(value: str, choices: tuple[str, ...], option: str) -> str:
    """Return the value of an option with fixed choices.

    Raises:
        UsageError: it is none of them.
    """
    from iptc_sim.diagnostics import suggestion

    if value not in choices:
        raise usage(f"{value} is not one of its values", option, " or ".join(choices), suggestion(value, choices))
    return value


def read_input(name: str) -> SourceFile:
    """Read a file, or stdin for ``-``.

    Raises:
        InputError: it cannot be read or is not text.
    """
    from iptc_sim.diagnostics import MAX_INPUT_BYTES, decode_source, read_source

    if name == "-":
        return decode_source("<stdin>", sys.stdin.buffer.read(MAX_INPUT_BYTES))
    return read_source(name, Path(name))


def read_ruleset(names: list[str], flags: DumpFlags) -> Ruleset:
    """Read dumps, or the JSON of one, into a ruleset and say what was noticed.

    Raises:
        InputError: they cannot be used.
    """
    return usable(examine_sources([read_input(name) for name in names], flags))


def usable(found: Findings) -> Ruleset:
    """Return the ruleset and say what was noticed.

    Raises:
        InputError: it cannot be used.
    """
    from iptc_sim.diagnostics import InputError

    if found.errors:
        raise InputError(*found.errors)
    say(found.ruleset.notes)
    return found.ruleset


def examine_sources(
    sources: list[SourceFile],
    flags: DumpFlags,
    *,
    strict: bool = False,
    objects: Mapping[str, Collection[str]] | None = None,
) -> Findings:
    """Return everything that is found in dumps, or in the JSON of one.

    Raises:
        UsageError: JSON does not stand alone, or is of another family than the one asked for; a flag is wrong.
    """
    from iptc_sim.ruleset import BUILTIN_CHAINS
    from iptc_sim.syntax import examine
    from iptc_sim.values import Family, Variant

    family = None if flags.family is None else Family(int(one_of(flags.family, ("4", "6"), "--family")))
    table = None if flags.table is None else one_of(flags.table, tuple(BUILTIN_CHAINS), "--table")
    reads = Variant(one_of(flags.variant, tuple(Variant), "--variant"))
    if not any(map(is_json, sources)):
        return examine(sources, family=family, table=table, strict=strict, variant=reads, objects=objects)
    if len(sources) > 1:
        raise usage("a ruleset in JSON does not join with other files", "RULES", "one file")
    from iptc_sim.interchange import examine_json

    found = examine_json(sources[0], strict=strict, variant=reads, objects=objects)
    if family not in {None, found.ruleset.family} and not found.errors:
        raise usage(f"{sources[0].name} is of IPv{int(found.ruleset.family)}", "--family")
    return found


def is_json(source: SourceFile) -> bool:
    """Whether a text is JSON: no line of a dump begins with a brace."""
    return re.match(r"\s*\{", source.text) is not None


def with_bundle(
    names: list[str] | None, read: DumpFlags, node: NodeFlags, flows: list[Flow]
) -> tuple[list[str], NodeFlags]:
    """Return the files of rules and the node, where RULES is a bundle, or is left out and the node is one.

    Args:
        names: RULES.
        read: tells the family, which ``flows`` tell otherwise.
        node: the node.
        flows: the packets.

    Raises:
        UsageError: IPT004, no rules are given.
    """
    folders = [name for name in names or () if name != "-" and Path(name).is_dir()]
    if names and not folders:
        return names, node
    if len(names or ()) > 1:
        raise usage("a folder does not join with other files", "RULES", "one folder of capture, or files")
    folder = Path(folders[0]) if folders else node.node
    if folder is None:
        raise usage("no rules are given", "RULES", "a dump, or a folder of capture")
    from iptc_sim.flows.bundle import RULES

    family = int(read.family) if read.family in {"4", "6"} else flows[0].packet.family if flows else 4
    return [str(folder / RULES[family])], node if node.node else replace(node, node=folder)


def read_node_flags(flags: NodeFlags) -> Node:
    """Return the node that the options describe."""
    from iptc_sim.flows import NodeOptions, read_node

    return read_node(
        NodeOptions(tuple(flags.local or ()), tuple(flags.iface or ()), tuple(flags.route or ()), flags.node)
    )


def read_flows(flags: FlowFlags, names: Resolver | None = None) -> Iterator[Flow]:
    """Yield the packets that the options name, in order.

    Args:
        flags: the options.
        names: knows what names of objects stand for.

    Raises:
        UsageError: IPT004, they name none.
        InputError: one cannot be read.
    """
    from iptc_sim.flows import EXAMPLE, parse_flow

    given = False
    for text in flags.flow or ():
        given = True
        yield _amend(parse_flow(text, names=names), flags)
    if flags.flows is not None:
        given = True
        source = read_input(flags.flows)
        for number, line in enumerate(source.text.split("\n"), 1):
            if line.strip() and not line.lstrip().startswith("#"):
                flow = parse_flow(line.rstrip("\r"), line=number, source=source, names=names)
                yield _amend(flow, flags)
    if flags.pcap is not None:
        given = True
        yield from _captured(flags)
    if flags.dst is not None or flags.src is not None:
        given = True
        yield _described(flags, names)
    if not given:
        raise usage("no packet is given", "trace", f"--flow '{EXAMPLE}', --src and --dst, --flows or --pcap")


def _described(flags: FlowFlags, names: Resolver | None) -> Flow:
    from iptc_sim.flows import parse_flow

    if flags.src is None or flags.dst is None:
        raise usage(
            "a packet needs both addresses",
            "--src and --dst",
            "--src ADDR --dst ADDR [--proto P] [--dport N]",
        )
    words = [flags.proto or "tcp", _endpoint(flags.src, flags.sport), "->", _endpoint(flags.dst, flags.dport)]
    return _amend(parse_flow(" ".join(words), name="--src/--dst", names=names), flags)


def _endpoint(address: str, port: int | None) -> str:
    if port is None:
        return address
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _captured(flags: FlowFlags) -> Iterator[Flow]:
    from iptc_sim.connection import Flow
    from iptc_sim.flows import read_pcap
    from iptc_sim.values import UNKNOWN

    incoming: Any = None if flags.from_host else flags.in_interface or UNKNOWN
    for packet in read_pcap(flags.pcap or Path(), incoming):
        yield _amend(Flow(packet), flags)


def _amend(flow: Flow, flags: FlowFlags) -> Flow:
    """Add to a flow what options say for all of them."""
    from iptc_sim.flows import clause

    packet = flow.packet
    if flags.from_host:
        packet = replace(packet, in_interface=None)
    elif flags.in_interface is not None:
        packet = replace(packet, in_interface=flags.in_interface)
    flow = replace(flow, packet=packet)
    for option, value in (("mark", flags.mark), ("ct", flags.ct)):
        if value is not None:
            flow = clause(flow, option, value)
    return flow
