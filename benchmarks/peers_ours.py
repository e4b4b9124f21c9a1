"""Our side of peers.py: a train step, or decoding, of the MultiModel."""

import sys
from types import SimpleNamespace

from decode import draw_gates
from peers import worker

from t2t_mm import registry
from t2t_mm.cli import app
from t2t_mm.modalities.language.spec import Language

TEXT = Language(vocab="text", size=8192)
PROBLEM = SimpleNamespace(name="text", inputs=TEXT, targets=TEXT, command="to-english")
LENGTH = 128  # pieces that are decoded


def main(case, hparams_set):
    """Makes a model and lets the driver measure it."""
    app.import_tensorflow()
    hparams = registry.hparams(hparams_set)
    model = registry.model("multimodel")(hparams, [PROBLEM])
    parameters = sum(model.parameter_counts().values())
    if case == "step":
        worker(parameters, 1, *step(model, hparams))
    else:
        worker(parameters, LENGTH, 0, decoding(model, int(case.removeprefix("beam") or 1)))


def step(model, hparams):
    """(Operations of a step, a function that runs one)."""
    import tensorflow as tf
    from train_step import forward_flops

    from t2t_mm.training.optimizers import make_optimizer
    from t2t_mm.training.step import TrainStep

    batch = {
        side: tf.random.uniform((32, 64), 3, TEXT.size, tf.int32) for side in ("inputs", "targets")
    } | {f"{side}_mask": tf.ones((32, 64), tf.bool) for side in ("inputs", "targets")}
    dense = registry.model("multimodel")(hparams.replace(feed_forward="equal_flops"), [PROBLEM])
    work = TrainStep(model, make_optimizer(hparams, model.trainable_variables), hparams)
    return 3 * forward_flops(dense, PROBLEM, batch), lambda: float(
        work("text", batch, 1e-4)["loss"]
    )


def decoding(model, beam):
    """A function that decodes 8 texts; in beams whatever the hypotheses are worth."""
    import tensorflow as tf

    draw_gates(model)
    batch = {
        "inputs": tf.random.uniform((8, 24), 3, TEXT.size, tf.int32),
        "inputs_mask": tf.ones((8, 24), tf.bool),
    }

    @tf.function(autograph=False)
    def decode():
        memory = model.remember(batch, "text")
        state = model.start(memory, beam, LENGTH)
        rows = tf.range(8 * beam)

        def body(time, ids, state):
            if beam > 1:  # as a search does, which here takes each hypothesis on
                state = model.reorder(state, rows)
            logits, state = model.step(ids, time, memory, state, "text", beam)
            best = tf.math.top_k(logits, beam).indices[:, 0]
            return time + 1, best, state

        start = tf.constant(0), tf.zeros([8 * beam], tf.int32), state
        return tf.while_loop(lambda time, *_: time < LENGTH, body, start, parallel_iterations=1)[1]

    return lambda: decode().numpy()


if __name__ == "__main__":
    case, hparams_set = sys.argv[2:4]
    main("" if case == "greedy" else case, hparams_set)
