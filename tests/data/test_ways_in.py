"""Data that is not prepared from a whole raw folder: a test folder alone, a user's own TFDS data
sets, mocked ones."""

import io
import json

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image as Picture

from t2t_mm import registry
from t2t_mm.cli import trainer
from t2t_mm.config.hparams import HParams
from t2t_mm.config.run import RunConfig
from t2t_mm.data import prepare, upkeep
from t2t_mm.data.writing.options import Options
from t2t_mm.errors import UserError
from t2t_mm.modalities.categorical.spec import Categorical
from t2t_mm.modalities.image.spec import Image
from t2t_mm.runs.directory import OutputDir
from tests.data.text_problems import own, run, write

OWN_DATASET = """
import tensorflow_datasets as tfds

class OwnColours(tfds.core.GeneratorBasedBuilder):
    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        features = tfds.features.FeaturesDict({"name": tfds.features.Text()})
        return tfds.core.DatasetInfo(builder=self, features=features)

    def _split_generators(self, dl_manager):
        return {"train": ((i, {"name": f"colour {i}"}) for i in range(30))}

    def _generate_examples(self):
        pass
"""


def test_a_tfds_data_set_of_a_users_own_is_known_by_its_module(tmp_path, monkeypatch, capsys):
    (tmp_path / "own_colours_module.py").write_text(OWN_DATASET)
    monkeypatch.syspath_prepend(tmp_path)
    names = {"raw_layout": "", "dataset": "own_colours", "input_key": "name", "target_key": "name"}
    with pytest.raises(UserError, match="dataset_module 'no_such_module' can't be imported"):
        run([own("colours", dataset_module="no_such_module", **names)], tmp_path, raw=None)
    said = run([own("colours", dataset_module="own_colours_module", **names)], tmp_path, raw=None)
    assert said[0].startswith("colours: 30 train examples in ")
    assert "ownload" not in capsys.readouterr().out  # nothing was


def test_a_test_folder_alone_is_prepared_and_read_as_a_run_was_trained(tmp_path):
    for split, colours in (("train", "black green red"), ("test", "red black")):
        for colour in colours.split():
            folder = tmp_path / f"{split}_raw/mine/{split}/{colour}"
            folder.mkdir(parents=True)
            for i in range(3):
                Picture.new("RGB", (9, 9 + i), colour).save(folder / f"{i}.png")
    mine = own(
        "mine",
        raw_layout="image_folder",
        command="to-colour",
        input_key="image",
        target_key="label",
        inputs=Image(size=8),
        targets=Categorical(labels="colours"),
    )
    prepare.prepare([mine], tmp_path / "one", tmp_path / "train_raw", lambda line: None)
    trained = prepare.resolve([mine], tmp_path / "one")
    output = OutputDir(tmp_path / "run")
    output.record(HParams(), trained, RunConfig())
    said = []
    prepare.prepare([mine], tmp_path / "two", tmp_path / "test_raw", said.append)
    assert said[0] == "mine: it has no training split, so it can only be used for evaluation"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "problem", lambda name: mine)
        wanted = trainer.Run(RunConfig(), output, HParams(), [mine])
        (tested,) = prepare.located(trainer._as_trained(wanted), tmp_path / "two")
    assert tested.targets == trained[0].targets and tested.splits() == {"test": 6}
    for example in tested.examples("test").as_numpy_iterator():
        pixels = np.asarray(Picture.open(io.BytesIO(example["inputs"])))[0, 0]
        colour = tested.decode_targets([example["targets"]])
        assert tuple(pixels) == {"black": (0, 0, 0), "red": (255, 0, 0)}[colour]
    (tmp_path / "test_raw/mine/test/red").rename(tmp_path / "test_raw/mine/test/blue")
    prepare.prepare([mine], tmp_path / "three", tmp_path / "test_raw", said.append)
    with pytest.raises(UserError, match="classes that 'colours' lacks: 'blue'"):
        tested.located(tmp_path / "three").examples("test")


def test_texts_of_a_test_folder_alone_need_no_vocabulary(tmp_path):
    write(tmp_path / "raw", "first")
    for key in ("en", "de"):
        (tmp_path / f"raw/first/train.{key}").unlink()
    said = run([own("first")], tmp_path)
    assert (
        said[-1] == "vocabulary words: not trained, as no problem that names it has training data"
    )


def test_mocked_data_of_tfds_is_prepared_and_read(tmp_path):
    problems = [registry.problem("fashion_mnist"), registry.problem("ted_pten")]
    with tfds.testing.mock_data(num_examples=7):
        said = []
        prepare.prepare(problems, tmp_path / "data", None, said.append)
        assert said[0].startswith("fashion_mnist: 7 train, 7 ")
        pictures, texts = prepare.resolve(problems, tmp_path / "data")
        assert len(list(pictures.examples("train"))) == 7
        assert pictures.targets.num_classes == 10
        (example, *_) = texts.examples("train")
        assert texts.encode_targets(example["targets"]).shape[0] > 1
    with pytest.raises(UserError, match="fashion_mnist is not prepared"):
        prepare.resolve(problems[:1], tmp_path / "data")


def test_a_stock_data_set_is_made_again(tmp_path, monkeypatch):
    path = tmp_path / "own_numbers_module.py"
    path.write_text(OWN_DATASET.replace("OwnColours", "OwnNumbers"))
    monkeypatch.syspath_prepend(tmp_path)
    problem = own(
        "numbers",
        raw_layout="",
        dataset="own_numbers",
        dataset_module="own_numbers_module",
        input_key="name",
        target_key="name",
    )
    run([problem], tmp_path, raw=None)
    made = tmp_path / "data/own_numbers/1.0.0"
    before = made.stat().st_ino
    said = []
    options = Options(again=True)
    prepare.prepare([problem, problem.reversed()], tmp_path / "data", None, said.append, options)
    assert sum("was prepared again" in line for line in said) == 1  # one data set for both
    assert made.stat().st_ino != before and not (tmp_path / "data/again").exists()
    assert problem.located(tmp_path / "data").splits() == {"train": 30}
    assert run([problem], tmp_path, raw=None)[0].startswith("numbers: 30 train")
    edited = upkeep.record.read(made)
    edited[upkeep.record.KEY]["code"] = {"OwnNumbers": "another"}
    (made / "metadata.json").write_text(json.dumps(edited))
    assert "the code of OwnNumbers was edited" in run([problem], tmp_path, raw=None)[0]
