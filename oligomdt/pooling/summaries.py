"""Log hazard ratio and standard error from events, log-rank results, medians and landmarks."""

import numpy as np
from scipy.special import ndtri

from oligomdt.pooling.estimates import Estimate
from oligomdt.pooling.validation import check_choice, check_positive, check_proportion

__all__ = [
    "from_events",
    "from_landmark",
    "from_medians",
    "from_oe_v",
    "from_p_and_events",
    "from_p_and_total_events",
    "from_total_events",
]


def from_events(hr: float, experimental: float, control: float) -> Estimate:
    """Estimate from a hazard ratio and the events of each arm.

    ``se = sqrt(1 / experimental + 1 / control)`` (Parmar, Torri and Stewart 1998; Tierney and
    others 2007, doi:10.1186/1745-6215-8-16). An approximation: prefer `from_ci`.

    Parameters
    ----------
    hr : float
        Hazard ratio, above 0.
    experimental, control : float
        Events in each arm, above 0. Events of the same end point: progressions alone are not
        the events of progression-free survival.

    Returns
    -------
    Estimate

    Raises
    ------
    ValueError
        Where a value is not a finite number above 0.

    Examples
    --------
    >>> round(from_events(0.64, experimental=31, control=40).se, 4)
    0.2393
    """
    hr = check_positive("hr", hr)
    information = _information(experimental, control)
    return _estimate(np.log(hr), information, "hazard ratio and events of each arm")


def from_total_events(
    hr: float, events: float, allocation: tuple[float, float] = (1, 1)
) -> Estimate:
    """Estimate from a hazard ratio, the total of events and the allocation ratio.

    ``V = events * a * b / (a + b)**2`` for an allocation of a to b; ``se = 1 / sqrt(V)``
    (Tierney and others 2007, doi:10.1186/1745-6215-8-16).

    Parameters
    ----------
    hr : float
        Hazard ratio, above 0.
    events : float
        Events in both arms together, above 0.
    allocation : tuple of float
        Parts randomised to the experimental and to the control arm, for example ``(2, 1)``.

    Returns
    -------
    Estimate

    Raises
    ------
    ValueError
        Where a value is not a finite number above 0.

    Examples
    --------
    >>> round(from_total_events(0.47, 75, allocation=(2, 1)).se, 4)
    0.2449
    """
    hr, information = check_positive("hr", hr), _allocated(events, allocation)
    return _estimate(np.log(hr), information, "hazard ratio and total of events")


def from_oe_v(o_minus_e: float, v: float) -> Estimate:
    """Estimate from a log-rank result: observed minus expected events, and their variance.

    ``log_hr = (O - E) / V``, ``se = 1 / sqrt(V)`` (Yusuf and others 1985,
    doi:10.1016/S0033-0620(85)80003-7). O - E belongs to the experimental arm. Biased towards
    no effect where the effect is large.

    Parameters
    ----------
    o_minus_e : float
        Observed minus expected events of the experimental arm; finite.
    v : float
        Hypergeometric variance, above 0.

    Returns
    -------
    Estimate

    Raises
    ------
    ValueError
        Where `v` is not above 0 or `o_minus_e` is not finite.

    Examples
    --------
    >>> round(from_oe_v(-7.4, 80.6).log_hr, 4)
    -0.0918
    """
    v = check_positive("v", v)
    if not np.isfinite(o_minus_e):
        raise ValueError(f"o_minus_e is {o_minus_e!r}; it must be a finite number")
    return _estimate(o_minus_e / v, v, "log-rank O - E and V")


def from_p_and_events(p: float, experimental: float, control: float, favours: str) -> Estimate:
    """Estimate from a two-sided p-value and the events of each arm.

    ``V = e * c / (e + c)``, ``log_hr = +-z / sqrt(V)`` with z at ``1 - p / 2`` (Tierney and
    others 2007, doi:10.1186/1745-6215-8-16). A last resort: there is no printed hazard ratio.

    Parameters
    ----------
    p : float
        Two-sided p-value, between 0 and 1.
    experimental, control : float
        Events in each arm, above 0.
    favours : str
        The arm that did better: "experimental" (hazard ratio below 1) or "control".

    Returns
    -------
    Estimate

    Raises
    ------
    ValueError
        Where `p` is not between 0 and 1, events are not above 0 or the arm is unknown.

    Examples
    --------
    >>> round(from_p_and_events(0.2, 22, 29, favours="experimental").log_hr, 4)
    -0.3623
    """
    return _from_p(p, _information(experimental, control), favours)


