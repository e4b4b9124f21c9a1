"""What a model answers to inputs as a person gives them: texts, paths, pictures, samples."""

import functools
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from t2t_mm.config.hparams import HParams
from t2t_mm.config.limits import INT32
from t2t_mm.decoding import Decoded, Greedy, Search
from t2t_mm.errors import UserError
from t2t_mm.execution.compiled import open_spec
from t2t_mm.execution.replicas import Replicas
from t2t_mm.inference import scoring
from t2t_mm.inference.inputs import HYPOTHESES, ROWS, batch_of, batched, encode, listed
from t2t_mm.layers import kernels
from t2t_mm.problem.base import Problem

TOP = 5  # classes in an answer


class Predictor:
    """Answers inputs with a model.

    Args:
        model: the Keras model.
        problems: {name: resolved Problem}, those that the model was trained on.
        hparams: HParams of the model.
        step: how many steps it was trained.
        replicas: of the model, over which batches are shared out; those of the strategy in whose
            scope this is called, if not given. Answers are the same, whatever their number.
    """

    def __init__(
        self,
        model: Any,
        problems: dict[str, Problem],
        hparams: HParams,
        step: int = 0,
        replicas: Replicas | None = None,
    ):
        self.model, self.problems, self.hparams, self.step = model, problems, hparams, step
        self.replicas = replicas or Replicas()
        self._graphs: dict[tuple, Any] = {}
        self._building = threading.Lock()

    def sides(self, problem: str) -> tuple[Any, Any]:
        """The modalities of a problem's inputs and targets."""
        named = self.problem(problem)
        return named.inputs, named.targets

    def predict(
        self,
        problem: str,
        inputs: Any = None,
        method: Any = None,
        longest: int | None = None,
        top: int = TOP,
        seed: int = 0,
        first: int = 0,
        as_stored: bool = False,
        prefix: Any = None,
    ) -> Any:
        """Answers one input, or a list of them.

        Args:
            problem: its name.
            inputs: text; of a picture or a sound a path, a file's bytes or an open file; of a
                picture also an array [h, w, c] or a PIL image, of a sound samples; of other
                modalities what their `read` takes; or a list of them. Of a problem without inputs
                None: one output, or one for each of a list of prefixes.
            method: decoding.Greedy, Beam or Sampling; greedy if not given.
            longest: most positions of an output; twice as many as the input has, and 50, but at
                most 512, if not given; of characters and bytes, four for each of these.
            top: classes in an answer.
            seed: of sampling; what is drawn for an input depends on this and on its number alone.
            first: number of the first input.
            as_stored: whether inputs are as the data set has them, such as the words of a sentence
                to be parsed, with spaces between.
            prefix: what outputs have to begin with: a text, or a list of one for each input, with
                None for any. Best ends where a word does. An output holds it, its log-probability
                covers it, and it counts towards `longest`; if that isn't given, it doesn't.

        Returns:
            A dict, or a list of them: {"outputs": text, "score": its score, "log_prob": its
            log-probability, "cut": whether it was cut off at the limit, "n_best": [(text, score),
            ...]}; for a class {"label", "probability", "top": [(label, probability), ...]}; for a
            set of labels {"outputs": text, "labels": [label, ...], "probabilities": {label:
            probability}, of all}; for real numbers {"outputs": text, "values": [...]} and, where
            the model says how sure it is, "deviations". For an input that can't be read {"error":
            why}.

        Raises:
            UserError: for an unknown problem, or a number out of range.
        """
        check_numbers(1, top=top)
        if longest is not None:
            check_numbers(1, longest=longest)
        check_numbers(0, seed=seed, first=first)
        named, method = self.problem(problem), method or Greedy()
        values, one = listed(inputs, prefix)
        beginnings = each(prefix, len(values), "prefix")
        if prefix is not None and not named.targets.is_sequence:
            raise UserError(f"{problem} answers with no sequence, which could have a prefix.")
        results: list[dict | None] = [None] * len(values)
        encoded, sources, given = {}, {}, {}
        for index, value in enumerate(values):
            try:
                given[index] = scoring.given_prefix(named, beginnings[index], longest)
                encoded[index], sources[index] = encode(named, value, as_stored)
            except UserError as error:
                results[index] = {"error": str(error)}
        lengths = {index: int(named.inputs.positions(value)) for index, value in encoded.items()}
        most = min(ROWS, max(1, HYPOTHESES // method.hypotheses))

        def answered(rows):
            batch = batch_of(named, [encoded[index] for index in rows])
            if prefix is not None:
                batch |= scoring.with_prefixes([given[index] for index in rows])
            if not named.targets.is_sequence:
                return named.targets.answers(self._classify(named, batch), top)
            found = self.decode(named, batch, method, longest, seed, [first + i for i in rows])
            return list(_texts(named, [sources[index] for index in rows], found))

        self._fill(results, answered, lengths, most)
        return results[0] if one else results

    def score(self, problem: str, inputs: Any, targets: Any, as_stored: bool = False) -> Any:
        """Log-probabilities of given targets, one input or a list of them.

        Args:
            problem: its name.
            inputs: as for `predict`.
            targets: for each input the text, or the class, whose probability is asked for; of a
                parse a tree in brackets, or its linear form.
            as_stored: as for `predict`.

        Returns:
            A dict, or a list of them: {"log_prob": the target's log-probability, in nats, end of
            sequence included, "tokens": [(piece, its log-probability given those before), ...]}.
            For a pair that can't be read {"error": why}. A text that `predict` gave has the
            log_prob that it gave, unless it was cut off, or the model wrote it in other pieces than
            the vocabulary would.

        Raises:
            UserError: for an unknown problem, or another number of targets than of inputs.
        """
        named, (values, one) = self.problem(problem), listed(inputs, targets)
        wanted = each([targets] if one else targets, len(values), "targets")
        results: list[dict | None] = [None] * len(values)
        encoded, ids = {}, {}
        for index, value in enumerate(values):
            try:
                ids[index] = scoring.given(named, wanted[index])
                encoded[index], _ = encode(named, value, as_stored)
            except UserError as error:
                results[index] = {"error": str(error)}
        lengths = {
            index: max(int(named.inputs.positions(value)), len(ids[index]))
            for index, value in encoded.items()
        }

        def scored(rows):
            batch = batch_of(named, [encoded[index] for index in rows])
            chosen = [ids[index] for index in rows]
            batch = scoring.with_targets(batch, chosen)
            return scoring.scored(named, chosen, np.asarray(self._log_probs(named, batch)))

        self._fill(results, scored, lengths)
        return results[0] if one else results

    def _fill(
        self, results: list, work: Callable, lengths: dict[int, int], most: int = ROWS
    ) -> None:
        """Puts the answers of `work(indices)` into results, for batches of inputs that are about as
        long; `lengths` are those of the inputs to be answered."""
        order = sorted(lengths, key=lambda index: (lengths[index], index))
        batches = list(batched(order, lengths, self.hparams.batch_size, most))
        for rows, answers in zip(batches, self.shared_out(work, batches), strict=True):
            for index, answer in zip(rows, answers, strict=True):
                results[index] = finite(answer)

    def shared_out(self, work: Callable, batches: list[list[int]]) -> list[list[dict]]:
        """The answers of `work(batch)` to each of the batches, on the devices that there are."""
        return self.replicas.share_out(work, batches)

    def warm_up(
        self,
        problems: Iterable[str] | None = None,
        method: Any = None,
        longest: int | None = None,
    ) -> None:
        """Compiles what answers problems, so that no later call has to wait for it.

        Args:
            problems: their names; all, if not given.
            method, longest: those of the later calls of `predict`.
        """
        for name in problems or self.problems:
            named = self.problem(name)
            samples = named.inputs.samples().items()
            value = named.inputs.received({name: tf.constant(each) for name, each in samples})
            encoded = named.encode_inputs(named.preprocess(value))
            batch = batch_of(named, [encoded])
            if named.targets.is_sequence:
                work = functools.partial(self.decode, named, batch, method, longest)
            else:
                work = functools.partial(self._classify, named, batch)
            self.replicas.in_each(work)

    def problem(self, name: str) -> Problem:
        """The problem of that name; a UserError if the model was not trained on it."""
        if not isinstance(name, str) or name not in self.problems:
            raise UserError(f"The model was trained on {', '.join(self.problems)}, not on {name}.")
        return self.problems[name]

    def decode(
        self,
        problem: Problem,
        batch: dict[str, Any],
        method: Any = None,
        longest: int | None = None,
        seed: int = 0,
        index: Sequence[int] | None = None,
    ) -> Decoded:
        """Decodes a batch of encoded inputs; arrays."""
        method = method or Greedy()
        make = functools.partial(Search, self.model, problem.name, method, longest)
        key = (problem.name, method, longest, "prefix" in batch)
        search = self._compiled(key, lambda: make().built(batch))
        return Decoded(*map(np.asarray, search(batch, None, seed, index)))

    def _classify(self, problem: Problem, batch: dict[str, Any]) -> Any:
        """As `logits`, compiled."""
        specs = {key: open_spec(each, 1 + problem.inputs.masked) for key, each in batch.items()}
        return self._graph("logits", functools.partial(self.logits, problem), problem, specs)(batch)

    def _log_probs(self, problem: Problem, batch: dict[str, Any]) -> Any:
        """`scoring.token_log_probs`, compiled."""
        pictures = {} if problem.inputs.masked else {"inputs": open_spec(batch["inputs"], 1)}
        specs = {key: open_spec(each, 2) for key, each in batch.items()} | pictures
        log_probs = functools.partial(scoring.token_log_probs, self.model, problem.name)
        return self._graph("log_probs", log_probs, problem, specs)(batch)

    def _graph(self, name: str, function: Callable, problem: Problem, specs: dict) -> Any:
        """A function of a batch, compiled."""

        def make():
            graph = tf.function(function, [specs], autograph=False)
            graph.get_concrete_function()
            return graph

        return self._compiled((name, problem.name), make)

    def _compiled(self, key: tuple, make: Callable[[], Any]) -> Any:
        """What `make` compiles: once for each replica, whatever threads ask for it."""
        key = (*key, int(kernels.replica()))  # a graph reads the weights of one
        if key not in self._graphs:
            with self._building:
                if key not in self._graphs:
                    self._graphs[key] = make()
        return self._graphs[key]

    def logits(self, problem: Problem, batch: dict[str, Any]) -> Any:
        """Logits [batch, classes] of a target that is no sequence."""
        return self.model(batch, problem=problem.name, training=False)["logits"][:, 0]


def each(values: Any, count: int, name: str) -> list:
    """A value for each of `count` inputs: those of a list, or one and the same."""
    if not isinstance(values, list | tuple):
        return [values] * count
    if len(values) != count:
        raise UserError(f"{count} inputs, but {len(values)} values of {name}: give one for each.")
    return list(values)


def _texts(problem: Problem, sources: list, decoded: Decoded) -> Iterator[dict]:
    """The answers to a batch."""
    ids, log_probs, scores = decoded
    cut = np.asarray(decoded.cut)  # [batch, hypotheses]
    for row, source in enumerate(sources):
        texts = [written(problem, hypothesis, source) for hypothesis in ids[row]]
        pairs = zip(texts, scores[row], strict=True)
        yield {
            "outputs": texts[0],
            "score": float(scores[row, 0]),
            "log_prob": float(log_probs[row, 0]),
            "cut": bool(cut[row, 0]),
            "n_best": [(text, float(score)) for text, score in pairs if np.isfinite(score)],
        }


def check_numbers(low: int, **numbers: Any) -> None:
    """Raises a UserError for a number that is none, is below `low`, or more than TensorFlow counts
    with."""
    for name, number in numbers.items():
        if not isinstance(number, int | np.integer) or not low <= number <= INT32:
            shown = repr(number)[:40]
            raise UserError(f"{name} is a whole number from {low} to {INT32:,}, not {shown}.")


def finite(answer: dict) -> dict:
    """An answer; an error in place of one with a number that is not finite, for which JSON has no
    form: a damaged model gives such, or one that finds no output."""
    for number in filter(lambda each: isinstance(each, float), tf.nest.flatten(answer)):
        if not np.isfinite(number):
            return {"error": f"the model gives the answer no finite score ({number})"}
    return answer


def text_of(answer: dict) -> str:
    """The text of an answer, or its class; "" where there is none."""
    return answer.get("outputs", answer.get("label", ""))


def written(problem: Problem, ids: Any, source: str | None) -> str:
    """Target ids as a person reads them; of a parse, the tree over the words of the source."""
    return problem.postprocess(problem.decode_targets(ids), source)
