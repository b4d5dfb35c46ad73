"""A page to check what was read from a figure, to correct it and to save it: one HTML file.

It holds everything it needs and asks no network, so it works from the disk. Saving gives a
JSON file (`oligomdt.digitize.saved`); nothing is written anywhere else.
"""

import base64
import hashlib
import io
import json
import math
from html import escape

import numpy as np

from oligomdt.digitize.check_page_parts import SCRIPT, STYLE
from oligomdt.digitize.figure import Digitised
from oligomdt.digitize.overlay import INK, area
from oligomdt.digitize.saved import Saved, saved

MARGIN = 4.0
"""Page units around the shown part within which lines are kept."""


def html(read: Digitised, sha256: str) -> str:
    """The page.

    Parameters
    ----------
    read : Digitised
        With its drawing.
    sha256 : str
        Of the figure's file, `oligomdt.digitize.saved.digest`.

    Returns
    -------
    str
        HTML; the figure is in it, drawn again from what the file holds.
    """
    reading = saved(read, sha256)
    return PAGE.format(
        policy=_policy(),
        style=STYLE,
        script=SCRIPT,
        data=_json(reading),
        file=escape(reading.file),
        panel=escape(reading.panel),
        warnings=_warnings(reading),
        figure=_figure(read, reading),
        x_axis=_axis(reading, "x", "Time axis", "across"),
        y_axis=_axis(reading, "y", "Survival axis", "down"),
        unit=_unit(reading),
        percent="checked" if reading.y_axis.percent else "",
        arms="".join(_arm(number, arm) for number, arm in enumerate(reading.arms)),
    )


def _policy() -> str:
    """What the page may do: run its own script and style, show the image it holds."""
    own = {
        name: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for name, text in (("script", SCRIPT), ("style", STYLE))
    }
    rules = ["default-src 'none'", "img-src data:", "base-uri 'none'", "form-action 'none'"]
    return "; ".join([*rules, *(f"{name}-src 'sha256-{text}'" for name, text in own.items())])


def _json(reading: Saved) -> str:
    """JSON that can stand inside an element: no text in it can close that element."""
    text = json.dumps(reading.model_dump(mode="json"), ensure_ascii=True)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _warnings(reading: Saved) -> str:
    notes = [*reading.warnings]
    for arm in reading.arms:
        notes += [f"{arm.name}: {note}" for note in arm.notes]
    if not notes:
        return "<p>Everything was read with confidence. Look at it all the same.</p>"
    items = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return f'<p>Not sure:</p><ul class="warnings">{items}</ul>'


# ------------------------------------------------------------------ the figure


def _figure(read: Digitised, reading: Saved) -> str:
    left, top, right, bottom = _shown(read)
    width, height = right - left, bottom - top
    size = width / 75
    parts = [
        f'<svg id="figure" viewBox="{left:g} {top:g} {width:g} {height:g}" role="img" '
        f'aria-labelledby="figure-name" width="960" data-wide="960" font-size="{size:.4g}" '
        f'stroke-width="{size / 9:.4g}">',
        '<title id="figure-name">The figure, with curves, marks and axes as they were read'
        "</title>",
        f'<g data-layer="page"><image x="{left:g}" y="{top:g}" width="{width:g}" '
        f'height="{height:g}" preserveAspectRatio="none" href="{_image(read)}"/></g>',
        '<g data-layer="curves" fill="none">',
    ]
    for number, arm in enumerate(reading.arms):
        ink = INK[number % len(INK)]
        parts.append(f'<path stroke="{ink}" d="{_steps(arm.x, arm.y)}"/>')
        parts.append(
            f'<text data-name-of="{number}" fill="{ink}" x="{arm.x[-1] + size / 3:.6g}" '
            f'y="{arm.y[-1] - size / 3:.6g}">{escape(arm.name)}</text>'
        )
    parts.append('</g><g data-layer="marks" fill="none">')
    for number, arm in enumerate(reading.arms):
        parts += [
            f'<circle stroke="{INK[number % len(INK)]}" cx="{x:.6g}" cy="{y:.6g}" '
            f'r="{size / 2.5:.4g}"/>'
            for x, y in zip(arm.censor_x, arm.censor_y, strict=True)
        ]
    parts.append('</g><g data-layer="axes" class="axes">')
    x0, y0, x1, y1 = reading.box
    parts.append(f'<rect x="{x0:g}" y="{y0:g}" width="{x1 - x0:g}" height="{y1 - y0:g}"/>')
    for name, axis in (("x", reading.x_axis), ("y", reading.y_axis)):
        for end, (position, value) in enumerate(axis.points):
            x, y = (position, y1) if name == "x" else (x0, position)
            half = size / 2
            parts.append(
                f'<g id="cross-{name}-{end}" transform="translate({x:.6g} {y:.6g})">'
                f'<path d="M{-half:.4g} 0H{half:.4g}M0 {-half:.4g}V{half:.4g}"/>'
                f'<text x="{half:.4g}" y="{-half:.4g}">{value:g}</text></g>'
            )
    parts.append("</g></svg>")
    return "".join(parts)


