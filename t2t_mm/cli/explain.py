"""Draws what a trained model attended to, and which experts it used, for one input.

    t2t-mm-explain --output_dir=output/mini8 --problem=mini_ende --input="I see two red rings." \\
        --picture=rings

Writes rings.png and rings.svg: the attention from each piece of the output to each piece of the
input, or place in the picture, or moment of the sound, and the experts that each position went
through.
"""

from absl import flags

from t2t_mm.cli import app, checkpoint, pictures

FLAGS = app.new_flags()
flags.DEFINE_string("output_dir", None, "Directory of the training run.", flag_values=FLAGS)
checkpoint.define(FLAGS)
flags.DEFINE_string("problem", None, "Problem to answer.", flag_values=FLAGS)
flags.DEFINE_string(
    "input",
    None,
    "The input: a text, the path of a picture or sound, a series as JSON or a path; of several "
    "inputs, a JSON object; of a problem without inputs, none.",
    flag_values=FLAGS,
)
pictures.define(FLAGS, "Where the pictures go: this name with .png and .svg.")
flags.DEFINE_bool(
    "tokenized",
    False,
    "The text is as the data set has it: the words of a sentence to be parsed with spaces between.",
    flag_values=FLAGS,
)


def main() -> str:
    """The command's work."""
    app.need(FLAGS, "output_dir", "problem", "picture")
    path = pictures.check(FLAGS.picture)
    checkpoint.check(FLAGS)
    app.import_tensorflow()
    from t2t_mm.inference.explain import explain
    from t2t_mm.inference.run import RunPredictor
    from t2t_mm.reporting.plots import draw

    predictor = RunPredictor(FLAGS.output_dir, FLAGS.checkpoint)
    if predictor.problem(FLAGS.problem).has_inputs:
        app.need(FLAGS, "input")
    explanation = explain(predictor, FLAGS.problem, FLAGS.input, FLAGS.tokenized)
    told = pictures.write(path, lambda form: draw(explanation, form))
    print(f"{explanation.answer}\n{told} show how it came about.")
    return f"{path}.png"


def entry() -> None:
    """The console script t2t-mm-explain."""
    app.run(main, FLAGS)


if __name__ == "__main__":
    entry()
