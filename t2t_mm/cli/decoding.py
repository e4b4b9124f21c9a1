"""The work of t2t-mm-decoder: inputs in, lines out, in order, whatever goes wrong with one of
them."""

import hashlib
import json
import os
import re
import sys
import time
from pathlib import Path

from t2t_mm import files
from t2t_mm.errors import UserError
from t2t_mm.evaluation import decoded
from t2t_mm.inference.run import RunPredictor

CHUNK = 256  # inputs that are sorted by length together, and written when all are done


def run(args):
    """Decodes as the flags say."""
    predictor = RunPredictor(args.output_dir)
    problem = _problem(predictor, args.problem)
    if (
        problem.targets.kind != "categorical"
        and args.n_best > max(1, args.beam_size)
        and not args.sampling_temperature
    ):
        raise UserError(
            f"--n_best={args.n_best} needs as many hypotheses: --beam_size={args.n_best}."
        )
    if args.sampling_temperature and args.beam_size > 1:
        raise UserError(
            "--beam_size and --sampling_temperature are two ways to decode: give one of them."
        )
    if (args.top_k or args.top_p < 1) and not args.sampling_temperature:
        raise UserError(
            "--top_k and --top_p are of sampling: give a --sampling_temperature, such as 1, with "
            "them."
        )
    answer = Answers(predictor, problem, args)
    if args.interactive:
        _converse(problem, answer)
    elif args.split:
        inputs, references = decoded.read(problem.located(args.data_dir), args.split, args.examples)
        read = [args.split, args.examples, str(Path(args.data_dir).resolve())]
        lines = _decode(inputs, answer, args, _work_name(args, predictor, read))
        for score in decoded.scores(problem, [line.split("\t")[0] for line in lines], references):
            print(f"{score.name} {score.value:.2f}  {score.signature}", file=sys.stderr)
    else:
        inputs = _inputs(args.decode_from_file, problem)
        _decode(inputs, answer, args, _work_name(args, predictor, inputs))


class Answers:
    """Answers lists of inputs with the method that the flags ask for."""

    def __init__(self, predictor, problem, args):
        from t2t_mm.decoding import Beam, Greedy, Sampling

        self.predictor, self.problem, self.args = predictor, problem, args
        if args.sampling_temperature:
            self.method = Sampling(args.sampling_temperature, args.top_k, args.top_p, args.n_best)
        else:
            self.method = Beam(args.beam_size, args.alpha) if args.beam_size > 1 else Greedy()

    def __call__(self, inputs, first=0):
        return self.predictor.predict(
            self.problem.name,
            inputs,
            self.method,
            self.args.decode_length,
            max(1, self.args.n_best),
            self.args.seed,
            first,
        )

    def line(self, result):
        """One line of output: the text, or the class; with --n_best texts and scores, with tabs
        between."""
        if "error" in result:
            return ""
        if "label" in result:
            ranked = result["top"]
            plain = f"{result['label']}\t{result['probability']:.4f}"
        else:
            ranked, plain = (
                sorted(result["n_best"], key=lambda pair: -pair[1]),
                _one_line(result["outputs"]),
            )
        if self.args.n_best == 1:
            return plain
        return "\t".join(
            f"{_one_line(text)}\t{score:.4f}" for text, score in ranked[: self.args.n_best]
        )


def _problem(predictor, name):
    if not name and len(predictor.problems) > 1:
        raise UserError(
            f"Give --problem: the model was trained on {', '.join(predictor.problems)}."
        )
    return predictor.problem(name or next(iter(predictor.problems)))


def _inputs(source, problem):
    """The inputs that a file, a directory or stdin holds."""
    if source == "-":
        return [line.decode("utf-8", "replace") for _, line in files.lines_of(sys.stdin.buffer)]
    path = Path(source).expanduser()
    if path.is_dir():
        if problem.inputs.kind == "language":
            raise UserError(
                f"{path} is a directory, but {problem.name} reads text: give a file, one input a "
                "line."
            )
        return [
            str(file)
            for file in sorted(path.iterdir())
            if file.is_file() and not file.name.startswith(".")
        ]
    return [line.decode("utf-8", "replace") for _, line in files.lines(path)]


def _work_name(args, predictor, inputs):
    """Name for unfinished output: another for other inputs, another model or other ways to
    decode."""
    ways = {
        name: getattr(args, name)
        for name in (
            "problem",
            "beam_size",
            "alpha",
            "decode_length",
            "sampling_temperature",
            "top_k",
            "top_p",
            "seed",
            "n_best",
        )
    }
    told = json.dumps([ways, str(predictor.output.path.resolve()), predictor.step, inputs])
    return f"{args.decode_to_file}.{hashlib.sha256(told.encode()).hexdigest()[:10]}.partial"


def _decode(inputs, answer, args, partial):
    """Decodes all inputs to --decode_to_file or stdout; returns the lines."""
    written, done = [], 0
    if not args.decode_to_file:
        for line in _lines(inputs, answer, 0):
            print(line, flush=True)
            written.append(line)
        return written
    if os.path.exists(partial):
        with open(partial, "rb+") as file:  # what was cut off in the middle of a line goes
            content = file.read()
            file.truncate(content.rfind(b"\n") + 1)
            written = content.decode().split("\n")[:-1]
            done = len(written)
        print(f"going on after {done:,} of {len(inputs):,} inputs", file=sys.stderr)
    try:
        with open(partial, "a", encoding="utf-8") as file:
            for line in _lines(inputs[done:], answer, done):
                file.write(line + "\n")
                file.flush()
                written.append(line)
        os.replace(partial, args.decode_to_file)
        return written
    except OSError as error:
        raise UserError(
            f"--decode_to_file={args.decode_to_file} can't be written to: {error.strerror}."
        ) from error


def _lines(inputs, answer, before):
    """The output line of each input, as they come."""
    started = time.monotonic()
    for start in range(0, len(inputs), CHUNK):
        chunk = inputs[start : start + CHUNK]
        for number, result in enumerate(answer(chunk, before + start), before + start + 1):
            if "error" in result:
                print(f"input {number}: {result['error']}", file=sys.stderr)
            yield answer.line(result)
        done = start + len(chunk)
        rate = done / (time.monotonic() - started)
        print(
            f"{before + done:,} of {before + len(inputs):,} inputs, {rate:.1f} a second",
            file=sys.stderr,
        )


def _converse(problem, answer):
    """Answers what is typed, until there is nothing more."""
    what = {"language": "a text", "image": "the path of a picture", "audio": "the path of a sound"}[
        problem.inputs.kind
    ]
    print(
        f"{problem.name}: {problem.description} Type {what}; an empty line ends.", file=sys.stderr
    )
    while True:
        print("> ", end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        if not line.strip():
            return
        (result,) = answer([line.rstrip("\n")])
        print(f"error: {result['error']}" if "error" in result else answer.line(result), flush=True)


def _one_line(text):
    return re.sub(r"[\t\r\n]+", " ", text)
