"""What can be worked out from the numbers a paper prints: derived, never published, values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from oligomdt import pooling
from oligomdt.analysis.sensitivity import progressed
from oligomdt.evidence import Result

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["derived"]


def derived(result: Result) -> pd.DataFrame:
    """Quantities that follow from the printed numbers of one result.

    They check the printed numbers against each other. None of them enters the main analysis
    except the standard error and the 95 % limits.

    Parameters
    ----------
    result : evidence.Result
        Progression-free survival of one cohort in one report.

    Returns
    -------
    pandas.DataFrame
        `quantity`, `value`, `formula` (in words), `inputs` (the printed numbers). Empty where
        nothing can be derived.

    Examples
    --------
    >>> from oligomdt import evidence
    >>> frame = derived(evidence.load()["Gomez"].cohort("NSCLC").result())
    >>> frame.loc[0, ["quantity", "formula"]].tolist()
    ['standard error of ln HR', '(ln upper - ln lower) / (2 z), z for 90 %']
    """
    import pandas as pd

    rows = [*_from_interval(result), *_from_medians(result), *_from_events(result)]
    rows += _from_progressions(result)
    return pd.DataFrame(rows, columns=["quantity", "value", "formula", "inputs"])


def _row(quantity: str, value: float, formula: str, inputs: str) -> dict[str, Any]:
    row = {"quantity": quantity, "value": float(value), "formula": formula, "inputs": inputs}
    return row


def _from_interval(result: Result) -> list[dict[str, Any]]:
    hr = result.hr
    if not (hr and hr.interval and hr.interval.upper):
        return []
    interval, level = hr.interval, hr.interval.level
    numbers = (hr.estimate.value, interval.lower.value, interval.upper.value)
    estimate = pooling.from_ci(*numbers, level=level)
    printed = f"HR {hr.estimate} ({100 * level:g} % CI {interval})"
    z = f"(ln upper - ln lower) / (2 z), z for {100 * level:g} %"
    rows = [_row("standard error of ln HR", estimate.se, z, printed)]
    if level != 0.95:
        low, high = estimate.ci(0.95)
        rows.append(_row("lower 95 % limit of HR", low, "exp(ln HR - 1.96 SE)", printed))
        rows.append(_row("upper 95 % limit of HR", high, "exp(ln HR + 1.96 SE)", printed))
    formula = "distance of ln HR from the middle of its limits / SE"
    rows.append(_row("asymmetry of the interval, in SE", estimate.asymmetry, formula, printed))
    sign = "" if result.p and result.p.relation == "<" else "= "
    wald = f"2 Phi(-|ln HR| / SE); printed p {sign}{result.p}"
    rows.append(_row("Wald p-value", estimate.p, wald, printed))
    control, experimental = (result.arms[role].n for role in ("control", "experimental"))
    if control and experimental:
        a, b = control.value, experimental.value
        events = (a + b) ** 2 / (a * b) / estimate.se**2
        formula = "(n1 + n2)^2 / (n1 n2 SE^2), that is 4 / SE^2 for equal arms"
        inputs = f"{printed}; n {control} and {experimental}"
        rows.append(_row("events that such an interval implies", events, formula, inputs))
    return rows


def _from_medians(result: Result) -> list[dict[str, Any]]:
    control, experimental = (result.arms[role].median for role in ("control", "experimental"))
    if not (control and experimental):
        return []
    inputs = f"median {control} (control) and {experimental} (experimental)"
    formula = "control median / experimental median, if both hazards were constant"
    return [_row("HR from the medians", control.value / experimental.value, formula, inputs)]


def _from_events(result: Result) -> list[dict[str, Any]]:
    control, experimental = (result.arms[role].events for role in ("control", "experimental"))
    if not (control and experimental):
        return []
    inputs = f"events {control} (control) and {experimental} (experimental)"
    counts = {"experimental": experimental.value, "control": control.value}
    formula = "sqrt(1 / events + 1 / events)"
    se = pooling.from_events(1.0, **counts).se
    rows = [_row("standard error of ln HR from the events", se, formula, inputs)]
    if result.p and result.p.relation == "=" and result.hr:
        favours = "experimental" if result.hr.estimate.value < 1 else "control"
        other = pooling.from_p_and_events(result.p.value, **counts, favours=favours)
        formula = "exp(-z / sqrt(V)), V = e c / (e + c), z for p"
        rows.append(
            _row("HR from p and the events", other.hr, formula, f"p {result.p}; {inputs}")
        )
    return rows


def _from_progressions(result: Result) -> list[dict[str, Any]]:
    counts = progressed(result)
    if not counts:
        return []
    rows = []
    for role, count in counts.items():
        arm = result.arms[role]
        inputs = f"{arm.progressed_percent} % of {arm.n}"
        formula = "per cent of n, to the nearest patient; deaths are not counted"
        rows.append(_row(f"patients with progression, {role}", count, formula, inputs))
    if result.p and result.p.relation == "=" and result.hr:
        favours = "experimental" if result.hr.estimate.value < 1 else "control"
        other = pooling.from_p_and_events(result.p.value, **counts, favours=favours)
        inputs = f"p {result.p}; {counts['control']} and {counts['experimental']} progressions"
        formula = "exp(-z / sqrt(V)), V = e c / (e + c), z for p"
        rows.append(_row("HR from p and the progressions", other.hr, formula, inputs))
    return rows
