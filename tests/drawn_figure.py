"""Kaplan-Meier figures with known curves, drawn in many looks, and small hand-written PDFs."""

import io
import zlib
from dataclasses import dataclass, field

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

COLOURS = ("#c0392b", "#1f4e9c", "#2e8b57")
DASHES = {"solid": "-", "dashed": (0, (6, 3)), "dotted": (0, (1.2, 1.8))}


@dataclass
class Truth:
    """The curve of one arm: every drop, where it ends, and its censored times."""

    time: np.ndarray
    surv: np.ndarray
    censored: np.ndarray
    end: float
    times: np.ndarray = field(repr=False, default=None)

    def at_risk(self, time) -> int:
        return int((self.times >= time - 1e-9).sum())


def arm(seed, n=40, mean=12.0, longest=36.0) -> Truth:
    """A random arm; times have two decimals, so that some are tied."""
    rng = np.random.default_rng(seed)
    time = np.minimum(rng.exponential(mean, n), end := rng.uniform(5, longest, n))
    event = time < end
    time = np.round(time, 2)
    times, surv, level = [0.0], [1.0], 1.0
    for one in np.unique(time[event]):
        level *= 1 - np.sum((time == one) & event) / np.sum(time >= one)
        times.append(one)
        surv.append(level)
    return Truth(np.array(times), np.array(surv), np.sort(time[~event]), time.max(), time)


ARMS = {"MDT + systemic": arm(1, mean=16.0), "Control": arm(2, mean=8.0)}


def draw(
    arms=None,
    *,
    look="svg",
    colours=COLOURS,
    dashes=("solid",) * 3,
    percent=False,
    lowest=0.0,
    longest=36,
    step=6,
    marks="|",
    band=False,
    grid=False,
    legend="upper right",
    table=None,
    pad=0.0,
    box=True,
    unit="months",
    letters=False,
    size=(6.0, 4.5),
) -> bytes:
    """One figure; `look` is svg (text as text), shapes (text as shapes) or pdf."""
    arms = ARMS if arms is None else arms
    figure = Figure(figsize=size)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.2, 0.32, 0.75, 0.62))
    panel(
        axes, arms, colours=colours, dashes=dashes, percent=percent, lowest=lowest,
        longest=longest, step=step, marks=marks, band=band, grid=grid, legend=legend,
        table=table, pad=pad, unit=unit,
    )  # fmt: skip
    if not box:
        axes.spines[["top", "right"]].set_visible(False)
    if letters:
        figure.text(0.02, 0.96, "A", fontweight="bold")
    return save(figure, look)


def panel(
    axes, arms, *, colours=COLOURS, dashes=("solid",) * 3, percent=False, lowest=0.0,
    longest=36, step=6, marks="|", band=False, grid=False, legend="upper right", table=None,
    pad=0.0, unit="months",
):  # fmt: skip
    """Draw one panel on the axes."""
    factor = 100 if percent else 1
    axes.set_xlim(-pad * longest, longest * (1 + pad))
    axes.set_ylim((lowest - pad) * factor, (1 + pad) * factor)
    axes.set_xticks(range(0, longest + 1, step))
    axes.set_xlabel(f"Time ({unit})")
    axes.set_ylabel("Progression-free survival" + (" (%)" if percent else ""))
    axes.grid(grid)
    for (name, one), colour, dash in zip(arms.items(), colours, dashes, strict=False):
        x, y = np.append(one.time, one.end), np.append(one.surv, one.surv[-1]) * factor
        style = {"drawstyle": "steps-post", "color": colour, "ls": DASHES[dash]}
        axes.plot(x, y, label=name, lw=1.4, solid_joinstyle="miter", **style)
        if band:
            axes.fill_between(x, y * 0.9, np.minimum(y * 1.1, factor), step="post",
                              color=colour, alpha=0.2, lw=0)  # fmt: skip
        if marks:
            k = np.searchsorted(one.time, one.censored, side="right") - 1
            axes.plot(one.censored, one.surv[k] * factor, marks, color=colour, ms=6)
    if legend:
        axes.legend(loc=legend, fontsize=8)
    if table is not None:
        numbers_at_risk(axes, arms, colours, longest, step, table)


