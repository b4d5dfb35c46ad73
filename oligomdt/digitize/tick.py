"""Censoring marks along the time axis: what one mark looks like, and marks that overlap.

The profile of an arm says, column by column, how much of a mark's height is inked. One mark
gives a bar as wide as its stroke. Where marks overlap, strokes drawn over each other let
(1 - a)(1 - b) of the paper through, so the profile tells how many there are until it is full.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

FINE = 4
"""Places of a mark to a pixel."""

BLANK = 0.12
"""Ink of a column that holds no mark."""

APART = 1.0
"""Pixels between two marks that can be told apart."""


@dataclass(frozen=True)
class Tick:
    """One mark: its strokes are upright and all alike in a figure.

    Attributes
    ----------
    reach : float
        From the middle of the line to the tip, in pixels.
    width : float
        Of the stroke, in pixels.
    strength : float
        Ink where the stroke fills a pixel.
    blur : float
        Standard deviation of its edges, in pixels.
    """

    reach: float
    width: float
    strength: float
    blur: float

    @property
    def peak(self) -> float:
        """Ink of its darkest column."""
        return self.strength * min(self.width, 1.0)

    def stamps(self) -> np.ndarray:
        """Ink of the columns around a mark, one row for each place within the middle one."""
        half = int(np.ceil(self.width / 2 + 2 * self.blur)) + 1
        parts = 20
        place = (np.arange((2 * half + 1) * parts) + 0.5) / parts - half
        stamps = []
        for k in range(FINE):
            ink = np.where(np.abs(place - k / FINE) <= self.width / 2, self.strength, 0.0)
            if self.blur:
                ink = ndimage.gaussian_filter1d(ink, self.blur * parts)
            stamps.append(ink.reshape(-1, parts).mean(axis=1))
        return np.array(stamps)


def learnt(profile, sure, reach) -> Tick | None:
    """What one mark looks like, from the bars that stand alone; None if there is none.

    Parameters
    ----------
    profile : array of shape (n,)
        Ink of every column, of all arms one after the other.
    sure : array of shape (n,)
        How sure it is: 1 if both halves of a mark could be seen, 0 if none.
    reach : float
        From the middle of the line to the tip of a mark.
    """
    bars = [profile[a:b] for a, b in alone(profile, sure) if profile[a:b].max() > 0.25]
    if not bars:
        return None
    clear = 0.5 * np.percentile([bar.max() for bar in bars], 90)
    bars = [bar for bar in bars if bar.max() >= clear]
    inks = np.array([bar.sum() for bar in bars])
    # Most bars are single marks, wider ones are several: the commonest ink is that of one.
    alike = np.abs(inks[:, None] / inks - 1) <= 0.2
    chosen = alike[:, np.lexsort((inks, -alike.sum(axis=0)))[0]]
    bars = [bar for bar, keep in zip(bars, chosen, strict=True) if keep][:40]
    ink, peak = float(np.median(inks[chosen])), float(np.median([bar.max() for bar in bars]))
    strengths = (1.0,) if ink < 1.3 or peak > 0.93 else (1.0, min(1.0, peak))
    ticks = [
        Tick(reach, ink / strength, strength, blur)
        for strength in strengths
        for blur in (0.0, 0.3, 0.5, 0.8)
    ]
    return min(ticks, key=lambda tick: _misfit(bars, tick) * (1 + 0.2 * tick.blur))


def alone(profile, sure):
    """Bars between blank columns, those that both halves show if there are such."""
    bars = [(a, b) for a, b in runs(profile > BLANK) if b - a <= 14]
    return [(a, b) for a, b in bars if sure[a:b].min() > 0.9] or bars


def _misfit(bars, tick) -> float:
    """Squared distance of bars from one mark at its best place."""
    stamps = tick.stamps()
    half = stamps.shape[1] // 2
    total = 1e-9
    for bar in bars:
        ink = np.pad(bar, half + 2)
        middle = int((np.arange(len(ink)) * ink).sum() / ink.sum() + 0.5)
        total += min(
            float(((ink[x - half : x + half + 1] - stamp) ** 2).sum())
            + float((ink[: x - half] ** 2).sum() + (ink[x + half + 1 :] ** 2).sum())
            for stamp in stamps
            for x in (middle - 1, middle, middle + 1)
        )
    return total


def runs(flags) -> list[tuple[int, int]]:
    """First column and the one after the last of every run of true ones."""
    changes = np.flatnonzero(np.diff(np.r_[False, flags, False].astype(int)))
    return list(zip(changes[::2].tolist(), changes[1::2].tolist(), strict=True))


# -- places


def places(profile, sure, tick: Tick) -> tuple[np.ndarray, int]:
    """Places of the marks in a profile, and how many of them cannot be told apart."""
    found, merged = [], 0
    inked = profile > BLANK
    # A mark may go on below what hides it.
    near = ndimage.binary_dilation(inked, iterations=int(np.ceil(tick.width / 2)) + 1)
    for a, b in runs(inked | (near & (sure == 0))):
        own, hidden = _spread(_fitted(profile[a:b], sure[a:b], tick), profile[a:b], tick)
        found.append(own + a)
        merged += hidden
    return (np.concatenate(found) if found else np.empty(0)), merged


SAFE = 1.05
"""The same, once places are rounded."""

MULTIPLE = 2
"""Marks at one place that ink can tell."""

KEPT = 80
"""Sets of marks followed at a time."""


def _fitted(ink, sure, tick) -> np.ndarray:
    """The marks that explain a run of inked columns best: a beam search from the left.

    A column is done when no later mark can reach it. Its squared misfit is then counted, and
    every mark has a price, so that noise is not explained by marks.
    """
    stamps = tick.stamps()
    half = stamps.shape[1] // 2
    price = max(0.08, 0.15 * float((stamps[0] ** 2).sum()))
    ink, sure = np.pad(ink, half), np.pad(sure, half, constant_values=1.0)
    paper, cost, last, marks = np.ones((1, 2 * half + 1)), np.zeros(1), np.full(1, -9.0), [()]
    for x in range(half, len(ink) + half):
        if x < len(ink) - half:
            for k, stamp in enumerate(stamps):
                place = x + k / FINE
                may = np.flatnonzero(place - last >= APART - 1e-9)
                for _ in range(MULTIPLE):
                    new = len(cost) + np.arange(len(may))
                    paper = np.vstack([paper, paper[may] * (1 - stamp)])
                    cost = np.r_[cost, cost[may] + price]
                    last = np.r_[last, np.full(len(may), place)]
                    marks += [(*marks[i], place) for i in may]
                    may = new
        seen = ink[x - half]
        cost = cost + sure[x - half] * (seen - (1 - paper[:, 0])) ** 2
        paper = np.hstack([paper[:, 1:], np.ones((len(paper), 1))])
        if len(cost) > KEPT:
            # What is too dark in the columns ahead can only get darker.
            ahead = ink[x - half + 1 : x + half + 1]
            surplus = np.clip(1 - paper[:, : len(ahead)] - ahead, 0, None) ** 2
            weighed = cost + surplus @ sure[x - half + 1 : x + half + 1]
            best = np.argsort(weighed, kind="stable")[:KEPT]
            paper, cost, last = paper[best], cost[best], last[best]
            marks = [marks[i] for i in best]
    return _parted(np.unique(np.array(marks[int(np.argmin(cost))], float)) - half)


def _parted(found) -> np.ndarray:
    """Marks in columns side by side as those that lie more than a pixel apart.

    A mark may lie anywhere in its column. So the next column's is a pixel further in half the
    cases, and else that of the column after it: in the mean every one and a half columns.
    """
    parted = []
    for own in np.split(found, np.flatnonzero(np.diff(found) > SAFE) + 1):
        count = 1 + int(round((len(own) - 1) / 1.5)) if len(own) else 0
        reach = max(own[-1] - own[0], SAFE * (count - 1)) / 2 if len(own) else 0.0
        middle = (own[0] + own[-1]) / 2 if len(own) else 0.0
        parted.append(np.linspace(middle - reach, middle + reach, count))
    return np.concatenate(parted)


def _spread(found, ink, tick) -> tuple[np.ndarray, int]:
    """Marks spread over the parts that they fill, where fewest explain as much as more.

    Neighbours there are between no and one stroke's width apart, each distance as likely as
    another: a little over half a stroke in the mean, as marks within a pixel are one.
    """
    if tick.width < 1.5 or tick.strength < 0.85:
        return found, 0
    mean, spread, merged, k = 0.6 * tick.width + 0.5, [], 0, 0
    while k < len(found):
        last = k
        while last + 1 < len(found) and _full(found[last], found[last + 1], ink, tick):
            last += 1
        span = found[last] - found[k]
        count = max(last - k, int(round(span / mean))) + 1
        spread.append(np.linspace(found[k], found[last], count))
        merged += count if count > 2 else 0
        k = last + 1
    return (np.concatenate(spread) if spread else found), merged


def _full(one, other, ink, tick) -> bool:
    """Whether the strokes of two marks touch and no paper shows between them."""
    near = other - one < tick.width + 0.6
    between = ink[max(int(one), 0) : int(other) + 1]
    return near and bool(len(between)) and float(between.min()) > 0.9 * tick.strength
