"""Evaluation of what a model outputs by itself: some examples of each problem decoded, scored and
shown."""

import contextlib
import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from t2t_mm.config.hparams import HParams
from t2t_mm.decoding import Greedy, Sampling
from t2t_mm.errors import UserError
from t2t_mm.evaluation import decoded
from t2t_mm.evaluation.evaluator import Results, Stopped
from t2t_mm.execution.replicas import Replicas
from t2t_mm.inference.explain import explain
from t2t_mm.inference.inputs import encode
from t2t_mm.inference.predictor import Predictor, text_of
from t2t_mm.problem.base import Problem
from t2t_mm.reporting.plots import draw
from t2t_mm.reporting.sheets import drawn, sheet

Sample = tuple[str, str, str]  # input ("" where it is no text), reference, output
MOST = 100  # samples of a problem that are kept: as many as a person looks through


class Decoded(NamedTuple):
    """What was decoded of a split.

    Attributes:
        scores: {problem: {metric: value}}, of those whose outputs are text.
        samples: {problem: samples}, at most MOST of each.
        pictures: {tag: PNG}.
        sounds: {tag: WAV files}, the inputs of the samples.
    """

    scores: Results
    samples: dict[str, list[Sample]]
    pictures: dict[str, bytes]
    sounds: dict[str, list[bytes]]


class SampleDecoder:
    """Decodes some examples of every problem whose outputs are text, greedily, and scores them; of
    a problem without inputs, draws some. Where it draws, what has a class for a picture or a
    sound is answered, too.

    Args:
        model, problems, hparams: as for `Evaluator`.
        examples: how many of each problem and split.
        replicas: of the model; they share out the batches, and so do the workers.
        draws: whether pictures of the samples are made; the chief alone makes them.
    """

    def __init__(
        self,
        model: Any,
        problems: Sequence[Problem],
        hparams: HParams,
        examples: int,
        replicas: Replicas | None = None,
        draws: bool = False,
    ) -> None:
        self.problems = {
            problem.name: problem
            for problem in problems
            if problem.targets.is_sequence or (draws and not problem.inputs.is_text)
        }
        self.predictor = _Shared(model, self.problems, hparams, replicas=replicas)
        self.examples, self.draws = examples, draws and self.predictor.replicas.is_chief
        self._read = functools.cache(decoded.read)

    def run(self, split: str, stop: Callable[[], bool] = lambda: False) -> Decoded:
        """Scores and samples of a split; all workers must call this.

        Raises:
            Stopped: if `stop`, asked before each batch, said so in any worker.
        """
        scores, samples, self.predictor.stop = {}, {}, stop
        for name, problem in self.problems.items():
            if not problem.splits().get(split):
                continue
            inputs, references = self._read(problem, split, self.examples)
            # of a language model, the likeliest output would be one and the same each time
            method = Greedy() if problem.has_inputs else Sampling()
            answers = self.predictor.predict(name, inputs, method, as_stored=True)
            texts = [text_of(answer) for answer in answers]
            if problem.targets.is_sequence:
                scores[name] = {
                    figure: value
                    for score in decoded.scores(problem, texts, references)
                    for figure, value in score.figures().items()
                }
            shown = [problem.inputs.shown(value) for value in inputs]
            firsts = [several[0] for several in references]
            samples[name] = list(zip(shown, firsts, texts, strict=True))[:MOST]
        if not self.draws:
            return Decoded(scores, samples, {}, {})
        return Decoded(scores, samples, self._pictures(split, samples), self._sounds(split))

    def _sounds(self, split: str) -> dict[str, list[bytes]]:
        """{tag: WAV files} of the samples that can be listened to."""
        found = {}
        for name, problem in self.problems.items():
            if problem.splits().get(split):
                values = self._read(problem, split, self.examples)[0][:MOST]
                sounds = [problem.inputs.sound(value) for value in values]
                if heard := [sound for sound in sounds if sound is not None]:
                    found[f"sounds/{name}"] = heard
        return found

    def _pictures(self, split: str, samples: dict[str, list[Sample]]) -> dict[str, bytes]:
        """{tag: PNG} of what the model attends to for the first sample of each problem, and of the
        pictures or spectrograms of all samples, with the answer below each."""
        found = {}
        for name, shown in samples.items():
            problem = self.problems[name]
            values = self._read(problem, split, self.examples)[0]
            # An input that can't be read, a model without attention and experts: no picture.
            with contextlib.suppress(UserError):
                if problem.targets.is_sequence:  # to look inside takes seconds
                    found[f"attention/{name}"] = draw(self._explained(name, values[0]))
            if problem.inputs.is_text:
                continue
            encoded = [encode(problem, value, as_stored=True) for value in values[: len(shown)]]
            inputs = [drawn(problem, each.value) for each in encoded]
            if None not in inputs:  # a modality need not have pictures
                cells = [(image, output) for image, (*_, output) in zip(inputs, shown, strict=True)]
                found[f"samples/{name}"] = sheet(cells)
        return found

    def _explained(self, name, value):
        """What the model does with an input, in a replica that is free: its graphs are there."""
        work = functools.partial(explain, self.predictor, name, as_stored=True)
        (explained,) = self.predictor.replicas.share_out(work, [value])
        return explained


def lines(sample: Sample) -> list[str]:
    """Lines that show a sample."""
    named = zip(("input", "reference", "output"), sample, strict=True)
    return [
        f"{name}: {' '.join(text.splitlines())}" for name, text in named if text or name != "input"
    ]


class _Shared(Predictor):
    """A predictor whose batches the workers share out, and that asks before each whether to
    stop."""

    stop: Callable[[], bool]

    def shared_out(self, work, batches):
        worker, workers = self.replicas.worker, self.replicas.workers
        try:
            own = super().shared_out(self._stoppable(work), batches[worker::workers])
        except Stopped:
            own = None
        found = self.replicas.from_all(own)  # the workers meet here, whichever was stopped
        if None in found:
            raise Stopped
        return [found[number % workers][number // workers] for number in range(len(batches))]

    def _stoppable(self, work):
        def one(batch):
            if self.stop():
                raise Stopped
            return work(batch)

        return one
