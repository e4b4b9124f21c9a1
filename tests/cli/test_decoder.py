"""The command t2t-mm-decoder, as a person gives it: through a process of its own where that
matters."""

import gzip
import io
import os
import re
import stat
import sys
import threading
import types

import pytest

from t2t_mm.cli import app, decoder, decoding, explain, exporter
from t2t_mm.errors import UserError
from t2t_mm.problem import trees
from tests import commands

DEFAULTS = {
    "checkpoint": "newest",
    "problem": "mini_ende",
    "decode_from_file": None,
    "decode_to_file": None,
    "split": None,
    "data_dir": None,
    "examples": 0,
    "interactive": False,
    "beam_size": 1,
    "alpha": 0.6,
    "decode_length": 8,
    "sampling_temperature": 0.0,
    "top_k": 0,
    "top_p": 1.0,
    "seed": 0,
    "n_best": 1,
    "tokenized": False,
    "score_targets": None,
    "prefixes": None,
    "strategy": "one_device",
}


@pytest.fixture
def run(trained, loaded, monkeypatch):
    """The command's work, with a model that is loaded and compiled once for all tests."""
    monkeypatch.setattr(decoding, "RunPredictor", lambda output_dir, checkpoint: loaded)
    return lambda **flags: decoding.run(
        types.SimpleNamespace(output_dir=trained, **{**DEFAULTS, **flags})
    )


def test_given_targets_are_scored(run, trained, tmp_path, capsys):
    (tmp_path / "in.txt").write_text("I see a star.\n\nThere is a moon.\n")
    (tmp_path / "targets.txt").write_text("Ich sehe einen Stern.\nEs\n\n")
    run(decode_from_file=tmp_path / "in.txt", score_targets=tmp_path / "targets.txt")
    told = capsys.readouterr()
    first, second, third, end = told.out.split("\n")
    total, *tokens = first.split("\t")
    assert "input 2: the text is empty" in told.err and second == end == ""
    assert sum(map(float, tokens[1::2])) == pytest.approx(float(total), abs=1e-4)
    assert "".join(tokens[::2]) == "Ich▁sehe▁einen▁Stern.</s>" and third.split("\t")[1] == "</s>"
    (tmp_path / "targets.txt").write_text("one\n")
    with pytest.raises(UserError, match="--score_targets=.* has 1 lines, and there are 3 inputs"):
        run(decode_from_file=tmp_path / "in.txt", score_targets=tmp_path / "targets.txt")


def test_outputs_begin_with_the_lines_of_a_file(run, tmp_path, monkeypatch):
    (tmp_path / "in.txt").write_text("I see a star.\nThere is a moon.\n" * 3)
    (tmp_path / "prefixes.txt").write_text("Ich\n\n" * 3)
    monkeypatch.setattr(decoding, "CHUNK", 3)  # the second chunk begins in the middle of a pair
    out = tmp_path / "out.txt"
    run(decode_from_file=tmp_path / "in.txt", decode_to_file=out)
    free = out.read_text().split("\n")
    flags = {"prefixes": tmp_path / "prefixes.txt", "decode_to_file": out}
    run(decode_from_file=tmp_path / "in.txt", **flags)
    found = out.read_text().split("\n")
    assert all(line.startswith("Ich") for line in found[:6:2]) and found[1::2] == free[1::2]


def test_lines_stay_in_their_places(run, tmp_path, capsys):
    (tmp_path / "in.txt").write_text("I see a star.\n\nThere is a moon.\n")
    run(decode_from_file=tmp_path / "in.txt", decode_to_file=tmp_path / "out.txt")
    lines = (tmp_path / "out.txt").read_text().split("\n")
    assert len(lines) == 4 and lines[1] == lines[3] == ""
    for line, sentence in zip(lines[::2], ("I see a star.", "There is a moon."), strict=True):
        (tmp_path / "one.txt").write_text(sentence)
        run(decode_from_file=tmp_path / "one.txt")
        assert capsys.readouterr().out == line + "\n" != "\n"
    run(decode_from_file=tmp_path / "in.txt")
    assert "input 2: the text is empty" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir() if "partial" in path.name] == []