def from_p_and_total_events(
    p: float, events: float, favours: str, allocation: tuple[float, float] = (1, 1)
) -> Estimate:
    """Estimate from a two-sided p-value, the total of events and the allocation ratio.

    As `from_p_and_events`, with V from the total as in `from_total_events`.

    Parameters
    ----------
    p : float
        Two-sided p-value, between 0 and 1.
    events : float
        Events in both arms together, above 0.
    favours : str
        The arm that did better: "experimental" (hazard ratio below 1) or "control".
    allocation : tuple of float
        Parts randomised to the experimental and to the control arm.

    Returns
    -------
    Estimate

    Raises
    ------
    ValueError
        As for `from_p_and_events`.

    Examples
    --------
    >>> round(from_p_and_total_events(0.035, 64, favours="experimental").log_hr, 4)
    -0.5271
    """
    return _from_p(p, _allocated(events, allocation), favours)


def from_medians(experimental: float, control: float, events: float) -> Estimate:
    """Estimate from two medians, taking survival as exponential and arms as equal.

    ``log_hr = ln(control / experimental)``, ``V = events / 4`` (Tierney and others 2007,
    doi:10.1186/1745-6215-8-16). Strong assumptions: never in place of a printed hazard ratio.

    Parameters
    ----------
    experimental, control : float
        Median survival of each arm, months, above 0.
    events : float
        Events in both arms together, above 0.

    Returns
    -------
    Estimate

    Raises
    ------
    ValueError
        Where a value is not a finite number above 0.

    Examples
    --------
    >>> round(from_medians(12.4, 7.9, events=58).hr, 3)
    0.637
    """
    experimental = check_positive("experimental", experimental)
    control = check_positive("control", control)
    information = _allocated(events, (1, 1))
    return _estimate(np.log(control / experimental), information, "medians, exponential")


def from_landmark(
    experimental: float, experimental_se: float, control: float, control_se: float
) -> Estimate:
    """Estimate from survival at one time in each arm, taking hazards as proportional.

    ``log_hr = ln(-ln S_experimental) - ln(-ln S_control)``; by the delta method each term has
    the variance ``(se / (S ln S))**2``.

    Parameters
    ----------
    experimental, control : float
        Survival at the same time, a proportion between 0 and 1 (not per cent).
    experimental_se, control_se : float
        Standard errors of the two proportions, above 0.

    Returns
    -------
    Estimate

    Raises
    ------
    ValueError
        Where a survival is not between 0 and 1 or a standard error is not above 0.

    Examples
    --------
    >>> round(from_landmark(0.62, 0.07, 0.40, 0.08).log_hr, 4)
    -0.6506
    """
    surv = np.array(
        [check_proportion("experimental", experimental), check_proportion("control", control)]
    )
    se = np.array(
        [
            check_positive("experimental_se", experimental_se),
            check_positive("control_se", control_se),
        ]
    )
    log_hazard = np.log(-np.log(surv))
    variance = ((se / (surv * np.log(surv))) ** 2).sum()
    return _estimate(log_hazard[0] - log_hazard[1], 1 / variance, "survival at a landmark")


def _from_p(p: float, information: float, favours: str) -> Estimate:
    p = check_proportion("p", p)
    check_choice("favours", favours, ("experimental", "control"))
    sign = -1 if favours == "experimental" else 1
    z = -ndtri(p / 2)
    return _estimate(sign * z / np.sqrt(information), information, "p-value and events")


def _information(experimental: float, control: float) -> float:
    experimental = check_positive("experimental", experimental)
    control = check_positive("control", control)
    return experimental * control / (experimental + control)


def _allocated(events: float, allocation: tuple[float, float]) -> float:
    events = check_positive("events", events)
    if len(allocation) != 2:
        raise ValueError(f"allocation is {allocation!r}; give two parts, for example (2, 1)")
    a, b = (check_positive("allocation", part) for part in allocation)
    return events * a * b / (a + b) ** 2


def _estimate(log_hr: float, information: float, origin: str) -> Estimate:
    return Estimate(float(log_hr), float(information**-0.5), origin)
