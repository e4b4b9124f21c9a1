"""Names, look-ups, and the loading of directories."""

import re
import subprocess
import sys
import textwrap
import types

import pytest

from t2t_mm import registry

pytestmark = pytest.mark.usefixtures("apart")


class Toy:
    """A stand-in for Problem: the registry knows only these three methods."""

    done = ()

    def check(self):
        pass

    def reversed(self):
        other = type(self)()
        other.done = (*self.done, "reversed")
        return other

    def copied(self):
        other = type(self)()
        other.done = (*self.done, "copied")
        return other


@pytest.fixture
def toys():
    for name in ("toy_a", "toy_b", "toy_c", "toy_c_rev"):
        registry.register_problem(name)(type(name, (Toy,), {}))


@pytest.mark.parametrize(
    "name, expected",
    [
        ("WmtEnde", "wmt_ende"),
        ("T2TThing", "t2t_thing"),
        ("MSCoco", "ms_coco"),
        ("WmtEnde8k", "wmt_ende8k"),
        ("Mini8World", "mini8_world"),
        ("already_snake", "already_snake"),
        ("WSJ", "wsj"),
    ],
)
def test_snake_case(name, expected):
    assert registry.snake_case(name) == expected


def test_register_bare_and_named():
    @registry.register_problem
    class TwoWords(Toy):
        """First line.

        Second.
        """

    @registry.register_problem("other_name")
    class Whatever(Toy):
        pass

    assert registry.problem_class("two_words") is TwoWords
    assert registry.problem_class("other_name") is Whatever
    assert {"two_words", "other_name"} <= set(registry.list_problems())
    described = {entry.name: entry.description for entry in registry.entries("problem")}
    assert described["two_words"] == "First line."
    assert described["other_name"] == ""  # not the docstring that it inherits


def test_problem_is_fresh_and_named(toys):
    first, second = registry.problem("toy_a"), registry.problem("toy_a")
    assert first.name == "toy_a"
    assert first is not second


def test_modifiers(toys):
    assert registry.problem("toy_a_rev").done == ("reversed",)
    assert registry.problem("toy_a_rev").name == "toy_a_rev"
    assert registry.problem("toy_a_copy_rev").done == ("copied", "reversed")
    assert registry.problem("toy_c_rev").done == ()  # registered under its full name
    assert registry.problem("toy_c_rev_copy").done == ("copied",)
    with pytest.raises(registry.RegistryError, match="twice"):
        registry.problem("toy_a_rev_rev")


def test_duplicate_names_both_places():
    with pytest.raises(registry.RegistryError) as error:
        registry.register_problem("same")(Toy)
        registry.register_problem("same")(Toy)
    first, second = re.findall(r"test_registry.py:(\d+)", str(error.value))
    assert int(second) == int(first) + 1


def test_a_name_is_one_thing_on_its_flag(toys):
    with pytest.raises(registry.RegistryError, match="registered twice.*a problem.*a mixture"):
        registry.register_mixture("toy_a")(lambda: ["toy_b"])
    with pytest.raises(registry.RegistryError, match="hparams modifier"):
        registry.hparams("no_moe")


def test_notebook_cell_run_again_replaces(monkeypatch):
    cell = "@registry.register_problem\nclass Cell(Toy):\n    version = {}\n"
    main = types.ModuleType("__main__")  # as in IPython: a __main__ without a file
    main.__dict__.update(registry=registry, Toy=Toy)
    monkeypatch.setitem(sys.modules, "__main__", main)
    for version in (1, 2):
        exec(compile(cell.format(version), f"/tmp/ipykernel/{version}.py", "exec"), main.__dict__)
    assert registry.problem("cell").version == 2


def test_script_registering_twice_is_an_error(monkeypatch):
    script = "@registry.register_problem\nclass Cell(Toy):\n    pass\n" * 2
    main = types.ModuleType("__main__")
    main.__dict__.update(registry=registry, Toy=Toy, __file__="script.py")
    monkeypatch.setitem(sys.modules, "__main__", main)
    with pytest.raises(registry.RegistryError, match=r"script.py:1 .*script.py:4"):
        exec(compile(script, "script.py", "exec"), main.__dict__)


def test_bad_names():
    with pytest.raises(registry.RegistryError, match="made of a-z"):
        registry.register_problem("a+b")(Toy)


@pytest.mark.parametrize(
    "look_up, name, near",
    [
        (registry.problem, "toy_aa", "toy_a"),
        (registry.problem, "tyo_a_rev", "toy_a_rev"),
        (registry.hparams, "multimodel_tinny", "multimodel_tiny"),
        (registry.hparams, "multimodel_tiny+no_meo", "no_moe"),
        (registry.model, "multimodl", "multimodel"),
    ],
)
def test_unknown_names_suggest(toys, look_up, name, near):
    with pytest.raises(registry.RegistryError) as error:
        look_up(name)
    assert near in str(error.value) and "--registry_help" in str(error.value)


def test_hparams_set_and_modifiers():
    changed = registry.hparams("multimodel_tiny+no_moe+no_attention")
    assert changed.diff(registry.hparams("multimodel_tiny")) == {
        "moe_layers": ("none", "both"),
        "attention": (False, True),
    }


def test_model_may_be_a_function_or_a_class():
    registry.register_model("toy_model")(Toy)
    registry.register_model("late_model")(lambda: Toy)
    assert registry.model("toy_model") is registry.model("late_model") is Toy


def test_a_model_may_bring_its_own_hparams():
    own = type("Own", (), {})
    registry.register_model(hparams=own)(type("ToyModel", (), {}))
    registry.register_model("plain")(Toy)
    assert registry.hparams_class("toy_model") is own and registry.hparams_class("plain") is None
    with pytest.raises(registry.RegistryError, match="toy_model"):
        registry.hparams_class("toy_mdoel")


