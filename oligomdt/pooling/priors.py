"""Named prior distributions of tau, the standard deviation between studies.

All of them are proper, so that the posterior is a distribution for any number of studies, one
included. Improper priors are left out. Without a limit a flat prior on tau has no posterior
with one or two studies (Gelman 2006, doi:10.1214/06-BA117A); Jeffreys' prior has one with two
studies, but none with one. Priors estimated from collections of earlier meta-analyses (for
example by Lilienthal and others 2024) are not included either: their published parameters were
not verified here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaln, ndtri, stdtrit

from oligomdt.pooling.validation import check_positive, check_proportion

__all__ = [
    "Exponential",
    "HalfCauchy",
    "HalfNormal",
    "HalfT",
    "LogNormal",
    "TauPrior",
    "Uniform",
]

# On the scale of a log hazard ratio nothing outside has a meaning, and arithmetic would fail.
SMALLEST, LARGEST = 1e-9, 1e6
SIGMA = (1e-6, 5.0)


class TauPrior(ABC):
    """A proper prior distribution of tau, which is at least 0.

    Subclasses give `log_density` and `quantile`, and tell the quadrature where the mass lies.

    Attributes
    ----------
    family : str
        Name of the family, for example "half-normal".
    typical, smallest : float
        A value of the size of tau, and one below which nearly nothing lies or the density is
        flat.
    reach : float
        Multiple of the typical value beyond which no mass lies that matters.
    limit : float
        Largest possible value.
    tail : float
        Moments of an order below it exist.
    """

    family: ClassVar[str]
    typical: float
    reach: float
    limit: float = np.inf
    tail: float = np.inf

    @property
    def smallest(self) -> float:
        """Value below which the density is flat or next to zero."""
        return self.typical

    @property
    def name(self) -> str:
        """The family with its parameters, for example "half-normal(0.5)"."""
        values = (getattr(self, field) for field in self.__dataclass_fields__)
        return f"{self.family}({', '.join(f'{value:g}' for value in values)})"

    @property
    def median(self) -> float:
        """Value that tau exceeds with probability one half."""
        return self.quantile(0.5)

    def log_density(self, tau: ArrayLike) -> np.ndarray:
        """Logarithm of the density at `tau`; -inf where there is none."""
        tau = np.asarray(tau, dtype=float)
        inside = (tau >= 0) & (tau <= self.limit)
        return np.where(inside, self._log_density(np.abs(tau)), -np.inf)

    def quantile(self, probability: float) -> float:
        """Value below which tau lies with `probability`, between 0 and 1."""
        return float(self._quantile(check_proportion("probability", probability)))

    @abstractmethod
    def _log_density(self, tau: np.ndarray) -> np.ndarray:
        """Logarithm of the density from 0 to `limit`."""

    @abstractmethod
    def _quantile(self, probability: float) -> float:
        """Value below which tau lies with `probability`."""


class _Scaled(TauPrior):
    """A family whose spread is one parameter, `scale`."""

    scale: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", _check_size("scale", self.scale))

    @property
    def typical(self) -> float:
        """The scale."""
        return self.scale


@dataclass(frozen=True)
class HalfNormal(_Scaled):
    """Half-normal: the absolute value of a normal variable with mean 0 and this SD.

    The usual choice for few studies: scale 0.5 for log hazard ratios, 1 as a wide one (Roever
    and others 2021, doi:10.1002/jrsm.1475).

    Parameters
    ----------
    scale : float
        Standard deviation of the normal variable, above 0. The prior median is 0.674 times it.

    Raises
    ------
    ValueError
        For a scale that is not between 1e-9 and 1e6.

    Examples
    --------
    >>> HalfNormal(0.5).name, round(HalfNormal(0.5).quantile(0.95), 2)
    ('half-normal(0.5)', 0.98)
    """

    family = "half-normal"
    reach = 12.0
    scale: float

    def _log_density(self, tau: np.ndarray) -> np.ndarray:
        return 0.5 * np.log(2 / np.pi) - np.log(self.scale) - 0.5 * (tau / self.scale) ** 2

    def _quantile(self, probability: float) -> float:
        return self.scale * ndtri((1 + probability) / 2)


@dataclass(frozen=True)
class HalfCauchy(_Scaled):
    """Half-Cauchy: a tail so heavy that it has no mean (Gelman 2006, doi:10.1214/06-BA117A).

    The posterior of one study has no mean either, and that of two no standard deviation;
    they are nan and inf. Medians, intervals and probabilities exist always.

    Parameters
    ----------
    scale : float
        The prior median, above 0.

    Raises
    ------
    ValueError
        For a scale that is not between 1e-9 and 1e6.

    Examples
    --------
    >>> round(HalfCauchy(0.5).quantile(0.95), 2)
    6.35
    """

    family = "half-Cauchy"
    reach = 1e13
    tail = 1.0
    scale: float

    def _log_density(self, tau: np.ndarray) -> np.ndarray:
        return np.log(2 / (np.pi * self.scale)) - np.log1p((tau / self.scale) ** 2)

    def _quantile(self, probability: float) -> float:
        return self.scale * np.tan(np.pi * probability / 2)


@dataclass(frozen=True)
class HalfT(_Scaled):
    """Half-t: the absolute value of a Student t variable (Gelman 2006, doi:10.1214/06-BA117A).

    Parameters
    ----------
    scale : float
        Scale, above 0.
    df : int
        Degrees of freedom, at least 1. 1 is the half-Cauchy; many come to the half-normal.

    Raises
    ------
    ValueError
        For a scale that is not between 1e-9 and 1e6, or df that are not a whole number from 1.

    Examples
    --------
    >>> HalfT(0.5, 3).name, round(HalfT(0.5, 3).quantile(0.95), 2)
    ('half-t(0.5, 3)', 1.59)
    """

    family = "half-t"
    reach = 1e13
    scale: float
    df: int

    def __post_init__(self) -> None:
        super().__post_init__()
        # Between whole numbers a moment may exist whose integral no quadrature would reach.
        if check_positive("df", self.df) != round(self.df):
            raise ValueError(f"df is {self.df!r}; it must be a whole number, at least 1")

    @property
    def tail(self) -> float:
        """Moments of an order below the degrees of freedom exist."""
        return float(self.df)

    def _log_density(self, tau: np.ndarray) -> np.ndarray:
        df = self.df
        # The beta function keeps the digits that two gamma functions lose for large df.
        constant = -betaln(df / 2, 0.5) - 0.5 * np.log(df)
        power = (df + 1) / 2 * np.log1p((tau / self.scale) ** 2 / df)
        return np.log(2 / self.scale) + constant - power

    def _quantile(self, probability: float) -> float:
        return self.scale * stdtrit(self.df, (1 + probability) / 2)


@dataclass(frozen=True)
class Exponential(_Scaled):
    """Exponential: more mass near zero and a longer tail than the half-normal.

    Parameters
    ----------
    scale : float
        The prior mean, above 0: one over the rate.

    Raises
    ------
    ValueError
        For a scale that is not between 1e-9 and 1e6.

    Examples
    --------
    >>> round(Exponential(0.5).median, 3)
    0.347
    """

    family = "exponential"
    reach = 60.0
    scale: float

    def _log_density(self, tau: np.ndarray) -> np.ndarray:
        return -np.log(self.scale) - tau / self.scale

    def _quantile(self, probability: float) -> float:
        return -self.scale * np.log1p(-probability)


@dataclass(frozen=True)
class Uniform(TauPrior):
    """Uniform from 0 to a limit: every value alike, and none beyond.

    Parameters
    ----------
    upper : float
        The limit, above 0. The posterior of one or two studies reaches up to it, so that the
        limit is a choice like any other scale.

    Raises
    ------
    ValueError
        For a limit that is not between 1e-9 and 1e6.

    Examples
    --------
    >>> Uniform(2).quantile(0.95)
    1.9
    """

    family = "uniform"
    reach = 1.0
    upper: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "upper", _check_size("upper", self.upper))

    @property
    def limit(self) -> float:
        """The limit."""
        return self.upper

    @property
    def typical(self) -> float:
        """The limit."""
        return self.upper

    def _log_density(self, tau: np.ndarray) -> np.ndarray:
        return np.full(tau.shape, -np.log(self.upper))

    def _quantile(self, probability: float) -> float:
        return self.upper * probability


@dataclass(frozen=True)
class LogNormal(TauPrior):
    """Log-normal: ln tau is normal, so that tau near zero is ruled out beforehand.

    Parameters
    ----------
    mu : float
        Mean of ln tau; the prior median of tau is ``exp(mu)``.
    sigma : float
        Standard deviation of ln tau, from 1e-6 to 5.

    Raises
    ------
    ValueError
        For a median not between 1e-9 and 1e6, or a sigma not from 1e-6 to 5.

    Examples
    --------
    >>> prior = LogNormal(np.log(0.3), 1)
    >>> round(prior.median, 2), round(prior.quantile(0.95), 2)
    (0.3, 1.55)
    """

    family = "log-normal"
    mu: float
    sigma: float

    def __post_init__(self) -> None:
        if not SIGMA[0] <= check_positive("sigma", self.sigma) <= SIGMA[1]:
            raise ValueError(
                f"sigma is {self.sigma!r}; it must lie between {SIGMA[0]:g} and {SIGMA[1]:g}"
            )
        lowest, highest = np.log(SMALLEST), np.log(LARGEST)
        if not lowest <= float(self.mu) <= highest:
            raise ValueError(
                f"mu is {self.mu!r}; it must lie between {lowest:.1f} and {highest:.1f}, "
                "the logarithm of the prior median"
            )

    @property
    def typical(self) -> float:
        """The prior median."""
        return float(np.exp(self.mu))

    @property
    def smallest(self) -> float:
        """Nine standard deviations below the median, on the log scale."""
        return float(np.exp(self.mu - 9 * self.sigma))

    @property
    def reach(self) -> float:
        """As far above as the second moment has mass."""
        return float(np.exp(2 * self.sigma**2 + 9 * self.sigma))

    def _log_density(self, tau: np.ndarray) -> np.ndarray:
        positive = tau > 0
        log_tau = np.log(np.where(positive, tau, 1))
        z = (log_tau - self.mu) / self.sigma
        density = -0.5 * np.log(2 * np.pi) - np.log(self.sigma) - log_tau - 0.5 * z**2
        return np.where(positive, density, -np.inf)

    def _quantile(self, probability: float) -> float:
        return np.exp(self.mu + self.sigma * ndtri(probability))


def _check_size(name: str, value: float) -> float:
    number = check_positive(name, value)
    if not SMALLEST <= number <= LARGEST:
        raise ValueError(
            f"{name} is {value!r}; it must lie between {SMALLEST:g} and {LARGEST:g}, "
            "in units of a log hazard ratio"
        )
    return number
