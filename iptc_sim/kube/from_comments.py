"""Names of kube-proxy's chains from the comments in a dump: no objects are needed."""

from __future__ import annotations

import re
from collections.abc import Mapping

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


def comment_names(ruleset: Ruleset) -> Mapping[str, str]:
    """Return what each service and endpoint chain stands for, such as ``default/web:http -> 10.244.1.5:8080``."""
    found: dict[str, str] = {}
    table = ruleset.tables.get("nat")
    for chain in table.chains.values() if table else ():
        kind = _CHAIN.fullmatch(chain.name)
        name = _name(chain, kind[1]) if kind else ""
        if name:
            found[chain.name] = name
    return found


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
