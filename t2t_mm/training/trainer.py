"""The trainer: many problems, one model, any number of devices."""

import contextlib
import signal
import time

import numpy as np

from t2t_mm import registry
from t2t_mm.config import hparams_files
from t2t_mm.data.pipeline.mixing import problem_at, rates
from t2t_mm.data.pipeline.stream import Inputs
from t2t_mm.errors import UserError
from t2t_mm.evaluation import evaluator
from t2t_mm.execution.replicas import Replicas
from t2t_mm.problem.base import check_nets
from t2t_mm.reporting import tables
from t2t_mm.reporting.console import Console
from t2t_mm.reporting.heat_map import heat_map
from t2t_mm.reporting.progress import Progress
from t2t_mm.reporting.tensorboard import (
    Summaries,
    evaluation_scalars,
    expert_histograms,
    train_scalars,
)
from t2t_mm.runs.checkpoints import Checkpoints
from t2t_mm.runs.corruption import newest_intact
from t2t_mm.runs.directory import OutputDir
from t2t_mm.runs.names import named_variables
from t2t_mm.runs.paths import found, step_of
from t2t_mm.runs.warm_start import is_part_of, load_fitting
from t2t_mm.training.averaging import MovingAverage
from t2t_mm.training.hooks.guard import Guard
from t2t_mm.training.hooks.signals import Terminated, termination
from t2t_mm.training.optimizers import make_optimizer
from t2t_mm.training.schedules import learning_rate
from t2t_mm.training.step import TrainStep, set_seed

SUMMARY_EVERY = 50  # steps


