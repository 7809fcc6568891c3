"""What iptables makes of drawn rules, and what we make of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from difflib import unified_diff
from typing import Final, Self

from iptc_sim.kernel.errors import KernelError
from iptc_sim.kernel.namespace import Namespace
from iptc_sim.ruleset import BUILTIN_CHAINS, Rule
from iptc_sim.syntax import examine
from iptc_sim.syntax.write import write_rule, write_save
from iptc_sim.values import Family, Variant
from tests.drawn.rules import LOOSE, NEXT, Drawn
from tests.drawn.spelled import ESTIMATORS, SETS

_LINE: Final = re.compile(r"line:? (\d+)")
_MARKER: Final = re.compile(r"-A \S+ -m comment --comment drawn-(\d+)")
_DEPRECATED: Final = "--set option deprecated, please use --match-set"
_CALL: Final = {Family.IPV4: "iptables", Family.IPV6: "ip6tables"}
_OBJECTS: Final = {"ipset": SETS, "rate estimator": ESTIMATORS}
_SET_FAMILY: Final = {Family.IPV4: "inet", Family.IPV6: "inet6"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a rule.

    Args:
        lines: as printed; empty where the rule is refused.
        error: why it is refused.
    """

    lines: tuple[str, ...]
    error: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """A rule of which we say something else."""

    family: Family
    rule: Drawn
    theirs: Verdict
    ours: Verdict

    def __str__(self) -> str:
        where = f"IPv{int(self.family)} {self.rule.table}: {self.rule.line}"
        return f"{where}\n  iptables {_text(self.theirs)}\n  ours     {_text(self.ours)}"


def _text(verdict: Verdict) -> str:
    return " / ".join(verdict.lines) or f"refused: {verdict.error}"


# --- iptables -------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Iptables:
    """iptables in a namespace of its own.

    Args:
        family: IPv4 or IPv6.
        variant: which of the two.

    Attributes:
        loaded: the rules that were taken, as a restore text.
        saved: what iptables-save printed of them, without its comments.
    """

    family: Family
    variant: Variant
    loaded: str = ""
    saved: str = ""
    _namespace: Namespace = field(init=False, default_factory=Namespace)

    def __enter__(self) -> Self:
        options = f"family {_SET_FAMILY[self.family]} counters skbinfo timeout 0"
        sets = zip(SETS, ("hash:ip", "hash:ip,port"), strict=True)
        text = "".join(f"create {name} {kind} {options}\n" for name, kind in sets)
        self._namespace.run(["ipset", "restore"], text)
        self._load({})  # iptables-legacy asks for estimators before it makes those of the same table
        return self

    def __exit__(self, *_raised: object) -> None:
        self._namespace.close()

    def judge(self, rules: Sequence[Drawn]) -> list[Verdict]:
        """Load rules; return what became of each, in order.

        A rule of which the kernel cannot be asked is only parsed; where that goes well it has no lines and no error.
        """
        numbered = dict(enumerate(rules, 1))
        verdicts: dict[int, Verdict] = {}
        self._settle({number: rule for number, rule in numbered.items() if not rule.loads}, verdicts, test=True)
        asked = {number: rule for number, rule in numbered.items() if rule.loads}
        taken = self._settle(asked, verdicts, test=False)
        self.loaded = "\n".join(restore_lines(taken)[0]) + "\n"
        self._load(taken)
        lines = self._namespace.run([self._tool("save")]).splitlines()
        self.saved = "".join(f"{line}\n" for line in lines if not line.startswith("#"))
        saved = read_saved(lines)
        return [verdicts.get(number) or Verdict(saved.get(number, ())) for number in numbered]

    def _tool(self, name: str) -> str:
        return f"{_CALL[self.family]}-{self.variant}-{name}"

    def _settle(self, rules: dict[int, Drawn], verdicts: dict[int, Verdict], *, test: bool) -> dict[int, Drawn]:
        """Find out which rules are refused; return the others."""
        left = dict(rules)
        while left:
            try:
                self._load(left, test=test)
            except KernelError as error:
                found = _blamed(left, str(error))
                if not found and len(left) > 1:
                    return self._halves(left, verdicts, test=test)
                for number, why in (found or dict.fromkeys(left, str(error))).items():
                    verdicts[number] = Verdict((), why)
                    del left[number]
            else:
                break
        return left

    def _halves(self, rules: dict[int, Drawn], verdicts: dict[int, Verdict], *, test: bool) -> dict[int, Drawn]:
        items = list(rules.items())
        middle = len(items) // 2
        return self._settle(dict(items[:middle]), verdicts, test=test) | self._settle(
            dict(items[middle:]), verdicts, test=test
        )

    def _load(self, rules: dict[int, Drawn], *, test: bool = False) -> None:
        lines, _ = restore_lines(rules)
        self._namespace.run([self._tool("restore"), *(["--test"] if test else [])], "\n".join(lines) + "\n")


