"""Patient data drawn from published statistics: what they meet, and from which prior."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oligomdt import survival
from oligomdt.reconstructkm import (
    Comparison,
    FollowUp,
    InfeasibleError,
    Landmark,
    StatedArm,
    from_statistics,
    printed,
)
from oligomdt.reconstructkm.sampler import slots

# Made-up numbers, small enough to be quick.
STATED = Comparison(
    {
        "control": StatedArm(
            24, events=20, withdrawals=2, median="4.1", median_ci=("2.6", "7.0")
        ),
        "experimental": StatedArm(25, median="8.4", landmarks=[Landmark(12, "0.36")]),
    },
    name="made up",
    hr="0.52",
    hr_level=0.9,
    p="0.05",
    test="logrank",
    transform="log",
    horizon=15,
)


@pytest.fixture(scope="module")
def ensemble():
    return from_statistics(STATED, draws=25, seed=3)


def test_every_draw_meets_every_statement_by_another_route(ensemble):
    """`survival` agrees with R to 1e-8, so it can judge the sampler's own arithmetic."""
    assert ensemble.draws == 25
    for frame in ensemble:
        data = frame[["time", "event", "arm"]]
        medians = survival.median(data, transform="log").set_index("arm")
        assert data.query("arm == 'control'")["event"].sum() == 20
        assert medians.loc["control", "median"] in printed("4.1")
        assert medians.loc["control", "ci_low"] in printed("2.6")
        assert medians.loc["control", "ci_high"] in printed("7.0")
        assert medians.loc["experimental", "median"] in printed("8.4")
        landmark = survival.survival_at(data, [12]).set_index("arm")
        assert landmark.loc["experimental", "surv"] in printed("0.36")
        assert survival.cox(data).hr in printed("0.52")
        assert survival.logrank(data).p in printed("0.05")


def test_the_table_says_what_the_draws_give(ensemble):
    hazard_ratios = [survival.cox(f[["time", "event", "arm"]]).hr for f in ensemble]
    row = ensemble.statistics.set_index("statistic").loc["hr"]
    # Newton stops at a step of 1e-8, times are rounded to 1e-6.
    assert row["reached_low"] == pytest.approx(min(hazard_ratios), abs=1e-6)
    assert row["reached_high"] == pytest.approx(max(hazard_ratios), abs=1e-6)
    assert (ensemble.statistics["met"] == 1).all()


def test_withdrawals_and_the_horizon_are_kept(ensemble):
    for frame in ensemble:
        control = frame.query("arm == 'control'")
        early = control.query("event == 0 and time < 15")
        assert len(early) == 2
        censored = frame.query("arm == 'experimental' and event == 0")
        assert (censored["time"] == 15).all()


def test_the_same_seed_gives_the_same_draws_on_any_number_of_threads(ensemble):
    again = from_statistics(STATED, draws=25, seed=3, jobs=2)
    assert again.data.equals(ensemble.data)
    other = from_statistics(STATED, draws=25, seed=4)
    assert not other.data["time"].equals(ensemble.data["time"])


def test_unknown_event_counts_are_drawn_and_not_fixed(ensemble):
    counts = ensemble.events().query("arm == 'experimental'")["events"]
    assert counts.nunique() > 1


def test_a_statement_that_is_not_forced_does_not_steer():
    free = dataclasses.replace(STATED, not_forced={"hr": "a reason", "p": "another"})
    table = from_statistics(free, draws=25, seed=3).statistics.set_index("statistic")
    assert not table.loc["hr", "forced"]
    assert table.loc["hr", "reason"] == "a reason"
    assert table.loc["hr", "met"] < 0.5
    assert table.loc["control median", "met"] == 1


def test_what_cannot_be_true_together_is_named():
    """Ten events carry at most 10/4 information, a standard error of at least 0.63."""
    arms = {"control": StatedArm(20, events=5), "experimental": StatedArm(20, events=5)}
    impossible = Comparison(arms, name="x", hr="0.80", hr_ci=("0.60", "1.07"), horizon=12)
    with pytest.raises(InfeasibleError, match="hr (lower|upper)") as error:
        from_statistics(impossible, draws=5, seed=0, attempts=4)
    assert {"statistic", "missed", "reached_low"} <= set(error.value.statistics.columns)


def test_parts_are_drawn_together_with_the_whole():
    def part(name, n, events):
        arms = {"control": StatedArm(n, events=events), "experimental": StatedArm(n)}
        return Comparison(arms, name=name, horizon=12)

    arms = {"control": StatedArm(22), "experimental": StatedArm(22)}
    whole = Comparison(
        arms, name="both", hr="0.60", horizon=12, parts=[part("A", 10, 8), part("B", 12, 9)]
    )
    ensemble = from_statistics(whole, draws=10, seed=0)
    for frame in ensemble:
        assert survival.cox(frame[["time", "event", "arm"]]).hr in printed("0.60")
    counts = ensemble.part("A").events().query("arm == 'control'")["events"]
    assert (counts == 8).all()
    with pytest.raises(KeyError, match="no part 'C'; parts are"):
        ensemble.part("C")


def test_without_statements_the_draws_follow_the_prior():
    """The acceptance rule is right only if the chain leaves the prior unchanged.

    The number of events is compared with direct simulation of the prior; 400 chains and
    20,000 simulations give a standard error of about 0.02 on the share of patients with an
    event, so 0.07 is more than three of them.
    """
    horizon, n = 10.0, 6
    arms = {"control": StatedArm(n, withdrawals=1), "experimental": StatedArm(n)}
    free = from_statistics(Comparison(arms, horizon=horizon), draws=2000, seed=5)
    counts = free.events().groupby("arm")["events"]

    rng = np.random.default_rng(0)
    draws, pieces = 20_000, 8
    width = np.diff(horizon * np.linspace(0, 1, pieces + 1) ** 1.5)
    level = 1 / rng.gamma(0.5, 1 / (0.5 * horizon / 2), draws)
    hazard = rng.gamma(2, size=(draws, pieces)) * level[:, None] / 2
    share = 1 - np.exp(-(hazard * width).sum(axis=1))
    events = rng.binomial(n, share)
    drawn = counts.get_group("experimental") / n
    assert drawn.mean() == pytest.approx(events.mean() / n, abs=0.07)
    for count in (0, n):
        assert (drawn * n == count).mean() == pytest.approx((events == count).mean(), abs=0.07)


@given(st.integers(2, 60), st.floats(3, 30))
@settings(max_examples=60, deadline=None)
def test_follow_up_slots_hold_the_stated_quartiles(n, middle):
    text = f"{middle:.2f}"
    quarter = f"{middle / 2:.2f}"
    low, high = slots(FollowUp(0, 80, median=text, lower_quartile=quarter), n)
    drawn = np.random.default_rng(n).uniform(low, high)
    assert (np.sort(drawn) == drawn).all() or n > 2
    assert np.median(drawn) in printed(text)
    assert (low <= high).all()
    assert drawn.min() >= 0
    assert drawn.max() <= 80


def test_no_draws_are_refused():
    with pytest.raises(ValueError, match="draws is 0"):
        from_statistics(STATED, draws=0)
