"""Mixture of experts against a dense feed-forward of equal FLOPs: forward and backward.

    python benchmarks/moe.py --experts=16,60,240

Prints medians over interleaved runs in one process, in wall and in CPU-seconds. Both layers run
inside `tf.function`, with gradients of the input and of all weights. The routing is that of
untrained gates: noise chooses, so loads differ as much as chance will have it; `--skew` adds a
preference for some experts that all tokens share.
"""

import argparse
import os
import resource
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

COLUMNS = (
    "experts",
    "moe s",
    "dense s",
    "ratio",
    "moe CPU-s",
    "dense CPU-s",
    "ratio",
    "dropped",
    "max/mean",
)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--experts", default="16,60,240", help="numbers of experts, with commas between"
    )
    parser.add_argument("--tokens", type=int, default=2048)
    parser.add_argument("--width", type=int, default=512, help="channels in and out")
    parser.add_argument("--hidden", type=int, default=2048, help="width of an expert")
    parser.add_argument("--k", type=int, default=4, help="experts a token")
    parser.add_argument(
        "--skew", type=float, default=0.0, help="standard deviation of the experts' logits"
    )
    parser.add_argument("--runs", type=int, default=15)
    args = parser.parse_args()
    print(
        f"{args.tokens} tokens, {args.width} -> {args.hidden}, k = {args.k}; medians of "
        f"{args.runs} runs"
    )
    print(" ".join(f"{name:>12}" for name in COLUMNS))
    for experts in map(int, args.experts.split(",")):
        measured = measure(experts, args)
        print(f"{experts:12d} " + " ".join(f"{value:12.4f}" for value in measured), flush=True)


def measure(experts, args):
    """Values of all columns but the first."""
    import keras
    import tensorflow as tf

    from t2t_mm.layers.feed_forward import FeedForward
    from t2t_mm.layers.moe import MixtureOfExperts

    keras.utils.set_random_seed(0)
    x = tf.concat(
        [tf.ones((1, args.tokens, 1)), tf.random.normal((1, args.tokens, args.width - 1))], -1
    )
    moe, dense = MixtureOfExperts(experts, args.hidden, args.k), FeedForward(args.k * args.hidden)
    steps = [gradient_step(layer, x) for layer in (moe, dense)]
    preference = args.skew * tf.random.normal((1, experts))  # read from the channel of ones
    moe.w_gate.assign(tf.pad(preference, [[0, args.width - 1], [0, 0]]))
    for step in steps * 2:  # traces, and lets the allocator grow
        step()
    seconds = [[], []]
    for _ in range(args.runs):
        for which, step in enumerate(steps):
            seconds[which].append(timed(step))
    medians = [[sorted(v)[len(v) // 2] for v in zip(*values, strict=True)] for values in seconds]
    (moe_wall, moe_cpu), (dense_wall, dense_cpu) = medians
    info, _ = steps[0]()
    shares = info["importance"].numpy()
    wall, cpu = (
        (moe_wall, dense_wall, moe_wall / dense_wall),
        (moe_cpu, dense_cpu, moe_cpu / dense_cpu),
    )
    return *wall, *cpu, float(info["dropped"]), shares.max() / shares.mean()


def gradient_step(layer, x):
    """A function that returns the layer's report, and the gradients of the input and of all
    weights."""
    import tensorflow as tf

    layer.build(x.shape)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            tape.watch(x)
            y, info = layer(x, training=True)
            loss = tf.reduce_mean(tf.square(y)) + info["aux_loss"]
        return info, tape.gradient(loss, [x, *layer.trainable_variables])

    return step


def timed(step):
    """(wall seconds, CPU-seconds) of one call."""
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    step()
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
