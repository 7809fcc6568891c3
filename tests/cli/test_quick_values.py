"""Options get the same values with and without typer's judges, and pydantic is not loaded for words."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

from iptc_sim.cli.quick_values import quick

LINES: list[list[str]] = [
    ["x"],
    ["x", "y", "z"],
    ["x", "--text", "a", "--many", "b", "--many", "c"],
    ["x", "--text", "", "--maybe", "", "--flag", "--number", "7"],
    ["x", "--text=1", "--number", "14"],
    ["x", "--number", "-3", "--path", "some/where"],
    ["x", "--number", "seven"],
    ["x", "--number", "1.5"],
    ["x", "--text"],
    ["x", "--nothing"],
    [],
    ["--text", "a"],
]


def made(seen: list[dict[str, Any]]) -> typer.Typer:
    app = typer.Typer(add_completion=False, rich_markup_mode=None)

    @app.command()
    def command(
        files: list[str],
        text: str = "default",
        maybe: str | None = None,
        many: list[str] | None = None,
        number: int = 14,
        flag: bool = False,
        path: str | None = None,
    ) -> None:
        seen.append(dict(locals()) | {"seen": None})

    return app


@pytest.mark.parametrize("line", LINES, ids=" ".join)
def test_values_are_the_same(line: list[str]) -> None:
    slow: list[dict[str, Any]] = []
    fast: list[dict[str, Any]] = []
    told = CliRunner().invoke(made(slow), line)
    command: Any = quick(get_command(made(fast)))
    with pytest.raises(SystemExit) as end:
        command.main(args=line, prog_name="root", standalone_mode=True)
    assert (end.value.code, fast) == (told.exit_code, slow)
    assert [[(key, type(value)) for key, value in item.items()] for item in fast] == [
        [(key, type(value)) for key, value in item.items()] for item in slow
    ]


def test_words_do_not_load_pydantic() -> None:
    code = (
        "import sys\n"
        "from iptc_sim.cli import run\n"
        "status = run()\n"
        "sys.exit('pydantic' if 'pydantic' in sys.modules else status)"
    )
    words = ["generate", "kube", "-", "--cluster-cidr", "10.244.0.0/16", "--node-ip", "192.0.2.1"]
    objects = (
        "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {clusterIP: 10.96.0.9, ports: [{port: 80}]}\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], input=objects, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr.count("pydantic")) == (0, 0)
