"""``diff --format patch``: what real iptables makes of A and the patch is what it makes of B.

``IPTC_PATCHES=500`` tries that many pairs; the suite tries 30.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Self

import pytest

from iptc_sim.compare import patch
from iptc_sim.kernel import requirements
from iptc_sim.kernel.errors import KernelError
from iptc_sim.kernel.namespace import Namespace
from iptc_sim.syntax import parse
from iptc_sim.values import Family, Variant
from tests.kernel.mutated import Mutated

pytestmark = pytest.mark.kernel
COUNT = int(os.environ.get("IPTC_PATCHES", "30"))


class Machine:
    """A namespace with one iptables."""

    def __init__(self, variant: Variant, family: Family) -> None:
        self._name = f"ip{'6' if family is Family.IPV6 else ''}tables-{variant}"
        self._namespace = Namespace()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._namespace.close()

    def restore(self, text: str, *more: str) -> None:
        """Load a text.

        Raises:
            KernelError: it is refused.
        """
        self._namespace.run([f"{self._name}-restore", *more], text)

    def saved(self) -> dict[str, list[str]]:
        """Return the tables with their lines; those that say nothing are left out."""
        tables: dict[str, list[str]] = {}
        lines: list[str] = []
        for line in self._namespace.run([f"{self._name}-save"]).splitlines():
            if line.startswith("*"):
                tables[line] = lines = []
            elif not line.startswith("#"):
                lines.append(re.sub(r" \[\d+:\d+\]$", "", line))
        return {name: lines for name, lines in tables.items() if any(_says_something(line) for line in lines)}


def _says_something(line: str) -> bool:
    return line != "COMMIT" and not re.fullmatch(r":[A-Z]+ ACCEPT", line)


def _by_patch(a: str, b: str, family: Family, variant: Variant) -> str | None:
    """Return what differs, empty for nothing; None where iptables does not take A or B."""
    with Machine(variant, family) as one, Machine(variant, family) as other:
        try:
            one.restore(a)
            other.restore(b)
        except KernelError:
            return None
        text = patch(parse(a, family=family, variant=variant), parse(b, family=family, variant=variant))
        try:
            one.restore(text, "--noflush")
        except KernelError as error:
            return f"{error}\n{a}\n{text}"
        if one.saved() == other.saved():
            return ""
        return f"A\n{a}\nB\n{b}\npatch\n{text}\ncame out\n{one.saved()}\nwanted\n{other.saved()}"


def _pairs() -> Iterator[tuple[int, Family, Variant]]:
    for seed in range(COUNT):
        yield seed, Family.IPV6 if seed % 6 > 3 else Family.IPV4, list(Variant)[seed % 2]


def test_a_patch_turns_a_into_b() -> None:
    for variant in Variant:
        if reason := requirements(variant):
            pytest.skip(reason)
    found = {
        (seed, str(variant)): _by_patch(*Mutated(seed, family, variant).pair(), family, variant)
        for seed, family, variant in _pairs()
    }
    refused = [key for key, text in found.items() if text is None]
    wrong = [(key, text) for key, text in found.items() if text]
    assert not wrong, f"{len(wrong)} of {len(found)} pairs, {len(refused)} refused\n" + "\n".join(map(str, wrong[0]))
    assert len(refused) <= COUNT / 10, refused


@pytest.mark.parametrize("variant", Variant)
def test_rules_that_stay_keep_their_counters(variant: Variant) -> None:
    if reason := requirements(variant):
        pytest.skip(reason)
    rules = [f"-A INPUT -s 10.0.0.{number}/32 -j ACCEPT" for number in range(1, 9)]
    counted = "".join(f"[{number}:{number}00] {rule}\n" for number, rule in enumerate(rules, 1))
    before, after = f"*filter\n{counted}COMMIT\n", "\n".join(["*filter", *rules[1:], rules[0], "COMMIT", ""])
    namespace = Namespace()
    try:
        namespace.run([f"iptables-{variant}-restore", "-c"], before)
        text = patch(parse(before, variant=variant), parse(after, variant=variant))
        namespace.run([f"iptables-{variant}-restore", "--noflush"], text)
        saved = namespace.run([f"iptables-{variant}-save", "-c"]).splitlines()
    finally:
        namespace.close()
    found = [line for line in saved if line.startswith("[")]
    assert found == [*counted.splitlines()[1:], f"[0:0] {rules[0]}"]
