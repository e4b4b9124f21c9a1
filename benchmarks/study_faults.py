"""Kills a study at random moments (the study, or the run that it makes), starts it again each time,
and compares its results with those of an undisturbed one, bit for bit. Then two processes share the
runs, and the time is compared.

    t2t-mm-datagen --problems=mini_ende+mini_parse --data_dir=data
    python benchmarks/study_faults.py --data_dir=data
    python benchmarks/study_faults.py --data_dir=data --kills=0     # sharing alone

Each process keeps to one core: the first that it may use, the second in sharing to the next.
"""

import argparse
import collections
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from faults import SMALL

STUDY = '''
from t2t_mm import registry
from t2t_mm.studies.study import Study, against

@registry.register_study
def faults(setup):
    """A study of few steps, one arm of which starts from another."""
    ende = setup.arm("ende", problems="mini_ende")
    dense = setup.arm("no experts", problems="mini_ende", modifier="no_moe")
    after = setup.arm("parse", problems="mini_parse", starts_from="ende")
    return Study([ende, dense, after], against(ende, [dense]))
'''
CORES = sorted(os.sched_getaffinity(0))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data_dir", default="data")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=2, help="of the study's three arms")
    parser.add_argument("--seed", type=int, default=0, help="of the kills")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "faults.py").write_text(STUDY)
        study = Study(Path(place), args.data_dir, args.seeds)
        began = time.monotonic()
        study.start("undisturbed").wait()
        seconds = time.monotonic() - began
        rows = study.rows("undisturbed")
        print(f"undisturbed: {len(rows)} rows in {seconds:.0f} s", flush=True)
        same = True
        if args.kills:
            disturb(study, args.kills, seconds, random.Random(args.seed))
            same = study.rows("disturbed") == rows
            print(f"after {args.kills} kills the same rows: {same}", flush=True)
        same = share(study, rows, seconds) and same
    sys.exit(not same)


def disturb(study, kills, seconds, rng):
    """Starts the study again and again, each time with another kill, then lets it end."""
    for _ in range(kills):
        process, moment = study.start("disturbed"), rng.uniform(0.02, 0.3) * seconds
        time.sleep(moment)
        hit = rng.choice(["study", "run"])
        number = rng.choice([signal.SIGKILL, signal.SIGTERM])
        run = run_of(process)
        os.kill(run if run and hit == "run" else process.pid, number)
        if hit == "run":  # a study goes on with the next one, where the run is killed
            process.terminate()
        code, done = process.wait(), len(study.rows("disturbed"))
        what = f"{number.name} to the {hit} after {moment:.0f} s"
        print(f"{what}: exit {code}, {done} rows", flush=True)
    study.start("disturbed").wait()


def share(study, rows, seconds):
    """Whether two processes make the same rows, each run once."""
    began = time.monotonic()
    for process in [study.start("shared", core) for core in (CORES * 2)[:2]]:
        process.wait()
    part = (time.monotonic() - began) / seconds
    made = collections.Counter(
        path.parts[-3:-1]
        for path in (study.place / "shared" / "runs").glob("*/*/log.txt")
        for line in path.read_text().splitlines()
        if line.startswith("Parameters")  # once, when a run begins or goes on
    )
    once = set(made.values()) == {1} and len(made) == len(rows)
    same = study.rows("shared") == rows
    where = f"on {min(2, len(CORES))} cores"
    print(
        f"two processes {where}: {part:.0%} of the time; each run once: {once}; same rows: {same}"
    )
    return once and same


class Study:
    """The study as a user starts it.

    Args:
        place: folder of the user directory and of outputs.
        data_dir: prepared data.
        seeds: of the study.
    """

    def __init__(self, place, data_dir, seeds):
        self.place, self.data_dir, self.seeds = place, data_dir, seeds

    def start(self, name, core=CORES[0]):
        """A process that works through the study in the output directory `name`, on one core."""
        flags = {
            "t2t_usr_dir": self.place,
            "study": "faults",
            "problems": "mini_ende+mini_parse",
            "hparams": ",".join(f"{key}={value}" for key, value in SMALL.items()),
            "train_steps": 120,
            "seeds": self.seeds,
            "deterministic": True,
            "data_dir": self.data_dir,
            "output_dir": self.place / name,
        }
        line = [sys.executable, "-m", "t2t_mm", "study"]
        return subprocess.Popen(
            [*line, *(f"--{key}={value}" for key, value in flags.items())],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        )

    def rows(self, name):
        """The lines of results, sorted."""
        path = self.place / name / "results.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return sorted(lines, key=lambda line: (json.loads(line)["arm"], json.loads(line)["seed"]))


def run_of(process):
    """The process that a study has started; None if there is none just now."""
    path = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    children = path.read_text().split() if path.exists() else []
    return int(children[0]) if children else None


if __name__ == "__main__":
    main()
