"""Consistency of printed numbers: the trials that must be flagged or pass, and the bounds."""

import math
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from oligomdt import pooling, survival
from oligomdt.pooling import check, consistency

# Printed numbers of trials, as their reports or what is known of them give them.
PASS = {
    "CLOCC": {"hr": "0.63", "lower": "0.42", "upper": "0.95", "p": "0.025"},
    "NRG-BR002": {
        **{"hr": "0.92", "lower": "0.71", "upper": "1.17", "level": 0.7},
        **{"p": "0.36", "sided": "one-sided"},
    },
    "STOMP": {"hr": "0.60", "lower": "0.40", "upper": "0.90", "level": 0.8, "p": "0.11"},
    "ARTO": {
        **{"hr": "0.35", "lower": "0.21", "upper": "0.57", "p": "<0.001"},
        "events": (23, 54),
    },
}
FLAGGED = {
    "SINDAS": ({"hr": "0.6188", "lower": "0.3949", "upper": "0.9697", "p": "<0.001"}, 0.036),
    "NorthStar": (
        {"hr": "0.66", "lower": "0.50", "upper": "0.87", "p": "0.025", "sided": "one-sided"},
        0.0016,
    ),
    "ORIOLE": ({"hr": "0.30", "lower": "0.11", "upper": "0.81", "p": "0.002"}, 0.018),
    "Iyengar": ({"hr": "0.304", "lower": "0.113", "upper": "0.815", "p": "0.01"}, 0.018),
}


def pair(report, name):
    (found,) = [one for one in report.comparisons if one.pair == name]
    return found


def numbers(text):
    return [float(word) for word in text.replace("p ", "").split(" to ")]


# The trials of the evidence ----------------------------------------


@pytest.mark.parametrize("name", PASS)
def test_trials_whose_numbers_agree_pass(name):
    report = check(**PASS[name])
    assert report.verdict == "consistent"
    assert not report.flagged
    assert all(one.gap == 0 and one.reconciled_by == () for one in report.comparisons)


@pytest.mark.parametrize("name", FLAGGED)
def test_trials_whose_numbers_disagree_are_flagged(name):
    printed, implied = FLAGGED[name]
    report = check(**printed)
    assert report.flagged
    p = pair(report, "HR with limits and p")
    low, high = (numbers(p.expected) * 2)[:2]
    assert low * 0.95 <= implied <= high * 1.05
    assert p.gap > 0
    assert pair(report, "HR and its limits").verdict == "consistent"


def test_a_wrong_level_is_named():
    northstar = pair(check(**FLAGGED["NorthStar"][0]), "HR with limits and p")
    assert northstar.verdict == "do not fit one analysis"
    assert northstar.reconciled_by[0] == "limits at the 80 % level"
    assert check(**FLAGGED["NorthStar"][0], level=0.8).verdict == "consistent"


def test_a_log_rank_p_value_is_named_where_it_explains_the_difference():
    iyengar = pair(check(**FLAGGED["Iyengar"][0]), "HR with limits and p")
    assert iyengar.verdict == "explained by the method"
    assert iyengar.reconciled_by[0].startswith("a log-rank test (p 0.012 to ")
    for name in ("SINDAS", "ORIOLE"):
        report = check(**FLAGGED[name][0])
        assert report.verdict == "do not fit one analysis"
        assert "log-rank" not in str(report)


def test_a_one_sided_p_value_is_named():
    br002 = {**PASS["NRG-BR002"], "sided": None}
    p = pair(check(**br002), "HR with limits and p")
    assert p.verdict == "do not fit one analysis"
    assert "a one-sided p-value" in p.reconciled_by


def test_more_digits_flag_what_fewer_digits_allow():
    assert not check("0.5", "0.3", "0.8", p="0.006").flagged
    assert check("0.500", "0.310", "0.806", p="0.0060").flagged
    same = [
        check(*form, p="0.01")
        for form in (("0.30", "0.11", "0.81"), tuple(map(Decimal, ("0.30", "0.11", "0.81"))))
    ]
    assert str(same[0]) == str(same[1])


# The bounds ----------------------------------------


def trial(rng):
    n1, n0 = rng.integers(10, 70, 2)
    hr = np.exp(rng.uniform(np.log(0.15), np.log(1.6)))
    time = np.concatenate([rng.exponential(1 / hr, n1), rng.exponential(1, n0)])
    censored = rng.uniform(0.2, 4, n1 + n0) * rng.choice([1, 100])
    return pd.DataFrame(
        {
            "time": np.minimum(time, censored),
            "event": (time <= censored).astype(int),
            "arm": ["experimental"] * n1 + ["control"] * n0,
        }
    )


