"""The package as a whole: its public names, its codes, its extensions."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import iptc_sim
import iptc_sim.kube
import iptc_sim.render
from iptc_sim.diagnostics import CODES, Diagnostic, InputError, SourceFile, Span, read_source
from iptc_sim.matches import MATCHES
from iptc_sim.services import service_port
from iptc_sim.targets import TARGETS
from tests.conftest import CHECKOUT


@pytest.mark.parametrize("package", [iptc_sim, iptc_sim.kube, iptc_sim.render])
def test_names_that_are_imported_when_used_are_those_listed(package: ModuleType) -> None:
    assert sorted(package.__all__) == sorted(name for names in package._HOMES.values() for name in names)
    for name in package.__all__:
        assert getattr(package, name) is not None
    with pytest.raises(AttributeError):
        _ = package.nosuch


def test_public_names_are_described() -> None:
    for name in iptc_sim.__all__:
        assert getattr(iptc_sim, name).__doc__, name


def test_import_order_does_not_change_what_a_name_is() -> None:
    code = "import iptc_sim.steps, iptc_sim.compare.structural, iptc_sim.api; from iptc_sim import trace, diff, odds; print(callable(trace), callable(diff), callable(odds))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.split() == ["True"] * 3


def test_every_code_in_the_sources_is_in_the_table_and_used() -> None:
    used = set()
    for path in (CHECKOUT / "iptc_sim").rglob("*.py"):
        if path.name not in {"diagnostics.py", "explanations.py"}:
            used |= set(re.findall(r"IPT\d{3}", path.read_text()))
    used |= set(re.findall(r'Diagnostic\("(IPT\d{3})', (CHECKOUT / "iptc_sim" / "diagnostics.py").read_text()))
    assert used == set(CODES)


def test_extensions_declare_what_the_parser_needs() -> None:
    for cls in (*MATCHES.all(), *TARGETS.all()):
        assert cls.NAME
        assert cls.__doc__
        names = [name for declared in cls.OPTIONS for name in declared.spellings]
        assert len(names) == len(set(names)), cls.NAME
        assert all(name.startswith("-") for name in names)
        module = sys.modules[cls.__module__]
        assert module.__name__.rsplit(".", 1)[1].removesuffix("_") == cls.NAME.lower()
    files = {path.stem.removesuffix("_") for path in (CHECKOUT / "iptc_sim" / "matches").glob("[!_]*.py")}
    assert {cls.NAME for cls in MATCHES.all()} == files
    files = {path.stem.removesuffix("_").upper() for path in (CHECKOUT / "iptc_sim" / "targets").glob("[!_]*.py")}
    assert {cls.NAME for cls in TARGETS.all()} == files


def test_source_positions() -> None:
    source = SourceFile("x", "ab\ncd\r\n\nlast")
    assert [source.line(number) for number in (0, 1, 2, 3, 4, 5)] == ["", "ab", "cd", "", "last", ""]
    assert [source.position(offset) for offset in (0, 2, 3, 8)] == [(1, 1), (1, 3), (2, 1), (4, 1)]


def test_a_diagnostic_is_a_record_first() -> None:
    found = Diagnostic("IPT010", "no", span=Span(SourceFile("x", "abc"), 1, 2, 1), hint="try")
    assert found.as_dict() == {
        "code": "IPT010", "severity": "error", "message": "no", "file": "x", "line": 1, "column": 2, "hint": "try",
    }  # fmt: skip
    with pytest.raises(AssertionError):
        Diagnostic("IPT999", "no")


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_source("x", tmp_path / "x")
    assert caught.value.diagnostics[0].code == "IPT001"


def test_the_project_names_no_registry_and_no_machine() -> None:
    places = ["README.md", "pyproject.toml", "LICENSE", ".ci", "grammar", "fixtures", "iptc_sim", "tests"]
    listed = [CHECKOUT / place for place in places if (CHECKOUT / place).is_file()]
    listed += [path for place in places for path in (CHECKOUT / place).rglob("*") if "__pycache__" not in path.parts]
    assert len(listed) > 250
    for path in listed:
        if path.is_file() and path != Path(__file__):
            text = path.read_text(errors="replace")
            assert not re.search(r"://[a-z.]*(pypi|pythonhosted|npmjs)", text), path
            assert f"{CHECKOUT}/" not in text, path


def test_service_names_do_not_depend_on_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_name: str) -> int:
        raise OSError

    monkeypatch.setattr("socket.getservbyname", missing)
    assert [service_port(name) for name in ("ftp-data", "ssh", "domain", "http", "https")] == [20, 22, 53, 80, 443]
    assert service_port("nosuch") is None
