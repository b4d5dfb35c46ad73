"""The extended layer: randomised trials beyond the review, by histology and by setting."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from oligomdt import evidence, pooling
from oligomdt.analysis.printing import ratio
from oligomdt.analysis.synthesis import planned_rows
from oligomdt.evidence import DAGGER, ExtendedTrial, Scenario
from oligomdt.evidence.extended import GROUPS, SETTINGS

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "extended_by_histology",
    "extended_by_setting",
    "extended_estimates",
    "extended_numbers",
    "overlap_check",
]

ROLES = ("control", "experimental")
Records = Mapping[str, ExtendedTrial]
# From a pool of this size on, the pool without each of its trials is shown too.
ENOUGH = 3


def extended_estimates(records: Records | None = None) -> pd.DataFrame:
    """Every record of the extended layer, with what can be computed from it.

    A row is "pooled" (a hazard ratio with both limits at a stated level), a "scenario" (its
    standard error rests on an assumption, which the row states) or "listed" (no standard
    error, with what is missing). Limits are converted at the level they were printed with, or
    are assumed to have: ``se = (ln upper - ln lower) / (2 z)`` (Parmar, Torri and Stewart
    1998; Tierney and others 2007, doi:10.1186/1745-6215-8-16).

    Parameters
    ----------
    records : mapping, optional
        Record id to `evidence.ExtendedTrial`; default `evidence.extended()`.

    Returns
    -------
    pandas.DataFrame
        One row per record, or per scenario of a record that has some: `record`, `trial`,
        `label`, `status`, `group`, `setting`, `by_histology` and `by_setting` (where it is
        pooled or tried), `core` (one of the reviewed trials), `scenario`, `assumption`,
        `joint`, `hr`, `ci_low`, `ci_high`, `level` (as printed or as assumed), `hr95_low`,
        `hr95_high`, `log_hr`, `se`, `p` (as printed), `sides`, `n_control`, `n_experimental`,
        `patients`, `checked`, `endpoint`, `missing`, `reason` and `source`. What is not known
        is nan or "".

    Examples
    --------
    >>> frame = extended_estimates().set_index("record")
    >>> frame.loc["NRG-BR002", "status"], float(frame.loc["NRG-BR002", "level"])
    ('pooled', 0.7)
    >>> round(float(frame.loc["NRG-BR002", "se"]), 3)
    0.241
    """
    import pandas as pd

    records = evidence.extended() if records is None else records
    rows = []
    for record in records.values():
        if record.scenarios:
            rows += [_described(record) | _supposed(record, one) for one in record.scenarios]
        else:
            rows.append(_described(record) | _printed(record))
    if not rows:
        raise ValueError("records: there is none; data/extended/ holds the extended layer")
    return pd.DataFrame(rows)


def _described(record: ExtendedTrial) -> dict[str, Any]:
    arms = record.n_by_arm or {}
    counts = {f"n_{role}": int(arms[role]) if arms else np.nan for role in ROLES}
    total = int(record.n) if record.n else sum(counts.values())
    return {
        "record": record.id,
        "trial": record.trial,
        "label": f"{record.name} ({record.year})" if record.year else record.name,
        "status": record.status_in_pool,
        "group": record.group,
        "setting": record.setting_class,
        "by_histology": "histology" in record.pools,
        "by_setting": "setting" in record.pools,
        "core": record.held_in.startswith("trials/"),
        "scenario": "",
        "assumption": "",
        "joint": False,
        **counts,
        "patients": total,
        "p": record.p.text if record.p else "",
        "sides": record.sides or "",
        "endpoint": record.endpoint,
        "missing": "; ".join(record.missing),
        "reason": record.reason,
    }


def _printed(record: ExtendedTrial) -> dict[str, Any]:
    """Numbers of a record whose interval is printed with its level; nan for what is not."""
    hr = record.hr
    if not hr:
        return _numbers(np.nan, None, np.nan, np.nan, np.nan) | {"checked": True, "source": ""}
    interval = hr.interval
    shared = {"checked": hr.checked, "source": _sources(hr)}
    if not (interval and interval.upper):
        return _numbers(hr.estimate.value, None, np.nan, np.nan, np.nan) | shared
    limits = (interval.lower.value, interval.upper.value)
    estimate = pooling.from_ci(hr.estimate.value, *limits, level=interval.level)
    return _numbers(hr.estimate.value, estimate, *limits, interval.level) | shared


def _supposed(record: ExtendedTrial, scenario: Scenario) -> dict[str, Any]:
    """Numbers of a record under one of its scenarios."""
    hr = scenario.hr or record.hr
    words = {
        "scenario": scenario.name,
        "assumption": scenario.assumption,
        "joint": scenario.joint,
        "checked": hr.checked,
        "source": _sources(hr),
    }
    value = hr.estimate.value
    if scenario.rests_on == "p":
        estimate = pooling.from_p(value, record.p.value, scenario.sides)
        return _numbers(value, estimate, np.nan, np.nan, np.nan) | words
    between = record.limits or hr.interval
    limits = (between.lower.value, between.upper.value)
    estimate = pooling.from_ci(value, *limits, level=scenario.level)
    return _numbers(value, estimate, *limits, scenario.level) | words


def _numbers(
    hr: float, estimate: pooling.Estimate | None, low: float, high: float, level: float
) -> dict[str, float]:
    printed = {"hr": hr, "ci_low": low, "ci_high": high, "level": level}
    if estimate is None:
        names = ("hr95_low", "hr95_high", "log_hr", "se")
        return printed | dict.fromkeys(names, np.nan)
    low95, high95 = (low, high) if level == 0.95 else estimate.ci(0.95)
    limits = {"hr95_low": low95, "hr95_high": high95}
    return printed | limits | {"log_hr": estimate.log_hr, "se": estimate.se}


def _sources(hr: evidence.HazardRatio) -> str:
    return ", ".join(dict.fromkeys(ref.id for ref in hr.estimate.sources))


# ------------------------------------------------------------------ patients counted once


def overlap_check(rows: pd.DataFrame, records: Records | None = None) -> pd.DataFrame:
    """Refuse a pool in which two rows share patients.

    Two rows share patients when they are the same record, when one holds the patients of the
    other or both hold those of a third, and when they are of one trial, unless they are
    different parts of the same whole.

    Parameters
    ----------
    rows : pandas.DataFrame
        As from `extended_estimates`: what is to be pooled; needs `record`.
    records : mapping, optional
        Record id to `evidence.ExtendedTrial`; default `evidence.extended()`.

    Returns
    -------
    pandas.DataFrame
        The same rows.

    Raises
    ------
    ValueError
        Where two rows share patients, naming both, or a row is of no known record.

    Examples
    --------
    >>> frame = extended_estimates()
    >>> try:
    ...     overlap_check(frame[frame["record"].isin(["EXTEND", "EXTEND-breast"])])
    ... except ValueError as error:
    ...     print(error)
    rows: EXTEND and EXTEND-breast share patients; pool one of the two
    """
    records = evidence.extended() if records is None else records
    if "record" not in rows:
        raise ValueError("rows has no column record; use the rows of extended_estimates()")
    for name in rows["record"]:
        if name not in records:
            raise ValueError(f"rows: no record {name!r}; use the rows of extended_estimates()")
    for one, other in combinations(rows["record"], 2):
        if share_patients(one, other, records):
            raise ValueError(f"rows: {one} and {other} share patients; pool one of the two")
    return rows


def share_patients(one: str, other: str, records: Records) -> bool:
    """Whether two records hold some of the same patients."""
    if one == other or _held(one, records) & _held(other, records):
        return True
    siblings = any(
        one in whole.contains and other in whole.contains for whole in records.values()
    )
    return records[one].trial == records[other].trial and not siblings


def _held(name: str, records: Records) -> set[str]:
    """A record and all records whose patients are among its own."""
    return {name}.union(*(_held(part, records) for part in records[name].contains))


# ------------------------------------------------------------------ pools


def extended_by_histology(
    estimates: pd.DataFrame | None = None, records: Records | None = None
) -> pd.DataFrame:
    """Pool the extended layer by histology, and again under each scenario.

    The method is that of the main analysis (`histology_synthesis`): one trial stands alone;
    two to four enter the Bayesian random-effects model with a half-normal(0.5) prior on tau;
    five or more REML with the wider of the Wald and the Hartung-Knapp interval.

    Parameters
    ----------
    estimates : pandas.DataFrame, optional
        As from `extended_estimates`, which is the default.
    records : mapping, optional
        Record id to `evidence.ExtendedTrial`; default `evidence.extended()`.

    Returns
    -------
    pandas.DataFrame
        One row per pool: `pool` (its histology), `kind` ("pooled"; "scenario", with one
        result whose standard error rests on an assumption; "joint", with all of those
        together; "read only", without values that were not read; "left out", without one
        trial), `scenario` (in words), `k`, `patients` (of the trials that state them),
        `unstated` (trials that do not), `hr`, `low`, `high` (95 %), `interval` ("credible" or
        "confidence"), `method`, `tau`, `p_benefit`, `p_relevant` (Bayesian only),
        `predictive_low`, `predictive_high` (a new trial), `prediction` (their convention),
        `checked`, `trials`, `assumption` and `added` (the records of the scenario). A
        histology without a pooled result has its scenarios only.

    Raises
    ------
    ValueError
        As `overlap_check`.

    Examples
    --------
    >>> frame = extended_by_histology()
    >>> frame.loc[frame["kind"] == "pooled", ["pool", "k"]].values.tolist()[:3]
    [['NSCLC', 3], ['breast', 3], ['prostate', 2]]
    """
    return _by("group", "by_histology", estimates, records)


def extended_by_setting(
    estimates: pd.DataFrame | None = None, records: Records | None = None
) -> pd.DataFrame:
    """Pool the extended layer by setting, and again under each scenario.

    Each trial enters with one result, that of all its patients. Settings: oligometastatic,
    oligoprogressive, oligorecurrent.

    Parameters
    ----------
    estimates, records
        As in `extended_by_histology`.

    Returns
    -------
    pandas.DataFrame
        As from `extended_by_histology`; `pool` is the setting.

    Raises
    ------
    ValueError
        As `overlap_check`.

    Examples
    --------
    >>> frame = extended_by_setting()
    >>> frame.loc[frame["kind"] == "pooled", ["pool", "k"]].values.tolist()
    [['oligometastatic', 7], ['oligoprogressive', 1]]
    """
    return _by("setting", "by_setting", estimates, records)


def extended_numbers(*pools: pd.DataFrame) -> dict[str, str]:
    """Results of the extended layer as a chapter states them, as text.

    Parameters
    ----------
    *pools : pandas.DataFrame
        As from `extended_by_histology` and `extended_by_setting`.

    Returns
    -------
    dict of str to str
        Of each pool ``extended_NSCLC_hr``, ``..._low``, ``..._high``, ``..._k``,
        ``..._patients`` and, where several trials are pooled, ``..._new_low`` and
        ``..._new_high``; with one more result ``extended_NSCLC_with_SINDAS_hr`` and so on,
        of the first of its scenarios; with all of them
        ``extended_NSCLC_with_all_hr``. A dagger stands at each hazard ratio, and each limit
        for a new trial, that rests on a value that was not read; that of the hazard ratio
        covers its limits.

    Examples
    --------
    >>> numbers = extended_numbers(extended_by_histology())
    >>> numbers["extended_breast_hr"], numbers["extended_breast_k"]
    ('0.87', '3')
    """
    numbers: dict[str, str] = {}
    for frame in pools:
        for row in frame.to_dict("records"):
            if row["kind"] not in ("pooled", "scenario", "joint"):
                continue
            ends = {"pooled": "", "scenario": f"_with_{row['added']}", "joint": "_with_all"}
            name = f"extended_{row['pool']}{ends[row['kind']]}"
            for key, text in _as_text(name, row).items():
                numbers.setdefault(key, text)
    return numbers


def _as_text(name: str, row: Mapping[str, Any]) -> dict[str, str]:
    dagger = "" if row["checked"] else DAGGER
    texts = {
        f"{name}_hr": ratio(row["hr"]) + dagger,
        f"{name}_low": ratio(row["low"]),
        f"{name}_high": ratio(row["high"]),
        f"{name}_k": str(row["k"]),
        f"{name}_patients": str(row["patients"]),
    }
    if row["prediction"]:
        texts[f"{name}_new_low"] = ratio(row["predictive_low"]) + dagger
        texts[f"{name}_new_high"] = ratio(row["predictive_high"]) + dagger
    return texts


def _by(
    column: str, enters: str, estimates: pd.DataFrame | None, records: Records | None
) -> pd.DataFrame:
    import pandas as pd

    records = evidence.extended() if records is None else records
    estimates = extended_estimates(records) if estimates is None else estimates
    inside = estimates[estimates[enters].astype(bool)]
    order = GROUPS if column == "group" else SETTINGS
    rows = []
    for name in (name for name in order if name in set(inside[column])):
        members = inside[inside[column] == name]
        rows += [{"pool": name} | row for row in _pools(members, records)]
    return pd.DataFrame(rows)


def _pools(members: pd.DataFrame, records: Records) -> Iterator[dict[str, Any]]:
    """One pool as it is, then under its scenarios, then without each of its parts."""
    base = overlap_check(members[members["status"] == "pooled"], records)
    tried = members[members["status"] == "scenario"]
    if len(base):
        yield _pool("pooled", "pooled results", base)
    for index, row in tried.iterrows():
        more = _added(base, tried.loc[[index]], records)
        words = f"with {row['label']}: {row['scenario']}"
        yield _pool("scenario", words, more, row["assumption"]) | {"added": row["record"]}
    together = tried[tried["joint"].astype(bool)]
    if len(together) > 1:
        more = _added(base, together, records)
        assumption = "; ".join(together["assumption"])
        words = f"with {_and(together['label'])}"
        added = {"added": "; ".join(together["record"])}
        yield _pool("joint", words, more, assumption) | added
    read = base[base["checked"].astype(bool)]
    if 0 < len(read) < len(base):
        out = _and(base.loc[~base["checked"].astype(bool), "label"])
        yield _pool("read only", f"without {out}, which was not read", read)
    alone = set(base.index) - set(read.index)
    for index, row in base.iterrows() if len(base) >= ENOUGH else ():
        if alone != {index}:
            yield _pool("left out", f"without {row['label']}", base.drop(index=index))


def _added(base: pd.DataFrame, rows: pd.DataFrame, records: Records) -> pd.DataFrame:
    """The pool with further rows, which take the place of rows that share their patients."""
    import pandas as pd

    shared = [
        any(share_patients(name, other, records) for other in rows["record"])
        for name in base["record"]
    ]
    kept = base[~np.array(shared, dtype=bool)]
    return overlap_check(pd.concat([kept, rows], ignore_index=True), records)


def _and(names: pd.Series) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _pool(kind: str, words: str, studies: pd.DataFrame, assumption: str = "") -> dict:
    result = planned_rows(studies)[0]
    names = ("method", "hr", "low", "high", "interval", "tau", "p_benefit", "p_relevant")
    return {
        "kind": kind,
        "scenario": words,
        "k": len(studies),
        "patients": int(studies["patients"].sum()),
        "unstated": int(studies["patients"].isna().sum()),
        **{name: result[name] for name in names},
        **_prediction(result, studies),
        "checked": bool(studies["checked"].all()),
        "trials": "; ".join(
            label + ("" if read else DAGGER)
            for label, read in zip(studies["label"], studies["checked"], strict=True)
        ),
        "assumption": assumption,
        "added": "",
    }


def _prediction(result: Mapping[str, Any], studies: pd.DataFrame) -> dict[str, Any]:
    """Limits for the true hazard ratio of a new trial, and where they come from."""
    if result["interval"] == "credible":
        limits = [result[f"predictive_{end}"] for end in ("low", "high")]
        convention = "posterior predictive"
    elif len(studies) > 1:
        effect = pooling.pool(studies["log_hr"], studies["se"], tau2="REML", ci="wider")
        limits = np.exp(list(effect.prediction)).tolist()
        convention = "t with k - 1 degrees of freedom"
    else:
        limits, convention = [np.nan, np.nan], ""
    named = dict(zip(("predictive_low", "predictive_high"), limits, strict=True))
    return named | {"prediction": convention}
