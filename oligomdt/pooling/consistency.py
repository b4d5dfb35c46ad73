"""Do printed numbers fit one analysis? Hazard ratio, limits, p, events, medians.

A printed number stands for every value that rounds to it. Two numbers agree where some values
in their rounding intervals fit each other exactly. Bounds that hold in every Cox model, derived
in `_explained_z` and `_events`, tell a difference of method from a contradiction.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, NamedTuple

from scipy.special import ndtr, ndtri

from oligomdt.pooling.validation import check_choice, check_level

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Comparison", "ConsistencyReport", "check"]

CONSISTENT = "consistent"
EXPLAINED = "explained by the method"
CONTRADICTION = "do not fit one analysis"
UNDECIDED = "not decidable"

TWO_SIDED, ONE_SIDED = "two-sided", "one-sided"
USUAL_LEVELS = (0.7, 0.8, 0.9, 0.95, 0.99)
# A likelihood interval is lopsided by less than this even with 3 events against 10.
LOPSIDED = 0.5
# Standard error over its least value, given the events. In 1,500 simulated trials of 16 to 160
# patients fewer than 1 in 100 were above: the events then do not say much about the interval.
WIDE = 1.5

Printed = str | int | Decimal


@dataclass(frozen=True)
class Comparison:
    """Two printed numbers set against each other.

    Attributes
    ----------
    pair : str
        What is compared.
    verdict : str
        "consistent", "explained by the method" or "do not fit one analysis".
    printed, expected : str
        The second number as printed, and what the first one implies for it.
    gap : float
        Distance that rounding does not explain; 0 where they agree.
    unit : str
        Unit of `gap`.
    reconciled_by : tuple of str
        Changes of one number or reading that would make the two agree. Arithmetic, not
        evidence that this is what happened.
    """

    pair: str
    verdict: str
    printed: str
    expected: str
    gap: float
    unit: str
    reconciled_by: tuple[str, ...] = ()

    def __str__(self) -> str:
        text = f"{self.pair}: {self.verdict}; printed {self.printed}, expected {self.expected}"
        if self.gap:
            text += f"; off by {self.gap:.2g} {self.unit}"
        if self.reconciled_by:
            text += f"; would fit: {', or '.join(self.reconciled_by)}"
        return text


@dataclass(frozen=True)
class ConsistencyReport:
    """What `check` found.

    Attributes
    ----------
    verdict : str
        The worst of the comparisons: "consistent", "explained by the method" (the numbers do
        not come from one Wald analysis, but usual methods give such numbers together) or
        "do not fit one analysis"; "not decidable" where there is nothing to compare.
    comparisons : tuple of Comparison
        One per pair that could be compared.
    """

    verdict: str
    comparisons: tuple[Comparison, ...]

    @property
    def flagged(self) -> bool:
        """Whether some pair disagrees by more than rounding."""
        return self.verdict in (EXPLAINED, CONTRADICTION)

    def __str__(self) -> str:
        return "\n".join([self.verdict, *map(str, self.comparisons)])

    def to_frame(self) -> pd.DataFrame:
        """Return one row per comparison; `reconciled_by` is one text."""
        import pandas as pd

        columns = ["pair", "verdict", "printed", "expected", "gap", "unit"]
        rows = [
            {name: getattr(one, name) for name in columns}
            | {"reconciled_by": "; ".join(one.reconciled_by)}
            for one in self.comparisons
        ]
        return pd.DataFrame(rows, columns=[*columns, "reconciled_by"])


def check(
    hr: Printed | None = None,
    lower: Printed | None = None,
    upper: Printed | None = None,
    level: float = 0.95,
    p: Printed | None = None,
    sided: str | None = None,
    events: Printed | Sequence[Printed] | None = None,
    medians: Sequence[Printed] | None = None,
) -> ConsistencyReport:
    """Check whether the printed numbers of a trial fit each other.

    Compared are: the hazard ratio with the middle of its limits; hazard ratio and limits with
    the p-value (Wald; where that fails, log-rank); the limits with the events; hazard ratio
    and p-value with the events where there are no limits; the ratio of the medians with the
    hazard ratio (equal where both hazards are constant: a weak check). Approximations of
    Parmar, Torri and Stewart (1998) and Tierney and others (2007),
    doi:10.1186/1745-6215-8-16; the bounds are derived here. The bound between hazard ratio and
    p-value holds for a p-value without strata or covariates and without ties: a p-value of
    another model may be called a contradiction although all numbers are right.

    Parameters
    ----------
    hr, lower, upper : str, int or Decimal, optional
        Hazard ratio and limits as printed: ``"0.30"``, not 0.3, because the digits say how
        far a number was rounded. One limit is enough; "not reached" counts as not given.
    level : float
        Confidence level of the limits, between 0 and 1.
    p : str, int or Decimal, optional
        p-value as printed, "<0.001" included.
    sided : str, optional
        "two-sided" or "one-sided"; None where it is not stated: taken as two-sided, and
        one-sided is tried where that fails.
    events : str, int, Decimal or pair, optional
        Events in total, or of the experimental and the control arm.
    medians : pair, optional
        Medians of the experimental and the control arm as printed.

    Returns
    -------
    ConsistencyReport

    Raises
    ------
    ValueError
        Where a number is a float or no number, out of its range, or the limits are not in
        order around the hazard ratio; where `sided` is unknown or `level` not between 0 and 1.

    Examples
    --------
    >>> check("0.41", "0.22", "0.75", p="0.0039").verdict
    'consistent'
    >>> report = check("0.66", "0.50", "0.87", p="0.025", sided="one-sided")
    >>> report.verdict
    'do not fit one analysis'
    >>> report.comparisons[1].reconciled_by
    ('limits at the 80 % level', '95 % limits of about 0.44 to 1.00')
    """
    level = check_level(level)
    if sided is not None:
        check_choice("sided", sided, (TWO_SIDED, ONE_SIDED))
    numbers = _Numbers(
        _ratio("hr", hr),
        _ratio("lower", lower),
        _ratio("upper", upper),
        level,
        _probability(p),
        sided,
        _counts(events),
        _medians(medians),
    )
    _check_order(numbers)
    found = [compare(numbers) for compare in (_middle, _p_value, _events, _bare_p, _median)]
    comparisons = tuple(one for one in found if one)
    worst = [v for v in (CONTRADICTION, EXPLAINED, CONSISTENT) if v in _verdicts(comparisons)]
    return ConsistencyReport(worst[0] if worst else UNDECIDED, comparisons)


def _check_order(numbers: _Numbers) -> None:
    pairs = (("lower", "hr"), ("hr", "upper"), ("lower", "upper"))
    for first, second in pairs:
        a, b = getattr(numbers, first), getattr(numbers, second)
        if not (a and b):
            continue
        same = Decimal(a.text) == Decimal(b.text) and (first, second) == ("lower", "upper")
        if same or Decimal(a.text) > Decimal(b.text):
            raise ValueError(
                f"{first} is {a.text} and {second} is {b.text}; "
                "lower must be below upper and hr between them"
            )


def _verdicts(comparisons: tuple[Comparison, ...]) -> set[str]:
    return {one.verdict for one in comparisons}


# ------------------------------------------------------------------ printed numbers


class _Range(NamedTuple):
    """A printed number and the values that round to it; or a range computed from such."""

    low: float
    high: float
    text: str = ""

    def gap(self, other: _Range) -> float:
        """Distance to another range; 0 where they overlap."""
        return max(0.0, self.low - other.high, other.low - self.high)


class _Numbers(NamedTuple):
    hr: _Range | None
    lower: _Range | None
    upper: _Range | None
    level: float
    p: _Range | None
    sided: str | None
    events: tuple[int, ...]
    medians: tuple[_Range, ...]


def _read(name: str, value: Printed | None) -> _Range | None:
    """Read a number with the interval that its digits allow; None where there is none."""
    if value is None or str(value).strip() == "not reached":
        return None
    if isinstance(value, (bool, float)):
        raise ValueError(
            f'{name} is {value!r}; give it as printed, as text, for example "{value:.2f}": '
            "its digits say how far it was rounded"
        )
    text = str(value).strip()
    relation, digits = (text[0], text[1:].strip()) if text[:1] in ("<", ">") else ("", text)
    try:
        number = Decimal(digits)
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite() or number < 0:
        raise ValueError(f'{name} is {value!r}; it must be a printed number such as "0.41"')
    if relation:
        if name != "p":
            raise ValueError(f"{name} is {value!r}; only p may be printed with < or >")
        limits = (0.0, float(number)) if relation == "<" else (float(number), 1.0)
        return _Range(*limits, text)
    half = Decimal(1).scaleb(number.as_tuple().exponent) / 2
    return _Range(float(max(Decimal(0), number - half)), float(number + half), text)


def _ratio(name: str, value: Printed | None) -> _Range | None:
    read = _read(name, value)
    if read and Decimal(read.text) == 0 and name != "lower":
        raise ValueError(f"{name} is {value!r}; a hazard ratio is above 0")
    return read


def _probability(value: Printed | None) -> _Range | None:
    read = _read("p", value)
    if read is None:
        return None
    if Decimal(read.text.lstrip("<> ")) > 1:
        raise ValueError(f"p is {value!r}; it must lie between 0 and 1")
    return _Range(read.low, min(read.high, 1.0), read.text)


def _counts(value: Printed | Sequence[Printed] | None) -> tuple[int, ...]:
    if value is None:
        return ()
    values = (value,) if isinstance(value, (str, int, float, Decimal)) else tuple(value)
    if len(values) not in (1, 2):
        raise ValueError(f"events is {value!r}; give the total, or one number per arm")
    counts = []
    for one in values:
        try:
            number = Decimal(str(one))
        except InvalidOperation:
            number = Decimal("nan")
        if not number.is_finite() or number <= 0 or number != int(number):
            raise ValueError(f"events is {value!r}; give whole numbers above 0")
        counts.append(int(number))
    return tuple(counts)


def _medians(value: Sequence[Printed] | None) -> tuple[_Range, ...]:
    if value is None:
        return ()
    if isinstance(value, str) or len(value) != 2:
        raise ValueError(f"medians is {value!r}; give that of MDT and that of control")
    read = [_read("medians", one) for one in value]
    for one in read:
        if one and Decimal(one.text) == 0:
            raise ValueError(f"medians is {value!r}; a median is above 0")
    return tuple(one for one in read if one) if all(read) else ()


# ------------------------------------------------------------------ log scale


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf


def _logs(printed: _Range) -> _Range:
    return _Range(_log(printed.low), _log(printed.high))


def _distance(log_hr: _Range) -> _Range:
    """Distance of ln HR from 0."""
    low = 0.0 if log_hr.low <= 0 <= log_hr.high else min(abs(log_hr.low), abs(log_hr.high))
    return _Range(low, max(abs(log_hr.low), abs(log_hr.high)))


def _error(numbers: _Numbers, level: float | None = None) -> _Range | None:
    """Range of the standard error of ln HR that the limits allow."""
    z = float(ndtri((1 + (level or numbers.level)) / 2))
    if numbers.lower and numbers.upper:
        low, high = _logs(numbers.lower), _logs(numbers.upper)
        narrow, wide = (high.low - low.high) / 2, (high.high - low.low) / 2
    elif numbers.hr and (numbers.lower or numbers.upper):
        middle = _logs(numbers.hr)
        limit = _logs(numbers.lower or numbers.upper)
        ends = [a - b for a in middle[:2] for b in limit[:2]]
        ends = [-e for e in ends] if numbers.upper else ends
        narrow, wide = min(ends), max(ends)
    else:
        return None
    return _Range(max(narrow, 0.0) / z, wide / z)


def _quotient(distance: _Range, error: _Range) -> _Range:
    low = distance.low / error.high if error.high > 0 else math.inf
    high = distance.high / error.low if error.low > 0 else math.inf
    return _Range(low, high)


def _z_of_p(p: _Range, sided: str) -> _Range:
    """Distance from 0, in standard errors, of a result with this p-value."""
    if sided == TWO_SIDED:
        return _Range(
            -float(ndtri(p.high / 2)), -float(ndtri(p.low / 2)) if p.low else math.inf
        )
    ends = [abs(float(ndtri(end))) for end in p[:2]]
    return _Range(0.0 if p.low <= 0.5 <= p.high else min(ends), max(ends))


def _p_of_z(z: _Range, sided: str) -> _Range:
    tails = 2 if sided == TWO_SIDED else 1
    return _Range(tails * float(ndtr(-z.high)), tails * float(ndtr(-z.low)))


def _explained_z(z: _Range, distance: _Range) -> _Range:
    """Range of the log-rank z of the data that give this Wald z.

    Let pi be the share of the experimental arm among the patients at risk at an event. Then
    ``O - E = (1 - HR) sum(pi (1 - pi) / D)`` at the Cox estimate, with ``D = pi HR + 1 - pi``,
    and the information is ``HR sum(pi (1 - pi) / D**2)``. By Cauchy and Schwarz the log-rank z
    is at most ``sinh(b) / b`` times the Wald z, ``b = abs(ln HR) / 2``; as D lies between HR
    and 1 it is at least ``tanh(b) / b`` times it. No ties, strata or covariates.
    """
    b = distance.high / 2
    if b == 0:
        return z
    return _Range(z.low * math.tanh(b) / b, z.high * math.sinh(b) / b)


# ------------------------------------------------------------------ the pairs


def _middle(numbers: _Numbers) -> Comparison | None:
    """Compare the hazard ratio with the middle of its limits on the log scale."""
    if not (numbers.hr and numbers.lower and numbers.upper):
        return None
    low, high, hr = (_logs(one) for one in (numbers.lower, numbers.upper, numbers.hr))
    middle = _Range((low.low + high.low) / 2, (low.high + high.high) / 2)
    error = _error(numbers).high
    if math.isinf(error):  # a lower limit of 0.00: the reading that comes nearest
        error = (high.high - low.high) / 2 / float(ndtri((1 + numbers.level) / 2))
    gap = middle.gap(hr) / error if middle.gap(hr) else 0.0
    verdict, fits = CONSISTENT, ()
    if gap:
        verdict = CONTRADICTION if gap > LOPSIDED else EXPLAINED
        centre = (middle.low + middle.high) / 2
        nearest = f"at most {math.exp(middle.high):.2g}"
        fits = (f"HR {nearest if math.isinf(centre) else f'{math.exp(centre):.3g}'}",)
        if verdict == EXPLAINED:
            fits += ("limits that are not symmetric on the log scale",)
    expected = f"HR {_between(math.exp(middle.low), math.exp(middle.high))}"
    printed = f"HR {numbers.hr.text}"
    return Comparison("HR and its limits", verdict, printed, expected, gap, "SE", fits)


def _p_value(numbers: _Numbers) -> Comparison | None:
    """Compare the hazard ratio and its limits with the p-value."""
    error = _error(numbers)
    if not (numbers.hr and numbers.p and error):
        return None
    sided = numbers.sided or TWO_SIDED
    distance = _distance(_logs(numbers.hr))
    wald, stated = _quotient(distance, error), _z_of_p(numbers.p, sided)
    gap = wald.gap(stated)
    verdict, fits = CONSISTENT, ()
    if gap:
        logrank = _explained_z(wald, distance)
        verdict = CONTRADICTION if logrank.gap(stated) else EXPLAINED
        fits = _reconcile_p(numbers, wald)
        if verdict == EXPLAINED:
            expected = _between(*_p_of_z(logrank, sided)[:2])
            fits = (f"a log-rank test (p {expected})", *fits)
    expected = f"p {_between(*_p_of_z(wald, sided)[:2])}"
    printed = f"p {numbers.p.text}"
    return Comparison(
        "HR with limits and p", verdict, printed, expected, gap, "SE (z)", tuple(fits)
    )


def _reconcile_p(numbers: _Numbers, wald: _Range) -> tuple[str, ...]:
    sided = numbers.sided or TWO_SIDED
    other = ONE_SIDED if sided == TWO_SIDED else TWO_SIDED
    fits = []
    if not wald.gap(_z_of_p(numbers.p, other)):
        fits.append(f"a {other} p-value")
    fits += _fitting_levels(numbers)
    shown = Decimal(numbers.p.text.lstrip("<> "))
    hr = float(numbers.hr.text)
    z = _z_of_p(_Range(float(shown), float(shown)), sided).low if 0 < shown < 1 else 0.0
    if z > 0 and hr != 1:
        half = float(ndtri((1 + numbers.level) / 2)) * abs(math.log(hr)) / z
        limits = f"{hr * math.exp(-half):.2f} to {hr * math.exp(half):.2f}"
        more = {"<": " or narrower", ">": " or wider"}.get(numbers.p.text[0], "")
        fits.append(f"{100 * numbers.level:g} % limits of about {limits}{more}")
    return tuple(fits)


def _fitting_levels(numbers: _Numbers) -> tuple[str, ...]:
    """Other usual levels of the limits at which p-value and events would fit them."""
    fits = []
    for level in USUAL_LEVELS:
        error, right = _error(numbers, level), level != numbers.level
        if right and numbers.p and numbers.hr:
            wald = _quotient(_distance(_logs(numbers.hr)), error)
            right = not wald.gap(_z_of_p(numbers.p, numbers.sided or TWO_SIDED))
        if right and numbers.events:
            least = _least_error(numbers.events)
            right = error.high >= least and (
                len(numbers.events) == 1 or error.low <= WIDE * least
            )
        if right:
            fits.append(f"limits at the {100 * level:g} % level")
    return tuple(fits)


def _least_error(events: tuple[int, ...]) -> float:
    """Least standard error of ln HR that a Cox model can have with these events."""
    if len(events) == 2:
        return math.sqrt(1 / events[0] + 1 / events[1])
    return 2 / math.sqrt(events[0])


def _events(numbers: _Numbers) -> Comparison | None:
    """Compare the limits with the events.

    The information of a Cox model is ``sum(q (1 - q))`` over the events, q the chance that the
    event falls in the experimental arm. At the estimate the q add up to the events e of that
    arm. As ``q (1 - q)`` is concave the sum is at most ``e c / (e + c)``, and always at most a
    quarter of the events. So ``se >= sqrt(1 / e + 1 / c) >= 2 / sqrt(e + c)``, with ties,
    strata and covariates too; a standard error from log-rank's V need only meet the second.
    """
    error = _error(numbers)
    if not (numbers.events and error):
        return None
    least, total = _least_error(numbers.events), sum(numbers.events)
    verdict, gap, fits = CONSISTENT, 0.0, ()
    if error.high < least:
        gap = 100 * (1 - error.high / least)
        too_few = error.high < 2 / math.sqrt(total)
        verdict = CONTRADICTION if too_few else EXPLAINED
        needed = math.ceil(total * (least / error.high) ** 2)
        fits = (f"at least {needed} events split in the same way",)
    elif len(numbers.events) == 2 and error.low > WIDE * least:
        gap, verdict = 100 * (error.low / (WIDE * least) - 1), EXPLAINED
        likely = round(total * (least / error.low) ** 2)
        fits = (f"about {likely} events", "a model with strata or covariates")
    if gap:
        fits += _fitting_levels(numbers)
    printed = f"{' + '.join(map(str, numbers.events))} events"
    given = f"{error.low:.3f} to {error.high:.3f}"
    expected = f"SE at least {least:.3f} with these events; the limits give {given}"
    return Comparison("limits and events", verdict, printed, expected, gap, "% of SE", fits)


def _bare_p(numbers: _Numbers) -> Comparison | None:
    """Compare hazard ratio and p-value with the events, where there are no limits.

    By the bounds of `_explained_z` and `_events` neither the Wald nor the log-rank z exceeds
    ``2 sinh(abs(ln HR) / 2)`` over the least standard error.
    """
    if _error(numbers) or not (numbers.hr and numbers.p and numbers.events):
        return None
    sided = numbers.sided or TWO_SIDED
    least = _least_error(numbers.events)
    most = 2 * math.sinh(_distance(_logs(numbers.hr)).high / 2) / least
    stated = _z_of_p(numbers.p, sided)
    gap = max(0.0, stated.low - most)
    fits = ()
    if gap:
        needed = math.ceil(sum(numbers.events) * (stated.low / most) ** 2)
        fits = (f"at least {needed} events",)
        if sided == TWO_SIDED and _z_of_p(numbers.p, ONE_SIDED).low <= most:
            fits = (f"a {ONE_SIDED} p-value", *fits)
    expected = f"p at least {_p_of_z(_Range(most, most), sided).low:.2g}"
    verdict = CONTRADICTION if gap else CONSISTENT
    printed = f"p {numbers.p.text}"
    return Comparison("HR with events and p", verdict, printed, expected, gap, "SE (z)", fits)


def _median(numbers: _Numbers) -> Comparison | None:
    """Compare the ratio of the medians with the 95 % limits of the hazard ratio."""
    error = _error(numbers)
    if not (numbers.medians and numbers.hr and error):
        return None
    experimental, control = (_logs(one) for one in numbers.medians)
    ratio = _Range(control.low - experimental.high, control.high - experimental.low)
    hr, half = _logs(numbers.hr), float(ndtri(0.975)) * error.high
    limits = _Range(hr.low - half, hr.high + half)
    gap = ratio.gap(limits) / error.high if ratio.gap(limits) else 0.0
    printed = f"medians {numbers.medians[0].text} and {numbers.medians[1].text}"
    shown = [float(Decimal(one.text)) for one in numbers.medians]
    expected = (
        f"ratio {_between(math.exp(limits.low), math.exp(limits.high))}; "
        f"it is {shown[1] / shown[0]:.2f}"
    )
    verdict = EXPLAINED if gap else CONSISTENT
    fits = ("hazards that are not constant or not proportional",) if gap else ()
    return Comparison("HR and medians", verdict, printed, expected, gap, "SE", fits)


def _between(low: float, high: float) -> str:
    texts = [f"{end:.2g}" if end < 1 else f"{end:.3g}" for end in (low, high)]
    return texts[0] if texts[0] == texts[1] else f"{texts[0]} to {texts[1]}"
