"""Imports what registers things: the built-in catalogues and a user's directory alike."""

import importlib
import importlib.machinery
import importlib.util
import os
import pkgutil
import re
import sys
import traceback
import zlib

# Catalogues that stand at the top of a checkout -> their folder; setup.py puts them in the package.
CATALOGUES = {"t2t_mm.problems": "problems", "t2t_mm.hparams_sets": "hparams"}


def import_built_in(home: str) -> None:
    """Imports what registers the built-in things of a kind.

    Args:
        home: a name in CATALOGUES, of which all files are imported as `import_directory` does; a
            module; or several, as "package.*" or, of the packages in it, "package.*.module".
    """
    if home not in CATALOGUES:
        _import_modules(home)
        return
    here = os.path.dirname(os.path.realpath(__file__))
    installed = os.path.join(here, home.rpartition(".")[2])
    checkout = os.path.join(os.path.dirname(here), CATALOGUES[home])
    import_directory(installed if os.path.isdir(installed) else checkout, home)


def _import_modules(pattern: str) -> None:
    name, star, module = pattern.partition(".*")
    package = importlib.import_module(name)
    for found in pkgutil.iter_modules(package.__path__) if star else ():
        wanted = f"{name}.{found.name}{module}"
        if not module or found.ispkg and importlib.util.find_spec(wanted):
            importlib.import_module(wanted)


def package_name(path: str) -> str:
    """The name under which a user's directory is imported: the same each time, and no other
    module's."""
    folder = re.sub(r"\W", "_", os.path.basename(path))
    return f"t2t_usr_{folder}_{zlib.crc32(path.encode()):08x}"


def import_directory(path: str, package: str) -> None:
    """Imports `package` with `path` as its folder, then every *.py file in it, in the order of
    their names.

    Raises ImportError, with the file and line in the directory that is to blame, whatever happened
    there.
    """
    try:
        if package not in sys.modules:
            _import_package(path, package)
        for file in sorted(os.listdir(path)):
            stem, extension = os.path.splitext(file)
            if (
                extension == ".py" and stem != "__init__" and not stem.startswith(".")
            ):  # an editor's or a Mac's
                if "." in stem:
                    raise ImportError(
                        f"{os.path.join(path, file)}: a name with a dot in it can't be imported"
                    )
                importlib.import_module(f"{package}.{stem}")
    except (Exception, SystemExit) as error:
        raise ImportError(_blame(error, path)) from error


def _import_package(path: str, package: str) -> None:
    init = os.path.join(path, "__init__.py")
    spec = importlib.machinery.ModuleSpec(package, None, is_package=True)
    spec.submodule_search_locations = [path]
    if os.path.isfile(init):
        found = importlib.util.spec_from_file_location(
            package, init, submodule_search_locations=[path]
        )
        spec = found or spec
    sys.modules[package] = importlib.util.module_from_spec(spec)
    try:
        if spec.loader:
            spec.loader.exec_module(sys.modules[package])
    except BaseException:
        del sys.modules[package]
        raise


def _blame(error: BaseException, path: str) -> str:
    """ "file, line n: what happened", for the innermost line that stands in the directory."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}, line {error.lineno}: {type(error).__name__}: {error.msg}"
    what = " ".join(f"{type(error).__name__}: {error}".split())
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename.startswith(path)
    ]
    return (
        f"{frames[-1].filename}, line {frames[-1].lineno}: {what}" if frames else f"{path}: {what}"
    )


def user_directories() -> list[str]:
    """The users' directories that are imported, so that another process can import them too."""
    name = re.compile(r"t2t_usr_\w+_[0-9a-f]{8}")
    return [module.__path__[0] for key, module in list(sys.modules.items()) if name.fullmatch(key)]
