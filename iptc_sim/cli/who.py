"""``iptc-sim who``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iptc_sim.cli.common import NO, DumpFlags, one_of, read_input, say, usable, usage, write
from iptc_sim.cli.grouped import grouped

if TYPE_CHECKING:
    from collections.abc import Callable

    from iptc_sim.diagnostics import SourceFile
    from iptc_sim.kube.who import Known
    from iptc_sim.ruleset import Ruleset

EPILOG = """Examples:

\b
  iptc-sim who KUBE-SEP-J5WBW7HEOGAHN6ZG services.yaml endpoints.yaml
  iptc-sim who KUBE-SVC-BEPXDJBUHFCSYIC3 node.save
  iptc-sim who default/my-nginx 10.97.126.137:8125 172.17.0.6 objects.yaml node.save
  iptables-save | iptc-sim who KUBE-EXT-6DIQQWZY5FTPVDUK -

What is the name of a file is read: objects, or a dump, as its content tells; every other word is a name.
Exit status: 0 all names are known, 1 one is not, 2 wrong input."""

#: What only Kubernetes objects have; what only dumps have.
_OBJECTS = re.compile(r"""["']?apiVersion["']?\s*:""")
_RULES = re.compile(r"^(\*(filter|nat|mangle|raw|security)\b|-[APN] |\[\d+:\d+\] -A )", re.MULTILINE)


@grouped
def who(
    words: Annotated[
        list[str],
        typer.Argument(metavar="NAME... FILE...", help="Chains, NS/NAME[:PORT], addresses; and where to look."),
    ],
    read: DumpFlags,
    output: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
) -> None:
    """Tell what a chain of kube-proxy, an address or a Service stands for.

    The answer comes from objects, or from the comments and rules of a dump.
    """
    from iptc_sim.kube import Settings, load_cluster
    from iptc_sim.kube.who import Who

    one_of(output, ("text", "json"), "--format")
    files = [word for word in words if word == "-" or Path(word).exists()]
    names = [word for word in words if word not in files]
    if not names or not files:
        what = "name is given" if files else "file is given"
        raise usage(f"no {what}", "who", "NAME... FILE...: objects, a dump, or both")
    objects, dumps = _sorted(files)
    settings = Settings()
    cluster = None
    if objects:
        cluster = load_cluster(objects, settings)
    dump = _dump(dumps, read) if dumps else None
    answers = Who(cluster, settings, dump, ", ".join(item.name for item in dumps))
    told = [(name, answers.tell(name)) for name in names]
    say(known.note for _, found in told for known in found if known.note is not None)
    write(_json(told) if output == "json" else _text(told, answers.near))
    if not all(found for _, found in told):
        raise typer.Exit(NO)


def _sorted(files: list[str]) -> tuple[list[SourceFile], list[SourceFile]]:
    """Return the files of objects, and the dumps."""
    from iptc_sim.kube.sources import object_sources

    objects: list[SourceFile] = []
    dumps: list[SourceFile] = []
    for name in files:
        if name != "-" and Path(name).is_dir():
            objects += object_sources([name], read_input)
            continue
        source = read_input(name)
        is_dump = _RULES.search(source.text) is not None or _OBJECTS.search(source.text) is None
        (dumps if is_dump else objects).append(source)
    return objects, dumps


def _dump(dumps: list[SourceFile], read: DumpFlags) -> Ruleset:
    from iptc_sim.cli.common import examine_sources

    return usable(examine_sources(dumps, read))


def _text(told: list[tuple[str, list[Known]]], near: Callable[[str], str]) -> str:
    from iptc_sim.diagnostics import printable

    rows: list[tuple[str, str]] = []
    for name, found in told:
        rows += [(known.name, known.text) for known in found]
        if not found:
            hint = near(name)
            rows.append((name, f"not known{'; ' if hint else ''}{hint}"))
    width = min(40, max(len(name) for name, _ in rows))
    return "\n".join(printable(f"{name:<{width}}  {text}") for name, text in rows) + "\n"


def _json(told: list[tuple[str, list[Known]]]) -> str:
    import json

    rows = [{"asked": name, "answers": [_record(known) for known in found]} for name, found in told]
    return json.dumps({"schema": "iptc-sim/who/1", "names": rows}, indent=2)


def _record(known: Known) -> dict[str, str | bool | None]:
    record: dict[str, str | bool | None] = {"name": known.name, "text": known.text}
    if known.about is not None:
        about = known.about
        record |= {"kind": about.kind, "service": about.service, "endpoint": about.endpoint or None}
        record |= {"port": about.port or None, "told_by": about.told_by, "with_colon": about.with_colon}
    record["note"] = known.note.message if known.note else None
    return record


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("who", epilog=EPILOG)(who)
