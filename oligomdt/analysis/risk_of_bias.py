"""Risk of bias of the trials, by the rules of RoB 2."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from oligomdt.analysis.estimates import published_estimates
from oligomdt.evidence import Trial
from oligomdt.evidence.appraisal import (
    NO_INFORMATION,
    QUESTIONS,
    Appraisal,
    asked,
    load_appraisal,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["risk_of_bias"]

LOW, SOME, HIGH = "low", "some concerns", "high"
NOT_ASSESSED = "not assessed"
OVERALL = "overall"
ORDER = (LOW, SOME, HIGH)
_YES, _NO = ("Y", "PY"), ("N", "PN")


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
        rows.append(row | reason_of(domain))
    overall = {
        column: overall_judgement((row[column] for row in rows), assessed.overall.several)
        for column in ("judgement", "strict")
    }
    hidden = any(row["judgement"] == NO_INFORMATION for row in rows)
    overall["at_least"] = hidden and overall["judgement"] != HIGH
    rows.append({"domain": OVERALL} | overall | {"answers": ""} | reason_of(assessed.overall))
    return rows


def reason_of(judged) -> dict[str, str]:
    """Reason and sources of a recorded judgement, as columns of a table."""
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
