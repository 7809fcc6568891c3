"""What the tests share."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# The same examples in every run, however slow the machine is; IPTC_RANDOM=1 draws others.
settings.register_profile(
    "suite",
    deadline=None,
    derandomize="IPTC_RANDOM" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("suite")

pytest_plugins = ["pytester"]

CHECKOUT = Path(__file__).resolve().parent.parent


@pytest.hookimpl(tryfirst=True)  # ahead of xdist, which looks for the marks there
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests that ask the kernel in one process: they wait for it, and time passes in them."""
    if config.pluginmanager.hasplugin("xdist"):
        for item in items:
            if item.get_closest_marker("kernel"):
                item.add_marker(pytest.mark.xdist_group("kernel"))


@pytest.fixture(scope="session")
def seed() -> Path:
    """The folder of the seed fixtures."""
    return CHECKOUT / "fixtures" / "seed"


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of the corpora; the test is skipped where there is none."""
    folder = Path(os.environ.get("IPTC_CORPORA", CHECKOUT.parent / "shared" / "corpora"))
    if not folder.is_dir():
        pytest.skip(f"no corpora at {folder}; IPTC_CORPORA says where they are")
    return folder


@dataclass(frozen=True)
class Ran:
    """What a command printed."""

    status: int
    out: str
    err: str


@pytest.fixture(scope="session")
def iptc_sim() -> Runner:
    """Runs the command line in a process of its own, as a user does."""
    return Runner()


class Runner:
    """Calls ``iptc-sim ARGS``."""

    def __call__(self, *args: str | Path, stdin: str | bytes = b"", cwd: Path | None = None) -> Ran:
        data = stdin.encode() if isinstance(stdin, str) else stdin
        command = [sys.executable, "-c", "from iptc_sim.cli import main; main()", *map(str, args)]
        done = subprocess.run(command, input=data, capture_output=True, timeout=120, check=False, cwd=cwd or CHECKOUT)
        return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())