class Trainer:
    """Trains and evaluates one model on several problems; goes on from the newest checkpoint of its
    output directory.

        trainer = Trainer([problem], registry.hparams("multimodel_tiny"), "out", train_steps=2000)
        trainer.train(1000)
        trainer.evaluate("validation")["mini_ende"]["log_perplexity"]
        trainer.train()

    Each step trains one problem, sampled from (seed, step) alone. What a problem needs compiled and
    shares with none before it compiles when it first comes up.

    Args:
        problems: resolved problems.
        hparams: HParams.
        output_dir: where checkpoints, summaries and metrics go; None keeps nothing.
        weights: sampling weight of each problem, as of --problems=a:3+b; None leaves the rates to
            `hparams.mix`.
        train_steps: steps of the whole run; learning-rate schedules that end, end there.
        seed: of initial values, sampling, order of the data, dropout.
        save_every: steps between checkpoints; there is always one after the last step.
        keep_checkpoints: how many of the newest are kept.
        warm_start_from: output directory of another run, whose weights are the initial values where
            they fit; of no effect once there is a checkpoint in `output_dir`.
        warm_start_rescale: for a problem that is new to that run, see warm_start.load_fitting.
        skip_nonfinite: whether a step whose loss or gradient is not finite is skipped and counted,
            or an error.
        strategy: tf.distribute.Strategy, see replicas.make_strategy; None for one device. With
            several workers, each makes a trainer and all call the same methods.
        decode_examples: how many examples of each problem an evaluation decodes, scores and shows
            two of; 0: none.
        precision: "float32", or "bfloat16" for all but weights, losses, norms and gates.
        jit_compile: compile with XLA.
        steps_per_execution: how many steps the device is given before it is waited for: to see that
            all were finite and whether the run is told to stop.
        model: name of a registered model.
        console: training.console.Console; `Silent()` says nothing.

    Attributes:
        step: how many steps the model has been trained.
        evaluated: the step of the last evaluation; None before the first.
        model: the Keras model.

    Raises:
        UserError: if `output_dir` can't be written to or holds a checkpoint of another
            architecture, other problems or other vocabularies; nothing in it is changed then.
    """

    def __init__(
        self,
        problems,
        hparams,
        output_dir=None,
        *,
        weights=None,
        train_steps=1000,
        seed=0,
        save_every=500,
        keep_checkpoints=3,
        warm_start_from=None,
        warm_start_rescale=False,
        skip_nonfinite=False,
        strategy=None,
        decode_examples=0,
        precision="float32",
        jit_compile=False,
        steps_per_execution=1,
        model="multimodel",
        console=None,
    ):
        self.hparams, self.seed, self.train_steps, self.save_every = (
            hparams,
            seed,
            train_steps,
            save_every,
        )
        self.console, self.replicas, self.jit_compile = (
            console or Console(),
            Replicas(strategy),
            jit_compile,
        )
        self.output = OutputDir(output_dir) if output_dir is not None else None
        if self.output:
            self._writes(self.output.check_writable)
            self.output.check_hparams(hparams)
            self.output.check_problems(problems)
        check_nets(problems)
        by_name = {problem.name: problem for problem in problems}
        weights = dict(zip(by_name, weights or [None] * len(by_name), strict=True))
        names = self.output.ordered(by_name) if self.output else list(by_name)
        self.problems = [by_name[name] for name in names]
        sizes = [problem.splits().get("train", 0) for problem in self.problems]
        self.rates = rates(sizes, hparams, [weights[name] for name in names])
        set_seed(seed)
        self.model_name, self.average = model, None
        with self.replicas.scope(), tables.dtype_policy(precision):
            self.model = registry.model(model)(hparams, self.problems)
            trainable = {
                name: v for name, v in sorted(named_variables(self.model).items()) if v.trainable
            }
            self.optimizer = make_optimizer(hparams, list(trainable.values()))
            if hparams.ema_decay:
                self.average = MovingAverage(trainable, hparams.ema_decay)
        self.step, self.evaluated = 0, None
        folder = self.output.path if self.output and self.replicas.is_chief else None
        self._guard = Guard(self.console, folder, skip_nonfinite, steps_per_execution)
        self._train_step = TrainStep(
            self.model,
            self.optimizer,
            hparams,
            self.average,
            self.replicas,
            jit_compile,
            steps_per_execution == 1,
        )
        self._compiled, self._is_told = set(), False
        static, share = (
            jit_compile or self.replicas.is_tpu,
            (self.replicas.worker, self.replicas.workers),
        )
        self._evaluator = evaluator.Evaluator(
            self.model, self.problems, hparams, self.replicas, static
        )
        self._decoding = evaluator.Decoding(self.model, self.problems, hparams, decode_examples)
        self.inputs = Inputs(self.problems, hparams, seed, static, share)
        self._saved, self._loads = 0, {}
        if self.output:
            self._checkpoints = Checkpoints(
                self.output.checkpoints,
                self.model,
                self.optimizer,
                keep_checkpoints,
                self.inputs,
                self.average,
                self.replicas,
                self.console.log,
            )
            self._summaries = Summaries(self.output.tensorboard)
            self._resume()
        if warm_start_from and not self.step:
            self._start_from(OutputDir(warm_start_from), rescale=warm_start_rescale)

    def _writes(self, write, *args):
        """Has the chief write; other workers share its directory, and leave it alone."""
        if self.output and self.replicas.is_chief:
            write(*args)

    def _resume(self):
        """Takes up the newest checkpoint. If problems have come since, it is where their run starts
        from."""
        if not self.output.has_checkpoint:
            return
        self._tell_changes()
        self.step = self._saved = newest_intact(
            self.output.checkpoints, self._take_up, self.console.log, with_inputs=True
        )

    def _take_up(self, path):
        if is_part_of(path, self.model):
            self._load_fitting(self.output, path)
            return self._checkpoints.restore_inputs(path)
        step = self._checkpoints.restore(path)
        self.console.log(
            f"Resuming from the checkpoint of step {step:,} in {self.output.checkpoints}"
        )
        return step

    def _tell_changes(self):
        changed = self.hparams.diff(hparams_files.load(str(self.output.path)))
        if changed:
            told = ", ".join(f"{name}={new} (was {old})" for name, (new, old) in changed.items())
            self.console.log(f"Other hparams than before: {told}")

    def follow(self, every=5.0):
        """Takes up each new checkpoint that another process writes, and yields its step; ends after
        the last step's.

        Args:
            every: seconds between looks.
        """
        fresh = self.step > 0
        while True:
            if fresh:
                yield self.step
            if self.step >= self.train_steps:
                return
            fresh = self._take_newer()
            if not fresh:
                time.sleep(every)

    def _take_newer(self) -> bool:
        """Takes up the newest checkpoint after this step that can be read; false if there is
        none."""
        for path in reversed(found(self.output.checkpoints)):
            if step_of(path) <= self.step:
                break
            with contextlib.suppress(
                UserError
            ):  # corrupt, or dropped for newer ones while it was read
                self.step = self._saved = self._checkpoints.restore(path)
                return True
        return False

    def _start_from(self, output, rescale=False):
        """Takes the weights that fit of another run's newest checkpoint."""
        output.need_checkpoint()
        newest_intact(
            output.checkpoints,
            lambda path: self._load_fitting(output, path, rescale),
            self.console.log,
        )

    def _load_fitting(self, output, path, rescale=False):
        """Takes the weights that fit; the optimizer starts anew."""
        with self.replicas.scope():
            load_fitting(
                self.model,
                self.problems,
                path,
                output.recorded_problems(),
                self.console.log,
                rescale,
            )
            if self.average:
                self.average.restart()

    # ----------------------------------------------------------------------------------------------
    # -- training

    def tell(self):
        """Prints what will be trained: problems, batches, parameters."""
        self._is_told = True
        tables.tell_problems(self.console, self.problems, self.rates, self.hparams)
        frozen = sum(v.value.shape.num_elements() for v in self._train_step.tuning.frozen.values())
        tables.tell_parameters(self.console, self.model.parameter_counts(), frozen)

    def train(
        self, until=None, eval_every=0, eval_split="validation", eval_batches=None, best=None
    ):
        """Trains until step `until` (None: `train_steps`), then saves.

        Args:
            until: number of steps counted from the very first, also of runs before.
            eval_every: steps between evaluations; 0: none.
            eval_split, eval_batches: see `evaluate`.
            best: best.Best; the checkpoint of the best evaluation is kept, and training ends when
                its patience does.

        Raises:
            UserError: if a loss is not finite, or a checkpoint can't be written. The checkpoints
            before stay.
            signals.Terminated: after SIGTERM, when all is saved. After Ctrl-C, KeyboardInterrupt.
        """
        until = self.train_steps if until is None else until
        without = [p.name for p in self.problems if not p.splits().get("train")]
        if without:
            raise UserError(
                f"There are no training examples for {', '.join(without)}. Prepare them with "
                "--generate_data, or leave them out of --problems."
            )
        if not self._is_told:
            tables.check_lengths(self.problems, self.hparams)
        self._writes(lambda: self.output.record(self.hparams, self.problems, self.model_name))
        progress = Progress(self.console, self.step, until)
        weigh = lambda: self._weigh(best, self.evaluate(eval_split, eval_batches))  # noqa: E731
        with self.replicas.watching(), progress, termination() as told_to_stop:
            if best:
                best.resume(self.step)
                if (
                    eval_every
                    and self.step
                    and self.step % eval_every == 0
                    and self.step not in best.values
                ):
                    weigh()  # the run was stopped before it could be
            while self.step < until and not (best and best.is_over):
                if self.step % self._guard.every == 0 and self.replicas.any(bool(told_to_stop())):
                    progress.look()
                    self._stop(told_to_stop())
                self._train_one(progress)
                if self.step % self.save_every == 0 and self.step < until:
                    self._aside(progress, lambda: self.save(wait=False))
                last = best and self.step == until
                if eval_every and (last or self.step % eval_every == 0 and self.step < until):
                    self._aside(progress, weigh)
            if best and best.is_over:
                self.console.log(f"{best.verdict()}: training ends here.")
            progress.look(final=True)
            self.save()
        if progress.totals:
            wanted = {
                problem.name: rate for problem, rate in zip(self.problems, self.rates, strict=True)
            }
            tables.tell_shares(self.console, progress.totals, wanted)

    def _stop(self, signal_number):
        """Saves, and ends the process as the signal wants it; SIGTERM where it came to another
        worker."""
        self.save()
        is_interrupt = signal_number == signal.SIGINT
        self.console.log(
            f"{'Interrupted' if is_interrupt else 'Told to stop'}. The same command goes on from "
            "step "
            f"{self.step:,}."
        )
        raise KeyboardInterrupt if is_interrupt else Terminated

    def _train_one(self, progress):
        problem = self.problems[problem_at(self.step, self.seed, self.rates)]
        started, batch = time.monotonic(), self.inputs.next(problem.name, self.step)
        shapes = (batch["inputs"].shape, batch["targets"].shape) if self.jit_compile else ()
        is_new = (problem.name, shapes) not in self._compiled
        rate = np.float32(learning_rate(self.hparams, self.step, self.train_steps))
        with self.replicas.scope():
            result = self._train_step(problem.name, batch, rate)
        self.step += 1
        self._guard.take(self.step, problem.name, batch, result)
        if is_new:
            seconds = time.monotonic() - started
            progress.pause(seconds)
            self._compiled.add((problem.name, shapes))
            each = f" for {shapes[0]} to {shapes[1]}" if shapes else ""
            most = self.inputs.most_shapes() if shapes else len(self.problems)
            self.console.log(
                f"Compiled the step of {problem.name}{each} in {seconds:.1f} s "
                f"({len(self._compiled)} of{' at most' if shapes else ''} {most})"
            )
        progress.step(self.step, problem.name, result, self._examples(batch), timed=not is_new)
        if self.output:
            self._checkpoints.check()
        if self.step % SUMMARY_EVERY == 0:
            self._writes(self._summarise, progress, rate)

    def _examples(self, batch):
        """Examples in a batch, of which this worker has its share."""
        return batch["targets"].shape[0] * self.replicas.workers

    def _weigh(self, best, results):
        """Keeps the checkpoint if these results are the best."""
        if not best:
            return
        if best.update(self.step, results) and self.output:
            self.save()
            self._writes(best.keep, self.output.checkpoints / f"ckpt-{self.step}")
            self.console.log(
                f"Best {best.metric} so far: {best.value:.4f} at step {self.step:,}, kept in best/"
            )
        self._writes(best.write)  # last: what it says is kept, is

    def _aside(self, progress, work):
        """Does what is no training, outside the measured speed."""
        self._guard.look()
        progress.look()
        started = time.monotonic()
        work()
        progress.pause(time.monotonic() - started)

    def _summarise(self, progress, rate):
        progress.look()
        values = {"train/learning_rate": rate, "train/steps_per_second": progress.steps_per_second}
        for name, result in progress.latest.items():
            values |= train_scalars(name, result)
            self._summaries.histograms(self.step, expert_histograms(name, result))
            for layer, report in result["experts"].items():
                self._loads.setdefault(f"experts_{layer}/who_serves_whom", {})[name] = np.asarray(
                    report["load"]
                )
        progress.latest.clear()
        self._summaries.scalars(self.step, values)
        self._summaries.pictures(
            self.step, {tag: heat_map(loads) for tag, loads in self._loads.items()}
        )

    def save(self, wait=True):
        """Writes a checkpoint, if the model was trained since the last one.

        Args:
            wait: until it is written; else that goes on beside the next steps.
        """
        self._guard.look()
        if self.output and self.step > self._saved:
            self._checkpoints.save(self.step)
            self._saved = self.step
            self._summaries.flush()
        if self.output and wait:
            self._checkpoints.wait()

    # ----------------------------------------------------------------------------------------------
    # evaluation

    def evaluate(self, split="validation", max_batches=None):
        """Evaluates all problems, prints a table and writes `metrics_<split>.json`.

        Args:
            split: "train", "validation" or "test".
            max_batches: of each problem; None or 0 takes the whole split.

        Returns:
            {problem: {"examples", "tokens", "log_perplexity", "accuracy", ...}}; see
            evaluator.Evaluator.
        """
        with (
            self.replicas.scope(),
            self.average.in_use() if self.average else contextlib.nullcontext(),
        ):
            results = self._evaluator.run(split, max_batches)
            samples, pictures = (
                self._decode(split, results) if self._decoding.examples else ({}, {})
            )
        self.evaluated = self.step
        part = f", first {max_batches} batches" if max_batches else ""
        self.console.table(f"Step {self.step:,}, {split} split{part}", *evaluator.table(results))
        for problem, shown in samples.items():
            rows = [f"  {row}" for sample in shown for row in evaluator.lines(sample)]
            self.console.log("\n".join([problem, *rows]))
        self._writes(self._write_metrics, split, results, samples, pictures)
        return results

    def _decode(self, split, results):
        """Adds the scores of decoded examples to the results; returns samples of them, and pictures
        of the attention.

        The chief alone decodes.
        """
        metrics, samples = self._decoding.run(split) if self.replicas.is_chief else ({}, {})
        for problem, values in self.replicas.from_chief(metrics).items():
            results[problem] |= values
        wants = self.output and self.replicas.is_chief
        return samples, self._decoding.pictures(split, samples) if wants else {}

    def _write_metrics(self, split, results, samples, pictures):
        self.output.write_metrics(split, self.step, results)
        self._summaries.scalars(self.step, evaluation_scalars(split, results))
        self._summaries.texts(
            self.step,
            {
                f"decoded_{split}/{problem}": "\n".join(
                    row for sample in shown for row in (*evaluator.lines(sample), "")
                )
                for problem, shown in samples.items()
            },
        )
        self._summaries.pictures(self.step, pictures)
        self._summaries.flush()
