"""t2t-mm-demo: what it refuses before anything is loaded; its page is in tests/demo."""

import importlib.util

import pytest

from t2t_mm.cli import app, demo


@pytest.mark.parametrize(
    "args, told, code",
    [
        ([], "Give one of --output_dir and --export_dir.", 2),
        (["--output_dir=a", "--export_dir=b"], "Give one of --output_dir and --export_dir.", 2),
        (["--output_dir=a", "--port=0"], "port", 2),
        (["--output_dir=nowhere"], "There is no directory nowhere", 1),
        (["--export_dir=export"], "needs gradio: pip install 't2t-mm[demo]'", 1),
    ],
)
def test_wrong_flags(args, told, code, capsys, monkeypatch):
    there = "nowhere" in str(args)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: there or None)
    with pytest.raises(SystemExit) as end:
        app.run(demo.main, demo.FLAGS, ["t2t-mm-demo", *args])
    assert end.value.code == code and told in capsys.readouterr().err
