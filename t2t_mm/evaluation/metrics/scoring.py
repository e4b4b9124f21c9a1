"""Scores of decoded text: what a metric is, and its bootstrap interval.

A metric is one small class. It gives each example a row of counts; the rows of a corpus are summed,
and the figure is computed from the sums. So a bootstrap resample costs one weighted sum, whatever
the metric.

    @register
    class Length(Metric):
        \"\"\"Words a hypothesis.\"\"\"
        name = "length"

        def counts(self, hypotheses, references):
            return [[len(hypothesis.split()), 1] for hypothesis in hypotheses]

        def value(self, sums):
            return ratio(*sums)

In a file of --t2t_usr_dir, it stands beside the built-in ones, for --metrics and in the `metrics`
of a problem.
"""

import dataclasses

import numpy as np

from t2t_mm.errors import UserError

CONFIDENCE = 95  # percent of the resamples that lie in the interval

METRICS: dict[str, "Metric"] = {}  # by name; `decoded` fills in the built-in ones


@dataclasses.dataclass(frozen=True)
class Score:
    """A figure, and what has to be printed beside it.

    Attributes:
        name: of the metric.
        value: the figure.
        scale: what a figure of "all" is: 100 for percentages, 10 for CIDEr-D.
        higher_is_better: False for error rates.
        signature: how the figure came about; two figures compare only where their signatures are
            the same.
        details: what else the metric tells, such as precision and recall.
        interval: the 95% bootstrap interval, (low, high); None if no resamples were asked for.
    """

    name: str
    value: float
    scale: int
    higher_is_better: bool
    signature: str
    details: dict
    interval: tuple | None = None


class Metric:
    """A metric of decoded text. Subclass, give a name and the two methods, and `register`.

    Attributes:
        name: what --metrics and problems call it.
        scale, higher_is_better: as in Score.
        takes_several: whether an example may have several references.
    """

    name: str = ""
    scale = 100
    higher_is_better = True
    takes_several = True

    def counts(self, hypotheses, references):
        """A row of numbers for each example, as an array or lists [examples, numbers]; rows add
        up."""
        raise NotImplementedError

    def value(self, sums) -> float:
        """The figure that the summed rows give, a float."""
        raise NotImplementedError

    def details(self, sums) -> dict:
        """Further figures from the summed rows."""
        return {}

    def signature(self, references) -> str:
        """What the figure depends on besides the texts, as key:value joined with |."""
        return ""

    def score(self, hypotheses, references, inputs=None, bootstrap=0, seed=12345) -> Score:
        """Scores a corpus.

        Args:
            hypotheses: list of str, one an example.
            references: list of lists of str: an example has one or several.
            inputs: what was decoded, one an example. None of the built-in metrics looks at it; a
                subclass that does overrides this method.
            bootstrap: number of resamples for the interval (Koehn 2004, aclanthology.org/W04-3250);
                0 for none.
            seed: of the resamples. Two systems on one corpus are resampled alike under one seed.
        Raises:
            UserError: the two differ in length, are empty, or give an example no reference, or
                several to a metric that takes one.
        """
        _check(self, hypotheses, references)
        rows = np.asarray(self.counts(hypotheses, references))
        sums = rows.sum(axis=0)
        interval = _interval(self, rows, bootstrap, seed) if bootstrap else None
        return Score(
            self.name,
            float(self.value(sums)),
            self.scale,
            self.higher_is_better,
            self.signature(references),
            self.details(sums),
            interval,
        )


def register(metric):
    """Decorator of a Metric class: an instance of it is from now on in METRICS.

    Raises:
        UserError: another class has the name.
    """
    if metric.name in METRICS:
        before, now = (
            f"{each.__module__}.{each.__qualname__}"
            for each in (type(METRICS[metric.name]), metric)
        )
        if before != now:  # one file read again is fine
            raise UserError(
                f"Both {before} and {now} are called {metric.name}; rename one of these metrics."
            )
    METRICS[metric.name] = metric()
    return metric


def ratio(part, whole, scale=1) -> float:
    """scale * part / whole, and 0 of nothing is 0."""
    return float(scale * part / whole) if whole else 0.0


def _check(metric, hypotheses, references):
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
                f"{metric.name} takes one reference an example, but example {number} has "
                f"{len(several)}."
            )


def _interval(metric, rows, bootstrap, seed):
    """Percentile bootstrap over examples."""
    random, examples = np.random.default_rng(seed), len(rows)
    values = []
    for _ in range(bootstrap):
        times_drawn = np.bincount(random.integers(examples, size=examples), minlength=examples)
        values.append(metric.value(times_drawn @ rows))
    outside = (100 - CONFIDENCE) / 2
    low, high = np.percentile(values, [outside, 100 - outside])
    return float(low), float(high)
