"""What all pictures that matplotlib draws have in common: plain text, a legend, PNG or SVG."""

import io
import warnings
from typing import Any

FORMS = ("png", "svg")


def plain(text: str) -> str:
    """Text that matplotlib shows as it is: a dollar sign begins no formula."""
    return text.replace("$", r"\$")


def legend(figure: Any, loc: str, columns: int, size: int) -> None:
    """A legend outside of all panels; what several panels show stands there once.

    Args:
        figure: a matplotlib Figure.
        loc: where, such as "outside lower center".
        columns: at most so many entries side by side.
        size: of the font.
    """
    handles: dict[str, Any] = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    columns = min(columns, len(handles))
    figure.legend(handles.values(), handles, loc=loc, ncols=columns, fontsize=size)


def content(figure: Any, form: str) -> bytes:
    """A figure as a file. In an SVG text stays text, and nothing depends on when it was made."""
    import matplotlib

    stream = io.BytesIO()
    style = {"svg.fonttype": "none", "svg.hashsalt": "t2t-mm"}
    with warnings.catch_warnings(), matplotlib.rc_context(style):
        # another script than the font's: a box stands for it
        warnings.filterwarnings("ignore", "Glyph .* missing")
        metadata = {"Date": None} if form == "svg" else {}
        figure.savefig(stream, format=form, dpi=110, metadata=metadata)
    return stream.getvalue()
