"""Damaged raw folders of each layout: prepared, and read as training reads them."""

import shutil

from tests.fuzz import mutations
from tests.fuzz.place import LAYOUTS, TABLES
from tests.fuzz.runner import Kind


def _begin(place):
    return place


def _case(random, place, folder, tried):
    from t2t_mm import registry
    from t2t_mm.data import prepare

    name = random.choice(LAYOUTS + TABLES)
    raw = folder / "raw"
    shutil.copytree(place / "raw" / name, raw / name)
    damages = [mutations.of_folder(random, raw / name) for _ in range(random.choice((1, 1, 2)))]
    tried[0] = f"{name}, {'; '.join(damages)}"
    problem = registry.problem(name) if name in LAYOUTS else _on_table(name)
    prepare.prepare_data(problem, folder / "data", raw, log=lambda line: None)
    located = problem.located(folder / "data")
    for split in located.splits():
        for example in located.examples(split).as_numpy_iterator():
            located.targets.texts(example["targets"])
            if not located.inputs.is_text:  # whose vocabulary is not made
                located.encode_inputs(example["inputs"])


def _on_table(layout):
    """A problem on a table."""
    from t2t_mm.modalities.categorical.spec import Categorical
    from t2t_mm.modalities.language.spec import Language
    from t2t_mm.problem.base import Problem

    class OnTable(Problem):
        name = raw_layout = layout
        input_key, target_key = "text", "label"
        command = "to-label"
        inputs = Language(vocab="texts")
        targets = Categorical(labels="labels")

    return OnTable()


RAW = Kind("raw", 0.3, _begin, _case)
