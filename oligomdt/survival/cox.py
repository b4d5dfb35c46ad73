"""Cox regression of one two-arm comparison."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, gammaln, logsumexp, ndtr, ndtri

from .ipd import check_level, event_table, patients

TIES = ("efron", "breslow", "exact")
STEPS = 200


@dataclass(frozen=True)
class CoxResult:
    """A hazard ratio, experimental versus control.

    `log_hr`, `se`, `ci_low` and `ci_high` are on the log scale; `hr`, `hr_low` and `hr_high`
    are the same on the ratio scale. `p` is the two-sided Wald p-value, `n` and `events` count
    both arms. `log_likelihood` is the log partial likelihood at `log_hr`,
    `log_likelihood_null` the one at a hazard ratio of 1. The chi-squared statistics of "hazard
    ratio 1" (`lr_chi2`, `wald_chi2`, `score_chi2`) have one degree of freedom.
    """

    log_hr: float
    se: float
    ci_low: float
    ci_high: float
    level: float
    p: float
    n: int
    events: int
    ties: str
    log_likelihood: float
    log_likelihood_null: float
    score_chi2: float

    @property
    def z(self):
        """Wald statistic, the log hazard ratio in standard errors."""
        return self.log_hr / self.se

    @property
    def wald_chi2(self):
        """Wald chi-squared."""
        return self.z**2

    @property
    def lr_chi2(self):
        """Likelihood-ratio chi-squared."""
        return 2 * (self.log_likelihood - self.log_likelihood_null)

    @property
    def hr(self):
        """Hazard ratio; below 1 favours the experimental arm."""
        return float(np.exp(self.log_hr))

    @property
    def hr_low(self):
        """Lower confidence limit of the hazard ratio."""
        return float(np.exp(self.ci_low))

    @property
    def hr_high(self):
        """Upper confidence limit of the hazard ratio."""
        return float(np.exp(self.ci_high))


def cox(ipd, ties="efron", level=0.95, strata=None):
    """Estimate the hazard ratio by Cox regression with the arm as the only covariate.

    The partial likelihood of Cox (1972, doi:10.1111/j.2517-6161.1972.tb00899.x), tied times by
    Efron (1977, doi:10.1080/01621459.1977.10480613), Breslow (1974, doi:10.2307/2529620) or by
    the exact conditional likelihood that Cox (1972) gives for discrete times, maximised by
    Newton's method to machine precision.

    Parameters
    ----------
    ipd : DataFrame
        One row per patient: `time` (months, 0 or later), `event` (0 or 1), `arm`.
    ties : {"efron", "breslow", "exact"}
        How tied event times are handled. "exact" means that times are truly discrete; its score
        test is the log-rank test.
    level : float
        Confidence level, between 0 and 1.
    strata : str, optional
        Column of `ipd` whose values have their own baseline hazards (the trial, in a
        one-stage analysis).

    Returns
    -------
    CoxResult
        On the log scale, with the ratio scale as properties.

    Raises
    ------
    ValueError
        If the frame is not a valid IPD frame, or no finite hazard ratio exists.

    Examples
    --------
    >>> import pandas as pd
    >>> ipd = pd.DataFrame({"time": [2, 4, 6, 8, 3, 7, 9, 12],
    ...                     "event": [1, 1, 1, 0, 1, 1, 0, 0],
    ...                     "arm": ["control"] * 4 + ["experimental"] * 4})
    >>> fit = cox(ipd)
    >>> round(fit.hr, 3), fit.n, fit.events
    (0.461, 8, 5)
    """
    if ties not in TIES:
        raise ValueError(f"ties: {ties!r} is not one of {', '.join(map(repr, TIES))}")
    check_level(level)
    p = patients(ipd, strata)
    derivatives = _likelihood(p, ties)
    log_hr = _newton(derivatives)
    height, _, information = derivatives(log_hr)
    height_null, score, information_null = derivatives(0.0)
    se = information**-0.5
    z = ndtri((1 + level) / 2)
    return CoxResult(
        log_hr=float(log_hr),
        se=float(se),
        ci_low=float(log_hr - z * se),
        ci_high=float(log_hr + z * se),
        level=float(level),
        p=float(2 * ndtr(-abs(log_hr) / se)),
        n=len(p.time),
        events=int(p.event.sum()),
        ties=ties,
        log_likelihood=float(height),
        log_likelihood_null=float(height_null),
        score_chi2=float(score**2 / information_null),
    )


def _likelihood(p, ties):
    """Function of the log hazard ratio: log-likelihood, score and information."""
    table = event_table(p)
    if ties == "exact":
        return _exact_likelihood(table, p)
    risk1, risk0, died1 = risk_sets(table, ties)
    _require_finite(risk1, risk0, died1, p)

    def derivatives(log_hr):
        probability = share(risk1, risk0, log_hr)
        return (
            log_likelihood(risk1, risk0, died1, log_hr),
            (died1 - probability).sum(),
            (probability * (1 - probability)).sum(),
        )

    return derivatives


def _exact_likelihood(table, p):
    # One column per possible number of experimental patients among the d events of a time.
    k = np.arange(table.d.max(initial=0) + 1)
    n1, n0, d = (x[:, None] for x in (table.n1, table.n - table.n1, table.d))
    possible = (k <= np.minimum(n1, d)) & (d - k <= n0)
    ways = np.where(possible, _log_choose(n1, k) + _log_choose(n0, d - k), -np.inf)
    highest, lowest = np.minimum(n1, d).sum(), np.maximum(d - n0, 0).sum()
    _require_within(table.d1.sum(), lowest, highest, p)

    def derivatives(log_hr):
        terms = ways + k * log_hr
        total = logsumexp(terms, axis=1)
        probability = np.exp(terms - total[:, None])
        mean = probability @ k
        variance = probability @ k**2 - mean**2
        likelihood = table.d1 * log_hr - total
        return likelihood.sum(), (table.d1 - mean).sum(), variance.sum()

    return derivatives


def _log_choose(n, k):
    inside = (k >= 0) & (k <= n)
    k = np.where(inside, k, 0)
    return gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)


def risk_sets(table, ties):
    """One row per event: the experimental and control patients at risk, and the events.

    With Efron's rule the l-th of d tied events counts the d events as being at risk with
    weight 1 - (l - 1) / d. `died1` is the share of the events at that time that are in the
    experimental arm.
    """
    row = np.repeat(np.arange(len(table.d)), table.d)
    d, d1 = table.d[row], table.d1[row]
    rank = np.arange(len(row)) - np.repeat(np.cumsum(table.d) - table.d, table.d)
    removed = rank / d if ties == "efron" else np.zeros(len(row))
    risk1 = table.n1[row] - removed * d1
    risk0 = (table.n - table.n1)[row] - removed * (d - d1)
    return risk1, risk0, d1 / d


def _require_finite(risk1, risk0, died1, p):
    # The score's limits as the log hazard ratio goes to plus and minus infinity.
    _require_within(died1.sum(), np.count_nonzero(risk0 == 0), np.count_nonzero(risk1 > 0), p)


def _require_within(observed, lowest, highest, p):
    """Refuse experimental events that a hazard ratio of zero or infinity explains best."""
    for arm in p.arms():
        if not p.arm(arm)[1].any():
            raise ValueError(f"no event in the {arm} arm: the hazard ratio is not finite")
    if observed >= highest - 1e-9 or observed <= lowest + 1e-9:
        raise ValueError(
            "the hazard ratio is not finite: whenever both arms were at risk, every event was "
            "in the same arm"
        )


def share(risk1, risk0, log_hr):
    """Probability that the event at each row is in the experimental arm."""
    with np.errstate(divide="ignore"):
        return expit(log_hr + np.log(risk1) - np.log(risk0))


def log_likelihood(risk1, risk0, died1, log_hr):
    """Log partial likelihood of the rows of `risk_sets`."""
    with np.errstate(divide="ignore"):
        at_risk = np.logaddexp(np.log(risk1) + log_hr, np.log(risk0))
    return (died1 * log_hr - at_risk).sum()


def maximise(risk1, risk0, died1):
    """Log hazard ratio at which the score of the rows of `risk_sets` is zero."""

    def derivatives(log_hr):
        p = share(risk1, risk0, log_hr)
        return None, (died1 - p).sum(), (p * (1 - p)).sum()

    return _newton(derivatives)


def _newton(derivatives):
    """Root of the score: Newton's steps inside a closing bracket."""
    low, high, log_hr = -50.0, 50.0, 0.0
    for _ in range(STEPS):
        _, score, information = derivatives(log_hr)
        low, high = (log_hr, high) if score > 0 else (low, log_hr)
        following = log_hr + score / max(information, 1e-300)
        if not low < following < high:
            following = (low + high) / 2
        if abs(following - log_hr) < 1e-12:
            return following
        log_hr = following
    raise ValueError(
        f"the Cox score equation did not converge in {STEPS} steps: no log hazard ratio "
        "between -50 and 50 was found"
    )
