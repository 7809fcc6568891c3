"""Every example of the README is run: what it shows is what is printed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT

README = (CHECKOUT / "README.md").read_text()
CONSOLE = [block for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL) if "venv" not in block]
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("block", CONSOLE)
def test_console_examples(block: str, tmp_path: Path) -> None:
    launcher = tmp_path / "iptc-sim"
    launcher.write_text(f"#!/bin/sh\nexec {sys.executable} -c 'from iptc_sim.cli import main; main()' \"$@\"\n")
    launcher.chmod(0o755)
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    for example in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, expected = example.partition("\n")
        command = command.replace("/tmp/", f"{tmp_path}/")
        done = subprocess.run(
            ["sh", "-c", command],
            capture_output=True,
            text=True,
            cwd=CHECKOUT,
            env=environment,
            timeout=60,
            check=False,
        )
        assert done.stdout == expected, command


def test_python_example() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PYTHON[0]], capture_output=True, text=True, cwd=CHECKOUT, timeout=60, check=True
    )
    assert done.stdout.strip() == PYTHON[0].rsplit("# ", 1)[1].strip()


def test_pytest_example(pytester: pytest.Pytester, seed: Path) -> None:
    (pytester.path / "docker-nat.rules").write_text((seed / "docker-nat.rules").read_text())
    pytester.makepyfile(PYTHON[1])
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_the_blocks_are_found() -> None:
    assert (len(CONSOLE), len(PYTHON)) == (5, 2)
