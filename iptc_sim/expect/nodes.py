"""The node of a test: a bundle, or interfaces, routes and switches told by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from iptc_sim.diagnostics import Diagnostic, InputError, read_source
from iptc_sim.flows import NodeOptions, read_node
from iptc_sim.ipsets.text import read_ipsets
from iptc_sim.node import Node, Sysctls
from iptc_sim.records import dataclass, field, replace

_NOTHING: Final[Mapping[str, Iterable[str]]] = {}
_NO_SWITCHES: Final[Mapping[str, object]] = {}


@dataclass(frozen=True, slots=True)
class Told:
    """A node, and the text of its sets for ``ipset restore``."""

    node: Node = field(default_factory=Node)
    sets: str = ""


def read_told(
    folder: Path | None = None,
    *,
    interfaces: Mapping[str, Iterable[str]] = _NOTHING,
    local: Iterable[str] = (),
    routes: Iterable[str] = (),
    sysctls: Mapping[str, object] = _NO_SWITCHES,
    sets: Path | None = None,
) -> Told:
    """Return a node.

    Args:
        folder: a bundle of ``iptc-sim capture``; the rest comes on top of it.
        interfaces: addresses by interface, ``{"eth0": ["192.0.2.10/24"]}``.
        local: addresses of the node, where its interfaces are not told.
        routes: ``default via 192.0.2.1 dev eth0``.
        sysctls: switches, as ``sysctl`` names them or by their path.
        sets: a file that ``ipset save`` has printed.

    Raises:
        InputError: IPT042 or IPT001.
    """
    listed = tuple(f"{name}={','.join(addresses)}" for name, addresses in interfaces.items())
    node = read_node(NodeOptions(tuple(local), listed, tuple(routes), folder))
    told = Sysctls.parse("\n".join(f"{name}={_switch(value)}" for name, value in sysctls.items() if "/" not in name))
    paths = {name: _switch(value) for name, value in sysctls.items() if "/" in name}
    if sysctls:
        node = replace(node, sysctls=Sysctls({**node.sysctls.values, **told.values, **paths}))
    if sets is None:
        of_bundle = folder / "ipset.txt" if folder else None
        return Told(node, of_bundle.read_text() if of_bundle is not None and of_bundle.exists() else "")
    source = read_source(str(sets), sets)
    try:
        return Told(replace(node, sets=read_ipsets(source.text)), source.text)
    except ValueError as error:
        expected = "the output of ipset save"
        wrong = Diagnostic("IPT042", f"this cannot be read: {error}", subject=source.name, expected=expected)
        raise InputError(wrong) from error


def _switch(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)
