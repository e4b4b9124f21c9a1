"""The work of t2t-mm-decoder: inputs in, lines out, in order, whatever goes wrong with one of
them."""

import collections
import gzip
import hashlib
import io
import itertools
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from t2t_mm import files
from t2t_mm.cli import given
from t2t_mm.config import hparams_files
from t2t_mm.data import prepare
from t2t_mm.decoding import Beam, Greedy, Sampling
from t2t_mm.errors import UserError
from t2t_mm.evaluation import decoded
from t2t_mm.evaluation.metrics import scoring
from t2t_mm.execution import threads
from t2t_mm.execution.strategies import of_this_machine
from t2t_mm.inference.run import RunPredictor
from t2t_mm.runs.choice import described
from t2t_mm.runs.directory import OutputDir

CHUNK = 256  # inputs that are sorted by length together, and written when all are done
# Flags that change what is decoded: with others, unfinished output is not resumed.
WAYS = (
    "problem",
    "beam_size",
    "alpha",
    "decode_length",
    "sampling_temperature",
    "top_k",
    "top_p",
    "seed",
    "n_best",
    "tokenized",
)


def run(args: Any) -> None:
    """Decodes as the flags of t2t-mm-decoder say; `args` has them as attributes."""
    decoder = loaded(args)
    predictor, problem = decoder.predictor, decoder.problem
    _say(described(predictor.output, args.checkpoint, predictor.step))
    if args.interactive:
        _converse(decoder)
    elif args.split:
        if not problem.has_inputs:
            raise UserError(
                f"{problem.name} has no inputs, so that its outputs compare with no reference: "
                "t2t-mm-trainer --mode=evaluate measures its perplexity."
            )
        (data,) = prepare.located([problem], args.data_dir, _say)
        inputs, references = decoded.read(data, args.split, args.examples)
        source = [args.split, args.examples, str(Path(args.data_dir).resolve())]
        decoder.prefixes = given.lines(args, "prefixes", len(inputs))
        source += [decoder.prefixes] if decoder.prefixes else []
        texts = _decode(inputs, decoder, partial(args, predictor.output, predictor.step, source))
        for score in decoded.scores(problem, list(map(problem.targets.scored, texts)), references):
            print(f"{score.name} {score.shown}  {score.signature}", file=sys.stderr)
            for name in score.beside:
                print(f"{score.name}_{name} {score.details[name]:,}", file=sys.stderr)
            for label, figures in score.by_label.items():
                print(f"  {label}: {scoring.in_words(figures)}", file=sys.stderr)
    else:
        inputs = _inputs(args, problem)
        targets = given.lines(args, "score_targets", len(inputs))
        decoder.prefixes = given.lines(args, "prefixes", len(inputs))
        beside = [[targets, decoder.prefixes]] if targets or decoder.prefixes else []
        work = given.LineScorer(predictor, problem, args, targets) if targets else decoder
        source = [*inputs, *beside]
        _decode(inputs, work, partial(args, predictor.output, predictor.step, source))


def loaded(args: Any) -> "LineDecoder":
    """What answers as the flags say, on the devices that they name."""
    output = OutputDir(args.output_dir)
    threads.suit(hparams_files.load(output.path, output.recorded_model()).hidden_size)
    with of_this_machine(args.strategy).scope():
        predictor = RunPredictor(args.output_dir, args.checkpoint)
    return LineDecoder(predictor, problem_of(predictor.problems, args), args)


