"""The search: one trial after another, each followed through its evaluations."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from t2t_mm import locks
from t2t_mm.errors import UserError
from t2t_mm.execution.signals import StopSignals
from t2t_mm.reporting.console import Console
from t2t_mm.runs import child
from t2t_mm.runs.directory import LOCK_FILE, OutputDir
from t2t_mm.tuning import report
from t2t_mm.tuning.outcomes import COMPLETE, FAILED, PRUNED, REFUSED, Outcome, check_some_work
from t2t_mm.tuning.plan import Plan
from t2t_mm.tuning.storage import Claim, Store
from t2t_mm.tuning.trial import evaluations

POLL = 0.2  # seconds between looks at a trial
Command = Callable[[Path, Mapping[str, Any]], Sequence[str]]


def search(plan: Plan, console: Console, command: Command = child.command) -> None:
    """Runs trials until there are enough, and says what came of them.

    Args:
        plan: the search.
        console: where it logs.
        command: makes the command line of a trial from its directory and options.

    Raises:
        UserError: the storage can't be used, or all trials have failed.
        KeyboardInterrupt, Terminated: a signal has come; the trial that ran was stopped.
    """
    store, logs = Store(plan), str(plan.folder(0).with_name("trial_*") / child.LOG)
    with StopSignals() as signals:
        more = True
        while more:
            if signals.asked():
                console.log("Stopped. The same command goes on.")
                signals.leave()
            with store.claimed() as claim:
                more = claim is not None
                if claim is not None:
                    _Follow(plan, store, claim, console, signals).run(command)
            check_some_work(store.outcomes(), not more, logs)
    report.show(plan, store.outcomes(), store.importances(), console)


class _Follow:
    """A trial while it runs."""

    def __init__(
        self, plan: Plan, store: Store, claim: Claim, console: Console, signals: StopSignals
    ) -> None:
        self.plan, self.store, self.claim = plan, store, claim
        self.console, self.signals = console, signals
        self.folder = plan.folder(claim.trial.number)
        self.name = f"Trial {claim.trial.number}"
        self.values: dict[int, float | None] = {}  # of the evaluations so far

    def run(self, command: Command) -> None:
        """From its start, or where it was left, to its end, which is recorded."""
        own = " (the set's own values)" if self.claim.is_own else ""
        self._log(f"{own}: {report.in_words(self.claim.values)}")
        try:
            self.plan.with_values(self.claim.values)
        except UserError as error:
            self._end(REFUSED, str(error))
            return
        self._wait_for_orphan()
        if twin := self._twin():
            self._repeat(twin)
        elif self._is_hopeless():
            self._prune()
        elif self._is_done():
            self._judge()
        else:
            line = command(self.folder, self.plan.options(self.claim.values))
            self._follow(child.Process(line, self.folder))

    def _follow(self, process: child.Process) -> None:
        try:
            code = None
            while code is None:
                code = process.poll()  # before the look at what it has written by then
                hopeless = self._is_hopeless()
                if self.signals.asked():
                    process.stop()
                    self._leave()
                if hopeless and code is None:
                    process.stop()
                    self._prune()
                    return
                if code is None:
                    time.sleep(POLL)
        finally:
            process.stop()
        if process.was_stopped:
            raise UserError(
                f"{self.name} was stopped by a signal. The same command goes on with it, from its "
                f"last checkpoint in {self.folder}."
            )
        if code:
            self._end(FAILED, process.reason())
        else:
            self._judge()

    def _is_hopeless(self) -> bool:
        """Records new evaluations; whether the trial is to be given up after one of them."""
        found = evaluations(self.folder, self.plan.config.eval_split, self.plan.metric)
        hopeless = False
        for step, value in found.items():
            if value is not None and step not in self.values:
                self._log(f", step {step:,}: {self.plan.metric} {self.plan.measure.shown(value)}")
                self.store.report(self.claim, step, value)
                is_last = step >= self.plan.config.train_steps
                hopeless = hopeless or (not is_last and self.store.is_hopeless(self.claim))
        self.values = found
        return hopeless

    def _is_done(self) -> bool:
        """Whether there is nothing left to train or evaluate."""
        ended = OutputDir(self.folder).state() == "ended"
        return ended and self.plan.config.train_steps in self.values

    def _judge(self) -> None:
        last = self.plan.config.train_steps
        value = self.values.get(last)
        if value is not None:
            self.store.complete(self.claim, value)
            self._log(f": complete, {self.plan.measure.shown(value)}")
        elif last in self.values:
            self._end(FAILED, f"{self.plan.metric} is not finite after {last:,} steps")
        else:
            self._end(FAILED, f"there is no evaluation of {self.plan.metric} at step {last:,}")

    def _twin(self) -> Outcome | None:
        """A trial of the same values, which has come to what this one would come to."""
        found = (e for e in self.store.outcomes() if e.state == COMPLETE)
        return next((each for each in found if each.values == self.claim.values), None)

    def _repeat(self, twin: Outcome) -> None:
        if twin.value is not None and twin.step is not None:
            self.store.report(self.claim, twin.step, twin.value)
            self.store.complete(self.claim, twin.value, f"the same as trial {twin.number}")
            self._log(f": the same as trial {twin.number}, {self.plan.measure.shown(twin.value)}")

    def _prune(self) -> None:
        self._end(PRUNED)

    def _end(self, state: str, reason: str = "") -> None:
        self.store.give_up(self.claim, state, reason)
        self._log(f": {state}{': ' if reason else ''}{reason}")

    def _wait_for_orphan(self) -> None:
        """Lets a process end that a search which was killed has left in the directory."""
        if locks.is_locked(self.folder / LOCK_FILE):
            self._log(": waiting for the process that still trains it")
        while locks.is_locked(self.folder / LOCK_FILE):
            if self.signals.asked():
                self._leave()
            time.sleep(POLL)

    def _leave(self) -> None:
        self._log(": stopped. The same command goes on with it, from what it has saved.")
        self.signals.leave()

    def _log(self, text: str) -> None:
        self.console.log(f"{self.name}{text}")
