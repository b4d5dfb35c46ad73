"""The exact method on any input: every patient comes back, or the error is ours.

The same examples are used every time, as what takes long must not fail a change by chance. With
FUZZ_EXAMPLES=5000 in the environment so many new ones are tried in each test.
"""

import os
import time as clock

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from oligomdt.reconstructkm import reconstruct

FUZZ = settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "150")),
    derandomize="FUZZ_EXAMPLES" not in os.environ,
    deadline=None,
)
# Seconds of computing, whatever else the computer does.
LONGEST = 10.0
ANY = st.one_of(
    st.floats(),
    st.floats(0, 1),
    st.floats(0, 100),
    st.sampled_from([np.nan, np.inf, -np.inf, -1.0, -0.0, 5e-324, 1e-310, 1e12, 1e300, 1.0]),
    st.integers(-3, 130),
)
TIME = st.one_of(st.floats(0, 60), st.integers(0, 60), st.floats(0, 1e9))
COUNT = st.integers(0, 300)
PAIR = st.tuples(st.floats(1e-3, 1), st.floats(1e-4, 0.5))


@pytest.fixture(scope="module", autouse=True)
def compiled():
    """The first call compiles the search."""
    reconstruct([2, 6], [0.9, 0.9], n=10)


def optional(strategy):
    return st.one_of(st.none(), strategy)


def outcome(time, surv, n, **known):
    """The reconstruction if there is one; what must hold of it and of the errors is checked."""
    begin = clock.process_time()
    try:
        arm = reconstruct(time, surv, n=n, **known)
    except ValueError as error:
        names = ("time", "surv", "risk_", "censor", "events", "resolution", "xmax", "n is")
        assert any(name in str(error) for name in names)
        return None
    finally:
        assert clock.process_time() - begin < LONGEST
    for times, event in ((arm.time, arm.event), *arm.draws):
        assert len(times) == len(event) == n
        assert np.isfinite(times).all()
        assert times[0] >= 0
        assert (np.diff(times) >= 0).all()
        assert set(event.tolist()) <= {0, 1}
    report = arm.report
    assert report.events == arm.event.sum()
    said = sum(text.startswith("the table's") for text in report.warnings)
    assert said == np.count_nonzero(report.risk_slack)
    if known.get("events") not in (None, report.events):
        assert any("events were stated" in text for text in report.warnings)
    assert not {"NaN", "Infinity"} & set(report.to_json().replace(",", " ").split())
    return arm


@FUZZ
@given(
    st.lists(ANY, max_size=12),
    st.lists(ANY, max_size=12),
    st.integers(-1, 300),
    optional(st.tuples(st.lists(ANY, max_size=5), st.lists(ANY, max_size=5))),
    optional(COUNT),
    optional(st.lists(ANY, max_size=8)),
    optional(st.sampled_from(["trace", "clicks", "times"])),
    optional(st.tuples(ANY, ANY)),
    optional(st.floats()),
)
def test_any_numbers(time, surv, n, table, events, marks, kind, resolution, xmax):
    rows = {"risk_time": table[0], "risk_n": table[1]} if table else {}
    outcome(
        time,
        surv,
        n,
        events=events,
        censor_time=marks,
        observation=kind,
        resolution=resolution,
        xmax=xmax,
        draws=2,
        **rows,
    )


@FUZZ
@given(
    st.lists(st.tuples(TIME, st.floats(0, 1)), min_size=1, max_size=40),
    st.integers(1, 300),
    st.lists(COUNT, max_size=7),
    optional(COUNT),
    optional(st.lists(TIME, max_size=40)),
    optional(st.sampled_from(["trace", "clicks", "times"])),
    optional(PAIR),
    optional(st.sampled_from([10, 100, 400])),
)
@example(
    # A time too short to be divided.
    points=[(5e-324, 0.0)],
    n=1,
    table=[],
    events=None,
    marks=None,
    kind=None,
    resolution=None,
    pixels=None,
)
@example(
    # Nobody can have died, by the total: the search must not go on for what cannot be found.
    points=[
        (0.0, 0.11395),
        (0.0, 1e-05),
        (46.2, 0.4441),
        (13.2, 0.19193),
        (7e8, 0.97265),
        (0.0, 0.82983),
        (0.0, 0.7),
        (0.0, 0.05008),
        (37.0, 0.00218),
        (0.0, 0.0),
    ],
    n=215,
    table=[],
    events=0,
    marks=None,
    kind=None,
    resolution=(0.5986, 0.5),
    pixels=None,
)
def test_any_falling_curve_with_any_table(
    points, n, table, events, marks, kind, resolution, pixels
):
    time = np.sort([p[0] for p in points])
    surv = np.sort([p[1] for p in points])[::-1]
    if pixels:
        surv = np.round(surv * pixels) / pixels
    end = time[-1]
    numbers = np.sort(np.minimum(table, n))[::-1]
    rows = {}
    if len(numbers):
        rows = {"risk_time": end / 5 * np.arange(1, len(numbers) + 1), "risk_n": numbers}
    arm = outcome(
        time,
        surv,
        n,
        events=None if events is None else min(events, n),
        censor_time=marks,
        observation=kind,
        resolution=resolution and (resolution[0] * (end or 1), resolution[1]),
        draws=2,
        **rows,
    )
    # Only a curve without follow-up, or a table without time, is refused.
    assert arm is not None or end < 1e-300


@pytest.mark.parametrize(
    "bad",
    [
        {"time": []},
        {"surv": [0.9, np.nan]},
        {"n": 0},
        {"n": 2.5},
        {"events": 11},
        {"events": -1},
        {"risk_time": [0, 5]},
        {"risk_time": [0, 5], "risk_n": [10, 11]},
        {"risk_time": [0, 5], "risk_n": [10, 4.5]},
        {"censor_time": [-1.0]},
        {"resolution": (0.1, 0.0)},
        {"resolution": 0.1},
        {"observation": "vector"},
        {"method": "best"},
        {"draws": -1},
        {"seed": 0.5},
        {"xmax": 1.0},
        {"xmax": np.nan},
    ],
)
def test_the_error_names_the_argument(bad):
    known = {"time": [2, 4], "surv": [0.9, 0.8], "n": 10, **bad}
    named = {"risk_time": "risk_"}.get(next(iter(bad)), next(iter(bad)))
    with pytest.raises(ValueError, match=named):
        reconstruct(known.pop("time"), known.pop("surv"), **known)
