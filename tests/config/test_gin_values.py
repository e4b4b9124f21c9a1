"""Gin as data: whatever it holds, no code runs, and what is wrong is one line."""

import sys

import pytest

from t2t_mm.config import hparams_files
from t2t_mm.errors import UserError


def resolve(*bindings, files=()):
    return hparams_files.resolve("multimodel_tiny", files, bindings)


RUNS = "import sys\nsys.modules['gin_was_here'] = sys\n"


@pytest.mark.parametrize(
    "text",
    [
        "import gin_was_here",
        "from gin_was_here import anything",
        "import gin_was_here as harmless",
        "from __gin__ import dynamic_registration\nimport gin_was_here",
        "hparams.dropout = @gin_was_here.rate()",
        "hparams.dropout = @gin_was_here.rate",
        "hparams.dropout = [@scope/gin_was_here.rate()]",
        "rate = @gin_was_here.rate()\nhparams.dropout = %rate",
        "hparams:\n  dropout = @gin_was_here.rate()\n",
    ],
)
def test_nothing_is_imported_or_called(text, tmp_path, monkeypatch):
    (tmp_path / "gin_was_here.py").write_text(RUNS)
    monkeypatch.syspath_prepend(tmp_path)
    file, outer = tmp_path / "inner.gin", tmp_path / "outer.gin"
    file.write_text(text)
    outer.write_text(f'include "{file}"\n')
    for given in ([text], []), ([], [str(file)]), ([], [str(outer)]):
        with pytest.raises(UserError, match="gin: .* is refused: a configuration .*runs no code"):
            resolve(*given[0], files=given[1])
    assert "gin_was_here" not in sys.modules


def test_blocks_macros_and_includes_are_read(tmp_path):
    (tmp_path / "rates.gin").write_text("rate = 0.25  # a macro\nhparams.dropout = 0.5\n")
    (tmp_path / "mine.gin").write_text(
        f'include "{tmp_path}/rates.gin"\nhparams:\n  dropout = %rate\n  warmup_steps = 7\n'
        "t2t_mm.hparams.schedule = 'cosine'\n"
    )
    found = resolve(files=[str(tmp_path / "mine.gin")])
    assert (found.dropout, found.warmup_steps, found.schedule) == (0.25, 7, "cosine")
    assert resolve("rate=0.125", "hparams.dropout=%rate", "hparams.moe_k=1").dropout == 0.125


@pytest.mark.parametrize(
    "binding, message",
    [
        ("hparams.dropout=%absent", "the macro %absent is not defined"),
        ("a = %b\nb = %a\nhparams.dropout = %a", "%a is defined by itself"),
        ("hparams.dropout=" + "[" * 100_000, "nested too deep"),
        ("hparams.dropout=" + "(" * 100_000 + "0" + ")" * 100_000, "nested too deep|Expected"),
        ('hparams.dropout="""', "EOF in multi-line string"),
        ("hparams.dropout=undefined_name", "undefined_name"),
        ("hparams.dropout=\0", "gin: "),
        ("include '/dev/zero'", "/dev/zero can't be read: not a regular file"),
        ("other.dropout=0.1", "no 'other' to bind dropout of, only hparams"),
        ("hparams.dropout.deeper=0.1", "no 'hparams.dropout' to bind deeper of"),
    ],
)
def test_what_is_wrong_is_one_line(binding, message):
    with pytest.raises(UserError, match=message) as error:
        resolve(binding)
    assert len(" ".join(str(error.value).split())) < 600


def test_files_that_include_one_another_end(tmp_path):
    file = tmp_path / "loop.gin"
    file.write_text(f'include "{file}"\n' * 3)
    with pytest.raises(UserError, match="more than 100 files that include one another"):
        resolve(files=[str(file)])
