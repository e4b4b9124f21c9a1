"""Evaluation of what a model outputs by itself: some examples of each problem decoded, scored and
shown."""

import contextlib
import functools
from collections.abc import Callable, Sequence
from typing import Any

from t2t_mm.config.hparams import HParams
from t2t_mm.decoding import Greedy, Sampling
from t2t_mm.errors import UserError
from t2t_mm.evaluation import decoded
from t2t_mm.evaluation.evaluator import Results, Stopped
from t2t_mm.inference.explain import explain
from t2t_mm.inference.inputs import encode
from t2t_mm.inference.predictor import Predictor, text_of
from t2t_mm.problem.base import Problem
from t2t_mm.reporting.plots import draw
from t2t_mm.reporting.sheets import drawn, sheet

Sample = tuple[str, str, str]  # input ("" where it is no text), reference, output


class SampleDecoder:
    """Decodes some examples of every problem whose outputs are text, greedily, and scores them; of
    a problem without inputs, draws some.

    Args:
        model, problems, hparams: as for `Evaluator`.
        examples: how many of each problem and split.
        draws: whether pictures of the samples are made.
    """

    shown = 2  # samples of each problem

    def __init__(
        self,
        model: Any,
        problems: Sequence[Problem],
        hparams: HParams,
        examples: int,
        draws: bool = False,
    ) -> None:
        self.problems = {
            problem.name: problem for problem in problems if problem.targets.is_sequence
        }
        self.predictor = _Stoppable(model, self.problems, hparams)
        self.examples, self.draws = examples, draws
        self._read = functools.cache(decoded.read)

    def run(
        self, split: str, stop: Callable[[], bool] = lambda: False
    ) -> tuple[Results, dict[str, list[Sample]], dict[str, bytes]]:
        """Scores and samples of a split.

        Returns:
            ({problem: {metric: value}}, {problem: samples}, {tag: PNG}).

        Raises:
            Stopped: if `stop`, asked before each batch, said so.
        """
        metrics, samples, self.predictor.stop = {}, {}, stop
        for name, problem in self.problems.items():
            if not problem.splits().get(split):
                continue
            inputs, references = self._read(problem, split, self.examples)
            # of a language model, the likeliest output would be one and the same each time
            method = Greedy() if problem.has_inputs else Sampling()
            answers = self.predictor.predict(name, inputs, method, as_stored=True)
            texts = [text_of(answer) for answer in answers]
            metrics[name] = {
                figure: value
                for score in decoded.scores(problem, texts, references)
                for figure, value in score.figures().items()
            }
            shown = [problem.inputs.shown(value) for value in inputs]
            firsts = [several[0] for several in references]
            samples[name] = list(zip(shown, firsts, texts, strict=True))[: self.shown]
        return metrics, samples, self._pictures(split, samples) if self.draws else {}

    def _pictures(self, split: str, samples: dict[str, list[Sample]]) -> dict[str, bytes]:
        """{tag: PNG} of what the model attends to for the first sample of each problem, and of the
        pictures or sounds that the samples are of."""
        found = {}
        for name, shown in samples.items():
            problem = self.problems[name]
            values = self._read(problem, split, self.examples)[0]
            # An input that can't be read, a model without attention and experts: no picture.
            with contextlib.suppress(UserError):
                explained = explain(self.predictor, name, values[0], as_stored=True)
                found[f"attention/{name}"] = draw(explained)
            if problem.inputs.is_text:
                continue
            encoded = [encode(problem, value, as_stored=True) for value in values[: len(shown)]]
            inputs = [drawn(problem, each.value) for each in encoded]
            if None not in inputs:  # a modality need not have pictures
                cells = [(image, output) for image, (*_, output) in zip(inputs, shown, strict=True)]
                found[f"samples/{name}"] = sheet(cells)
        return found


def lines(sample: Sample) -> list[str]:
    """Lines that show a sample."""
    named = zip(("input", "reference", "output"), sample, strict=True)
    return [
        f"{name}: {' '.join(text.splitlines())}" for name, text in named if text or name != "input"
    ]


class _Stoppable(Predictor):
    """A predictor that asks before each batch whether to stop."""

    stop: Callable[[], bool]

    def decode(self, *args, **kwargs):
        if self.stop():
            raise Stopped
        return super().decode(*args, **kwargs)
