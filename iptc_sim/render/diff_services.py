"""What differs between a node and what kube-proxy would write, by Service."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from iptc_sim.compare.by_service import Finding, Grouped, ServiceDifference
from iptc_sim.compare.edits import Added, ChainAdded, ChainRemoved, Changed, Edit, Moved, PolicyChanged, Removed
from iptc_sim.diagnostics import printable
from iptc_sim.records import dataclass
from iptc_sim.render.diff_text import edit_lines, summary
from iptc_sim.render.words import Labels
from iptc_sim.ruleset import Rule
from iptc_sim.syntax.write import write_rule

#: So many Services are shown; on a node without any rule there would be thousands.
SHOWN = 40

_INDENT = " " * 11


@dataclass(frozen=True, slots=True)
class Around:
    """What is said about a comparison besides its differences.

    Args:
        titles: what to call the two sides.
        release: kube-proxy's.
        chosen: how the release was found, empty where it was given.
        mind: what makes kube-proxy's rules useless although they are there.
        others: how many rules of other people the base chains hold, by table and chain.
        explained: flags that would explain differences, in a sentence; empty for none.
    """

    titles: tuple[str, str]
    release: str
    chosen: str = ""
    mind: tuple[str, ...] = ()
    others: Mapping[tuple[str, str], int] | None = None
    explained: str = ""


def render_services(found: Grouped, around: Around, labels: Labels) -> str:
    """Return the difference as text: a block for each Service, and a summary.

    Args:
        found: the difference by Service.
        around: what else is to be said.
        labels: names for chains.
    """
    lines: list[str] = []
    if found.difference:
        lines += [f"--- {printable(around.titles[0])}", f"+++ {printable(around.titles[1])}"]
    lines += [f"mind: {printable(text)}" for text in around.mind]
    if around.chosen:
        lines.append(printable(around.chosen))
    for part in found.services[:SHOWN]:
        lines.append(printable(_title(part)))
        for finding in part.findings:
            lines += finding_lines(finding, labels)
    if len(found.services) > SHOWN:
        lines.append(f"and {len(found.services) - SHOWN} more Services; --format json tells all")
    lines += [f"not compared: {printable(text)}" for text in found.difference.left_out]
    if found.difference and around.others:
        count = sum(around.others.values())
        where = ", ".join(dict.fromkeys(chain for _, chain in around.others))
        lines.append(f"not counted: {_count(count, 'rule')} of others in {where}; --all-chains shows them")
    if around.explained:
        lines.append(printable(around.explained))
    lines.append(services_summary(found))
    return "\n".join(lines) + "\n"


def services_summary(found: Grouped) -> str:
    """Return the last line, ``1 of 24 service ports differs: 1 missing (24 chains, 43 rules compared)``."""
    difference = found.difference
    if not difference:
        return summary(difference)
    extent = f"{_count(difference.compared, 'chain')}, {_count(difference.rules, 'rule')} compared"
    kinds = ", ".join(f"{number} {kind}" for kind, number in found.counts.items() if number)
    ours = [part for part in found.services if part.exists]
    gone = [part for part in found.services if part.service and not part.exists]
    said = []
    if ours:
        total = _count(found.agree + len(ours), "service port")
        said.append(f"{len(ours)} of {total} {'differs' if len(ours) == 1 else 'differ'}")
    if gone:
        said.append(f"{len(gone)} {'is' if len(gone) == 1 else 'are'} of no Service given")
    if any(not part.service for part in found.services):
        said.append("kube-proxy's own rules differ")
    return f"{', '.join(said)}: {kinds} ({extent})"


def _title(part: ServiceDifference) -> str:
    if not part.service:
        return "kube-proxy's own rules"
    return part.service if part.exists else f"{part.service} (no Service given has this port)"


def finding_lines(finding: Finding, labels: Labels) -> Iterator[str]:
    """Yield the lines that tell a finding, the first with its kind in front."""
    head, *more = _told(finding.edit, labels)
    head += _consequences(finding)
    yield printable(f"  {finding.kind:<7}  {head}")
    yield from (printable(_INDENT + line) for line in more)


def _told(edit: Edit, labels: Labels) -> list[str]:
    place = f"{edit.table} {edit.chain}"
    endpoint = labels.get(edit.chain, "").partition(" -> ")[2]
    match edit:
        case ChainAdded(rules=rules) | ChainRemoved(rules=rules):
            what = f"endpoint {endpoint}: {place}" if endpoint else place
            return [f"{what}, the chain with {_count(len(rules), 'rule')}"]
        case Added(number=number, rule=rule) | Removed(number=number, rule=rule):
            return [f"{place} rule {number}: {_text(rule, labels)}"]
        case Moved(before=before, after=after, rule=rule):
            return [f"{place} rule {before} stands as rule {after}: {_text(rule, labels)}"]
        case Changed(before=before, after=after, new=new, changes=changes):
            where = f"rule {before}" if before == after else f"rule {before}, here {after}"
            told = [f"{place} {where}: {_text(new, labels)}"]
            for item in changes:
                old, now = item.before or "(none)", item.after or "(none)"
                told.append(f"{item.option}: {old} => {now}" if item.before or item.after else item.option)
            return told
        case PolicyChanged(before=before, after=after):
            return [f"{place}: policy {before} => {after}"]
        case _:  # found by content, which is not asked for where chains have names of Services
            return list(edit_lines(edit, labels))


def _consequences(finding: Finding) -> str:
    text = ""
    if finding.jumps:
        counts = Counter(edit.chain for edit in finding.jumps)
        where = ", ".join(f"{name} ({count})" if count > 1 else name for name, count in counts.items())
        text += f", and {'the jump' if len(finding.jumps) == 1 else 'the jumps'} to it in {where}"
    if finding.odds:
        others = "another endpoint" if len(finding.odds) == 1 else f"{len(finding.odds)} other endpoints"
        text += f"; so the odds of {others} differ"
    return text


def _text(rule: Rule, labels: Labels) -> str:
    name = rule.target.name if rule.target else ""
    endpoint = labels.get(name, "").partition(" -> ")[2]
    return write_rule(rule) + (f"  (-> {endpoint})" if endpoint else "")


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
