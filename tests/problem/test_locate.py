"""Where prepared data is, and what of it is read."""

import json
import sys

import pytest
import tensorflow_datasets as tfds

from t2t_mm.errors import UserError
from t2t_mm.problem import locate

EVIL = """
import pathlib, tensorflow_datasets as tfds
pathlib.Path(__file__).with_name("ran").touch()
class Text(tfds.features.Text):
    pass
"""


@pytest.fixture
def prepared(tmp_path, monkeypatch):
    """A folder with a data set of no example, and a module that must not be imported."""
    (tmp_path / "evil_features.py").write_text(EVIL)
    monkeypatch.syspath_prepend(tmp_path)
    folder = tmp_path / "data"
    folder.mkdir()
    features = tfds.features.FeaturesDict({"text": tfds.features.Text()})
    features.save_config(folder)
    info = {"name": "mine", "version": "1.0.0", "fileFormat": "tfrecord", "splits": []}
    (folder / "dataset_info.json").write_text(json.dumps(info))
    return folder


def test_features_of_tfds_are_read(prepared):
    assert list(locate.open_data(prepared).info.features) == ["text"]


DICT = "tensorflow_datasets.core.features.features_dict.FeaturesDict"
OF_PROTO = {"features": {"text": {"pythonClassName": "evil_features.Text"}}}
FEATURE = {"type": "evil_features.Text", "content": {}}


@pytest.mark.parametrize(
    "features",
    [
        FEATURE,
        {"pythonClassName": "evil_features.Text", "text": {}},
        {"python_class_name": "evil_features.Text", "text": {}},
        {
            "type": DICT,
            "content": {"text": FEATURE},
        },
        {
            "type": DICT,
            "proto_cls": "tensorflow_datasets.FeaturesDict",
            "content": json.dumps(
                {"features": {"text": {"pythonClassName": "evil_features.Text"}}}
            ),
        },
        {"type": "evil_features.tensorflow_datasets.Text", "content": {}},
    ],
)
def test_no_class_that_is_not_of_tfds_is_imported(prepared, features):
    (prepared / "features.json").write_text(json.dumps(features))
    with pytest.raises(UserError, match="names the Python class 'evil_features"):
        locate.open_data(prepared)
    assert "evil_features" not in sys.modules and not (prepared.parent / "ran").exists()
