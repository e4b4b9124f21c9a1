"""What a position of decoding costs: milliseconds, early and late in the text, and beside a decoder
without cache.

    python benchmarks/decode.py         # tiny and base, 8 sentences, greedy
    python benchmarks/decode.py --sets=multimodel_tiny --beam=4

Weights are untrained, but for the gates, which are drawn, so that as many experts work as in a
trained model. A late position is measured in the same buffers as an early one. The decoder without
cache runs the whole model over the outputs so far, as Tensor2Tensor did; of its 128 positions
every eighth is measured.
"""

import argparse
import os
import time
from types import SimpleNamespace

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

EARLY, LATE, ROOM, SPAN, SHORT = 10, 490, 512, 20, 128
COLUMNS = f"ms at {EARLY}", f"ms at {LATE}", "ratio", f"ms to {SHORT}", "uncached", "ratio"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--sets",
        default="multimodel_tiny,multimodel_base",
        help="hparams sets, with commas between",
    )
    parser.add_argument("--batch", type=int, default=8, help="sentences")
    parser.add_argument("--source", type=int, default=24, help="pieces of each")
    parser.add_argument(
        "--beam", type=int, default=1, help="hypotheses a sentence (the search itself is not timed)"
    )
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    print(
        f"{args.batch} sentences of {args.source} pieces, beam {args.beam}; milliseconds a "
        "position, the least of "
        f"{args.runs} runs"
    )
    print(f"{'set':>18} " + " ".join(f"{name:>10}" for name in COLUMNS))
    for name in args.sets.split(","):
        measured = measure(name, args)
        print(f"{name:>18} " + " ".join(f"{value:10.2f}" for value in measured), flush=True)


def measure(name, args):
    """Values of all columns but the first."""
    import tensorflow as tf

    from t2t_mm import registry
    from t2t_mm.modalities.language.spec import Language

    text = Language(vocab="text", size=8192)
    problem = SimpleNamespace(name="text", inputs=text, targets=text, command="to-english")
    model = registry.model("multimodel")(registry.hparams(name), [problem])
    draw_gates(model)
    shape = (args.batch, args.source)
    batch = {
        "inputs": tf.random.uniform(shape, 3, text.size, tf.int32),
        "inputs_mask": tf.ones(shape, tf.bool),
    }
    early, late = cached(model, batch, args, ROOM, (EARLY, LATE))
    (short,) = cached(model, batch, args, SHORT, (0,), SHORT)
    slow = uncached(model, batch)
    return early, late, late / early, short, slow, slow / short


def draw_gates(model):
    """Lets as many experts work as in a trained model."""
    import tensorflow as tf

    for part in (model.encoder, model.decoder):
        gate = part.experts.experts.w_gate
        gate.assign(tf.random.normal(gate.shape))


def cached(model, batch, args, room, starts, span=SPAN):
    """Milliseconds a position for `span` positions from each of `starts` on."""
    import tensorflow as tf

    beam, runs = args.beam, args.runs

    @tf.function(autograph=False)
    def start(batch):
        memory = model.remember(batch, "text")
        return memory, model.start(memory, beam, tf.constant(room))

    @tf.function(autograph=False)
    def steps(memory, state, ids, first, last):
        def body(time, ids, state):
            logits, state = model.step(ids, time, memory, state, "text", beam)
            return time + 1, tf.argmax(logits, axis=-1, output_type=tf.int32), state

        return tf.while_loop(
            lambda time, *_: time < last, body, (first, ids, state), parallel_iterations=1
        )[1:]

    best = [float("inf")] * len(starts)
    for _ in range(runs + 1):  # the first compiles, and counts for nothing
        memory, state = start(batch)
        ids, at = tf.zeros([args.batch * beam], tf.int32), 0
        for i, first in enumerate(starts):
            ids, state = steps(memory, state, ids, tf.constant(at), tf.constant(first))
            began = time.perf_counter()
            ids, state = steps(memory, state, ids, tf.constant(first), tf.constant(first + span))
            ids.numpy()
            best[i] = min(best[i], (time.perf_counter() - began) / span * 1e3)
            at = first + span
    return best


def uncached(model, batch):
    """Milliseconds a position, on average over the first `SHORT`, when all is computed anew at
    each."""
    import tensorflow as tf

    from t2t_mm.execution.compiled import CompiledParts

    model.run_part = CompiledParts()
    seconds = []
    for length in range(8, SHORT + 1, 8):
        targets = tf.ones((batch["inputs"].shape[0], length), tf.int32)
        whole = batch | {"targets": targets, "targets_mask": tf.ones(targets.shape, tf.bool)}
        for _ in range(2):  # the first meets the shape for the first time
            began = time.perf_counter()
            model(whole, problem="text")["logits"].numpy()
        seconds.append(time.perf_counter() - began)
    return sum(seconds) / len(seconds) * 1e3


if __name__ == "__main__":
    main()
