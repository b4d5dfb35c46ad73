"""The reference numbers of tests/data/meta and the adapters that compute their counterparts.

Each other module of this package is an adapter. It has

* `COMPUTE`: (family, block) -> function(data, name) that returns the block in the layout of the
  reference, from the reference's input alone;
* `tolerance(path)`: (scale, largest distance) for the leaf at `path`, or None for equality;
* `LEFT_OUT` (optional): pattern of a path -> why its leaves are not computed.

A path is family/name/block/key/.../index, for example datasets/bcg/influence/hat/3.
`tests/test_meta_reference.py` walks all leaves and lets none drop out unseen.
"""

import csv
import importlib
import json
import pkgutil
from functools import cache
from pathlib import Path

import numpy as np

DATA = Path(__file__).parents[1] / "data" / "meta"
# What a file says of its data, not a result.
DESCRIPTION = {
    "id", "title", "kind", "source", "effect_measure", "k", "level", "software", "input",
    "n", "arms", "note", "trials", "events",
}  # fmt: skip


def _number(text):
    try:
        return float(text)
    except ValueError:
        return text or None


def _rows(file, key):
    with (DATA / file).open() as stream:
        for row in csv.DictReader(stream):
            yield row.pop(key), {name: _number(text) for name, text in row.items()}


@cache
def load(family, name):
    """Return the content of one reference: blocks by name, with input and description."""
    if family == "planning":
        return json.loads((DATA / "planning.json").read_text())
    if family == "conversions":
        return {"case": dict(_rows("conversions.csv", "case"))[name]}
    if family == "summary":
        rows = _rows("summary_random_effects.csv", "dataset")
        return {row["method"]: row for key, row in rows if key == name}
    return json.loads((DATA / family / f"{name}.json").read_text())


def references():
    """Yield (family, name) of every reference."""
    for family in ("datasets", "survival", "ipd"):
        for path in sorted((DATA / family).glob("*.json")):
            yield family, path.stem
    yield "planning", "planning"
    for case, _ in _rows("conversions.csv", "case"):
        yield "conversions", case
    for name in dict.fromkeys(key for key, _ in _rows("summary_random_effects.csv", "dataset")):
        yield "summary", name


def blocks():
    """Yield (family, name, block) of every block that holds results."""
    for family, name in references():
        for block in load(family, name):
            if block not in DESCRIPTION:
                yield family, name, block


def leaves(tree, path):
    """Yield (path, value) of every leaf of nested dictionaries and lists."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from leaves(value, f"{path}/{key}")
    elif isinstance(tree, list | tuple | np.ndarray):
        for i, value in enumerate(tree):
            yield from leaves(value, f"{path}/{i}")
    else:
        yield path, tree


def adapters():
    """Return the adapter modules of this package."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return [importlib.import_module(f"{__name__}.{name}") for name in names]


def studies(data):
    """Return estimates and standard errors of the input of a set."""
    return np.atleast_1d(data["input"]["yi"]), np.atleast_1d(data["input"]["sei"])
