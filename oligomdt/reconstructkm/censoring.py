"""What is taken for granted of censoring: the close of the trial, and one process for all arms.

Patients who entered over some time are censored when the trial closes, so that the hazard of
censoring rises towards the end of follow-up. Patients of randomised arms enter together and
leave for much the same reasons, so that what one curve says of censoring holds nearly for the
other.
"""

from dataclasses import dataclass

import numpy as np

# With even entry the hazard of censoring by the close of the trial is 1 / (1 - t), t being the
# share of the longest follow-up; it stays finite here, as curves end a little before that.
END = 1.05
SCALE = np.log(END / (END - 1))
# Standard deviation of an arm's log hazard of censoring about that of all arms. Judged: the
# hazards of two arms then differ by less than a factor of 1.8 in 19 of 20 segments.
BETWEEN_ARMS_SD = 0.2


def closing(share):
    """Cumulative hazard of censoring by the close of the trial, from 0 to 1 at the end.

    Parameters
    ----------
    share : float or array
        Time as a share of the follow-up, 0 to 1.

    Returns
    -------
    float or array

    Examples
    --------
    >>> closing(np.array([0, 0.5, 1])).round(2)
    array([0.  , 0.21, 1.  ])
    """
    return np.log(END / (END - share)) / SCALE


def log_closing_hazard(share):
    """Log of the derivative of `closing`."""
    return -np.log((END - share) * SCALE)


@dataclass(frozen=True)
class CensoringHazard:
    """Hazard of censoring in one arm, in segments of equal length from 0 to `end`.

    Attributes
    ----------
    end : float
        End of follow-up, in the unit of the curve.
    mean, sd : arrays of shape (segments,)
        Mean and standard deviation, over the draws, of the log ratio of the hazard to that by
        the close of the trial (`closing`).
    """

    end: float
    mean: np.ndarray
    sd: np.ndarray

    @classmethod
    def of(cls, log_hazards, end):
        """Summarise draws (draws, segments) of the log ratio of the hazard."""
        return cls(end, log_hazards.mean(axis=0), log_hazards.std(axis=0))

    def at(self, time):
        """Mean and variance of the log hazard per unit of time at each time.

        There is no information after the end.
        """
        segments = len(self.mean)
        share = np.minimum(time / self.end, 1.0)
        at = np.minimum((share * segments).astype(int), segments - 1)
        mean = self.mean[at] + log_closing_hazard(share) - np.log(self.end)
        return mean, np.where(time < self.end, self.sd[at] ** 2, np.inf)


def expected(others, end, segments):
    """Log hazard of censoring that the other arms lead to expect in one arm.

    Each arm's log hazard differs from the common one by a normal deviate with standard
    deviation `BETWEEN_ARMS_SD`; the others' estimates are weighted by their precision.

    Parameters
    ----------
    others : sequence of CensoringHazard
        The other arms.
    end : float
        End of follow-up of this arm.
    segments : int
        Segments of equal length from 0 to `end`.

    Returns
    -------
    array of shape (2, segments)
        Mean and standard deviation of the log ratio of the hazard to that by the close of the
        trial; the standard deviation is infinite where no other arm was followed.

    Examples
    --------
    >>> other = CensoringHazard(10.0, np.log([0.5, 2.0]), np.array([0.1, 0.1]))
    >>> np.exp(expected([other], 10.0, 2)[0]).round(2), expected([other], 20.0, 4)[1, 2:]
    (array([0.5, 2. ]), array([inf, inf]))
    """
    middle = (np.arange(segments) + 0.5) / segments
    mean, variance = np.array([other.at(middle * end) for other in others]).transpose(1, 0, 2)
    weight = 1 / (variance + BETWEEN_ARMS_SD**2)
    total = weight.sum(axis=0)
    known = total > 0
    common = np.where(known, (weight * mean).sum(axis=0) / np.where(known, total, 1), 0.0)
    deviation = np.full(segments, np.inf)
    deviation[known] = np.sqrt(1 / total[known] + BETWEEN_ARMS_SD**2)
    return np.array([common - log_closing_hazard(middle) + np.log(end), deviation])
