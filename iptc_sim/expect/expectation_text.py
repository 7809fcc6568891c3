"""From the form of an expectation to what it says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from iptc_sim.connection import Flow
from iptc_sim.expect.expected import STOPPED, Expected
from iptc_sim.expect.faults import Faults
from iptc_sim.expect.forms import Given
from iptc_sim.expect.values import (
    ANY,
    Chance,
    Destination,
    Place,
    read_chance,
    read_code,
    read_destination,
    read_mark,
    read_place,
)
from iptc_sim.flows.resolver import NotResolvedError, Resolver
from iptc_sim.kube.yaml_values import Marked
from iptc_sim.steps import Fate
from iptc_sim.targets.reject import RejectType
from iptc_sim.values import MaskedMark

T = TypeVar("T")

_PLACE: Final = "[TABLE/]CHAIN[:NUMBER or :policy], such as filter/INPUT:policy"


def read_expected(form: Given, flow: Flow, names: Resolver | None, faults: Faults) -> Expected:
    """Return an expectation.

    Args:
        form: of the right form.
        flow: that it is about; its protocol and family tell how destinations are read.
        names: knows what names of objects stand for.
        faults: takes what is wrong.
    """
    return _Reader(form, flow, names, faults).expected()


class _Reader:
    def __init__(self, form: Given, flow: Flow, names: Resolver | None, faults: Faults) -> None:
        self.form, self.packet, self.names, self.faults = form, flow.packet, names, faults

    def expected(self) -> Expected:
        """Return the expectation; parts that are wrong are left out and noted."""
        return Expected(
            reaches=self._destinations("reaches"),
            may_reach=self._destinations("may-reach"),
            odds=self._odds(),
            masqueraded=self._masqueraded(),
            dropped_by=self._by("dropped-by"),
            rejected_with=self._code(),
            rejected_by=self._by("rejected-by"),
            via=tuple(found for item in self.form.items("via") if (found := self._read(item, read_place, _PLACE))),
            translated_to=self._destination(self.form.at("translated-to")) if "translated-to" in self.form else None,
            mark=self._mark(),
            local=self.form.truth("local"),
        )

    def _read(self, at: Marked, read: Callable[[str], T], expected: str) -> T | None:
        try:
            return read(at.text or "")
        except NotResolvedError as error:
            self.faults.add(at, str(error), error.expected, error.hint)
        except ValueError as error:
            self.faults.add(at, str(error), expected)
        return None

    def _destination(self, at: Marked) -> Destination | None:
        return self._read(at, self._to_destination, "ADDRESS or ADDRESS:PORT of the flow's family, or a name")

    def _to_destination(self, text: str) -> Destination:
        found = read_destination(text, self.packet.protocol, self.names)
        if found.address.version != int(self.packet.family):
            raise ValueError(f"{text} is of IPv{found.address.version}, and the flow of IPv{int(self.packet.family)}")
        return found

    def _destinations(self, key: str) -> tuple[Destination, ...]:
        found = (self._destination(item) for item in self.form.items(key))
        return tuple(item for item in found if item is not None)

    def _odds(self) -> tuple[tuple[Destination | Fate, Chance], ...]:
        found: list[tuple[Destination | Fate, Chance]] = []
        for key, value in self.form.pairs("odds"):
            where = STOPPED.get(key.text or "") or self._destination(key)
            chance = self._read(value, read_chance, "1/3, 33.3% or 0.333")
            if where is not None and chance is not None:
                found.append((where, chance))
        return tuple(found)

    def _masqueraded(self) -> bool | Destination | None:
        if "masqueraded" not in self.form:
            return None
        truth = self.form.truth("masqueraded")
        return self._destination(self.form.at("masqueraded")) if truth is None else truth

    def _by(self, key: str) -> Place | str:
        if key not in self.form:
            return ""
        at = self.form.at(key)
        return ANY if at.text == ANY else self._read(at, read_place, f"any, or {_PLACE}") or ""

    def _code(self) -> str:
        if "rejected-with" not in self.form:
            return ""
        expected = f"any, or {RejectType.expected}"
        return (
            self._read(self.form.at("rejected-with"), lambda text: read_code(text, self.packet.family), expected) or ""
        )

    def _mark(self) -> MaskedMark | None:
        if "mark" not in self.form:
            return None
        return self._read(self.form.at("mark"), read_mark, "VALUE or VALUE/MASK, such as 0x4000/0x4000")
