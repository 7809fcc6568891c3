"""The dumps of the benchmarks are such as iptables itself prints."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

from tests.bench.dumps import dump
from tests.bench.shapes import dump as dump_of_shapes

pytestmark = pytest.mark.kernel


@pytest.fixture
def inside(variant: str) -> Iterator[list[str]]:
    """How a command is run in a network namespace of its own; ``variant`` skips where there can be none."""
    name = f"dumps{os.getpid()}{variant}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        yield ["ip", "netns", "exec", name]
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True)


def test_a_dump_comes_back_as_it_was_loaded(variant: str, inside: list[str]) -> None:
    text = dump(60, 3)
    subprocess.run([*inside, f"iptables-{variant}-restore"], input=text, text=True, check=True)
    saved = subprocess.run([*inside, f"iptables-{variant}-save"], capture_output=True, text=True, check=True).stdout
    kept = [line for line in saved.splitlines() if line[:1] != "#" and "Legacy tables" not in line]
    assert sorted(kept) == sorted(text.splitlines())


def test_iptables_takes_rules_of_all_shapes(variant: str, inside: list[str]) -> None:
    text = dump_of_shapes(300)
    command = [*inside, f"iptables-{variant}-restore", "--test"]
    assert subprocess.run(command, input=text, text=True, check=False, capture_output=True).returncode == 0
