"""What t2t-mm-decoder is given beside the inputs, a line each: targets to score, or prefixes."""

from typing import Any

from t2t_mm import files
from t2t_mm.errors import UserError


def no_inputs(args: Any, problem: Any) -> list[str]:
    """An empty text for each output that the flags ask a problem without inputs for.

    Raises:
        UserError: if they name a file of inputs.
    """
    if args.decode_from_file:
        raise UserError(
            f"{problem.name} has no inputs, and --decode_from_file names a file of them. Give "
            "--prefixes: what each output begins with, an empty line for nothing; or --examples: "
            "how many outputs."
        )
    path = args.score_targets or args.prefixes
    return [""] * (sum(1 for _ in files.lines(path)) if path else max(1, args.examples))


def lines(args: Any, flag: str, count: int) -> list[str] | None:
    """The lines of the file that a flag names, one for each of `count` inputs; None without it.

    Raises:
        UserError: if there are more or fewer.
    """
    path = getattr(args, flag)
    if not path:
        return None
    found = [line.decode("utf-8", "surrogateescape") for _, line in files.lines(path)]
    if len(found) != count:
        raise UserError(
            f"--{flag}={path} has {len(found):,} lines, and there are {count:,} inputs: give one "
            "line for each."
        )
    return found


class LineScorer:
    """Scores lists of inputs with the targets that are given; in the place of a LineDecoder.

    Args:
        predictor: RunPredictor.
        problem: resolved Problem.
        args: the flags.
        targets: one for each input.
    """

    def __init__(self, predictor: Any, problem: Any, args: Any, targets: list[str]):
        self.predictor, self.problem, self.args, self.targets = predictor, problem, args, targets

    def __call__(self, inputs: list[Any], first: int = 0) -> list[dict]:
        """The answers of `Predictor.score`; `first` is the number of the first input."""
        targets = self.targets[first : first + len(inputs)]
        return self.predictor.score(self.problem.name, inputs, targets, self.args.tokenized)

    def line(self, answer: dict) -> str:
        """A score in one line: the log-probability, then each piece and its own, with tabs
        between."""
        if "error" in answer:
            return ""
        tokens = [f"{' '.join(piece.split())}\t{own:.6f}" for piece, own in answer["tokens"]]
        return "\t".join([f"{answer['log_prob']:.6f}", *tokens])