def test_it_goes_on_where_it_was_stopped(run, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(decoding, "CHUNK", 2)
    lines = [f"I see {word} stars." for word in ("two", "three", "four", "five", "red")]
    (tmp_path / "in.txt").write_text("\n".join(lines))
    flags = {"decode_from_file": tmp_path / "in.txt", "decode_to_file": tmp_path / "out.txt"}
    answers, count = decoding.LineDecoder.__call__, []

    def stopped(self, inputs, first):
        count.append(len(inputs))
        if len(count) == 2:
            raise KeyboardInterrupt
        return answers(self, inputs, first)

    monkeypatch.setattr(decoding.LineDecoder, "__call__", stopped)
    with pytest.raises(KeyboardInterrupt):
        run(**flags)
    (partial,) = tmp_path.glob("out.txt.*.partial")
    with open(partial, "a") as file:
        file.write("half a li")
    run(**flags)
    assert count == [2, 2, 2, 1] and "resuming after 2 of 5 inputs" in capsys.readouterr().err
    resumed = (tmp_path / "out.txt").read_text()
    run(**flags | {"decode_to_file": tmp_path / "again.txt"})
    assert (tmp_path / "again.txt").read_text() == resumed and resumed.count("\n") == 5


def test_outputs_that_were_cut_off_are_counted(run, tmp_path, capsys):
    """After two steps a model knows no end."""
    (tmp_path / "in.txt").write_text("I see a star.\nThere is a moon.\n")
    run(decode_from_file=tmp_path / "in.txt", decode_length=1)
    told = capsys.readouterr().err
    assert "2 outputs did not end and were cut off at --decode_length=1" in told
    assert "Checkpoint: step 2 (newest)" in told


def test_several_outputs_a_line(run, tmp_path, capsys):
    (tmp_path / "in.txt").write_text("I see a star.\n")
    run(decode_from_file=tmp_path / "in.txt", beam_size=3, n_best=2)
    fields = capsys.readouterr().out.rstrip("\n").split("\t")
    assert len(fields) == 4 and float(fields[1]) >= float(fields[3])
    with pytest.raises(UserError, match="--beam_size=2"):
        run(decode_from_file=tmp_path / "in.txt", n_best=2)


def test_lines_of_stdin_are_those_of_a_file(run, tmp_path, monkeypatch, capsys):
    content = "\ufeffI see\x0ca\u2028star.\r\n".encode() + b"There \xff is a moon.\n"
    (tmp_path / "in.txt").write_bytes(content)
    run(decode_from_file=tmp_path / "in.txt")
    wanted = capsys.readouterr().out
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    run(decode_from_file="-")
    assert capsys.readouterr().out == wanted and wanted.count("\n") == 2


def test_a_line_that_is_no_text_is_told(run, tmp_path, monkeypatch, capsys):
    content = b"I see a star.\nThere \xff is a moon.\n\xe2\x80\x8b\n" + b"x" * 2**21 + b"\nI see.\n"
    (tmp_path / "in.txt").write_bytes(content)
    run(decode_from_file=tmp_path / "in.txt")
    captured = capsys.readouterr()
    assert [bool(line) for line in captured.out.splitlines()] == [True, False, False, False, True]
    for told in ("2: not UTF-8", "3: the text is empty", "4: longer than 524,288 bytes"):
        assert f"input {told}" in captured.err
    stdin = io.TextIOWrapper(io.BytesIO(b"There \xff is.\n\n"))
    monkeypatch.setattr(sys, "stdin", stdin)
    run(interactive=True)
    assert capsys.readouterr().out == "error: not UTF-8\n"


def test_output_that_ends_in_gz_is_gzipped(run, tmp_path, capsys):
    (tmp_path / "in.txt").write_text("I see a star.\n\n")
    run(decode_from_file=tmp_path / "in.txt", decode_to_file=tmp_path / "out.txt.gz")
    run(decode_from_file=tmp_path / "in.txt")
    content = gzip.decompress((tmp_path / "out.txt.gz").read_bytes()).decode()
    assert content == capsys.readouterr().out and content.count("\n") == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.txt", "out.txt.gz"]


def test_output_goes_through_links_and_into_pipes(run, tmp_path, capsys):
    (tmp_path / "in.txt").write_text("I see a star.\n")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder" / "out.txt")
    run(decode_from_file=tmp_path / "in.txt", decode_to_file=tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    wanted = (tmp_path / "folder" / "out.txt").read_bytes()
    os.mkfifo(tmp_path / "pipe")
    got = []
    reader = threading.Thread(target=lambda: got.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    run(decode_from_file=tmp_path / "in.txt", decode_to_file=tmp_path / "pipe")
    reader.join(60)
    assert got == [wanted] and wanted.count(b"\n") == 1
    with pytest.raises(UserError, match="--decode_to_file=/dev/full can't be written to: No space"):
        run(decode_from_file=tmp_path / "in.txt", decode_to_file="/dev/full")
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode)


def test_tokens_are_taken_as_they_are(run, tmp_path, capsys):
    (tmp_path / "in.txt").write_text("I see two red rings.\n")
    for tokenized, last in ((False, "."), (True, "rings.")):
        run(problem="mini_parse", decode_from_file=tmp_path / "in.txt", tokenized=tokenized)
        (tree,) = trees.parse(capsys.readouterr().out)
        assert trees.words(tree)[-1] == last


def test_a_split_goes_on_where_it_was_stopped_and_needs_a_folder(
    run, trained_data, tmp_path, monkeypatch, capsys
):
    flags = {
        "split": "validation",
        "data_dir": trained_data,
        "examples": 5,
        "decode_to_file": tmp_path / "out.txt",
    }
    with pytest.raises(UserError, match="can't be written to"):
        run(**flags | {"decode_to_file": tmp_path / "absent" / "out.txt"})
    run(**flags)
    whole, told = (tmp_path / "out.txt").read_text(), capsys.readouterr().err.splitlines()[-2:]
    monkeypatch.setattr(decoding, "CHUNK", 2)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(decoding.os, "replace", raising(KeyboardInterrupt))
        run(**flags)
    run(**flags)
    captured = capsys.readouterr().err
    assert "resuming after 5 of 5 inputs" in captured and captured.splitlines()[-2:] == told
    assert (tmp_path / "out.txt").read_text() == whole


def raising(error):
    def function(*args):
        raise error

    return function


def test_a_split_is_scored(run, trained_data, tmp_path, capsys):
    run(split="validation", data_dir=trained_data, decode_to_file=tmp_path / "out.txt", examples=5)
    told = capsys.readouterr().err
    assert (
        "bleu " in told
        and "chrf " in told
        and len((tmp_path / "out.txt").read_text().splitlines()) == 5
    )
    run(problem="mini_imagenet", split="validation", data_dir=trained_data, examples=4)
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 4 and "accuracy " in captured.err
    run(problem="mini_parse", split="validation", data_dir=trained_data, examples=3)
    told = capsys.readouterr().err
    counts = re.findall(r"^bracket_f1_(?:valid|invalid) (\d)$", told, re.MULTILINE)
    assert "bracket_f1 " in told and len(counts) == 2 and sum(map(int, counts)) == 3


def test_a_conversation(run, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO("I see a star.\nThere is a moon.\n\n"))
    run(interactive=True)
    assert len(capsys.readouterr().out.splitlines()) == 2


RUN, FILE = "--output_dir=none", "--decode_from_file=x"


@pytest.mark.parametrize(
    "args, told",
    [
        ([], "Give --output_dir"),
        ([RUN], "Give one of"),
        ([RUN, "--split=test"], "--split needs --data_dir"),
        ([RUN, FILE, "--interactive"], "Give one of"),
        ([RUN, FILE, "--top_k=4"], "give a --sampling_temperature"),
        ([RUN, FILE, "--top_p=0.9"], "give a --sampling_temperature"),
        ([RUN, FILE, "--sampling_temperature=1", "--beam_size=2"], "give one of them"),
    ],
)
def test_wrong_flags(args, told, capsys):
    with pytest.raises(SystemExit) as exit:
        app.run(decoder.main, decoder.FLAGS, ["t2t-mm-decoder", *args])
    assert exit.value.code == 2 and told in capsys.readouterr().err


def test_a_run_that_is_not_there(tmp_path):
    line = [sys.executable, "-m", "t2t_mm.cli.decoder", RUN, FILE]
    done = commands.run(line, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: There is no directory none")


def test_a_file_that_is_absent(run, tmp_path):
    with pytest.raises(UserError, match="cannot be read: .*No such file"):
        run(decode_from_file=tmp_path / "absent.txt")
    with pytest.raises(UserError, match="is a directory, but mini_ende reads text"):
        run(decode_from_file=tmp_path)
    with pytest.raises(UserError, match="Give --problem: the model was trained on"):
        run(problem=None, decode_from_file=tmp_path)


@pytest.mark.parametrize(
    "command, flags, flag",
    [
        (decoder, ["--decode_from_file=x", "--decode_to_file={}/absent/out"], "decode_to_file"),
        (decoder, ["--decode_from_file=x", "--decode_to_file={}"], "decode_to_file"),
        (decoder, ["--decode_from_file=x", "--decode_to_file={}/file/out"], "decode_to_file"),
        (decoder, ["--decode_from_file=x", "--decode_to_file={}/out.xz"], "decode_to_file"),
        (explain, ["--problem=x", "--input=x", "--picture={}/absent/out"], "picture"),
        (explain, ["--problem=x", "--input=x", "--picture={}/taken"], "picture"),
        (exporter, ["--export_dir={}/file"], "export_dir"),
        (exporter, ["--export_dir={}/file/deep"], "export_dir"),
    ],
)
def test_an_output_that_can_not_be_written_is_told_before_the_model_is_loaded(
    command, flags, flag, tmp_path, monkeypatch, capsys
):
    (tmp_path / "file").write_text("")
    (tmp_path / "taken.svg").mkdir()
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    (tmp_path / "run" / "checkpoints" / "ckpt-1.index").write_text("")  # enough to pass for a run
    monkeypatch.setattr(app, "import_tensorflow", raising(AssertionError("it goes on")))
    flags = [f"--output_dir={tmp_path}/run", *(each.format(tmp_path) for each in flags)]
    with pytest.raises(SystemExit) as exit:
        app.run(command.main, command.FLAGS, ["t2t-mm", *flags])
    told = capsys.readouterr().err
    assert exit.value.code == 1 and told.startswith(f"error: --{flag}=") and told.count("\n") == 1
