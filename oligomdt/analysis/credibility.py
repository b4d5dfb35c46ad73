"""Credibility of the difference between histologies, by the questions of ICEMAN."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from oligomdt.analysis.estimates import published_estimates
from oligomdt.analysis.synthesis import interaction
from oligomdt.evidence import DAGGER
from oligomdt.evidence.appraisal import CREDIBILITY, Appraisal, Contrast, load_appraisal

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["iceman", "iceman_items"]

# ICEMAN is not meant for contrasts whose test gives a p above this.
SUGGESTED = 0.1
CHANCE = (
    (0.005, "chance an unlikely explanation", "definitely raises"),
    (0.01, "chance may not explain it", "probably raises"),
    (0.05, "chance a likely explanation or unclear", "probably lowers or unclear"),
    (np.inf, "chance a very likely explanation", "definitely lowers"),
)


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
