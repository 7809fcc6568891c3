"""Every declared option can be drawn."""

from __future__ import annotations

from iptc_sim.builtin import BaseMatch
from iptc_sim.extension import Extension
from iptc_sim.matches import MATCHES
from iptc_sim.options import Option
from iptc_sim.targets import TARGETS
from iptc_sim.values import Family
from tests.drawn.kinds import draw_of
from tests.drawn.rules import draw_rules, extensions


def _options() -> list[Option]:
    classes: list[type[Extension]] = [*MATCHES.all(), *TARGETS.all(), BaseMatch]
    declared = [item for cls in classes for item in cls.OPTIONS]
    return [*declared, *(member for item in declared for member in item.members)]


def test_every_value_type_is_drawn() -> None:
    """A new value type needs a strategy in ``KINDS``, unless it is derived from one that has."""
    for item in _options():
        for kind in item.spellings.values():
            assert callable(draw_of(kind)), kind


def test_the_same_seed_draws_the_same_rules() -> None:
    extension = extensions(Family.IPV4)[0]
    first = draw_rules(extension, Family.IPV4, 5, 1)
    assert first == draw_rules(extension, Family.IPV4, 5, 1)
    assert first != draw_rules(extension, Family.IPV4, 5, 2)
