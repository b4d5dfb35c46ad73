"""Tables of the page on planning; every cell text."""

from __future__ import annotations

import pandas as pd

from oligomdt.analysis.printing import decimals, percent, ratio
from oligomdt.evidence.values import NotFound
from oligomdt.figures.planning import range_text, set_title, today_text

__all__ = ["by_prior", "chances", "coming", "information", "needed"]

SHOWN = (50.0, 100.0, 200.0, 400.0)


BELOW = "Favours MDT if the new HR is"


def _title(row: dict) -> str:
    return set_title(row["group"], row["checked"])


def _today(row: dict) -> str:
    return today_text(row).removeprefix("today: ")


def _percent(value: float) -> str:
    return f"{percent(value)} %"


def _chance(value: float) -> str:
    # A result beyond the range of the search is not ruled out: no chance is said to be 0.
    return _percent(value) if value > 0 else "less than 1 %"


def information(frame: pd.DataFrame) -> pd.DataFrame:
    """Information of today beside what is needed (see `analysis.information`)."""
    rows = [
        {
            "Trials pooled": _title(row),
            "Today: events of one trial as precise": decimals(row["have"], 0),
            "HR to be shown": ratio(row["target_hr"]),
            "Events needed": decimals(row["needed"], 0),
            "With D² by REML": decimals(row["size"], 0),
            "With D² by the prior": decimals(row["size_prior"], 0),
            "Share of the larger one reached": _percent(row["fraction"]),
        }
        for row in frame.to_dict("records")
    ]
    return pd.DataFrame(rows)


def needed(frame: pd.DataFrame) -> pd.DataFrame:
    """What a new trial must show (see `analysis.tipping_lines`)."""
    rows = []
    for row in frame[frame["events"].isin(SHOWN)].to_dict("records"):
        both = {
            BELOW: range_text(row["mdt_low"], row["mdt_high"]),
            "Favours control if the new HR is": range_text(
                row["control_low"], row["control_high"]
            ),
        }
        rows.append(
            {
                "Trials pooled": _title(row),
                "Today": _today(row),
                "Events of the new trial": decimals(row["events"], 0),
                **both,
                "Common effect: favours MDT if it is": f"up to {ratio(row['common_mdt'])}",
            }
        )
    return pd.DataFrame(rows)


def by_prior(frame: pd.DataFrame) -> pd.DataFrame:
    """What a new trial must show, by the prior (see `analysis.tipping_by_prior`)."""
    rows = [
        {
            "Trials pooled": _title(row),
            "Events of the new trial": decimals(row["events"], 0),
            "Scale of the prior": f"{row['tau_scale']:g}",
            "Pooled HR today": f"{ratio(row['hr_today'])} "
            f"({ratio(row['low_today'])} to {ratio(row['high_today'])})",
            "Today": _today(row),
            BELOW: range_text(row["mdt_low"], row["mdt_high"]),
        }
        for row in frame.to_dict("records")
    ]
    return pd.DataFrame(rows)


def chances(frame: pd.DataFrame) -> pd.DataFrame:
    """How likely a new trial is to settle it (see `analysis.future_power`)."""
    rows = [
        {
            "Trials pooled": _title(row),
            "Events of the new trial": decimals(row["events"], 0),
            "Bayes: favours MDT": _chance(row["bayes_mdt"]),
            "Bayes: favours control": _chance(row["bayes_control"]),
            "Common effect, predictive": _percent(row["predictive_common"]),
            "Common effect, if the HR is 0.8": _percent(row["conditional_relevant"]),
            "Random effects, if the HR is 0.8": _percent(row["conditional_random"]),
            "The new trial alone, if the HR is 0.8": _percent(row["alone_relevant"]),
        }
        for row in frame.to_dict("records")
    ]
    return pd.DataFrame(rows)


def coming(frame: pd.DataFrame) -> pd.DataFrame:
    """The trials under way and what they compare (see `analysis.coming_trials`)."""
    columns = {
        "trial": "Trial",
        "registration": "Registration",
        "group": "Histology",
        "setting": "Setting",
        "patients": "Patients",
        "endpoint": "Primary endpoint",
        "comparison": "Comparison",
        "status": "Status, and when",
    }
    patients = [_patients(row["planned"], row["enrolled"]) for row in frame.to_dict("records")]
    return frame.assign(patients=patients)[list(columns)].rename(columns=columns)


def _patients(planned: str, enrolled: str) -> str:
    texts = {"planned": planned, "enrolled": enrolled}
    known = [f"{text} {word}" for word, text in texts.items() if text != repr(NotFound)]
    return ", ".join(known) or repr(NotFound)
