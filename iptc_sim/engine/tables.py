"""The walk through the chains of one table at one hook (``ipt_do_table``, ``nft_do_chain``)."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from iptc_sim.diagnostics import Diagnostic, InputError
from iptc_sim.engine import nat
from iptc_sim.engine.branch import Branch, Forked, Frame, Result
from iptc_sim.engine.conntrack import NAT_HOOKS
from iptc_sim.engine.hooks import Walk
from iptc_sim.engine.judge import Unsettled, assume, judge
from iptc_sim.match import No
from iptc_sim.moment import Moment
from iptc_sim.node import Node
from iptc_sim.ruleset import Rule, Ruleset
from iptc_sim.steps import BackStep, ChainStep, End, Fate, NoteStep, PolicyStep, RuleStep, TranslateStep
from iptc_sim.target import Accept, Action, Continue, Drop, Effect, Goto, Jump, Reject, Return, SetMark, Translate

#: How deep chains may be nested: what the kernel allows (``NFT_JUMP_STACK_SIZE``).
MAX_DEPTH: Final = 16


class TableWalk:
    """Walks one table of a ruleset at a hook, for any branch.

    Args:
        ruleset: the rules.
        node: the machine.
        stop: which table at which hook.
    """

    def __init__(self, ruleset: Ruleset, node: Node, stop: Walk) -> None:
        self.ruleset, self.node, self.hook, self.table = ruleset, node, stop.hook, stop.table
        self.base = ruleset.chain(stop.table, stop.hook)

    def begin(self, branch: Branch) -> None:
        """Enter the base chain; a table or chain that the dump does not have is not walked."""
        if self.base is not None:
            branch.frames = [Frame(self.base)]
            branch.steps.append(ChainStep(self.hook, self.table, self.base.name, "base", 0))

    def run(self, branch: Branch) -> Result:
        """Walk on until the table lets the packet go on (None), ends it, or the branch forks."""
        at = self._moment(branch)
        while branch.frames:
            frame = branch.frames[-1]
            if frame.position >= len(frame.chain.rules):
                self._back(branch)
                continue
            rule = frame.chain.rules[frame.position]
            frame.position += 1
            if branch.forced:
                branch.forced = False
            else:
                found = judge(rule, at, branch.assumed)
                if isinstance(found, No):
                    branch.steps.append(self._step(branch, rule, matched=False, reason=found))
                    continue
                if isinstance(found, Unsettled):
                    return self._fork(branch, rule, found, at)
            done, result = self._apply(branch, rule, at)
            if done:
                return result
            if branch.packet is not at.packet:
                at = self._moment(branch)
        return self._policy(branch)

    def _moment(self, branch: Branch) -> Moment:
        return Moment(branch.packet, self.hook, self.table, self.node, branch.connection)

    def _step(
        self,
        branch: Branch,
        rule: Rule,
        *,
        matched: bool,
        reason: No | None = None,
        action: Action | None = None,
        mark: tuple[int, int] | None = None,
    ) -> RuleStep:
        frame = branch.frames[-1]
        depth = len(branch.frames) - 1
        return RuleStep(
            self.hook,
            self.table,
            frame.chain.name,
            frame.position,
            rule,
            matched,
            reason,
            action,
            mark,
            depth,
        )

    def _fork(self, branch: Branch, rule: Rule, unsettled: Unsettled, at: Moment) -> Forked:
        frame = branch.frames[-1]
        chance = unsettled.chance
        place = f"{self.table} {frame.chain.name} rule {frame.position}"
        fits = branch.fork(f"{place} fits: {unsettled.first}", chance)
        learnt, moment = assume(unsettled, at, fits=True)
        fits.assumed |= learnt
        fits.packet = moment.packet
        fits.frames[-1].position -= 1
        fits.forced = True
        fails = branch.fork(f"{place} does not fit: {unsettled.first}", chance.complement if chance else None)
        learnt, moment = assume(unsettled, at, fits=False)
        fails.assumed |= learnt
        fails.packet = moment.packet
        step = self._step(branch, rule, matched=False)
        fails.steps.append(replace(step, reason=unsettled.first))
        return Forked((fits, fails))

    def _apply(self, branch: Branch, rule: Rule, at: Moment) -> tuple[bool, Result]:
        """Let the target of a rule that fits act; return whether this table is done, and how."""
        at = at if branch.packet is at.packet else self._moment(branch)
        action = rule.target.act(at) if rule.target is not None else None
        mark = (branch.packet.mark, action.mark) if isinstance(action, SetMark) else None
        step = self._step(branch, rule, matched=True, action=action, mark=mark)
        branch.steps.append(step)
        match action:
            case Accept():
                self._settle(branch)
                return True, None
            case Drop():
                return True, self._end(branch, step, Fate.DROP)
            case Reject(code):
                return True, self._end(branch, step, Fate.REJECT, code)
            case Return():
                branch.frames[-1].position = len(branch.frames[-1].chain.rules)
            case SetMark(mark=value):
                branch.packet = replace(branch.packet, mark=value)
            case Jump(name) | Goto(name):
                self._enter(branch, name, rule, goto=isinstance(action, Goto))
            case Effect(why):
                branch.steps.append(NoteStep(f"{why}; the walk goes on as if it did nothing"))
            case Translate():
                return self._translate(branch, action, step)
            case Continue() | None:
                pass
        return False, None

    def _enter(self, branch: Branch, name: str, rule: Rule, *, goto: bool) -> None:
        chain = self.ruleset.chain(self.table, name)
        if chain is None:
            text = f"chain {name} is not in the dump: the walk goes on as if it held no rules"
            branch.steps.append(NoteStep(text))
            if goto:
                branch.frames[-1].position = len(branch.frames[-1].chain.rules)
            return
        if any(frame.chain is chain for frame in branch.frames):
            message = f"chain {name} comes back to itself; the kernel refuses such rules"
            raise InputError(Diagnostic("IPT033", message, span=rule.span, subject=f"table {self.table}"))
        if goto:
            branch.frames.pop()
        branch.frames.append(Frame(chain))
        depth = len(branch.frames) - 1
        if depth > MAX_DEPTH:
            message = f"chains are nested deeper than {MAX_DEPTH}; the kernel refuses such rules"
            raise InputError(Diagnostic("IPT033", message, span=rule.span, subject=f"table {self.table}"))
        branch.steps.append(ChainStep(self.hook, self.table, name, "goto" if goto else "jump", depth))

    def _back(self, branch: Branch) -> None:
        left = branch.frames.pop().chain.name
        if branch.frames:
            name = branch.frames[-1].chain.name
            branch.steps.append(BackStep(self.hook, self.table, left, name, len(branch.frames) - 1))

    def _policy(self, branch: Branch) -> Result:
        base = self.base
        if base is None:
            self._settle(branch)
            return None
        policy = base.policy or "ACCEPT"
        branch.steps.append(PolicyStep(self.hook, self.table, base.name, policy, base.policy is None))
        if policy == "ACCEPT":
            self._settle(branch)
            return None
        return End(
            0,
            Fate.DROP,
            branch.packet,
            branch.connection,
            branch.odds,
            why=f"policy DROP of {self.table} {base.name}",
            decided_by=(self.table, base.name, 0),
        )

    def _end(self, branch: Branch, step: RuleStep, fate: Fate, code: str = "") -> End:
        where = f"rule {step.number} of {self.table} {step.chain}"
        by = (self.table, step.chain, step.number)
        return End(0, fate, branch.packet, branch.connection, branch.odds, code, where, by)

    def _settle(self, branch: Branch) -> None:
        """Leave the table with ACCEPT; in nat that decides this side of the connection, translated or not."""
        branch.frames = []
        if self.table == "nat" and branch.connection is not None:
            branch.connection = branch.connection.settle(NAT_HOOKS[self.hook], branch.packet)

    def _translate(self, branch: Branch, action: Translate, step: RuleStep) -> tuple[bool, Result]:
        if self.table != "nat" or NAT_HOOKS.get(self.hook) is not action.manip or branch.connection is None:
            text = f"{step.rule.target.name if step.rule.target else ''} cannot stand here; the kernel refuses it"
            branch.steps.append(NoteStep(text))
            return False, None
        outcomes = nat.choices(action, branch.packet, self.hook, self.node)
        if len(outcomes) == 1:
            return True, self._rewrite(branch, outcomes[0], step)
        branches = []
        for choice in outcomes:
            shown = choice.packet or branch.packet
            side = shown.source_text if action.manip.value == "source" else shown.destination_text
            child = branch.fork(f"{action.manip} becomes {side}, {choice.note}", choice.chance)
            self._rewrite(child, choice, step)
            branches.append(child)
        return True, Forked(tuple(branches))

    def _rewrite(self, branch: Branch, choice: nat.Choice, step: RuleStep) -> Result:
        before, name = branch.packet, step.rule.target.name if step.rule.target else ""
        if choice.packet is None:
            end = self._end(branch, step, Fate.DROP)
            return replace(end, why=f"{end.why}: {choice.note}")
        manip = NAT_HOOKS[self.hook]
        branch.packet = choice.packet
        branch.steps.append(TranslateStep(self.hook, manip, before, choice.packet, name, choice.note))
        self._settle(branch)
        return None
