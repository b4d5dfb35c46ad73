"""The statistics that a comparison states, computed from one data set."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from oligomdt import survival
from oligomdt.reconstructkm import Comparison
from oligomdt.reconstructkm.constraints import plan
from oligomdt.reconstructkm.ensemble import bounds


def statements(stated: Comparison, data: pd.DataFrame) -> pd.DataFrame:
    """Stated statistics beside those of one data set that was not made to meet them.

    Computed with `oligomdt.survival` (Efron's method for ties), not with the sampler's own
    code, so that it also serves to check the sampler.

    Parameters
    ----------
    stated : oligomdt.reconstructkm.Comparison
        Its parts are left aside. An unknown transform is taken as log-log.
    data : DataFrame
        ``time``, ``event``, ``arm``.

    Returns
    -------
    DataFrame
        As `oligomdt.reconstructkm.Ensemble.statistics`, with ``forced`` false throughout.
    """
    stated = replace(stated, parts=())
    transform = "log" if stated.transform == "log" else "log-log"
    values = _values(stated, data[["time", "event", "arm"]], transform)
    rows = []
    for constraint in plan(stated).constraints:
        low, high = bounds(constraint)
        value = values[constraint.name]
        # Times are kept to a millionth of a month.
        met = (np.isinf(low) and np.isinf(value)) or low - 1e-6 <= value <= high + 1e-6
        rows.append(
            {
                "statistic": constraint.name,
                "stated": constraint.text,
                "low": low,
                "high": high,
                "reached_low": value,
                "reached_median": value,
                "reached_high": value,
                "met": float(met),
                "forced": False,
                "reason": "compared, not forced: the data rest on the figure",
            }
        )
    return pd.DataFrame(rows)


def _values(stated: Comparison, data: pd.DataFrame, transform: str) -> dict[str, float]:
    found = {}
    for role, arm in stated.arms.items():
        own = data[data["arm"] == role]
        found[f"{role} events"] = float(own["event"].sum())
        median = survival.median(data, level=arm.level, transform=transform)
        row = median.set_index("arm").loc[role]
        found[f"{role} median"] = _reached(row["median"])
        found[f"{role} median lower"] = _reached(row["ci_low"])
        found[f"{role} median upper"] = _reached(row["ci_high"])
        for mark in arm.landmarks:
            at = survival.survival_at(data, [mark.time], level=mark.level, transform=transform)
            row = at.set_index("arm").loc[role]
            found[f"{role} S({mark.time:g})"] = row["surv"]
            found[f"{role} S({mark.time:g}) lower"] = row["ci_low"]
            found[f"{role} S({mark.time:g}) upper"] = row["ci_high"]
    fit = survival.cox(data, level=stated.hr_level)
    found |= {"hr": fit.hr, "hr lower": fit.hr_low, "hr upper": fit.hr_high}
    found["p"] = _nearest_p(stated, fit.p, survival.logrank(data).p)
    return found


def _reached(value: float) -> float:
    return float("inf") if np.isnan(value) else float(value)


def _nearest_p(stated: Comparison, wald: float, logrank: float) -> float:
    """The p value of the named test; of an unknown test, the one nearer to the stated p."""
    if stated.p is None or stated.test == "logrank" or logrank in stated.p:
        return logrank
    if stated.test == "wald" or wald in stated.p:
        return wald
    return min((logrank, wald), key=lambda p: abs(np.log(p / stated.p.value)))
