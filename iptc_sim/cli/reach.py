"""``iptc-sim reach``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Final

import typer

from iptc_sim.cli.common import (
    NO,
    NodeFlags,
    ReadFlags,
    RulesOrBundle,
    one_of,
    read_node_flags,
    read_ruleset,
    usage,
    with_bundle,
    write,
)
from iptc_sim.cli.grouped import grouped
from iptc_sim.cli.object_flags import ObjectFlags, read_named
from iptc_sim.records import dataclass, replace

if TYPE_CHECKING:
    from iptc_sim.behaviour.reach_answer import Destination, Wanted
    from iptc_sim.cli.object_flags import Named
    from iptc_sim.values import Prefix

EPILOG = """Examples:

\b
  iptc-sim reach node.save --to 10.244.1.5:8080
  iptc-sim reach node.save --to 10.244.1.5:8080 --from 203.0.113.0/24 --dropped
  iptc-sim reach node.save --objects shop.yaml --to pod/shop/web-0 --masqueraded
  iptc-sim reach bundle/ --to 192.0.2.10:22 --state NEW,INVALID --format json

Packets are told as they enter the node, in classes; each class is confirmed by a trace. --dropped and --rejected tell
those that would end there if no rule dropped or rejected anything. Without a node (--node, --iface, --local) it is not
known which addresses are its own.
Exit status: 0 there are such packets, 1 there are none or it could not be decided, 2 wrong input."""

_TO: Final = "ADDR, ADDR:PORT, NETWORK, NETWORK:PORT, or pod/NS/NAME:PORT with --objects"
_LIMIT: Final = 20
#: A name of an object rather than an address.
_NAME: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9-]*(?:/|\.[a-zA-Z])")


@dataclass(frozen=True)
class AskFlags:
    """Which packets are asked for."""

    to: Annotated[str, typer.Option("--to", metavar="ADDR[:PORT]", help=f"Where they end: {_TO}.")] = ""
    source: Annotated[
        str | None, typer.Option("--from", metavar="NETWORK", help="Where they come from (default: anywhere).")
    ] = None
    dropped: Annotated[bool, typer.Option("--dropped", help="Those meant for it that are dropped.")] = False
    rejected: Annotated[bool, typer.Option("--rejected", help="Those meant for it that are rejected.")] = False
    masqueraded: Annotated[
        bool, typer.Option("--masqueraded", help="Only those that come there with another source.")
    ] = False
    state: Annotated[
        str, typer.Option("--state", metavar="STATES", help="Their ctstates: NEW,ESTABLISHED,RELATED,INVALID or all.")
    ] = "NEW"
    any_mark: Annotated[bool, typer.Option("--any-mark", help="Packets may come with a mark already.")] = False
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="How many classes are told.")] = _LIMIT


@grouped
def reach(
    *,
    rules: RulesOrBundle = None,
    ask: AskFlags,
    read: ReadFlags,
    node: NodeFlags,
    objects: ObjectFlags,
    output: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
) -> None:
    """Tell which packets end at an address, or are kept from it, and by which rules."""
    from iptc_sim.behaviour.reach import reach as run
    from iptc_sim.engine.excerpt import complete_excerpt
    from iptc_sim.kube.names_of import names_of

    one_of(output, ("text", "json"), "--format")
    named = read_named(objects, read.family)
    to = _destination(ask.to, named)
    named.tell()
    known = _is_told(node)
    # A bundle has rules of both families; what a dump holds is seen from its text.
    wanted = read if read.family is not None else replace(read, family=str(int(to.prefix.family)))
    names, node = with_bundle(rules, wanted, node, [])
    known = known or node.node is not None
    ruleset = read_ruleset(names, read)
    found = run(
        ruleset if read.as_is else complete_excerpt(ruleset),
        to,
        read_node_flags(node) if known else None,
        source=None if ask.source is None else _network(ask.source),
        wanted=_wanted(ask),
        states=_states(ask.state),
        marked=ask.any_mark,
        limit=ask.limit,
    )
    labels = names_of(found.ruleset, named.chains)
    if output == "json":
        from iptc_sim.render.reach_json import reach_json

        write(reach_json(found, labels))
    else:
        from iptc_sim.render.reach_text import render_reach

        write(render_reach(found, labels, names))
    if not found:
        raise typer.Exit(NO)


def _is_told(node: NodeFlags) -> bool:
    return any((node.node, node.local, node.iface, node.route))


def _wanted(ask: AskFlags) -> Wanted:
    from iptc_sim.behaviour.reach_answer import Wanted

    flags = {Wanted.DROPPED: ask.dropped, Wanted.REJECTED: ask.rejected, Wanted.MASQUERADED: ask.masqueraded}
    chosen = [wanted for wanted, flag in flags.items() if flag]
    if len(chosen) > 1:
        raise usage("they exclude each other", " and ".join(f"--{wanted}" for wanted in chosen))
    return chosen[0] if chosen else Wanted.REACHED


def _states(text: str) -> tuple[str, ...]:
    known = ("NEW", "ESTABLISHED", "RELATED", "INVALID")
    if text.lower() == "all":
        return known
    return tuple(one_of(word.strip().upper(), known, "--state") for word in text.split(","))


def _destination(text: str, named: Named) -> Destination:
    """Read ``--to``.

    Raises:
        UsageError: it is none.
        InputError: it is a name that stands for no address.
    """
    from iptc_sim.behaviour.reach_answer import Destination

    if not text:
        raise usage("no destination is given", "--to", _TO)
    if text.startswith("svc/"):
        raise usage(
            f"{text} is a Service; packets end at its endpoints", "--to", "pod/NS/NAME or an address",
            "iptc-sim endpoints tells which these are",
        )  # fmt: skip
    if _NAME.match(text):
        return _resolved(text, named)
    try:
        return Destination.parse(text)
    except ValueError:
        raise usage(f"{text} is not an address or network, with or without a port", "--to", _TO) from None


def _resolved(text: str, named: Named) -> Destination:
    """Return what a name of an object stands for.

    Raises:
        UsageError: nothing is known of it.
    """
    from iptc_sim.behaviour.reach_answer import Destination
    from iptc_sim.flows.resolver import NotResolvedError
    from iptc_sim.protocols import TCP
    from iptc_sim.values import Prefix

    if named.names is None:
        raise usage(f"{text} is a name, and no objects are given", "--to", "--objects FILE, or an address")
    try:
        found = named.names.resolve(text, TCP)
    except NotResolvedError as error:
        raise usage(str(error), "--to", error.expected, error.hint) from None
    if found is None:
        raise usage(f"{text} is not a name that objects have", "--to", _TO)
    return Destination(Prefix.of(found.address), found.port)


def _network(text: str) -> Prefix:
    """Read ``--from``.

    Raises:
        UsageError: it is no network.
    """
    from iptc_sim.values import Prefix

    try:
        return Prefix.parse(text)
    except ValueError:
        raise usage(f"{text} is not an address or network", "--from", "ADDR or NETWORK") from None


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("reach", epilog=EPILOG)(reach)
