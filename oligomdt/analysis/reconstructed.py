"""Hazard ratios of the reconstructed patients, and how well they agree with the published."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from oligomdt import evidence, pooling, survival
from oligomdt.analysis.estimates import ROLES, describe, published_estimates, results
from oligomdt.analysis.synthesis import histology_synthesis
from oligomdt.evidence import Result, Trial

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["agreement", "reconstructed_estimates"]

# The columns a caller selects by, kept where nothing could be reconstructed.
COLUMNS = ("result", "trial", "cohort", "group", "pooled", "basis", "log_hr", "se")


def reconstructed_estimates(trials: Mapping[str, Trial] | None = None) -> pd.DataFrame:
    """Hazard ratios of reconstructed patients, with the variance of the reconstruction.

    Each data set of an ensemble is analysed by Cox regression; the results are combined by
    Rubin's rules (Rubin 1987, doi:10.1002/9780470316696).

    Parameters
    ----------
    trials : mapping, optional
        Trial id to `evidence.Trial`; default `evidence.load()`.

    Returns
    -------
    pandas.DataFrame
        One row per result and basis, the better basis first: the columns of
        `published_estimates` that apply, `basis` ("figure" or "statistics"), `draws`, `hr`,
        `hr95_low`, `hr95_high`, `log_hr`, `se` (total), `within_se`, `between_sd`,
        `reconstruction_share` (share of the total variance due to the reconstruction),
        `below_1` (share of the draws with a hazard ratio below 1), and
        the median and range of the events over draws, `events_control_low`,
        `events_control_median`, `events_control_high` and the same of `experimental`. Only
        the better basis of a result is `pooled`.

    Examples
    --------
    >>> from oligomdt import evidence
    >>> trials = {"CURB": evidence.load()["CURB"]}
    >>> frame = reconstructed_estimates(trials)
    >>> frame["result"].tolist()
    ['CURB-whole', 'CURB-NSCLC', 'CURB-breast']
    """
    import pandas as pd

    trials = evidence.load() if trials is None else trials
    rows = []
    for trial, cohort, result in results(trials):
        for place, reconstruction in enumerate(_reconstructions(result).values()):
            row = describe(trial, cohort, result) | summarise(reconstruction)
            row["pooled"] = row["pooled"] and place == 0
            rows.append(row)
    return pd.DataFrame(rows, columns=None if rows else COLUMNS)


def _reconstructions(result: Result) -> Mapping[str, Any]:
    from oligomdt.analysis.reconstruction import reconstructions

    return reconstructions(result)


def summarise(reconstruction: Any) -> dict[str, Any]:
    """Combine the draws of a reconstruction into one estimate with its parts."""
    fits, events = [], []
    for _, ipd in reconstruction.data.groupby("draw", sort=True):
        fits.append(survival.cox(ipd))
        events.append(ipd.groupby("arm")["event"].sum())
    log_hr = np.array([fit.log_hr for fit in fits])
    se = np.array([fit.se for fit in fits])
    if len(fits) == 1:
        between, total, share = 0.0, float(se[0]), 0.0
        estimate = pooling.Estimate(float(log_hr[0]), total, "one reconstructed data set")
    else:
        estimate = pooling.rubin(log_hr, se)
        between, share = estimate.between**0.5, estimate.share
    low, high = estimate.ci(0.95)
    return {
        "basis": reconstruction.basis,
        "draws": len(fits),
        "hr": estimate.hr,
        "hr95_low": low,
        "hr95_high": high,
        "level": 0.95,
        "log_hr": estimate.log_hr,
        "se": estimate.se,
        "within_se": float(np.sqrt((se**2).mean())),
        "between_sd": between,
        "reconstruction_share": share,
        "below_1": float((log_hr < 0).mean()),
        "checked": _checked(reconstruction.result),
        **_event_counts(events),
    }


def _event_counts(events: list[pd.Series]) -> dict[str, float]:
    counts = {}
    for role in ROLES:
        own = np.array([count[role] for count in events])
        counts[f"events_{role}_low"] = int(own.min())
        counts[f"events_{role}_median"] = float(np.median(own))
        counts[f"events_{role}_high"] = int(own.max())
    return counts


def _checked(result: Result) -> bool:
    """Whether the published hazard ratio behind a reconstruction was read in its source."""
    return bool(not result.hr or result.hr.checked)


def agreement(trials: Mapping[str, Trial] | None = None) -> pd.DataFrame:
    """Compare the hazard ratios of the reconstructed patients with the published ones.

    Parameters
    ----------
    trials : mapping, optional
        Trial id to `evidence.Trial`; default `evidence.load()`.

    Returns
    -------
    pandas.DataFrame
        One row per result that has both, then one per histology pooled: `what` ("result" or
        "pooled"), `result`, `label`, `group`, `basis`, `hr_published`, `low_published`,
        `high_published`, `hr_reconstructed`, `low_reconstructed`, `high_reconstructed` (95 %),
        `log_hr_published`, `log_hr_reconstructed`, `difference` (of the log hazard ratios,
        reconstructed minus published), `difference_in_se` (in standard errors of the published
        one), `se_ratio` (reconstructed over published) and `checked`.

    Examples
    --------
    >>> from oligomdt import evidence
    >>> trials = {"CURB": evidence.load()["CURB"]}
    >>> frame = agreement(trials)
    >>> frame[["what", "result"]].values.tolist()
    [['result', 'CURB-whole'], ['result', 'CURB-NSCLC'], ['result', 'CURB-breast']]
    """
    import pandas as pd

    trials = evidence.load() if trials is None else trials
    published, rebuilt = published_estimates(trials), reconstructed_estimates(trials)
    shared = rebuilt.merge(published, on="result", suffixes=("_reconstructed", "_published"))
    rows = []
    for row in shared.to_dict("records"):
        names = {"what": "result", "result": row["result"], "label": row["label_published"]}
        names |= {"group": row["group_published"], "basis": row["basis_reconstructed"]}
        names |= {"checked": row["checked_published"]}
        rows.append(names | _compared(_sides(row)))
    rows += _pooled_agreement(published, rebuilt)
    return pd.DataFrame(rows)


def _sides(row: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    names = {"hr": "hr", "low": "hr95_low", "high": "hr95_high", "se": "se"}
    return {
        side: {name: row[f"{column}_{side}"] for name, column in names.items()}
        for side in ("published", "reconstructed")
    }


def _compared(sides: dict[str, dict[str, float]]) -> dict[str, float]:
    columns = {
        f"{name}_{side}": values[name]
        for side, values in sides.items()
        for name in ("hr", "low", "high")
    }
    log_hr = {side: float(np.log(values["hr"])) for side, values in sides.items()}
    columns |= {f"log_hr_{side}": value for side, value in log_hr.items()}
    difference = log_hr["reconstructed"] - log_hr["published"]
    spread = {side: values["se"] for side, values in sides.items()}
    return columns | {
        "difference": difference,
        "difference_in_se": difference / spread["published"],
        "se_ratio": spread["reconstructed"] / spread["published"],
    }


def _pooled_agreement(published: pd.DataFrame, rebuilt: pd.DataFrame) -> list[dict[str, Any]]:
    both = set(published.loc[published["pooled"], "result"])
    rebuilt = rebuilt[rebuilt["pooled"] & rebuilt["result"].isin(both)]
    published = published[published["result"].isin(rebuilt["result"])]
    from scipy.stats import norm

    primary = {}
    for side, estimates in (("published", published), ("reconstructed", rebuilt)):
        frame = histology_synthesis(estimates)
        primary[side] = frame[(frame["role"] == "primary") & (frame["k"] > 1)]
    rows = []
    for group in primary["published"]["group"]:
        sides, checked = {}, True
        for side, frame in primary.items():
            one = frame.set_index("group").loc[group]
            # Half the width of the interval in normal quantiles stands for the standard error.
            se = float(np.log(one["high"] / one["low"])) / (2 * norm.ppf(0.975))
            sides[side] = {"hr": one["hr"], "low": one["low"], "high": one["high"], "se": se}
            checked = checked and bool(one["checked"])
        names = {"what": "pooled", "result": "", "label": f"{group}, pooled", "group": group}
        basis = "; ".join(dict.fromkeys(rebuilt.loc[rebuilt["group"] == group, "basis"]))
        rows.append(names | {"basis": basis, "checked": checked} | _compared(sides))
    return rows
