"""TensorFlow's messages are kept from people who use the package in Python."""

import io
import os
import subprocess
import sys

import pytest

import t2t_mm
from t2t_mm import quiet
from t2t_mm.prepare import resolve
from tests.pages import ROOT


def test_loading_a_model_says_nothing_but_its_error(tmp_path):
    script = "import t2t_mm.inference, t2t_mm\ntry: t2t_mm.load('nowhere')\n"
    script += "except t2t_mm.errors.UserError: pass\nimport t2t_mm.decoding, t2t_mm.export"
    environment = {name: value for name, value in os.environ.items() if name[:3] != "TF_"}
    done = subprocess.run(
        [sys.executable, "-c", f"{script}\nimport tensorflow, keras, tensorflow_text"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": str(ROOT)},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_native_code_is_silenced_whatever_stands_in_for_stderr(monkeypatch, capfd):
    notebook = io.StringIO()
    monkeypatch.setattr(sys, "stderr", notebook)
    with quiet.quiet():
        os.write(2, b"chat")
    os.write(2, b"told")
    assert capfd.readouterr().err == "told" and not notebook.getvalue()


@pytest.mark.parametrize("door", [lambda: t2t_mm.Trainer, lambda: resolve([], "data")])
def test_what_needs_tensorflow_imports_it_quietly(door, monkeypatch):
    called = []
    monkeypatch.setattr(quiet, "import_tensorflow", lambda: called.append(1))
    monkeypatch.setattr("t2t_mm.data.prepare.import_tensorflow", quiet.import_tensorflow)
    monkeypatch.delitem(vars(t2t_mm), "Trainer", raising=False)
    door()
    assert called
