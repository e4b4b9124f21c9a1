"""The templates for clusters, as far as they can be checked without one."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from t2t_mm.execution import cluster
from tests.pages import commands
from tests.test_docs import check_command

EXAMPLES = Path(__file__).parent.parent / "examples"
SLURM = (EXAMPLES / "slurm.sh").read_text()
SERVICE, JOB = yaml.safe_load_all((EXAMPLES / "kubernetes.yaml").read_text())
(CONTAINER,) = JOB["spec"]["template"]["spec"]["containers"]
# What each worker is given is written into a file, with what it is started with.
SAYS = 'printf "%s" "$TF_CONFIG" >config-$INDEX; echo "$@" >>said; exit ${CODE:-0}'
SLURMS = {
    "scontrol": '[ "$1" = show ] && printf "%s\\n" node1 node2 node3 || echo "$@" >>said',
    # Starts three tasks; in each attempt they end with the next code of $CODES.
    "srun": "export CODE=$(head -1 codes); sed -i 1d codes\n"
    'while [ "${1#--}" != "$1" ]; do shift; done\n'
    'for i in 0 1 2; do SLURM_PROCID=$i INDEX=$i "$@"; done',
    "t2t-mm-trainer": SAYS,
    "sleep": ":",
}


def run(script, folder, programs, words=(), **environment):
    """Runs a script with programs of ours in the place of others: (exit code, what they said)."""
    (folder / "bin").mkdir(exist_ok=True)
    for name, text in programs.items():
        (folder / "bin" / name).write_text(f"#!/bin/bash\n{text}\n")
        (folder / "bin" / name).chmod(0o755)
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", *script, *words],
        cwd=folder,
        env={"PATH": path, **environment},
        capture_output=True,
        text=True,
    )
    assert not done.stderr, done.stderr
    return done.returncode, (folder / "said").read_text().splitlines()


def check_workers(monkeypatch, folder, names, port):
    """Each of the workers was given all addresses, and its own place."""
    for index in range(len(names)):
        monkeypatch.setenv("TF_CONFIG", (folder / f"config-{index}").read_text())
        cluster.check()
        found = cluster.config()
        assert found["cluster"] == {"worker": [f"{name}:{port}" for name in names]}
        assert found["task"] == {"type": "worker", "index": index}


@pytest.mark.parametrize(
    "codes, code, attempts, requeued",
    [
        ("0", 0, 1, False),
        ("1 137 0", 0, 3, False),
        ("1 2", 2, 2, False),
        ("1 143", 0, 2, True),
        ("1 " * 20, 1, 20, False),
    ],
)
def test_slurm_starts_all_workers_until_they_are_through(
    tmp_path, monkeypatch, codes, code, attempts, requeued
):
    (tmp_path / "codes").write_text("\n".join(codes.split()) + "\n")
    slurm = {"SLURM_JOB_ID": "70123", "SLURM_JOB_NODELIST": "node[1-3]"}
    script, words = [EXAMPLES / "slurm.sh"], ["--problems=mini8", "--hparams=a=1,b='x y'"]
    found, said = run(script, tmp_path, SLURMS, words, **slurm)
    assert found == code
    expected = [f"--strategy=multi_worker {' '.join(words)}"] * 3 * attempts
    assert said == expected + ["requeue 70123"] * requeued
    check_workers(monkeypatch, tmp_path, ["node1", "node2", "node3"], 20123)


def test_the_commands_of_the_examples_are_ours():
    (shown,) = commands(
        SLURM[: SLURM.index("#SBATCH")]
        .replace("#   ", "")
        .replace("sbatch --nodes=4 --gres=gpu:8 examples/slurm.sh", "t2t-mm-trainer")
    )
    (started,) = commands(CONTAINER["args"][0])
    for name, words in (shown, started):
        assert name == "t2t-mm-trainer" and len(words) >= 4
        check_command(name, words)


def test_kubernetes_starts_pods_that_find_each_other(tmp_path, monkeypatch):
    spec, names = JOB["spec"], {each["name"]: each["value"] for each in CONTAINER["env"]}
    job, service = JOB["metadata"]["name"], SERVICE["metadata"]["name"]
    assert SERVICE["spec"]["selector"] == {"job-name": job} and names["JOB"] == job == service
    assert spec["template"]["spec"]["subdomain"] == service
    assert spec["completions"] == spec["parallelism"] == int(names["WORKERS"]) == 4
    assert spec["completionMode"] == "Indexed"
    (port,) = SERVICE["spec"]["ports"]
    shell, *options = CONTAINER["command"]
    assert shell == "bash"
    for index in range(4):
        indices = {"JOB_COMPLETION_INDEX": str(index), "INDEX": str(index)}
        script = [*options, *CONTAINER["args"]]
        found, said = run(script, tmp_path, {"python": SAYS}, **names, **indices)
        assert found == 0 and said[-1].startswith("-m t2t_mm train --problems=")
    pods = [f"{job}-{index}.{service}" for index in range(4)]
    check_workers(monkeypatch, tmp_path, pods, port["port"])


def test_kubernetes_gives_what_the_container_uses():
    pod = JOB["spec"]["template"]["spec"]
    volumes = {each["name"] for each in pod["volumes"]}
    mounted = {each["name"]: each["mountPath"] for each in CONTAINER["volumeMounts"]}
    assert set(mounted) == volumes and mounted["shared"] in CONTAINER["args"][0]
    rules = JOB["spec"]["podFailurePolicy"]["rules"]
    (fatal,) = (rule["onExitCodes"] for rule in rules if rule["action"] == "FailJob")
    assert fatal["containerName"] == CONTAINER["name"] and fatal["values"] == [2]
    assert pod["terminationGracePeriodSeconds"] > 30 and pod["restartPolicy"] == "Never"
