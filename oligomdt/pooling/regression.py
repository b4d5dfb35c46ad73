"""Meta-regression: the log hazard ratio as a line in properties of the studies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, fdtrc, ndtr, stdtr

from oligomdt.pooling.heterogeneity import TAU2_METHODS, estimate_tau2, highest_peak, root
from oligomdt.pooling.interval import quantile
from oligomdt.pooling.studies import Studies, check_studies
from oligomdt.pooling.validation import check_choice, check_level

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MetaRegression", "regression"]

TESTS = ("wald", "hksj", "adhoc")
INTERCEPT = "intercept"
# Columns of the predictions beside the moderators.
PREDICTED = ("log_hr", "se", "ci_low", "ci_high", "prediction_low", "prediction_high")
# Beyond these the squares of a moderator leave the range of numbers.
SMALLEST, LARGEST = 1e-100, 1e100
# A column this near to the span of the others (share of its length) has no coefficient.
COLLINEAR = 1e-10


@dataclass(frozen=True, eq=False)
class MetaRegression:
    """A fitted meta-regression.

    Attributes
    ----------
    coefficients : pandas.DataFrame
        One row per term, the intercept first: `term`, `estimate` (log hazard ratio at 0 of all
        moderators; change of it per unit of a moderator), `se`, `statistic`, `p`, `ci_low`,
        `ci_high`.
    covariance : numpy.ndarray, shape (p, p)
        Covariance matrix of the coefficients, in the order of the terms.
    df : float
        Degrees of freedom of the coefficients' intervals; infinity for the normal distribution.
    tau2 : float
        Residual between-study variance.
    qm, qm_df, qm_p : float, int, float
        Test that all moderators have no effect: chi-square with `qm_df` degrees of freedom
        (wald), or F with `qm_df` and `df` (hksj, adhoc).
    qe, qe_df, qe_p : float, int, float
        Cochran's Q about the line, weights without tau2, and its chi-square test.
    i2 : float
        Share of the residual variance that lies between studies, 0 to 1; for a common effect
        from `qe`.
    r2 : float
        Share of tau2 that the moderators explain, 0 to 1: ``1 - tau2 / tau2 without them``,
        truncated at 0. NaN for a common effect, and where tau2 is 0 without them. With few
        studies it says very little.
    scale : float
        Hartung-Knapp factor ``sum(w * residual**2) / (k - p)``, not truncated.
    method, test : str
        Estimator of tau2, and "wald", "hksj" or "adhoc".
    k : int
        Number of studies.
    level : float
        Confidence level.
    labels : tuple of str
        Names of the studies.
    """

    coefficients: pd.DataFrame
    covariance: np.ndarray
    df: float
    tau2: float
    qm: float
    qm_df: int
    qm_p: float
    qe: float
    qe_df: int
    qe_p: float
    i2: float
    r2: float
    scale: float
    method: str
    test: str
    k: int
    level: float
    labels: tuple[str, ...]

    def predict(self, moderators: pd.DataFrame) -> pd.DataFrame:
        """Average log hazard ratio at given values of the moderators.

        Parameters
        ----------
        moderators : pandas.DataFrame
            One column per moderator of the fit.

        Returns
        -------
        pandas.DataFrame
            The given columns, `log_hr`, `se`, `ci_low`, `ci_high`, and the limits
            `prediction_low` and `prediction_high` of a new study
            (``quantile * sqrt(se**2 + tau2)``; NaN for a common effect). Values outside the
            range of the studies are extrapolations.

        Raises
        ------
        ValueError
            For a column that is missing, unknown or not finite.
        TypeError
            For anything but a data frame of numbers.
        """
        names = self.coefficients["term"].tolist()[1:]
        given = _names(moderators)
        if sorted(given) != sorted(names):
            raise ValueError(
                f"moderators has columns {', '.join(given)}; give {', '.join(names)}"
            )
        rows = [f"row {i + 1}" for i in range(len(moderators))]
        x = _design(moderators.set_axis(given, axis=1)[names], rows)
        mean = x @ self.coefficients["estimate"].to_numpy()
        se = np.sqrt(np.einsum("ij,jk,ik->i", x, self.covariance, x))
        width = quantile(self.df, self.level)
        spread = np.sqrt(se**2 + self.tau2) if self.method != "CE" else np.nan
        return moderators.assign(
            log_hr=mean,
            se=se,
            ci_low=mean - width * se,
            ci_high=mean + width * se,
            prediction_low=mean - width * spread,
            prediction_high=mean + width * spread,
        )


def regression(
    log_hr: ArrayLike,
    se: ArrayLike,
    moderators: pd.DataFrame,
    tau2: str = "REML",
    test: str = "wald",
    level: float = 0.95,
    labels: Sequence[str] | None = None,
) -> MetaRegression:
    """Regress the log hazard ratios on properties of the studies.

    ``log_hr[i] ~ N(x[i] @ b, se[i]**2 + tau2)`` by weighted least squares. Intervals and tests
    are normal (wald), or Student t and F with k - p degrees of freedom and the covariance
    multiplied by ``s2 = sum(w * residual**2) / (k - p)`` (hksj; Knapp and Hartung 2003,
    doi:10.1002/sim.1482) or by ``max(1, s2)`` (adhoc).

    A moderator is a property of whole studies: what it explains is an association between
    studies, not an effect of randomised treatment, and the mean age of a trial says little of
    patients' age. Ten studies per moderator are the usual advice (Thompson and Higgins 2002,
    doi:10.1002/sim.1187).

    Parameters
    ----------
    log_hr, se : array_like, shape (k,)
        Log hazard ratios and standard errors.
    moderators : pandas.DataFrame, k rows
        Numbers, one column per moderator, one row per study in the same order (the index is
        not looked at). Code a group as columns of 0 and 1, or use `interaction`.
    tau2 : str
        CE, DL, HE, HS, SJ, ML, REML, EB or PM.
    test : str
        wald, hksj or adhoc.
    level : float
        Confidence level between 0 and 1.
    labels : sequence of str, optional
        Names of the studies.

    Returns
    -------
    MetaRegression

    Raises
    ------
    ValueError
        For bad studies, a moderator that is missing, not a number, constant or a combination
        of others, or fewer than two studies more than moderators.

    Examples
    --------
    >>> import pandas as pd
    >>> dose = pd.DataFrame({"dose": [0.0, 1.0, 2.0, 3.0]})
    >>> fit = regression([-0.1, -0.3, -0.2, -0.6], [0.2, 0.2, 0.2, 0.2], dose, tau2="DL")
    >>> fit.coefficients[["term", "estimate"]].round(3).values.tolist()
    [['intercept', -0.09], ['dose', -0.14]]
    """
    studies, level = check_studies(log_hr, se, labels), check_level(level)
    check_choice("tau2", tau2, TAU2_METHODS)
    check_choice("test", test, TESTS)
    x, names = _check_moderators(moderators, studies)
    y, v, (k, p) = studies.log_hr, studies.variance, x.shape
    # An orthonormal basis of the same space: means, tau2 and Q are those of x itself.
    basis, triangle = np.linalg.qr(x)
    between = _residual_tau2(y, v, basis, tau2)
    fit, common = _line(y, v, basis, between), _line(y, v, basis, 0.0)
    df = k - p
    scale = float(fit.q) / df
    factor = {"wald": 1.0, "hksj": scale, "adhoc": max(1.0, scale)}[test]
    back = np.linalg.inv(triangle)
    beta = back @ fit.beta
    covariance = factor * back @ np.linalg.inv(fit.information) @ back.T
    freedom = np.inf if test == "wald" else float(df)
    qm, qm_p = _omnibus(beta, covariance, freedom)
    return MetaRegression(
        _coefficients([INTERCEPT, *names], beta, covariance, freedom, level),
        covariance,
        freedom,
        between,
        qm,
        p - 1,
        qm_p,
        float(common.q),
        df,
        float(chdtrc(df, common.q)),
        _inconsistency(common, basis, between, tau2),
        _explained(y, v, between, tau2),
        scale,
        tau2,
        test,
        k,
        level,
        studies.labels,
    )


# Input ---------------------------------------------------------------------------------------


def _check_moderators(
    moderators: pd.DataFrame, studies: Studies
) -> tuple[np.ndarray, list[str]]:
    names = _names(moderators)
    if not names:
        raise ValueError("moderators has no column; without moderators use pool")
    if len(set(names)) < len(names) or INTERCEPT in names:
        raise ValueError(
            f"moderators has columns {', '.join(names)}; give each its own name, "
            f"not {INTERCEPT!r}, which is always there"
        )
    if taken := [name for name in names if name in PREDICTED]:
        raise ValueError(
            f"moderators has a column {taken[0]!r}, the name of a column of the predictions; "
            "give it another name"
        )
    if len(moderators) != studies.k:
        raise ValueError(
            f"moderators has {len(moderators)} rows and log_hr has {studies.k} values; "
            "give one row per study"
        )
    x = _design(moderators, [f"study {label}" for label in studies.labels])
    if studies.k <= len(names) + 1:
        raise ValueError(
            f"{studies.k} studies and {len(names) + 1} coefficients leave nothing to estimate "
            "the spread from; give at least two studies more than moderators"
        )
    _check_rank(x, names)
    return x, names


def _names(moderators: pd.DataFrame) -> list[str]:
    if not hasattr(moderators, "columns"):
        raise TypeError("moderators must be a data frame with one column per moderator")
    return [str(name) for name in moderators.columns]


def _design(moderators: pd.DataFrame, rows: Sequence[str]) -> np.ndarray:
    columns = [np.ones(len(moderators))]
    for name in moderators.columns:
        values = moderators[name]
        # Text that looks like numbers, dates and complex numbers would change unasked.
        if values.dtype.kind in "mMc" or any(_is_no_number(value) for value in values):
            raise TypeError(
                f"moderator {name!r} must hold numbers only; code a group as columns of 0 and "
                "1, and a date as a year"
            )
        column = values.to_numpy(dtype=float, na_value=np.nan)
        wrong = np.flatnonzero(~np.isfinite(column))
        if wrong.size:
            value = moderators[name].iloc[wrong[0]]
            raise ValueError(
                f"{rows[wrong[0]]}: moderator {name!r} is {value}; it must be a finite number"
            )
        most = float(np.abs(column).max(initial=0.0))
        if most and not SMALLEST <= most <= LARGEST:
            raise ValueError(
                f"moderator {name!r} reaches {most:g}; give it in a unit in which it reaches "
                f"between {SMALLEST:g} and {LARGEST:g}"
            )
        columns.append(column)
    return np.column_stack(columns)


def _is_no_number(value: object) -> bool:
    return isinstance(value, (str, complex, np.complexfloating))


def _check_rank(x: np.ndarray, names: Sequence[str]) -> None:
    for j, name in enumerate(names, start=1):
        column, others = x[:, j], x[:, :j]
        length = np.linalg.norm(column)
        if np.linalg.norm(column - column.mean()) <= COLLINEAR * length:
            raise ValueError(
                f"moderator {name!r} is the same in all studies; it has no coefficient"
            )
        scaled = others / np.linalg.norm(others, axis=0)
        rest = column - scaled @ np.linalg.lstsq(scaled, column, rcond=None)[0]
        if np.linalg.norm(rest) <= COLLINEAR * length:
            raise ValueError(
                f"moderator {name!r} is a combination of "
                f"{', '.join(names[: j - 1]) or INTERCEPT}; leave one of them out"
            )


# The line ------------------------------------------------------------------------------------


class _Line(NamedTuple):
    """Weighted least squares at one or more values of tau2 (leading axis, if any)."""

    weights: np.ndarray
    information: np.ndarray
    beta: np.ndarray
    residual: np.ndarray
    q: np.ndarray


def _line(y: np.ndarray, v: np.ndarray, x: np.ndarray, tau2: float | np.ndarray) -> _Line:
    w = 1 / (v + np.asarray(tau2, dtype=float)[..., None])
    information = np.einsum("...k,ki,kj->...ij", w, x, x)
    beta = np.linalg.solve(information, ((w * y) @ x)[..., None])[..., 0]
    residual = y - beta @ x.T
    return _Line(w, information, beta, residual, (w * residual**2).sum(axis=-1))


def _leverage(f: _Line, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Trace of ``inv(information) @ x' diag(w) x``."""
    return np.einsum("...ij,...k,kj,ki->...", np.linalg.inv(f.information), w, x, x)


