"""The picture of a reconstruction: points, curve, its uncertainty and the table."""

import math

import numpy as np

from .arm import survival_around
from .coordinates import clean
from .figure import residuals

# Okabe and Ito's colours; the shapes differ too.
POINTS, CURVE, BAND, GREY = "#D55E00", "#0072B2", "#56B4E9", "#4D4D4D"
# Times at which the band is computed, and most rows of the table that fit under an axis.
GRID, MOST_ROWS = 400, 8
PANEL, HEIGHT = 5.2, 6.4


def draw_report(figure, axes=None):
    """Draw each arm's points, reconstructed curve, table and residuals.

    Above, the points as digitised, the Kaplan-Meier curve of the reconstructed patients and the
    band that holds 95 % of the draws at each time: the uncertainty of the reconstruction, not
    that of the trial. In the middle, how far the points are from the curve, in pixels. Below,
    the numbers at risk as stated and as reconstructed.

    Parameters
    ----------
    figure : ReconstructedFigure
        The arms to draw, in one column each.
    axes : array of Axes, (3, arms), optional
        Where to draw; a new picture by default.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If `axes` has another shape.

    Examples
    --------
    >>> from oligomdt.reconstructkm import ArmInput, reconstruct_figure
    >>> arm = ArmInput("MDT", [2, 2, 5, 5, 9], [1, 0.9, 0.9, 0.8, 0.8], n=10)
    >>> picture = draw_report(reconstruct_figure([arm], draws=20, xmax=10))
    >>> len(picture.axes)
    3
    """
    count = len(figure.arms)
    if axes is None:
        from matplotlib.figure import Figure

        picture = Figure(figsize=(PANEL * count, HEIGHT), layout="constrained")
        heights = {"height_ratios": [4, 1.6, 0.8]}
        axes = picture.subplots(3, count, sharex="col", squeeze=False, gridspec_kw=heights)
    axes = np.asarray(axes, dtype=object)
    if axes.shape != (3, count):
        raise ValueError(f"axes has shape {axes.shape}; give (3, {count}): 3 for each arm")
    end = figure.settings["xmax"] or max(
        max(float(np.max(given.time)) for given in figure.inputs.values()),
        max(float(arm.time.max()) for arm in figure.arms.values()),
    )
    for name, column in zip(figure.arms, axes.T, strict=True):
        _draw_curve(column[0], figure, name, end)
        _draw_residuals(column[1], figure, name)
        _draw_table(column[2], figure, name, end)
    return axes[0, 0].figure


def _draw_curve(ax, figure, name, end):
    arm, given = figure.arms[name], figure.inputs[name]
    curve = clean(given.time, given.surv, figure.settings["xmax"])
    if len(arm.draws) > 1:
        at = np.linspace(0, end, GRID)
        all_surv = [survival_around(*draw, at)[0] for draw in arm.draws]
        low, high = np.quantile(all_surv, [0.025, 0.975], axis=0)
        ax.fill_between(at, low, high, step="post", color=BAND, alpha=0.5, linewidth=0,
                        label="95 % of the draws (reconstruction only)")  # fmt: skip
    died = np.unique(arm.time[arm.event == 1])
    when = np.concatenate([[0.0], died, [arm.time.max()]])
    surv = survival_around(*arm, when)[0]
    ax.plot(when, surv, drawstyle="steps-post", color=CURVE, linewidth=1.4,
            label="reconstructed Kaplan-Meier curve")  # fmt: skip
    ax.plot(curve.raw_time, curve.raw_surv, "o", markersize=2.6, markerfacecolor="none",
            color=POINTS, markeredgewidth=0.8, label="digitised points")  # fmt: skip
    letter, _ = figure.grade_of(name)
    grade = f", grade {letter}" if letter else ""
    ax.set_title(
        f"{name}: {len(arm.time)} reconstructed patients,\n{arm.event.sum()} events{grade}",
        loc="left",
        fontsize=11,
        parse_math=False,
    )
    ax.set(xlim=(0, end * 1.02), ylim=(0, 1.04), ylabel="survival")
    ax.legend(loc="best", fontsize=8, frameon=False)
    ax.spines[["top", "right"]].set_visible(False)


def _draw_residuals(ax, figure, name):
    arm, report = figure.arms[name], figure.arms[name].report
    seen = report.observation
    at, off = residuals(figure.inputs[name], *arm, seen.step_time, figure.settings["xmax"])
    off = off / seen.step_surv
    ax.axhline(0, color=GREY, linewidth=0.8)
    ax.vlines(at, 0, off, color=POINTS, linewidth=0.8)
    ax.plot(at, off, "o", markersize=2.2, color=POINTS)
    most = max(1.5, 1.15 * float(np.abs(off).max()))
    ax.set(ylim=(-most, most), ylabel="points minus\ncurve (pixels)", xlabel="time")
    ax.tick_params(labelbottom=True)
    ax.spines[["top", "right"]].set_visible(False)


def _draw_table(ax, figure, name, end):
    """Numbers at risk as text, each below its time."""
    ax.axis("off")
    ax.set_ylim(0, 3)
    report = figure.arms[name].report
    step = math.ceil(len(report.risk_time) / MOST_ROWS)
    which = "" if step == 1 else f" (every {step}. row)"
    ax.text(0, 2.3, f"at risk: stated above, reconstructed below{which}", fontsize=8.5,
            color=GREY)  # fmt: skip
    rows = zip(report.risk_time, report.risk_n, report.risk_slack, strict=True)
    for at, n, off in list(rows)[::step]:
        if at > end:
            continue
        ax.text(at, 1.3, str(n), ha="center", fontsize=8.5, color="black")
        weight = "bold" if off else "normal"
        ax.text(at, 0.3, str(n + off), ha="center", fontsize=8.5, color=CURVE, weight=weight)
