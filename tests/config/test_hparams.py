"""Types, ranges, overrides, gin, JSON, conflicts with a checkpoint; and every registered set and
modifier."""

import dataclasses
import json
import re
from pathlib import Path

import pytest

from t2t_mm import registry
from t2t_mm.config import hparams_files
from t2t_mm.config.hparams import HParams, field, parse_overrides
from t2t_mm.errors import UserError


def test_replace_converts_and_leaves_the_original():
    original = HParams()
    changed = original.replace(dropout=0, hidden_size=256)
    assert changed.dropout == 0.0 and isinstance(changed.dropout, float)
    assert changed.hidden_size == 256 and original.hidden_size == 128
    with pytest.raises(dataclasses.FrozenInstanceError):
        changed.hidden_size = 3


@pytest.mark.parametrize(
    "values, message",
    [
        ({"hiden_size": 3}, "no field 'hiden_size'; did you mean hidden_size"),
        ({"hidden_size": 130}, "multiple of num_heads.*130 channels.*8 heads"),
        ({"hidden_size": 9, "num_heads": 3}, "even"),
        ({"hidden_size": "256"}, "hidden_size is an int of at least 2 .*not '256'"),
        ({"hidden_size": 256.0}, "hidden_size is an int"),
        ({"hidden_size": True}, "hidden_size is an int"),
        ({"dropout": 1.0}, "dropout is a float of at least 0.0 and below 1.0"),
        ({"dropout": -0.1}, "dropout"),
        ({"dropout": float("nan")}, "dropout"),
        ({"learning_rate": float("inf")}, "learning_rate"),
        ({"dropout": "a"}, "dropout is a float"),
        ({"attention": 1}, "attention is true or false"),
        ({"moe_layers": "all"}, "moe_layers is one of both, encoder, decoder, none"),
        ({"audio_frequency_stride": 3}, "audio_frequency_stride is one of 1, 2, 4"),
        ({"moe_k": 11}, "moe_k=11 .* moe_experts=10"),
        ({"batch_size": 0}, "batch_size"),
        ({"optimizer": None}, "optimizer is a string"),
    ],
)
def test_replace_refuses(values, message):
    with pytest.raises(UserError, match=message):
        HParams().replace(**values)


def test_parse_overrides():
    text = " hidden_size=256, dropout=1e-1,attention=False,moe_layers=none,"
    expected = {"hidden_size": 256, "dropout": 0.1, "attention": False, "moe_layers": "none"}
    assert parse_overrides(text) == expected
    assert parse_overrides("") == {}


@pytest.mark.parametrize(
    "text, message",
    [
        ("hidden_size", "name=value"),
        ("hidden_size=1.5", "hidden_size is an int"),
        ("attention=yes", "attention is true or false"),
        ("dropuot=0.1", "did you mean dropout"),
        ("dropout=0.1,dropout=0.2", "twice"),
        ("dropout=", "dropout is a float"),
    ],
)
def test_parse_overrides_refuses(text, message):
    with pytest.raises(UserError, match=message):
        parse_overrides(text)


def test_order_is_set_gin_overrides(tmp_path):
    gin_file = tmp_path / "mine.gin"
    gin_file.write_text("hparams.dropout = 0.2\nhparams.moe_k = 2\nhparams.warmup_steps = 7\n")
    resolved = hparams_files.resolve(
        "multimodel_tiny+no_moe",
        [str(gin_file)],
        ["hparams.dropout=0.3", "hparams.moe_k=3"],
        "moe_k=1",
    )
    expected = {"moe_layers": "none", "warmup_steps": 7, "dropout": 0.3, "moe_k": 1}
    assert resolved == registry.hparams("multimodel_tiny").replace(**expected)


@pytest.mark.parametrize(
    "given, message",
    [
        ({"overrides": "optimizer=muno"}, "unknown optimizer 'muno': did you mean muon"),
        ({"overrides": "schedule=linaer"}, "unknown schedule 'linaer': did you mean linear"),
        ({"gin_bindings": ["hparams.optimizer='adm'"]}, "unknown optimizer 'adm': did you mean"),
    ],
)
def test_names_of_optimizers_and_schedules_are_checked(given, message):
    with pytest.raises(registry.RegistryError, match=message):
        hparams_files.resolve("multimodel_tiny", **given)


