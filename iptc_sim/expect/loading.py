"""A flows file with the rules that it names."""

from __future__ import annotations

from iptc_sim.diagnostics import Diagnostic, InputError, SourceFile, Span, read_source
from iptc_sim.engine.excerpt import complete_excerpt
from iptc_sim.expect.model import FlowsFile, RulesFrom
from iptc_sim.kube.compiler import compile_text
from iptc_sim.kube.names_of import names_of
from iptc_sim.kube.text import Spelling
from iptc_sim.records import dataclass, replace
from iptc_sim.render import Labels
from iptc_sim.ruleset import Ruleset
from iptc_sim.syntax import parse


@dataclass(frozen=True, slots=True)
class Written:
    """Rules as somebody has written them.

    Args:
        ruleset: the rules.
        sources: their texts.
    """

    ruleset: Ruleset
    sources: tuple[SourceFile, ...]

    @property
    def name(self) -> str:
        """The names of the texts."""
        return " ".join(source.name for source in self.sources)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A flows file with its rules.

    Args:
        file: the file.
        written: the rules as they stand there.
        ruleset: the same, an excerpt completed as :func:`iptc_sim.trace` does it.
        labels: names for chains.
    """

    file: FlowsFile
    written: Written
    ruleset: Ruleset
    labels: Labels

    @property
    def notes(self) -> tuple[Diagnostic, ...]:
        """What was noticed while reading: in the rules, in objects, and about names in flows."""
        cluster, names = self.file.rules.cluster, self.file.names
        of_cluster = cluster.notes if cluster else ()
        of_names = tuple(names.notes) if names else ()
        return (*self.ruleset.notes, *of_cluster, *of_names)


def load(file: FlowsFile) -> Loaded:
    """Read the rules of a flows file.

    Raises:
        InputError: they cannot be read.
    """
    written = read_written(file.rules, file.source)
    ruleset = complete_excerpt(written.ruleset)
    return Loaded(file, written, ruleset, names_of(ruleset))


def read_written(rules: RulesFrom, source: SourceFile, key: str = "rules") -> Written:
    """Read rules that a flows file names.

    Args:
        rules: where they come from.
        source: the flows file.
        key: under which they stand there; a text in the file is called so.

    Raises:
        InputError: they cannot be read.
    """
    sources, family = _sources(rules, source, key), rules.family
    if rules.settings is not None:
        family = rules.settings.family
    return Written(parse(sources, family=family, table=rules.table), sources)


def _sources(rules: RulesFrom, source: SourceFile, key: str) -> tuple[SourceFile, ...]:
    if rules.cluster is not None and rules.settings is not None:
        return (
            SourceFile(
                f"<kube-proxy {rules.settings.release}>", compile_text(rules.cluster, rules.settings, Spelling.SAVE)
            ),
        )
    if rules.text:
        return (SourceFile(f"{source.name}: {key}", rules.text),)
    sources = []
    for marked, path in rules.files:
        try:
            sources.append(read_source(str(path), path))
        except InputError as error:
            span = Span(source, *marked.start, len(marked.text or ""))
            raise InputError(*(replace(item, span=span, subject="") for item in error.diagnostics)) from error
    return tuple(sources)
