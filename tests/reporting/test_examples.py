"""What a person is shown of a problem's examples."""

import io

import numpy as np
from PIL import Image as Picture

from t2t_mm.problem import trees
from t2t_mm.reporting import examples, sheets


def test_a_tree_is_drawn():
    (tree,) = trees.parse("(S (NP (DT the) (NN dog)) (VP (VBZ barks)))")
    assert "\n".join(examples.draw(tree)) == (
        "S\n├─NP\n│ ├─DT the\n│ └─NN dog\n└─VP\n  └─VBZ barks"
    )


def test_a_deep_tree_is_drawn():
    (tree,) = trees.parse("(A " * 3000 + "(B b)" + ")" * 3000)
    assert len(examples.draw(tree)) == 3001


def test_a_sheet_has_a_cell_for_each():
    cells = [
        (Picture.new("RGB", (30 * i + 1, 20), (i * 9, 0, 0)), f"picture {i} " * i) for i in range(8)
    ]
    with Picture.open(io.BytesIO(sheets.sheet(cells))) as sheet:
        assert sheet.width > 6 * sheets.CELL and sheet.height > 2 * sheets.CELL
        assert len(sheet.getcolors(100_000)) > 8


def test_long_texts_are_cut_with_a_sign():
    lines = sheets.wrap("one two three four five six", lambda line: 40 * len(line.split()))
    assert lines == ["one two three four", "five six"]
    lines = sheets.wrap("w " * 50, lambda line: 40 * len(line.split()))
    assert len(lines) == sheets.LINES and lines[-1].endswith("...")


def test_sounds_are_drawn():
    loud = np.zeros([50, 40, 1], np.float32)
    loud[:25, :20] = 3  # low tones in the first half
    drawn = np.asarray(sheets.spectrogram(loud).convert("L")).astype(int)
    height, width = drawn.shape
    assert drawn[-5, 5] > 200 > drawn[5, 5] and drawn[-5, -5] < 200
    wave = np.asarray(sheets.spectrogram(np.sin(np.arange(9000))[:, None]).convert("L"))
    assert wave.shape == drawn.shape and wave.min() == 0
    assert sheets.spectrogram(np.zeros([3, 1])).size == (width, height)
