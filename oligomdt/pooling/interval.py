"""Limits and p-value of an estimate that is normal, or Student t, on its own scale."""

import numpy as np
from scipy.special import ndtr, ndtri, stdtr, stdtrit

__all__ = ["limits", "quantile"]


def quantile(df: float, level: float) -> float:
    """Half-width of a two-sided interval in standard errors; normal where `df` is infinite."""
    upper = (1 + level) / 2
    return float(ndtri(upper) if np.isinf(df) else stdtrit(df, upper))


def limits(estimate: float, se: float, df: float, level: float) -> tuple[float, float, float]:
    """Lower and upper limit, and the two-sided p-value of 0."""
    half = quantile(df, level) * se
    # A Hartung-Knapp or robust standard error of exactly 0 (identical estimates): no
    # distribution.
    ratio = -abs(estimate) / se if se > 0 else (-np.inf if estimate else np.nan)
    tail = ndtr(ratio) if np.isinf(df) else stdtr(df, ratio)
    return float(estimate - half), float(estimate + half), float(2 * tail)