def test_names_are_not_checked_when_a_run_is_read(tmp_path):
    """Its optimizer may be of a user's directory, which only training needs."""
    hparams_files.save(HParams(optimizer="my_own"), tmp_path)
    assert hparams_files.load(tmp_path).optimizer == "my_own"


def test_fields_that_must_agree_may_come_from_different_places():
    resolved = hparams_files.resolve("multimodel_tiny", (), ["hparams.moe_experts=2"], "moe_k=2")
    assert (resolved.moe_experts, resolved.moe_k) == (2, 2)


def test_gin_forgets_the_run_before():
    hparams_files.resolve("multimodel_tiny", (), ["hparams.dropout=0.3"])
    second = hparams_files.resolve("multimodel_tiny", (), ["hparams.warmup_steps=7"])
    assert second == registry.hparams("multimodel_tiny").replace(warmup_steps=7)


@pytest.mark.parametrize(
    "binding, message",
    [
        ("hparms.dropout=0.1", "hparms"),
        ("hparams.dropuot=0.1", "did you mean dropout"),
        ("hparams.dropout='0.1'", "dropout is a float"),
        ("hparams.dropout=", "gin"),
        ("hparams.dropout=much", "gin"),
        ("dropout=0.1", r"should be 'hparams\.dropout=0\.1'"),
    ],
)
def test_gin_refuses(binding, message):
    with pytest.raises(UserError, match=message):
        hparams_files.resolve("multimodel_tiny", (), [binding])


def test_gin_file_refuses(tmp_path):
    with pytest.raises(UserError, match="none at .*nowhere.gin"):
        hparams_files.resolve("multimodel_tiny", [str(tmp_path / "nowhere.gin")])
    bad = tmp_path / "bad.gin"
    bad.write_text("import os\nos.thing(\n")
    with pytest.raises(UserError, match="gin"):
        hparams_files.resolve("multimodel_tiny", [str(bad)])


@pytest.mark.parametrize(
    "line, message",
    [
        ("hidden_size = 256", "'hidden_size = ...' changes nothing.*'hparams.hidden_size = ...'"),
        ("left/hparams.hidden_size = 256", "'left/.*' changes nothing"),
        ('include "nowhere.gin"', "gin: .*nowhere.gin"),
    ],
)
def test_gin_files_that_would_change_nothing(tmp_path, line, message):
    file = tmp_path / "mine.gin"
    file.write_text(f"{line}\n")
    with pytest.raises(UserError, match=message):
        hparams_files.resolve("multimodel_tiny", [str(file)])
    file.write_text("hidden_size = 256\nhparams.hidden_size = %hidden_size\n")
    assert hparams_files.resolve("multimodel_tiny", [str(file)]).hidden_size == 256


def test_saved_files_reproduce_the_run(tmp_path):
    overrides = "dropout=0.25,epsilon=1e-7,mix=temperature"
    original = hparams_files.resolve("multimodel_base+no_attention", overrides=overrides)
    hparams_files.save(original, str(tmp_path / "run"))
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [
        "config.gin",
        "hparams.json",
    ]
    assert hparams_files.load(str(tmp_path / "run")) == original
    # the gin file gives them from any set
    assert hparams_files.resolve("multimodel_tiny", [str(tmp_path / "run/config.gin")]) == original


def test_json_of_another_version(tmp_path):
    fields = HParams(dropout=0.3).to_dict()
    del fields["moe_loss"]
    assert hparams_files.from_json(json.dumps(fields)) == HParams(dropout=0.3)
    (tmp_path / "hparams.json").write_text(json.dumps({"gone_field": 1}))
    with pytest.raises(UserError, match="hparams.json.*gone_field"):
        hparams_files.load(str(tmp_path))
    (tmp_path / "hparams.json").write_text("{")
    with pytest.raises(UserError, match="can't be read"):
        hparams_files.load(str(tmp_path))
    with pytest.raises(UserError, match="has no hparams.json"):
        hparams_files.load(str(tmp_path / "nowhere"))


def test_resume_conflict_names_the_architecture_fields_only():
    saved = HParams()
    saved.replace(dropout=0.3, learning_rate=1.0, batch_size=4).check_resumes(saved, "out")
    with pytest.raises(UserError, match="hidden_size=128 .now 256.") as error:
        saved.replace(hidden_size=256, attention=False, dropout=0.3).check_resumes(saved, "out")
    assert "attention=True" in str(error.value) and "dropout" not in str(error.value)
    assert {"hidden_size", "moe_experts", "num_heads"} < set(HParams.architecture_fields())


