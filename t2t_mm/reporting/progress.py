"""Progress of a training run: a bar on a terminal, a line now and then in a log."""

import math
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import rich.progress
import rich.table

from t2t_mm.reporting.console import Console
from t2t_mm.reporting.times import clock

SMOOTHING = 0.8  # of the losses shown, per step of the same problem
# A loss of so many times the smoothed one, and a nat, is logged, after so many steps of its
# problem: long sentences between short ones are no spike.
SPIKE, SETTLED = 2.0, 20


class Progress:
    """Follows the steps of a run; use as a context manager around the loop.

    Results of steps stay tensors until they are looked at: every `interval` seconds, and before
    anything is saved. On an accelerator each look waits for the steps in flight, so it is not taken
    after each.

    Args:
        console: where to show it.
        start, stop: the first step and the one after the last.
        interval: seconds between looks.
        line_every: seconds between lines where there is no bar.

    Attributes:
        losses: {problem: smoothed nats per token}.
        totals: {problem: [steps, target tokens]}.
        steps_per_second, examples_per_second, tokens_per_second: the speed of late.
    """

    def __init__(
        self,
        console: Console,
        start: int,
        stop: int,
        interval: float = 1.0,
        line_every: float = 10.0,
    ) -> None:
        self.console, self.start, self.stop = console, start, stop
        self.interval, self.line_every = interval, line_every
        self.losses: dict[str, float] = {}
        self.totals: dict[str, list] = {}
        self.steps_per_second = self.examples_per_second = self.tokens_per_second = 0.0
        self._pending = []
        self._step = start
        self._looked = self._printed = self._since = time.monotonic()
        # Steps, examples, tokens since `_since`, without the first step of each problem.
        self._done = np.zeros(3)
        self._bar = self._task = None

    def __enter__(self) -> "Progress":
        if self.console.is_terminal:
            # The bar gets what room these leave.
            whole = {"table_column": rich.table.Column(no_wrap=True)}
            columns = (
                rich.progress.BarColumn(None, table_column=rich.table.Column(ratio=1)),
                rich.progress.MofNCompleteColumn(**whole),
                rich.progress.TextColumn("{task.fields[status]}", **whole),
                rich.progress.TimeRemainingColumn(**whole),
                rich.progress.TextColumn("left", **whole),
            )
            self._bar = rich.progress.Progress(*columns, console=self.console.rich, expand=True)
            self._task = self._bar.add_task(
                "train", total=self.stop, completed=self.start, status="compiling"
            )
            self._bar.start()
        return self

    def __exit__(self, *exception: Any) -> None:
        if self._bar:
            self._bar.stop()

    def step(
        self,
        step: int,
        problem: str,
        result: Mapping[str, Any],
        examples: int,
        timed: bool = True,
    ) -> None:
        """Takes the result of a step.

        Args:
            step: its number.
            problem: name of the problem that was trained.
            result: reads "nats", "tokens" and "gradient_norm".
            examples: in the batch.
            timed: whether it counts for the speed; not if it compiled.
        """
        self._pending.append((problem, result, examples, timed))
        self._step = step
        if time.monotonic() - self._looked >= self.interval:
            self.look()

    def pause(self, seconds: float) -> None:
        """Leaves out of the speed what was no training: compiling, evaluating, saving."""
        self._since += seconds

    def look(self, final: bool = False) -> None:
        """Fetches pending results and shows where the run stands."""
        for problem, result, examples, timed in self._pending:
            nats, tokens = float(result["nats"]), float(result["tokens"])
            if not math.isfinite(nats):  # hooks.nonfinite deals with it
                continue
            before = self.losses.get(problem, nats)
            if nats > SPIKE * before + 1.0 and self.totals[problem][0] >= SETTLED:
                norm = float(result["gradient_norm"])
                self.console.log(
                    f"step {self._step:,}: the loss of {problem} jumped from {before:.3f} to "
                    f"{nats:.3f} nats per token (gradient norm {norm:.3g})"
                )
            self.losses[problem] = SMOOTHING * before + (1 - SMOOTHING) * nats
            total = self.totals.setdefault(problem, [0, 0.0])
            total[:] = total[0] + 1, total[1] + tokens
            self._done += timed * np.array([1.0, examples, tokens])
        self._pending.clear()
        self._looked = now = time.monotonic()
        elapsed = max(now - self._since, 1e-6)
        self.steps_per_second, self.examples_per_second, self.tokens_per_second = (
            self._done / elapsed
        )
        mean = sum(self.losses.values()) / max(len(self.losses), 1)
        speed = (
            f"{self.steps_per_second:.2f} steps/s  {self.examples_per_second:,.0f} examples/s  "
            f"{self.tokens_per_second:,.0f} tokens/s"
        )
        speed = speed if self._done[0] else "compiling"
        status = f"loss {mean:.3f}  {speed}"
        if self._bar:
            self._bar.update(self._task, completed=self._step, status=status)
        elif now - self._printed >= self.line_every or (final and self._step > self.start):
            self._print(status, now)
        if elapsed > 30:  # the speed of late, not of the whole run
            self._since, self._done = now - elapsed / 2, self._done / 2

    def _print(self, status, now):
        self._printed = now
        left = (
            f"  {clock((self.stop - self._step) / self.steps_per_second)} left"
            if self._done[0]
            else ""
        )
        each = "  ".join(f"{problem} {loss:.3f}" for problem, loss in self.losses.items())
        parts = f" | {each}" if len(self.losses) > 1 else ""
        self.console.record(
            f"step {self._step:,}/{self.stop:,}  {status}{left}{parts}",
            step=self._step,
            steps=self.stop,
            steps_per_second=self.steps_per_second,
            examples_per_second=self.examples_per_second,
            tokens_per_second=self.tokens_per_second,
            nats=dict(self.losses),
        )
