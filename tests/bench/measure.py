"""What the benchmarks share: CPU seconds of whole processes in one interleaved run, and tables for the README."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

CHECKOUT = Path(__file__).resolve().parent.parent.parent
#: Runs one more time than it measures: the first fills the page cache and writes the compiled modules.
UNMEASURED = 1


@dataclass(frozen=True, slots=True)
class Ran:
    """What one process took.

    Args:
        cpu: seconds, user and system.
        peak: resident memory at its highest, in MB.
        out: what it printed.
    """

    cpu: float
    peak: float
    out: str


@dataclass(frozen=True, slots=True)
class Series:
    """What the processes of one command took, repetition by repetition."""

    runs: tuple[Ran, ...]

    @property
    def cpu(self) -> float:
        """The median of the CPU seconds."""
        return median(run.cpu for run in self.runs)

    @property
    def peak(self) -> float:
        """The median of the memory peaks, in MB."""
        return median(run.peak for run in self.runs)

    def ratio(self, base: Series) -> float:
        """Return the median of the ratios to the CPU seconds of another command in the same repetition."""
        return median(run.cpu / other.cpu for run, other in zip(self.runs, base.runs, strict=True))


def environment(folder: Path) -> dict[str, str]:
    """Return an environment in which Python keeps compiled modules, in this folder, as for an installed program."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPYCACHEPREFIX": str(folder / "compiled"), "PYTHONPATH": str(CHECKOUT)}


def run(command: Sequence[str], folder: Path) -> Ran:
    """Run a command to its end in a process of its own.

    The peak cannot be below that of the process which starts it, so the benchmarks have their inputs written by others.

    Raises:
        RuntimeError: it fails.
    """
    out, err = folder / "out", folder / "err"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        child = subprocess.Popen(command, stdout=stdout, stderr=stderr, env=environment(folder), cwd=folder)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f"{' '.join(command)} gave {child.returncode}: {err.read_text(errors='replace')[-2000:]}")
    return Ran(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6, out.read_text(errors="replace"))


def interleaved(commands: Mapping[str, Sequence[str]], repetitions: int, folder: Path) -> dict[str, Series]:
    """Run commands in turn, so that whatever else the machine does meets all of them.

    Args:
        commands: by name.
        repetitions: how often each is measured.
        folder: a temporary one.
    """
    seen: dict[str, list[Ran]] = {name: [] for name in commands}
    for repetition in range(UNMEASURED + repetitions):
        for name, command in commands.items():
            ran = run(command, folder)
            if repetition >= UNMEASURED:
                seen[name].append(ran)
    return {name: Series(tuple(runs)) for name, runs in seen.items()}


def asked(noun: str, default: Sequence[str], everything: Sequence[str]) -> Sequence[str]:
    """Return the names (SxE) on the command line: the default without any, everything with ``--all``.

    Args:
        noun: what they are names of, for the one that is none.
    """
    names = [word for word in sys.argv[1:] if word != "--all"]
    if wrong := [name for name in names if not re.fullmatch(r"\d+x\d+", name)]:
        sys.exit(f"{wrong[0]} is no {noun}; SxE means S Services with E endpoints each")
    return names or (everything if "--all" in sys.argv else default)


def show(head: Sequence[str], names: Sequence[str], row: Callable[[str, Path], Sequence[str]]) -> None:
    """Measure what is asked for, a row each in a temporary folder, and print the table."""
    with tempfile.TemporaryDirectory() as folder:
        rows = [row(name, Path(folder)) for name in names]
    print("CPU seconds of whole processes; the ratios are medians of those of each repetition.\n")  # noqa: T201
    print(table(head, rows))  # noqa: T201


def python(code: str, *args: str | Path) -> list[str]:
    """Return the command that runs code in this Python."""
    return [sys.executable, "-c", code, *map(str, args)]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; columns after the first are aligned to the right."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    rule = [("-" * width) if not column else "-" * (width - 1) + ":" for column, width in enumerate(widths)]

    def line(cells: Sequence[str]) -> str:
        sized = [
            cell.rjust(width) if number else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return f"| {' | '.join(sized)} |"

    return "\n".join(map(line, [head, rule, *rows]))