class LineDecoder:
    """Answers lists of inputs with the method that the flags ask for."""

    def __init__(self, predictor: RunPredictor, problem: Any, args: Any):
        self.predictor, self.problem, self.args = predictor, problem, args
        self.prefixes: list[str] | None = None  # of all inputs
        self.method: Any = Greedy()
        if args.sampling_temperature:
            self.method = Sampling(args.sampling_temperature, args.top_k, args.top_p, args.n_best)
        elif args.beam_size > 1:
            self.method = Beam(args.beam_size, args.alpha)

    def __call__(self, inputs: list[Any], first: int = 0) -> list[dict]:
        """The answers of `Predictor.predict`; `first` is the number of the first input."""
        args = self.args
        longest, top = args.decode_length, max(1, args.n_best)
        as_stored = bool(args.split or args.tokenized)
        prefix = self.prefixes and self.prefixes[first : first + len(inputs)]
        return self.predictor.predict(
            self.problem.name,
            inputs,
            self.method,
            longest,
            top,
            args.seed,
            first,
            as_stored,
            prefix,
        )

    def typed(self, line: str) -> dict:
        """The answer to a line that was typed: the input, or, where there is none, the prefix."""
        if not self.problem.has_inputs:
            self.prefixes, line = [line], ""
        (answer,) = self([line])
        return answer

    def line(self, answer: dict) -> str:
        """An answer in one line (`Modality.as_line`); "" for an input that can't be read."""
        return "" if "error" in answer else self.problem.targets.as_line(answer, self.args.n_best)


def _say(line: str) -> None:
    print(line, file=sys.stderr)


def problem_of(problems: Mapping[str, Any], args: Any) -> Any:
    """The problem that the flags name, of those of a run; a UserError if there is none, or the
    flags don't fit it."""
    if not args.problem and len(problems) > 1:
        raise UserError(f"Give --problem: the model was trained on {', '.join(problems)}.")
    name = args.problem or next(iter(problems))
    if name not in problems:
        raise UserError(f"The model was trained on {', '.join(problems)}, not on {name}.")
    hypotheses = args.n_best if args.sampling_temperature else max(1, args.beam_size)
    if problems[name].targets.is_sequence and args.n_best > hypotheses:
        raise UserError(
            f"--n_best={args.n_best} needs as many hypotheses: --beam_size={args.n_best}."
        )
    return problems[name]


def _inputs(args: Any, problem: Any) -> list[str]:
    """The inputs that a file, a directory or stdin holds; of a problem without, as many empty texts
    as there are outputs. Bytes that are no UTF-8 stay in a path as they are; a text with some is
    refused when it is read."""
    source = args.decode_from_file
    if not problem.has_inputs:
        return given.no_inputs(args, problem)
    if not source:
        raise UserError(
            f"{problem.name} has inputs: give one of --decode_from_file, --split and --interactive."
        )
    path = Path(source).expanduser()
    if source == "-" or not path.is_dir():
        found = files.lines_of(sys.stdin.buffer, "stdin") if source == "-" else files.lines(path)
        return [line.decode("utf-8", "surrogateescape") for _, line in found]
    if problem.inputs.is_text:
        raise UserError(
            f"{path} is a directory, but {problem.name} reads text: give a file, one input per "
            "line."
        )
    return [
        str(file)
        for file in sorted(path.iterdir())
        if file.is_file() and not file.name.startswith(".")
    ]


def partial(args: Any, output: OutputDir, step: int, source: list[Any]) -> str:
    """The path of unfinished output: another for other inputs, another model or another way to
    decode."""
    ways = {name: getattr(args, name) for name in WAYS}
    key = json.dumps([ways, str(output.path.resolve()), step, source])
    target = files.real(args.decode_to_file) if args.decode_to_file else ""
    return f"{target}.{hashlib.sha256(key.encode()).hexdigest()[:10]}.partial"


def _decode(inputs: Sequence[Any], decoder: Any, unfinished: str) -> list[str]:
    """Decodes all inputs, or scores them, to --decode_to_file or stdout; returns the lines."""
    target, written = decoder.args.decode_to_file, list[str]()
    if not target:
        for line in lines(inputs, decoder, 0):
            print(line, flush=True)
            written.append(line)
        return written
    try:
        if not files.is_replaced(target):
            with _opened(target) as file:
                _write(lines(inputs, decoder, 0), file, written)
            return written
        written = _resumed(unfinished)
        if os.path.exists(unfinished):
            print(f"resuming after {len(written):,} of {len(inputs):,} inputs", file=sys.stderr)
        with open(unfinished, "ab") as file:
            _write(lines(inputs[len(written) :], decoder, len(written)), file, written)
        finish(unfinished, target)
        return written
    except OSError as error:
        raise UserError(
            f"--decode_to_file={target} can't be written to: {error.strerror}."
        ) from error


