"""Starting from a trained model: another run's, or one's own with a problem more."""

import re

import numpy as np
import pytest

from t2t_mm.config.run import RunConfig
from t2t_mm.errors import UserError
from t2t_mm.modalities.language.spec import Language
from t2t_mm.reporting.console import Silent
from t2t_mm.runs import warm_start
from t2t_mm.runs.names import named_variables
from t2t_mm.training.trainer import Trainer
from tests.simplest import simplest
from tests.toys import TINY, Logged, Toy, ToyClass


class Other(Toy):
    """Another vocabulary, another output space."""

    command = "to-others"
    targets = Language(vocab="others", size=12)


def make(output=None, problems=None, console=None, hparams=TINY, **options):
    wanted = {"seed": 1, "train_steps": 10, "save_every": 4, "warm_start_from": ""} | options
    wanted["warm_start_from"] = str(wanted["warm_start_from"])
    config = RunConfig(**wanted, model=simplest())
    one = Trainer(problems or [Toy()], hparams, config, output, console=console or Silent())
    one.resume()
    return one


def weights(of):
    return {name: v.numpy().copy() for name, v in named_variables(of.model).items() if v.trainable}


@pytest.fixture(scope="module")
def parent(tmp_path_factory):
    """A trained run on one problem."""
    folder = tmp_path_factory.mktemp("parent")
    one = make(folder)
    one.train()
    return folder, weights(one)


def test_loads_what_fits_and_says_what_is_new(parent, tmp_path):
    folder, trained = parent
    console = Logged()
    child = make(tmp_path, [Other(), ToyClass("toy_first")], console, warm_start_from=folder)
    assert child.step == 0
    now = weights(child)
    shared = trained.keys() & now.keys()
    for name in shared:
        np.testing.assert_array_equal(now[name], trained[name], name)
    assert any(name.startswith("decoder/") for name in shared) and any(
        name.startswith("nets/") for name in shared
    )
    loaded, new, left = console.lines
    assert re.search(r"Warm start from .*ckpt-10: loaded .*decoder \([\d,]+\).*encoder", loaded)
    assert (
        "commands/to-others (16)" in new
        and "commands/to-first (16)" in new
        and "encoder" not in new
    )
    assert left == "In it but not used here: commands/to-numbers."
    child.train(2)
    again = make(tmp_path, [Other(), ToyClass("toy_first")], Logged(), warm_start_from=folder)
    assert again.step == 2  # its own checkpoint counts more


def test_rescaled_matrices_of_the_body_keep_their_direction_alone(parent):
    folder, trained = parent
    fresh = weights(make(None, [Other(), ToyClass("toy_first")]))
    now = weights(
        make(
            None, [Other(), ToyClass("toy_first")], warm_start_from=folder, warm_start_rescale=True
        )
    )
    for name in trained.keys() & now.keys():
        if not name.startswith(("encoder/", "mixer/", "decoder/")) or trained[name].ndim < 2:
            np.testing.assert_array_equal(now[name], trained[name], name)
        else:
            norm = np.linalg.norm(fresh[name])
            np.testing.assert_allclose(np.linalg.norm(now[name]), norm, rtol=1e-5)
            np.testing.assert_allclose(
                now[name], trained[name] * norm / np.linalg.norm(trained[name]), rtol=1e-4
            )


def test_a_problem_can_be_added_to_a_run(parent, tmp_path):
    first = make(tmp_path)
    first.train(5)
    console = Logged()
    more = make(tmp_path, [ToyClass("toy_first"), Toy()], console)
    changed, loaded, new = console.lines[:3]
    assert more.step == 5 and "problems=toy_first+toy_copy (was toy_copy)" in changed
    assert "ckpt-5" in loaded and "commands/to-first" in new
    for name, value in weights(first).items():
        np.testing.assert_array_equal(weights(more)[name], value)
    more.train()
    again = make(tmp_path, [Toy(), ToyClass("toy_first")])
    assert again.step == 10
    with pytest.raises(
        UserError, match="was trained on toy_copy, toy_first, not on toy_copy alone"
    ):
        make(tmp_path)


def test_a_vocabulary_of_other_content_is_not_taken_over(parent, monkeypatch):
    folder, trained = parent
    monkeypatch.setattr(
        warm_start, "_changed_nets", lambda problems, recorded: {"nets/language_numbers"}
    )
    name = next(name for name in trained if name.startswith("nets/language_numbers/"))
    child = make(warm_start_from=folder)
    assert not np.array_equal(weights(child)[name], trained[name])


def test_changed_nets_are_found_by_their_fingerprint(trained, trained_data):
    from t2t_mm import registry
    from t2t_mm.config import hparams_files
    from t2t_mm.runs.directory import OutputDir

    hparams, recorded = hparams_files.load(trained), OutputDir(trained).recorded_problems()
    problem = registry.problem("mini_ende").configure(hparams).resolve(trained_data, hparams)
    assert warm_start._changed_nets([problem], recorded) == set()
    recorded["mini_ende"]["inputs"]["fingerprint"] = recorded["mini_ende"]["targets"][
        "fingerprint"
    ] = "another"
    assert warm_start._changed_nets([problem], {"mini_ende": recorded["mini_ende"]}) == {
        f"nets/{problem.inputs.net_name()}",
        f"nets/{problem.targets.net_name()}",
    }


def test_classes_that_are_others_now_are_found_by_their_names(trained, trained_data):
    from t2t_mm import registry
    from t2t_mm.runs.directory import OutputDir

    recorded = OutputDir(trained).recorded_problems()
    problem = registry.problem("mini_imagenet").resolve(trained_data)
    assert warm_start._changed_nets([problem], recorded) == set()
    recorded["mini_imagenet"]["targets"]["names"][:2] = recorded["mini_imagenet"]["targets"][
        "names"
    ][1::-1]
    assert warm_start._changed_nets([problem], recorded) == {f"nets/{problem.targets.net_name()}"}


def test_a_moving_average_starts_from_the_loaded_weights(parent):
    folder, trained = parent
    child = make(warm_start_from=folder, hparams=TINY.replace(ema_decay=0.9))
    for name, value in child.state.average.averages.items():
        np.testing.assert_array_equal(value.numpy(), trained[name])


def test_there_is_nothing_to_start_from(tmp_path):
    with pytest.raises(UserError, match="There is no checkpoint in"):
        make(warm_start_from=tmp_path)


class Slashed(Toy):
    """Two vocabularies, one of which is called like a folder of the other."""

    inputs = Language(vocab="de", size=12)
    targets = Language(vocab="de/en", size=12)


def test_a_net_whose_vocabulary_changed_is_new_whatever_its_name(tmp_path, monkeypatch):
    folder = tmp_path / "parent"
    one = make(folder, [Slashed()])
    one.state.step = 1
    one.train(1)
    monkeypatch.setattr(Language, "means_the_same", lambda self, record: self.vocab != "de/en")
    console = Logged()
    child = make(None, [Slashed()], console, seed=2, warm_start_from=folder)
    trained, now = weights(one), weights(child)
    same = {name for name in now if np.array_equal(trained[name], now[name])}
    assert now.keys() - same == {"nets/language_de/en/input_table"}
    assert console.lines[1].endswith(" newly initialised: nets/language_de/en (192).")
