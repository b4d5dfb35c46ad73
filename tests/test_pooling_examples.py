"""The examples in the docstrings run, and importing the package stays light."""

import doctest
import importlib
import pkgutil
import subprocess
import sys

import pytest

from oligomdt import pooling

MODULES = [f"oligomdt.pooling.{one.name}" for one in pkgutil.iter_modules(pooling.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_every_public_function_has_an_example():
    for name in pooling.__all__:
        thing = getattr(pooling, name)
        if not isinstance(thing, type):
            assert ">>> " in thing.__doc__, name


def test_the_import_brings_no_heavy_library():
    code = (
        "import sys, oligomdt.pooling; "
        "print(*sorted({'pandas', 'lifelines', 'statsmodels', 'matplotlib', 'scipy.stats'} "
        "& set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == ""
