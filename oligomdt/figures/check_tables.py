"""Tables of the checks: printed numbers, influence, levels; every cell text."""

from __future__ import annotations

import pandas as pd

from oligomdt.analysis.printing import decimals, ratio
from oligomdt.evidence import DAGGER

ABSENT = "\u2013"


def verdicts(consistency: pd.DataFrame) -> pd.DataFrame:
    """Every printed hazard ratio with what was compared and the verdict.

    Parameters
    ----------
    consistency : pandas.DataFrame
        As from `analysis.consistency`.

    Returns
    -------
    pandas.DataFrame
        Texts: `Report`, `End point`, `HR (interval)`, `p`, `Events (MDT + control)`,
        `Comparisons`, `Verdict`.
    """
    rows = []
    for (label, end_point), own in consistency.groupby(["label", "end_point"], sort=False):
        first = own.iloc[0]
        interval = f" ({first['interval']})" if first["interval"] else ""
        rows.append(
            (
                label,
                end_point,
                f"{first['hr']}{interval}",
                first["p"] or ABSENT,
                first["events"] or ABSENT,
                str(int((own["pair"] != "").sum())),
                first["verdict"],
            )
        )
    columns = ["Report", "End point", "HR (interval)", "p", "Events (MDT + control)"]
    return pd.DataFrame(rows, columns=[*columns, "Comparisons", "Verdict"])


def disagreements(consistency: pd.DataFrame) -> pd.DataFrame:
    """The comparisons that rounding does not explain, and what would reconcile them.

    Parameters
    ----------
    consistency : pandas.DataFrame
        As from `analysis.consistency`.

    Returns
    -------
    pandas.DataFrame
        Texts: `Report`, `End point`, `Compared`, `Printed`, `Expected`, `Off by`, `Verdict`,
        `Would fit`.
    """
    rows = []
    for row in consistency[consistency["gap"] > 0].to_dict("records"):
        dagger = "" if row["checked"] else DAGGER
        rows.append(
            (
                f"{row['label']}{dagger}",
                row["end_point"],
                row["pair"],
                row["printed"],
                row["expected"],
                f"{row['gap']:.2g} {row['unit']}",
                row["pair_verdict"],
                row["reconciled_by"],
            )
        )
    columns = ["Report", "End point", "Compared", "Printed", "Expected", "Off by"]
    return pd.DataFrame(rows, columns=[*columns, "Verdict", "Would fit"])


def diagnostics(influence: pd.DataFrame) -> pd.DataFrame:
    """Influence diagnostics of the sets of three trials or more.

    Parameters
    ----------
    influence : pandas.DataFrame
        As from `analysis.influence_of_trials`.

    Returns
    -------
    pandas.DataFrame
        Texts: `Set`, `Trial left out`, `Weight`, `Studentised residual`, `DFFITS`, `Cook`,
        `Covariance ratio`, `tau without it`.
    """
    columns = {
        "rstudent": "Studentised residual",
        "dffits": "DFFITS",
        "cook": "Cook",
        "cov_ratio": "Covariance ratio",
        "tau_without": "tau without it",
    }
    own = influence[influence["weight"].notna()]
    frame = pd.DataFrame({"Set": own["set"]})
    frame["Trial left out"] = own["label"].where(own["trial_checked"], own["label"] + DAGGER)
    frame["Weight"] = [f"{100 * weight:.0f} %" for weight in own["weight"]]
    for name, heading in columns.items():
        frame[heading] = [ratio(value) for value in own[name]]
    return frame.reset_index(drop=True)


def levels(cohorts: pd.DataFrame) -> pd.DataFrame:
    """All cohorts together with and without a level for the trial.

    Parameters
    ----------
    cohorts : pandas.DataFrame
        As from `analysis.cohorts_within_trials`.

    Returns
    -------
    pandas.DataFrame
        Texts: `Model`, `Cohorts`, `Trials`, `HR (95 % CI)`, `SE of ln HR`, `tau of trials`,
        `tau of cohorts`.
    """
    rows = []
    for row in cohorts.to_dict("records"):
        dagger = "" if row["checked"] else DAGGER
        limits = f"{ratio(row['low'])} to {ratio(row['high'])}"
        spread = [_or_absent(row[name]) for name in ("tau_trial", "tau_cohort")]
        counts = (str(row["k"]), str(row["trials"]))
        pooled = f"{ratio(row['hr'])}{dagger} ({limits})"
        rows.append((row["model"], *counts, pooled, decimals(row["se"], 3), *spread))
    columns = ["Model", "Cohorts", "Trials", "HR (95 % CI)", "SE of ln HR"]
    return pd.DataFrame(rows, columns=[*columns, "tau of trials", "tau of cohorts"])


def _or_absent(value: float) -> str:
    return ABSENT if pd.isna(value) else ratio(value)
