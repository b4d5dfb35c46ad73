"""The examples in the docstrings run, and every public function has one."""

import doctest
import importlib
import pkgutil
import subprocess
import sys

import pytest

from oligomdt import survival

MODULES = [f"oligomdt.survival.{one.name}" for one in pkgutil.iter_modules(survival.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_every_public_function_has_an_example():
    for name in survival.__all__:
        thing = getattr(survival, name)
        if not isinstance(thing, type):
            assert ">>> " in thing.__doc__, name


def test_the_import_brings_no_heavy_library():
    code = (
        "import sys, oligomdt.survival; "
        "print(*sorted({'numba', 'lifelines', 'statsmodels', 'matplotlib', 'scipy.stats', "
        "'scipy.optimize'} & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == ""
