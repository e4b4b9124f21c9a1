import types

import pytest

from t2t_mm.data import readers


@pytest.fixture
def prepare(tmp_path):
    """Prepares the raw folder tmp_path/raw and gives the builder, with `said`: what was logged."""

    def run(layout, **problem):
        said = []
        problem = types.SimpleNamespace(
            **{"name": "mine", "folder": "mine", "raw_layout": layout, **problem}
        )
        builder = readers.raw_builder(problem, tmp_path / "raw", tmp_path / "data", log=said.append)
        written = builder.prepare()
        written.said = said
        return written

    return run


@pytest.fixture
def write(tmp_path):
    """Writes a file under tmp_path/raw: str or bytes."""

    def run(name, content):
        path = tmp_path / "raw" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return run
