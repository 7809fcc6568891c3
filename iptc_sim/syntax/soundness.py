"""What is wrong with a table as a whole, beyond its single lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from iptc_sim.builtin import ForeignTarget
from iptc_sim.diagnostics import Diagnostic, Severity, Span
from iptc_sim.records import replace
from iptc_sim.syntax.jumps import JumpGraph, Missing
from iptc_sim.syntax.loader import Manner
from iptc_sim.syntax.placing import Ground, placing_faults
from iptc_sim.syntax.section import Fault, Phase, Section
from iptc_sim.syntax.store import RuleStore
from iptc_sim.values import Variant

#: The line where faults come in order that are never found, as COMMIT is missing.
_NEVER: Final = 1 << 62


def structure_faults(section: Section, manner: Manner) -> Iterator[Fault]:
    """Yield what a load of the table would not take: commands, jumps, and where rules stand.

    Args:
        section: with its table known.
        manner: how it was read. Chains that are missing from an excerpt are no fault for the tolerant reader.
    """
    for fault in (*section.faults, *_faults(section, manner)):
        late = fault.phase is not Phase.LINE  # found when COMMIT is read, if there is one
        yield replace(fault, order=section.commit or _NEVER) if late else fault


def _faults(section: Section, manner: Manner) -> Iterator[Fault]:
    graph = JumpGraph(section)
    if manner.strict or not section.is_excerpt:
        missing = [*graph.missing(), *(Missing(name, line, 1) for name, line in section.dangling)]
        yield from (_missing_fault(item, section, manner) for item in missing)
    if manner.nft:
        yield from _lost_inserts(section.store)
    yield from _kernel_faults(section, graph, Ground(manner.family, manner.variant, manner.objects))
    yield from _options_behind_chains(section)


def _kernel_faults(section: Section, graph: JumpGraph, ground: Ground) -> list[Fault]:
    """Return what is wrong with jumps and places; where something is, a closer look is taken at what leads there."""
    variant, commit = ground.variant, section.commit
    faults = [*graph.faults(variant, commit), *placing_faults(section, graph, ground)]
    phases = {fault.phase for fault in faults}
    if variant is Variant.LEGACY and Phase.KERNEL in phases:
        from iptc_sim.syntax.legacy_walk import LegacyWalk  # noqa: PLC0415 - for errors only

        walk = LegacyWalk(section)
        return [*walk.faults(variant, commit), *placing_faults(section, walk, ground, walk.bits)]
    if variant is Variant.NFT and Phase.JUMPS in phases and section.store.taken:
        passing = placing_faults(section, graph, ground, graph.replay.bits)
        return [*graph.faults(variant, commit, passing=True), *passing]
    return faults


def _missing_fault(missing: Missing, section: Section, manner: Manner) -> Fault:
    where = "is declared only after the jump to it" if missing.comes_later else f"is not in table {section.table}"
    message = f"chain {missing.name} {where}"
    if manner.legacy:
        return Fault("IPT032", message, missing.line, meant=missing.name)
    return Fault("IPT032", message, missing.line, Phase.COMMIT, section.commit, meant=missing.name)


def _lost_inserts(store: RuleStore) -> Iterator[Fault]:
    """Yield inserts before a rule that is deleted later: iptables-nft forgets it, and the kernel is told no place."""
    for entry, line in store.befores.items():
        if entry in store.taken and entry not in store.flushed:
            deleted = store.taken[entry]
            message = f"the rule before which this one is inserted is deleted again in line {deleted}"
            yield Fault("IPT029", message, line, Phase.KERNEL)


def _options_behind_chains(section: Section) -> Iterator[Fault]:
    """A word behind a jump was kept as an option of a target that is not known; but the name is that of a chain."""
    store = section.store
    for entry, rule in store.eager.items():
        target = rule.target
        if isinstance(target, ForeignTarget) and target.raw:
            index = store.names.get(target.module)
            if index is not None and store.exists[index]:
                message = f"{target.raw[0]} follows a jump to chain {target.module}, which takes no options"
                yield Fault("IPT012", message, store.lines[entry], fatal=True)


def structure_notes(section: Section, manner: Manner) -> Iterator[Diagnostic]:
    """Yield what people should know of a table: what is not modelled, and what an excerpt leaves out."""
    for label, (line, count) in section.counts.items():
        kept = "kept word for word" if label in section.foreign else "answered as unknown"
        message = f"{label} is not modelled ({count} {'rule' if count == 1 else 'rules'}): {kept}"
        severity = Severity.WARNING if label in section.foreign else Severity.NOTE
        yield Diagnostic("IPT031", message, severity, Span(section.source, line))
    if manner.strict or not section.is_excerpt:
        return
    missing = [item.name for item in JumpGraph(section).missing() if not item.comes_later]
    if missing:
        names = sorted(missing)
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        message = f"an excerpt of {section.table}: chains that it jumps to are not in it ({shown})"
        yield Diagnostic("IPT032", message, Severity.NOTE, subject=str(Span(section.source, 1)).rsplit(":", 2)[0])