def _residual_tau2(y: np.ndarray, v: np.ndarray, x: np.ndarray, method: str) -> float:
    """Estimate tau2 about the line; the definitions are those of `tau2`."""
    k, p = x.shape
    spread = max(float(np.ptp(y) ** 2), float(v.min()))
    match method:
        case "CE":
            return 0.0
        case "ML" | "REML":
            return highest_peak(
                lambda t: _score(_line(y, v, x, t), x, method),
                lambda t: _log_likelihood(_line(y, v, x, t), method),
                spread,
            )
        case "EB" | "PM":
            return root(lambda t: float(_line(y, v, x, t).q) - (k - p), spread)
    common = _line(y, v, x, 0.0)
    plain = _line(y, np.ones(k), x, 0.0)
    match method:
        case "DL":
            total = common.weights.sum() - _leverage(common, x, common.weights**2)
            estimate = (common.q - (k - p)) / total
        case "HS":
            estimate = (common.q - k) / common.weights.sum()
        case "HE":
            estimate = (plain.q - (v.sum() - _leverage(plain, x, v))) / (k - p)
        case "SJ":
            start = plain.q / k
            estimate = start * _line(y, v, x, start).q / (k - p)
    return max(0.0, float(estimate))


def _score(f: _Line, x: np.ndarray, method: str) -> np.ndarray:
    """Twice the derivative of the (restricted) log-likelihood in tau2."""
    slope = (f.weights**2 * f.residual**2).sum(axis=-1) - f.weights.sum(axis=-1)
    return slope + _leverage(f, x, f.weights**2) if method == "REML" else slope


