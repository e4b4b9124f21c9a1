"""The tutorial runs from top to bottom, and stands in the repository with its output."""

import shutil
from pathlib import Path

import nbclient
import nbformat

TUTORIAL = Path(__file__).parent.parent / "docs" / "tutorial.ipynb"


def test_the_tutorial_runs(tmp_path):
    shutil.copy(TUTORIAL, tmp_path)
    notebook = nbformat.read(tmp_path / TUTORIAL.name, as_version=4)
    kept = [
        "".join(out.get("text", "") for out in cell.outputs)
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]
    nbclient.NotebookClient(
        notebook, timeout=900, resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    said = [
        "".join(out.get("text", "") for out in cell.outputs)
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]
    for texts in (kept, said):
        whole = "\n".join(texts)
        assert (
            "1994-05-03" in whole
            and "Step 150, validation split" in whole
            and "-3.403e+38" in whole
        )
