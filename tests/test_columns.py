"""Rows of cumulative events and censorings: checks, use, and the right shares of the paths."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_guyot import at_risk, steps

from oligomdt.reconstructkm import exact, read_figure, reconstruct, reconstruct_figure
from oligomdt.reconstructkm.columns import columns, joined
from oligomdt.reconstructkm.coordinates import clean
from oligomdt.reconstructkm.exact import draw_paths
from oligomdt.reconstructkm.observation import observe

TICKS = np.array([0.0, 6, 12, 18, 24])
# Readings as they come: survival at a few times, corners on pixels, clicks by hand.
KINDS = ("times", "trace", "clicks")


def simulated(seed, n=80):
    rng = np.random.default_rng(seed)
    died = rng.exponential(15, n)
    leaving = np.minimum(rng.uniform(8, 36, n), rng.exponential(40, n))
    return np.round(np.minimum(died, leaving), 2) + 0.003, (died <= leaving).astype(int)


def before(time, event, ticks=TICKS):
    return np.array([(event[time < tick] == 1).sum() for tick in ticks])


def arguments(time, event, kind):
    x, y = steps(time, event)
    rng = np.random.default_rng(len(time))
    if kind == "times":
        at = np.append(np.arange(3.0, time.max(), 3), time.max())
        x, y = at, np.round(y[np.searchsorted(x, at, side="right") - 1], 2)
        known = {"observation": kind, "resolution": (0.1, 0.01)}
    elif kind == "trace":
        y, known = np.round(y * 200) / 200, {"resolution": (0.01, 0.005)}
    else:
        at = np.sort(rng.uniform(0, time.max(), 40))
        y = y[np.searchsorted(x, at, side="right") - 1]
        y = np.clip(np.round(y * 200) / 200 + rng.choice([-1, 0, 1], 40) / 200, 0, 1)
        x = np.maximum(np.round(at, 1) + rng.choice([-0.1, 0, 0.1], 40), 0)
        known = {"observation": kind, "resolution": (0.1, 0.005)}
    table = {"risk_time": TICKS, "risk_n": at_risk(time, TICKS)}
    return {"time": x, "surv": y, "n": len(time), "xmax": 36, **known, **table}


@settings(max_examples=9, deadline=None, derandomize=True)
@given(st.integers(0, 500), st.sampled_from(KINDS))
def test_every_draw_has_the_events_of_the_table(seed, kind):
    time, event = simulated(seed)
    known = arguments(time, event, kind)
    died = before(time, event)
    arm = reconstruct(**known, risk_events=died, draws=20)
    assert not [text for text in arm.report.warnings if "not met" in text or "cannot" in text]
    for own in ((arm.time, arm.event), *arm.draws):
        assert before(*own).tolist() == died.tolist()
        assert at_risk(own[0], TICKS).tolist() == known["risk_n"].tolist()
    assert arm.report.risk_events_slack.tolist() == [0] * len(TICKS)
    assert arm.report.rms_pixels < reconstruct(**known).report.rms_pixels + 0.6


def test_events_censored_or_both_say_the_same():
    time, event = simulated(1)
    known = arguments(time, event, "times")
    died = before(time, event)
    gone = len(time) - known["risk_n"] - died
    arm = reconstruct(**known, risk_events=died, draws=3)
    others = [
        reconstruct(**known, risk_censored=gone, draws=3),
        reconstruct(**known, risk_events=died, risk_censored=gone, draws=3),
        reconstruct(**known | {"risk_n": None}, risk_events=died, risk_censored=gone, draws=3),
    ]
    for other in others:
        assert other.ensemble().equals(arm.ensemble())
        assert other.frame().equals(arm.frame())
    assert not reconstruct(**known, draws=3).ensemble().equals(arm.ensemble())


@pytest.mark.parametrize(("seed", "n"), [(0, 40), (3, 50)])
def test_joined_paths_have_the_shares_of_those_drawn_with_the_same_counts(seed, n, monkeypatch):
    # Paths of one step are alike; one of each makes the comparison more exact.
    monkeypatch.setattr(exact, "REPEAT", 1)
    time, event = simulated(seed, n)
    known = arguments(time, event, "times")
    curve = clean(known["time"], known["surv"])
    seen = observe(curve, n, 36, "times", known["resolution"])
    died = before(time, event)
    rows = columns(TICKS, known["risk_n"], n, died)
    every = draw_paths(curve, rows.table, n, seen, draws=8000)
    ends = np.flatnonzero(every.stages.stage[:, 2] >= 0)
    fits = (every.events[:, ends] == died[1 : len(ends) + 1]).all(axis=1)
    assert 300 < fits.sum() < 15_000, "enough to compare with, and not all"
    few = draw_paths(curve, rows.table, n, seen, draws=2000, seed=1)
    ours = joined(few, rows, n, None, np.random.default_rng(0))
    assert (ours.events[:, ends] == died[1 : len(ends) + 1]).all()
    for mine, true in ((ours.events, every.events[fits]), (ours.at_risk, every.at_risk[fits])):
        spread = np.maximum(true.std(axis=0), 0.3)
        off = np.abs(mine.mean(axis=0) - true.mean(axis=0)) / spread
        assert off.max() < 0.25, "Monte Carlo error is 0.15"
        assert np.abs(mine.std(axis=0) - true.std(axis=0)).max() < 0.25 * spread.max()
    without = np.abs(every.at_risk.mean(axis=0) - every.at_risk[fits].mean(axis=0))
    assert (without / np.maximum(every.at_risk[fits].std(axis=0), 0.3)).max() > 0.5


def test_pieces_are_exchanged_only_where_they_pass_through_the_readings():
    time, event = simulated(1, 200)
    known = arguments(time, event, "trace")
    rows = columns(TICKS, known["risk_n"], 200, before(time, event))
    curve = clean(known["time"], known["surv"])
    seen = observe(curve, 200, 36, "trace", known["resolution"])
    base = draw_paths(curve, rows.table, 200, seen, draws=200)
    ours = joined(base, rows, 200, None, np.random.default_rng(0))
    assert len(np.unique(np.vstack([base.left, ours.left]), axis=0)) > 220, "some are new"
    stage, level = ours.stages.stage, ours.stages.level
    left = np.where(stage[:, 0] == 0, 0, ours.left)
    surv = np.cumprod(1 - left / np.maximum(ours.at_risk + ours.left, 1), axis=1)
    read = level[:, 1] > 0
    off = np.abs(surv - level[:, 2])[:, read] - level[read, 3]
    # A pixel's edge is soft: beyond four standard deviations is one draw in thousands.
    assert (off > 4 * level[read, 4]).mean() < 1e-3


def test_joining_from_pieces_keeps_to_the_readings():
    # No draw has all the counts, so the paths are joined from pieces of several.
    time, event = simulated(2, 150)
    known = arguments(time, event, "clicks")
    rows = columns(TICKS, known["risk_n"], 150, before(time, event))
    curve = clean(known["time"], known["surv"])
    seen = observe(curve, 150, 36, "clicks", known["resolution"])
    base = draw_paths(curve, rows.table, 150, seen, draws=200)
    ends = np.flatnonzero(base.stages.stage[:, 2] >= 0)
    whole = (base.events[:, ends] == rows.events[1 : len(ends) + 1]).all(axis=1).sum()
    assert whole < 20
    ours = reconstruct(**known, risk_events=rows.events, draws=50)
    assert any("joined from pieces" in text for text in ours.report.warnings)
    plain = reconstruct(**known, draws=50)
    assert ours.report.rms_pixels < plain.report.rms_pixels + 0.6
    kinds = {tuple(draw[0][draw[1] == 1].round(3)) for draw in ours.draws}
    assert len(kinds) > 40


def test_a_count_that_the_curve_excludes_is_named_with_the_nearest():
    time, event = simulated(4)
    known = arguments(time, event, "trace")
    died = before(time, event)
    died[2] += 4
    died[3:] = np.maximum(died[3:], died[2])
    arm = reconstruct(**known, risk_events=died)
    wrong = f"the {died[2]} events before 12 are not met"
    assert any(text.startswith(wrong) for text in arm.report.warnings)
    change = next(text for text in arm.report.warnings if text.startswith("smallest"))
    near = int(change.split("agree: ")[1].split()[0])
    assert f"{near} instead of {died[2]} events before 12; points and table allow" in change
    assert near <= before(time, event)[2] + 3


def test_guyot_says_that_it_does_not_use_them():
    time, event = simulated(5)
    known = arguments(time, event, "trace")
    arm = reconstruct(**known, risk_events=before(time, event), method="guyot")
    assert any("does not use the table's events" in text for text in arm.report.warnings)


BAD = {
    "risk_events alone": dict(risk_n=None, risk_events=[0, 3, 5]),
    "differ in length: 3 and 2": dict(risk_events=[0, 3]),
    "risk_events[1] is 2.5": dict(risk_events=[0, 2.5, 5]),
    "risk_events[2] is 2 after 3": dict(risk_events=[0, 3, 2]),
    "risk_events[0] is 1 before time 0": dict(risk_events=[1, 3, 5]),
    "risk_censored[2] is 41": dict(risk_censored=[0, 3, 41]),
    "add up to 41, 1 more than the 40": dict(risk_events=[0, 8, 15], risk_censored=[0, 3, 5]),
    "leave -1 censored before 6, after 0 at 0: 1 too few": dict(risk_events=[0, 11, 15]),
    "leave 1 events before 12, after 9 at 6: 8 too few": dict(risk_censored=[0, 1, 19]),
    "events is 9, but the table allows 15 to 35": dict(risk_events=[0, 8, 15], events=9),
    "risk_events must be a list": dict(risk_events="abc"),
}


@pytest.mark.parametrize("message", BAD)
def test_rows_that_contradict_each_other_are_one_clear_error(message):
    known = {"risk_time": [0, 6, 12], "risk_n": [40, 30, 20], **BAD[message]}
    with pytest.raises(ValueError, match=message.replace("[", r"\[")):
        reconstruct([3, 6, 9, 12], [0.9, 0.8, 0.7, 0.6], n=40, **known)


def test_rows_of_a_file_are_used_for_every_arm(tmp_path):
    lines, points, truth = [], ["time,surv,arm"], {}
    for seed, name in enumerate("ABC"):
        time, event = simulated(seed)
        truth[name] = before(time, event).tolist()
        known = arguments(time, event, "trace")
        points += [f"{x},{y},{name}" for x, y in zip(known["time"], known["surv"], strict=True)]
        lines.append(f"{name}," + ",".join(map(str, known["risk_n"])))
        gone = len(time) - known["risk_n"] - before(time, event)
        row = {"A": truth[name], "B": gone.tolist(), "C": truth[name]}[name]
        lines.append(("censored," if name == "B" else "events,") + ",".join(map(str, row)))
    (tmp_path / "points.csv").write_text("\n".join(points))
    (tmp_path / "table.csv").write_text("\n".join(["arm,0,6,12,18,24", *lines]))
    arms = read_figure(tmp_path / "points.csv", tmp_path / "table.csv")
    figure = reconstruct_figure(arms, draws=10, xmax=36, resolution=(0.01, 0.005))
    for name, arm in figure.arms.items():
        for own in ((arm.time, arm.event), *arm.draws):
            assert before(*own).tolist() == truth[name]
    assert figure.report["arms"]["B"]["risk_events"] == truth["B"]
