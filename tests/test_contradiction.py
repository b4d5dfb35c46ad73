"""Contradictions: what is possible against every path of small arms, and the change named."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_guyot import at_risk, steps

from oligomdt.reconstructkm import reconstruct
from oligomdt.reconstructkm.contradiction import POSSIBLE, Possible, smallest_changes
from oligomdt.reconstructkm.coordinates import clean, risk_table
from oligomdt.reconstructkm.observation import observe

AXIS = 10.0
# Drops at 1, 2, 3, 4 and columns of the table between them, at 1.5, 2.5, 3.5.
COLUMNS = [1.5, 2.5, 3.5]


def all_paths(n, levels, step):
    """Gone before each drop and died at it, for every arm of n patients with these levels.

    Straight from the definition: each gap loses any number, split at the column within it, and
    each drop any number that puts the Kaplan-Meier curve within half a pixel of its level.
    """

    def onward(left, surv, rest):
        if not rest:
            if left > 0 or levels[-1] == 0:
                yield ()
            return
        for before, after in itertools.product(range(left + 1), repeat=2):
            now = left - before - after
            for died in range(1, now + 1):
                down = surv * (1 - died / now)
                if abs(down - rest[0]) <= step / 2 + 1e-9:
                    for path in onward(now - died, down, rest[1:]):
                        yield ((before, after, died), *path)

    yield from onward(n, 1.0, list(levels))


def numbers(n, path):
    """At risk at the columns, and events, of one path."""
    left, counted = n, []
    for before, after, died in path:
        counted.append(left - before)
        left -= before + after + died
    return counted[1:], sum(died for *_, died in path)


def small_arm(n, deaths):
    """Levels of a curve with these deaths and one censored before each."""
    left, surv, levels = n, 1.0, []
    for died in deaths:
        left -= 1
        if left < died + 1:
            break
        surv *= 1 - died / left
        left -= died
        levels.append(surv)
    return levels


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(5, 11), st.lists(st.integers(1, 2), min_size=2, max_size=3))
def test_least_and_most_are_those_of_all_paths(n, deaths):
    levels, step = small_arm(n, deaths), 0.02
    if len(levels) < 2:
        return
    time = np.arange(1.0, len(levels) + 1)
    x, y = np.repeat(time, 2), np.repeat([1.0, *levels], 2)[1:-1]
    curve = clean([*x, 9.0], [*y, levels[-1]])
    columns = COLUMNS[: len(levels) - 1]
    seen = observe(curve, n, AXIS, "trace", (0.01, step))
    table = risk_table(columns, [n] * len(columns), n)
    paths = Possible(curve, table, n, seen, None)
    # A pixel's edge is soft by a tenth of it, three times over on each side.
    known = [numbers(n, path) for path in all_paths(n, levels, step * 1.6)]
    assert known, "the arm itself is one of them"
    free = [None] * len(columns)
    total = [events for _, events in known]
    assert paths.span(paths.is_event, free) == (min(total), max(total))
    for row in range(len(columns)):
        left = [at[row] for at, _ in known]
        assert paths.at_risk(row, free) == (min(left), max(left))
        for number in range(n + 1):
            held = [number if row == i else None for i in range(len(columns))]
            assert paths.exist(held) == (number in left)


def simulated(seed, n=60):
    rng = np.random.default_rng(seed)
    died, leaving = rng.exponential(15, n), rng.uniform(8, 36, n)
    time = np.round(np.minimum(died, leaving), 1) + 0.05
    return time, (died <= leaving).astype(int)


TICKS = np.array([0.0, 6, 12, 18, 24])


def arguments(time, event, height=1000):
    x, y = steps(time, event)
    return {
        "time": x,
        "surv": np.round(y * height) / height,
        "n": len(time),
        "risk_time": TICKS,
        "risk_n": at_risk(time, TICKS),
        "xmax": 36,
        "resolution": (0.01, 1 / height),
    }


def changes(known):
    warnings = reconstruct(**known).report.warnings
    return [text for text in warnings if text.startswith("smallest change")]


@settings(max_examples=12, deadline=None, derandomize=True)
@given(st.integers(0, 1000), st.integers(1, 3), st.sampled_from([-7, -4, 4, 7]), st.booleans())
def test_a_wrong_row_is_named_and_the_change_mends_it(seed, row, off, marked):
    time, event = simulated(seed)
    known = arguments(time, event)
    if marked:
        known["censor_time"] = time[event == 0]
    right = known["risk_n"].copy()
    assert changes(known) == []
    wrong = int(np.clip(right[row] + off, right[row + 1], right[row - 1]))
    known["risk_n"] = right.copy()
    known["risk_n"][row] = wrong
    found = changes(known)
    if not found:
        # The curve leaves room for this number too.
        assert not reconstruct(**known).report.risk_slack.any()
        return
    (text,) = found
    first = text.split("agree: ")[1].split(", or ")
    at = next(word for word in first if word.endswith(f"of {wrong} at risk at {TICKS[row]:g}"))
    near = int(at.split()[0])
    assert abs(near - wrong) <= abs(right[row] - wrong)
    known["risk_n"][row] = near
    mended = reconstruct(**known).report
    assert not mended.risk_slack.any()
    assert not [text for text in mended.warnings if "smallest change" in text]


@pytest.mark.parametrize("off", [-25, 25])
def test_the_nearest_total_is_one_that_can_be_had(off):
    # 100 pixels for 150 patients: events hide in the plateaus, and many totals are possible.
    time, event = simulated(3, 150)
    known = arguments(time, event, height=100) | {"events": int(event.sum()) + off}
    (text,) = changes(known)
    near = int(text.split("agree: ")[1].split()[0])
    assert f"{near} instead of {known['events']} events; points and table allow " in text
    least, most = map(int, text.split("table allow ")[1].split(",")[0].split(" to "))
    assert least < event.sum() < most
    assert near == (least if off < 0 else most)
    curve = clean(known["time"], known["surv"])
    table = risk_table(TICKS, known["risk_n"], 150)
    seen = observe(curve, 150, 36, None, known["resolution"])
    assert smallest_changes(curve, table, 150, seen, events=near) == [POSSIBLE]
    beyond = near + np.sign(off)
    assert smallest_changes(curve, table, 150, seen, events=beyond) != [POSSIBLE]


def test_two_wrong_rows_are_both_named():
    time, event = simulated(1)
    known = arguments(time, event)
    known["risk_n"] = known["risk_n"] + [0, -6, 0, 5, 0]
    (text,) = changes(known)
    assert "at risk at 6 and " in text and "at risk at 18" in text
    for word in text.split("agree: ")[1].split(" and "):
        near, _, _, _, _, _, _, at = word.split()
        known["risk_n"][TICKS.tolist().index(float(at))] = int(near)
    assert not reconstruct(**known).report.warnings


def test_a_wrong_number_of_patients_is_named():
    time, event = simulated(2)
    known = arguments(time, event)
    known |= {"n": 57, "risk_time": None, "risk_n": None}
    (text,) = changes(known)
    near = int(text.split(" instead of 57 patients")[0].split()[-1])
    assert abs(near - 57) <= 3
    assert not reconstruct(**known | {"n": near}).report.warnings


def test_more_marks_than_patients_leave_are_counted_where_they_are():
    known = {"time": [2, 2, 5, 5, 9], "surv": [1, 0.9, 0.9, 0.8, 0.8], "n": 10}
    table = {"risk_time": [0, 4, 8], "risk_n": [10, 9, 8]}
    (text,) = changes(known | table | {"censor_time": [6, 6.5, 7]})
    assert "5 instead of 8 at risk at 8, or 3 mark(s) fewer between 4 and 8" in text
    assert "3 marks and at least 1 event(s) make 4 of the 1 patients" in text


def test_points_less_exact_than_their_resolution_are_told_the_one_they_have():
    time, event = simulated(5)
    known = arguments(time, event, height=200)
    assert changes(known) == []
    (text,) = changes(known | {"resolution": (0.01, 0.001)})
    # Half a pixel and the soft edge of the coarser one hold what was rounded to 0.005.
    assert "survival read to 0.003 instead of 0.001 (resolution)" in text


def test_what_is_possible_but_improbable_is_not_called_a_contradiction():
    curve = clean([2, 2, 5, 5, 9], [1, 0.9, 0.9, 0.8, 0.8])
    table = risk_table([0, 4, 6], [10, 9, 8], 10)
    seen = observe(curve, 10, xmax=10)
    assert smallest_changes(curve, table, 10, seen, events=2) == [POSSIBLE]


def test_the_search_is_bounded():
    time, event = simulated(4)
    known = arguments(time, event)
    curve = clean(known["time"], known["surv"])
    table = risk_table(TICKS, known["risk_n"], 60)
    (text,) = smallest_changes(curve, table, 60, observe(curve, 60, 36), work=1000)
    assert "too many paths" in text
