"""The examples in the docstrings run, and importing a room stays light."""

import doctest
import importlib
import pkgutil
import subprocess
import sys

import pytest

ROOMS = ("analysis", "digitize", "evidence", "figures", "pooling", "reconstructkm", "survival")
HEAVY = {"lifelines", "matplotlib", "numba", "scipy.stats", "statsmodels"}


def room(name):
    return importlib.import_module(f"oligomdt.{name}")


MODULES = [
    f"oligomdt.{name}.{module.name}"
    for name in ROOMS
    for module in pkgutil.iter_modules(room(name).__path__)
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


@pytest.mark.parametrize("name", [one for one in ROOMS if one != "figures"])
def test_every_public_function_has_an_example(name):
    for public in room(name).__all__:
        thing = getattr(room(name), public)
        if callable(thing) and not isinstance(thing, type):
            assert ">>> " in thing.__doc__, public


@pytest.mark.parametrize(
    ("name", "heavy"),
    [("pooling", HEAVY | {"pandas"}), ("survival", HEAVY | {"scipy.optimize"})],
)
def test_the_import_brings_no_heavy_library(name, heavy):
    code = f"import sys, oligomdt.{name}; print(*sorted({heavy!r} & set(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == ""
