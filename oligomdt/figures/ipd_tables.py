"""Tables of the synthesis from patient data; every cell text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from oligomdt import analysis, evidence
from oligomdt.analysis.curves import SPARSE
from oligomdt.analysis.estimates import label
from oligomdt.analysis.printing import decimals, percent, ratio
from oligomdt.evidence import DAGGER
from oligomdt.figures.forest import TITLES

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "absolute",
    "effects",
    "horizons",
    "one_stage",
    "prior_scales",
    "proportional",
    "sparse_landmarks",
    "undefined",
    "weighted",
]

NONE = "\u2013"


def horizons(groups: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    """Until when the curves of each trial are known, and the times that follow for its group.

    Parameters
    ----------
    groups : mapping of str to sequence of Reconstruction
        As from `analysis.curve_reconstructions`.
    """
    rows, trials = [], evidence.load()
    for group, members in groups.items():
        times = analysis.comparison_times(members)
        for one in members:
            known = analysis.known_until(one)
            at_risk = _at_risk(one, times["horizon"])
            trial = trials[one.result.trial]
            rows.append(
                {
                    "Cancer": TITLES.get(group, group),
                    "Report": label(trial, trial.cohort(one.result.cohort), one.result),
                    "Control known to": _months(known["control"]),
                    "MDT known to": _months(known["experimental"]),
                    "Horizon": f"{times['horizon']} months",
                    "Early until": f"{times['cut']} months",
                    "At risk at the horizon, control / MDT": at_risk,
                }
            )
    return pd.DataFrame(rows)


def _months(time: float) -> str:
    return "end (PFS 0)" if np.isinf(time) else f"{decimals(time, 1)} months"


def _at_risk(one: Any, horizon: float) -> str:
    data, found = one.data, []
    for arm in ("control", "experimental"):
        own = data[data["arm"] == arm]
        counts = (own["time"] >= horizon).groupby(own["draw"]).sum()
        found.append(f"{np.floor(counts.median()):.0f}")
    return " / ".join(found)


def effects(synthesis: pd.DataFrame, group: str) -> pd.DataFrame:
    """Every pooled contrast of one histology, or of its only trial.

    Parameters
    ----------
    synthesis : pandas.DataFrame
        As from `analysis.ipd_synthesis`.
    group : str
        The histology.
    """
    rows = []
    for row in synthesis[synthesis["group"] == group].to_dict("records"):
        dagger = "" if row["checked"] else DAGGER
        known = row["k"] > 0
        rows.append(
            {
                "What": row["what"][0].upper() + row["what"][1:],
                "Trials": str(row["k"]),
                "Estimate (95 %)": _limits(row, "estimate", "low", "high") + dagger
                if known
                else "not defined",
                "P(MDT better)": _probability(row["p_benefit"]),
                "Common effect (95 %)": _limits(row, "common", "common_low", "common_high")
                + dagger
                if row["k"] > 1
                else NONE,
                "Variance from reconstruction": f"{percent(row['share'])} %" if known else NONE,
            }
        )
    return pd.DataFrame(rows)


FORMATS: dict[str, Callable[[float], str]] = {
    "ratio": ratio,
    "months": lambda value: decimals(value, 1),
    "proportion": lambda value: decimals(100 * value, 0),
}
UNITS = {"ratio": "", "months": " months", "proportion": " points"}


def _limits(row: Mapping[str, Any], estimate: str, low: str, high: str) -> str:
    shown, unit = FORMATS[row["scale"]], UNITS[row["scale"]]
    return f"{shown(row[estimate])} ({shown(row[low])} to {shown(row[high])}){unit}"


def _probability(value: float) -> str:
    return NONE if np.isnan(value) else f"{percent(value)} %"


def prior_scales(frame: pd.DataFrame) -> pd.DataFrame:
    """Pooled contrasts by scale of the prior on tau, one row per contrast.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `analysis.ipd_prior_scales`.
    """
    rows = []
    for (group, what), own in frame.groupby(["group", "what"], sort=False):
        first = own[own["factor"] == 1].iloc[0]
        dagger = "" if first["checked"] else DAGGER
        cells = {
            f"Scale × {row['factor']:g}": f"{_limits(row, 'estimate', 'low', 'high')}{dagger}, "
            f"better: {_probability(row['p_benefit'])}"
            for row in own.to_dict("records")
        }
        rows.append(
            {
                "Cancer": TITLES.get(group, group),
                "What": f"{what[0].upper()}{what[1:]}",
                "Scale of the prior on tau": _width(first),
            }
            | cells
        )
    return pd.DataFrame(rows)


def _width(row: Mapping[str, Any]) -> str:
    unit = " (log ratio)" if row["scale"] == "ratio" else UNITS[row["scale"]]
    return f"{FORMATS[row['scale']](row['tau_scale'])}{unit}"


def undefined(synthesis: pd.DataFrame) -> dict[str, list[str]]:
    """The trials that a contrast leaves out, with the reason, by histology and contrast.

    Parameters
    ----------
    synthesis : pandas.DataFrame
        As from `analysis.ipd_synthesis`.
    """
    found: dict[str, list[str]] = {}
    for row in synthesis[synthesis["left_out"] != ""].to_dict("records"):
        heading = f"{TITLES.get(row['group'], row['group'])}, {row['what']}"
        found[heading] = row["left_out"].split("; ")
    return found


def one_stage(frame: pd.DataFrame) -> pd.DataFrame:
    """One-stage hazard ratios.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `analysis.one_stage_synthesis`.
    """
    rows = []
    for row in frame.to_dict("records"):
        dagger = "" if row["checked"] else DAGGER
        limits = f"{ratio(row['low'])} to {ratio(row['high'])}"
        tested = ("interaction_p_low", "interaction_p_high")
        low, high = (_p(row[name]) for name in tested) if _tested(row) else ("", "")
        rows.append(
            {
                "Cancer": TITLES.get(row["group"], row["group"]),
                "Treatment effect": row["what"],
                "Trials": str(row["k"]),
                "HR (95 % CI)": f"{ratio(row['hr'])} ({limits}){dagger}",
                "tau": NONE if np.isnan(row["tau"]) else ratio(row["tau"]),
                "p, treatment by trial": f"{low} to {high}" if _tested(row) else NONE,
            }
        )
    return pd.DataFrame(rows)


def _tested(row: Mapping[str, Any]) -> bool:
    return bool(np.isfinite(row["interaction_p"]))


def proportional(frame: pd.DataFrame) -> pd.DataFrame:
    """Checks of proportional hazards, one row per trial.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `analysis.proportionality`.
    """
    rows = []
    for row in frame.to_dict("records"):
        dagger = "" if row["checked"] else DAGGER
        if row["note"]:
            change, share = row["note"], NONE
        else:
            ends = " to ".join(_bounded(row[name]) for name in ("low", "high"))
            change, share = f"{ratio(row['ratio'])} ({ends})", f"{percent(row['share'])} %"
        tests = [_p(row[f"test_p_{name}"]) for name in ("median", "low", "high")]
        rows.append(
            {
                "Trial": f"{row['label']}{dagger}",
                "HR multiplied by (95 %)": change,
                "Variance from reconstruction": share,
                "p of the usual test": f"{tests[0]} ({tests[1]} to {tests[2]})",
                "Data sets with p < 0.05": f"{percent(row['test_below'])} %",
            }
        )
    return pd.DataFrame(rows)


def _p(value: float) -> str:
    return "<0.001" if value < 0.0005 else decimals(value, 3)


def _bounded(value: float) -> str:
    if value > 100:
        return "over 100"
    return "under 0.01" if value < 0.01 else ratio(value)


def absolute(frame: pd.DataFrame) -> pd.DataFrame:
    """Patients of 100 free of progression, where the control survival is known.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `analysis.absolute_synthesis`.
    """
    rows = []
    for row in frame[frame["difference"].notna()].to_dict("records"):
        marks = {
            name: "" if row[f"{name}checked"] else DAGGER for name in ("", "hr_", "control_")
        }
        shown = {
            name: _per_100(row, *columns) + marks[mark]
            for name, mark, columns in (
                ("Without MDT", "control_", ("per_100_control", "control_low", "control_high")),
                (
                    "With MDT",
                    "",
                    ("per_100_experimental", "experimental_low", "experimental_high"),
                ),
                ("Difference", "", ("difference", "low", "high")),
            )
        }
        rows.append(
            {
                "Cancer": TITLES.get(row["group"], row["group"]),
                "HR": f"{ratio(row['hr'])}{marks['hr_']}, {row['scenario']}",
                "Control PFS as in": row["baseline"],
                "Months": f"{row['time']:g}",
            }
            | {f"{name} (95 %)": text for name, text in shown.items()}
        )
    return pd.DataFrame(rows)


def _per_100(row: Mapping[str, Any], *columns: str) -> str:
    value, low, high = (decimals(row[name], 0) for name in columns)
    return f"{value} ({low} to {high})"


def sparse_landmarks(groups: Mapping[str, Sequence[Any]]) -> list[str]:
    """Where PFS is compared although fewer than a tenth of an arm is still at risk.

    Parameters
    ----------
    groups : mapping of str to sequence of Reconstruction
        As from `analysis.curve_reconstructions`.

    Returns
    -------
    list of str
        Report and month.
    """
    trials, found = evidence.load(), []
    for members in groups.values():
        for one in members:
            trial = trials[one.result.trial]
            name = label(trial, trial.cohort(one.result.cohort), one.result)
            for time in analysis.comparison_times(members)["landmarks"]:
                if _few(one, time):
                    found.append(f"{name} at {time} months")
    return found


def _few(one: Any, time: float) -> bool:
    data = one.data
    by = [data["arm"], data["draw"]]
    # Reconstructed times carry the noise of floats.
    at_risk = (data["time"].round(6) >= time).groupby(by).mean().groupby("arm").median()
    return bool((at_risk < SPARSE).any())


def weighted(frame: pd.DataFrame) -> pd.DataFrame:
    """Log-rank tests by weight, one row per trial and per histology.

    Parameters
    ----------
    frame : pandas.DataFrame
        As from `analysis.weighted_tests`.
    """
    rows = []
    for (group, trial), own in frame.groupby(["group", "label"], sort=False):
        dagger = "" if own["checked"].all() else DAGGER
        by = own.set_index("weight")
        rows.append(
            {"Cancer": TITLES.get(group, group), "Trial": f"{trial}{dagger}"}
            | {
                f"{name[0].upper()}{name[1:]}: z (p)": f"{ratio(row['z'])} ({_p(row['p'])})"
                for name, row in by.to_dict("index").items()
            }
        )
    return pd.DataFrame(rows)
