"""The output directory: what is written, and what is refused before anything is touched."""

import json

import pytest

from t2t_mm.config import hparams_files
from t2t_mm.errors import UserError
from t2t_mm.modalities.categorical.spec import Categorical
from t2t_mm.runs.directory import OutputDir
from tests.toys import TINY, Toy, ToyClass

PROBLEMS = [Toy("toy_b"), ToyClass("toy_a")]


@pytest.fixture
def trained(tmp_path):
    """The directory of a run that has a checkpoint."""
    output = OutputDir(tmp_path / "out")
    output.check_writable()
    output.record(TINY, PROBLEMS)
    output.checkpoints.mkdir()
    (output.checkpoints / "ckpt-3.index").write_text("")
    return output


def test_records_what_reproduces_the_run(trained):
    assert hparams_files.load(str(trained.path)) == TINY
    assert "hparams.hidden_size = 16" in (trained.path / "config.gin").read_text()
    recorded = trained.recorded_problems()
    assert list(recorded) == ["toy_b", "toy_a"]
    assert recorded["toy_a"]["targets"]["num_classes"] == 14
    assert not list(trained.path.glob("*.tmp"))


def test_the_same_run_goes_on_whatever_the_order_of_its_problems(trained):
    trained.check_hparams(TINY.replace(learning_rate=0.5, dropout=0.3))
    trained.check_problems(PROBLEMS[::-1])
    assert trained.ordered(["toy_a", "toy_b"]) == ["toy_b", "toy_a"]


def test_another_architecture_is_refused_by_field(trained):
    with pytest.raises(UserError, match="hidden_size=16.*now 32"):
        trained.check_hparams(TINY.replace(hidden_size=32, learning_rate=0.5))


@pytest.mark.parametrize("names", [["toy_a"], ["toy_a", "toy_c"], ["toy_c"]])
def test_a_problem_that_goes_is_refused(trained, names):
    with pytest.raises(
        UserError, match=r"toy_a, toy_b.*--problems=toy_b\+toy_a.*--warm_start_from"
    ):
        trained.check_names(names)


def test_a_problem_may_come(trained):
    trained.check_names(["toy_c", "toy_a", "toy_b"])
    assert trained.ordered(["toy_c", "toy_a", "toy_b"]) == ["toy_b", "toy_a", "toy_c"]


def test_other_classes_are_refused(trained):
    other = ToyClass("toy_a")
    other.targets = Categorical(labels="first", num_classes=13)
    with pytest.raises(UserError, match="toy_a.*targets.*num_classes was 14 and is 13"):
        trained.check_problems([PROBLEMS[0], other])


def test_another_vocabulary_of_the_same_size_is_refused(trained):
    recorded = json.loads((trained.path / "problems.json").read_text())
    recorded["problems"]["toy_b"]["inputs"]["fingerprint"] = "abc"
    (trained.path / "problems.json").write_text(json.dumps(recorded))
    with pytest.raises(UserError, match="toy_b.*inputs.*fingerprint was abc"):
        trained.check_problems(PROBLEMS)


def test_without_a_checkpoint_anything_may_start(trained):
    (trained.checkpoints / "ckpt-3.index").unlink()
    trained.check_hparams(TINY.replace(hidden_size=32))
    trained.check_problems([Toy("toy_c")])
    with pytest.raises(UserError, match="no checkpoint"):
        trained.need_checkpoint()


def test_a_file_in_the_way_is_one_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="--output_dir=.*can't be written"):
        OutputDir(tmp_path / "file" / "out").check_writable()


def test_metrics_file(tmp_path):
    results = {"toy_a": {"examples": 3, "tokens": 7, "log_perplexity": 1.5, "accuracy": 0.25}}
    OutputDir(tmp_path).write_metrics("test", 40, results)
    assert json.loads((tmp_path / "metrics_test.json").read_text()) == {
        "step": 40,
        "problems": {"toy_a": {"log_perplexity": 1.5, "accuracy": 0.25}},
    }
