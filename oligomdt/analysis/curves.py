"""Kaplan-Meier curves of reconstructed patients, and how far they are left open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["survival_band"]

ARMS = ("control", "experimental")
BAND = (0.025, 0.5, 0.975)
# A curve is followed while S is defined in this share of the draws and, in the median draw,
# somebody is at risk; it is sparse where fewer than one in ten are.
DEFINED, SPARSE = 0.9, 0.1
# Longest time of the axis and the step of its grid, months.
STEPS = ((15.0, 0.1), (40.0, 0.25), (np.inf, 0.5))


def survival_band(reconstruction: Any) -> pd.DataFrame:
    """Survival of reconstructed patients over time: median and spread over the draws.

    The limits are the 2.5 and 97.5 percentiles, over the draws, of the Kaplan-Meier estimate
    at each time. They show how far the published numbers leave the curve open. They are not a
    confidence interval: the uncertainty from the number of patients is not in them. With a
    single draw there is no spread and the limits are nan.

    Parameters
    ----------
    reconstruction : Reconstruction
        As from `reconstruct`; its `data` holds `draw`, `time` (months), `event`, `arm`.

    Returns
    -------
    pandas.DataFrame
        `arm`, `time` (months, on a grid), `surv`, `low`, `high`, `n_risk` (median over
        draws), `draws` (in which S is defined at that time) and `sparse`: fewer than a tenth
        of the arm still at risk, where a curve should not be read (Pocock, Clayton and Altman
        2002, doi:10.1016/S0140-6736(02)08594-X). From where nobody is at risk in the median
        draw, or S is defined in fewer than nine of ten draws, `surv` and its limits are nan;
        before that, S keeps its last value in the draws whose follow-up has ended.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> import pandas as pd
    >>> one = {"draw": 0, "time": [1.0, 2.0, 3.0], "event": [1, 0, 1], "arm": "control"}
    >>> band = survival_band(SimpleNamespace(data=pd.DataFrame(one)))
    >>> round(float(band.loc[band["time"] == 2.0, "surv"].iloc[0]), 4)
    0.6667
    """
    import pandas as pd

    data = reconstruction.data
    longest = float(data["time"].max())
    step = next(step for limit, step in STEPS if longest <= limit)
    # Counting whole steps keeps the grid free of the rounding of repeated addition.
    grid = np.arange(int(np.floor(longest / step + 1e-9)) + 1) * step
    frames = []
    for arm in ARMS:
        own = data[data["arm"] == arm]
        if len(own):
            frames.append(_band(own, np.round(grid, 6)).assign(arm=arm))
    frame = pd.concat(frames, ignore_index=True)
    shown = frame["time"] <= frame.loc[frame["surv"].notna(), "time"].max()
    columns = ["arm", "time", "surv", "low", "high", "n_risk", "draws", "sparse"]
    return frame.loc[shown, columns].reset_index(drop=True)


def _band(own: pd.DataFrame, grid: np.ndarray) -> pd.DataFrame:
    import pandas as pd

    each = [_at(draw, grid) for _, draw in own.groupby("draw", sort=True)]
    surv, defined, n_risk = (np.array(part) for part in zip(*each, strict=True))
    draws, at_risk = defined.sum(axis=0), np.median(n_risk, axis=0)
    kept = (draws >= DEFINED * len(each)) & (at_risk >= 1)
    quantiles = np.where(kept, np.quantile(surv, BAND, axis=0), np.nan)
    low, middle, high = quantiles
    if len(each) == 1:
        low, high = np.full((2, len(grid)), np.nan)
    return pd.DataFrame(
        {
            "time": grid,
            "surv": middle,
            "low": low,
            "high": high,
            "n_risk": at_risk,
            "draws": draws,
            "sparse": at_risk < SPARSE * at_risk[0],
        }
    )


def _at(draw: pd.DataFrame, grid: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One data set on a grid: Kaplan-Meier estimate, whether defined, number at risk."""
    from oligomdt.survival.kaplan_meier import curve

    # Reconstructed times carry the noise of floats; the grid and the horizon must still meet.
    time = np.round(draw["time"].to_numpy(), 6)
    km = curve(time, draw["event"].to_numpy())
    surv = km.surv[np.searchsorted(km.time, grid, side="right") - 1]
    defined = (grid <= km.time[-1]) | (km.surv[-1] == 0)
    at_risk = np.append(km.n_risk, 0)[np.searchsorted(km.time, grid, side="left")]
    return surv, defined, at_risk
