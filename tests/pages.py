"""Finds the blocks of code in the documentation, and the commands in them.

A block begins with ``` and its language. What is done with it follows from the language, unless the
line above says otherwise:

    <!-- run -->             bash: it is run, and what it prints is the `output` block that follows
    <!-- output -->          text: what the block before prints
    <!-- not run: why -->    bash, python: names and flags are checked, and no more
    <!-- called: on what --> python: it runs, on a stand-in that takes the calls that a model takes
    <!-- shown: why -->      text: nothing can be checked
    <!-- tested: how -->     a test of its own runs it
"""

import dataclasses
import functools
import importlib
import re
import shlex
from pathlib import Path
from types import ModuleType

from t2t_mm.__main__ import COMMANDS

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
GENERATED = re.compile(r"<!-- generated: \w+ -->.*?<!-- end -->", re.DOTALL)
MODULES = {
    f"t2t-mm-{'trainer' if name == 'train' else name}": module for name, module in COMMANDS.items()
}
_OURS = re.compile(
    r"(?<![\w./-])(?:python t2t_mm_trainer\.py|t2t-mm-\w+|python -m t2t_mm \w+)(?=[ \n]|$)[^\n]*"
)
_PYTHON = re.compile(r"(?<![\w./-])python (?:-m tests\.\w+|(?:benchmarks|docs)/\S+\.py)[^\n]*")


@dataclasses.dataclass(frozen=True)
class Block:
    """A block of code.

    Attributes:
        page: its file.
        line: number of its first line.
        language: what stands behind ```.
        mark: what the comment above says, "" if there is none.
        text: its content.
    """

    page: Path
    line: int
    language: str
    mark: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@functools.cache
def text_of(page: Path) -> str:
    """A page with empty lines in the place of what is generated."""
    return GENERATED.sub(lambda found: "\n" * found[0].count("\n"), page.read_text())


def blocks(page: Path) -> list[Block]:
    """The blocks of a page. AssertionError for one that has no language, does not end, or is
    indented, where nobody would look for it."""
    found, mark, begun = list[Block](), "", None
    lines = text_of(page).split("\n")
    for number, line in enumerate(lines, 1):
        where = f"{page.name}:{number}"
        if begun and line == "```":
            start, language, above = begun
            content = "\n".join(lines[start : number - 1]) + "\n"
            found.append(Block(page, start, language, above, content))
            begun = None
        elif not begun and line.startswith("```"):
            assert line[3:], f"{where}: a block of no language"
            begun, mark = (number, line[3:], mark), ""
        elif not begun:
            is_indented = line.startswith("    ") and not lines[number - 2].strip()
            assert not is_indented, f"{where}: an indented block: fence it"
            comment = re.fullmatch(r"<!-- (.*) -->", line)
            mark = comment[1] if comment else ""
    assert not begun, f"{page.name}: a block does not end"
    return found


def joined(text: str) -> str:
    """A script with one command in each line."""
    return re.sub(r"\\\n\s*", "", text)


def commands(text: str) -> list[tuple[str, list[str]]]:
    """Our commands in a script, (name, words behind it)."""
    found = []
    for match in _OURS.finditer(joined(text)):
        words = _words(match[0].replace("python t2t_mm_trainer.py", "t2t-mm-trainer"))
        if words[0] == "python":
            words = [f"t2t-mm-{'trainer' if words[3] == 'train' else words[3]}", *words[4:]]
        found.append((words[0], words[1:]))
    return found


def scripts(text: str) -> list[tuple[Path, list[str]]]:
    """Our other programs in a script, (file, words behind it)."""
    found = []
    for match in _PYTHON.finditer(joined(text)):
        _, *words = _words(match[0])
        if words[0] == "-m":
            found.append((ROOT / words[1].replace(".", "/") / "__main__.py", words[2:]))
        else:
            found.append((ROOT / words[0], words[1:]))
    return found


def _words(line: str) -> list[str]:
    """The words of the first command of a line."""
    reader = shlex.shlex(line, posix=True, punctuation_chars="&;><")
    reader.whitespace_split, words = True, list[str]()
    for word in reader:
        if set(word) <= set("&;><"):
            break
        words.append(word)
    return words


def module(command: str) -> ModuleType:
    """The module of one of our commands; AssertionError if there is none of that name."""
    assert command in MODULES, f"there is no command {command}"
    return importlib.import_module(MODULES[command])
