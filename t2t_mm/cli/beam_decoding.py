"""t2t-mm-decoder over Apache Beam: workers of this machine or of a cluster each decode pieces of a
file, which then are joined in their order. Needs the extra `beam`.

A piece that is there is not decoded again if the command is restarted, or Beam tries it twice.
"""

import functools
import itertools
import os
import shutil
import sys
import threading
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from t2t_mm import files, registry
from t2t_mm.cli import app
from t2t_mm.errors import UserError

PIECE = 4096  # inputs; a multiple of decoding.CHUNK, so that they are batched as without Beam
_loading = threading.Lock()


class Piece(NamedTuple):
    """A part of the input.

    Attributes:
        number: of the piece, from 0.
        place: where it begins in the file, in bytes, gunzipped.
        total: inputs in the whole file.
    """

    number: int
    place: int
    total: int


def run(args: Any) -> None:
    """Decodes as the flags of t2t-mm-decoder say; `args` has them as attributes.

    Raises:
        UserError: if the flags don't fit the run, or workers wrote their pieces elsewhere.
    """
    from t2t_mm.cli import decoding
    from t2t_mm.data.writing.beam import pipeline_options
    from t2t_mm.inference.run import recorded
    from t2t_mm.runs.choice import chosen, described
    from t2t_mm.runs.directory import OutputDir
    from t2t_mm.runs.paths import step_of

    options, output = pipeline_options(tuple(args.beam)), OutputDir(args.output_dir)
    checkpoint = chosen(output, args.checkpoint)
    print(described(output, args.checkpoint, step_of(checkpoint)), file=sys.stderr)
    problem = decoding.problem_of(recorded(output)[1], args)
    if not problem.has_inputs:
        raise UserError(f"{problem.name} has no inputs: --beam decodes files of inputs.")
    pieces = _pieces(args.decode_from_file)
    source = [PIECE, *files.stamped(os.path.abspath(args.decode_from_file))]
    folder = Path(decoding.partial(args, output, step_of(checkpoint), source))
    folder.mkdir(exist_ok=True)
    left = [piece for piece in pieces if not _file(folder, piece).exists()]
    print(f"decoding {len(left):,} of {len(pieces):,} pieces in {folder}", file=sys.stderr)
    # What is newest may change until the last worker begins.
    flags = {**_flags(args), "checkpoint": checkpoint, "problem": problem.name}
    _decode_all(left, functools.partial(_decode, tuple(flags.items()), str(folder)), options)
    _join(folder, pieces, args.decode_to_file)


def _flags(args: Any) -> dict[str, Any]:
    """The flags that workers need; paths are of the directory where the command was given."""
    from t2t_mm.cli import decoding

    names = (*decoding.WAYS, "strategy", "split")
    paths = ("output_dir", "decode_from_file")
    directories = filter(None, map(str.strip, args.t2t_usr_dir.split(",")))
    return (
        {name: getattr(args, name) for name in names}
        | {name: os.path.abspath(getattr(args, name)) for name in paths}
        | {"t2t_usr_dir": tuple(map(os.path.abspath, directories))}
    )


def _pieces(path: str) -> list[Piece]:
    """The pieces of a file; a UserError if it is no file of lines."""
    number, places = 0, [0]
    with files.opened(path) as file:
        for number, _ in files.lines_of(file, path):
            if number % PIECE == 0:
                places.append(file.tell())
    count = -(-number // PIECE)
    return [Piece(each, place, number) for each, place in enumerate(places[:count])]


def _inputs(path: str, piece: Piece) -> Iterator[str]:
    with files.opened(path) as file:
        file.seek(piece.place)
        for _, line in itertools.islice(files.lines_of(file, path), PIECE):
            yield line.decode("utf-8", "surrogateescape")


def _file(folder: str | Path, piece: Piece) -> Path:
    """Where the outputs of a piece are."""
    return Path(folder, f"{piece.number:06d}")


def _decode_all(pieces: list[Piece], work: Any, options: Any) -> None:
    """Has Beam call `work(piece)` for each of the pieces."""
    import apache_beam

    with apache_beam.Pipeline(options=options) as pipeline:
        made = pipeline | apache_beam.Create([tuple(piece) for piece in pieces])
        _ = made | apache_beam.Reshuffle() | apache_beam.Map(work)


def _decode(flags: tuple, folder: str, piece: tuple) -> None:
    """In a worker: decodes a piece, and puts its outputs in their file at once."""
    from t2t_mm.cli import decoding

    wanted = Piece(*piece)
    place = _file(folder, wanted)
    if place.exists():
        return
    with _loading:  # threads of a worker have one model
        decoder = _loaded(flags)
    inputs = list(_inputs(decoder.args.decode_from_file, wanted))
    lines = decoding.lines(inputs, decoder, wanted.number * PIECE, wanted.total)
    text = "".join(f"{line}\n" for line in lines)
    try:
        files.write_text(place, text)
    except OSError as error:
        raise UserError(
            f"{place} can't be written ({error.strerror}): workers have to see the directories of "
            "the run, the input and the output."
        ) from error


@functools.lru_cache(maxsize=1)
def _loaded(flags: tuple) -> Any:
    """The decoder of this process."""
    if "tensorflow" not in sys.modules:
        app.import_tensorflow()
    from t2t_mm.cli import decoding

    args = types.SimpleNamespace(**dict(flags))
    for path in args.t2t_usr_dir:
        registry.load_directory(path)
    return decoding.loaded(args)


def _join(folder: Path, pieces: list[Piece], target: str) -> None:
    """Makes one file of the pieces, and puts it in its place."""
    from t2t_mm.cli import decoding

    if missing := [piece for piece in pieces if not _file(folder, piece).exists()]:
        raise UserError(
            f"{len(missing):,} of {len(pieces):,} pieces are not in {folder}, where workers had to "
            "write them: give directories that all of them see."
        )
    whole = folder / "whole"
    with open(whole, "wb") as out:
        for piece in pieces:
            with open(_file(folder, piece), "rb") as part:
                shutil.copyfileobj(part, out)
    decoding.finish(whole, target)
    shutil.rmtree(folder)
