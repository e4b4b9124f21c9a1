"""Makes a preset: trains its model, exports it with its model card, and packs it.

    t2t-mm-preset --preset=mini8 --data_dir=data --output_dir=output/mini8

From then on `t2t_mm.load("mini8")` and `t2t-mm-demo --export_dir=mini8` find it. The archive beside
it can be given to others, who unpack it into their folder of presets. Stopped at any time, the same
command goes on.
"""

import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from absl import flags

from t2t_mm import presets
from t2t_mm.cli import app
from t2t_mm.errors import UserError

LARGEST = 25_000_000  # bytes of an archive

FLAGS = app.new_flags()
flags.DEFINE_enum("preset", "mini8", list(presets.RECIPES), "Which preset.", flag_values=FLAGS)
flags.DEFINE_string("data_dir", None, "Where its data is, or goes.", flag_values=FLAGS)
flags.DEFINE_string(
    "output_dir",
    None,
    "Directory of its training run; one that has had all its steps is exported as it is.",
    flag_values=FLAGS,
)


def main() -> str:
    """The command's work."""
    app.need(FLAGS, "data_dir", "output_dir")
    name, options = FLAGS.preset, presets.RECIPES[FLAGS.preset]
    common = {"data_dir": FLAGS.data_dir, "output_dir": FLAGS.output_dir}
    _run("train", common | options | {"generate_data": True})
    with tempfile.TemporaryDirectory() as folder:
        _run("exporter", common | {"export_dir": f"{folder}/{name}", "card": True})
        archive = install(Path(folder, name))
    print(f"{presets.folder() / name}, and packed {archive}")
    return str(archive)


def install(export: Path) -> Path:
    """Puts an export into the folder of presets, under its own name and in the place of an earlier
    one, and packs it beside.

    Returns:
        The archive.

    Raises:
        UserError: the archive is larger than LARGEST.
    """
    place = presets.folder() / export.name
    place.parent.mkdir(parents=True, exist_ok=True)
    archive = place.with_name(f"{export.name}.tar.xz")
    with tarfile.open(archive, "w:xz") as file:
        file.add(export, export.name)
    if archive.stat().st_size > LARGEST:
        size = archive.stat().st_size
        archive.unlink()
        raise UserError(
            f"The archive has {size:,} bytes, where {LARGEST:,} are the most: give the preset a "
            "smaller hparams set."
        )
    shutil.rmtree(place, ignore_errors=True)
    shutil.move(export, place)
    return archive


def _run(command: str, options: dict) -> None:
    """Runs one of our commands as a process, which tells its mistakes itself."""
    given = [f"--{name}={value}" for name, value in options.items()]
    done = subprocess.run([sys.executable, "-m", "t2t_mm", command, *given], check=False)
    if done.returncode:
        raise UserError(f"{command} has failed, see above: give this command again to go on.")


def entry() -> None:
    """The console script t2t-mm-preset."""
    app.run(main, FLAGS)


if __name__ == "__main__":
    entry()
