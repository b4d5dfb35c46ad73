"""Rubin's rules: one estimate from many reconstructions of the same comparison."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from oligomdt.pooling.estimates import Estimate
from oligomdt.pooling.interval import quantile
from oligomdt.pooling.studies import check_studies
from oligomdt.pooling.validation import check_level

__all__ = ["CombinedEstimate", "rubin"]


@dataclass(frozen=True)
class CombinedEstimate(Estimate):
    """An estimate combined over draws of reconstructed data.

    The estimate may be on any scale: a log hazard ratio, a difference in months or in
    survival. `hr` and `ci` mean something for logarithms of ratios only.

    Attributes
    ----------
    log_hr, se : float
        Mean over draws, whatever its scale (also as `estimate`), and the square root of the
        total variance.
    draws : int
        Number of draws, M.
    within, between : float
        Mean sampling variance, and variance of the estimates between draws.
    total : float
        ``within + (1 + 1 / M) * between``.
    share : float
        Share of the total variance that comes from the reconstruction, 0 to 1.
    df : float
        Rubin's degrees of freedom; infinity where all draws agree exactly.
    """

    draws: int = 0
    within: float = np.nan
    between: float = np.nan
    total: float = np.nan
    share: float = np.nan
    df: float = np.nan

    @property
    def estimate(self) -> float:
        """Mean over draws, on the scale of the draws."""
        return self.log_hr

    def limits(self, level: float = 0.95) -> tuple[float, float]:
        """Limits on the scale of the draws: Student t with Rubin's degrees of freedom."""
        half = quantile(self.df, check_level(level)) * self.se
        return self.estimate - half, self.estimate + half


def rubin(estimates: ArrayLike, se: ArrayLike) -> CombinedEstimate:
    """Combine the estimates of several draws by Rubin's rules.

    With M draws, the mean sampling variance W and the variance B between draws, the total
    variance is ``T = W + (1 + 1 / M) B`` and the degrees of freedom are
    ``(M - 1) (1 + W / ((1 + 1 / M) B))**2`` (Rubin 1987, doi:10.1002/9780470316696). The
    estimates should be on a scale on which they are about normal.

    Parameters
    ----------
    estimates, se : array_like, shape (M,)
        Estimate (a log hazard ratio, a difference in months, ...) and standard error of each
        draw, M at least 2.

    Returns
    -------
    CombinedEstimate

    Raises
    ------
    ValueError
        For fewer than two draws, lengths that differ, or a value that is not finite or a
        standard error not above 0; the message names the draw.

    Examples
    --------
    >>> combined = rubin([-0.50, -0.46, -0.54], [0.20, 0.21, 0.19])
    >>> round(combined.se, 4), round(combined.share, 3)
    (0.2054, 0.051)
    """
    count = np.size(estimates)
    draws = check_studies(estimates, se, [f"draw {i + 1}" for i in range(count)])
    if draws.k < 2:
        raise ValueError("one draw has no variance between draws; give at least two")
    within = float(draws.variance.mean())
    between = float(draws.log_hr.var(ddof=1))
    extra = (1 + 1 / draws.k) * between
    total = within + extra
    df = (draws.k - 1) * (1 + within / extra) ** 2 if extra > 0 else np.inf
    return CombinedEstimate(
        log_hr=float(draws.log_hr.mean()),
        se=total**0.5,
        origin=f"{draws.k} draws of reconstructed data, Rubin's rules",
        draws=draws.k,
        within=within,
        between=between,
        total=total,
        share=extra / total,
        df=float(df),
    )
