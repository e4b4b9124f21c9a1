import types

import pytest

from t2t_mm import registry
from t2t_mm.modalities.language.spec import Language


@pytest.fixture
def prepare(tmp_path):
    """Prepares the raw folder tmp_path/raw and gives the builder, with `said`: what was logged."""
    from t2t_mm.data.writing import builder

    def run(layout, **problem):
        said = []
        usual = {"name": "mine", "folder": "mine", "input_key": "inputs", "target_key": "targets"}
        usual |= dict.fromkeys(("inputs", "targets"), Language(vocab="words"))
        problem = types.SimpleNamespace(**usual | problem)
        reader = registry.reader(layout)(problem, tmp_path / "raw", said.append)
        written = builder.prepare(reader, tmp_path / "data")
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
