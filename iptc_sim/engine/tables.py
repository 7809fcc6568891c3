"""The walk through the chains of one table at one hook (``ipt_do_table``, ``nft_do_chain``)."""

from __future__ import annotations

from iptc_sim.diagnostics import Diagnostic, InputError, UsageError
from iptc_sim.engine import nat
from iptc_sim.engine.branch import Branch, Forked, Frame, Result
from iptc_sim.engine.conntrack import NAT_HOOKS, closed, template
from iptc_sim.engine.hooks import Walk
from iptc_sim.engine.judge import Unsettled, assume, judge
from iptc_sim.engine.load_order import FirstLoaded
from iptc_sim.engine.made_here import rejection
from iptc_sim.engine.situation import Situation
from iptc_sim.match import No, Unclear
from iptc_sim.moment import Moment
from iptc_sim.protocols import TCP
from iptc_sim.records import replace
from iptc_sim.ruleset import Rule, Ruleset
from iptc_sim.steps import BackStep, ChainStep, End, Fate, NoteStep, PolicyStep, RuleStep, TranslateStep
from iptc_sim.target import (
    Accept,
    Action,
    Alter,
    Continue,
    Drop,
    Effect,
    Either,
    Goto,
    Intercept,
    Jump,
    Prepare,
    Reject,
    Return,
    SetMark,
    Steal,
    Translate,
)
from iptc_sim.tracking import Direction, Manip


class Budget:
    """How many rules one exploration may still look at."""

    def __init__(self, steps: int) -> None:
        self.left = self.steps = steps

    def spend(self) -> None:
        """Count a rule.

        Raises:
            UsageError: IPT043, it was one too many.
        """
        self.left -= 1
        if self.left < 0:
            message = f"the walk was given up after {self.steps:,} rules: its chains jump to and fro"
            raise UsageError(Diagnostic("IPT043", message))


def _matters(rule: Rule, at: Moment) -> bool:
    """Whether it makes a difference if a packet fits: a rule that only counts or logs makes none."""
    return rule.target is not None and not isinstance(rule.target.act(at), Continue)


