"""Packaging. The catalogues stand at the top of the checkout and are installed inside the
package."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent

setup(
    name="t2t-mm",
    version=re.search(r'__version__ = "(.+)"', (HERE / "t2t_mm/__init__.py").read_text())[1],
    description="One model for many tasks and modalities: the MultiModel on TensorFlow 2 and "
    "Keras 3",
    long_description=(HERE / "README.md").read_text(),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    # hparams_sets, since t2t_mm/hparams.py has the shorter name
    package_dir={"t2t_mm.problems": "problems", "t2t_mm.hparams_sets": "hparams"},
    packages=[
        *find_packages(include=["t2t_mm", "t2t_mm.*"]),
        "t2t_mm.problems",
        "t2t_mm.hparams_sets",
    ],
    package_data={"t2t_mm": ["py.typed"], "t2t_mm.hparams_sets": ["*.gin"]},
    py_modules=["t2t_mm_trainer"],
    entry_points={
        "console_scripts": [
            "t2t-mm-trainer=t2t_mm_trainer:entry",
            "t2t-mm-datagen=t2t_mm.cli.datagen:entry",
            "t2t-mm-inspect=t2t_mm.cli.inspect:entry",
            "t2t-mm-decoder=t2t_mm.cli.decoder:entry",
            "t2t-mm-score=t2t_mm.cli.score:entry",
            "t2t-mm-exporter=t2t_mm.cli.exporter:entry",
            "t2t-mm-preset=t2t_mm.cli.preset:entry",
            "t2t-mm-average=t2t_mm.cli.average:entry",
            "t2t-mm-explain=t2t_mm.cli.explain:entry",
            "t2t-mm-compare=t2t_mm.cli.compare:entry",
            "t2t-mm-demo=t2t_mm.cli.demo:entry",
            "t2t-mm-study=t2t_mm.cli.study:entry",
            "t2t-mm-tune=t2t_mm.cli.tune:entry",
        ]
    },
    python_requires=">=3.10",
    # Those whose private API t2t_mm/compat.py uses have upper bounds.
    install_requires=[
        "absl-py",
        "gin-config",
        "jiwer",
        "keras>=3.10,<3.16",
        "matplotlib",
        "numpy",
        "pillow",
        "pyarrow",  # for Parquet; tensorflow-datasets needs it as well
        "soundfile",
        "soxr",
        "rich",
        "rouge-score",
        "sacrebleu>=2,<3",
        "importlib_resources",  # tensorflow-datasets needs it and does not say so
        "sentencepiece",
        "tensorflow>=2.20,<2.22",
        "tensorflow-datasets>=4.9.8,<4.10",
        "tensorflow-text>=2.20,<2.22",
    ],
    extras_require={
        "test": [
            "fastapi",  # the documentation's server
            "httpx",
            "ipykernel",
            "mypy",
            "nbclient",
            "optuna>=5,<6",
            "pytest",
            "pytest-xdist",
            "pyyaml",
            "ruff",
            "setuptools>=70.1",
            "tensorboard",
        ],
        "tensorboard": ["tensorboard"],
        "beam": ["apache-beam"],
        "demo": ["gradio>=6,<7"],
        "docs": ["mkdocs-material>=9.5,<10", "mkdocstrings[python]>=0.27"],
        "tune": ["optuna>=5,<6"],
    },
)
