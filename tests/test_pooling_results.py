"""What all results have in common: the ratio scale, and one tidy row."""

import numpy as np
import pytest
from reference import ipd as reference_ipd

from oligomdt import pooling


def every_result():
    """Return one result of each kind that has a hazard ratio, and what the row must hold."""
    rng = np.random.default_rng(2)
    y, s = rng.normal(-0.3, 0.2, 12), rng.uniform(0.1, 0.4, 12)
    ipd = reference_ipd.patients("ipd_five_trials")
    levels = pooling.three_level(y, s, list("aabbccddeeff"))
    return {
        "pool": pooling.pool(y, s),
        "bayes": pooling.bayes(y, s),
        "profile_mu": pooling.profile_mu(y, s),
        "three_level": levels,
        "robust": levels.robust(),
        "one_stage": pooling.one_stage(ipd),
        "one_stage_random": pooling.one_stage_random(ipd),
        "combine": pooling.pool_draws([y, y + 0.01], [s, s]).combine(),
        "henmi_copas": pooling.henmi_copas(y, s),
    }


def test_every_result_has_a_hazard_ratio_and_a_row():
    for name, result in every_result().items():
        row = result.to_dict()
        shown = [row["hr"], row["hr_low"], row["hr_high"]]
        centre = row.get("mu_median", row["mu"])
        logs = [centre, row["ci_low"], row["ci_high"]]
        assert np.log(shown) == pytest.approx(logs, rel=1e-12), name
        assert shown == [result.hr, result.hr_low, result.hr_high]
        assert all(isinstance(value, bool | int | float | str) for value in row.values()), name
        frame = result.to_frame()
        assert frame.shape == (1, len(row))
        assert frame["level"].tolist() == [0.95]


def test_leaving_one_out_and_cumulating_take_a_profile():
    y, s = [-0.9, -0.1, -0.5], [0.2, 0.25, 0.3]
    frame = pooling.leave_one_out(y, s, fit=pooling.profile_mu)
    assert frame["hr"][0] == pooling.profile_mu(y[1:], s[1:]).hr
    assert frame["k"].tolist() == [2, 2, 2]
    assert frame["omitted"].tolist() == ["1", "2", "3"]
