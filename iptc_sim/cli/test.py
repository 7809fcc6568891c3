"""``iptc-sim test``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iptc_sim.cli.common import NO, VariantFlag, one_of, say, usage, write, write_exactly

if TYPE_CHECKING:
    from collections.abc import Iterator

    from iptc_sim.expect import AnyCase, InKernel
    from iptc_sim.render.tested import FileResult

EPILOG = """Examples:

\b
  iptc-sim test fixtures/example-project
  iptc-sim test web.flows.yaml -k ssh --format tap
  iptc-sim test tests/ --format junit --output report.xml
  iptc-sim test new.flows.yaml --record
  sudo iptc-sim test web.flows.yaml --verify
  iptc-sim test --schema > flows-1.json

A file says where the rules come from, what is known of the node, what is expected of which packets, and what is claimed
of the rules as a whole, for all packets (diff --behaviour and check --lint tell the same):

\b
  version: 1
  rules: node.save
  node: {interfaces: {eth0: [192.0.2.10/24]}}
  flows:
    ssh-is-closed:
      flow: tcp 203.0.113.5:40000 -> 192.0.2.10:22 in eth0
      expect: {dropped-by: filter/INPUT:policy}
  rulesets:
    same-as-released: {equivalent-to: released.save}
    nothing-odd: {no-findings: {except: [IPT106]}}

Status: 0 everything holds, 1 something does not, 2 a file cannot be understood."""


def run_flows(
    *,
    files: Annotated[
        list[str] | None,
        typer.Argument(metavar="FILE|DIR", help="*.flows.yaml files, or folders with such files in them."),
    ] = None,
    output_format: Annotated[str, typer.Option("--format", help="text, json, junit or tap.")] = "text",
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="Write the report there; the count stays on stdout.")
    ] = None,
    only: Annotated[str, typer.Option("-k", metavar="TEXT", help="Only those whose name has this text in it.")] = "",
    record: Annotated[
        bool, typer.Option("--record", help="Write what happens today for flows that have no expectation.")
    ] = False,
    verify: Annotated[bool, typer.Option("--verify", help="Also send them through the kernel (needs root).")] = False,
    variant: VariantFlag = "nft",
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON schema of flows files.")] = False,
) -> None:
    """Run flows files: packets and what is expected to become of them, and claims about rules."""
    from iptc_sim.render.tested import Status, total
    from iptc_sim.render.tested_data import render_junit, results_json
    from iptc_sim.render.tested_text import render_tap, render_tests, summary

    formats = {"text": render_tests, "json": results_json, "junit": render_junit, "tap": render_tap}
    one_of(output_format, tuple(formats), "--format")
    if schema:
        from iptc_sim.resources import resource_text

        write_exactly(resource_text("iptc_sim", "render", "schemas", "flows-1.json"))
        return
    if not files:
        raise usage("no flows file is given", "test", "FILE.flows.yaml, or a folder with such files")
    if record and verify:
        raise usage("they exclude each other", "--record and --verify")
    done = list(_run(files, only, record=record, kernel=_kernel(variant) if verify else None))
    if not any(file.flows for file in done):
        raise usage(f"nothing has {only} in its name", "-k")
    text = formats[output_format](done)
    if output is None:
        write(text)
    else:
        _save(output, text)
        write(summary(done))
    if total(done, Status.PASSED) < sum(len(file.flows) for file in done):
        raise typer.Exit(NO)


def _kernel(variant: str) -> InKernel:
    """Return the kernel's side.

    Raises:
        UsageError: IPT004, this machine cannot do it.
    """
    from iptc_sim.expect import InKernel
    from iptc_sim.kernel import requirements
    from iptc_sim.values import Variant

    back_end = Variant(one_of(variant, tuple(Variant), "--variant"))
    if reason := requirements(back_end):
        needs = "root on Linux, ip, nft, iptables and ip6tables of the variant; a container needs CAP_NET_ADMIN"
        raise usage(f"the kernel cannot be asked: {reason}", "--verify", needs)
    return InKernel(back_end)


def _run(names: list[str], only: str, *, record: bool, kernel: InKernel | None) -> Iterator[FileResult]:
    from iptc_sim.expect import find_files, load, read_flows_file, run
    from iptc_sim.expect.recording import record_file

    def wanted(case: AnyCase) -> bool:
        return only.lower() in case.name.lower()

    for name in find_files(names):
        loaded = load(read_flows_file(Path(name), recording=record))
        say(loaded.notes)
        yield record_file(loaded, Path(name), wanted) if record else run(loaded, wanted, kernel)


def _save(path: Path, text: str) -> None:
    """Write a report.

    Raises:
        UsageError: IPT004, it cannot be written.
    """
    try:
        path.write_text(text)
    except OSError as error:
        raise usage(f"it cannot be written: {os.strerror(error.errno or 0).lower()}", f"--output {path}") from error


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("test", epilog=EPILOG)(run_flows)
