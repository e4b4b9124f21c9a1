"""Scores of decoded text: what a metric is, and its bootstrap interval.

A metric is one small class. It gives each example a row of counts; the rows of a corpus are summed,
and the figure is computed from the sums. So a bootstrap resample costs one weighted sum, whatever
the metric; one whose figure doesn't follow from sums, as that of a ranking, overrides `figure`.

    @registry.register_metric
    class Length(Metric):
        scale, unit = 1, ""  # words of an output, on average

        def counts(self, hypotheses, references):
            return [[len(hypothesis.split()), 1] for hypothesis in hypotheses]

        def value(self, sums):
            return ratio(*sums)

In a file of --t2t_usr_dir it is called `length`, beside the built-in ones, for --metrics and in the
`metrics` of a problem.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from t2t_mm import registry
from t2t_mm.errors import UserError
from t2t_mm.evaluation.metrics.normalization import composed

CONFIDENCE = 95  # percent of the resamples that lie in the interval


@dataclasses.dataclass(frozen=True)
class Score:
    """A figure, and what has to be printed beside it.

    Attributes:
        name, scale, unit, higher_is_better: as of the Metric.
        value: the figure.
        signature: how it is computed; figures compare only where their signatures are the same.
        details: further figures, such as precision and recall.
        interval: the 95% bootstrap interval, (low, high); None if no resamples were asked for.
        beside: names of the details without which the figure misleads.
        by_label: {label: {figure: value}}, a row for each label where there are labels.
    """

    name: str
    value: float
    scale: int
    unit: str
    higher_is_better: bool
    signature: str
    details: dict[str, float]
    interval: tuple[float, float] | None = None
    beside: tuple[str, ...] = ()
    by_label: dict[str, dict[str, float]] = dataclasses.field(default_factory=dict)

    def figures(self) -> dict[str, float]:
        """{name: value} of what is shown wherever results are: the figure, and what has to stand
        beside it, as in {"bracket_f1": 91.2, "bracket_f1_invalid": 3}."""
        return {
            self.name: self.value,
            **{f"{self.name}_{name}": self.details[name] for name in self.beside},
        }

    @property
    def shown(self) -> str:
        """The figure as a person reads it."""
        return with_unit(self.value, self.unit)


class Metric:
    """A metric of decoded text. Subclass it, give the two methods, and register the class.

    Class attributes:
        name: what --metrics and problems call it; set when it is registered.
        scale: what a figure of "all" is: 100 for percentages, 10 for CIDEr-D.
        unit: "%" or "", shown beside the figure.
        higher_is_better: False for error rates.
        takes_several: whether an example may have several references.
        is_of_text: whether decoded text can be scored.
        beside: names of details without which the figure misleads: they are shown beside it
            everywhere.
    """

    name: ClassVar[str] = ""
    scale: ClassVar[int] = 100
    unit: ClassVar[str] = "%"
    higher_is_better: ClassVar[bool] = True
    takes_several: ClassVar[bool] = True
    is_of_text: ClassVar[bool] = True
    beside: ClassVar[tuple[str, ...]] = ()

    def counts(self, hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> Any:
        """A row of numbers for each example, as an array or lists [examples, numbers]; rows add
        up."""
        raise NotImplementedError

    def value(self, sums: np.ndarray) -> float:
        """The figure that the summed rows give."""
        raise NotImplementedError

    def figure(self, rows: np.ndarray, times: np.ndarray | None = None) -> float:
        """The figure of a corpus.

        Args:
            rows: from `counts`, [examples, numbers].
            times: int [examples], how often each example is there; once, if not given.
        """
        return float(self.value(rows.sum(axis=0) if times is None else times @ rows))

    def by_label(
        self, hypotheses: Sequence[str], references: Sequence[Sequence[str]]
    ) -> dict[str, dict[str, float]]:
        """{label: {figure: value}}, a row for each label where texts are made of labels."""
        return {}

    @classmethod
    def shown(cls, value: float) -> str:
        """A figure as a person reads it: 98.43%, 0.5012."""
        return with_unit(value, cls.unit)

    def details(self, sums: np.ndarray) -> dict[str, float]:
        """Further figures from the summed rows."""
        return {}

    def signature(self, references: Sequence[Sequence[str]]) -> str:
        """What the figure depends on besides the texts, as key:value joined with |."""
        return ""

    def score(
        self,
        hypotheses: Sequence[str],
        references: Sequence[Sequence[str]],
        inputs: Sequence[Any] | None = None,
        bootstrap: int = 0,
        seed: int = 12345,
    ) -> Score:
        """Scores a corpus. Texts are compared in Unicode's form C; where that changes one, the
        signature says so.

        Args:
            hypotheses: one for each example.
            references: those of each example, one or several.
            inputs: what was decoded, one for each example. None of the built-in metrics looks at
                it; a subclass that does overrides this method.
            bootstrap: number of resamples for the interval (Koehn 2004, aclanthology.org/W04-3250);
                0 for none.
            seed: seed of the resamples. Two systems on one corpus are resampled alike under one
                seed.

        Raises:
            UserError: the two differ in length, are empty, or give an example no reference, or
                several to a metric that takes one.
        """
        _check(self, hypotheses, references)
        given = [hypotheses, *references]
        hypotheses, *references = texts = [list(map(composed, several)) for several in given]
        was_composed = texts == list(map(list, given))
        rows = np.asarray(self.counts(hypotheses, references))
        sums = rows.sum(axis=0)
        interval = _interval(self, rows, bootstrap, seed) if bootstrap else None
        return Score(
            self.name,
            self.figure(rows),
            self.scale,
            self.unit,
            self.higher_is_better,
            self.signature(references) + ("" if was_composed else "|unicode:nfc"),
            self.details(sums),
            interval,
            self.beside,
            self.by_label(hypotheses, references),
        )


def with_unit(value: float, unit: str) -> str:
    """A figure as a person reads it: percent with two decimals, all else with four."""
    return f"{value:.2f}%" if unit == "%" else f"{value:.4f} {unit}".rstrip()


def in_words(figures: Mapping[str, float]) -> str:
    """Named figures in a line: "examples 40, recall 97.5000"."""
    numbers = {k: f"{v:.4f}" if isinstance(v, float) else f"{v:,}" for k, v in figures.items()}
    return ", ".join(f"{name} {number}" for name, number in numbers.items())


def metric_of_text(name: str) -> Metric:
    """The registered metric called `name`, to score decoded text with.

    Raises:
        RegistryError: there is none; the message names the nearest.
        UserError: it is measured on the model's predictions alone.
    """
    metric = registry.metric(name)
    if not metric.is_of_text:
        raise UserError(
            f"{name} is measured while the model is given the true previous outputs, and not on "
            f"decoded text; metrics of text are {', '.join(metrics_of_text())}."
        )
    return metric


def metrics_of_text() -> list[str]:
    """The names of the registered metrics of decoded text, sorted."""
    return [name for name in registry.list_metrics() if registry.metric(name).is_of_text]


def ratio(part: float, whole: float, scale: float = 1) -> float:
    """scale * part / whole, and 0 of nothing is 0."""
    return float(scale * part / whole) if whole else 0.0


def _check(metric: Metric, hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> None:
    if len(hypotheses) != len(references):
        raise UserError(
            f"{len(hypotheses):,} hypotheses but {len(references):,} references: "
            "each example needs one hypothesis and its references."
        )
    if not hypotheses:
        raise UserError(f"There is nothing to score with {metric.name}: no hypotheses.")
    for number, several in enumerate(references, 1):
        if not several:
            raise UserError(f"Example {number} has no reference.")
        if len(several) > 1 and not metric.takes_several:
            raise UserError(
                f"{metric.name} takes one reference per example, but example {number} has "
                f"{len(several)}."
            )


def resampled(metric: Metric, rows: np.ndarray, count: int, seed: int) -> list[float]:
    """The figure of `count` bootstrap resamples of the examples.

    Args:
        metric: whose rows they are.
        rows: [examples, numbers], a row for each example.
        count: how many resamples.
        seed: of the resamples; corpora of one size are resampled alike under one seed.
    """
    random, examples = np.random.default_rng(seed), len(rows)
    values = []
    for _ in range(count):
        times_drawn = np.bincount(random.integers(examples, size=examples), minlength=examples)
        values.append(metric.figure(rows, times_drawn))
    return values


def _interval(metric: Metric, rows: np.ndarray, bootstrap: int, seed: int) -> tuple[float, float]:
    """Percentile bootstrap over examples."""
    outside = (100 - CONFIDENCE) / 2
    values = resampled(metric, rows, bootstrap, seed)
    low, high = np.percentile(values, [outside, 100 - outside])
    return float(low), float(high)
