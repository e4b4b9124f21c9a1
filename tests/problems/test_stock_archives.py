"""Stock data sets really prepared by TFDS, from small made-up archives in the layout that it
expects."""

import io
import tarfile

import numpy as np
import promise
import pytest
from PIL import Image
from tensorflow_datasets.core import tfds_path
from tensorflow_datasets.core.download import download_manager

from t2t_mm import registry
from t2t_mm.config.hparams import HParams
from t2t_mm.data import prepare
from t2t_mm.data.pipeline import batching
from t2t_mm.data.writing.options import Options
from t2t_mm.errors import UserError

HPARAMS = HParams(batch_size=256, image_size=32)


def archive(path, files, mode="w"):
    """A tar file of {name: content}."""
    with tarfile.open(path, mode) as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


def photograph(seed):
    file = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 255, (50, 60, 3), np.uint8)
    Image.fromarray(pixels).save(file, "JPEG")
    return file.getvalue()


def test_imagenet_from_its_own_archives(tmp_path):
    labels = tfds_path("datasets/imagenet2012/labels.txt").read_text().split()[:3]
    manual = tmp_path / "manual"
    manual.mkdir()
    classes = {}
    for number, label in enumerate(labels):
        archive(
            tmp_path / "class.tar",
            {f"{label}_{i}.JPEG": photograph(10 * number + i) for i in range(5)},
        )
        classes[f"{label}.tar"] = (tmp_path / "class.tar").read_bytes()
    archive(manual / "ILSVRC2012_img_train.tar", classes)
    names = [f"ILSVRC2012_val_{i:08}.JPEG" for i in range(1, 7)]
    archive(
        manual / "ILSVRC2012_img_val.tar", {name: photograph(i) for i, name in enumerate(names)}
    )

    problem = registry.problem("imagenet").configure(HPARAMS)
    said = []
    prepare.prepare(
        [problem], tmp_path / "data", log=said.append, options=Options(manual_dir=str(manual))
    )
    problem = problem.resolve(tmp_path / "data", HPARAMS)
    assert (
        problem.splits() == {"train": 15, "validation": 6} and problem.targets.num_classes == 1000
    )
    (batch,) = batching.batches(problem, "train", HPARAMS, training=True).take(1)
    assert set(batch["targets"].numpy()[:, 0]) <= {0, 1, 2} and batch["inputs"].shape[1:] == (
        32,
        32,
        3,
    )


def test_imagenet_without_its_archives(tmp_path):
    with pytest.raises(UserError) as caught:
        prepare.prepare([registry.problem("imagenet")], tmp_path / "data", log=lambda line: None)
    for part in (
        "has to be fetched by hand",
        "ILSVRC2012_img_train.tar",
        "https://image-net.org",
        "train/<class>",
        "--problems=imagenette",
    ):
        assert part in str(caught.value)


def test_wmt14_from_its_own_archives(tmp_path, monkeypatch):
    said = "training/europarl-v7.de-en", "commoncrawl.de-en", "training/news-commentary-v9.de-en"
    lines = {
        key: "".join(f"{key} sentence {i}\n" for i in range(40)).encode() for key in ("de", "en")
    }
    files = {f"{name}.{key}": content for name in said for key, content in lines.items()}
    files |= {f"dev/newstest2013.{key}": content for key, content in lines.items()}
    for role, key in (("src", "de"), ("ref", "en")):
        rows = "".join(f'<seg id="{i}">{key} test {i}</seg>\n' for i in range(7))
        files[f"dev/newstest2014-deen-{role}.{key}.sgm"] = rows.encode()
    archive(tmp_path / "all.tgz", files, "w:gz")  # each of its addresses gives this one

    def download(self, resource):
        return promise.Promise.resolve(tmp_path / "all.tgz")

    monkeypatch.setattr(download_manager.DownloadManager, "_download_or_get_cache", download)
    problems = [registry.problem(name) for name in ("wmt_ende", "wmt_deen")]
    prepare.prepare(problems, tmp_path / "data", log=lambda line: None)
    ende, deen = prepare.resolve(problems, tmp_path / "data", HPARAMS)
    assert ende.splits() == deen.splits() == {"train": 120, "validation": 40, "test": 7}
    raw = next(deen.examples("test").as_numpy_iterator())
    assert raw["inputs"].startswith(b"de test") and raw["targets"].startswith(b"en test")
    (batch,) = batching.batches(ende, "validation", HPARAMS, training=False).take(1)
    assert ende.decode_targets(batch["targets"].numpy()[0]).startswith("de sentence")
