"""The output directory: what is written, and what is refused before anything is touched."""

import errno
import json

import pytest

from t2t_mm import files
from t2t_mm.config import hparams_files
from t2t_mm.config.run import RunConfig
from t2t_mm.errors import UserError
from t2t_mm.modalities.categorical.spec import Categorical
from t2t_mm.modalities.language.spec import Language
from t2t_mm.runs.directory import OutputDir
from tests.toys import TINY, Toy, ToyClass

PROBLEMS = [Toy("toy_b"), ToyClass("toy_a")]


@pytest.fixture
def trained(tmp_path):
    """The directory of a run that has a checkpoint."""
    output = OutputDir(tmp_path / "out")
    output.check_writable()
    output.record(TINY, PROBLEMS, RunConfig(train_steps=7, problems="toy_b+toy_a"))
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


def test_options_are_recorded_and_compared(trained):
    assert trained.recorded_config() == RunConfig(train_steps=7, problems="toy_b+toy_a")
    assert trained.check_config(RunConfig(train_steps=8, problems="toy_a+toy_b")) == {
        "train_steps": (8, 7)
    }
    (trained.path / "run.json").write_text('{"train_step": 7}')
    with pytest.raises(UserError, match="run.json can't be read: .*did you mean train_steps"):
        trained.check_config(RunConfig())


def test_without_recorded_options_the_model_alone_is_compared(trained):
    (trained.path / "run.json").unlink()
    assert trained.recorded_config() is None
    assert trained.check_config(RunConfig(train_steps=8, seed=3)) == {}
    with pytest.raises(UserError, match="model=multimodel, not transformer"):
        trained.check_config(RunConfig(model="transformer"))


def test_the_output_directory_may_be_the_data_directory(tmp_path):
    """Vocabularies are where they are to be copied to."""

    class Assets(Language):
        def assets(self):
            return [tmp_path / "vocabs" / "numbers.model"]

    (tmp_path / "vocabs").mkdir()
    (tmp_path / "vocabs" / "numbers.model").write_text("pieces")
    problem = Toy("toy_b")
    problem.inputs = Assets(vocab="numbers", size=12)
    OutputDir(tmp_path).record(TINY, [problem], RunConfig())
    assert (tmp_path / "vocabs" / "numbers.model").read_text() == "pieces"


def test_a_run_has_ended_when_it_says_so(trained):
    assert not trained.has_ended() and trained.state() == ""
    with trained.alone():
        trained.write_status("training", 3)
        assert not trained.has_ended() and trained.state() == "training"
        trained.write_status("ended", 3, "interrupted")
        assert trained.has_ended() and trained.state() == "ended"


def test_a_run_that_was_killed_does_not_train_for_ever(trained):
    trained.write_status("training", 3)
    assert trained.has_ended() and trained.state() == "killed"
    recorded = json.loads((trained.path / "status.json").read_text())
    trained.write_json("status.json", recorded | {"host": "another"})  # of whose locks we see none
    assert not trained.has_ended() and trained.state() == "training"
    trained.write_json("status.json", {"state": "training", "step": 3})  # of an older version
    assert not trained.has_ended()


def test_one_process_at_a_time_trains(trained):
    with trained.alone():
        with pytest.raises(UserError, match="Another process is training in .*--mode=evaluate can"):
            OutputDir(trained.path).check_free()
        with pytest.raises(UserError, match="Another process"), OutputDir(trained.path).alone():
            raise AssertionError("two train")
    trained.check_free()


def test_a_disk_that_is_full_or_read_only_is_told_with_file_and_remedy(trained, monkeypatch):
    def refuse(*args, **options):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    with pytest.raises(UserError, match="--output_dir=.* can't be written to: Read-only.*Give a"):
        trained.check_writable()

    def fill(path, content):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(files, "write_bytes", fill)
    with pytest.raises(UserError, match=r"can't be written to \(.*run.json\): No space left.*room"):
        trained.write_json("run.json", {})


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
    results = {"toy_a": {"examples": 3, "tokens": 7, "log_perplexity": 1.5, "accuracy": 25.0}}
    OutputDir(tmp_path).write_metrics("test", 40, results, {"accuracy": "%"})
    assert json.loads((tmp_path / "metrics_test.json").read_text()) == {
        "step": 40,
        "units": {"accuracy": "%"},
        "problems": {"toy_a": {"log_perplexity": 1.5, "accuracy": 25.0}},
    }


def test_an_evaluation_of_other_problems_at_the_same_step_stays(tmp_path):
    output = OutputDir(tmp_path)

    def write(step, problem):
        output.write_metrics("test", step, {problem: {"log_perplexity": 1.0 * step}}, {})
        return json.loads((tmp_path / "metrics_test.json").read_text())["problems"]

    write(40, "toy_a")
    assert write(40, "toy_b") == {
        "toy_a": {"log_perplexity": 40.0},
        "toy_b": {"log_perplexity": 40.0},
    }
    assert list(write(41, "toy_a")) == ["toy_a"]


def test_metrics_of_an_earlier_version_are_no_percentages_and_are_not_mixed_in(tmp_path):
    old = {"step": 40, "problems": {"toy_a": {"accuracy": 0.25}}}
    (tmp_path / "metrics_test.json").write_text(json.dumps(old))
    OutputDir(tmp_path).write_metrics("test", 40, {"toy_b": {"accuracy": 25.0}}, {"accuracy": "%"})
    assert "toy_a" not in (tmp_path / "metrics_test.json").read_text()


def test_only_problems_of_the_run_are_evaluated(trained):
    trained.check_are_recorded(["toy_a"])
    with pytest.raises(UserError, match="trained on toy_[ab], toy_[ab], not on toy_c"):
        trained.check_are_recorded(["toy_a", "toy_c"])


def test_a_run_is_complete_when_a_command_was_through_with_all_its_steps(trained):
    assert not trained.is_complete(0)
    trained.write_status("ended", 7, "finished")  # still to be evaluated
    assert not trained.is_complete(7)
    trained.write_complete(7, 7)
    assert trained.state() == "ended"
    assert [trained.is_complete(steps) for steps in (5, 7, 8)] == [True, True, False]
    trained.write_status("training", 7)  # it goes on
    assert not trained.is_complete(7)
    trained.write_complete(7, 7)
    (trained.checkpoints / "ckpt-3.index").unlink()
    assert not trained.is_complete(7)
