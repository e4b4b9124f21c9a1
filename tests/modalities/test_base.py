"""Inputs that are NumPy files, and what is none."""

import io
import os

import numpy as np
import pytest

from t2t_mm.modalities.base import Modality


def saved(values, save=np.save):
    file = io.BytesIO()
    save(file, values)
    return file.getvalue()


def test_a_numpy_file_is_read_by_path_bytes_and_open_file(tmp_path):
    content = saved(np.arange(5))
    (tmp_path / "a.npy").write_bytes(content)
    for value in (tmp_path / "a.npy", str(tmp_path / "a.npy"), content, io.BytesIO(content)):
        np.testing.assert_array_equal(Modality().read(value), np.arange(5))
    for value in (tmp_path / "a.npy", str(tmp_path / "a.npy"), content):
        np.testing.assert_array_equal(Modality().store(value, None), np.arange(5))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text",
        saved(np.arange(5))[:-3],
        saved(np.array([{}], object)),
        saved(np.arange(5), np.savez),
        saved(np.arange(5), np.savez)[:-9],
        saved(np.array([np.nan])),
    ],
)
def test_what_is_no_numpy_file_is_refused(content):
    with pytest.raises(ValueError):
        Modality().read(content)


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "sparse"])
def test_what_is_no_file_is_never_opened(kind, tmp_path):
    path = tmp_path / "a.npy"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    else:
        with open(path, "wb") as file:
            file.truncate(50 * 2**30)
    with pytest.raises(ValueError, match="not a regular file|bytes long, where 268,435,456"):
        Modality().read(path)
