"""Certainty of the evidence and summary of findings, by the rules of GRADE."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from oligomdt import evidence, pooling
from oligomdt.analysis.absolute import TIMES, PooledRatio, pooled_ratio, posterior_effects
from oligomdt.analysis.estimates import label, published_estimates
from oligomdt.analysis.pooled_curve import arm_survival, control_survival
from oligomdt.analysis.reconstruction import find, reconstruct
from oligomdt.analysis.risk_of_bias import reason_of
from oligomdt.analysis.sensitivity import default_row, with_context
from oligomdt.analysis.synthesis import histology_synthesis
from oligomdt.evidence import Trial
from oligomdt.evidence.appraisal import CONCERNS, GRADE_DOMAINS, Appraisal, load_appraisal

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["certainty", "evidence_size", "summary_of_findings"]

NOT_RATED = "not rated"
# GRADE's rough limit of an appreciable benefit, for the optimal information size.
TARGET_HR = 0.75
CERTAINTY = ("very low", "low", "moderate", "high")


def certainty(appraisal: Appraisal | None = None) -> pd.DataFrame:
    """Certainty of the evidence on PFS by GRADE, with each reason to lower it.

    Evidence from randomised trials starts at high. A serious concern lowers it by one level
    and a very serious one by two, to very low at most (Guyatt and others 2011, GRADE
    guidelines 4, Journal of Clinical Epidemiology 64:407-415).

    Parameters
    ----------
    appraisal : evidence.appraisal.Appraisal, optional
        Default `evidence.appraisal.load_appraisal()`.

    Returns
    -------
    pandas.DataFrame
        One row per group and domain: `group`, `outcome`, `domain`, `concern`, `levels` (by
        which it lowers), `reason`, `source`, and `certainty` of the group.

    Examples
    --------
    >>> frame = certainty()
    >>> frame.groupby("group")["levels"].sum().to_dict()
    {'NSCLC': 3, 'breast': 3, 'mixed': 3}
    """
    import pandas as pd

    appraisal = load_appraisal() if appraisal is None else appraisal
    rows = []
    for body in appraisal.grade.values():
        levels = {name: CONCERNS[body.domains[name].concern] for name in GRADE_DOMAINS}
        rated = CERTAINTY[max(0, len(CERTAINTY) - 1 - sum(levels.values()))]
        for name in GRADE_DOMAINS:
            row = {"group": body.id, "outcome": body.outcome, "domain": name}
            row |= {"concern": body.domains[name].concern, "levels": levels[name]}
            rows.append(row | reason_of(body.domains[name]) | {"certainty": rated})
    return pd.DataFrame(rows)


def evidence_size(trials: Mapping[str, Trial] | None = None) -> pd.DataFrame:
    """Information in each body of evidence beside the optimal information size of GRADE.

    The optimal information size is the number of events of one adequate trial (Guyatt and
    others 2011, GRADE guidelines 6, Journal of Clinical Epidemiology 64:1283-1293), here to
    find a hazard ratio of 0.75, the guideline's rough limit of an appreciable benefit, with
    power 80 % at a two-sided 5 % (`pooling.information_size`). Events are not reported for
    most results. So the information is counted in the events that one trial would need for
    the same standard error (`pooling.equivalent_events`), taking the variation between trials
    as zero. Both take arms of equal size.

    Parameters
    ----------
    trials : mapping, optional
        Trial id to `evidence.Trial`; default `evidence.load()`.

    Returns
    -------
    pandas.DataFrame
        One row per group: `group`, `k`, `patients`, `events` (stated; nan unless every pooled
        result states them), `equivalent_events`, `needed`, `share` (of what is needed) and
        `target_hr`.

    Examples
    --------
    >>> frame = evidence_size()
    >>> frame["needed"].round().unique().tolist()
    [379.0]
    >>> bool((frame["share"] < 0.5).all())
    True
    """
    import pandas as pd

    trials = evidence.load() if trials is None else trials
    estimates = published_estimates(trials)
    needed = pooling.information_size(TARGET_HR)
    rows = []
    for group, own in estimates[estimates["pooled"]].groupby("group", sort=False):
        size = sum(pooling.equivalent_events(se) for se in own["se"])
        patients = own[["n_control", "n_experimental"]].to_numpy().sum()
        row = {"group": group, "k": len(own), "patients": int(patients)}
        row |= {"events": _stated_events(own["result"], trials), "equivalent_events": size}
        rows.append(row | {"needed": needed, "share": size / needed, "target_hr": TARGET_HR})
    return pd.DataFrame(rows)


def _stated_events(results: Iterable[str], trials: Mapping[str, Trial]) -> float:
    arms = [arm for one in results for arm in find(one, trials).arms.values()]
    return sum(float(arm.events) if arm.events else np.nan for arm in arms)


def summary_of_findings(
    trials: Mapping[str, Trial] | None = None, appraisal: Appraisal | None = None
) -> pd.DataFrame:
    """Summary of findings: what MDT means for 100 patients, and how certain that is.

    The pooled hazard ratio of a group is applied to the risk of each of its control arms, one
    by one, because these risks differ (`absolute_effects`; Skoetz and others 2020,
    doi:10.1016/j.jclinepi.2019.10.015). Hazards are taken as proportional. The limits are of
    the posterior of the hazard ratio, and know that each control arm has its part in it
    (`absolute_synthesis`). The control arms are reconstructed; which ones serve, and why, is
    recorded in `data/appraisal/grade.yaml`.

    Parameters
    ----------
    trials : mapping, optional
        Trial id to `evidence.Trial`; default `evidence.load()`.
    appraisal : evidence.appraisal.Appraisal, optional
        Default `evidence.appraisal.load_appraisal()`.

    Returns
    -------
    pandas.DataFrame
        One row per group, hazard ratio, control arm and time: `group`, `scenario` ("main
        analysis", or "with" a trial of the context that is added to it), `outcome`, `k`,
        `patients`, `hr`, `hr_low`, `hr_high`, `interval`, `checked`, `certainty` ("not rated"
        of a scenario), `result` and `label` of the control arm, `n_control`, `basis` of its
        curve, `control_checked` (false where its reconstruction may rest on a value that was
        not read), the columns of `absolute_effects`, and `per_100_own`, `own_low`,
        `own_high`: of 100 patients of the MDT arm of the same trial, as reconstructed, those
        free of progression. Where hazards are not proportional, or the trial differs from the
        pool, this is another number.

    Examples
    --------
    >>> frame = summary_of_findings()
    >>> frame.groupby("group", sort=False)["label"].nunique().to_dict()
    {'NSCLC': 3, 'breast': 2, 'mixed': 1}
    """
    import pandas as pd

    trials = evidence.load() if trials is None else trials
    appraisal = load_appraisal() if appraisal is None else appraisal
    estimates = published_estimates(trials)
    synthesis = histology_synthesis(estimates)
    rated = certainty(appraisal).groupby("group")["certainty"].first()
    frames = []
    for row in synthesis[synthesis["role"] == "primary"].to_dict("records"):
        if row["group"] not in appraisal.grade:
            continue
        body = appraisal.grade[row["group"]]
        studies = estimates[estimates["pooled"] & (estimates["group"] == row["group"])]
        scenarios = [("main analysis", rated[row["group"]], row, studies)]
        for other, more in with_context(row["group"], studies):
            scenarios.append((f"with {other.name}", NOT_RATED, default_row(more), more))
        for scenario, judged, pooled, members in scenarios:
            shared = {"group": row["group"], "scenario": scenario, "k": len(members)}
            sizes = members[["n_control", "n_experimental"]].to_numpy()
            shared |= {"patients": sizes.sum(), "interval": pooled["interval"]}
            shared |= {"checked": bool(members["checked"].all())}
            shared |= {"outcome": body.outcome, "certainty": judged, "hr": pooled["hr"]}
            shared |= {"hr_low": pooled["low"], "hr_high": pooled["high"]}
            ratio = pooled_ratio(members, pooled)
            arms = body.control_arms.results
            frames += [_findings(shared, ratio, name, trials) for name in arms]
    return pd.concat(frames, ignore_index=True)


def _findings(
    shared: Mapping[str, Any],
    ratio: PooledRatio,
    result_id: str,
    trials: Mapping[str, Trial],
) -> pd.DataFrame:
    result = find(result_id, trials)
    trial = trials[result.trial]
    reconstruction = reconstruct(result)
    frame = posterior_effects(
        control_survival([reconstruction], TIMES),
        ratio.effect,
        covariance=ratio.covariance(reconstruction, trials),
    )
    known = {
        "result": result_id,
        "label": label(trial, trial.cohort(result.cohort), result),
        "n_control": int(result.arms["control"].n),
        "basis": reconstruction.basis,
        "control_checked": not result.hr or result.hr.checked,
    }
    own = 100 * arm_survival(reconstruction, "experimental", TIMES)[["surv", "low", "high"]]
    names = {"surv": "per_100_own", "low": "own_low", "high": "own_high"}
    frame = frame.join(own.rename(columns=names))
    return frame.assign(**shared, **known)[[*shared, *known, *frame.columns]]
