"""Makes the golden files of this version: kept so that every later version is held to read them.

    python -m tests.golden.make

Run it at the top of a checkout of the version whose files are to be kept, once, when it is
released. It writes tests/golden/v<version>/, which is committed and never changed:

    run.tar.xz     an output directory: five problems, Muon, a moving average, the best checkpoint
    data.tar.xz    its prepared data (a small mini world), that of a raw folder of parallel text and
                   that of a user's `generate`
    export.tar.xz  a SavedModel of four of the problems
    inputs/        pictures and a sound
    expected.json  the answers, metrics and losses that this version gives (recorded.py)

The commands run in a temporary directory with relative paths, so that no path of this machine
stands in the files.
"""

import json
import lzma
import os
import shutil
import sys
import tarfile
import tempfile
import time
import wave
from pathlib import Path

import numpy as np
import tensorflow as tf

import t2t_mm
from t2t_mm import registry
from t2t_mm.data.mini_world import MiniWorld
from t2t_mm.prepare import prepare, resolve
from tests.golden import recorded

ARCHIVES = ("run", "data", "export")
# Examples in train, validation and test: few, since sounds and pictures are large.
EXAMPLES = {"text": (40, 10, 10), "image": (12, 6, 4), "caption": (12, 6, 4), "speech": (6, 2, 1)}
HPARAMS = (
    "hidden_size=16,num_heads=2,encoder_blocks=1,mixer_blocks=1,decoder_blocks=1,moe_experts=4,"
    "moe_k=2,moe_hidden=16,batch_size=128,image_size=64,ema_decay=0.9"
)
# Bits kept of the fractions of a checkpoint's numbers: random bits don't compress.
BITS = {"model": 4, "average": 4, "optimizer": 1}


def main():
    """Makes all files, which takes some minutes."""
    folder = recorded.HERE / f"v{t2t_mm.__version__}"
    if folder.exists():
        sys.exit(f"error: {folder} is there already: the files of a version are never changed")
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        for step in (prepare_data, write_inputs, train, export, record):
            started = time.monotonic()
            step()
            print(f"{step.__name__}: {time.monotonic() - started:.0f} s", flush=True)
        pack(folder)


def prepare_data():
    """Writes data/."""
    shutil.copytree(recorded.HERE / "raw", "raw")
    registry.load_directory(str(recorded.USER))
    for config in MiniWorld.BUILDER_CONFIGS:
        config.train, config.validation, config.test = EXAMPLES[config.name]
    prepare([registry.problem(name) for name in recorded.PREPARED], "data", "raw")
    shutil.rmtree("data/downloads", ignore_errors=True)  # TFDS's, empty


def write_inputs():
    """Writes inputs/: the first pictures and sound of the test splits."""
    Path("inputs").mkdir()
    problems = [registry.problem(name) for name in ("mini_imagenet", "mini_speech")]
    pictures, sounds = resolve(problems, "data")
    for name, example in zip(recorded.PICTURES, pictures.examples("test"), strict=False):
        Path("inputs", name).write_bytes(example["inputs"].numpy())
    for name, example in zip(recorded.SOUNDS, sounds.examples("test"), strict=False):
        with wave.open(f"inputs/{name}", "wb") as file:
            file.setparams((1, 2, sounds.inputs.sample_rate, 0, "NONE", ""))
            file.writeframes(example["inputs"].numpy().astype("<i2").tobytes())


def train():
    """Writes run/: trains, then rounds the numbers in its checkpoints."""
    recorded.run_command(
        ".",
        "t2t-mm-trainer",
        problems="+".join(recorded.RUN_PROBLEMS),
        hparams_set="multimodel_tiny",
        hparams=HPARAMS,
        data_dir="data",
        output_dir="run",
        train_steps=recorded.STEP,
        eval_every=recorded.STEP // 2,
        keep_checkpoints=1,
        keep_best="mini_parse/log_perplexity",
        deterministic="true",
    )
    shutil.rmtree("run/tensorboard")
    for index in Path("run").rglob("ckpt-*.index"):
        shorten(index.with_suffix(""))


def shorten(prefix):
    """Rounds the numbers in a checkpoint, given by its path prefix, so that it compresses well."""
    reader = tf.train.load_checkpoint(str(prefix))
    names = sorted(reader.get_variable_to_dtype_map())
    values = [rounded(reader.get_tensor(name), BITS.get(name.partition("/")[0])) for name in names]
    partial = f"{prefix}.partial"
    slices = [""] * len(names)
    tf.raw_ops.SaveV2(prefix=partial, tensor_names=names, shape_and_slices=slices, tensors=values)
    for path in Path(partial).parent.glob(f"{Path(partial).name}.*"):
        path.replace(str(path).replace(".partial.", "."))


def rounded(value, bits):
    """A float32 array with so many bits of each fraction; any other, or a short one, as it is."""
    if bits is None or value.dtype != np.float32 or value.size < 64:
        return value
    drop = 23 - bits
    return ((value.view(np.uint32) + (1 << drop - 1)) >> drop << drop).view(np.float32)


def export():
    """Writes export/."""
    recorded.run_command(
        ".",
        "t2t-mm-exporter",
        output_dir="run",
        export_dir="export",
        problems="+".join(recorded.INPUTS),
    )


def record():
    """Writes expected.json, from a copy of what was made."""
    expected = {"version": t2t_mm.__version__, "tensorflow": tf.__version__}
    shutil.copytree(".", "copy")
    for name, look in recorded.RECORDS.items():
        expected[name] = look(Path("copy"))
    shutil.copy("copy/run/metrics_validation.json", "run")  # of the rounded weights
    Path("expected.json").write_text(json.dumps(expected, indent=1, ensure_ascii=False) + "\n")


def pack(folder):
    """Moves what was made to its folder, the directories as archives."""
    for name in ARCHIVES:
        check_neutral(name)
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.copytree("inputs", partial / "inputs")
    shutil.copy("expected.json", partial)
    for name in ARCHIVES:
        path = partial / f"{name}.tar.xz"
        with tarfile.open(path, "w:xz", preset=9 | lzma.PRESET_EXTREME) as archive:
            archive.add(name, filter=anonymous)
    partial.rename(folder)
    print(f"{folder}: {sum(path.stat().st_size for path in folder.rglob('*')) / 1e6:.2f} MB")


def check_neutral(folder):
    """Exits if a file holds a path of this machine."""
    here = (recorded.ROOT, os.getcwd(), tempfile.gettempdir(), Path.home(), sys.prefix)
    paths = {f"{path}/".encode() for path in here}
    for file in filter(Path.is_file, Path(folder).rglob("*")):
        content = file.read_bytes()
        if found := [path.decode() for path in paths if path in content]:
            sys.exit(f"error: {file} holds the path {found[0]}")


def anonymous(entry):
    """An entry of an archive without what differs from machine to machine."""
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    return entry


if __name__ == "__main__":
    main()
