"""Kills one of two workers that train together, the chief or the other, at random moments, starts
it again each time as a cluster would, and compares what the job ends with with an undisturbed one:
steps, metrics, and every bit of the weights and the optimizer.

    python benchmarks/cluster_faults.py                 # 20 kills
    python benchmarks/cluster_faults.py --kills=3 --seed=1

Both workers are `t2t_mm_trainer.py` on this machine, with the smallest model that trains. What ends
with another exit code than 0 is started again at once, alone, as Kubernetes does: the worker that
was killed, and then the other, which has to notice the loss and end by itself. After a quarter of
the kills both are stopped and started again, as Slurm does. Workers that do nothing for two minutes
are a hang, and a fault.
"""

import argparse
import contextlib
import dataclasses
import itertools
import json
import multiprocessing
import os
import queue
import random
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

EXIT_CODE = 143  # after a SIGTERM
ROOT = Path(__file__).parent.parent
SERVER = multiprocessing.get_context("forkserver")
IMPORTED = [  # once, for all workers
    "tensorflow_datasets",
    "t2t_mm.training.trainer",
    "t2t_mm.cli.trainer",
    "tests.simplest",
]
SAVE_EVERY, EVAL_EVERY = 2, 4
DELAYS = {"start": 8.0}  # seconds, about, in which such a kill falls; else 0.3
HANG = 120.0  # seconds without anything happening
GRACE = 30.0  # seconds from SIGTERM to SIGKILL, where both are stopped
# {when: how many of 20 kills}; the last of all are at the end.
WHEN = {"start": 4, "step": 5, "save": 4, "evaluation": 4, "end": 3}
OPTIONS = [
    "--problems=mini_ende+mini_deen",
    "--model=simplest",
    "--hparams=hidden_size=16,num_heads=2,batch_size=128,optimizer=adam,weight_decay=0,dropout=0.1",
    f"--save_every={SAVE_EVERY}",
    f"--eval_every={EVAL_EVERY}",
    "--eval_steps=1",
    "--generate_data",
    "--deterministic",
    "--strategy=multi_worker",
]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data_dir", help="of the mini world; else it is made first")
    args = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.path.insert(0, str(ROOT))  # for tests.simplest and tests.ports
    from tests.ports import free_ports

    SERVER.set_forkserver_preload(IMPORTED)
    with tempfile.TemporaryDirectory() as folder:
        data = args.data_dir or f"{folder}/data"
        names, steps = ("undisturbed", "disturbed"), 6 + 5 * args.kills
        addresses = [f"localhost:{port}" for port in free_ports(2)]
        undisturbed, disturbed = (Job(folder, name, addresses, data, steps) for name in names)
        is_well = undisturbed.run([]) and disturbed.run(kills(args.kills, random.Random(args.seed)))
        ends = [end(job.output) for job in (undisturbed, disturbed)]
    same = {key: ends[0][key] == ends[1][key] for key in ends[0]}
    print(f"ends at step {ends[1]['step']:,}; the same as undisturbed: {same}", flush=True)
    sys.exit(not (is_well and all(same.values())))


@dataclasses.dataclass
class Kill:
    """When which worker is sent which signal.

    Attributes:
        when: of WHEN.
        worker: 0 is the chief.
        number: SIGKILL or SIGTERM.
        after: steps from where the worker went on, at least.
        delay: seconds from what was awaited to the signal.
        both: whether both are stopped then.
    """

    when: str
    worker: int
    number: signal.Signals
    after: int
    delay: float
    both: bool

    def strikes(self, said, begun):
        """Whether what a worker says, which went on from step `begun`, is what is awaited."""
        if said["what"] != self.when:
            return False
        return self.when in ("start", "end") or said["step"] >= begun + self.after


def kills(count, rng):
    """So many kills; those at the end come last."""
    first = [when for when in WHEN for _ in range(WHEN[when]) if when != "end"]
    last = round(count * WHEN["end"] / 20)
    rng.shuffle(first)
    whens = [*itertools.islice(itertools.cycle(first), count - last), *["end"] * last]
    return [
        Kill(
            when,
            rng.randrange(2),
            rng.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM]),
            rng.randrange(2, 5),
            rng.random() * DELAYS.get(when, 0.3),
            rng.random() < 0.25,
        )
        for when in whens
    ]


