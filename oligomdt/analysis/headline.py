"""The numbers of the summary page, written as a reader reads them."""

from __future__ import annotations

from collections.abc import Mapping

from oligomdt import evidence
from oligomdt.analysis.estimates import published_estimates
from oligomdt.analysis.printing import percent, ratio
from oligomdt.analysis.sensitivity import default_row, with_context
from oligomdt.analysis.synthesis import histology_synthesis, interaction
from oligomdt.evidence import DAGGER, Trial

__all__ = ["headline"]


def headline(trials: Mapping[str, Trial] | None = None) -> dict[str, str]:
    """The results that the summary page states, as text.

    Parameters
    ----------
    trials : mapping, optional
        Trial id to `evidence.Trial`; default `evidence.load()`.

    Returns
    -------
    dict of str to str
        Of each group (NSCLC, breast, mixed): ``NSCLC_hr``, ``NSCLC_low``, ``NSCLC_high``,
        ``NSCLC_k``, ``NSCLC_patients``, ``NSCLC_dagger`` (a dagger where a value was not
        read in its source, else ""); where several trials are pooled ``NSCLC_p_benefit`` and
        ``NSCLC_p_relevant`` (probability in per cent that HR is below 1 and below 0.8),
        ``NSCLC_predictive_low``, ``NSCLC_predictive_high``. The ratios of hazard ratios
        NSCLC to breast: ``ratio``, ``ratio_low``, ``ratio_high``, ``ratio_p_below_1``, and
        ``within_CURB_ratio``, ``..._low``, ``..._high``. Of a trial of the context, such as
        NRG-LU002: ``NRG-LU002_hr``, ``..._interval``, ``..._n`` as printed, and
        ``NSCLC_with_NRG-LU002_hr``, ``..._low``, ``..._high``. ``trials`` and ``patients``
        count what is pooled or shown.

    Examples
    --------
    >>> numbers = headline()
    >>> numbers["breast_k"], numbers["mixed_hr"]
    ('2', '0.45')
    """
    estimates = published_estimates(trials)
    synthesis = histology_synthesis(estimates)
    primary = synthesis[synthesis["role"] == "primary"]
    pooled = estimates[estimates["pooled"]]
    numbers = {
        "trials": str(pooled["trial"].nunique()),
        "patients": str(int(primary["patients"].sum())),
    }
    for row in primary.to_dict("records"):
        numbers |= _group(row)
    contrasts = interaction(estimates)
    for row in contrasts[contrasts["role"] == "primary"].to_dict("records"):
        numbers |= _contrast(row)
    for group, studies in pooled.groupby("group", sort=False):
        for other, more in with_context(group, studies):
            numbers |= _context(other, group, default_row(more))
    return numbers


def _limits(name: str, row: Mapping, estimate: str = "hr") -> dict[str, str]:
    return {
        f"{name}{estimate}": ratio(row[estimate]),
        f"{name}low": ratio(row["low"]),
        f"{name}high": ratio(row["high"]),
    }


def _group(row: Mapping) -> dict[str, str]:
    group = row["group"]
    numbers = _limits(f"{group}_", row) | {
        f"{group}_k": str(row["k"]),
        f"{group}_patients": str(row["patients"]),
        f"{group}_dagger": "" if row["checked"] else DAGGER,
    }
    if row["interval"] == "credible":
        for name in ("p_benefit", "p_relevant"):
            numbers[f"{group}_{name}"] = percent(row[name])
        for name in ("predictive_low", "predictive_high"):
            numbers[f"{group}_{name}"] = ratio(row[name])
    return numbers


def _contrast(row: Mapping) -> dict[str, str]:
    contrast = row["contrast"]
    prefix = "" if contrast == "all trials" else contrast.replace(" ", "_") + "_"
    numbers = {f"{prefix}ratio": ratio(row["ratio"])}
    for name in ("low", "high"):
        numbers[f"{prefix}ratio_{name}"] = ratio(row[name])
    if row["interval"] == "credible":
        numbers[f"{prefix}ratio_p_below_1"] = percent(row["p_below_1"])
    return numbers


def _context(other: evidence.ContextTrial, group: str, row: Mapping) -> dict[str, str]:
    return {
        f"{other.id}_hr": other.hr.estimate.label,
        f"{other.id}_interval": other.hr.interval.label,
        f"{other.id}_n": other.n.label if other.n else "not reported",
        **_limits(f"{group}_with_{other.id}_", row),
    }