def numbers_at_risk(axes, arms, colours, longest, step, how):
    """Below the panel with names, or inside it in the colours of the arms."""
    place = axes.get_xaxis_transform()
    if how == "below":
        axes.text(-0.25, -0.26, "No. at risk", transform=axes.transAxes, fontsize=8)
    for row, ((name, one), colour) in enumerate(zip(arms.items(), colours, strict=False)):
        y = -0.34 - 0.07 * row if how == "below" else 0.03 + 0.07 * (len(arms) - row)
        ink = "black" if how == "below" else colour
        if how == "below":
            axes.text(-0.25, y, name, transform=axes.transAxes, fontsize=7)
        for time in range(0, longest + 1, step):
            axes.text(time, y, str(one.at_risk(time)), transform=place, ha="center", fontsize=7,
                      color=ink)  # fmt: skip


def save(figure, look) -> bytes:
    """The figure as the bytes of a file."""
    import matplotlib

    settings = {"svg.fonttype": "path" if look == "shapes" else "none", "pdf.fonttype": 42}
    with matplotlib.rc_context(settings):
        buffer = io.BytesIO()
        kind = "pdf" if look == "pdf" else "svg"
        day = {"CreationDate": None} if kind == "pdf" else {"Date": None}
        figure.savefig(buffer, format=kind, metadata=day)
    return buffer.getvalue()


# -- PDFs written by hand


def pdf(content: str, *, page="", forms=(), packed=False, trailer="") -> bytes:
    """A PDF of one page of 400 by 300 points with a content stream and form XObjects."""
    names = " ".join(f"/F{k} {k + 6} 0 R" for k in range(len(forms)))
    parts = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 /MediaBox [0 0 400 300] >>",
        f"<< /Type /Page /Parent 2 0 R /Contents 4 0 R {page} /Resources "
        f"<< /Font << /H 5 0 R >> /XObject << {names} >> >> >>",
        _stream(content, "", packed),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    frame = "/Type /XObject /Subtype /Form /BBox [-1000 -1000 2000 2000]"
    parts += [_stream(form, frame, packed) for form in forms]
    out, offsets = b"%PDF-1.7\n", []
    for number, part in enumerate(parts, 1):
        offsets.append(len(out))
        body = part if isinstance(part, bytes) else part.encode("latin-1")
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    start = len(out)
    out += f"xref\n0 {len(parts) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{offset:010d} 00000 n \n".encode() for offset in offsets)
    out += f"trailer << /Root 1 0 R /Size {len(parts) + 1} {trailer} >>\n".encode()
    return out + f"startxref\n{start}\n%%EOF\n".encode()


def _stream(content, entries, packed) -> bytes:
    data = content if isinstance(content, bytes) else content.encode("latin-1")
    if packed:
        data, entries = zlib.compress(data, 9), entries + " /Filter /FlateDecode"
    return f"<< {entries} /Length {len(data)} >>\nstream\n".encode() + data + b"\nendstream"


def axes_of_pdf() -> str:
    """Axes from (50, 50) to (350, 250): time 0 to 30, survival 0 to 1."""
    words = ["0 0 0 rg 0 0 0 RG 0.5 w 50 250 m 50 50 l 350 50 l S"]
    for value in range(0, 31, 10):
        x = 50 + 10 * value
        words.append(f"{x} 50 m {x} 46 l S BT /H 8 Tf {x - 4} 36 Td ({value}) Tj ET")
    for value in (0.0, 0.5, 1.0):
        y = 50 + 200 * value
        words.append(f"50 {y} m 46 {y} l S BT /H 8 Tf 30 {y - 3} Td ({value}) Tj ET")
    words.append("BT /H 8 Tf 180 22 Td (Months) Tj ET")
    return "\n".join(words)


def steps(time, surv, end) -> str:
    """The path of a step curve on those axes, without its colour."""
    x, y = 50 + 10 * np.append(time, end), 50 + 200 * np.append(surv, surv[-1])
    words = [f"{x[0]:.3f} {y[0]:.3f} m"]
    for k in range(1, len(x)):
        words.append(f"{x[k]:.3f} {y[k - 1]:.3f} l {x[k]:.3f} {y[k]:.3f} l")
    return " ".join(words) + " S"
