"""Evaluation of problems on a split: teacher-forced, and of what the model puts out by itself."""

import contextlib
import functools
import itertools

import numpy as np

from t2t_mm import registry
from t2t_mm.data.pipeline.batching import batches
from t2t_mm.errors import UserError
from t2t_mm.evaluation import decoded
from t2t_mm.execution.replicas import Replicas
from t2t_mm.inference.explain import explain
from t2t_mm.inference.predictor import Predictor, text_of
from t2t_mm.reporting.plots import draw
from t2t_mm.reporting.sheets import drawn, sheet
from t2t_mm.training.step import EvalStep


def check_split(problems, split):
    """Raises a UserError if no problem has examples in the split."""
    if not any(problem.splits().get(split) for problem in problems):
        has = "; ".join(f"{p.name} has {', '.join(p.splits()) or 'none'}" for p in problems)
        raise UserError(
            f"No problem has examples in the split {split!r}: {has}. Give another --eval_split, "
            "or train "
            "with --mode=train, which evaluates nothing."
        )


class Evaluator:
    """Evaluates problems; compiles one function a problem, when first needed.

    Args:
        model, hparams: as for the trainer.
        problems: resolved problems.
        replicas: replicas.Replicas; each worker evaluates its share.
        static_shapes: see input.batching.
    """

    def __init__(self, model, problems, hparams, replicas=None, static_shapes=False):
        self.model, self.hparams, self.replicas = model, hparams, replicas or Replicas()
        self.static_shapes = static_shapes
        self.problems = problems
        self._functions = {}

    def run(self, split="validation", max_batches=None, on_batch=lambda problem: None):
        """Evaluates every problem that has the split.

        Args:
            split: "train", "validation" or "test".
            max_batches: stop after as many batches of each problem; None or 0 takes the whole
                split.
            on_batch: called with the problem's name after each batch.

        Returns:
            {problem: {"examples": int, "tokens": int, metric: float, ...}}. log_perplexity is in
            nats per token, so log_perplexity * tokens is the sum of nats over the split.

        Raises:
            UserError: if no problem has examples in the split.
        """
        check_split(self.problems, split)
        return {
            problem.name: self._one(problem, split, max_batches, on_batch)
            for problem in self.problems
            if problem.splits().get(split)
        }

    def _one(self, problem, split, max_batches, on_batch):
        share = self.replicas.worker, self.replicas.workers
        data = batches(
            problem,
            split,
            self.hparams,
            training=False,
            static_shapes=self.static_shapes,
            share=share,
        )
        metrics = [registry.metric(name) for name in problem.targets.teacher_forced]
        if problem.name not in self._functions:
            self._functions[problem.name] = EvalStep(
                self.model, metrics, problem.name, self.replicas
            )
        names = [metric.name for metric in metrics]
        total = np.zeros(
            2 + 2 * len(names)
        )  # examples, tokens, then a sum and a count for each metric
        for batch in itertools.islice(data, max_batches or None):
            sums = self._functions[problem.name](batch)
            total += np.concatenate(
                [np.ravel(sums[name]) for name in ("examples", "tokens", *names)]
            )
            on_batch(problem.name)
        examples, tokens, *pairs = self.replicas.sum_over_workers(total)
        if not examples:
            raise UserError(
                f"The {split} split of {problem.name} gave no batch: its data set holds no usable "
                "example."
            )
        means = {name: float(pairs[2 * i] / pairs[2 * i + 1]) for i, name in enumerate(names)}
        return {"examples": round(examples), "tokens": round(tokens)} | means


class Decoding:
    """Decodes some examples of every problem whose outputs are text, greedily, and scores them.

    Args:
        model, problems, hparams: as for `Evaluator`.
        examples: of each problem and split.
        samples: how many of them are shown.
    """

    def __init__(self, model, problems, hparams, examples, samples=2):
        self.problems = {
            problem.name: problem for problem in problems if problem.targets.is_sequence
        }
        self.answering = Predictor(model, self.problems, hparams)
        self.examples, self.samples = examples, samples
        self._read = functools.cache(decoded.read)

    def run(self, split):
        """Scores and samples of a split.

        Returns:
            ({problem: {metric: value}}, {problem: [(input or "", reference, output), ...]}).
        """
        metrics, samples = {}, {}
        for name, problem in self.problems.items():
            if not problem.splits().get(split):
                continue
            inputs, references = self._read(problem, split, self.examples)
            texts = [text_of(answer) for answer in self.answering.predict(name, inputs)]
            metrics[name] = {
                score.name: score.value for score in decoded.scores(problem, texts, references)
            }
            shown = [value if isinstance(value, str) else "" for value in inputs]
            samples[name] = list(zip(shown, (r[0] for r in references), texts, strict=True))[
                : self.samples
            ]
        return metrics, samples

    def pictures(self, split, samples):
        """{tag: PNG} of what the model attends to for the first sample of each problem, and of what
        pictures or sounds the samples that `run` gave are of."""
        found = {}
        for name, shown in samples.items():
            problem, values = (
                self.problems[name],
                self._read(self.problems[name], split, self.examples)[0],
            )
            with contextlib.suppress(
                UserError
            ):  # an input that can't be read, a model without attention and experts
                found[f"attention_{split}/{name}"] = draw(explain(self.answering, name, values[0]))
            if not problem.inputs.is_text:
                cells = [
                    (drawn(problem, value), output)
                    for value, (*_, output) in zip(values, shown, strict=False)
                ]
                found[f"decoded_{split}/{name}"] = sheet(cells)
        return found


def table(results):
    """(columns, rows) of a table of results, problems as rows."""
    found = dict.fromkeys(name for values in results.values() for name in values)
    names = [name for name in found if name not in ("examples", "tokens")]
    forced = {each.name for each in registry.entries("metric") if hasattr(each.value, "sums")}
    names.sort(key=lambda name: name not in forced)  # teacher-forced ones first
    columns = ["problem", "examples", "tokens", *names]
    return columns, [
        [problem, *(values.get(c) for c in columns[1:])] for problem, values in results.items()
    ]


def lines(sample):
    """Lines that show (input, reference, output)."""
    named = zip(("input", "reference", "output"), sample, strict=True)
    return [
        f"{name}: {' '.join(text.splitlines())}" for name, text in named if text or name != "input"
    ]
