"""What an installation consists of, and that it works away from the checkout."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel, built without the network from a copy of the sources (a build writes beside
    them)."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("t2t_mm", "problems", "hparams", "tests"):
        shutil.copytree(ROOT / name, source / name)
    for name in ("t2t_mm_trainer.py", "setup.py", "pyproject.toml", "LICENSE", "README.md"):
        shutil.copy(ROOT / name, source)
    build = f"from setuptools import build_meta; build_meta.build_wheel({str(out)!r})"
    subprocess.run([sys.executable, "-c", build], cwd=source, check=True, capture_output=True)
    return next(out.glob("*.whl"))


def test_wheel_holds_the_package_and_the_trainer_alone(wheel):
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {
        "t2t_mm",
        "t2t_mm_trainer.py",
    }


def test_wheel_holds_every_file(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {str(path.relative_to(ROOT)) for path in (ROOT / "t2t_mm").rglob("*.py")}
    wanted |= {f"t2t_mm/problems/{path.name}" for path in (ROOT / "problems").glob("*.py")}
    wanted |= {f"t2t_mm/hparams_sets/{path.name}" for path in (ROOT / "hparams").glob("*.*")}
    assert wanted <= names
    assert any(name.endswith(".gin") for name in names)
    assert "t2t_mm/py.typed" in names
    assert any(name.endswith("LICENSE") for name in names)


def test_wheel_works_away_from_the_checkout(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    script = (
        "import t2t_mm, t2t_mm_trainer\n"
        "from t2t_mm import registry\n"
        "import t2t_mm.problems.wmt, t2t_mm.hparams_sets.multimodel\n"
        "assert registry.problem_class('wmt_ende') is t2t_mm.problems.wmt.WmtEnde\n"
        "assert all(registry.entries(kind) for kind in registry.KINDS)\n"
        "print(t2t_mm.__file__, registry.list_mixtures(), "
        "registry.hparams('multimodel_tiny+no_moe'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "site"), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{tmp_path}/site/t2t_mm/__init__.py ['mini12', 'mini8'")
    assert "HParams(" in done.stdout


def test_console_scripts_exist(wheel):
    archive = zipfile.ZipFile(wheel)
    entry_points = next(name for name in archive.namelist() if name.endswith("entry_points.txt"))
    scripts = [line for line in archive.read(entry_points).decode().splitlines() if " = " in line]
    assert any(line.startswith("t2t-mm-trainer = ") for line in scripts)
    for line in scripts:
        module, function = line.partition(" = ")[2].split(":")
        source = archive.read(module.replace(".", "/") + ".py").decode()
        assert f"\ndef {function}(" in source
