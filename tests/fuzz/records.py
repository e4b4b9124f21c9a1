"""Damaged records of a run, of prepared data and of an export: read, or refused with one line."""

from tests.fuzz import mutations
from tests.fuzz.runner import Kind

PREPARED = ("mini_ende", "mini_imagenet", "mini_speech", "wmt_ende")
METRIC = "mini_parse/log_perplexity"


def _begin(place):
    import t2t_mm

    t2t_mm.load(place / "run")  # imports what later cases would
    return place


def _case(random, place, folder, tried):
    what, read = random.choices(
        [("run", _records), ("data", _data), ("run", _run), ("export", _export)], [60, 25, 10, 5]
    )[0]
    mutations.linked(place / what, folder / what)
    small = sorted((folder / what).glob("*.json*")) if read is _records else []
    if small:
        path = random.choice(small)
        damage = f"{path.name}: {mutations.of_file(random, path)}"
    else:
        damage = mutations.of_folder(random, folder / what)
    tried[0] = f"{read.__name__[1:]}, {damage}"
    read(random, folder)


def _records(random, folder):
    """What commands read of a run before TensorFlow is imported."""
    from t2t_mm.cli import trainer
    from t2t_mm.reporting import comparison, curves, side_by_side
    from t2t_mm.runs.best import Best
    from t2t_mm.runs.directory import OutputDir

    output = OutputDir(folder / "run")
    output.need_checkpoint()
    output.check_record()
    output.has_ended()
    Best(METRIC, output.path / "best.json")
    split = "validation"
    compared = comparison.Comparison(comparison.read([str(output.path)], split), split)
    assert side_by_side.as_json(compared)
    if random.random() < 0.1 and compared.metrics:  # it takes a second
        curves.draw(compared)
    trainer.checked({"mode": "evaluate"}, output)
    names, gin = "+".join(output.recorded_problems()), str(folder / "run" / "config.gin")
    trainer.checked({"problems": names, "data_dir": "data", "gin_file": (gin,)}, output)


def _data(random, folder):
    from t2t_mm import registry
    from t2t_mm.problem import damage

    problem = registry.problem(random.choice(PREPARED)).resolve(folder / "data")
    for split in problem.splits():
        for example in damage.read(problem, problem.examples(split).as_numpy_iterator()):
            problem.targets.texts(example["targets"])


def _run(random, folder):
    import t2t_mm

    answer = t2t_mm.load(folder / "run").problems
    assert answer


def _export(random, folder):
    import t2t_mm

    model = t2t_mm.load(folder / "export")
    name = random.choice(model.problems)
    model.predict(name, ["I see two red rings."])


RECORDS = Kind("records", 0.2, _begin, _case)
