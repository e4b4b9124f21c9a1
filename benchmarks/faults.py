"""Kills a training run at random moments, corrupts its newest checkpoint and fills its disk, starts
it again each time, and compares what it ends with with an undisturbed run: steps, metrics, and
every bit of the weights.

    python benchmarks/faults.py                           # 25 faults on text and pictures
    python benchmarks/faults.py --setting=parse --seed=1
    python benchmarks/faults.py --setting=all             # 25 faults on each of five settings

The run is deterministic, on the mini world with a very small model. A kill comes at a random moment
of what it is to hit: a step, the writing of a checkpoint, an evaluation. A full disk is a limit on
the size of files.
"""

import argparse
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

FAULTS = {
    "kill in a step": 7,
    "kill in a save": 7,
    "kill in an evaluation": 3,
    "SIGTERM": 3,
    "disk full": 2,
    "truncated checkpoint": 2,
    "flipped bit": 1,
}
CORRUPTIONS = {"truncated checkpoint", "flipped bit"}
STEPS, SAVE_EVERY, EVAL_EVERY = 500, 4, 16
# {setting: (problems, changes of SMALL)}
SETTINGS = {
    "text and pictures": ("mini_ende+mini_imagenet", {}),
    "parse": ("mini_parse", {}),
    "speech and captions": ("mini_speech+mini_captions", {"spec_augment": 0.2}),
    "averages": ("mini_deen+mini_enfr", {"optimizer": "adam", "ema_decay": 0.99}),
    "parts": ("mini_ende+mini_parse", {"optimizer": "adafactor", "accumulate": 2, "dropout": 0.2}),
}
SMALL = {
    "hidden_size": 16,
    "num_heads": 2,
    "encoder_blocks": 1,
    "mixer_blocks": 1,
    "decoder_blocks": 1,
    "moe_experts": 4,
    "moe_k": 2,
    "moe_hidden": 16,
    "batch_size": 128,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--setting", choices=[*SETTINGS, "all"], default="text and pictures")
    parser.add_argument(
        "--child", nargs=4, metavar=("SETTING", "DATA", "OUTPUT", "FAULT"), help=argparse.SUPPRESS
    )
    args = parser.parse_args()
    if args.child:
        return child(*args.child)
    settings = list(SETTINGS) if args.setting == "all" else [args.setting]
    with tempfile.TemporaryDirectory() as folder:
        prepare(f"{folder}/data", settings)
        same = [compare(setting, Path(folder), args.seed) for setting in settings]
    sys.exit(not all(same))


def compare(setting, folder, seed):
    """Whether a disturbed run of a setting ends as an undisturbed one."""
    print(setting)
    disturbed = disturb(setting, folder, random.Random(seed))
    undisturbed = start(setting, folder, "undisturbed")
    same = {key: disturbed[key] == undisturbed[key] for key in ("step", "metrics", "weights")}
    print(f"the same as undisturbed: {same}", flush=True)
    return all(same.values())


def disturb(setting, folder, rng):
    """Starts the run again and again, each time with another fault, then lets it end."""
    faults = [fault for fault, count in FAULTS.items() for _ in range(count)]
    rng.shuffle(faults)
    while CORRUPTIONS & set(faults[:2]):  # there is nothing yet that could be corrupted
        rng.shuffle(faults)
    checkpoints = folder / f"disturbed {setting}" / "checkpoints"
    print(f"{'fault':>22} {'after step':>10} {'rc':>4} {'saved':>6} {'went on from':>12}")
    told, before = None, None
    for fault in [*faults, "none"]:
        if fault in CORRUPTIONS and len(list(checkpoints.glob("*.index"))) > 1:
            corrupt(checkpoints, fault, rng)
            print(row(before, "corrupted"), flush=True)
            before = {"fault": fault, "step": "", "rc": "", "saved": newest(checkpoints)}
            fault = "kill in a step"
        elif before is None:
            before = {"fault": "start", "step": "", "rc": "", "saved": newest(checkpoints)}
        told = start(setting, folder, "disturbed", f"{fault}:{rng.random()}:{rng.randrange(6, 14)}")
        print(row(before, told["from"]), flush=True)
        before = {
            "fault": fault,
            "step": told["at"],
            "rc": told["rc"],
            "saved": newest(checkpoints),
        }
    return told


def row(before, then):
    return (
        f"{before['fault']:>22} {before['step']:>10} {before['rc']:>4} {before['saved']:>6} "
        f"{then:>12}"
    )


def newest(checkpoints):
    return max(
        (int(path.stem.rpartition("-")[2]) for path in checkpoints.glob("ckpt-*.index")), default=0
    )


def corrupt(checkpoints, fault, rng):
    """Corrupts the newest checkpoint as a disk does."""
    path = checkpoints / f"ckpt-{newest(checkpoints)}.data-00000-of-00001"
    content = bytearray(path.read_bytes())
    if fault == "flipped bit":
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    else:
        del content[rng.randrange(len(content)) :]
    path.write_bytes(content)


def start(setting, folder, output, fault="none:0:0"):
    """Runs to the fault, or to the end: what the process said of itself, and its exit code."""
    output = folder / f"{output} {setting}"
    line = [sys.executable, __file__, "--child", setting, folder / "data", output, fault]
    done = subprocess.run(line, capture_output=True, text=True)
    said = [json.loads(row) for row in done.stdout.splitlines() if row.startswith("{")]
    if not said:
        sys.exit(f"the run did not start: {done.stderr[-2000:]}")
    steps = [row["step"] for row in said if "step" in row]
    return (
        said[0] | said[-1] | {"at": steps[-1] if steps else said[0]["from"], "rc": done.returncode}
    )


def prepare(data, settings):
    from t2t_mm import registry
    from t2t_mm.data import prepare

    names = dict.fromkeys(name for each in settings for name in SETTINGS[each][0].split("+"))
    prepare.prepare([registry.problem(name) for name in names], data, log=lambda line: None)


def child(setting, data, output, fault):
    """The run: says where it goes on, each step, and what it ends with; meets its fault on the
    way."""
    import hashlib

    import numpy as np

    from t2t_mm import registry
    from t2t_mm.config.hparams import HParams
    from t2t_mm.config.run import RunConfig
    from t2t_mm.data import prepare
    from t2t_mm.execution.determinism import make_deterministic
    from t2t_mm.reporting.console import Silent
    from t2t_mm.runs.paths import latest
    from t2t_mm.runs.weights import weights
    from t2t_mm.training.trainer import Trainer

    make_deterministic()
    names, changes = SETTINGS[setting]
    hparams = HParams(**SMALL | changes)
    problems = prepare.resolve(
        [registry.problem(name).configure(hparams) for name in names.split("+")], data, hparams
    )
    config = RunConfig(
        train_steps=STEPS, save_every=SAVE_EVERY, eval_every=EVAL_EVERY, eval_steps=2
    )
    one = Trainer(problems, hparams, config, output, console=Silent())
    one.resume()
    say(**{"from": one.step})
    name, moment, after = fault.split(":")
    meet(one, name, float(moment), one.step + int(after))
    one.train()
    values = weights(latest(one.output.checkpoints))
    digest = hashlib.sha256(
        b"".join(np.ascontiguousarray(values[key]).tobytes() for key in sorted(values))
    )
    say(step=one.step, metrics=one.evaluate(max_batches=4), weights=digest.hexdigest())


def meet(one, fault, moment, after):
    """Arranges the fault: from step `after` on, at a moment (0 to 1) of what it is to hit."""
    train_step = one._one_step

    def each_step():
        if one.step >= after and fault in ("kill in a step", "SIGTERM"):
            later(moment * 0.2, signal.SIGTERM if fault == "SIGTERM" else signal.SIGKILL)
        if one.step >= after and fault == "disk full":
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
        result = train_step()
        say(step=one.step)
        return result

    def hit(function):
        def killed(*args, **kwargs):
            if one.step >= after:
                later(moment * 0.3, signal.SIGKILL)
            return function(*args, **kwargs)

        return killed

    one._one_step = each_step
    if fault == "disk full":
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # so that writing fails, as on a full disk
    if fault == "kill in a save":
        one._checkpoints.save = hit(one._checkpoints.save)
    if fault == "kill in an evaluation":
        one._evaluator.run = hit(one._evaluator.run)


def later(seconds, number):
    """Sends this process a signal after so long."""
    threading.Thread(
        target=lambda: (time.sleep(seconds), os.kill(os.getpid(), number)), daemon=True
    ).start()


def say(**values):
    print(json.dumps(values), flush=True)


if __name__ == "__main__":
    main()
