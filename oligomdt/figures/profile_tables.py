"""Texts of the table of profile-likelihood intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from oligomdt.analysis.printing import ratio
from oligomdt.evidence import DAGGER
from oligomdt.figures import rows as rows_of
from oligomdt.figures.tables import ABSENT

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["profile_table"]


def profile_table(profiles: pd.DataFrame) -> pd.DataFrame:
    """The intervals as texts, with a dagger where a trial was not read in its source.

    Parameters
    ----------
    profiles : pandas.DataFrame
        As from `analysis.profiles`.

    Returns
    -------
    pandas.DataFrame
        "Histology", "Method", "HR (95 %)" and "tau (95 %)".
    """
    import pandas as pd

    rows = [
        {
            "Histology": row["group"],
            "Method": row["method"],
            "HR (95 %)": _interval(row, "hr", "low", "high"),
            "tau (95 %)": _interval(row, "tau", "tau_low", "tau_high"),
        }
        for row in profiles.to_dict("records")
    ]
    return pd.DataFrame(rows)


def _interval(row: dict[str, Any], name: str, low: str, high: str) -> str:
    dagger = "" if row["checked"] else DAGGER
    if np.isnan(row[name]):
        return ABSENT
    if np.isnan(row[low]):
        return f"{ratio(row[name])} (none compatible){dagger}"
    return f"{ratio(row[name])} ({rows_of.limits(row[low], row[high])}){dagger}"
