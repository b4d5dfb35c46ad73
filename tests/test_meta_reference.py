"""Every reference number of tests/data/meta has its counterpart or a reason why it has none.

The numbers were made with R 4.2.2, metafor 3.8-1 and survival 3.5-3 (see tests/data/meta). They
are walked leaf by leaf; what the adapters in tests/reference compute is compared within the
tolerance each of them states. `pytest tests/test_meta_reference.py -k coverage -s` prints the
number of values compared and left out.
"""

import re
from collections import Counter
from functools import cache

import numpy as np
import pytest
import reference

ADAPTERS = reference.adapters()
COMPUTE = {key: (own, module) for module in ADAPTERS for key, own in module.COMPUTE.items()}
KEYS = Counter(key for module in ADAPTERS for key in module.COMPUTE)
LEFT_OUT = {
    pattern: reason
    for module in ADAPTERS
    for pattern, reason in getattr(module, "LEFT_OUT", {}).items()
}
BLOCKS = list(reference.blocks())


def reason_to_leave_out(path):
    return next((why for pattern, why in LEFT_OUT.items() if re.search(pattern, path)), None)


def spread(family, name):
    """Return the variance of the estimates, the unit of a distance of tau2."""
    yi, _ = reference.studies(reference.load(family, name))
    return np.var(yi, ddof=1) if len(yi) > 1 else 1.0


def distance(scale, ours, theirs, unit):
    if np.isnan(ours) or np.isnan(theirs):
        return 0.0 if np.isnan(ours) and np.isnan(theirs) else np.inf
    if ours == theirs:
        return 0.0
    match scale:
        case "absolute":
            return abs(ours - theirs)
        case "relative":  # of the larger one, and absolute below 1
            return abs(ours - theirs) / max(1.0, abs(theirs))
        case "logarithm":  # p-values, which lose digits where they are tiny
            return abs(np.log(ours / theirs)) if min(ours, theirs) > 0 else np.inf
        case "spread":
            return abs(ours - theirs) / unit
    raise AssertionError(f"no scale {scale!r}")


def is_number(value):
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


@cache
def compared(family, name, block):
    """Return [(path, ours, theirs)] of the leaves of one block that are not left out."""
    content, path = reference.load(family, name), f"{family}/{name}/{block}"
    theirs = dict(reference.leaves(content[block], path))
    theirs = {key: value for key, value in theirs.items() if not reason_to_leave_out(key)}
    if not theirs:
        return []
    compute, _ = COMPUTE.get((family, block), COMPUTE.get((family, "*"), (None, None)))
    assert compute, f"{path} is neither computed nor left out with a reason"
    ours = dict(reference.leaves(compute(content, name), path))
    ours = {key: value for key, value in ours.items() if not reason_to_leave_out(key)}
    assert ours.keys() == theirs.keys()
    return [(key, ours[key], theirs[key]) for key in theirs]


@pytest.mark.parametrize(("family", "name", "block"), BLOCKS)
def test_agrees_with_the_reference(family, name, block):
    wrong = []
    pairs = compared(family, name, block)
    unit = spread(family, name) if family == "datasets" else None
    for path, ours, theirs in pairs:
        _, module = COMPUTE.get((family, block), COMPUTE.get((family, "*")))
        rule = module.tolerance(path)
        if rule is None or not is_number(ours) or not is_number(theirs):
            close = ours == theirs
        else:
            scale, most = rule
            close = distance(scale, ours, theirs, unit) <= most
        if not close:
            wrong.append(f"{path}: {ours!r} here, {theirs!r} in the reference")
    assert not wrong, "\n".join(wrong)


def counts():
    """Return the numbers compared and left out, by family, and the reasons."""
    done, left = Counter(), Counter()
    for family, name, block in BLOCKS:
        done[family] += sum(is_number(theirs) for *_, theirs in compared(family, name, block))
        path = f"{family}/{name}/{block}"
        for key, value in reference.leaves(reference.load(family, name)[block], path):
            if is_number(value) and reason_to_leave_out(key):
                left[family, reason_to_leave_out(key)] += 1
    return done, left


# Numbers compared. They may grow, never shrink.
COMPARED = {
    "datasets": 26064,
    "survival": 1757,
    "ipd": 286,
    "planning": 39,
    "conversions": 34,
    "summary": 2873,
}


def test_the_coverage_does_not_shrink():
    done, left = counts()
    for family, number in done.items():
        print(f"{family}: {number} numbers compared")
    for (family, reason), number in left.items():
        print(f"{family}: {number} left out: {reason}")
    assert all(done[family] >= number for family, number in COMPARED.items())


def test_each_block_has_one_adapter():
    """Of two with the same key the later one would win unseen."""
    assert not [key for key, count in KEYS.items() if count > 1]
    whole = {family for family, block in KEYS if block == "*"}
    assert not [key for key in KEYS if key[0] in whole and key[1] != "*"]
    patterns = [one for module in ADAPTERS for one in getattr(module, "LEFT_OUT", {})]
    assert len(patterns) == len(set(patterns))


def test_every_adapter_and_every_reason_is_used():
    present = {(family, block) for family, _, block in BLOCKS}
    for family, block in COMPUTE:
        assert block == "*" or (family, block) in present
    paths = [
        path
        for family, name, block in BLOCKS
        for path, _ in reference.leaves(
            reference.load(family, name)[block], f"{family}/{name}/{block}"
        )
    ]
    for pattern in LEFT_OUT:
        assert any(re.search(pattern, path) for path in paths), pattern