def test_every_field_is_documented_and_described():
    described = HParams().describe()
    for each in HParams.fields().values():
        assert len(each.doc) > 10, each.name
        assert f"{each.name} " in described and each.doc in described


@dataclasses.dataclass(frozen=True)
class MyHParams(HParams):
    my_field: int = field(3, "a field of my own model", low=1, architecture=True)


@pytest.fixture
def mine(apart):
    """A registered model with a field of its own."""
    registry.register_model("mine", hparams=MyHParams)(type("Mine", (), {}))


def test_a_model_brings_fields_of_its_own(mine, tmp_path):
    """From the command line, gin and JSON, and in what a checkpoint fixes."""
    resolved = hparams_files.resolve(
        "multimodel_tiny", (), ["hparams.my_field=4"], "dropout=0.5", model="mine"
    )
    expected = MyHParams(**registry.hparams("multimodel_tiny").to_dict())
    assert resolved == expected.replace(my_field=4, dropout=0.5) and type(resolved) is MyHParams
    hparams_files.save(resolved, tmp_path)
    assert hparams_files.load(tmp_path, "mine") == resolved
    gin_file = str(tmp_path / "config.gin")
    assert hparams_files.resolve("multimodel_tiny", [gin_file], model="mine") == resolved
    changed = hparams_files.resolve(resolved, overrides="my_field=5")
    assert changed.diff(resolved) == {"my_field": (5, 4)}
    with pytest.raises(UserError, match="trained with my_field=4 .now 5."):
        changed.check_resumes(resolved, "out")
    assert "a field of my own model" in resolved.describe()


@pytest.mark.parametrize("model", ["multimodel", None])
def test_fields_of_another_model_are_refused(mine, tmp_path, model):
    for change in ({"gin_bindings": ["hparams.my_field=4"]}, {"overrides": "my_field=4"}):
        with pytest.raises(UserError, match="no field 'my_field'"):
            hparams_files.resolve("multimodel_tiny", model=model, **change)
    hparams_files.save(MyHParams(), tmp_path)
    with pytest.raises(UserError, match="can't be read.*my_field"):
        hparams_files.load(tmp_path, model)
    with pytest.raises(UserError, match="my_field, which the model multimodel lacks"):
        hparams_files.resolve(MyHParams(), model="multimodel")


def test_the_hparams_of_a_model_have_to_be_a_dataclass(mine):
    registry.register_model("bare", hparams=type("Bare", (HParams,), {}))(type("Bare", (), {}))
    registry.register_model("of_a_dict", hparams=dict)(type("OfADict", (), {}))
    for name in ("bare", "of_a_dict"):
        with pytest.raises(UserError, match=f"{name}: .* has to be a dataclass"):
            hparams_files.resolve("multimodel_tiny", model=name)


@pytest.mark.parametrize("name", registry.list_hparams())
def test_every_set(name):
    assert isinstance(registry.hparams(name), HParams)
    for modifier in registry.list_hparams_modifiers():
        changed = registry.hparams(f"{name}+{modifier}")
        assert changed != registry.hparams(name), f"{modifier} changes nothing in {name}"


@pytest.mark.parametrize("kind", ["hparams set", "hparams modifier", "model", "mixture", "problem"])
def test_everything_registered_is_described(kind):
    for entry in registry.entries(kind):
        assert entry.description.endswith((".", "?")), (
            f"{entry.place}: {entry.name} has no description"
        )


def test_example_gin_file():
    example = Path(__file__).parents[2] / "hparams" / "example.gin"
    changed = hparams_files.resolve("multimodel_tiny", [str(example)])
    assert changed.schedule == "cosine"


def test_every_field_is_read():
    root = Path(__file__).parents[2]
    files = [*(root / "t2t_mm").rglob("*.py"), *(root / "problems").rglob("*.py")]
    code = "\n".join(path.read_text() for path in files)
    unread = [
        f.name for f in dataclasses.fields(HParams) if not re.search(rf"hparams\.{f.name}\b", code)
    ]
    assert not unread