def trials(seed, n):
    rng = np.random.default_rng(seed)
    for _ in range(n):
        ipd = trial(rng)
        arms = ipd.groupby("arm")["event"].sum()
        if arms.min() >= 3:
            yield ipd, survival.cox(ipd), survival.logrank(ipd), arms


def lost_controls(rng):
    """Most controls leave early, so that the arms' shares of those at risk turn round."""
    late = rng.exponential(10, 400)
    control, leave = rng.exponential(1, 400), np.repeat([0.05, np.inf], [395, 5])
    time = np.concatenate([late, np.minimum(control, leave)])
    event = np.concatenate([np.ones(400, int), (control <= leave).astype(int)])
    arms = ["experimental"] * 400 + ["control"] * 400
    return pd.DataFrame({"time": time, "event": event, "arm": arms})


def test_log_rank_z_stays_within_its_bounds_of_the_wald_z():
    drifting = [lost_controls(np.random.default_rng(seed)) for seed in range(5)]
    fits = [(cox, logrank) for _, cox, logrank, _ in trials(1, 300)]
    fits += [(survival.cox(ipd), survival.logrank(ipd)) for ipd in drifting]
    ratios = []
    for cox, logrank in fits:
        b = abs(cox.log_hr) / 2
        ratio = abs(logrank.o_minus_e) / logrank.variance**0.5 * cox.se / abs(cox.log_hr)
        assert math.tanh(b) / b - 1e-6 <= ratio <= math.sinh(b) / b + 1e-6
        ratios.append(ratio)
    assert min(ratios) < 0.95 and max(ratios) > 1.05  # both sides are needed


def test_standard_error_has_its_least_value_given_the_events():
    excess = [
        cox.se / math.sqrt(1 / arms["experimental"] + 1 / arms["control"])
        for _, cox, _, arms in trials(2, 300)
    ]
    assert min(excess) >= 1 - 1e-6
    assert min(excess) < 1.01
    assert np.mean(np.array(excess) > consistency.WIDE) < 0.02


def test_ties_and_strata_do_not_break_the_least_standard_error():
    rng = np.random.default_rng(4)
    for ipd, _, _, arms in trials(3, 100):
        coarse = ipd.assign(
            time=np.ceil(4 * ipd["time"]), stratum=rng.integers(0, 2, len(ipd)).astype(str)
        )
        least = math.sqrt(1 / arms["experimental"] + 1 / arms["control"])
        assert survival.cox(coarse).se >= least * (1 - 1e-9)
        assert survival.cox(coarse, strata="stratum").se >= least * (1 - 1e-9)


def printed(ipd, cox, logrank, arms, digits):
    half = 1.959964 * cox.se
    values = (math.exp(cox.log_hr + sign * half) for sign in (0, -1, 1))
    hr, lower, upper = (f"{value:.{digits}f}" for value in values)
    p = f"{logrank.p:.{digits + 1}f}" if logrank.p >= 0.001 else "<0.001"
    counts = (int(arms["experimental"]), int(arms["control"]))
    return {"hr": hr, "lower": lower, "upper": upper, "p": p, "events": counts}


def test_numbers_printed_from_one_data_set_are_never_called_a_contradiction():
    verdicts = []
    for ipd, cox, logrank, arms in trials(5, 250):
        shown = printed(ipd, cox, logrank, arms, 2)
        if float(shown["lower"]) > 0:
            verdicts.append(check(**shown).verdict)
            exact = printed(ipd, cox, logrank, arms, 4)
            assert check(**exact).verdict != "do not fit one analysis"
    assert "do not fit one analysis" not in verdicts
    assert verdicts.count("consistent") > 0.6 * len(verdicts)


@settings(deadline=None, max_examples=60)
@given(
    st.floats(-1.6, 0.7),
    st.floats(0.1, 0.7),
    st.sampled_from((0.7, 0.8, 0.9, 0.95, 0.99)),
    st.integers(2, 4),
    st.sampled_from(("two-sided", "one-sided")),
)
def test_rounding_alone_never_flags_a_wald_analysis(log_hr, se, level, digits, sided):
    estimate = pooling.Estimate(log_hr, se)
    shown = [f"{x:.{digits}f}" for x in (estimate.hr, *estimate.ci(level))]
    if len(set(shown)) < 3:
        return
    tail = estimate.p / (2 if sided == "one-sided" else 1)
    p = f"{tail:.{digits}f}" if tail >= 0.001 else "<0.001"
    report = check(*shown, level=level, p=p, sided=sided)
    assert report.verdict == "consistent", str(report)