def _steps(xs, ys) -> str:
    """A path along the corners: first across at the old level, then down."""
    parts = [f"M{xs[0]:.6g} {ys[0]:.6g}"]
    parts += [f"H{x:.6g}V{y:.6g}" for x, y in zip(xs[1:], ys[1:], strict=True)]
    return "".join(parts)


def _shown(read: Digitised) -> tuple[int, int, int, int]:
    """The part of the page that is shown, in whole units: an image is cut between pixels."""
    left, top, right, bottom = area(read)
    return math.floor(left), math.floor(top), math.ceil(right), math.ceil(bottom)


def _image(read: Digitised) -> str:
    """The shown part of the page as a data URI."""
    left, top, right, bottom = _shown(read)
    if read.drawing.image is None:
        drawn = _redrawn(read.drawing, (left, top, right, bottom))
        return _uri("image/svg+xml", drawn.encode())
    from PIL import Image

    buffer = io.BytesIO()
    cut = np.ascontiguousarray(read.drawing.image[top:bottom, left:right])
    Image.fromarray(cut).save(buffer, format="png")
    return _uri("image/png", buffer.getvalue())


def _uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _redrawn(drawing, shown) -> str:
    """Lines and texts of a vector page as an SVG of its own, free of anything else."""
    left, top, right, bottom = shown
    clips, body = {}, []
    for stroke in drawing.strokes:
        x0, y0, x1, y1 = stroke.box
        beside = x1 < left - MARGIN or x0 > right + MARGIN
        if beside or y1 < top - MARGIN or y0 > bottom + MARGIN:
            continue
        corners = " ".join(f"{x:.6g},{y:.6g}" for x, y in stroke.points)
        shape = "polygon" if stroke.closed or stroke.filled else "polyline"
        ink = "rgb({},{},{})".format(*(int(part) for part in stroke.colour))
        look = f'fill="{ink}"' if stroke.filled else f'fill="none" stroke="{ink}"'
        if not stroke.filled:
            look += f' stroke-width="{max(stroke.width, 0.1):.4g}"'
        if stroke.dash and not stroke.filled:
            look += f' stroke-dasharray="{" ".join(f"{part:.4g}" for part in stroke.dash)}"'
        if stroke.opacity < 1:
            look += f' opacity="{stroke.opacity:.3g}"'
        if stroke.clip is not None:
            number = clips.setdefault(tuple(stroke.clip), len(clips))
            look += f' clip-path="url(#c{number})"'
        body.append(f'<{shape} points="{corners}" {look}/>')
    body += [_text(text) for text in drawing.texts]
    boxes = "".join(
        f'<clipPath id="c{number}"><rect x="{x0:.6g}" y="{y0:.6g}" width="{x1 - x0:.6g}" '
        f'height="{y1 - y0:.6g}"/></clipPath>'
        for (x0, y0, x1, y1), number in clips.items()
    )
    size = f'width="{right - left:g}" height="{bottom - top:g}"'
    view = f'viewBox="{left:g} {top:g} {right - left:g} {bottom - top:g}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {view} preserveAspectRatio="none">'
        f'<rect x="{left:g}" y="{top:g}" {size} fill="white"/><defs>{boxes}</defs>'
        f'<g font-family="sans-serif">{"".join(body)}</g></svg>'
    )


def _text(text) -> str:
    upright = 45 < text.angle % 180 < 135
    size, length = (text.width, text.height) if upright else (text.height, text.width)
    # The box is that of the ink: digits and capitals fill about three quarters of the size.
    return (
        f'<text transform="translate({text.x:.6g} {text.y:.6g}) rotate({-text.angle:.4g})" '
        f'text-anchor="middle" y="{size / 2:.4g}" font-size="{max(size / 0.75, 1):.4g}" '
        f'textLength="{max(length, 0.1):.4g}" lengthAdjust="spacingAndGlyphs">'
        f"{_printable(text.text)}</text>"
    )


def _printable(text: str) -> str:
    """Text that XML can hold."""
    kept = (sign if sign >= " " and not 0xD800 <= ord(sign) <= 0xDFFF else " " for sign in text)
    return escape("".join(kept).replace("\ufffe", " ").replace("\uffff", " "))


# ------------------------------------------------------------------ the fields


