"""Options of a run: what they may be, and what another value than before means."""

import json

import pytest

from t2t_mm.config.run import GROUPS, LOGGED, REFUSED, RunConfig
from t2t_mm.errors import UserError


def test_every_option_is_documented_and_belongs_to_a_section_of_help():
    for name, field in RunConfig.fields().items():
        assert field.doc and field.more["group"] in GROUPS, name


@pytest.mark.parametrize(
    "options, message",
    [
        ({"train_steps": 0}, "train_steps is an int of at least 1"),
        ({"mode": "trian"}, "mode is one of train_and_evaluate, train, evaluate"),
        ({"gin_file": [3]}, "gin_file is several strings"),
        ({"patience": 2}, "--patience needs --keep_best"),
        ({"keep_best": "accuracy"}, "--keep_best=accuracy is not problem/metric"),
        ({"keep_best": "a/b", "mode": "train"}, "--keep_best needs evaluations: --mode"),
        ({"keep_best": "a/b", "eval_every": 0}, "--eval_every=0 makes none"),
        ({"continuous": True}, "--continuous is for --mode=evaluate"),
        ({"warm_start_rescale": True}, "--warm_start_rescale needs --warm_start_from"),
        (
            {"skip_nonfinite": True, "steps_per_execution": 5},
            "--skip_nonfinite decides after each step, --steps_per_execution=5",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(options, message):
    with pytest.raises(UserError) as error:
        RunConfig(**options)
    assert message in str(error.value)


def test_options_survive_json():
    config = RunConfig(problems="mini8", gin_file=("a.gin", "b.gin"), train_steps=7)
    assert RunConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    assert RunConfig.from_dict({"seed": 3}) == RunConfig(seed=3)
    with pytest.raises(UserError, match="no field 'train_step'; did you mean train_steps"):
        RunConfig.from_dict({"train_step": 3})


def test_what_changes_the_result_is_a_change_and_the_rest_is_none():
    now = RunConfig(train_steps=2000, seed=1, precision="bfloat16", save_every=7, eval_steps=3)
    assert now.changes(RunConfig()) == {
        "train_steps": (2000, 1000),
        "seed": (1, 0),
        "precision": ("bfloat16", "float32"),
    }
    marks = {name: field.more["resume"] for name, field in RunConfig.fields().items()}
    assert {name for name, mark in marks.items() if mark == REFUSED} == {"model"}
    assert {"problems", "train_steps", "seed", "precision"} < {
        name for name, mark in marks.items() if mark == LOGGED
    }


def test_decisive_options_are_those_that_may_not_differ_unnoticed():
    found = RunConfig(seed=3, data_dir="data").decisive()
    assert found["seed"] == 3 and found["model"] == "multimodel"
    assert not {"data_dir", "save_every", "log_json", "hparams"} & set(found)


def test_another_model_is_refused():
    with pytest.raises(UserError, match="model=transformer, not multimodel.*another --output_dir"):
        RunConfig().changes(RunConfig(model="transformer"))


def test_a_mixture_is_what_its_problems_and_weights_are():
    pair = RunConfig(problems="mini_ende+mini_parse")
    assert not pair.changes(RunConfig(problems="mini_parse+mini_ende"))
    assert list(pair.changes(RunConfig(problems="mini_ende:2+mini_parse"))) == ["problems"]
    assert not RunConfig(problems="own_a+own_b").changes(RunConfig(problems="own_b+own_a"))
    assert RunConfig(problems="mini_ende:2+mini_parse").weights() == {
        "mini_ende": 2.0,
        "mini_parse": 1.0,
    }
    assert RunConfig().weights() == {}