def _opened(target: str) -> io.BufferedIOBase:
    """A device or a pipe, open for writing."""
    return gzip.open(target, "wb") if _is_gzipped(target) else open(target, "wb")


def _write(lines: Iterator[str], file: io.BufferedIOBase, written: list[str]) -> None:
    """Writes lines as they come, and adds them to those that are written."""
    for line in lines:
        file.write(line.encode("utf-8") + b"\n")
        file.flush()
        written.append(line)


def finish(partial: str | os.PathLike, target: str) -> None:
    """Puts the finished output in its place, gzipped if its name says so; of a link, in that of the
    file that it points to."""
    if not _is_gzipped(target):
        os.replace(partial, files.real(target))
        return
    zipped = f"{os.fspath(partial)}.gz"
    with (
        open(partial, "rb") as plain,
        open(zipped, "wb") as file,
        gzip.GzipFile("", "wb", fileobj=file, mtime=0) as out,  # equal lines make an equal file
    ):
        shutil.copyfileobj(plain, out)
    os.replace(zipped, files.real(target))
    os.remove(partial)


def _is_gzipped(target: str | os.PathLike) -> bool:
    """Whether a file is to be gzipped, as its name says."""
    return os.fspath(target).endswith(".gz")


def _resumed(partial: str) -> list[str]:
    """The finished lines of unfinished output; what was cut off in the middle of a line goes."""
    if not os.path.exists(partial):
        return []
    with open(partial, "rb+") as file:
        content = file.read()
        file.truncate(content.rfind(b"\n") + 1)
    return content[: content.rfind(b"\n") + 1].decode("utf-8").split("\n")[:-1]


def lines(inputs: Sequence[Any], decoder: Any, before: int, total: int = 0) -> Iterator[str]:
    """The output line of each input, as they come; `before` inputs stand before them, and `total`
    there are, if these are not the last."""
    started, total, cut = time.monotonic(), total or before + len(inputs), 0

    def answers(start: int) -> list[dict]:
        return decoder(list(inputs[start : start + CHUNK]), before + start)

    starts = range(0, len(inputs), CHUNK)
    # Of several devices some would else wait for the last batch of a chunk.
    at_a_time = 1 if decoder.predictor.replicas.count == 1 else 2
    for start, chunk in zip(starts, _in_order(answers, starts, at_a_time), strict=True):
        for number, answer in enumerate(chunk, before + start + 1):
            if "error" in answer:
                print(f"input {number}: {answer['error']}", file=sys.stderr)
            cut += answer.get("cut", False)
            yield decoder.line(answer)
        done = start + len(chunk)
        rate = done / (time.monotonic() - started)
        print(
            f"{before + done:,} of {total:,} inputs, {rate:.1f} inputs per second", file=sys.stderr
        )
    if cut:
        limit = decoder.args.decode_length
        limit = f"--decode_length={limit}" if limit else "their limit; see --decode_length"
        print(f"{cut:,} outputs did not end and were cut off at {limit}", file=sys.stderr)


def _in_order(work: Callable, items: Iterable, at_a_time: int) -> Iterator:
    """`work(item)` for each of the items, in their order, so many at a time."""
    if at_a_time == 1:
        yield from map(work, items)
        return
    left = iter(items)
    with ThreadPoolExecutor(at_a_time) as pool:
        begun = collections.deque(pool.submit(work, i) for i in itertools.islice(left, at_a_time))
        while begun:
            result = begun.popleft().result()
            begun.extend(pool.submit(work, item) for item in itertools.islice(left, 1))
            yield result


def _converse(decoder: LineDecoder) -> None:
    """Answers what is typed, until an empty line."""
    problem = decoder.problem
    print(
        f"{problem.name}: {problem.description} Type {problem.inputs.prompt}; an empty line ends.",
        file=sys.stderr,
    )
    if isinstance(sys.stdin, io.TextIOWrapper):  # what is no UTF-8 is told, as in a file
        sys.stdin.reconfigure(errors="surrogateescape")
    while True:
        print("> ", end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline(files.LONGEST_LINE)
        if not line.strip():
            return
        answer = decoder.typed(line.rstrip("\r\n"))
        print(
            f"error: {answer['error']}" if "error" in answer else decoder.line(answer), flush=True
        )
