"""What several test files share: the mini world, small, and a run on it."""

import gc
import os
import sys
from pathlib import Path

import pytest

from t2t_mm import compat, registry
from t2t_mm.locks import locked

HERE = Path(__file__).parent

if "PYTEST_XDIST_WORKER" in os.environ:
    # No core is left for a second thread, of a worker or of the commands that it starts.
    os.environ["TF_NUM_INTRAOP_THREADS"] = "1"
# What XLA compiles here runs once or twice.
os.environ.setdefault(
    "XLA_FLAGS",
    "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true",
)

from tests.imported import tf  # noqa: E402

compat.sum_in_order()  # tests compare bits of runs, which a sum in another order would change

# Four devices for tests of distribution; all else runs on the first.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 4
)


def pytest_configure(config):
    """Files are begun in the order of `pytest_collection_modifyitems`, where there are workers."""
    config.option.loadscopereorder = False


# The longest files, a minute of CPU or more each: begun last, one worker alone would be at them.
LONGEST = (
    "problems/test_conformance",
    "extension/test_kinds",
    "export/test_export",
    "execution/test_replicas",
    "training/test_trainer",
    "test_notebooks",
    "layers/test_conformance",
    "extension/test_extension",
    "models/test_keras",
    "golden/test_golden",
)


def pytest_collection_modifyitems(items):
    """The longest files first."""

    def place(item):
        name = item.path.relative_to(HERE).with_suffix("").as_posix()
        return LONGEST.index(name) if name in LONGEST else len(LONGEST)

    items.sort(key=place)


@pytest.fixture
def apart(monkeypatch):
    """What a test registers or loads is forgotten after it."""
    for kind in registry.KINDS:
        registry.entries(kind)
    monkeypatch.setattr(
        registry, "_entries", {space: dict(t) for space, t in registry._entries.items()}
    )
    monkeypatch.setattr(registry, "_loaded", set(registry._loaded))
    yield
    for name in [name for name in sys.modules if name.startswith("t2t_usr_")]:
        del sys.modules[name]


@pytest.fixture(autouse=True, scope="module")
def _graphs_go():
    """Frees the graphs that a module's tests made: TensorFlow's registry of gradients keeps each
    that had one, some 100 MB a trained model. Those that models share stay."""
    from tensorflow.python.framework import ops

    from t2t_mm.layers import kernels

    gradients = ops.gradient_registry._registry
    before, of_shared = set(gradients), set()
    trace = kernels.traced

    def traced(*args):
        earlier = set(gradients)
        graph = trace(*args)
        of_shared.update(set(gradients) - earlier)
        return graph

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "traced", traced)
        yield
    if gone := set(gradients) - before - of_shared:
        for name in gone:
            del gradients[name]
        gc.collect()
        gc.freeze()  # what is left stays: no need to look at it again and again


@pytest.fixture(autouse=True, scope="module")
def _users_go():
    """What a module's tests loaded from directories of users is registered for no other."""
    before = set(registry._loaded)
    yield
    gone = {name for name in registry._loaded - before if name.startswith("t2t_usr_")}
    registry._loaded -= gone
    for table in registry._entries.values():
        for name, entry in list(table.items()):
            if entry.value.__module__.partition(".")[0] in gone:
                del table[name]
    for name in [name for name in sys.modules if name.partition(".")[0] in gone]:
        del sys.modules[name]


def made_once(factory, name, make):
    """A directory that the first worker to need it fills by `make(directory)`, for all of them."""
    shared = "PYTEST_XDIST_WORKER" in os.environ
    place = (factory.getbasetemp().parent if shared else factory.getbasetemp()) / name
    done = place.with_suffix(".done")
    with locked(f"{place}.lock", seconds=300):
        if not done.exists():
            place.mkdir()
            make(place)
            done.touch()
    return place


@pytest.fixture(scope="session")
def trained_data(tmp_path_factory):
    """Data directory of a small mini world."""
    return made_once(tmp_path_factory, "mini_data", _prepare)


def _prepare(data):
    from t2t_mm import mixtures
    from t2t_mm.data import prepare
    from t2t_mm.data.mini_world import MiniWorld

    problems = [registry.problem(name) for name in mixtures.parse("mini8")]
    with pytest.MonkeyPatch.context() as patch:
        for config in MiniWorld.BUILDER_CONFIGS:
            for split, count in (("train", 60), ("validation", 20), ("test", 20)):
                patch.setattr(config, split, count)
        prepare.prepare(problems, data, log=lambda line: None)


@pytest.fixture(scope="session")
def trained(trained_data, tmp_path_factory):
    """Output directory of a run of two steps on all eight problems, which leave the weights as they
    are: nothing is compiled."""
    return str(made_once(tmp_path_factory, "mini_run", lambda output: _train(trained_data, output)))


def _train(data, output):
    from t2t_mm import mixtures
    from t2t_mm.config.run import RunConfig
    from t2t_mm.data import prepare
    from t2t_mm.reporting.console import Silent
    from t2t_mm.training.trainer import Trainer
    from tests.toys import SMALL, without_work

    problems = [registry.problem(name).configure(SMALL) for name in mixtures.parse("mini8")]
    problems = prepare.resolve(problems, data, SMALL)
    config = RunConfig(train_steps=2, mode="train")
    without_work(Trainer(problems, SMALL, config, output, console=Silent())).train()


@pytest.fixture(scope="session")
def loaded(trained):
    """The model of `trained`, with what it has compiled so far; not to be changed."""
    import t2t_mm

    return t2t_mm.load(trained)
