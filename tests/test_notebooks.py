"""The shorter notebooks run from top to bottom, on toy sizes that go into their cell of parameters,
and stand in the repository with the output of full ones."""

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
    """(what the notebook says as it stands in the repository, what it says with parameters)"""
    notebook = nbformat.read(DOCS / name, as_version=4)
    kept = outputs(notebook)
    (cell,) = (c for c in notebook.cells if "parameters" in c.metadata.get("tags", ()))
    given = [f"{key} = {value!r}" for key, value in parameters.items()]
    assert all(f"\n{line.split(' =')[0]} =" in cell.source for line in given)
    cell.source += "\n" + "\n".join(given)
    nbclient.NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": str(folder)}}
    ).execute()
    return kept, outputs(notebook)


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
