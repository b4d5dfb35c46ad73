"""What follows from the appraisal of the evidence by the rules of RoB 2, ICEMAN and GRADE."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from oligomdt import evidence, pooling
from oligomdt.analysis.absolute import TIMES, PooledRatio, pooled_ratio, posterior_effects
from oligomdt.analysis.estimates import label, published_estimates
from oligomdt.analysis.pooled_curve import arm_survival, control_survival
from oligomdt.analysis.reconstruction import find, reconstruct
from oligomdt.analysis.sensitivity import default_row, with_context
from oligomdt.analysis.synthesis import histology_synthesis, interaction
from oligomdt.evidence import DAGGER, Trial
from oligomdt.evidence.appraisal import (
    CONCERNS,
    CREDIBILITY,
    GRADE_DOMAINS,
    NO_INFORMATION,
    QUESTIONS,
    Appraisal,
    Contrast,
    asked,
    load_appraisal,
)

if TYPE_CHECKING:
    import pandas as pd


__all__ = [
    "certainty",
    "evidence_size",
    "iceman",
    "iceman_items",
    "prisma",
    "prisma_flow",
    "risk_of_bias",
    "summary_of_findings",
]

LOW, SOME, HIGH = "low", "some concerns", "high"
NOT_ASSESSED = "not assessed"
NOT_RATED = "not rated"
OVERALL = "overall"
ORDER = (LOW, SOME, HIGH)
_YES, _NO = ("Y", "PY"), ("N", "PN")
# ICEMAN is not meant for contrasts whose test gives a p above this.
SUGGESTED = 0.1
CHANCE = (
    (0.005, "chance an unlikely explanation", "definitely raises"),
    (0.01, "chance may not explain it", "probably raises"),
    (0.05, "chance a likely explanation or unclear", "probably lowers or unclear"),
    (np.inf, "chance a very likely explanation", "definitely lowers"),
)
# GRADE's rough limit of an appreciable benefit, for the optimal information size.
TARGET_HR = 0.75
CERTAINTY = ("very low", "low", "moderate", "high")


# ------------------------------------------------------------------ RoB 2


def risk_of_bias(
    trials: Mapping[str, Trial] | None = None, appraisal: Appraisal | None = None
) -> pd.DataFrame:
    """Risk of bias of every pooled result by RoB 2 (effect of assignment; outcome PFS).

    The judgement on a domain follows from the recorded answers to its signalling questions by
    the tool's algorithm, and the overall judgement is the worst of the domains (Sterne and
    others 2019, doi:10.1136/bmj.l4898). Two rules are this book's. A domain on which what was
    read says nothing is "no information"; for the overall judgement it counts as some
    concerns. Where several domains raise concerns and none is of high risk, the recorded
    judgement says what they amount to.

    Parameters
    ----------
    trials : mapping, optional
        Trial id to `evidence.Trial`; default `evidence.load()`.
    appraisal : evidence.appraisal.Appraisal, optional
        Default `evidence.appraisal.load_appraisal()`.

    Returns
    -------
    pandas.DataFrame
        One row per pooled result and domain, and one for ``"overall"``: `result`, `label`,
        `group`, `domain`, `judgement` ("low", "some concerns", "high", "no information", or
        "not assessed" where nobody has assessed the result), `at_least` (overall: a domain
        without information may hide more), `strict` (the tool's own proposal where every
        unknown is answered "no information": it has no such judgement), `answers`, `reason`
        and `source`.

    Examples
    --------
    >>> frame = risk_of_bias()
    >>> own = frame[(frame["result"] == "Gomez-2016") & (frame["domain"] == "overall")]
    >>> own["judgement"].item()
    'high'
    """
    import pandas as pd

    appraisal = load_appraisal() if appraisal is None else appraisal
    estimates = published_estimates(trials)
    rows = []
    for row in estimates[estimates["pooled"]].to_dict("records"):
        shared = {name: row[name] for name in ("result", "label", "group")}
        rows += [shared | part for part in _risk_rows(appraisal.rob2.get(row["result"]))]
    return pd.DataFrame(rows)


def _risk_rows(assessed) -> list[dict[str, str]]:
    if assessed is None:
        same = {"judgement": NOT_ASSESSED, "strict": NOT_ASSESSED, "answers": ""}
        why = {"reason": "nobody has assessed this result", "source": ""}
        same |= {"at_least": False}
        return [{"domain": name} | same | why for name in (*QUESTIONS, OVERALL)]
    rows = []
    for name, domain in assessed.domains.items():
        answers = domain.answers or unknown(name)
        strict = domain_judgement(name, answers)
        row = {"domain": name, "judgement": strict if domain.answers else NO_INFORMATION}
        written = ", ".join(f"{q} {a}" for q, a in domain.answers.items())
        row |= {"at_least": False, "strict": strict, "answers": written}
        rows.append(row | _why(domain))
    overall = {
        column: overall_judgement((row[column] for row in rows), assessed.overall.several)
        for column in ("judgement", "strict")
    }
    hidden = any(row["judgement"] == NO_INFORMATION for row in rows)
    overall["at_least"] = hidden and overall["judgement"] != HIGH
    rows.append({"domain": OVERALL} | overall | {"answers": ""} | _why(assessed.overall))
    return rows


def _why(judged) -> dict[str, str]:
    return {"reason": judged.reason, "source": ", ".join(ref.id for ref in judged.sources)}


def unknown(domain: str) -> dict[str, str]:
    """Answers to a domain on which nothing is known.

    Examples
    --------
    >>> unknown("missing data")
    {'3.1': 'NI', '3.2': 'N', '3.3': 'NI', '3.4': 'NI'}
    """
    answers: dict[str, str] = {}
    while len(now := asked(domain, answers)) > len(answers):
        # Question 3.2 asks for evidence, so not knowing of any is a no.
        answers |= {q: "N" if q == "3.2" else "NI" for q in now}
    return answers


def domain_judgement(domain: str, answers: Mapping[str, str]) -> str:
    """Judgement that RoB 2 proposes for a domain.

    The tables of the tool's guidance of 22 August 2019 that map signalling questions to
    judgements (Sterne and others 2019, doi:10.1136/bmj.l4898), effect of assignment.

    Parameters
    ----------
    domain : str
        "randomisation", "deviations", "missing data", "measurement" or "selection".
    answers : mapping of str to str
        Every question that is asked (`evidence.appraisal.asked`) to Y, PY, PN, N or NI.

    Returns
    -------
    str
        "low", "some concerns" or "high".

    Raises
    ------
    ValueError
        Where a question that is asked has no answer; the message names it.

    Examples
    --------
    >>> domain_judgement("randomisation", {"1.1": "Y", "1.2": "NI", "1.3": "N"})
    'some concerns'
    """
    for question in asked(domain, answers):
        if question not in answers:
            raise ValueError(f"answers: question {question} of {domain!r} has no answer")
    return _ALGORITHMS[domain](answers)


def _randomisation(a: Mapping[str, str]) -> str:
    if a["1.2"] in _NO or (a["1.2"] == "NI" and a["1.3"] in _YES):
        return HIGH
    fine = a["1.1"] not in _NO and a["1.2"] in _YES and a["1.3"] not in _YES
    return LOW if fine else SOME


def _deviations(a: Mapping[str, str]) -> str:
    context = LOW
    if a.get("2.3") == "NI":
        context = SOME
    elif a.get("2.3") in _YES:
        mild = a["2.4"] in _NO or a["2.5"] in _YES
        context = SOME if mild else HIGH
    analysis = LOW
    if a["2.6"] not in _YES:
        analysis = SOME if a["2.7"] in _NO else HIGH
    return max(context, analysis, key=ORDER.index)


def _missing_data(a: Mapping[str, str]) -> str:
    if a["3.1"] in _YES or a["3.2"] in _YES or a["3.3"] in _NO:
        return LOW
    return SOME if a["3.4"] in _NO else HIGH


def _measurement(a: Mapping[str, str]) -> str:
    if a["4.1"] in _YES or a["4.2"] in _YES:
        return HIGH
    if a["4.3"] in _NO or a["4.4"] in _NO:
        return SOME if a["4.2"] == "NI" else LOW
    return SOME if a["4.5"] in _NO else HIGH


def _selection(a: Mapping[str, str]) -> str:
    if a["5.2"] in _YES or a["5.3"] in _YES:
        return HIGH
    fine = a["5.1"] in _YES and a["5.2"] in _NO and a["5.3"] in _NO
    return LOW if fine else SOME


_ALGORITHMS: dict[str, Callable[[Mapping[str, str]], str]] = {
    "randomisation": _randomisation,
    "deviations": _deviations,
    "missing data": _missing_data,
    "measurement": _measurement,
    "selection": _selection,
}


def overall_judgement(judgements: Iterable[str], several: str) -> str:
    """Overall judgement of RoB 2: the worst domain, or what several concerns amount to.

    Parameters
    ----------
    judgements : iterable of str
        Of the domains; "no information" counts as some concerns.
    several : str
        "some concerns" or "high": what concerns in more than one domain amount to.

    Returns
    -------
    str

    Examples
    --------
    >>> overall_judgement(["low", "no information", "low"], several="high")
    'some concerns'
    >>> overall_judgement(["low", "some concerns", "some concerns"], several="high")
    'high'
    """
    judged = [SOME if judgement == NO_INFORMATION else judgement for judgement in judgements]
    if HIGH in judged:
        return HIGH
    concerns = judged.count(SOME)
    return several if concerns > 1 else (SOME if concerns else LOW)


# ------------------------------------------------------------------ ICEMAN


def iceman_items(
    contrasts: pd.DataFrame | None = None, appraisal: Appraisal | None = None
) -> pd.DataFrame:
    """Answers to the items of ICEMAN for the contrast of the two cancers.

    The Instrument for the Credibility of Effect Modification Analyses (Schandelmaier and
    others 2020, doi:10.1503/cmaj.200077), its version for randomised trials within CURB and
    its version for meta-analyses for all trials. The answer on chance is the p of the test of
    interaction, by the method that the appraisal names.

    Parameters
    ----------
    contrasts : pandas.DataFrame, optional
        As from `interaction`; default that of the published estimates.
    appraisal : evidence.appraisal.Appraisal, optional
        Default `evidence.appraisal.load_appraisal()`.

    Returns
    -------
    pandas.DataFrame
        One row per contrast and item: `contrast`, `item`, `question`, `answer` (the computed
        one with a dagger where its p rests on a value that was not read), `effect` (on
        credibility) and `reason`.

    Raises
    ------
    ValueError
        Where `contrasts` has no row of the contrast and method that the appraisal names.

    Examples
    --------
    >>> frame = iceman_items()
    >>> frame.loc[frame["item"] == "chance", "effect"].tolist()
    ['definitely lowers', 'definitely lowers']
    """
    import pandas as pd

    contrasts, appraisal = _both(contrasts, appraisal)
    rows = []
    for contrast in appraisal.iceman.values():
        tested = _contrast_row(contrasts, contrast)
        for name, item in contrast.items.items():
            row = {"contrast": contrast.id, "item": name, "question": item.question}
            answer, effect = item.answer, item.effect
            if name == "chance":
                answer, effect = _chance(float(tested["p"]))
                answer += "" if tested["checked"] else DAGGER
            rows.append(row | {"answer": answer, "effect": effect, "reason": item.reason})
    return pd.DataFrame(rows)


def _both(contrasts, appraisal):
    if contrasts is None:
        contrasts = interaction(published_estimates())
    return contrasts, load_appraisal() if appraisal is None else appraisal


def _contrast_row(contrasts: pd.DataFrame, contrast: Contrast) -> Mapping[str, Any]:
    here = (contrasts["contrast"] == contrast.id) & (contrasts["method"] == contrast.method)
    if here.sum() != 1:
        raise ValueError(
            f"contrasts: {here.sum()} rows of {contrast.id!r} by {contrast.method!r}; "
            "use interaction()"
        )
    return contrasts[here].iloc[0].to_dict()


def _chance(p: float) -> tuple[str, str]:
    if np.isnan(p):
        raise ValueError("the method has no p; name one in appraisal/iceman.yaml that has")
    return next((answer, effect) for limit, answer, effect in CHANCE if p <= limit)


def iceman(
    contrasts: pd.DataFrame | None = None, appraisal: Appraisal | None = None
) -> pd.DataFrame:
    """Credibility of the contrast of the two cancers by ICEMAN, with the numbers it is about.

    The answers set a ceiling: all lowering, very low; two or more clearly lowering, low; one
    clearly lowering or two probably lowering, moderate (the strategy of the instrument's form;
    Schandelmaier and others 2020, doi:10.1503/cmaj.200077). The rating is a judgement at or
    below it.

    Parameters
    ----------
    contrasts, appraisal
        As in `iceman_items`.

    Returns
    -------
    pandas.DataFrame
        One row per contrast: `contrast`, `version`, `method`, `ratio`, `low`, `high`, `p`,
        `checked` (false: they rest on a value that was not read in its source),
        `suggested` (p at most 0.1: the instrument is meant for such contrasts only),
        `ceiling`, `rating` and `reason`.

    Raises
    ------
    ValueError
        As `iceman_items`, and where a rating lies above its ceiling.

    Examples
    --------
    >>> iceman().set_index("contrast")["rating"].to_dict()
    {'within CURB': 'very low', 'all trials': 'low'}
    """
    import pandas as pd

    contrasts, appraisal = _both(contrasts, appraisal)
    items = iceman_items(contrasts, appraisal)
    rows = []
    for contrast in appraisal.iceman.values():
        row = _contrast_row(contrasts, contrast)
        ceiling = _ceiling(items.loc[items["contrast"] == contrast.id, "effect"].tolist())
        if CREDIBILITY.index(contrast.rating) > CREDIBILITY.index(ceiling):
            raise ValueError(
                f"appraisal/iceman.yaml: {contrast.id!r} is rated {contrast.rating}, above "
                f"what its answers allow ({ceiling}); lower the rating or correct an answer"
            )
        rows.append(
            {"contrast": contrast.id, "version": contrast.version, "method": contrast.method}
            | {name: row[name] for name in ("ratio", "low", "high", "p", "checked")}
            | {"suggested": bool(row["p"] <= SUGGESTED), "ceiling": ceiling}
            | {"rating": contrast.rating, "reason": contrast.reason}
        )
    return pd.DataFrame(rows)


def _ceiling(effects: list[str]) -> str:
    """Highest credibility that the answers allow."""
    definite = effects.count("definitely lowers")
    probable = effects.count("probably lowers or unclear")
    if definite + probable == len(effects) - effects.count("not applicable"):
        return "very low"
    if definite > 1:
        return "low"
    return "moderate" if definite or probable > 1 else "high"


# ------------------------------------------------------------------ GRADE


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
            rows.append(row | _why(body.domains[name]) | {"certainty": rated})
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


# ------------------------------------------------------------------ PRISMA 2020


def prisma(appraisal: Appraisal | None = None) -> pd.DataFrame:
    """Where the book meets each item of PRISMA 2020 (Page and others 2021).

    Source: doi:10.1136/bmj.n71; the topics are in this book's words.

    Parameters
    ----------
    appraisal : evidence.appraisal.Appraisal, optional
        Default `evidence.appraisal.load_appraisal()`.

    Returns
    -------
    pandas.DataFrame
        One row per item: `item`, `topic`, `status` ("met", "partly met" or "not done"),
        `where` (pages of the book, or "") and `reason`.

    Examples
    --------
    >>> prisma().set_index("item").loc["7", "status"]
    'not done'
    """
    import pandas as pd

    appraisal = load_appraisal() if appraisal is None else appraisal
    rows = [
        {"item": item.id, "topic": item.topic, "status": item.status}
        | {"where": ", ".join(item.where), "reason": item.reason}
        for item in appraisal.prisma.values()
    ]
    return pd.DataFrame(rows)


def prisma_flow(
    trials: Mapping[str, Trial] | None = None, appraisal: Appraisal | None = None
) -> pd.DataFrame:
    """The flow of trials as far as it was recorded; what was not done says so.

    Parameters
    ----------
    trials : mapping, optional
        Trial id to `evidence.Trial`; default `evidence.load()`.
    appraisal : evidence.appraisal.Appraisal, optional
        Default `evidence.appraisal.load_appraisal()`.

    Returns
    -------
    pandas.DataFrame
        One row per box: `stage`, `what`, `count` (text: a number, or what was not
        done) and `reason`.

    Examples
    --------
    >>> flow = prisma_flow()
    >>> flow.loc[flow["stage"] == "screening", "count"].tolist()
    ['no records were screened']
    """
    import pandas as pd

    trials = evidence.load() if trials is None else trials
    appraisal = load_appraisal() if appraisal is None else appraisal
    counted = _counts(trials)
    rows = [
        {"stage": box.stage, "what": box.what, "count": str(counted.get(box.count, box.count))}
        | {"reason": box.reason}
        for box in appraisal.flow
    ]
    return pd.DataFrame(rows)


def _counts(trials: Mapping[str, Trial]) -> dict[str, int]:
    sources = evidence.sources().values()
    results = [
        (cohort, result)
        for trial in trials.values()
        for cohort in trial.cohorts.values()
        for result in cohort.results.values()
    ]
    pooled = sum(c.group is not None and r.report == c.primary for c, r in results)
    return {
        "sources": len(sources),
        "sources not read": sum(source.tier == "unread" for source in sources),
        "trials": len(trials),
        "reports": sum(len(trial.reports) for trial in trials.values()),
        "pooled results": pooled,
        "not pooled results": len(results) - pooled,
        "other trials": len(_other_trials(trials)),
        "ongoing trials": len(evidence.ongoing()),
        "published pools": len(evidence.external()),
    }


def _other_trials(trials: Mapping[str, Trial]) -> set[str]:
    """Trials of the extended layer that are not compared here; pools of trials are none."""
    records = evidence.extended()
    pools = {
        one.trial
        for one in records.values()
        if {records[p].trial for p in one.contains} - {one.trial}
    }
    return {one.trial for one in records.values()} - pools - set(trials)
