"""What an exported model's answers cost: the first of a fresh process, and those after, beside the
model's own.

    python benchmarks/serving.py --output_dir=output/mini8 --data_dir=data --problem=mini_ende

Served is a process with tensorflow and tensorflow_text alone, started for this: its first answer is
timed from the process's start, to a single sentence; the others are answers to a batch of the
longest of the validation split. The same batch goes through `t2t_mm.load(output_dir).predict` here.
Divided by the positions that the longest answer takes, the figures can be held against those of
decode.py.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

SERVED = """
import json, sys, time
began = float(sys.argv[3])
import tensorflow as tf, tensorflow_text
imported = time.time() - began
answer = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
loaded = time.time() - began
sentences, runs = json.loads(sys.argv[2])
assert "t2t_mm" not in sys.modules
answer(inputs=tf.constant(sentences[:1]))["outputs"].numpy()
first, best = time.time() - began, float("inf")
for _ in range(runs + 1):
    start = time.perf_counter()
    answer(inputs=tf.constant(sentences))["outputs"].numpy()
    best = min(best, time.perf_counter() - start)
print(json.dumps([imported, loaded, first, best]))
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output_dir", required=True, help="of a run")
    parser.add_argument("--data_dir", required=True, help="its prepared data")
    parser.add_argument("--problem", default="mini_ende", help="one that reads and writes text")
    parser.add_argument("--batch", type=int, default=8, help="sentences")
    parser.add_argument("--runs", type=int, default=5, help="the fastest counts")
    args = parser.parse_args()

    import t2t_mm
    from t2t_mm.export import export, size

    model = t2t_mm.load(args.output_dir)
    sentences = longest(model.problem(args.problem).located(args.data_dir), args.batch)
    with tempfile.TemporaryDirectory() as folder:
        path = export(model, folder, [args.problem])
        line = [
            sys.executable,
            "-I",
            "-c",
            SERVED,
            path,
            json.dumps([sentences, args.runs]),
            str(time.time()),
        ]
        done = subprocess.run(line, capture_output=True, text=True, check=True)
        imported, loaded, first, served = json.loads(done.stdout.splitlines()[-1])
        print(
            f"{args.problem}: {size(path) / 1e6:.1f} MB; seconds from the process's start: "
            "TensorFlow imported "
            f"{imported:.1f}, loaded {loaded:.1f}, first answer {first:.1f}"
        )
    own, answers = float("inf"), []
    for _ in range(args.runs + 1):  # the first compiles
        began = time.perf_counter()
        answers = model.predict(args.problem, sentences, longest=256)
        own = min(own, time.perf_counter() - began)
    vocabulary = model.problems[args.problem].targets
    positions = 1 + max(len(vocabulary.encode(answer["outputs"])) for answer in answers)
    print(
        f"{len(sentences)} sentences, {positions} positions: served {served * 1e3:.0f} ms "
        f"({served / positions * 1e3:.2f} a position), t2t_mm.load {own * 1e3:.0f} ms "
        f"({own / positions * 1e3:.2f} a position), ratio {served / own:.2f}"
    )


def longest(problem, count):
    """The longest inputs of the validation split."""
    texts = {
        example["inputs"].decode() for example in problem.examples("validation").as_numpy_iterator()
    }
    return sorted(texts, key=len)[-count:]


if __name__ == "__main__":
    main()