def _log_likelihood(f: _Line, method: str) -> float:
    height = 0.5 * float(np.log(f.weights).sum(axis=-1) - f.q)
    if method == "REML":
        height -= 0.5 * float(np.linalg.slogdet(f.information)[1])
    return height


# What is reported ----------------------------------------------------------------------------


def _coefficients(
    terms: list[str], beta: np.ndarray, covariance: np.ndarray, df: float, level: float
) -> pd.DataFrame:
    import pandas as pd

    se = np.sqrt(np.diag(covariance))
    # A Hartung-Knapp standard error can be exactly 0 (all studies on the line).
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = beta / se
    tail = -np.abs(statistic)
    half = quantile(df, level) * se
    return pd.DataFrame(
        {
            "term": terms,
            "estimate": beta,
            "se": se,
            "statistic": statistic,
            "p": 2 * (ndtr(tail) if np.isinf(df) else stdtr(df, tail)),
            "ci_low": beta - half,
            "ci_high": beta + half,
        }
    )


def _omnibus(beta: np.ndarray, covariance: np.ndarray, df: float) -> tuple[float, float]:
    slopes, own = beta[1:], covariance[1:, 1:]
    if not own.any():
        return np.nan, np.nan
    chi2 = float(slopes @ np.linalg.solve(own, slopes))
    if np.isinf(df):
        return chi2, float(chdtrc(slopes.size, chi2))
    return chi2 / slopes.size, float(fdtrc(slopes.size, df, chi2 / slopes.size))


def _inconsistency(common: _Line, x: np.ndarray, tau2: float, method: str) -> float:
    df = np.subtract(*x.shape)
    if method == "CE":
        return max(0.0, 1 - df / float(common.q)) if common.q > 0 else 0.0
    typical = df / (common.weights.sum() - _leverage(common, x, common.weights**2))
    return float(tau2 / (tau2 + typical))


def _explained(y: np.ndarray, v: np.ndarray, tau2: float, method: str) -> float:
    without = estimate_tau2(y, v, np.ones((y.size, 1)), method)
    return max(0.0, 1 - tau2 / without) if without > 0 else np.nan
