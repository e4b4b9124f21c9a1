"""What a function's results depend on in code: its own source, and that of what it calls."""

import ast
import hashlib
import inspect
import pathlib
import sys
import sysconfig
import textwrap
from collections.abc import Iterator
from typing import Any

# Code of others, which their versions speak for.
_INSTALLED = (*(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")),)
_PLAIN = (str, bytes, int, float, complex, type(None))


def digests(function: Any, owner: type) -> dict[str, str]:
    """{name: digest} of the code of a method of `owner`: of itself, and of the functions, classes
    and plain constants of the user's own files that it names, at any depth.

    Comments, docstrings and layout don't count.
    """
    found: dict[str, str] = {}
    _add(function.__qualname__, function, owner, found)
    return found


def _add(name, value, owner, found):
    """Adds what `value` is made of to `found`."""
    if name in found:
        return
    if _is_plain(value):
        found[name] = _digest(repr(value))
        return
    value = inspect.unwrap(getattr(value, "__func__", getattr(value, "fget", None) or value))
    if not (inspect.isfunction(value) or inspect.isclass(value)) or not _is_users(value):
        return
    tree = _tree(value)
    if tree is None:
        code = getattr(value, "__code__", None)
        found[name] = _digest(code.co_code + repr(code.co_consts).encode()) if code else ""
        return
    found[name] = _digest(ast.unparse(tree))
    known = _known(value)
    for dotted in sorted(set(_names(tree))):
        for other in _looked_up(dotted, known, owner):
            _add(dotted, other, owner, found)


def _is_plain(value):
    if isinstance(value, tuple | list | set | frozenset):
        return len(value) < 1_000 and all(map(_is_plain, value))
    if isinstance(value, dict):
        return len(value) < 1_000 and all(
            _is_plain(each) for pair in value.items() for each in pair
        )
    return isinstance(value, _PLAIN)


def _is_users(value):
    """Whether a function or class stands in a file of the user's."""
    try:
        path = inspect.getfile(value)
    except (TypeError, OSError):  # built in, or of an interactive session
        return inspect.isfunction(value)
    package = f"{pathlib.Path(__file__).parents[2]}/"
    return not path.startswith((*_INSTALLED, package, "<frozen"))


def _tree(value):
    """The syntax of a function or class, without docstrings; None if there is no source."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(value)))
    except (OSError, TypeError, SyntaxError):  # the last for a lambda in the middle of a line
        return None
    for node in ast.walk(tree):
        may_be_documented = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        if may_be_documented and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return tree


def _known(value):
    """{name: value} of what the names in a function or class may mean."""
    if inspect.isfunction(value):
        return value.__globals__ | inspect.getclosurevars(value).nonlocals
    return vars(sys.modules.get(value.__module__, object))


def _names(tree) -> Iterator[str]:
    """The names, and the dotted names, that stand in code: "read", "self.limit", "helpers.read"."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            of = node.value.func if isinstance(node.value, ast.Call) else node.value
            if isinstance(of, ast.Name):  # helpers.read, self.read, super().read
                yield f"{of.id}.{node.attr}"


def _looked_up(dotted, known, owner) -> list[Any]:
    """What a name means: [] if that is nothing that says what the code does."""
    name, _, attribute = dotted.partition(".")
    if attribute and name in ("self", "cls", "super"):
        classes = owner.__mro__[1:] if name == "super" else owner.__mro__
        return [vars(each)[attribute] for each in classes if attribute in vars(each)][:1]
    if name not in known:
        return []
    value = known[name]
    if not attribute:
        return [value]
    is_holder = inspect.ismodule(value) or inspect.isclass(value)
    return [vars(value)[attribute]] if is_holder and attribute in vars(value) else []


def _digest(content):
    content = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(content, digest_size=8).hexdigest()
