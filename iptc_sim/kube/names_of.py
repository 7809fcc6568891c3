"""What kube-proxy's chains stand for: from the objects, else from the comments in a dump, else along the jumps."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from iptc_sim.builtin import GoTo, JumpTo
from iptc_sim.kube.names import endpoint_chain, service_hash
from iptc_sim.kube.objects import Cluster
from iptc_sim.kube.select import Portal, portals
from iptc_sim.kube.settings import Settings
from iptc_sim.records import dataclass, replace
from iptc_sim.ruleset import Chain, Rule, Ruleset
from iptc_sim.values import Family

#: A chain of one Service port or endpoint.
NUMBERED: Final = re.compile(r"KUBE-(SVC|SVL|SEP|EXT|FW|XLB)-([A-Z2-7]{16})")

_SERVICE = re.compile(r"([a-z0-9.-]+/[a-z0-9.-]+(?::[a-z0-9-]*)?)")
_WHAT: Final = {
    "SVC": "",
    "SVL": " (local endpoints)",
    "EXT": " (external traffic)",
    "FW": " (source ranges)",
    "XLB": " (external, local endpoints)",
}
#: Names of unnamed ports ended in a colon up to here (kube-proxy.md, 1).
LAST_WITH_COLON: Final = "1.18"


@dataclass(frozen=True, slots=True)
class ChainName:
    """What a chain stands for.

    Args:
        kind: ``SVC``, ``SVL``, ``EXT``, ``FW``, ``XLB`` or ``SEP``.
        service: the service port, ``default/web:http``.
        endpoint: ``10.244.1.5:8080`` for an endpoint's chain, else empty.
        told_by: ``objects``, ``comments`` or ``jumps``.
        port: the Service's port with its protocol, ``8125/tcp``, where the objects tell it.
        with_colon: whether the name is the hash of the old form, ``default/web:``, of an unnamed port.
    """

    kind: str
    service: str
    endpoint: str = ""
    told_by: str = "objects"
    port: str = ""
    with_colon: bool = False

    def __str__(self) -> str:
        if self.kind == "SEP":
            return f"{self.service} -> {self.endpoint}" if self.endpoint else self.service
        return self.service + _WHAT[self.kind]


class Names(Mapping[str, str]):
    """Chain names as text, ``default/web:http -> 10.244.1.5:8080``.

    It looks at a chain when its name is asked for: a dump has 100,000 of them, and a trace meets a few.

    Args:
        chains: the nat table's.
        known: what the objects say.
    """

    def __init__(self, chains: Mapping[str, Chain], known: Mapping[str, ChainName]) -> None:
        self._chains, self._known = chains, known
        self._found: dict[str, ChainName | None] = {}
        self._jumps: dict[str, list[tuple[str, Rule]]] | None = None

    def about(self, chain: str) -> ChainName | None:
        """Return what a chain stands for, None where nothing tells."""
        known = self._known.get(chain)
        if known is not None:
            return known
        if chain not in self._found:
            self._found[chain] = None  # chains that jump in a circle come back here
            self._found[chain] = self._told(chain)
        return self._found[chain]

    def __getitem__(self, chain: str) -> str:
        found = self.about(chain)
        if found is None:
            raise KeyError(chain)
        said = _service_of(self._chains[chain]) if chain in self._known and chain in self._chains else ""
        return f"{found} (its comments say {said})" if said not in {"", found.service} else str(found)

    def __iter__(self) -> Iterator[str]:
        return (name for name in {**self._chains, **self._known} if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __bool__(self) -> bool:
        return True  # else ``names or {}`` would count them, and look at every chain for it

    def _told(self, name: str) -> ChainName | None:
        kind = NUMBERED.fullmatch(name)
        if kind is None:
            return None
        chain = self._chains.get(name, Chain(name))
        endpoint, told_by = _endpoint_of(chain), "comments"
        service = _service_of(chain)
        if not service or (kind[1] == "SEP" and not endpoint):
            led, there = self._along_jumps(name)
            told_by = "comments" if service else "jumps"
            service, endpoint = service or led, endpoint or there
        return ChainName(kind[1], service, endpoint, told_by) if service else None

    def _along_jumps(self, name: str) -> tuple[str, str]:
        """Return the service port that leads to a chain, and the endpoint that the jump's comment names.

        Large clusters and 1.14 to 1.17 have few comments.
        """
        if self._jumps is None:
            self._jumps = {}
            for chain in self._chains.values():
                for rule in chain.rules:
                    if isinstance(rule.target, JumpTo | GoTo) and NUMBERED.fullmatch(rule.target.chain):
                        self._jumps.setdefault(rule.target.chain, []).append((chain.name, rule))
        for parent, rule in self._jumps.get(name, ()):
            service = service_in(rule.comment)
            if not service and (found := self.about(parent)) is not None:
                service = found.service
            if service:
                return service, rule.comment.partition(" -> ")[2]
        return "", ""


class JoinedNames(Mapping[str, str]):
    """The names of several dumps; the first that knows a chain tells it. None is looked at before it is asked for.

    Args:
        names: of each.
    """

    def __init__(self, *names: Names) -> None:
        self._names = names

    def __getitem__(self, chain: str) -> str:
        for names in self._names:
            if chain in names:
                return names[chain]
        raise KeyError(chain)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(chain for names in self._names for chain in names))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __bool__(self) -> bool:
        return True


def names_of(ruleset: Ruleset, known: Mapping[str, ChainName] | None = None) -> Names:
    """Return what each service and endpoint chain of a dump stands for.

    Args:
        ruleset: the dump.
        known: what the objects say, where they are given: :func:`object_names`.
    """
    table = ruleset.tables.get("nat")
    return Names(table.chains if table else {}, known or {})


def object_names(cluster: Cluster, settings: Settings) -> Mapping[str, ChainName]:
    """Return the chains that any release might make for the objects, in both families, with what they stand for.

    Args:
        cluster: objects as :func:`iptc_sim.kube.load_cluster` returns them.
        settings: kube-proxy's flags and release.
    """
    found: dict[str, ChainName] = {}
    for family in Family:
        for portal in portals(cluster, replace(settings, family=family)):
            for with_colon in (False,) if ":" in portal.label else (False, True):
                found |= _of_portal(portal, with_colon=with_colon)
    return found


def _of_portal(portal: Portal, *, with_colon: bool) -> dict[str, ChainName]:
    name = portal.label + ":" if with_colon else portal.label
    about = ChainName("", portal.label, port=f"{portal.port}/{portal.protocol}", with_colon=with_colon)
    ending = service_hash(name, portal.protocol)
    found = {f"KUBE-{kind}-{ending}": replace(about, kind=kind) for kind in _WHAT}
    for backend in portal.backends:
        chain = endpoint_chain(name, portal.protocol, backend.text)
        found[chain] = replace(about, kind="SEP", endpoint=backend.text)
    return found


def service_in(comment: str) -> str:
    """Return the service port that a comment of kube-proxy's names, without a trailing colon; empty for none."""
    found = _SERVICE.search(comment)
    return found[1].rstrip(":") if found else ""


def _service_of(chain: Chain) -> str:
    return next((text for rule in chain.rules if (text := service_in(rule.comment))), "")


def _endpoint_of(chain: Chain) -> str:
    return next((str(to) for rule in chain.rules if (to := getattr(rule.target, "to", None)) is not None), "")
