"""What results with a log hazard ratio have in common: the hazard ratio, and a tidy row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from oligomdt.pooling.validation import exponential

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["HazardRatio"]


class HazardRatio:
    """A result with `mu`, `ci_low` and `ci_high` on the log scale, and its ratio scale."""

    def _log_scale(self) -> tuple[float, float, float]:
        return self.mu, self.ci_low, self.ci_high

    @property
    def hr(self) -> float:
        """Hazard ratio."""
        return exponential(self._log_scale()[0])

    @property
    def hr_low(self) -> float:
        """Lower limit of the hazard ratio."""
        return exponential(self._log_scale()[1])

    @property
    def hr_high(self) -> float:
        """Upper limit of the hazard ratio."""
        return exponential(self._log_scale()[2])

    def to_dict(self) -> dict[str, Any]:
        """Return one tidy row: every single value, with the hazard ratio and its limits."""
        row: dict[str, Any] = {}
        for name, value in vars(self).items():
            if not isinstance(value, (bool, int, float, str)):
                continue
            row[name] = value
            if name == "ci_high":
                row |= {"hr": self.hr, "hr_low": self.hr_low, "hr_high": self.hr_high}
        return row

    def to_frame(self) -> pd.DataFrame:
        """Return the row of `to_dict` as a data frame."""
        import pandas as pd

        return pd.DataFrame([self.to_dict()])
