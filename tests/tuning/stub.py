"""In the place of a training process: evaluations that come at once, of a made-up loss.

    python stub.py OUTPUT_DIR '{"hparams": "learning_rate=0.01", "train_steps": 40, ...}'

The loss falls with the steps, and is least at a learning rate of 0.01. As the trainer does, it goes
on from its last evaluation, and SIGTERM makes it save and end with 143. `starts` in its directory
has a line for each start: the step that it went on from. STUB_WAITS is the number of a trial that
waits after its second evaluation until there is a file `go` beside its directory. STUB_FAILS makes
it end with an error: always if it is `all`, else where the rate is above it.
"""

import json
import math
import os
import signal
import sys
import time
from pathlib import Path

from t2t_mm.config.hparams import parse_overrides
from t2t_mm.runs import history


def main():
    folder, options = Path(sys.argv[1]), json.loads(sys.argv[2])
    rate = parse_overrides(options["hparams"])["learning_rate"]
    step = max([each.step for each in history.read(folder)], default=0)
    with open(folder / "starts", "a") as file:
        print(step, file=file, flush=True)
    signal.signal(signal.SIGTERM, lambda *_: stopped(folder))
    go, waits = folder.with_name("go"), folder.name == f"trial_{os.environ.get('STUB_WAITS')}"
    fails = os.environ.get("STUB_FAILS", "")
    if fails and (fails == "all" or rate > float(fails)):
        print(f"a long story\nerror: a rate of {rate} is out of memory\n")
        sys.exit(1)
    while step < options["train_steps"]:
        step += options["eval_every"]
        loss = abs(math.log10(rate) + 2) + 1 / step
        history.append(folder, "validation", step, {}, {"mini_ende": {"log_perplexity": loss}})
        while waits and step == 2 * options["eval_every"] and not go.exists():
            time.sleep(0.02)


def stopped(folder):
    (folder / "stopped").write_text("")
    sys.exit(143)


main()
