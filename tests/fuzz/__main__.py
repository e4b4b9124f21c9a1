"""Damages raw data, requests, records and flags at random, and counts what must never come of it.

    python -m tests.fuzz --cases=5000 --seed=0
    python -m tests.fuzz --kind=raw --case=123 --seed=0   # one case again, with its traceback

A case is good if all is read, or refused with one clear line. Tracebacks, hangs, signals, or more
than 2 GiB of memory above the start make the exit code 1.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path
from random import Random

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = ""

from tests.fuzz import place, runner  # noqa: E402
from tests.fuzz.flags import FLAGS  # noqa: E402
from tests.fuzz.raw import RAW  # noqa: E402
from tests.fuzz.records import RECORDS  # noqa: E402
from tests.fuzz.requests import REQUESTS  # noqa: E402

KINDS = {kind.name: kind for kind in (RAW, REQUESTS, RECORDS, FLAGS)}
MOST_MEMORY = 2 * 2**30


def main() -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser("tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", choices=KINDS, help="only cases of this kind")
    parser.add_argument("--case", type=int, help="only this case, here, with its traceback")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fuzz") as folder:
        made = Path(folder)
        place.make(made)
        if args.case is not None:
            return _again(KINDS[args.kind or "raw"], args.case, args.seed, made)
        # before children are forked: none of it may run an operation of TensorFlow

        import t2t_mm.inference.run  # noqa: F401

        kinds = [KINDS[args.kind]] if args.kind else list(KINDS.values())
        total, found = sum(kind.share for kind in kinds), {}
        for kind in kinds:
            found[kind.name] = runner.Found()
            count = round(args.cases * kind.share / total)
            runner.run(kind, list(range(count)), args.seed, made, found[kind.name])
        runner.show(found)
        is_good = all(each.is_good and each.memory < MOST_MEMORY for each in found.values())
        return 0 if is_good else 1


def _again(kind, number, seed, made):
    tried, used = [""], kind.begin(made)
    work = made / "again"
    work.mkdir()
    os.chdir(work)
    try:
        kind.case(Random(f"{seed} {kind.name} {number}"), used, work, tried)
    finally:
        print(tried[0])
    return 0


if __name__ == "__main__":
    sys.exit(main())
