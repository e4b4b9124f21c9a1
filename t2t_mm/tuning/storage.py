"""Optuna, which samples values and says what to prune; and which process runs which trial.

One search is one study of one storage, and one directory. Any number of processes work on it: who
holds the lock of a trial's directory runs the trial. A trial that is running by its record, and
whose lock is free, was left behind by a process that is gone.
"""

import contextlib
import math
import random
import re
import uuid
from collections.abc import Iterator
from types import ModuleType
from typing import Any, NamedTuple

from t2t_mm import files, locks, records
from t2t_mm.errors import UserError, first_line
from t2t_mm.tuning.outcomes import COMPLETE, FAILED, PRUNED, REFUSED, RUNNING, Outcome
from t2t_mm.tuning.plan import Plan
from t2t_mm.tuning.ranges import Choices, Range

STUDY = "t2t-mm-tune"
LOCK = "tune.lock"  # of the search while a trial is chosen; of a trial while it is run
_RECORD = "tune.json"  # which search a directory belongs to
# Trials drawn at random before TPE has something to go by, and ended before any is pruned.
_STARTUP = 5
_WAIT = 60  # seconds that SQLite waits for another process


class Claim(NamedTuple):
    """A trial that this process runs."""

    trial: Any  # optuna.Trial
    values: dict[str, Any]
    is_own: bool


