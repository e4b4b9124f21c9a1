"""A search whose trials are those of `stub.py`: in this process, or in one of its own.

python -m tests.tuning.place OUTPUT_DIR '{"trials": 6}'
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from t2t_mm import registry
from t2t_mm.cli import app
from t2t_mm.config.run import RunConfig
from t2t_mm.reporting.console import Console
from t2t_mm.tuning import ranges
from t2t_mm.tuning.plan import Plan
from t2t_mm.tuning.search import search

ROOT = Path(__file__).parents[2]
STUB = Path(__file__).with_name("stub.py")
RANGE = "learning_rate=1e-4..1,dropout=0|0.1|0.2"


def plan(output, range=RANGE, **changes):
    """A search of few, short trials. The set's own values are the best."""
    steps = {"train_steps": 40, "eval_every": 10}
    values = {
        "config": RunConfig(problems="mini_ende", **steps),
        "hparams": registry.hparams("multimodel_tiny").replace(learning_rate=0.01),
        "space": ranges.read(range),
        "metric": "mini_ende/log_perplexity",
        "trials": 4,
        "output": Path(output),
        "given": {"problems": "mini_ende", **steps},
    }
    return Plan(**values | changes)


def command(folder, options):
    """The command line of a trial."""
    return [sys.executable, str(STUB), str(folder), json.dumps(dict(options))]


def started(output, waits="", **changes):
    """The search in a process of its own, in which a trial waits in its middle for `go`."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "STUB_WAITS": str(waits)}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.tuning.place", str(output), json.dumps(changes)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def starts(output):
    """{number of a trial: the steps that its processes began at}."""
    return {
        int(path.parent.name.removeprefix("trial_")): [int(s) for s in path.read_text().split()]
        for path in sorted(Path(output).glob("trial_*/starts"))
    }


if __name__ == "__main__":
    whole = plan(sys.argv[1], **json.loads(sys.argv[2]))
    app.run(lambda: search(whole, Console(), command), app.new_flags(), sys.argv[:1])
