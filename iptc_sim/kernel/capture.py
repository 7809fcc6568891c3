"""Collect a node bundle on the machine that this runs on: ask, change nothing, and write all or nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from iptc_sim.diagnostics import Diagnostic, InputError, UsageError
from iptc_sim.flows.bundle import FILES, BundleFile
from iptc_sim.records import dataclass

_TIMEOUT: Final = 60.0

#: sysctl tells of much that has nothing to do with packets, and that a bundle handed on should not tell.
_KEPT_SYSCTLS: Final = "net."


@dataclass(frozen=True, slots=True)
class Captured:
    """What was collected.

    Args:
        written: the files that were written.
        missing: the files that were not, with the reasons.
    """

    written: tuple[BundleFile, ...]
    missing: tuple[tuple[BundleFile, str], ...]


def capture(folder: Path, *, force: bool = False) -> Captured:
    """Write a node bundle.

    The commands of ``iptc_sim.flows.bundle.FILES`` are run by fixed argument lists. Their output is collected in a new
    folder beside the one asked for, which takes its place when everything is there.

    Args:
        folder: where to; made if it is not there.
        force: take the place of a bundle that is there; files that are no part of a bundle are left alone.

    Raises:
        UsageError: IPT004, there is something in the folder already, or it cannot be written.
        InputError: IPT042, this machine does not tell its addresses.
    """
    _check(folder, force=force)
    texts: dict[BundleFile, str] = {}
    missing: list[tuple[BundleFile, str]] = []
    for item in FILES:
        text, reason = _output_of(item)
        if reason:
            missing.append((item, reason))
        else:
            texts[item] = text
    if FILES[0] not in texts:
        message = f"this machine does not tell its addresses: {missing[0][1]}"
        raise InputError(
            Diagnostic("IPT042", message, subject="capture", hint="it takes ip of iproute2, 4.19 or newer")
        )
    try:
        _write(folder, texts)
    except OSError as error:
        raise _refuse(folder, f"it cannot be written: {(error.strerror or str(error)).lower()}") from error
    return Captured(tuple(texts), tuple(missing))


def _refuse(folder: Path, message: str, hint: str = "") -> UsageError:
    return UsageError(Diagnostic("IPT004", message, subject=str(folder), hint=hint))


def _check(folder: Path, *, force: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise _refuse(folder, "this is not a folder")
    if not force and folder.is_dir() and any(folder.iterdir()):
        raise _refuse(folder, "there is something in it already", "--force puts a new bundle in place of an old one")


def _output_of(item: BundleFile) -> tuple[str, str]:
    """Return what a command prints; or nothing, and why."""
    name = item.command[0]
    try:
        done = subprocess.run(
            item.command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT,
            check=False,
            env=os.environ | {"LC_ALL": "C"},
        )
    except FileNotFoundError:
        return "", f"{name} is not installed"
    except OSError as error:
        return "", f"{name} cannot be run: {error.strerror}"
    except subprocess.TimeoutExpired:
        return "", f"{' '.join(item.command)} did not end within {_TIMEOUT:g} s"
    text = done.stdout.decode(errors="replace")
    # sysctl fails for every switch that cannot be read, and tells all others.
    if done.returncode and not (name == "sysctl" and text):
        said = done.stderr.decode(errors="replace").strip().split("\n")[-1]
        return "", f"{' '.join(item.command)}: {said or f'exit status {done.returncode}'}"
    if name == "sysctl":
        text = "".join(f"{line}\n" for line in text.split("\n") if line.startswith(_KEPT_SYSCTLS))
    return text, ""


def _write(folder: Path, texts: dict[BundleFile, str]) -> None:
    parent = folder.absolute().parent
    parent.mkdir(parents=True, exist_ok=True)
    # Only its owner may read it: it tells who listens where.
    made = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=parent))
    try:
        for item, text in texts.items():
            (made / item.name).write_text(text, encoding="utf-8")
        if folder.is_dir() and any(folder.iterdir()):
            _replace(folder, made)
        else:
            made.rename(folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _replace(folder: Path, made: Path) -> None:
    """Put new files in place of those of an older bundle."""
    for item in FILES:
        if (made / item.name).exists():
            (made / item.name).replace(folder / item.name)
        else:
            (folder / item.name).unlink(missing_ok=True)
