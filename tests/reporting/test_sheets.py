"""Contact sheets of what a person is shown of a problem's examples."""

import io

from PIL import Image as Picture

from t2t_mm.reporting import sheets


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