class Job:
    """Two workers, and who starts them again."""

    def __init__(self, folder, name, cluster, data, steps):
        self.folder, self.name, self.data, self.steps = Path(folder), name, data, steps
        self.output = self.folder / name
        self.said = queue.Queue()  # (worker, what it says; None at its end)
        self.cluster = cluster
        self.workers = {}

    def run(self, kills):
        """Whether it came to its end without a hang, and each kill struck."""
        self.pending, self.struck, self.lost, self.hangs = list(kills), None, 0.0, 0
        self.stopping, self.spent, self.starts, self.most = False, 0.0, 0, 6 + 6 * len(kills)
        self.start_both()
        while self.workers:
            try:
                worker, said = self.said.get(timeout=HANG)
            except queue.Empty:
                before, self.spent = self.spent, sum(w.spent() for w in self.workers.values())
                if before and self.spent < before + 1:  # and not slow on a busy machine
                    self.hung()
                continue
            self.spent = 0.0
            if worker is not self.workers.get(worker.index):
                continue
            if said is None:
                self.ended(worker)
            else:
                self.heard(worker, said)
        print(f"{self.name}: {self.hangs} hangs, {len(self.pending)} kills were left", flush=True)
        return not self.hangs and not self.pending

    def start_both(self):
        self.stopping = False
        for index in range(2):
            self.start(index)

    def start(self, index):
        self.starts += 1
        worker = self.workers[index] = Worker(index, self)
        self.heard(worker, {"what": "start", "step": 0})

    def heard(self, worker, said):
        if worker.begun is None and said["what"] != "start":
            worker.begun = said["step"]
        worker.step = said["step"]
        kill = self.pending[0] if self.pending else None
        is_awaited = kill and not self.struck and kill.worker == worker.index
        if is_awaited and kill.strikes(said, worker.begun):
            self.struck = (kill, worker)
            threading.Timer(kill.delay, worker.send, [kill.number]).start()

    def ended(self, worker):
        worker.process.join()
        code, told = worker.process.exitcode, worker.told()
        del self.workers[worker.index]
        kill = self.struck[0] if self.struck and self.struck[1] is worker else None
        if kill:
            self.struck = None
        if kill and code not in (-kill.number, EXIT_CODE):
            kill = None  # it ended before the signal came
        took = f"{time.monotonic() - self.lost:6.1f} s later" if not kill and self.lost else ""
        what = f"{kill.number.name} {kill.when}{' (both)' if kill.both else ''}" if kill else ""
        print(
            f"{what:>26} worker {worker.index} step {worker.begun} to {worker.step}: "
            f"exit {code} {took} {told}",
            flush=True,
        )
        self.lost = time.monotonic() if kill else 0.0
        if kill:
            self.pending.pop(0)
            for other in self.workers.values():  # which may have been started again before
                if other.begun is None:
                    self.heard(other, {"what": "start", "step": 0})
        if kill and kill.both:
            self.stopping = True
            for other in list(self.workers.values()):
                other.stop()
        elif code and not self.stopping:
            if self.starts > self.most:
                sys.exit("the workers were started again and again: an error that stays")
            self.start(worker.index)
        if self.stopping and not self.workers:
            self.start_both()

    def hung(self):
        self.hangs += 1
        for worker in list(self.workers.values()):
            worker.send(signal.SIGUSR1)  # says where it stands
            time.sleep(1)
            print(f"HANG worker {worker.index} step {worker.step}: {worker.told(3000)}", flush=True)
            worker.send(signal.SIGKILL)


class Worker:
    """A process that trains; a fork of one that has imported all that it needs."""

    def __init__(self, index, job):
        self.index, self.job, self.begun, self.step = index, job, None, 0
        from tests.ports import tf_config

        config = tf_config(job.cluster, index)
        options = [*OPTIONS, f"--train_steps={job.steps}"]
        options += [f"--data_dir={job.data}", f"--output_dir={job.output}"]
        self.log = job.folder / f"{job.name}-{index}.txt"
        self.ear, mouth = SERVER.Pipe(duplex=False)
        self.process = SERVER.Process(target=train, args=(options, config, self.log, mouth))
        self.process.start()
        mouth.close()
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        try:
            while True:
                self.job.said.put((self, self.ear.recv()))
        except EOFError:
            self.job.said.put((self, None))

    def told(self, most=160):
        """The end of what it says of errors."""
        text = self.log.read_text(errors="replace")
        return text[-most:] if most > 1000 else (text.strip().splitlines() or [""])[-1][:most]

    def send(self, number):
        """Sends it a signal."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process.pid, number)

    def stop(self):
        """As a cluster does: asked, then killed."""
        self.send(signal.SIGTERM)
        threading.Timer(GRACE, self.send, [signal.SIGKILL]).start()

    def spent(self):
        """CPU-seconds."""
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return 0.0


def end(output):
    """What a job ended with."""
    import hashlib

    import numpy as np

    from t2t_mm.runs.paths import latest, step_of
    from t2t_mm.runs.weights import read

    path = latest(output / "checkpoints")
    values = read(path)
    content = b"".join(np.ascontiguousarray(values[key]).tobytes() for key in sorted(values))
    return {
        "step": step_of(path),
        "metrics": json.loads((output / "metrics_validation.json").read_text()),
        "weights": hashlib.sha256(content).hexdigest(),
    }


def train(options, config, log, mouth):
    """In a process of its own: the trainer, which says where it is."""
    import faulthandler

    import tensorflow as tf

    import t2t_mm_trainer
    from t2t_mm.evaluation.evaluation import RunEvaluator
    from t2t_mm.runs.checkpoints import Checkpoints
    from t2t_mm.training.trainer import Trainer
    from tests.simplest import simplest

    with open(log, "w") as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
    faulthandler.register(signal.SIGUSR1)
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})  # starts sooner
    simplest()
    os.environ["TF_CONFIG"] = config
    say = lambda what, step: mouth.send({"what": what, "step": step})  # noqa: E731
    tell(say, Trainer, "_one_step", "step", lambda one: one.step)
    tell(say, Trainer, "_steps", "end", lambda one: one.step, after=True)
    tell(say, Checkpoints, "save", "save", lambda one, step: step)
    tell(say, RunEvaluator, "run", "evaluation", lambda one, step, *rest: step)
    sys.argv = ["t2t_mm_trainer.py", *options]
    t2t_mm_trainer.entry()


def tell(say, owner, name, what, step, after=False):
    """Has a method say that it begins, or has ended, and at which step."""
    method = getattr(owner, name)

    def telling(*args, **kwargs):
        if not after:
            say(what, step(*args))
        result = method(*args, **kwargs)
        if after:
            say(what, step(*args))
        return result

    setattr(owner, name, telling)


if __name__ == "__main__":
    main()
