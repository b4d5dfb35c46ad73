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
from oligomdt.reconstructkm.mixing import effective_size
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


def test_mixing_is_told_for_what_may_vary(ensemble):
    table = ensemble.mixing().set_index("quantity")
    assert tuple(table.loc["control events"]) == (1, 25)  # stated, so the same in every draw
    assert {"experimental events", "log hr"} < set(table.index)
    assert sum("S(" in name for name in table.index) == 6
    assert table["ess"].between(1, 25).all()
    counts = ensemble.events().query("arm == 'experimental'")["events"].to_numpy()
    chains = counts.reshape(5, 5)  # five chains of five draws, one after the other
    assert table.loc["experimental events", "ess"] == effective_size(chains)


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


def first_of_each_chain(ensemble, column="draw"):
    """One data set per chain: those of one chain are alike."""
    return ensemble.data[ensemble.data[column] % 5 == 0]


def simulate_prior(end, n, gone, followup, draws, rng):
    """Events and times of an arm straight from the stated prior, with importance weights.

    1/h0 ~ Gamma(0.5, rate 1/(4 end)); h_k ~ Gamma(1, rate 1/h0) on eight intervals that grow
    as k^1.5; a withdrawn patient is known to have had no event until leaving.
    """
    cuts = end * np.linspace(0, 1, 9) ** 1.5
    level = 1 / rng.gamma(0.5, 4 * end, draws)
    hazard = rng.gamma(1.0, size=(draws, 8)) * level[:, None]
    total = np.hstack([np.zeros((draws, 1)), np.cumsum(hazard * np.diff(cuts), axis=1)])
    limit = rng.uniform(*followup, size=(draws, n))
    limit[:, :gone] *= rng.random((draws, gone))
    weight = np.ones(draws)
    time, event = limit.copy(), np.zeros((draws, n), bool)
    for d in range(draws):
        weight[d] = np.exp(-np.interp(limit[d, :gone], cuts, total[d]).sum())
        latent = np.interp(rng.exponential(size=n), total[d], cuts, right=np.inf)
        event[d] = (latent <= limit[d]) & (np.arange(n) >= gone)
        time[d] = np.where(event[d], latent, limit[d])
    return time, event, weight


def test_without_forced_statements_the_draws_follow_the_prior():
    """Every move is at work here: targets, follow-up slots, withdrawals.

    Means over 400 chains are compared with 20,000 weighted simulations; 0.35 events of 6 and
    0.6 months are about four standard errors.
    """
    arm = StatedArm(6, withdrawals=2, median="5.0", median_ci=("2.0", "9.0"))
    reason = "only to see the prior"
    free = Comparison(
        {"control": arm, "experimental": arm},
        followup=FollowUp(4, 16),
        not_forced={
            f"{role} median{limit}": reason
            for role in ("control", "experimental")
            for limit in ("", " lower", " upper")
        },
    )
    drawn = first_of_each_chain(from_statistics(free, draws=2000, seed=5))
    time, event, weight = simulate_prior(16, 6, 2, (4, 16), 20_000, np.random.default_rng(0))
    weight = weight / weight.sum()
    for _, own in drawn.groupby("arm"):
        by_draw = own.groupby("draw")
        assert by_draw["event"].sum().mean() == pytest.approx(
            (event.sum(axis=1) * weight).sum(), abs=0.35
        )
        early = own.assign(early=(own["event"] == 1) & (own["time"] < 2)).groupby("draw")
        assert early["early"].sum().mean() == pytest.approx(
            ((event & (time < 2)).sum(axis=1) * weight).sum(), abs=0.35
        )
        assert by_draw["time"].mean().mean() == pytest.approx(
            (time.mean(axis=1) * weight).sum(), abs=0.6
        )


def test_the_draws_follow_the_prior_restricted_by_brute_force():
    """Rejection: 200,000 arms from the prior, of which those are kept that print the median.

    Means over 400 chains have standard errors of about 0.07 events and 0.012 of survival, so
    the limits are about four of them. They also leave room for the search, whose first hit is
    near the restricted prior and not the same.
    """
    arm = StatedArm(8, median="5", events_at_least=3)
    stated = Comparison({"control": arm, "experimental": arm}, horizon=12.0)
    ensemble = from_statistics(stated, draws=2000, seed=2)
    drawn = first_of_each_chain(ensemble)
    time, event, _ = simulate_prior(12, 8, 0, (12, 12), 200_000, np.random.default_rng(1))
    ordered, happened = np.sort(time), np.sort(np.where(event, time, np.inf))
    # Everybody is followed to the horizon, so four of eight events bring the curve to one half
    # and the median to the middle between the fourth time and the next.
    median = (ordered[:, 3] + ordered[:, 4]) / 2
    kept = (happened[:, 3] < np.inf) & (median >= 4.5) & (median <= 5.5)
    assert kept.sum() > 3000
    for _, own in drawn.groupby("arm"):
        events = own.groupby("draw")["event"].sum().mean()
        assert events == pytest.approx(event[kept].sum(axis=1).mean(), abs=0.3)
        for month in (2, 4, 8):
            share = (own["time"] > month).mean()
            assert share == pytest.approx((time[kept] > month).mean(), abs=0.05)
    # Stretches without an event show how far the hazard varies: 0.92 on average, and 0.79
    # if its coefficient of variation were 0.71 instead of 1. All draws of both arms are used.
    times = ensemble.data["time"].where(ensemble.data["event"] == 1, np.inf).to_numpy()
    found = quiet_stretches(times.reshape(-1, 8))
    assert found == pytest.approx(quiet_stretches(happened[kept]), abs=0.07)


def quiet_stretches(times):
    """Mean number of the months 0-2, 6-10 and 8-12 in which an arm has no event."""
    return sum(
        (~((times > low) & (times <= high)).any(axis=1)).mean()
        for low, high in ((0, 2), (6, 10), (8, 12))
    )


@pytest.mark.parametrize("unit", [1.0, 5.0])
def test_the_draws_do_not_depend_on_the_unit_of_time(unit):
    """Sixty months and five years are the same; so is the share of patients with an event."""
    arms = {"control": StatedArm(20), "experimental": StatedArm(20)}
    ensemble = from_statistics(Comparison(arms, horizon=60 / 12 * unit), draws=1000, seed=1)
    share = first_of_each_chain(ensemble)["event"].mean()
    reference = from_statistics(Comparison(arms, horizon=60.0), draws=1000, seed=1)
    assert share == pytest.approx(first_of_each_chain(reference)["event"].mean(), abs=0.01)


@given(st.integers(2, 60), st.floats(3, 30))
@settings(max_examples=60, deadline=None)
def test_follow_up_slots_hold_the_stated_quartiles(n, middle):
    text = f"{middle:.2f}"
    quarter = f"{middle / 2:.2f}"
    low, high = slots(FollowUp(0, 80, median=text, lower_quartile=quarter), n)
    drawn = np.random.default_rng(n).uniform(low, high)
    assert np.median(drawn) in printed(text)
    assert (np.sort(drawn)[: n // 2] <= printed(text).high).all()
    assert (low <= high).all()
    assert drawn.min() >= 0
    assert drawn.max() <= 80


def test_no_draws_are_refused():
    with pytest.raises(ValueError, match="draws is 0"):
        from_statistics(STATED, draws=0)
