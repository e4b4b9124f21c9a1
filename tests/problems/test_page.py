"""docs/problems.md: what it shows can be registered as it stands, and is short."""

import re

import pytest

import t2t_mm
from t2t_mm import registry
from tests.pages import ROOT, blocks

PAGE = ROOT / "docs/problems.md"
CLASSES = [block.text for block in blocks(PAGE) if block.text.startswith("@registry")]
LAYOUTS = re.findall(r'raw_layout = ((?:"\w+"(?:, )?)+)', PAGE.read_text())
NAMES = {name: getattr(t2t_mm, name) for name in t2t_mm.__all__}


def test_the_page_shows_a_problem_of_each_kind():
    shown = "\n".join(CLASSES)
    ours = [each.value for each in registry.entries("modality")]
    ours = {kind.__name__ for kind in ours if kind.__module__.startswith("t2t_mm.")}
    assert {kind for kind in ours if f"{kind}(" not in shown} == {"Nothing", "Several"}
    assert "inputs = None" in shown and "inputs = {" in shown


@pytest.mark.parametrize("shown", CLASSES, ids=lambda text: re.search(r"class (\w+)", text)[1])
def test_each_is_registered_in_ten_lines(shown, apart):
    assert len(list(filter(None, shown.splitlines()))) <= 10
    exec(shown, dict(NAMES))
    problem = registry.problem(registry.snake_case(re.search(r"class (\w+)", shown)[1]))
    assert registry.reader(problem.raw_layout) and problem.description


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_that_it_names_are_there(layout):
    for name in re.findall(r"\w+", layout):
        assert registry.reader(name)
