"""How well the patients of an arm are determined by what is known of it."""

from dataclasses import dataclass

import numpy as np

from .path import DROP, SPLIT

# Upper limits of the uncertainty of the number at risk (share of n) and of the events (share
# of the events) for the grades A, B and C.
# With fewer data sets than this their differences say little.
ENOUGH = 8
LIMITS = {"A": (0.01, 0.005), "B": (0.025, 0.03), "C": (0.08, 0.15)}

DROPS_MISSED = (
    "points that miss drops of the curve (clicks by hand, a few times), without a "
    "number-at-risk table or a stated number of events, leave the patients to what is assumed "
    "of censoring"
)


@dataclass(frozen=True)
class Grade:
    """Grade of identifiability of one arm.

    Attributes
    ----------
    letter : {"A", "B", "C", "D"}
        A: number at risk and events practically known; B: small uncertainty; C: a hazard ratio
        from these patients is rough; D: it is not determined and none should be given.
        Points that miss drops, with neither a table nor a number of events, are always D.
    at_risk_sd : float
        Standard deviation of the number at risk between draws, mean over follow-up, divided by
        the number of patients.
    events_sd : float
        Standard deviation of the number of events between draws.
    reason : str
        In words.
    """

    letter: str
    at_risk_sd: float
    events_sd: float
    reason: str


def grade(paths, n):
    """Grade the paths that fit one arm.

    Parameters
    ----------
    paths : Paths
        Draws from all the paths that fit.
    n : int
        Patients in the arm.

    Returns
    -------
    Grade

    Examples
    --------
    >>> from oligomdt.reconstructkm.coordinates import clean, risk_table
    >>> from oligomdt.reconstructkm.exact import draw_paths
    >>> from oligomdt.reconstructkm.observation import observe
    >>> curve = clean([2, 2, 5, 5, 9], [1, 0.9, 0.9, 0.8, 0.8])
    >>> table = risk_table([0, 5, 9], [10, 9, 8], 10)
    >>> grade(draw_paths(curve, table, 10, observe(curve, 10, xmax=10)), 10).letter
    'A'
    """
    weight = np.diff(paths.stages.span[:, 1], prepend=0.0)
    few = len(paths.left) < ENOUGH
    spread = paths.at_risk.std(axis=0, ddof=min(1, len(paths.left) - 1)) / n
    at_risk_sd = float((spread * weight).sum() / weight.sum()) if weight.sum() > 0 else 0.0
    died = paths.events[:, -1]
    events_sd = float(died.std(ddof=min(1, len(died) - 1)))
    relative = events_sd / max(1.0, float(died.mean()))
    letter = "D"
    for name, (most_at_risk, most_events) in LIMITS.items():
        if at_risk_sd <= most_at_risk and relative <= most_events:
            letter = name
            break
    missed = not np.isin(paths.stages.stage[:, 0], (DROP, SPLIT)).any()
    if missed and len(paths.stages.columns) == 0 and events_sd > 0:
        return Grade("D", at_risk_sd, events_sd, DROPS_MISSED)
    reason = (
        f"between the {len(died)} data sets that fit, the number at risk differs by "
        f"{at_risk_sd:.1%} of the patients (standard deviation), the events by {events_sd:.1f}"
    )
    if not paths.met:
        reason += "; none has the stated number of events"
    if few:
        reason += "; too few to say more"
    if (few or not paths.met) and letter in "AB":
        letter = "C"
    return Grade(letter, at_risk_sd, events_sd, reason)
