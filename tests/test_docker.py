"""The Dockerfile, as far as it can be checked without building it."""

import json
import re
from pathlib import Path

from t2t_mm.__main__ import COMMANDS

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "Dockerfile").read_text()
LINES = [line for line in TEXT.splitlines() if line and not line.startswith("#")]


def words(instruction):
    """What stands behind each instruction of a kind."""
    return [line.partition(" ")[2] for line in LINES if line.startswith(f"{instruction} ")]


def test_all_that_is_copied_is_there_and_sent_to_the_builder():
    copied = [path for line in words("COPY") for path in line.split()[:-1]]
    assert {"setup.py", "t2t_mm", "problems", "hparams"} < set(copied)
    assert all((ROOT / path).exists() for path in copied)
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    sent = [line[1:] for line in ignored if line.startswith("!")]
    assert "*" in ignored and sorted(sent) == sorted(copied)


def test_all_that_the_package_is_built_of_is_copied():
    copied = {path for line in words("COPY") for path in line.split()[:-1]}
    named = re.findall(r'HERE / "([\w.]+)', (ROOT / "setup.py").read_text())
    assert len(named) == 2 and set(named) <= copied


def test_it_installs_what_setup_wants_and_runs_our_commands_as_no_root():
    setup = (ROOT / "setup.py").read_text()
    (install,) = (line for line in words("RUN") if line.startswith("pip"))
    limits = re.search(r'"tensorflow(>=[\d.]+,<[\d.]+)"', setup)[1]
    assert "${TENSORFLOW}" + limits in install
    extras = re.search(r"\.\[([\w,]+)\]", install)[1].split(",")
    assert all(f'"{extra}": [' in setup for extra in extras)
    assert json.loads(words("ENTRYPOINT")[0]) == ["python", "-m", "t2t_mm"]
    assert words("USER") == ["t2t"] and "useradd --create-home t2t" in TEXT
    assert re.search(r"t2t-mm (\w+) --problems", TEXT)[1] in COMMANDS
