"""Whole figures: arms together, printed statistics, refusals."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_guyot import at_risk, steps

from oligomdt import survival
from oligomdt.reconstructkm import (
    ArmInput,
    Comparison,
    StatedArm,
    draw_report,
    reconstruct_figure,
)

AXIS = 40.0


def patients(seed, n, median):
    rng = np.random.default_rng(seed)
    event = rng.exponential(median / np.log(2), n)
    leaving = 36 - rng.uniform(0, 24, n)
    return np.minimum(event, leaving), (event <= leaving).astype(int)


def drawn(name, time, event, table=True):
    """One arm as a figure of 600 x 400 pixels shows it."""
    x, y = steps(time, event)
    x = np.round(x / AXIS * 600) / 600 * AXIS
    ticks = np.arange(0, time.max(), 6.0)
    known = {"risk_time": ticks, "risk_n": at_risk(time, ticks)} if table else {}
    return ArmInput(name=name, time=x, surv=np.round(y * 400) / 400, n=len(time), **known)


def two_arms(table=True):
    truth = {"control": patients(1, 80, 8), "experimental": patients(2, 80, 14)}
    return truth, [drawn(name, *own, table=table) for name, own in truth.items()]


def true_hr(truth):
    import pandas as pd

    frames = [
        pd.DataFrame({"time": time, "event": event, "arm": name})
        for name, (time, event) in truth.items()
    ]
    return survival.cox(pd.concat(frames))


def stated(hr):
    arms = {"control": StatedArm(n=80), "experimental": StatedArm(n=80)}
    return Comparison(arms, hr=hr)


def test_two_arms_give_the_hazard_ratio_of_the_true_patients():
    truth, arms = two_arms()
    figure = reconstruct_figure(arms, draws=40, seed=3, xmax=AXIS)
    log_hr, se = figure.log_hr()
    fit = true_hr(truth)
    # The reconstruction errs by hundredths, the sampling error is a fifth.
    assert log_hr == pytest.approx(np.log(fit.hr), abs=0.03)
    assert fit.se <= se * 1.02 <= fit.se * 1.1
    assert figure.frame().groupby("arm").size().to_dict() == {"control": 80, "experimental": 80}
    assert figure.ensemble()["draw"].nunique() == 40


def test_the_same_seed_gives_the_same_bytes():
    _, arms = two_arms()
    first, second = (reconstruct_figure(arms, draws=10, seed=5, xmax=AXIS) for _ in range(2))
    assert first.ensemble().equals(second.ensemble())
    assert first.report.to_json() == second.report.to_json()
    other = reconstruct_figure(arms, draws=10, seed=6, xmax=AXIS)
    assert not first.ensemble().equals(other.ensemble())


def test_a_printed_hazard_ratio_is_used_and_a_wrong_one_is_named():
    truth, arms = two_arms()
    right = f"{true_hr(truth).hr:.2f}"
    figure = reconstruct_figure(arms, comparison=stated(right), draws=40, xmax=AXIS)
    assert not any("printed hazard ratio" in text for text in figure.warnings)
    assert np.exp(figure.log_hr()[0]) == pytest.approx(float(right), abs=0.012)
    wrong = reconstruct_figure(arms, comparison=stated("0.95"), draws=40, xmax=AXIS)
    assert any("0.95" in text for text in wrong.warnings)


def test_three_arms_are_kept_apart():
    truth, arms = two_arms()
    third = drawn("third", *patients(9, 50, 5))
    figure = reconstruct_figure([*arms, third], draws=5, xmax=AXIS)
    assert figure.frame().groupby("arm").size()["third"] == 50
    with pytest.raises(ValueError, match="arms"):
        figure.log_hr()


def test_an_arm_that_is_not_determined_gives_no_hazard_ratio():
    rng = np.random.default_rng(0)
    x = np.linspace(1, 30, 12)
    arms = [
        ArmInput(
            name=name,
            time=x,
            surv=np.round(np.exp(-x / scale) * 50 + rng.uniform(-1, 1, 12)) / 50,
            n=400,
        )
        for name, scale in (("control", 20.0), ("experimental", 30.0))
    ]
    figure = reconstruct_figure(arms, draws=30, xmax=AXIS, censoring="separate")
    assert figure.grade == "D"
    with pytest.raises(ValueError, match="hazard ratio"):
        figure.log_hr()


def test_the_report_is_json_and_the_plot_says_reconstructed():
    _, arms = two_arms()
    figure = reconstruct_figure(arms, draws=10, xmax=AXIS)
    assert set(json.loads(figure.report.to_json())["arms"]) == {"control", "experimental"}
    plot = draw_report(figure)
    texts = [text.get_text() for text in plot.findobj(lambda item: hasattr(item, "get_text"))]
    assert any("reconstructed" in text.lower() for text in texts)


def test_an_arm_without_its_number_of_patients_is_named():
    _, arms = two_arms()
    nameless = ArmInput(name="control", time=arms[0].time, surv=arms[0].surv)
    with pytest.raises(ValueError, match="control"):
        reconstruct_figure([nameless, arms[1]], xmax=AXIS)


def strict(text):
    """JSON as other languages read it: without NaN and infinity."""

    def refuse(constant):
        raise ValueError(constant)

    return json.loads(text, parse_constant=refuse)


def test_of_three_arms_only_those_with_the_undetermined_one_have_no_hazard_ratio():
    truth, arms = two_arms()
    x = np.linspace(1, 30, 12)
    jitter = np.random.default_rng(0).uniform(-1, 1, 12)
    poor = ArmInput("poor", x, np.round(np.exp(-x / 25) * 50 + jitter) / 50, n=400)
    figure = reconstruct_figure([*arms, poor], draws=20, xmax=AXIS, censoring="separate")
    assert figure.control == "control"
    report = strict(figure.report.to_json())
    assert report["hazard_ratio"] is None and report["grade"] == "D"
    good, refused = report["hazard_ratios"]
    assert good["experimental"] == "experimental"
    assert np.log(good["hr"]) == pytest.approx(np.log(true_hr(truth).hr), abs=0.03)
    assert "arm 'poor' is graded D" in refused["refused"] and "hr" not in refused
    assert len(draw_report(figure).axes) == 9


@st.composite
def any_arm(draw, name):
    n = draw(st.integers(1, 25))
    time = sorted(draw(st.lists(st.integers(1, 39), min_size=1, max_size=6, unique=True)))
    falls = draw(st.lists(st.integers(0, 10), min_size=len(time), max_size=len(time)))
    surv = np.maximum(0, 20 - np.cumsum(falls)) / 20
    known = {}
    if draw(st.booleans()):
        ticks = np.array([0, 10, 20])
        left = sorted(draw(st.lists(st.integers(0, n), min_size=2, max_size=2)), reverse=True)
        known = {"risk_time": ticks, "risk_n": np.array([n, *left])}
        if draw(st.booleans()):
            died = [0, *sorted(draw(st.lists(st.integers(0, n), min_size=2, max_size=2)))]
            known["risk_events"] = np.array(died)
    if draw(st.booleans()):
        known["events"] = draw(st.integers(0, n))
    if draw(st.booleans()):
        known["censor_time"] = np.array(draw(st.lists(st.integers(0, 45), max_size=8)), float)
    return ArmInput(name, np.array(time, float), surv, n, **known)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(1, 3).flatmap(lambda k: st.tuples(*[any_arm(name) for name in "ABC"[:k]])))
def test_any_small_figure_has_a_report_and_a_plot_or_one_clear_error(arms):
    try:
        figure = reconstruct_figure(list(arms), draws=5, xmax=AXIS, control="A")
    except ValueError as error:
        assert str(error).startswith("arm '")
        return
    report = strict(figure.report.to_json())
    assert len(report["hazard_ratios"]) == len(arms) - 1
    for found in report["hazard_ratios"]:
        assert ("refused" in found) != ("hr" in found)
    for arm in arms:
        own = report["arms"][arm.name]
        off = [*own["risk_slack"], *(own["risk_events_slack"] or [])]
        wrong_total = arm.events not in (None, own["events"])
        if any(off) or wrong_total:
            said = "smallest change", "no input contradicts", "no single change", "too many"
            assert any(word in text for text in own["warnings"] for word in said)
    assert len(draw_report(figure).axes) == 3 * len(arms)