def restore_lines(rules: dict[int, Drawn]) -> tuple[list[str], dict[int, int]]:
    """Return a restore text with a marker behind each rule, and the number of the rule in each line.

    A line may stand for several rules, or none, and counters would not tell: ip6tables-nft-restore 1.8.9 drops them.
    """
    lines: list[str] = []
    places: dict[int, int] = {}
    for table in BUILTIN_CHAINS:
        lines += [f"*{table}", f":{LOOSE} - [0:0]", f":{NEXT} - [0:0]"]
        estimate = "--rateest-interval 250ms --rateest-ewmalog 2s"
        lines += [f"-A {NEXT} -j RATEEST --rateest-name {name} {estimate}" for name in ESTIMATORS]
        for number, rule in rules.items():
            if rule.table == table:
                lines += [rule.line, f"-A {rule.chain} -m comment --comment drawn-{number}"]
                places[len(lines) - 1] = number
        lines.append("COMMIT")
    return lines, places


def read_saved(lines: Iterable[str]) -> dict[int, tuple[str, ...]]:
    """Return what iptables-save printed for each rule: the lines in front of its marker."""
    saved: dict[int, tuple[str, ...]] = {}
    since: list[str] = []
    for line in lines:
        if marker := _MARKER.fullmatch(line):
            saved[int(marker[1])] = tuple(since)
            since = []
        elif line.startswith("-A "):
            since.append(line)
        else:
            since = []  # what stands in the chain to jump to
    return saved


def _blamed(rules: dict[int, Drawn], message: str) -> dict[int, str]:
    """Return the rules that an error message names, each with what it says of them."""
    _, places = restore_lines(rules)
    lines = message.replace(_DEPRECATED, "").splitlines()
    found: dict[int, str] = {}
    for index, text in enumerate(lines):
        line = _LINE.search(text)
        if line and int(line[1]) in places:
            said = [text] if "RULE_APPEND" in text else lines[max(0, index - 2) : index + 1]
            found[places[int(line[1])]] = " ".join(said).strip()
    return found


# --- ours -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Simulator:
    """Reads and writes the same rules, each as a dump of its own.

    Args:
        family: IPv4 or IPv6.
        variant: of iptables.
    """

    family: Family
    variant: Variant

    def judge(self, drawn: Drawn) -> Verdict:
        """Return what becomes of a rule."""
        rules, error = self._read(drawn)
        return Verdict((), error) if error else Verdict(self._lines(drawn, rules))

    def changed(self, drawn: Drawn) -> list[Drawn]:
        """Return those lines which are printed for a rule that are not read as that rule.

        iptables prints some rules so that they cannot be read again, or only as others (an empty name without quotes,
        the comparison of ``-m rateest`` twice, bursts that were rounded). Only iptables can tell which.
        """
        rules, _ = self._read(drawn)
        printed = [replace(drawn, words=line.partition(f"-A {drawn.chain} ")[2]) for line in self._lines(drawn, rules)]
        return [again for rule, again in zip(rules, printed, strict=True) if self._read(again)[0] != (rule,)]

    def _lines(self, drawn: Drawn, rules: Sequence[Rule]) -> tuple[str, ...]:
        return tuple(write_rule(rule, drawn.chain, variant=self.variant) for rule in rules)

    def _read(self, drawn: Drawn) -> tuple[tuple[Rule, ...], str]:
        text = f"*{drawn.table}\n:{LOOSE} - [0:0]\n:{NEXT} - [0:0]\n{drawn.line}\nCOMMIT\n"
        found = examine(text, family=self.family, strict=True, variant=self.variant, objects=_OBJECTS)
        if found.errors:
            return (), found.errors[0].message
        chain = found.ruleset.chain(drawn.table, drawn.chain)
        return (tuple(chain.rules) if chain else ()), ""

    def dump_differences(self, loaded: str, saved: str) -> list[str]:
        """Read all rules of a batch at once; return the lines in which our dump is not that of iptables."""
        found = examine(loaded, family=self.family, strict=True, variant=self.variant, objects=_OBJECTS)
        if found.errors:
            return [f"IPv{int(self.family)}: {error.message}" for error in found.errors]
        ours = write_save(found.ruleset, variant=self.variant).splitlines()
        return list(unified_diff(saved.splitlines(), ours, "iptables", "ours", n=0, lineterm=""))