def test_a_class_is_told_its_name():
    """A modality's `kind` and a metric's `name`, which also name it in the registry."""

    class Base:
        kind = name = "base"
        net = higher_is_better = None

    @registry.register_modality
    class TimeSeries(Base):
        pass

    @registry.register_modality
    class Other(Base):
        kind = "graph"

    @registry.register_metric("length")
    class Words(Base):
        pass

    assert registry.modality("time_series") is TimeSeries and TimeSeries.kind == "time_series"
    assert registry.modality("graph") is Other
    assert (
        isinstance(registry.metric("length"), Words) and registry.metric("length").name == "length"
    )
    assert Base.kind == Base.name == "base"


def test_optimizers_and_schedules_are_functions():
    @registry.register_schedule
    def flat(progress, step, warmup):
        return 1.0

    registry.register_optimizer("sgd")(Toy)
    assert registry.schedule("flat") is flat and "flat" in registry.list_schedules()
    assert registry.optimizer("sgd") is Toy and "sgd" in registry.list_optimizers()
    with pytest.raises(registry.RegistryError, match="unknown schedule 'flatt': did you mean flat"):
        registry.schedule("flatt")


def test_only_what_is_asked_for_is_loaded():
    script = (
        "import sys; from t2t_mm import registry\n"
        "assert registry.list_schedules()\n"
        "parts = {name.split('.')[1] for name in sys.modules if name.startswith('t2t_mm.')}\n"
        "print(parts & {'problems', 'hparams_sets', 'modalities', 'data', 'evaluation'})"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "set()\n", done.stdout + done.stderr


def test_ranged_hparams():
    @registry.register_ranged_hparams
    def dropouts():
        """Dropout alone."""
        return {"dropout": [0.0, 0.1]}

    assert registry.ranged_hparams("dropouts") == {"dropout": [0.0, 0.1]}
    assert registry.list_ranged_hparams() == [
        "dropouts",
        "multimodel_adam_range",
        "multimodel_range",
    ]


# ---------------------------------------------------------------------------------------------
# directories


def write(folder, **files):
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(text))
    return str(folder)


ONE = """
    from t2t_mm import registry

    @registry.register_problem
    class MyOwn:
        '''Mine.'''

        def check(self):
            pass
"""


@pytest.mark.parametrize("with_init", [False, True])
def test_load_directory(tmp_path, with_init):
    files = {
        "common": "NAME = 'helped'",
        "own": "from .common import NAME\n" + textwrap.dedent(ONE),
    }
    path = write(tmp_path / "my-stuff", **files, **({"__init__": ""} if with_init else {}))
    registry.load_directory(path)
    registry.load_directory(path + "/")
    assert registry.problem("my_own").name == "my_own"


def test_what_editors_and_other_systems_leave_is_no_module(tmp_path):
    path = write(tmp_path / "mine", one=ONE)
    for name in (".#one.py", "._one.py"):
        (tmp_path / "mine" / name).write_bytes(b"\xff\0")
    registry.load_directory(path)
    assert "my_own" in registry.list_problems()
    path = write(tmp_path / "dotted", **{"one.2": ONE})
    with pytest.raises(registry.RegistryError, match=r"one\.2\.py.*can't be imported"):
        registry.load_directory(path)


@pytest.mark.parametrize(
    "kind, base", [("problem", "Problem"), ("modality", "Modality"), ("metric", "Metric")]
)
def test_a_class_of_the_wrong_base(kind, base):
    register = getattr(registry, f"register_{kind}")
    with pytest.raises(registry.RegistryError, match=f"'thing' .* subclass of t2t_mm.{base}"):
        register("thing")(type("Thing", (), {}))
    with pytest.raises(registry.RegistryError, match=f"a {kind} is a class"):
        register("thing")(lambda: None)


def test_user_directory_cannot_take_a_built_in_name(tmp_path):
    path = write(
        tmp_path / "mine",
        sets="""
        from t2t_mm import registry

        @registry.register_hparams
        def multimodel_tiny():
            pass
    """,
    )
    with pytest.raises(
        registry.RegistryError, match=r"_tiny.*hparams/multimodel.py:\d+.*sets.py:4"
    ):
        registry.load_directory(path)


@pytest.mark.parametrize(
    "text, message",
    [
        ("x = 1\nraise ValueError('no\\n good')", "broken.py, line 2: ValueError: no good"),
        ("x = 1\n\ndef f(:\n", "broken.py, line 3: SyntaxError"),
        ("import json\njson.loads('{')", "broken.py, line 2: JSONDecodeError"),
        (
            "import nothing_like_it",
            "line 1: ModuleNotFoundError: No module named 'nothing_like_it'",
        ),
        ("raise SystemExit(3)", "broken.py, line 1: SystemExit"),
    ],
)
def test_exception_in_a_users_file(tmp_path, text, message):
    path = write(tmp_path / "mine", broken=text)
    with pytest.raises(registry.RegistryError, match=message):
        registry.load_directory(path)


def test_mended_file_is_loaded(tmp_path):
    path = write(tmp_path / "mine", a_good=ONE, broken="1 / 0")
    with pytest.raises(registry.RegistryError):
        registry.load_directory(path)
    write(tmp_path / "mine", broken="")
    registry.load_directory(path)
    assert "my_own" in registry.list_problems()


def test_missing_directory(tmp_path):
    with pytest.raises(registry.RegistryError, match="nowhere"):
        registry.load_directory(str(tmp_path / "nowhere"))
