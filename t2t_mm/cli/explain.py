"""Draws what a trained model attended to, and which experts it used, for one input.

    t2t-mm-explain --output_dir=output/mini8 --problem=mini_ende --input="I see two red rings."
    --picture=rings

Writes rings.png and rings.svg: the attention from each piece put out to each piece of the input, or
place in the picture, or moment of the sound, and the experts that each position went through.
"""

from pathlib import Path

from absl import flags

from t2t_mm.cli import app
from t2t_mm.errors import UserError
from t2t_mm.runs.directory import OutputDir

flags.DEFINE_string("output_dir", None, "Of the training run.")
flags.DEFINE_string("problem", None, "Which problem to answer.")
flags.DEFINE_string("input", None, "The input: a text, or the path of a picture or sound.")
flags.DEFINE_string("picture", None, "Where the pictures go: this name with .png and .svg.")


def main():
    """The command's work."""
    args = flags.FLAGS
    app.need("output_dir", "problem", "input", "picture")
    path = Path(args.picture)
    path = path.with_suffix("") if path.suffix in (".png", ".svg") else path
    if not path.parent.is_dir():
        raise UserError(f"There is no directory {path.parent} for --picture.")
    OutputDir(args.output_dir).need_checkpoint()
    app.import_tensorflow()
    import t2t_mm
    from t2t_mm.inference.explain import explain
    from t2t_mm.reporting.plots import draw

    explanation = explain(t2t_mm.load(args.output_dir), args.problem, args.input)
    for form in ("png", "svg"):
        Path(f"{path}.{form}").write_bytes(draw(explanation, form))
    print(f"{explanation.answer}\n{path}.png and {path}.svg show how it came about.")


def entry():
    """The console script t2t-mm-explain."""
    app.run(main)


if __name__ == "__main__":
    entry()
