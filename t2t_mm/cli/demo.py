"""Opens a web page on a trained model, with a tab for each problem.

    t2t-mm-demo --output_dir=output/mini8 --data_dir=data
    t2t-mm-demo --export_dir=export
    t2t-mm-demo --export_dir=mini8

The last is a preset, see t2t-mm-preset. The page is reached from this machine alone, unless --host
says otherwise; Ctrl-C ends it. Needs gradio: pip install 't2t-mm[demo]'.
"""

import importlib.util
import os
from pathlib import Path
from typing import Any

from absl import flags

from t2t_mm import presets
from t2t_mm.cli import app, checkpoint, search
from t2t_mm.errors import UserError

LARGEST = "32mb"  # of a file that is sent

FLAGS = app.new_flags()
flags.DEFINE_string("output_dir", None, "Directory of the training run.", flag_values=FLAGS)
checkpoint.define(FLAGS)
flags.DEFINE_string(
    "export_dir",
    None,
    "Directory of an export, or name of a preset, in place of a run.",
    flag_values=FLAGS,
)
flags.DEFINE_string("data_dir", None, "Prepared data, to take examples from.", flag_values=FLAGS)
search.define_beam_size(
    FLAGS,
    4,
    "Hypotheses of beam search, which are shown; 1: greedy. Of an export, its own counts.",
)
flags.DEFINE_string("host", "127.0.0.1", "Address to listen on.", flag_values=FLAGS)
flags.DEFINE_integer(
    "port", 7860, "Port to listen on.", lower_bound=1, upper_bound=65535, flag_values=FLAGS
)


def main() -> None:
    """The command's work."""
    if bool(FLAGS.output_dir) == bool(FLAGS.export_dir):
        raise app.UsageError("Give one of --output_dir and --export_dir.")
    if importlib.util.find_spec("gradio") is None:
        raise UserError("t2t-mm-demo needs gradio: pip install 't2t-mm[demo]'")
    if FLAGS.output_dir:
        checkpoint.check(FLAGS)
    place = FLAGS.output_dir or presets.found(FLAGS.export_dir)
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # it is read when gradio is imported
    app.import_tensorflow()
    import t2t_mm
    from t2t_mm.decoding import Beam
    from t2t_mm.demo.page import page

    model: Any = t2t_mm.load(place, FLAGS.checkpoint)
    method = Beam(FLAGS.beam_size) if FLAGS.beam_size > 1 else None
    made = page(model, FLAGS.data_dir or "", method, Path(place).resolve().name)
    print(f"http://{FLAGS.host}:{FLAGS.port} has {', '.join(model.problems)}; Ctrl-C ends.")
    made.launch(
        server_name=FLAGS.host,
        server_port=FLAGS.port,
        max_file_size=LARGEST,
        footer_links=[],
        quiet=True,
    )


def entry() -> None:
    """The console script t2t-mm-demo."""
    app.run(main, FLAGS)


if __name__ == "__main__":
    entry()
