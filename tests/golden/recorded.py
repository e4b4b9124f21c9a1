"""What a version gives for its golden files, recorded when they are made and again by each test.

Each function takes the directory with run/, data/, export/ and inputs/, and returns JSON values. It
works as a user does, with commands, `t2t_mm.load` and the registry, so that nothing here depends on
where things stand inside the package. Commands are run with relative paths, as when the files were
made: the state of the training data, which is saved with a checkpoint, names the files of data/.
"""

import hashlib
import json
import os
import re
import shutil
import sys
from pathlib import Path

import t2t_mm
from t2t_mm import registry
from t2t_mm.prepare import resolve
from tests import commands

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
USER = HERE / "usr"
RUN_PROBLEMS = ("mini_ende", "mini_parse", "mini_imagenet", "mini_captions", "mini_speech")
PREPARED = (*RUN_PROBLEMS, "wmt_ende", "tone")
STEP = 376  # of the run's checkpoint: the steps after it train texts, which compile quickly
MORE = 2  # steps that the run is trained on

TEXTS = ["I see two red rings.", "There is a green star left of the moon."]
PICTURES, SOUNDS = ["picture_0.png", "picture_1.png"], ["speech.wav"]
INPUTS = {  # of the problems that are exported, and that the run answers
    "mini_ende": TEXTS,
    "mini_parse": TEXTS,
    "mini_imagenet": PICTURES,
    "mini_speech": SOUNDS,
}


def run_answers(place) -> dict:
    """{problem: the run's answers to the fixed inputs}."""
    return _answers(t2t_mm.load(place / "run"), place)


def export_answers(place) -> dict:
    """{problem: the export's answers to the fixed inputs}."""
    return _answers(t2t_mm.load(place / "export"), place)


def _answers(model, place):
    return {name: model.predict(name, _given(values, place)) for name, values in INPUTS.items()}


def _given(values, place):
    """Texts as they are, and the paths of files."""
    return [value if value in TEXTS else str(place / "inputs" / value) for value in values]


def prepared(place) -> dict:
    """{problem: {split: [number of examples, the first one]}} of the prepared data."""
    registry.load_directory(str(USER))
    problems = resolve([registry.problem(name) for name in PREPARED], str(place / "data"))
    return {
        problem.name: {
            split: [count, _first(problem, split)] for split, count in problem.splits().items()
        }
        for problem in problems
    }


def _first(problem, split):
    """A split's first example: checksums of both sides as stored, and the ids of the targets."""
    example = next(iter(problem.examples(split)))
    sums = {side: _checksum(value.numpy()) for side, value in example.items()}
    return sums | {"ids": " ".join(map(str, problem.encode_targets(example["targets"]).numpy()))}


def _checksum(value):
    content = value if isinstance(value, bytes) else value.tobytes()
    return hashlib.sha256(content).hexdigest()[:16]


def evaluated(place) -> dict:
    """The metrics that an evaluation of the run's checkpoint writes."""
    run_command(place, "t2t-mm-trainer", mode="evaluate", data_dir="data", output_dir="run")
    return json.loads((place / "run" / "metrics_validation.json").read_text())


def resumed(place) -> dict:
    """The step from which a copy of the run resumes, and the losses of further steps."""
    shutil.copytree(place / "run", place / "further")
    return _trained(place, "further", RUN_PROBLEMS, STEP + MORE)


def warm_started(place) -> dict:
    """The loss of the first step of a new run that starts from the run's weights."""
    return _trained(place, "warm", ["mini_ende"], 1, warm_start_from="run")


def _trained(place, output, problems, steps, **flags):
    told = run_command(
        place,
        "t2t-mm-trainer",
        mode="train",
        problems="+".join(problems),
        gin_file="run/config.gin",
        data_dir="data",
        output_dir=output,
        train_steps=steps,
        deterministic="true",
        log_json="true",
        **flags,
    )
    lines = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    messages = "\n".join(line.get("message", "") for line in lines)
    resumes = re.findall(r"(?i)\bresum\w* .*\bstep ([\d,]+)", messages)
    losses = [line["nats"] for line in lines if "nats" in line]
    assert (place / output / "checkpoints" / f"ckpt-{steps}.index").is_file()
    return {"from": [int(step.replace(",", "")) for step in resumes], "losses": losses[-1]}


def decoded(place) -> list:
    """For each fixed text the decoder's four best outputs by beam search, each with its score."""
    (place / "in.txt").write_text("\n".join(TEXTS) + "\n")
    run_command(
        place,
        "t2t-mm-decoder",
        output_dir="run",
        problem="mini_ende",
        decode_from_file="in.txt",
        decode_to_file="out.txt",
        beam_size=4,
        n_best=4,
    )
    rows = [line.split("\t") for line in (place / "out.txt").read_text().splitlines()]
    return [[float(value) if i % 2 else value for i, value in enumerate(row)] for row in rows]


def run_command(place, name, **flags) -> str:
    """The output of a command of setup.py, run in a directory with the code of this checkout."""
    entry = re.search(rf'"{name}=([\w.]+):(\w+)"', (ROOT / "setup.py").read_text())
    python = f"from {entry[1]} import {entry[2]}; {entry[2]}()"
    done = commands.run(
        [sys.executable, "-c", python, *(f"--{flag}={value}" for flag, value in flags.items())],
        cwd=place,
        env=os.environ | {"PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""},
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


RECORDS = {
    "run": run_answers,
    "export": export_answers,
    "data": prepared,
    "metrics": evaluated,
    "resumed": resumed,
    "warm_started": warm_started,
    "decoded": decoded,
}
