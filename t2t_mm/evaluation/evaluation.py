"""A whole evaluation: teacher-forced metrics, scores of decoded examples, samples; and where they
are written."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from t2t_mm import registry
from t2t_mm.config.hparams import HParams
from t2t_mm.config.run import RunConfig
from t2t_mm.evaluation.evaluator import Evaluator, Results
from t2t_mm.evaluation.samples import Decoded, Sample, SampleDecoder, lines
from t2t_mm.execution.replicas import Replicas
from t2t_mm.problem.base import Problem
from t2t_mm.reporting.console import Console
from t2t_mm.reporting.tensorboard import Summaries, evaluation_scalars, part_of
from t2t_mm.runs.directory import OutputDir
from t2t_mm.runs.metric import DECODED, beside

Value = TypeVar("Value")
PRINTED = 2  # samples of each problem; TensorBoard has all


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What an evaluation found.

    Attributes:
        step: how many steps the model was trained.
        split: "train", "validation" or "test".
        max_batches: of each problem; 0: the whole split.
        results: {problem: {"examples", "tokens", metric: value}}.
        samples: {problem: decoded samples}.
        pictures, sounds: {tag: PNG} and {tag: WAV files}, for TensorBoard.
    """

    step: int
    split: str
    max_batches: int
    results: Results
    samples: dict[str, list[Sample]]
    pictures: dict[str, bytes]
    sounds: dict[str, list[bytes]] = dataclasses.field(default_factory=dict)

    def publish(
        self, console: Console, output: OutputDir | None = None, summaries: Summaries | None = None
    ) -> None:
        """Prints a table and the samples, writes `metrics_<split>.json`, and gives TensorBoard its
        curves; the last two where there is an output directory."""
        part = f", first {self.max_batches} batches" if self.max_batches else ""
        title = f"Step {self.step:,}, {self.split} split{part}"
        found = units(self.results)
        console.table(title, *table(self.results), found)
        for problem, shown in self.samples.items():
            rows = [f"  {row}" for sample in shown[:PRINTED] for row in lines(sample)]
            console.log("\n".join([problem, *rows]))
        if output:
            output.write_metrics(self.split, self.step, self.results, found)
        if summaries:
            part = part_of(self.split)
            summaries.hparams(part)
            summaries.scalars(self.step, evaluation_scalars(self.results), part)
            summaries.texts(self.step, self._texts(), part)
            summaries.pictures(self.step, self.pictures, part)
            summaries.sounds(self.step, self.sounds, part)
            summaries.flush()

    def _texts(self) -> dict[str, str]:
        return {
            f"decoded/{problem}": "\n".join(row for sample in shown for row in (*lines(sample), ""))
            for problem, shown in self.samples.items()
        }


class RunEvaluator:
    """Evaluates the model of a run as its options say.

    Args:
        model: a model of these problems.
        problems: resolved problems.
        hparams: HParams of the model.
        config: options of the run; reads `decode_examples` and `jit_compile`.
        replicas: each worker evaluates and decodes its share.
        draws: whether pictures of decoded samples are made.
    """

    def __init__(
        self,
        model: Any,
        problems: Sequence[Problem],
        hparams: HParams,
        config: RunConfig,
        replicas: Replicas,
        draws: bool = False,
    ) -> None:
        self.replicas = replicas
        static = config.jit_compile or replicas.is_tpu
        self.forced = Evaluator(model, problems, hparams, replicas, static)
        self.decoder = None
        if config.decode_examples:
            self.decoder = SampleDecoder(
                model, problems, hparams, config.decode_examples, replicas, draws
            )

    def run(
        self,
        step: int,
        split: str = "validation",
        max_batches: int = 0,
        stop: Callable[[], bool] = lambda: False,
    ) -> Evaluation:
        """Evaluates all problems on a split.

        Args:
            step: how many steps the model was trained.
            split: "train", "validation" or "test".
            max_batches: of each problem; 0: the whole split.
            stop: asked before each batch; true ends the evaluation, of all workers.

        Raises:
            UserError: if no problem has examples in the split.
            Stopped: if `stop` said so.
        """
        with self.replicas.scope():
            results = self.forced.run(split, max_batches, stop)
            found = self.decoder.run(split, stop) if self.decoder else Decoded({}, {}, {}, {})
        return Evaluation(step, split, max_batches, merged(results, found.scores), *found[1:])


def merged(
    results: dict[str, dict[str, Value]], scores: dict[str, dict[str, Value]]
) -> dict[str, dict[str, Value]]:
    """Results with the scores of decoded text beside them. A score never takes the place of a
    result of the same name: it is called `decoded_<name>` then."""
    together = {problem: dict(values) for problem, values in results.items()}
    for problem, values in scores.items():
        forced = results.get(problem, {})
        named = {beside(name, forced): value for name, value in values.items()}
        together.setdefault(problem, {}).update(named)
    return together


def table(results: Results) -> tuple[list[str], list[list]]:
    """(columns, rows) of a table of results, problems as rows."""
    found = dict.fromkeys(name for values in results.values() for name in values)
    names = [name for name in found if name not in ("examples", "tokens")]
    forced = {each.name for each in registry.entries("metric") if hasattr(each.value, "sums")}
    names.sort(key=lambda name: name not in forced)  # teacher-forced ones first
    columns = ["problem", "examples", "tokens", *names]
    return columns, [
        [problem, *(values.get(c) for c in columns[1:])] for problem, values in results.items()
    ]


def units(results: Results) -> dict[str, str]:
    """{metric: "%"} of the metrics in results that have a unit."""
    names = dict.fromkeys(name for values in results.values() for name in values)
    metrics = {each.name: each.value for each in registry.entries("metric")}
    found = {name: metrics.get(name.removeprefix(DECODED)) for name in names}
    return {name: metric.unit for name, metric in found.items() if metric and metric.unit}