# --- both -----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Tally:
    """What came of a comparison.

    Attributes:
        counts: rules with each extension: accepted and refused by iptables.
        accepted: rules that iptables took.
        refused: rules that it refused.
        changed: lines that are printed and not read as the rule they were printed for; they are compared, too.
        differences: rules of which we say something else.
        dumps: lines of whole dumps that we write in another way.
    """

    counts: dict[tuple[Family, str], list[int]] = field(default_factory=dict)
    accepted: int = 0
    refused: int = 0
    changed: int = 0
    differences: list[Difference] = field(default_factory=list)
    dumps: list[str] = field(default_factory=list)

    def compare(self, family: Family, variant: Variant, rules: Sequence[Drawn]) -> None:
        """Have one batch judged by both sides, and then what is printed for it where that is not the same rule again.

        Args:
            family: of the rules.
            variant: of iptables.
            rules: of one batch.
        """
        simulator = Simulator(family, variant)
        with Iptables(family, variant) as iptables:
            verdicts = iptables.judge(rules)
        self.dumps += simulator.dump_differences(iptables.loaded, iptables.saved)
        self._settle(simulator, rules, verdicts)
        for rule, theirs in zip(rules, verdicts, strict=True):
            self.accepted += not theirs.error
            self.refused += bool(theirs.error)
            for name in rule.names:
                self.counts.setdefault((family, name), [0, 0])[bool(theirs.error)] += 1
        printed = [again for rule in rules for again in simulator.changed(rule)]
        self.changed += len(printed)
        if printed:
            with Iptables(family, variant) as iptables:
                verdicts = iptables.judge(printed)
            self._settle(simulator, printed, verdicts)

    def _settle(self, simulator: Simulator, rules: Sequence[Drawn], verdicts: Sequence[Verdict]) -> None:
        """Note the rules on which the sides differ; these are asked again alone, as rules of a batch share names."""
        for rule, theirs in zip(rules, verdicts, strict=True):
            ours = simulator.judge(rule)
            if not agree(rule, theirs, ours):
                with Iptables(simulator.family, simulator.variant) as iptables:
                    alone = iptables.judge([rule])[0]
                if not agree(rule, alone, ours):
                    self.differences.append(Difference(simulator.family, rule, alone, ours))


def agree(rule: Drawn, theirs: Verdict, ours: Verdict) -> bool:
    """Tell whether two verdicts are the same."""
    if bool(theirs.error) != bool(ours.error):
        return False
    return bool(theirs.error) or not rule.loads or theirs.lines == ours.lines


def table(counts: dict[tuple[Family, str], list[int]]) -> Iterable[str]:
    """Return the counts of each extension as lines of a table."""
    yield f"{'extension':16}{'IPv4 taken':>12}{'refused':>9}{'IPv6 taken':>12}{'refused':>9}"
    for name in sorted({name for _, name in counts}):
        four, six = (counts.get((family, name), [0, 0]) for family in Family)
        yield f"{name:16}{four[0]:>12}{four[1]:>9}{six[0]:>12}{six[1]:>9}"