@settings(deadline=None, max_examples=40)
@given(st.floats(0.4, 1.2), st.floats(0.15, 0.5))
def test_a_misread_level_is_found_and_put_right(log_hr, se):
    """An 80 % interval printed as a 95 % one."""
    estimate = pooling.Estimate(-log_hr, se)
    shown = [f"{x:.4f}" for x in (estimate.hr, *estimate.ci(0.8))]
    report = check(*shown, p=f"{estimate.p:.5f}")
    if estimate.p < 0.0002:
        return
    assert report.flagged
    assert "limits at the 80 % level" in pair(report, "HR with limits and p").reconciled_by


@settings(deadline=None, max_examples=40)
@given(st.floats(-1.5, -0.3), st.floats(0.1, 0.5), st.floats(0.0005, 0.9))
def test_swapping_the_arms_gives_the_same_verdict(log_hr, se, p):
    estimate = pooling.Estimate(log_hr, se)
    verdicts = []
    for one in (estimate, estimate.swapped()):
        shown = [f"{x:.6f}" for x in (one.hr, *one.ci())]
        verdicts.append(check(*shown, p=f"{p:.4f}" if p > 0.001 else "<0.001").verdict)
    assert verdicts[0] == verdicts[1]


# Each pair ----------------------------------------


def test_a_lopsided_interval_is_flagged_and_a_very_lopsided_one_contradicts():
    middle = pair(check("0.600", "0.400", "0.800"), "HR and its limits")
    assert middle.verdict == "explained by the method"
    se = math.log(2) / 2 / 1.959964
    assert middle.gap == pytest.approx(math.log(0.6 / math.sqrt(0.32)) / se, abs=0.02)
    assert middle.reconciled_by == (
        "HR 0.566",
        "limits that are not symmetric on the log scale",
    )
    assert check("0.75", "0.40", "0.80").verdict == "do not fit one analysis"


def test_a_likelihood_interval_is_less_lopsided_than_the_cut():
    """3 events against 10: the profile of the log odds that an event falls in one arm."""

    def rise(x):
        def height(y):
            return 3 * y - 13 * np.logaddexp(0, y)

        return 2 * (height(math.log(0.3)) - height(x)) - stats.chi2(1).ppf(0.95)

    low = optimize.brentq(rise, -5, math.log(0.3))
    high = optimize.brentq(rise, math.log(0.3), 3)
    se = (high - low) / 2 / 1.959964
    assert 0.1 < abs(math.log(0.3) - (low + high) / 2) / se < consistency.LOPSIDED


def test_too_few_events_contradict_the_limits():
    shown = {"hr": "0.47", "lower": "0.30", "upper": "0.76"}
    events = pair(check(**shown, events=(39, 28)), "limits and events")
    assert events.verdict == "do not fit one analysis"
    assert events.reconciled_by[0] == "at least 70 events split in the same way"
    assert check(**shown, events=(41, 29)).verdict == "consistent"
    assert check(**shown, events=67).verdict == "do not fit one analysis"
    assert check(**shown, events=68).verdict == "consistent"
    # Enough events in all, split unevenly: possible for a log-rank estimate, not for Cox.
    assert check(**shown, events=(50, 20)).verdict == "explained by the method"


def test_far_too_many_events_are_flagged_with_the_number_that_fits():
    events = pair(check("0.50", "0.25", "1.00", events=(80, 90)), "limits and events")
    assert events.verdict == "explained by the method"
    assert "a model with strata or covariates" in events.reconciled_by
    assert events.reconciled_by[0].startswith("about 3")


def test_p_value_against_events_without_limits():
    assert check("0.50", p="0.04", events=40).verdict == "consistent"
    bare = pair(check("0.50", p="0.001", events=40), "HR with events and p")
    assert bare.verdict == "do not fit one analysis"
    # Schoenfeld: about 4 z**2 / ln(HR)**2 events.
    assert int(bare.reconciled_by[-1].split()[2]) == pytest.approx(4 * 3.29**2 / 0.48, rel=0.15)
    assert check("0.50", p="0.025", events=30).verdict == "do not fit one analysis"
    assert check("0.50", p="0.025", sided="one-sided", events=30).verdict == "consistent"
    assert check("0.50", p=">0.05", events=40).verdict == "consistent"


def test_medians_are_a_weak_check_that_never_contradicts():
    assert check("0.53", "0.35", "0.81", medians=("7.2", "3.2")).verdict == "consistent"
    report = check("0.53", "0.35", "0.81", medians=("3.2", "7.2"))
    assert report.verdict == "explained by the method"
    assert pair(report, "HR and medians").gap > 3
    assert check("0.53", "0.35", "0.81", medians=("not reached", "3.2")).verdict == "consistent"
    # A 70 % interval is widened to 95 % first.
    wide = {"hr": "0.92", "lower": "0.71", "upper": "1.17", "medians": ("19.5", "23")}
    assert check(**wide, level=0.7).verdict == "consistent"


