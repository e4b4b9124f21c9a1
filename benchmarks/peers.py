"""Ours beside what a user would pick instead: a train step and decoding of the MultiModel and of a
PyTorch Transformer, interleaved in one run.

    pip install torch
    python benchmarks/peers.py                       # tiny, text
    python benchmarks/peers.py --case=greedy,beam4 --hparams_set=multimodel_base

A step trains on 32 texts of 64 pieces to 64 pieces, with a vocabulary of 8,192; decoding writes 128
pieces for each of 8 texts of 24, from random weights. The Transformers have our width and heads: of
2 layers on each side, of our depth, and of our number of parameters (in wider feed-forwards). Each
stands in a process of its own, which the driver lets work in turn, so that a busy machine slows all
of them. Tensor2Tensor can't be installed any more: its rows are what it took beside the 2-layer
Transformer on another machine, times that.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

OURS, REFERENCE = "ours", "torch-2"
SIDES = (OURS, REFERENCE, "torch-depth", "torch-parameters")
# Seconds beside the 2-layer PyTorch Transformer, tiny, measured once on 2 cores.
TENSOR2TENSOR = {"step": {"T2T Transformer": 1.00, "T2T MultiModel": 1.82}}
HERE = Path(__file__).parent


class Side:
    """A process that works when it is told to."""

    def __init__(self, name, case, hparams_set, parameters):
        script = "peers_ours.py" if name == OURS else "peers_torch.py"
        command = [sys.executable, str(HERE / script), name, case, hparams_set, str(parameters)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.name, self.wall, self.cpu = name, [], []
        self.about = self._read()

    def work(self):
        """Once more what is measured."""
        print("go", file=self.process.stdin, flush=True)
        result = self._read()
        self.wall.append(result["wall"])
        self.cpu.append(result["cpu"])
        self.about["gib"] = result["gib"]

    def end(self):
        """Lets the process go."""
        self.process.stdin.close()
        self.process.wait()

    def _read(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.name} ended early: its messages are above")
        return json.loads(line)


def worker(parameters, pieces, flops, run):
    """The other end of a Side: `run()` whenever asked to."""
    import resource

    for _ in range(2):  # compiles, and warms up
        run()
    print(json.dumps({"parameters": parameters, "pieces": pieces, "flops": flops}), flush=True)
    for _ in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        run()
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        took = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
        print(json.dumps(took | {"gib": used}), flush=True)


def peak():
    """Floating-point operations per second of a large product of matrices."""
    import numpy as np

    a = np.ones((2048, 2048), np.float32)
    began = time.perf_counter()
    a @ a
    return 2 * 2048**3 / (time.perf_counter() - began)


def main():
    """Prints a table for each case."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", default="step,greedy,beam4", help="cases, with commas between")
    parser.add_argument("--hparams_set", default="multimodel_tiny")
    parser.add_argument("--runs", type=int, default=20)
    args = parser.parse_args()
    for case in args.case.split(","):
        show(case, args)


def show(case, args):
    """Measures a case and prints its table."""
    sides = []
    for name in SIDES:
        parameters = sides[0].about["parameters"] if sides else 0
        sides.append(Side(name, case, args.hparams_set, parameters))
    peaks = []
    for _ in range(args.runs):
        for side in sides:
            side.work()
        peaks.append(peak())
    for side in sides:
        side.end()
    unit = "step" if case == "step" else "piece"
    print(f"{args.hparams_set}, {case}: medians of {args.runs} runs, interleaved")
    columns = f"{'ms/' + unit:>10}{'CPU-ms':>10}{'ratio':>8}{'CPU':>8}{'of peak':>9}{'GiB':>6}"
    print(f"  {'':18}{'parameters':>12}{columns}")
    rate = statistics.median(peaks)
    wall, cpu = (
        {side.name: statistics.median(values(side)) / side.about["pieces"] for side in sides}
        for values in (lambda s: s.wall, lambda s: s.cpu)
    )
    for side in sides:
        flops, name = side.about["flops"], side.name
        share = f"{flops / wall[name] / rate:.0%}" if flops else ""
        print(
            f"  {name:18}{side.about['parameters']:12,}{wall[name] * 1e3:10.2f}"
            f"{cpu[name] * 1e3:10.2f}{wall[name] / wall[REFERENCE]:8.2f}"
            f"{cpu[name] / cpu[REFERENCE]:8.2f}{share:>9}{side.about['gib']:6.1f}"
        )
    for name, ratio in TENSOR2TENSOR.get(case, {}).items():
        print(f"  {name:18}{'':12}{wall[REFERENCE] * ratio * 1e3:10.2f}{'':10}{ratio:8.2f}")
    print(f"  peak: {rate / 1e9:.0f} GFLOP/s", flush=True)


if __name__ == "__main__":
    main()