class TableWalk:
    """Walks one table of a ruleset at a hook, for any branch.

    Args:
        ruleset: the rules.
        situation: the node and what is known of other packets.
        stop: which table at which hook.
        steps: how many rules may be looked at.
    """

    def __init__(self, ruleset: Ruleset, situation: Situation, stop: Walk, steps: Budget) -> None:
        self.ruleset, self.situation, self.hook, self.table = ruleset, situation, stop.hook, stop.table
        self.budget = steps
        self.first = FirstLoaded(ruleset)
        self.base = ruleset.chain(stop.table, stop.hook)

    def begin(self, branch: Branch) -> None:
        """Enter the base chain; a table or chain that the dump does not have is not walked."""
        if self.base is not None:
            branch.frames = [Frame(self.base)]
            branch.steps.append(ChainStep(self.hook, self.table, self.base.name, "base", 0))

    def run(self, branch: Branch) -> Result:
        """Walk on until the table lets the packet go on (None), ends it, or the branch forks."""
        if not branch.frames:
            return self._policy(branch)
        at = self._moment(branch)
        while branch.frames:
            frame = branch.frames[-1]
            if frame.position >= len(frame.chain.rules):
                self._back(branch)
                continue
            rule = frame.chain.rules[frame.position]
            frame.position += 1
            self.budget.spend()
            if branch.forced:
                branch.forced = False
            else:
                place = (self.table, frame.chain.name, frame.position)
                found, branch.memory = judge(rule, at, branch.assumed, place, self.situation.answers)
                if isinstance(found, Unsettled) and found.memory == found.otherwise and not _matters(rule, at):
                    branch.steps.append(
                        replace(self._step(branch, rule, matched=False), reason=found.first, maybe=True)
                    )
                    continue
                if isinstance(found, Unsettled):
                    return self._fork(branch, rule, found, at)
                if branch.memory is not at.memory:
                    at = self._moment(branch)
                if isinstance(found, No):
                    step = self._step(branch, rule, matched=False, reason=found)
                    branch.steps.append(step)
                    if found.drops:
                        return replace(self._end(branch, step, Fate.DROP), why=str(found))
                    continue
            done, result = self._apply(branch, rule, at)
            if done:
                return result
            if self._has_changed(branch, at):
                at = self._moment(branch)
        return self._policy(branch)

    @staticmethod
    def _has_changed(branch: Branch, at: Moment) -> bool:
        same = branch.packet is at.packet and branch.connection is at.connection and branch.memory is at.memory
        return not same

    def _moment(self, branch: Branch) -> Moment:
        around = self.situation
        return Moment(
            branch.packet,
            self.hook,
            self.table,
            around.node,
            branch.connection,
            branch.memory,
            around.now,
            others=tuple(around.connections) if around.complete else None,
            first=self.first,
            variant=self.ruleset.variant,
        )

    def _step(
        self,
        branch: Branch,
        rule: Rule,
        *,
        matched: bool,
        reason: No | Unclear | None = None,
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
        where = (self.table, frame.chain.name, frame.position)
        place = f"{self.table} {frame.chain.name} rule {frame.position}"
        fits = branch.fork(f"{place} fits: {unsettled.first}", chance)
        learnt, moment = assume(unsettled, at, where, fits=True)
        fits.assumed |= learnt
        fits.packet, fits.memory = moment.packet, unsettled.memory
        fits.frames[-1].position -= 1
        fits.forced = True
        fails = branch.fork(f"{place} does not fit: {unsettled.first}", chance.complement if chance else None)
        learnt, moment = assume(unsettled, at, where, fits=False)
        fails.assumed |= learnt
        fails.packet, fails.memory = moment.packet, unsettled.otherwise
        fails.steps.append(self._step(branch, rule, matched=False, reason=unsettled.first))
        return Forked((fits, fails))

    def _apply(self, branch: Branch, rule: Rule, at: Moment) -> tuple[bool, Result]:
        """Let the target of a rule that fits act; return whether this table is done, and how."""
        at = at if branch.packet is at.packet and branch.memory is at.memory else self._moment(branch)
        action = branch.chosen or (rule.target.act(at) if rule.target is not None else None)
        branch.chosen = None
        if isinstance(action, Effect):
            action = Either((("goes on", Continue()), ("takes the packet away", Steal(action.why))))
        if isinstance(action, Either):
            return True, self._choose(branch, rule, action)
        mark = (branch.packet.mark, action.mark) if isinstance(action, SetMark) else None
        step = self._step(branch, rule, matched=True, action=action, mark=mark)
        branch.steps.append(step)
        match action:
            case Accept(queued=queued):
                branch.frames = []
                if not queued:
                    self._settle(branch)
                return True, None
            case Drop():
                return True, self._end(branch, step, Fate.DROP)
            case Reject(code):
                answer, entry = rejection(at, code), branch.connection
                if answer is not None and answer.protocol == TCP and entry is not None and entry.tcp:
                    branch.connection = closed(entry, self.situation)
                return True, replace(self._end(branch, step, Fate.REJECT, code), answer=answer)
            case Steal(why):
                return True, replace(self._end(branch, step, Fate.STOLEN), why=why)
            case Return():
                branch.frames[-1].position = len(branch.frames[-1].chain.rules)
            case Jump(name) | Goto(name):
                self._enter(branch, name, rule, goto=isinstance(action, Goto))
            case Translate():
                return self._translate(branch, action, step)
            case Intercept():
                branch.packet = replace(branch.packet, mark=action.mark)
                branch.frames = []
                return True, None
            case _:
                self._alter(branch, action)
        return False, None

    @staticmethod
    def _alter(branch: Branch, action: Action | None) -> None:
        """Do what lets the walk go on."""
        match action:
            case SetMark(mark=value):
                branch.packet = replace(branch.packet, mark=value)
            case Prepare():
                branch.prepared, branch.connection = action, template(branch.packet, action)
            case Alter(packet=packet, connection=connection, memory=memory):
                branch.packet = packet or branch.packet
                branch.connection = connection or branch.connection
                branch.memory = memory or branch.memory

    def _choose(self, branch: Branch, rule: Rule, either: Either) -> Forked:
        frame = branch.frames[-1]
        name = rule.target.name if rule.target else ""
        children = []
        for words, action in either.ways:
            child = branch.fork(f"{self.table} {frame.chain.name} rule {frame.position}: {name} {words}", None)
            child.frames[-1].position -= 1
            child.forced, child.chosen = True, action
            children.append(child)
        return Forked(tuple(children))

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
        if wrong := self.ruleset.goes_too_deep(depth):
            raise InputError(replace(wrong, span=rule.span, subject=f"table {self.table}"))
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
            memory=branch.memory,
        )

    def _end(self, branch: Branch, step: RuleStep, fate: Fate, code: str = "") -> End:
        where = f"rule {step.number} of {self.table} {step.chain}"
        by = (self.table, step.chain, step.number)
        return End(0, fate, branch.packet, branch.connection, branch.odds, code, where, by, branch.memory)

    def _settle(self, branch: Branch, *, translated: bool = False) -> None:
        """Leave the table with ACCEPT; in nat that decides this side of the connection, translated or not."""
        branch.frames = []
        entry = branch.connection
        if self.table != "nat" or entry is None or entry.confirmed:  # then it is too late (nf_nat_setup_info)
            return
        manip = NAT_HOOKS[self.hook]
        if translated:
            branch.connection = entry.settle(manip, branch.packet)
            return
        first = entry.direction is Direction.ORIGINAL and entry.is_tracked
        moved = nat.null_binding(branch.packet, self.situation, entry) if first and manip is Manip.SOURCE else None
        if moved is None or moved.packet is None:
            branch.connection = entry.settled(manip)
            return
        note = f"its tuple is taken: {moved.note}"
        branch.steps.append(TranslateStep(self.hook, manip, branch.packet, moved.packet, "conntrack", note))
        branch.packet = moved.packet
        branch.connection = entry.settle(manip, moved.packet)

    def _translate(self, branch: Branch, action: Translate, step: RuleStep) -> tuple[bool, Result]:
        if self.table != "nat" or NAT_HOOKS.get(self.hook) is not action.manip or branch.connection is None:
            text = f"{step.rule.target.name if step.rule.target else ''} cannot stand here; the kernel refuses it"
            branch.steps.append(NoteStep(text))
            return False, None
        if branch.connection.confirmed:
            branch.steps.append(NoteStep("the connection is confirmed already: nothing of it is translated any more"))
            branch.frames = []
            return True, None
        outcomes = nat.choices(action, branch.packet, self.hook, self.situation, branch.connection, branch.memory)
        if len(outcomes) == 1:
            return True, self._rewrite(branch, outcomes[0], step)
        branches = []
        for choice in outcomes:
            shown = choice.packet or branch.packet
            side = shown.source_text if action.manip.value == "source" else shown.destination_text
            child = branch.fork(f"{action.manip} becomes {side}, {choice.note}", choice.chance)
            child.memory = child.memory.put(nat.hash_key(action, branch.packet, branch.connection.zone), choice.address)
            self._rewrite(child, choice, step)
            branches.append(child)
        return True, Forked(tuple(branches))

    def _rewrite(self, branch: Branch, choice: nat.Choice, step: RuleStep) -> Result:
        before, name = branch.packet, step.rule.target.name if step.rule.target else ""
        if choice.packet is None:
            branch.steps[-1] = replace(step, action=Drop())
            end = self._end(branch, step, Fate.DROP)
            return replace(end, why=f"{end.why}: {choice.note}")
        manip, entry = NAT_HOOKS[self.hook], branch.connection
        if entry is not None and choice.packet != before and entry.settle(manip, choice.packet).reply == entry.reply:
            # SNPT or DNPT has changed the packet alone: conntrack has nothing to translate (nf_nat_setup_info).
            branch.connection, branch.frames, branch.done = entry.settled(manip), [], True
            return None
        branch.packet = choice.packet
        branch.steps.append(TranslateStep(self.hook, manip, before, choice.packet, name, choice.note))
        self._settle(branch, translated=True)
        out, entry = choice.packet.out_interface, branch.connection
        if isinstance(step.action, Translate) and step.action.masquerade and isinstance(out, str) and entry is not None:
            branch.connection = replace(entry, masqueraded_by=out)
        branch.done = True
        return None
