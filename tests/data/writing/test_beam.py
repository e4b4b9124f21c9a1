"""Apache Beam on this machine writes the same examples. Beam is an extra: without it, only its
absence is tested."""

import importlib.util

import pytest

from t2t_mm.data.writing.options import Options
from t2t_mm.errors import UserError

HAS_BEAM = importlib.util.find_spec("apache_beam") is not None


@pytest.mark.skipif(HAS_BEAM, reason="Beam is installed")
def test_without_beam_it_says_what_to_install():
    with pytest.raises(UserError, match="pip install 't2t-mm\\[beam\\]'"):
        Options(beam=("--runner=DirectRunner",)).download_config()


@pytest.mark.skipif(not HAS_BEAM, reason="Beam is not installed")
def test_beam_writes_the_same_examples(tmp_path, write):
    import types

    from t2t_mm.data.readers.parallel_text import ParallelText
    from t2t_mm.data.writing import builder

    for language in ("en", "de"):
        write(f"train.{language}", "".join(f"{language} {i}\n" for i in range(300)) + "\n")
    problem = types.SimpleNamespace(name="mine", folder="mine", input_key="en", target_key="de")
    rows = []
    for folder, options in (("one", Options()), ("two", Options(beam=("--runner=DirectRunner",)))):
        reader = ParallelText(problem, tmp_path / "raw")
        written = builder.prepare(reader, tmp_path / folder, options)
        data = written.as_dataset("train").as_numpy_iterator()
        rows.append(sorted((example["en"], example["de"]) for example in data))
    assert rows[0] == rows[1] and len(rows[0]) == 300
