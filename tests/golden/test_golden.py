"""Runs, exports and prepared data of earlier versions are read as they were (made by make.py)."""

import json
import shutil
from pathlib import Path

import pytest
import tensorflow as tf

from tests.golden import recorded

VERSIONS = sorted(Path(__file__).parent.glob("v*"))


@pytest.fixture(scope="module", params=VERSIONS, ids=lambda path: path.name)
def golden(request, tmp_path_factory):
    """(directory with a version's files, what that version gave for them)."""
    place = tmp_path_factory.mktemp(request.param.name)
    for archive in request.param.glob("*.tar.xz"):
        shutil.unpack_archive(archive, place)
    (place / "inputs").symlink_to(request.param / "inputs")
    return place, json.loads((request.param / "expected.json").read_text())


def assert_same(found, expected, tolerance=1e-4):
    """Compares nested JSON values: floats within the tolerance, all else exactly. What later
    versions say besides is let be."""
    if isinstance(expected, dict):
        assert found.keys() >= expected.keys()
        for key, value in expected.items():
            assert_same(found[key], value, tolerance)
    elif isinstance(expected, list):
        assert len(found) == len(expected)
        for mine, theirs in zip(found, expected, strict=True):
            assert_same(mine, theirs, tolerance)
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, abs=tolerance)
    else:
        assert found == expected


def test_there_are_golden_files():
    assert VERSIONS and all((folder / "expected.json").is_file() for folder in VERSIONS)


def test_a_run_answers_as_it_did(golden):
    place, expected = golden
    assert_same(as_json(recorded.run_answers(place)), expected["run"])


def test_an_export_answers_as_it_did(golden):
    place, expected = golden
    assert_same(as_json(recorded.export_answers(place)), expected["export"])


def test_prepared_data_is_read(golden):
    place, expected = golden
    assert_same(recorded.prepared(place), expected["data"])


def test_an_evaluation_gives_the_same_metrics(golden):
    place, expected = golden
    metrics = expected["metrics"]
    if "units" not in metrics:  # of 0.1.0, whose accuracies were shares
        metrics["problems"] = {
            problem: {
                name: 100 * value if name.startswith("accuracy") else value
                for name, value in values.items()
            }
            for problem, values in metrics["problems"].items()
        }
    assert_same(recorded.evaluated(place), metrics)


def test_training_resumes_with_the_losses_that_it_would_have_had(golden):
    place, expected = golden
    found = recorded.resumed(place)
    assert found["from"] == [expected["metrics"]["step"]]
    # Another version of TensorFlow can't take up the order of the data.
    if tf.__version__ == expected["tensorflow"]:
        assert_same(found["losses"], expected["resumed"]["losses"], tolerance=1e-3)


def test_another_run_starts_from_its_weights(golden):
    place, expected = golden
    found = recorded.warm_started(place)
    assert found["from"] == []
    # A new run reads in another order than that of 0.1.0: its first batch holds other examples of
    # the same kind. Without the weights, the loss would be some 6.
    assert_same(found["losses"], expected["warm_started"]["losses"], tolerance=0.03)


def test_the_decoder_gives_the_same_hypotheses(golden):
    place, expected = golden
    # Scores are printed with four decimals.
    assert_same(recorded.decoded(place), expected["decoded"], tolerance=2e-4)


def as_json(value):
    """A value as it comes back from a JSON file: tuples as lists."""
    return json.loads(json.dumps(value))
