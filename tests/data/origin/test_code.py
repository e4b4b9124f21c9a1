"""The code that a `generate` depends on."""

import textwrap

import pytest

from t2t_mm.data.origin import code

FILE = '''
"""A file of a user's."""
import json

LIMIT = 3


def clean(text):
    """Without spaces."""
    return text.strip()


class Base:
    def generate(self, split, raw_dir):
        yield clean(split)


class Mine(Base):
    shift = 2

    def generate(self, split, raw_dir):
        yield from super().generate(split, raw_dir)
        yield self.row(LIMIT), json.dumps({})

    def row(self, number):
        return number + self.shift


def unused():
    return 1
'''


@pytest.fixture
def digests(tmp_path):
    """The digests of Mine.generate in a file with some text replaced."""

    def of(old="", new=""):
        number = len(list(tmp_path.iterdir()))
        path = tmp_path / f"mine_{number}.py"
        path.write_text(textwrap.dedent(FILE.replace(old, new) if old else FILE))
        module = imported(path)
        return code.digests(module.Mine.generate, module.Mine)

    return of


def imported(path):
    import importlib.util

    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "old, new, edited",
    [
        ("LIMIT = 3", "LIMIT = 4", {"LIMIT"}),
        ("text.strip()", "text.lower()", {"clean"}),
        ("yield clean(split)", "yield split", {"super.generate", "clean"}),
        ("shift = 2", "shift = 3", {"self.shift"}),
        ("number + self", "number - self", {"self.row"}),
        ("json.dumps({})", "json.dumps([])", {"Mine.generate"}),
        ('"""Without spaces."""', '"""Other words."""', set()),
        ("    return number", "    # a comment\n        return (number", None),
        ("return 1", "return 2", set()),
    ],
)
def test_what_counts_is_what_the_function_does(digests, old, new, edited):
    if edited is None:
        old, new, edited = "return number + self.shift", "return (number + self.shift)  # so", set()
    before, after = digests(), digests(old, new)
    changed = {name for name in before.keys() | after if before.get(name) != after.get(name)}
    assert changed == edited


def test_code_without_a_source_is_compared_as_it_is_compiled():
    made = []
    for value in (1, 2, 1):
        space = {}
        exec(f"def generate(self, split, raw_dir):\n    yield {value}", space)
        made.append(code.digests(space["generate"], object))
    assert made[0] == made[2] != made[1]


def test_the_code_of_the_package_and_of_others_does_not_count():
    from t2t_mm.data.readers.parallel_text import ParallelText

    assert code.digests(ParallelText, ParallelText) == {}
