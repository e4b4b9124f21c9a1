"""The notebooks run from top to bottom, on toy sizes, and stand in the repository with the output
of full ones."""

import re
import shutil
from pathlib import Path

import nbclient
import nbformat

DOCS = Path(__file__).parent.parent / "docs"
TINY = {"hidden_size": 16, "moe_experts": 4, "moe_k": 2, "moe_hidden": 16}
TINY |= {"encoder_blocks": 1, "mixer_blocks": 1, "decoder_blocks": 1}


def outputs(notebook):
    """What was printed, by all cells."""
    cells = (cell for cell in notebook.cells if cell.cell_type == "code")
    return "\n".join(out.get("text", "") for cell in cells for out in cell.outputs)


def run(name, folder, **parameters):
    """(what the notebook says as it stands in the repository, what it says with parameters)

    A parameter is a variable of the cell that has this tag, or a literal argument of a call.
    """
    notebook = nbformat.read(DOCS / name, as_version=4)
    kept = outputs(notebook)
    for key, value in parameters.items():
        _give(notebook, key, value)
    nbclient.NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": str(folder)}}
    ).execute()
    return kept, outputs(notebook)


def _give(notebook, key, value):
    """Puts a value in the place of another, which has to stand in one cell alone."""
    is_argument = re.compile(rf"\b{key}=\w+")
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", ()) and f"\n{key} =" in cell.source:
            cell.source += f"\n{key} = {value!r}"
            return
    (cell,) = (c for c in notebook.cells if c.cell_type == "code" and is_argument.search(c.source))
    cell.source = is_argument.sub(f"{key}={value!r}", cell.source)


def test_the_tutorial(tmp_path, trained_data):
    shutil.copytree(trained_data, tmp_path / "tutorial/data")  # of the mini world: far fewer
    small = {"hidden_size": 16, "moe_hidden": 16, "encoder_blocks": 1, "decoder_blocks": 1}
    kept, said = run("tutorial.ipynb", tmp_path, train_steps=2, **small)
    assert "Step 150, validation split" in kept and "1994-05-03" in kept
    assert "Step 2, validation split" in said
    for text in (kept, said):
        assert "dates" in text and "-3.403e+38" in text


def test_your_data_in_five_minutes(tmp_path):
    kept, said = run("your_data.ipynb", tmp_path, STEPS=2, MODEL="transformer", SIZES=TINY)
    for text in (kept, said):
        assert "messages: 1,000 train, 100 validation" in text
        assert "validation split" in text and "# output" in text and "I love the red chair!" in text
    answers = kept.splitlines()[-3:]
    assert [line.split()[-2] for line in answers] == ["delivery", "returns", "praise"]


def test_look_inside(tmp_path, trained, trained_data):
    kept, said = run("look_inside.ipynb", tmp_path, RUN=trained, DATA=str(trained_data), BATCHES=1)
    for text, experts in ((kept, 6), (said, TINY["moe_experts"])):
        assert "encoder  mini_ende" in text and "decoder  mini_parse" in text
        assert text.count("more by") == 2 * experts
    assert "Ich sehe zwei rote Ringe." in kept