class Store:
    """The trials of a search. Raises a UserError if the storage can't be used, or is of another
    search.

    Args:
        plan: the search.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._optuna = _imported()
        with locks.locked(plan.output / LOCK, seconds=math.inf), self._storing():
            self._study = self._opened()
            self._check_is_the_same()
            self._start()
            # Where the file system knows no locks, all of them look free.
            self._sees_locks = locks.is_locked(plan.output / LOCK)

    @contextlib.contextmanager
    def claimed(self) -> Iterator[Claim | None]:
        """A trial, which no other process runs meanwhile: one that was left behind, or the next;
        None if there are enough."""
        with contextlib.ExitStack() as held:
            with locks.locked(self.plan.output / LOCK, seconds=math.inf), self._storing():
                trial = self._left_behind(held) or self._next(held)
                claim = trial and self._suggested(trial)
            yield claim

    def report(self, claim: Claim, step: int, value: float) -> None:
        """Records an evaluation; one that is there already stays."""
        with self._storing():
            if step not in self._frozen(claim).intermediate_values:
                claim.trial.report(value, step)

    def is_hopeless(self, claim: Claim) -> bool:
        """Whether the trial is to be given up after its last evaluation. The set's own values never
        are, nor a trial in the first third of its steps."""
        with self._storing():
            return not claim.is_own and claim.trial.should_prune()

    def complete(self, claim: Claim, value: float, remark: str = "") -> None:
        """Records the end of a trial."""
        with self._storing():
            claim.trial.set_user_attr("reason", remark)
            self._study.tell(claim.trial, value)

    def give_up(self, claim: Claim, state: str, reason: str = "") -> None:
        """Records that a trial was pruned, refused or failed."""
        states = self._optuna.trial.TrialState
        with self._storing():
            claim.trial.set_user_attr("state", state)
            claim.trial.set_user_attr("reason", reason)
            self._study.tell(claim.trial, state=states.FAIL if state == FAILED else states.PRUNED)

    def outcomes(self) -> list[Outcome]:
        """All trials of the search so far."""
        with self._storing():
            trials = self._study.get_trials(deepcopy=False)
            first = self._study.user_attrs.get("first", 0)
        return [_outcome(each) for each in trials[first:] if each.state.name != "WAITING"]

    def importances(self) -> dict[str, float]:
        """{field: share of what makes a trial good}; {} where the trials don't tell."""
        with self._storing():
            trials = self._study.get_trials(deepcopy=False)
            if sum(each.state.name == "COMPLETE" for each in trials) < 2 * _STARTUP:
                return {}
            return dict(self._optuna.importance.get_param_importances(self._study))

    # -- opening

    def _opened(self) -> Any:
        optuna = self._optuna
        lite = {"connect_args": {"timeout": _WAIT}} if self.plan.url.startswith("sqlite") else {}
        steps = self.plan.config.train_steps
        try:
            self._database = optuna.storages.RDBStorage(self.plan.url, engine_kwargs=lite)
        except (ImportError, ValueError, RuntimeError) as error:  # no driver; a port; its version
            raise self._unusable(error) from error
        return optuna.create_study(
            storage=self._database,
            study_name=STUDY,
            direction="maximize" if self.plan.measure.higher_is_better else "minimize",
            load_if_exists=True,
            pruner=optuna.pruners.MedianPruner(_STARTUP - 1, n_warmup_steps=steps // 3),
        )

    def _check_is_the_same(self) -> None:
        """Refuses the storage or the directory of another search; marks those of a new one."""
        now, path = self.plan.identity(), self.plan.output / _RECORD
        before = self._study.user_attrs.get("search")
        if differs := _difference(now, before or now):
            raise UserError(
                f"{_plain(self.plan.url)} holds a search with {differs}. Give that, or another "
                "--output_dir (and --storage)."
            )
        name = self._study.user_attrs.get("name") or uuid.uuid4().hex
        found = records.read_json(path, dict[str, Any]) if path.exists() else {"name": name}
        if found.get("name") != name:
            raise UserError(
                f"{self.plan.output} holds the trials of a search in another storage than "
                f"{_plain(self.plan.url)}. Give its --storage, or another --output_dir."
            )
        files.write_json(path, {"name": name, "search": now})
        if before is None:
            self._study.set_user_attr("name", name)
            self._study.set_user_attr("search", now)

    def _start(self) -> None:
        """Puts the set's own values first; so too where all trials of before have failed."""
        trials = self._study.get_trials(deepcopy=False)
        first = self._study.user_attrs.get("first", 0)
        failed = all(_outcome(each).state in (FAILED, REFUSED) for each in trials[first:])
        if failed:
            self._study.set_user_attr("first", len(trials))
            own, ranges = self.plan.own, self.plan.space.searched
            inside = {name: value for name, value in own.items() if ranges[name].contains(value)}
            self._study.enqueue_trial(inside, user_attrs={"own": own})

    # -- trials

    def _left_behind(self, held: contextlib.ExitStack) -> Any:
        for frozen in self._study.get_trials(deepcopy=False) if self._sees_locks else []:
            if frozen.state.name == "RUNNING" and self._hold(held, frozen.number):
                now = self._study.get_trials(deepcopy=False)[frozen.number]
                if now.state.name == "RUNNING":
                    return self._optuna.trial.Trial(self._study, self._id(frozen.number))
                held.close()  # it was just about to end
        return None

    def _id(self, number: int) -> int:
        study = self._database.get_study_id_from_name(STUDY)
        return self._database.get_trial_id_from_study_id_trial_number(study, number)

    def _next(self, held: contextlib.ExitStack) -> Any:
        trials = self._study.get_trials(deepcopy=False)
        begun = [each for each in trials if each.state.name != "WAITING"]
        if len(begun) - self._study.user_attrs.get("first", 0) >= self.plan.trials:
            return None
        self._study.sampler = self._sampler(len(begun))
        trial = self._study.ask()
        if not self._hold(held, trial.number):
            raise UserError(f"{self.plan.folder(trial.number)} is used by another process.")
        return trial

    def _sampler(self, number: int) -> Any:
        """What draws the values of a trial: the same ones however often the search was stopped."""
        own, ranges = self.plan.own, self.plan.space.searched
        seed = random.Random(f"{self.plan.config.seed} {number}").randrange(2**32)
        return self._optuna.samplers.TPESampler(
            seed=seed,
            n_startup_trials=_STARTUP,
            # which needs all trials to have all values within the range
            multivariate=all(ranges[name].contains(value) for name, value in own.items()),
        )

    def _hold(self, held: contextlib.ExitStack, number: int) -> bool:
        """Takes the lock of a trial until `held` ends; whether nobody else has it."""
        folder = self.plan.folder(number)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            held.enter_context(locks.locked(folder / LOCK))
        except locks.Locked:
            return False
        return True

    def _suggested(self, trial: Any) -> Claim:
        own = trial.user_attrs.get("own")
        for name, values in self.plan.space.searched.items():
            if own is None or values.contains(own[name]):  # Optuna has no place for others
                _suggest(trial, name, values)
        return Claim(trial, {**trial.params, **(own or {})}, own is not None)

    def _frozen(self, claim: Claim) -> Any:
        return self._study.get_trials(deepcopy=False)[claim.trial.number]

    @contextlib.contextmanager
    def _storing(self) -> Iterator[None]:
        """What the database refuses is a UserError."""
        import sqlalchemy.exc

        try:
            yield
        except (sqlalchemy.exc.SQLAlchemyError, self._optuna.exceptions.OptunaError) as error:
            raise self._unusable(error) from error

    def _unusable(self, error: Exception) -> UserError:
        return UserError(
            f"--storage={_plain(self.plan.url)} can't be used: {first_line(error)}. Give a URL of "
            "SQLAlchemy, such as sqlite:///tune.db."
        )


def _imported() -> ModuleType:
    try:
        import optuna
    except ImportError as error:
        raise UserError(
            f"t2t-mm-tune needs Optuna ({error}): pip install 't2t-mm[tune]'"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def _suggest(trial: Any, name: str, values: Range | Choices) -> None:
    if isinstance(values, Choices):
        trial.suggest_categorical(name, list(values.values))
    elif isinstance(values.low, int):
        trial.suggest_int(name, values.low, values.high, log=values.is_log)
    else:
        trial.suggest_float(name, values.low, values.high, log=values.is_log)


def _outcome(frozen: Any) -> Outcome:
    """A trial as Optuna has it, in our terms."""
    attributes, steps = frozen.user_attrs, frozen.intermediate_values
    states = {"COMPLETE": COMPLETE, "PRUNED": PRUNED, "FAIL": FAILED}
    last = steps[max(steps)] if steps else None
    return Outcome(
        number=frozen.number,
        values={**frozen.params, **attributes.get("own", {})},
        is_own="own" in attributes,
        state=attributes.get("state", states.get(frozen.state.name, RUNNING)),
        value=frozen.value if frozen.state.name == "COMPLETE" else last,
        step=max(steps, default=None),
        reason=attributes.get("reason", ""),
    )


def _difference(now: dict[str, str], before: dict[str, str]) -> str:
    """What differs, as in "range=dropout=0.0|0.1, not dropout=0.0|0.2"."""
    pairs = {name: (now.get(name), before.get(name)) for name in {**before, **now}}
    return ", ".join(f"{name}={old}, not {new}" for name, (new, old) in pairs.items() if new != old)


def _plain(url: str) -> str:
    """A URL without its password."""
    return re.sub(r"(://[^/@:]*):[^@]*@", r"\1:***@", url)
