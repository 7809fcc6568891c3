"""From the text of a flows file to what it says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from iptc_sim.connection import Earlier, Flow
from iptc_sim.diagnostics import Diagnostic, InputError, IptcError, SourceFile, Span, read_source
from iptc_sim.expect.expectation_text import read_expected
from iptc_sim.expect.faults import Faults
from iptc_sim.expect.forms import Given
from iptc_sim.expect.model import (
    FILE,
    AnyCase,
    Case,
    Equivalent,
    FlowsFile,
    NoFindings,
    RulesetCase,
    RulesFrom,
    Step,
)
from iptc_sim.expect.nodes import Told, read_told
from iptc_sim.flows import clause, parse_flow
from iptc_sim.flows.history import parse_history, parse_time
from iptc_sim.kube import Cluster, Settings, load_cluster
from iptc_sim.kube.addresses import ObjectResolver, dns_lookup
from iptc_sim.kube.sources import object_sources
from iptc_sim.kube.yaml_values import Marked, YamlFaultError, read_marked
from iptc_sim.records import fields, replace
from iptc_sim.values import UNKNOWN, Family

#: A flows file larger than this is refused (characters).
MAX_CHARACTERS: Final = 16 * 1024 * 1024
_EXPECTED: Final = "YAML: version: 1, rules: FILE, flows: {NAME: {flow: ..., expect: {...}}}"


def read_flows_file(path: Path, *, name: str = "", recording: bool = False) -> FlowsFile:
    """Read a flows file; the rules that it names are not read yet.

    Args:
        path: where it is; what it names is relative to its folder.
        name: what to call it in errors; empty: its path.
        recording: whether flows may lack their expectations.

    Raises:
        InputError: IPT001 or IPT002; IPT130, IPT040, IPT042 and those of Kubernetes objects, all with line and column.
    """
    source = read_source(name or str(path), path)
    faults = Faults(source)
    top = _document(source)
    FILE.judge(top, faults)
    faults.settle()
    return _Reader(Given(top), faults, path.parent, recording=recording).file()


def _document(source: SourceFile) -> Marked:
    if len(source.text) > MAX_CHARACTERS:
        message = f"it has more than the {MAX_CHARACTERS:,} characters that are read"
        raise InputError(Diagnostic("IPT130", message, subject=source.name))
    try:
        documents = [value for _, value in read_marked(source.text)]
    except YamlFaultError as error:
        span = Span(source, error.line, error.column, 1)
        raise InputError(Diagnostic("IPT130", str(error), span=span, expected=_EXPECTED)) from error
    if len(documents) != 1:
        message = f"there are {len(documents)} documents in it" if documents else "there is nothing in it"
        raise InputError(Diagnostic("IPT130", message, subject=source.name, expected=_EXPECTED))
    return documents[0]


class _Reader:
    """Reads what a file of the right form says.

    Args:
        top: the whole file.
        faults: takes what is wrong.
        folder: what the names of files are relative to.
        recording: whether flows may lack their expectations.
    """

    def __init__(self, top: Given, faults: Faults, folder: Path, *, recording: bool) -> None:
        self.top, self.faults, self.folder, self.recording = top, faults, folder, recording
        self.family = Family(int(top.text("family"))) if "family" in top else None
        self.names: ObjectResolver | None = None
        self.defaults = top.given("defaults")

    def file(self) -> FlowsFile:
        """Return what it says.

        Raises:
            InputError: something is wrong.
        """
        rules, told = self._rules(), self._node()
        self.faults.settle()
        self.names = self._names(rules)
        now = self._time(self.defaults, None) if self.defaults else None
        cases: list[AnyCase | None] = [
            *(self._flow(name, Given(value), now) for name, value in self.top.pairs("flows")),
            *(self._sequence(name, value, now) for name, value in self.top.pairs("sequences")),
            *(self._claim(name, Given(value)) for name, value in self.top.pairs("rulesets")),
        ]
        self._demand_names()
        if not cases:
            self.faults.add(self.top.marked, "there is nothing to test in it", "flows, sequences or rulesets")
        self.faults.settle()
        return FlowsFile(self.faults.source, rules, told.node, told.sets, self.names, tuple(filter(None, cases)))

    def _demand_names(self) -> None:
        """Note names that are given twice."""
        given = {"flows": "a flow", "sequences": "a sequence", "rulesets": "a claim"}
        seen: dict[str, str] = {}
        for section, what in given.items():
            for key, _ in self.top.pairs(section):
                if seen.setdefault(key.text or "", what) != what:
                    self.faults.add(key, f"{key.text} is the name of {seen[key.text or '']}, too", "each name once")

    @contextmanager
    def _at(self, marked: Marked) -> Iterator[None]:
        """Note errors about a value."""
        try:
            yield
        except IptcError as error:
            self.faults.add_error(marked, error)
        except ValueError as error:
            self.faults.add(marked, str(error))

    def _path(self, marked: Marked) -> Path:
        return self.folder / (marked.text or "")

    # The rules and the machine.

    def _rules(self) -> RulesFrom:
        return self._rules_from(self.top, "rules", self.top.given("generate"))

    def _rules_from(self, given: Given, key: str, generate: Given | None) -> RulesFrom:
        """Return where rules come from: objects, a text at a key, or files at that key."""
        table = self.top.text("table") or None
        if generate is not None:
            cluster, settings = self._generated(generate)
            return RulesFrom(cluster=cluster, settings=settings, family=self.family)
        if (text := given.given(key)) is not None:
            return RulesFrom(text=text.text("text"), family=self.family, table=table)
        files = tuple((item, self._path(item)) for item in given.items(key))
        for item, path in files:
            with self._at(item):
                _find(path)
        return RulesFrom(files, family=self.family, table=table)

    def _generated(self, given: Given) -> tuple[Cluster | None, Settings | None]:
        """Return objects and the settings of the kube-proxy that makes rules of them."""
        values: dict[str, object] = {"family": self.family or Family.IPV4}
        if "release" in given:
            values["release"] = given.text("release")
        flags = given.given("settings")
        for item in fields(Settings) if flags else ():
            key = item.name.replace("_", "-")
            if flags is None or key not in flags:
                continue
            with self._at(flags.at(key)):
                values[item.name] = _setting(str(item.type), flags, key)
        with self._at(given.at("settings") if flags else given.at("release") if "release" in given else given.marked):
            settings = Settings(**values)  # type: ignore[arg-type]
            return self._cluster(given.items("kube"), settings), settings
        return None, None

    def _cluster(self, files: tuple[Marked, ...], settings: Settings) -> Cluster | None:
        sources: list[SourceFile] = []
        for item in files:
            with self._at(item):
                sources += object_sources([str(self._path(item))], lambda name: read_source(name, name))
        with self._at(files[0]):
            return load_cluster(sources, settings) if sources else None
        return None

    def _names(self, rules: RulesFrom) -> ObjectResolver | None:
        """Return what knows the names of objects: those of ``objects``, else those that rules are generated from."""
        settings = rules.settings or Settings(family=self.family or Family.IPV4)
        cluster = self._cluster(self.top.items("objects"), settings) if "objects" in self.top else rules.cluster
        self.faults.settle()
        if cluster is None:
            return None
        return ObjectResolver(cluster, settings, dns_lookup(cluster), self.top.text("from-namespace") or "default")

    def _node(self) -> Told:
        if "node" not in self.top:
            return Told()
        marked = self.top.at("node")
        given = self.top.given("node")
        with self._at(marked):
            if given is None:
                return read_told(_find(self._path(marked)))
            sets = self._path(given.at("sets")) if "sets" in given else None
            return read_told(
                interfaces={key.text or "": _texts(value) for key, value in given.pairs("interfaces")},
                local=[item.text or "" for item in given.items("local")],
                routes=[item.text or "" for item in given.items("routes")],
                sysctls={key.text or "": value.text for key, value in given.pairs("sysctls")},
                sets=sets,
            )
        return Told()

    # The cases.

    def _flow(self, key: Marked, given: Given, now: float | None) -> Case | None:
        history: tuple[Earlier, ...] | None = None
        at = self._time(given, None) if "at" in given else now
        if "history" in given:
            history = self._history(given, at)
        elif self.defaults is not None and "history" in self.defaults:
            history = ()
        if "expect" not in given and not self.recording:
            hint = "iptc-sim test --record writes what happens today"
            self.faults.add(key, f"nothing is expected of {key.text}", "an expectation", hint)
        step = self._step(given, at, history)
        return Case(key.text or "", key.start[0], (step,)) if step else None

    def _sequence(self, key: Marked, value: Marked, now: float | None) -> Case | None:
        steps = []
        for item in value.items or ():
            given = Given(item)
            if "at" in given:
                now = self._time(given, now)
            steps.append(self._step(given, now, None))
        if not self.recording and not any("expect" in Given(item) for item in value.items or ()):
            self.faults.add(key, f"nothing is expected of {key.text}", "an expectation of one step at least")
        found = tuple(step for step in steps if step is not None)
        return Case(key.text or "", key.start[0], found, in_turn=True) if len(found) == len(steps) else None

    def _claim(self, key: Marked, given: Given) -> RulesetCase:
        name, line = key.text or "", key.start[0]
        if "equivalent-to" in given:
            form = given.given("equivalent-to")
            rules = self._rules_from(given, "equivalent-to", form.given("generate") if form else None)
            return RulesetCase(name, line, Equivalent(rules, given.text("undecided") == "pass"))
        form = given.given("no-findings")
        if form is None:
            return RulesetCase(name, line, NoFindings())
        baseline = None
        if "baseline" in form:
            with self._at(form.at("baseline")):
                path = self._path(form.at("baseline"))
                baseline = read_source(str(path), path)
        ignored = frozenset(item.text or "" for item in form.items("except"))
        return RulesetCase(name, line, NoFindings(ignored, baseline))

    def _step(self, given: Given, at: float | None, history: tuple[Earlier, ...] | None) -> Step | None:
        with self._at(given.at("flow")):
            flow = self._with_defaults(parse_flow(given.text("flow").rstrip(), names=self.names))
            expected = None
            form = given.given("expect")
            if form is not None:
                expected = read_expected(form, flow, self.names, self.faults)
            return Step(given.marked, flow, expected, at, history, given.text("went-to"))
        return None

    def _with_defaults(self, flow: Flow) -> Flow:
        name = self.defaults.text("in") if self.defaults else ""
        return clause(flow, "in", name) if name and flow.packet.in_interface is UNKNOWN else flow

    def _time(self, given: Given, before: float | None) -> float | None:
        """Return the time of a flow; ``+N`` counts from the one before it."""
        if "at" not in given:
            return before
        text = given.text("at")
        with self._at(given.at("at")):
            if not text.startswith("+"):
                return parse_time(text)
            if before is None:
                raise ValueError(f"{text} counts from the packet before, whose time is not told")
            return before + parse_time(text[1:])
        return None

    def _history(self, given: Given, at: float | None) -> tuple[Earlier, ...]:
        items = given.items("history") if given.at("history").items is not None else ()
        source = SourceFile("history", "\n".join((item.text or "").replace("\n", " ") for item in items))
        try:
            return parse_history(source, at)
        except InputError as error:
            for wrong in error.diagnostics:
                span = wrong.span or Span(source, 1)
                item = items[span.line - 1]
                place = Span(SourceFile("history", item.text or ""), 1, span.column, span.length)
                self.faults.add_error(item, InputError(replace(wrong, span=place)))
        return ()


def _find(path: Path) -> Path:
    """Return a path where there is a file or folder.

    Raises:
        InputError: IPT001, there is none.
    """
    if not path.exists():
        read_source(str(path), path)
    return path


def _texts(value: Marked) -> list[str]:
    return [item.text or "" for item in (value.items if value.items is not None else (value,))]


def _setting(kind: str, flags: Given, key: str) -> object:
    """Return the value of one of kube-proxy's flags, by the type of its field."""
    if kind == "bool":
        return flags.truth(key)
    if kind.startswith("tuple"):
        return tuple(item.text or "" for item in flags.items(key))
    text = flags.text(key)
    if kind != "int":
        return text
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ValueError(f"{text} is not a number")
    return int(text)
