"""From a Ruleset to JSON text."""

from __future__ import annotations

import json
from collections.abc import Iterator

from iptc_sim.extension import Extension
from iptc_sim.interchange.codecs import codec_of
from iptc_sim.interchange.extensions import encode_extension, encode_options
from iptc_sim.interchange.rules import KIND, VERSION
from iptc_sim.interchange.scalars import Json
from iptc_sim.ruleset import Chain, Counters, Rule, Ruleset, Table
from iptc_sim.values import Family

_COUNTERS = codec_of(Counters | None)


def ruleset_to_json(ruleset: Ruleset) -> str:
    """Return a ruleset as JSON text, typed, one rule a line; the schema is ``render/schemas/ruleset.json``.

    Policies, counters, line numbers and the order of chains are kept; :func:`ruleset_from_json` reads it back.
    """
    return "\n".join(_Writer(ruleset.family).ruleset(ruleset)) + "\n"


class _Writer:
    """Writes rules of one family; equal parts are one object in a ruleset that was read, so each is encoded once."""

    def __init__(self, family: Family) -> None:
        self.family = family
        self._written: dict[int, tuple[Extension, str]] = {}

    def ruleset(self, ruleset: Ruleset) -> Iterator[str]:
        """Yield the lines."""
        head: dict[str, Json] = {
            "version": VERSION,
            "kind": KIND,
            "family": int(ruleset.family),
            "whole": ruleset.whole,
        }
        yield json.dumps(head)[:-1] + ', "tables": {'
        last = len(ruleset.tables) - 1
        for number, table in enumerate(ruleset.tables.values()):
            yield f' {json.dumps(table.name)}: {{"chains": ['
            yield from self._chains(table)
            yield " ]}" if number == last else " ]},"
        yield "}}"

    def _chains(self, table: Table) -> Iterator[str]:
        last = len(table.chains) - 1
        for number, chain in enumerate(table.chains.values()):
            end = "" if number == last else ","
            yield f'  {json.dumps(_chain_head(chain))[:-1]}, "rules": [{"" if chain.rules else f"]}}{end}"}'
            final = len(chain.rules) - 1
            for place, rule in enumerate(chain.rules):
                yield f"   {self._rule(rule)}{'' if place == final else ','}"
            if chain.rules:
                yield f"  ]}}{end}"

    def _rule(self, rule: Rule) -> str:
        parts = [f'"line": {rule.line}'] if rule.line else []
        if rule.counters is not None:
            parts.append(f'"counters": {json.dumps(_COUNTERS.encode(rule.counters))}')
        parts.append(f'"base": {self._part(rule.base, base=True)}')
        parts.append(f'"matches": [{", ".join(map(self._part, rule.matches))}]')
        parts.append(f'"target": {"null" if rule.target is None else self._part(rule.target)}')
        return f"{{{', '.join(parts)}}}"

    def _part(self, part: Extension, *, base: bool = False) -> str:
        known = self._written.get(id(part))
        if known is not None:
            return known[1]
        text = json.dumps((encode_options if base else encode_extension)(part, self.family))
        self._written[id(part)] = part, text  # holding the part keeps its id from being given to another
        return text


def _chain_head(chain: Chain) -> dict[str, Json]:
    return {
        "name": chain.name,
        "declared": chain.declared,
        "policy": chain.policy,
        "counters": _COUNTERS.encode(chain.counters),
    }
