"""Does the hazard ratio differ between trials? A one-stage test."""

from dataclasses import dataclass

from scipy.special import chdtrc

from .cox import cox
from .ipd import patients


@dataclass(frozen=True)
class LikelihoodRatioTest:
    """Twice the gain in log-likelihood of the larger model, and its chi-squared p-value."""

    chi2: float
    df: int
    p: float
    log_likelihood: float
    log_likelihood_null: float


def interaction_test(ipd, by="trial", ties="efron"):
    """Test whether the hazard ratio is the same in all trials (treatment by trial).

    The likelihood-ratio test of a Cox model with one hazard ratio per trial against one with a
    common hazard ratio, both stratified by trial (each trial has its own baseline hazard). With
    few trials it finds large differences only.

    Parameters
    ----------
    ipd : DataFrame
        One row per patient: `time` (months, 0 or later), `event` (0 or 1), `arm`, and `by`.
    by : str
        Column that names the trial (or the histology, or any other part) of each patient.
    ties : {"efron", "breslow", "exact"}
        How tied event times are handled.

    Returns
    -------
    LikelihoodRatioTest
        Chi-squared with as many degrees of freedom as there are trials, less one.

    Raises
    ------
    ValueError
        If the frame is not a valid IPD frame, it has one trial only, or the hazard ratio of a
        trial is not finite.

    Examples
    --------
    >>> import pandas as pd
    >>> ipd = pd.DataFrame({"time": [2, 4, 6, 8, 3, 7, 9, 12] * 2,
    ...                     "event": [1, 1, 1, 0, 1, 1, 0, 0] + [1, 0, 1, 1, 1, 1, 1, 0],
    ...                     "arm": (["control"] * 4 + ["experimental"] * 4) * 2,
    ...                     "trial": ["A"] * 8 + ["B"] * 8})
    >>> test = interaction_test(ipd)
    >>> test.df, round(test.p, 3)
    (1, 0.915)
    """
    patients(ipd, by)
    parts = list(ipd.groupby(by, sort=False, observed=True))
    if len(parts) < 2:
        raise ValueError(f"ipd column {by!r} has one value only; a test needs two trials")
    separate = 0.0
    for name, rows in parts:
        try:
            separate += cox(rows, ties=ties).log_likelihood
        except ValueError as error:
            raise ValueError(f"{by} {name!r}: {error}") from error
    common = cox(ipd, ties=ties, strata=by)
    # Not below 0 but for rounding: the larger model holds the smaller one.
    chi2, df = max(2 * (separate - common.log_likelihood), 0.0), len(parts) - 1
    return LikelihoodRatioTest(
        chi2=chi2,
        df=df,
        p=float(chdtrc(df, chi2)),
        log_likelihood=separate,
        log_likelihood_null=common.log_likelihood,
    )