def _axis(reading: Saved, name: str, title: str, way: str) -> str:
    axis = reading.x_axis if name == "x" else reading.y_axis
    rows = []
    for end, (position, value) in enumerate(axis.points):
        which = ("first", "second")[end]
        fields = "".join(
            f'<label>{text}<input type="number" step="any" value="{shown}" '
            f'data-path="{name}_axis.points.{end}.{place}" '
            f'aria-label="{title}, {which} cross: {text}"></label>'
            for place, text, shown in (
                (1, "Value as labelled", f"{value:.10g}"),
                (0, f"Position {way}", f"{position:.3f}"),
            )
        )
        rows.append(f'<div class="row"><span>{which.capitalize()} cross</span>{fields}</div>')
    return "".join(rows)


def _unit(reading: Saved) -> str:
    choices = (None, "days", "weeks", "months", "years")
    return "".join(
        f'<option value="{unit or ""}"{" selected" if unit == reading.x_axis.unit else ""}>'
        f"{unit or 'not known'}</option>"
        for unit in choices
    )


def _arm(number: int, arm) -> str:
    roles = (("", "not used"), ("experimental", "experimental"), ("control", "control"))
    options = "".join(f'<option value="{value}">{text}</option>' for value, text in roles)
    ink = INK[number % len(INK)]
    return (
        f'<tr><td><svg class="swatch" width="26" height="14" aria-hidden="true">'
        f'<rect width="12" height="14" fill="{arm.colour}"/>'
        f'<rect x="14" width="12" height="14" fill="{ink}"/></svg></td>'
        f'<td><input type="text" maxlength="200" value="{escape(arm.name)}" '
        f'data-path="arms.{number}.name" aria-label="Name of arm {number + 1}"></td>'
        f'<td><select data-path="arms.{number}.role" aria-label="Role of arm {number + 1}">'
        f"{options}</select></td>"
        f'<td data-median="{number}"></td><td data-end="{number}"></td>'
        f"<td>{len(arm.censor_x)}</td><td>{arm.confidence:.2f}</td></tr>"
    )


PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Check {file}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>Check what was read from {file}, panel {panel}</h1>
<p>Compare the thin lines with the figure, correct what is wrong, say which arm is which, and
save. Saving makes a file; nothing is accepted before <code>oligomdt digitize</code> is given
that file with <code>--accepted</code>.</p>
{warnings}
<section aria-labelledby="h-figure">
<h2 id="h-figure">Figure</h2>
<fieldset class="layers"><legend>Show</legend>
<label><input type="checkbox" data-show="page" checked> figure</label>
<label><input type="checkbox" data-show="curves" checked> curves</label>
<label><input type="checkbox" data-show="marks" checked> censoring marks</label>
<label><input type="checkbox" data-show="axes" checked> axes</label>
<button type="button" data-zoom="1.5">Larger</button>
<button type="button" data-zoom="0.6666667">Smaller</button>
</fieldset>
<div class="scroll" tabindex="0" role="region" aria-label="Figure, can be scrolled">
{figure}</div>
</section>
<section aria-labelledby="h-axes">
<h2 id="h-axes">Axes</h2>
<p>The red crosses have to lie on tick marks, and the values beside them have to be those
printed there.</p>
<fieldset><legend>Time axis</legend>{x_axis}
<label>Unit <select data-path="x_axis.unit">{unit}</select></label></fieldset>
<fieldset><legend>Survival axis</legend>{y_axis}
<label><input type="checkbox" data-path="y_axis.percent" {percent}> labelled in percent</label>
</fieldset>
</section>
<section aria-labelledby="h-arms">
<h2 id="h-arms">Arms</h2>
<p>Median and end follow from the axes above, in the unit of the time axis. Compare them with
the article.</p>
<div class="scroll" tabindex="0" role="region" aria-label="Arms, can be scrolled">
<table><thead><tr><th scope="col">Line and overlay</th><th scope="col">Name</th>
<th scope="col">Role</th><th scope="col">Median</th><th scope="col">End</th>
<th scope="col">Censoring marks</th><th scope="col">Confidence</th></tr></thead>
<tbody>{arms}</tbody></table></div>
</section>
<section aria-labelledby="h-risk">
<h2 id="h-risk">Numbers at risk</h2>
<p>An empty cell is one that is not printed or cannot be read.</p>
<div class="scroll" tabindex="0" role="region" aria-label="Numbers at risk, can be scrolled">
<table id="risk"></table></div>
<button type="button" id="add-time">Add a time</button>
<button type="button" id="remove-time">Remove the last time</button>
</section>
<section aria-labelledby="h-save">
<h2 id="h-save">Save</h2>
<label>Checked by (name or initials) <input type="text" maxlength="200" data-path="by"></label>
<label>Note, where the figure contradicts numbers of the article
<textarea rows="3" maxlength="2000" data-path="note"></textarea></label>
<button type="button" id="save">Save</button>
<p id="status" role="status"></p>
</section>
</main>
<script type="application/json" id="reading">{data}</script>
<script>{script}</script>
</body>
</html>
"""
