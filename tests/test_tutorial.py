"""The tutorial runs from top to bottom, and stands in the repository with its output."""

from pathlib import Path

import nbclient
import nbformat

TUTORIAL = Path(__file__).parent.parent / "docs" / "tutorial.ipynb"
STEPS, FEWER = 250, 30  # what it trains; what the test does, for which five minutes are too long


def test_it_stands_in_the_repository_with_its_output():
    shown = output(nbformat.read(TUTORIAL, as_version=4))
    assert "03 May 1994          1994-05-03" in shown
    assert f"Step {STEPS}, validation split" in shown and "-3.403e+38" in shown


def test_it_runs(tmp_path):
    notebook = nbformat.read(TUTORIAL, as_version=4)
    (training,) = (cell for cell in notebook.cells if f"train_steps={STEPS}" in cell.source)
    training.source = training.source.replace(f"train_steps={STEPS}", f"train_steps={FEWER}")
    nbclient.NotebookClient(
        notebook, timeout=900, resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    said = output(notebook)
    assert f"Step {FEWER}, validation split" in said
    assert "03 May 1994 " in said and "-3.403e+38" in said


def output(notebook):
    """What its cells print."""
    cells = (cell for cell in notebook.cells if cell.cell_type == "code")
    return "\n".join(out.get("text", "") for cell in cells for out in cell.outputs)
