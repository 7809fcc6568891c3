"""Names of kube-proxy's chains from the comments in a dump: no objects are needed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from iptc_sim.ruleset import Chain, Rule, Ruleset

_CHAIN = re.compile(r"KUBE-(SVC|SVL|SEP|EXT|FW|XLB)-[A-Z2-7]{16}")
_SERVICE = re.compile(r"([a-z0-9.-]+/[a-z0-9.-]+(?::[a-z0-9-]*)?)")
_WHAT = {
    "SVC": "",
    "SVL": " (local endpoints)",
    "EXT": " (external traffic)",
    "FW": " (source ranges)",
    "XLB": " (external, local endpoints)",
}


class _Names(Mapping[str, str]):
    """Looks at a chain when its name is asked for: a dump has 100,000 of them, and a trace meets a few."""

    def __init__(self, chains: Mapping[str, Chain]) -> None:
        self._chains = chains
        self._found: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        if name not in self._found:
            kind = _CHAIN.fullmatch(name)
            self._found[name] = _name(self._chains[name], kind[1]) if kind else ""
        if not self._found[name]:
            raise KeyError(name)
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._chains if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def comment_names(ruleset: Ruleset) -> Mapping[str, str]:
    """Return what each service and endpoint chain stands for, such as ``default/web:http -> 10.244.1.5:8080``."""
    table = ruleset.tables.get("nat")
    return _Names(table.chains if table else {})


def _name(chain: Chain, kind: str) -> str:
    service = next((text for rule in chain.rules if (text := _service(rule))), "")
    if not service or kind != "SEP":
        return service and service + _WHAT[kind]
    for rule in chain.rules:
        to = getattr(rule.target, "to", None)
        if to is not None:
            return f"{service} -> {to}"
    return service


def _service(rule: Rule) -> str:
    found = _SERVICE.search(rule.comment)
    return found[1].rstrip(":") if found else ""
