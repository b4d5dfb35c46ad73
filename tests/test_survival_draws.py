"""Cox regression of many draws at once gives what each draw gives by itself."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_survival import FEW, ipd_frames

from oligomdt import survival


def stacked(frames):
    return pd.concat(
        [ipd.assign(draw=f"draw {i}") for i, ipd in enumerate(frames)], ignore_index=True
    )


@FEW
@given(
    st.lists(ipd_frames(), min_size=1, max_size=5),
    st.sampled_from(["efron", "breslow"]),
    st.integers(0, 99),
)
def test_each_draw_is_fitted_as_if_alone(frames, ties, seed):
    fits = []
    for ipd in frames:
        try:
            fits.append(survival.cox(ipd, ties))
        except ValueError:
            with pytest.raises(ValueError, match=r"draw .* \(one of \d+ such draws\)"):
                survival.cox_draws(stacked(frames), ties)
            return
    together = survival.cox_draws(stacked(frames), ties)
    assert together["draw"].tolist() == [f"draw {i}" for i in range(len(frames))]
    for column in ("log_hr", "se", "n", "events"):
        alone = [getattr(fit, column) for fit in fits]
        assert together[column].tolist() == pytest.approx(alone, rel=1e-9, abs=1e-9)
    shuffled = stacked(frames).sample(frac=1, random_state=seed)
    again = survival.cox_draws(shuffled, ties).set_index("draw").loc[together["draw"]]
    assert again["log_hr"].tolist() == pytest.approx(together["log_hr"].tolist(), abs=1e-9)


def test_hard_draws_do_not_spoil_the_others():
    # Four control patients beside 83: Newton's first step overshoots by 17 and, without its
    # bracket, never comes back.
    few = pd.DataFrame({"time": [1, 3, 5, 7, 2, 4, 6] + [9] * 80, "event": [1] * 7 + [0] * 80})
    few["arm"] = ["control"] * 4 + ["experimental"] * 83
    turned = few["arm"].map({"control": "experimental", "experimental": "control"})
    even = pd.DataFrame({"time": [*range(1, 41)] * 2, "event": 1})
    even["arm"] = ["control"] * 40 + ["experimental"] * 40
    together = survival.cox_draws(stacked([few, even, few.assign(arm=turned)]))
    fit = survival.cox(few)
    assert together["log_hr"].tolist() == pytest.approx([fit.log_hr, 0, -fit.log_hr], abs=1e-9)
    assert together["se"].tolist()[::2] == pytest.approx([fit.se] * 2, rel=1e-9)
    # Experimental events less their expectation at this hazard ratio.
    control = few["arm"].eq("control")
    score = 0.0
    for time in (1, 2, 3, 4, 5, 6, 7):
        at_risk = control[few["time"] >= time]
        weight = (~at_risk).sum() * fit.hr
        score += (time % 2 == 0) - weight / (weight + at_risk.sum())
    assert score == pytest.approx(0, abs=1e-9)


def test_bad_draws_are_refused():
    ipd = pd.DataFrame(
        {
            "time": [2, 4, 6, 8, 3, 7, 9, 12],
            "event": [1, 1, 1, 0, 1, 1, 0, 0],
            "arm": ["control"] * 4 + ["experimental"] * 4,
        }
    )
    good = stacked([ipd, ipd])
    with pytest.raises(ValueError, match="no column 'draw'; for one data set use cox"):
        survival.cox_draws(ipd)
    with pytest.raises(TypeError, match="DataFrame, not list"):
        survival.cox_draws([ipd, ipd])
    with pytest.raises(ValueError, match="'draw': missing value"):
        survival.cox_draws(good.assign(draw=good["draw"].where(good.index > 3)))
    with pytest.raises(ValueError, match="'exact' is not one of 'efron', 'breslow'"):
        survival.cox_draws(good, ties="exact")
    with pytest.raises(ValueError, match="'time': -12 is negative"):
        survival.cox_draws(good.assign(time=-good["time"]))
    with pytest.raises(ValueError, match=r"draw draw 1 \(one of 1 such draws\)"):
        survival.cox_draws(good[(good["draw"] == "draw 0") | (good["arm"] == "control")])
    silent = good.assign(event=good["event"].where(good["draw"] == "draw 0", 0))
    with pytest.raises(ValueError, match="draw draw 1 .*not finite"):
        survival.cox_draws(silent)