def test_one_limit_is_enough():
    full, upper, lower = (
        check("0.41", low, high, p="0.0039")
        for low, high in (("0.22", "0.75"), (None, "0.75"), ("0.22", "not reached"))
    )
    assert {full.verdict, upper.verdict, lower.verdict} == {"consistent"}
    assert len(upper.comparisons) == len(lower.comparisons) == 1
    assert check("0.41", None, "0.75", p="0.4").verdict == "do not fit one analysis"
    assert check("0.41", "0.22", p="0.4").verdict == "do not fit one analysis"


def test_a_limit_that_rounds_to_zero_says_little():
    assert check("0.05", "0.00", "0.60", p="0.02").verdict == "consistent"


def test_a_hazard_ratio_too_far_from_a_limit_of_zero_is_flagged():
    """0.00 stands for at most 0.005: the middle of the limits is then at most 0.061."""
    explained = check("0.10", "0.00", "0.75").comparisons[0]
    # ln(0.095 / 0.0614) over (ln 0.755 - ln 0.005) / 3.92.
    assert explained.gap == pytest.approx(0.341, abs=2e-3)
    assert explained.verdict == "explained by the method"
    assert explained.reconciled_by[0] == "HR at most 0.061"
    assert check("0.4", "0.00", "0.75").verdict == "do not fit one analysis"
    assert check("0.06", "0.00", "0.75").comparisons[0].gap == 0


def test_what_cannot_be_compared_is_not_called_consistent():
    for given_numbers in ({}, {"hr": "0.5"}, {"hr": "0.43", "p": "0.03"}, {"events": (3, 4)}):
        report = check(**given_numbers)
        assert (report.verdict, report.flagged) == ("not decidable", False)
        assert report.comparisons == ()
        assert report.to_frame().empty


def test_the_frame_has_a_row_per_comparison():
    report = check("0.53", "0.35", "0.81", p="0.0035", events=(42, 44), medians=("7.2", "3.2"))
    frame = report.to_frame()
    assert frame["pair"].tolist() == [one.pair for one in report.comparisons]
    assert len(frame) == 4
    assert str(report).splitlines()[0] == report.verdict


# Bad input ----------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"hr": 0.3}, 'hr is 0.3; give it as printed, as text, for example "0.30"'),
        ({"p": 0.05}, "p is 0.05; give it as printed"),
        ({"hr": True}, "hr is True; give it as printed"),
        ({"hr": "about 0.5"}, "hr is 'about 0.5'; it must be a printed number"),
        ({"hr": "-0.5"}, "hr is '-0.5'; it must be a printed number"),
        ({"hr": "nan"}, "hr is 'nan'; it must be a printed number"),
        ({"hr": "0.00"}, "hr is '0.00'; a hazard ratio is above 0"),
        ({"hr": "<0.5"}, "only p may be printed with < or >"),
        ({"p": "1.2"}, "p is '1.2'; it must lie between 0 and 1"),
        ({"p": "<5"}, "p is '<5'; it must lie between 0 and 1"),
        ({"lower": "0.9", "upper": "0.4"}, "lower is 0.9 and upper is 0.4; lower must be"),
        ({"lower": "0.4", "upper": "0.4"}, "lower is 0.4 and upper is 0.4; lower must be"),
        (
            {"hr": "0.5", "lower": "0.5", "upper": "0.5"},
            "lower is 0.5 and upper is 0.5; lower must be below upper",
        ),
        ({"hr": ""}, "hr is ''; it must be a printed number"),
        ({"p": " "}, "p is ' '; it must be a printed number"),
        ({"p": "<"}, "p is '<'; it must be a printed number"),
        ({"hr": "1.1", "lower": "0.4", "upper": "0.9"}, "hr is 1.1 and upper is 0.9"),
        ({"hr": "0.3", "lower": "0.4"}, "lower is 0.4 and hr is 0.3"),
        ({"level": 95}, "level is 95; .* write 0.95"),
        ({"sided": "two"}, "sided is 'two'; it must be one of two-sided, one-sided"),
        ({"events": (1, 2, 3)}, "events is .*; give the total, or one number per arm"),
        ({"events": "12.5"}, "events is '12.5'; give whole numbers above 0"),
        ({"events": (0, 4)}, "events is .*; give whole numbers above 0"),
        ({"events": "many"}, "events is 'many'; give whole numbers above 0"),
        ({"medians": ("3.2",)}, "medians is .*; give that of MDT and that of control"),
        ({"medians": ("0.0", "3")}, "medians is .*; a median is above 0"),
    ],
)
def test_bad_input_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        check(**arguments)
