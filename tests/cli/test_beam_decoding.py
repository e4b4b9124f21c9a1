"""t2t-mm-decoder over Apache Beam on this machine: the outputs are those that it gives without.
Beam is an extra: without it, only its absence is tested."""

import gzip
import importlib.util
import types

import pytest

from t2t_mm.cli import app, beam_decoding, decoder, decoding
from t2t_mm.errors import UserError
from t2t_mm.inference import run as reading
from tests.cli.test_decoder import DEFAULTS

HAS_BEAM = importlib.util.find_spec("apache_beam") is not None
needs_beam = pytest.mark.skipif(not HAS_BEAM, reason="Beam is not installed")


class Upper:
    """A decoder that needs no model: upper case, and the number of the input."""

    predictor = types.SimpleNamespace(replicas=types.SimpleNamespace(count=1))

    def __init__(self, args):
        self.args = args

    def __call__(self, inputs, first):
        numbered = enumerate(inputs, first)
        return [
            {"outputs": f"{i} {text.upper()}"} if text else {"error": "x"} for i, text in numbered
        ]

    def line(self, answer):
        return answer.get("outputs", "")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs the command on a run directory in which nothing is but records; with `loads`, how often
    a model was loaded."""
    problem = types.SimpleNamespace(
        name="mine", has_inputs=True, targets=types.SimpleNamespace(is_sequence=True)
    )
    loads = []
    monkeypatch.setattr(decoding, "CHUNK", 2)
    monkeypatch.setattr(beam_decoding, "PIECE", 4)
    monkeypatch.setattr(decoding, "loaded", lambda args: loads.append(args) or Upper(args))
    monkeypatch.setattr(reading, "recorded", lambda output: (None, {"mine": problem}))
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    (tmp_path / "run" / "checkpoints" / "ckpt-7.index").write_text("")
    beam_decoding._loaded.cache_clear()

    def function(source, target="out.txt", **flags):
        own = {"output_dir": str(tmp_path / "run"), "problem": "mine", "t2t_usr_dir": ""}
        given = {"decode_from_file": str(source), "decode_to_file": str(tmp_path / target)}
        beam = {"beam": ["--runner=DirectRunner"]}
        beam_decoding.run(types.SimpleNamespace(**DEFAULTS | own | given | beam | flags))
        return (tmp_path / target).read_bytes()

    function.loads = loads
    yield function
    beam_decoding._loaded.cache_clear()


TEXTS = ["one", "two", "", "four", "five", "six", "seven", "eight", "nine"]


@needs_beam
def test_each_line_keeps_its_place_and_a_model_is_loaded_once(run, tmp_path, capsys):
    (tmp_path / "in.txt").write_bytes("\r\n".join(TEXTS).encode())
    wanted = "".join(f"{i} {t.upper()}\n" if t else "\n" for i, t in enumerate(TEXTS)).encode()
    assert run(tmp_path / "in.txt") == wanted
    told = capsys.readouterr().err
    assert "decoding 3 of 3 pieces" in told and "input 3: x" in told and "9 of 9 inputs" in told
    assert [args.checkpoint for args in run.loads] == [str(tmp_path / "run/checkpoints/ckpt-7")]
    with gzip.open(tmp_path / "in.txt.gz", "wb") as file:
        file.write("\n".join(TEXTS[:8]).encode() + b"\n")
    packed = run(tmp_path / "in.txt.gz", "packed.gz")
    assert gzip.decompress(packed) == wanted[: wanted.index(b"8 NINE")]
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_dir()) == ["run"]


@needs_beam
def test_pieces_that_are_there_are_not_decoded_again(run, tmp_path, monkeypatch, capsys):
    (tmp_path / "in.txt").write_text("\n".join(TEXTS))
    answer = Upper.__call__

    def stopped(self, inputs, first):
        if "eight" in inputs:
            raise UserError("stopped here")
        return answer(self, inputs, first)

    with monkeypatch.context() as patch, pytest.raises(UserError, match="stopped here"):
        patch.setattr(Upper, "__call__", stopped)
        run(tmp_path / "in.txt")
    (folder,) = tmp_path.glob("out.txt.*.partial")
    assert not (folder / "000001").exists()
    (folder / "000000").write_text("kept\n")
    assert run(tmp_path / "in.txt").startswith(b"kept\n4 FIVE\n")
    assert " of 3 pieces" in capsys.readouterr().err and not folder.exists()


@needs_beam
def test_workers_that_write_elsewhere_are_told(run, tmp_path, monkeypatch):
    (tmp_path / "in.txt").write_text("one\n")
    monkeypatch.setattr(beam_decoding, "_decode_all", lambda *args: None)
    with pytest.raises(UserError, match="1 of 1 pieces are not in .*give directories that all"):
        run(tmp_path / "in.txt")


@pytest.mark.skipif(HAS_BEAM, reason="Beam is installed")
def test_without_beam_it_says_what_to_install(run, tmp_path):
    with pytest.raises(UserError, match="pip install 't2t-mm\\[beam\\]'"):
        run(tmp_path / "in.txt")


def test_a_piece_begins_where_the_one_before_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(beam_decoding, "PIECE", 2)
    (tmp_path / "in.txt").write_bytes("é\r\n\ufeffb\nc\n\n".encode())
    pieces = beam_decoding._pieces(tmp_path / "in.txt")
    found = [list(beam_decoding._inputs(tmp_path / "in.txt", piece)) for piece in pieces]
    assert found == [["é", "b"], ["c", ""]] and [piece.total for piece in pieces] == [4, 4]
    (tmp_path / "in.txt").write_bytes(b"")
    assert beam_decoding._pieces(tmp_path / "in.txt") == []


FILES = ["--decode_from_file=in.txt", "--decode_to_file=out.txt"]


@pytest.mark.parametrize(
    "flags, told",
    [
        (["--beam=4", *FILES], "--beam takes options of an Apache Beam pipeline"),
        (["--beam=--runner=DirectRunner", FILES[0]], "--beam decodes a file to a file"),
        (["--beam=--streaming", "--interactive"], "--beam decodes a file to a file"),
        (["--beam=--streaming", "--prefixes=x", *FILES], "are not for --beam"),
        (["--beam=--streaming", FILES[0], "--decode_to_file=/dev/null"], "--beam needs a file"),
    ],
)
def test_flags_that_do_not_go_together(flags, told, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as exit:
        app.run(decoder.main, decoder.FLAGS, ["t2t-mm-decoder", "--output_dir=none", *flags])
    assert exit.value.code == 2 and told in capsys.readouterr().err
