"""SVG: elements to strokes and texts.

Nothing outside the file is opened: links, images, scripts, fonts and external entities are not
followed. Style sheets are read as far as figures use them (elements, classes, ids and their
nesting).
"""

import html
import math
import re
import zlib
from dataclasses import dataclass, field
from xml.parsers import expat

import numpy as np

from oligomdt.digitize import limits
from oligomdt.digitize.drawing import Drawing, Stroke, Text
from oligomdt.digitize.error import DigitizeError
from oligomdt.digitize.geometry import (
    IDENTITY,
    Outline,
    apply,
    intersection,
    product,
    scale_of,
)
from oligomdt.digitize.lettering import text_width

NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
PX = 0.75
POINTS = {"pt": 1.0, "pc": 12.0, "in": 72.0, "mm": 72 / 25.4, "cm": 72 / 2.54}
INHERITED = {
    "fill",
    "stroke",
    "stroke-width",
    "stroke-dasharray",
    "fill-opacity",
    "stroke-opacity",
    "font-size",
    "text-anchor",
    "dominant-baseline",
    "visibility",
    "color",
}
HIDDEN = {
    "defs",
    "symbol",
    "clipPath",
    "mask",
    "pattern",
    "marker",
    "metadata",
    "title",
    "desc",
    "style",
    "script",
    "foreignObject",
    "linearGradient",
    "radialGradient",
    "filter",
    "font",
    "animate",
}


@dataclass
class Node:
    """An element: its name without namespace, attributes, children and text in order.

    A comment is kept as ("comment", text).
    """

    tag: str
    attributes: dict
    parent: "Node | None" = None
    content: list = field(
        default_factory=list
    )  # of Node and str; a comment is ("comment", str)

    def children(self):
        """Elements inside."""
        return [child for child in self.content if isinstance(child, Node)]


def read(content: bytes, name: str) -> Drawing:
    """The drawing of an SVG file.

    Raises
    ------
    DigitizeError
        When it is broken, too large, or holds nothing that is drawn.
    """
    root = _tree(_unpacked(content, name), name)
    with np.errstate(all="ignore"):  # what is not finite is left out where it would be drawn
        return _Page(root, name).drawing()


def _unpacked(content, name) -> bytes:
    if content[:2] != b"\x1f\x8b":
        return content
    try:
        engine = zlib.decompressobj(31)
        content = engine.decompress(content, limits.UNPACKED)
    except zlib.error as error:
        raise DigitizeError(f"{name} is compressed and broken; give a whole file") from error
    if engine.unconsumed_tail:
        raise DigitizeError(
            f"{name} unpacks to more than {limits.UNPACKED} bytes; give a smaller file"
        )
    return content


def _tree(content, name) -> Node:
    """The elements of an SVG file; only short literal entities are known."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    parser.buffer_text = True
    state = {"root": None, "open": None, "depth": 0, "count": 0, "entities": 0}

    def start(tag, attributes):
        state["depth"] += 1
        state["count"] += 1
        if state["depth"] > limits.DEPTH or state["count"] > 2 * limits.PATHS:
            raise DigitizeError(
                f"{name} has more than {limits.DEPTH} groups within groups or "
                f"{2 * limits.PATHS} elements; give the figure alone"
            )
        local = {key.rsplit(" ", 1)[-1]: value for key, value in attributes.items()}
        node = Node(tag.rsplit(" ", 1)[-1], local, state["open"])
        if state["open"] is None:
            state["root"] = node
        else:
            state["open"].content.append(node)
        state["open"] = node

    def end(_):
        state["depth"] -= 1
        state["open"] = state["open"].parent

    def keep(text):
        if state["open"] is not None:
            state["open"].content.append(text)

    def entity(_name, parameter, value, _base, system, _public, _notation):
        state["entities"] += 1
        if system is not None or parameter or state["entities"] > 100:
            raise DigitizeError(
                f"{name} names an outside entity, which is not opened; save it as plain SVG"
            )
        if value is not None and (len(value) > 300 or "&" in value):
            raise DigitizeError(f"{name} has nested entities; save it as plain SVG")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = keep
    parser.CommentHandler = lambda text: keep(("comment", text))
    parser.EntityDeclHandler = entity
    parser.ExternalEntityRefHandler = lambda *_: 1  # skipped, never opened
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise DigitizeError(
            f"{name} is not whole: line {error.lineno} is no XML; give an SVG file that opens"
        ) from error
    except (LookupError, ValueError) as error:
        if isinstance(error, DigitizeError):
            raise
        raise DigitizeError(
            f"{name} has an encoding that is not known; save as UTF-8"
        ) from error
    if state["root"] is None or state["root"].tag != "svg":
        raise DigitizeError(f"{name} is XML but not SVG; give a figure")
    return state["root"]


class _Page:
    """Walks the elements of one file."""

    def __init__(self, root, name):
        self.root, self.name = root, name
        self.strokes, self.texts, self.notes = [], [], []
        self.ids, self.rules, self.clock = {}, [], limits.Clock(name)
        self.points = self.characters = self.items = self.images = self.uses = 0
        self._index(root)

    def drawing(self):
        matrix, width, height = _view(self.root, self.name)
        self._children(self.root, matrix, self._style(self.root, {}), None, 0)
        if not self.strokes and not self.texts:
            what = (
                "holds only an image; save that image as PNG and give it"
                if self.images
                else "draws nothing; give a figure"
            )
            raise DigitizeError(f"{self.name} {what}")
        if self.images:
            self.notes.append("an image inside the file was left out")
        return Drawing(
            "vector",
            width,
            height,
            tuple(self.strokes),
            tuple(self.texts),
            source=self.name,
            notes=tuple(self.notes),
        )

    # -- looking up

    def _index(self, node):
        stack = [node]
        while stack:
            node = stack.pop()
            if "id" in node.attributes:
                self.ids.setdefault(node.attributes["id"], node)
            if node.tag == "style":
                text = "".join(t for t in node.content if isinstance(t, str))
                self.rules += _rules(text[:1_000_000])
                if len(self.rules) > limits.RULES:
                    raise DigitizeError(_too_many(self.name, "style rules", limits.RULES))
            stack.extend(node.children())

    def _linked(self, attributes):
        """The element that `href` names, if it is inside this file."""
        target = attributes.get("href", "")
        return self.ids.get(target[1:]) if target.startswith("#") else None

    def _style(self, node, inherited) -> dict:
        style = {key: value for key, value in inherited.items() if key in INHERITED}
        style["opacity-product"] = inherited.get("opacity-product", 1.0)
        own = {
            k: v for k, v in node.attributes.items() if k in INHERITED or k in OWN_PROPERTIES
        }
        for selector, declarations in self.rules:
            if _matches(node, selector):
                own.update(declarations)
        own.update(_declarations(node.attributes.get("style", "")))
        style.update({k: v for k, v in own.items() if v != "inherit"})
        if own.get("font-size", "").endswith(("em", "%")):
            style["font-size"] = str(_relative(own["font-size"], inherited.get("font-size")))
        style["opacity-product"] *= _share(own.get("opacity"), 1.0)
        return style

    # -- walking

    def _children(self, node, matrix, style, clip, depth):
        for child in node.children():
            self._element(child, matrix, style, clip, depth)

    def _element(self, node, matrix, style, clip, depth):
        if node.tag in HIDDEN or node.attributes.get("display") == "none":
            return
        if depth > limits.DEPTH:
            raise DigitizeError(
                f"{self.name} has more than {limits.DEPTH} groups within groups; give the "
                "figure alone"
            )
        self.clock.check()
        style = self._style(node, style)
        if style.get("display") == "none":
            return
        matrix = product(matrix, _transform(node.attributes.get("transform", "")))
        clip = intersection(clip, self._clip(style.get("clip-path"), matrix))
        if node.tag in ("g", "a", "switch"):
            if any(isinstance(part, tuple) for part in node.content):
                self._told(node, matrix, style, clip, depth)
            else:
                self._children(node, matrix, style, clip, depth + 1)
        elif node.tag == "svg":
            inner, _, _ = _view(node, self.name, nested=True)
            self._children(node, product(matrix, inner), style, clip, depth + 1)
        elif node.tag == "use":
            self._use(node, matrix, style, clip, depth)
        elif node.tag == "text":
            self._text(node, matrix, style)
        elif node.tag == "image":
            self.images += 1
        else:
            parts = _shape(node)
            if parts:
                self._draw(parts, matrix, style, clip)

    def _use(self, node, matrix, style, clip, depth):
        target = self._linked(node.attributes)
        if target is None:
            return
        self.uses += 1
        if self.uses > limits.PATHS:
            raise DigitizeError(_too_many(self.name, "repeated elements", limits.PATHS))
        place = (
            1,
            0,
            0,
            1,
            _length(node.attributes.get("x")),
            _length(node.attributes.get("y")),
        )
        matrix = product(matrix, place)
        if target.tag == "symbol":
            self._children(target, matrix, self._style(target, style), clip, depth + 1)
        else:
            self._element(target, matrix, style, clip, depth + 1)

    def _draw(self, parts, matrix, style, clip):
        if style.get("visibility") in ("hidden", "collapse"):
            return
        self.items += 1
        factor = scale_of(matrix)
        opacity = style["opacity-product"]
        fill = _paint(style.get("fill", "black"), style)
        stroke = _paint(style.get("stroke", "none"), style)
        width = _length(style.get("stroke-width", "1")) * factor
        dash = _dash(style.get("stroke-dasharray", "none"), factor)
        for points, closed, curved in parts:
            points = apply(matrix, points)
            if not np.isfinite(points).all() or np.abs(points).max() > 1e7:
                continue
            self.points += len(points)
            common = {"closed": closed, "curved": curved, "item": self.items, "clip": clip}
            if fill is not None and len(points) > 2:
                share = opacity * _share(style.get("fill-opacity"), 1.0)
                self._keep(Stroke(points, fill, 0.0, (), filled=True, opacity=share, **common))
            if stroke is not None and width > 0:
                share = opacity * _share(style.get("stroke-opacity"), 1.0)
                self._keep(Stroke(points, stroke, width, dash, opacity=share, **common))
        if self.points > limits.POINTS:
            raise DigitizeError(_too_many(self.name, "corners of paths", limits.POINTS))

    def _keep(self, stroke):
        if stroke.opacity <= 0.004:
            return
        self.strokes.append(stroke)
        if len(self.strokes) > limits.PATHS:
            raise DigitizeError(_too_many(self.name, "paths", limits.PATHS))

    def _clip(self, value, matrix):
        """The box of a clip path."""
        match = re.match(r"url\(\s*['\"]?#(.+?)['\"]?\s*\)", value or "")
        node = self.ids.get(match[1]) if match else None
        if node is None or node.tag != "clipPath":
            return None
        boxes = []
        for child in node.children():
            inner = product(matrix, _transform(child.attributes.get("transform", "")))
            shapes = [apply(inner, points) for points, _, _ in _shape(child)]
            boxes += [(*p.min(axis=0), *p.max(axis=0)) for p in shapes if len(p)]
        if not boxes:
            return None
        low, high = np.min(boxes, axis=0), np.max(boxes, axis=0)
        box = (float(low[0]), float(low[1]), float(high[2]), float(high[3]))
        return box if all(map(math.isfinite, box)) else None

    # -- text

    def _told(self, node, matrix, style, clip, depth):
        """Text drawn as shapes, its words in a comment before them, as matplotlib does."""
        words = ""
        for part in node.content:
            if isinstance(part, tuple):
                words = re.sub(r"\s+", " ", html.unescape(part[1])).strip()
            elif isinstance(part, Node):
                if not (words and self._outlined(part, words, matrix, style, clip, depth)):
                    self._element(part, matrix, style, clip, depth + 1)
                words = ""

    def _outlined(self, group, words, matrix, style, clip, depth) -> bool:
        """Whether a group is letters drawn as shapes; they become a text."""
        tags = {child.tag for child in group.children()}
        if group.tag != "g" or not tags <= {"use", "defs", "path", "rect"}:
            return False
        before = len(self.strokes), self.items
        self._element(group, matrix, style, clip, depth + 1)
        shapes = self.strokes[before[0] :]
        if not shapes or not all(shape.filled for shape in shapes):
            return bool(shapes)
        del self.strokes[before[0] :]
        self.items = before[1]
        corners = np.vstack([s.points for s in shapes])
        (x0, y0), (x1, y1) = corners.min(axis=0), corners.max(axis=0)
        inner = product(matrix, _transform(group.attributes.get("transform", "")))
        angle = -math.degrees(math.atan2(inner[1], inner[0]))
        self._say(words, (x0, y0, x1, y1), angle, shapes[0].colour)
        return True

    def _text(self, node, matrix, style):
        if style.get("visibility") in ("hidden", "collapse"):
            return
        runs, place = [], {"x": 0.0, "y": 0.0}
        self._runs(node, style, place, runs)
        for letters, x, y, own, width in runs:
            self._run(letters, x, y, own, width, matrix)

    def _runs(self, node, style, place, runs):
        """Pieces of text with one start each."""
        xs, ys = (_lengths(node.attributes.get(key, "")) for key in ("x", "y"))
        dx, dy = (_lengths(node.attributes.get(key, "")) for key in ("dx", "dy"))
        place["x"] = (xs[0] if xs else place["x"]) + sum(dx[:1])
        place["y"] = (ys[0] if ys else place["y"]) + _shift(node, style, dy)
        if xs or ys:
            place["new"] = True
        stated = _length(node.attributes.get("textLength")) or None
        for part in node.content:
            if isinstance(part, Node):
                if part.tag in ("tspan", "a", "textPath"):
                    self._runs(part, self._style(part, style), place, runs)
                continue
            if isinstance(part, tuple):
                continue
            letters = re.sub(r"\s+", " ", part)
            if not letters.strip():
                continue
            size = _font_size(style)
            if len(xs) > 1:
                self._spread(letters, xs, ys, style, size, place, runs)
                continue
            width = stated if stated and len(node.content) == 1 else text_width(letters, size)
            runs.append((letters, place["x"], place["y"], style, width))
            place["x"] += width
            place["new"] = False

    def _spread(self, letters, xs, ys, style, size, place, runs):
        """Letters with a position each: words end where the next letter is far."""
        start, word, last = xs[0], "", xs[0]
        for k, letter in enumerate(letters.strip()[: len(xs)]):
            if word and xs[k] - last > text_width(word[-1], size) + 0.6 * size:
                runs.append((word, start, place["y"], style, last - start + 0.5 * size))
                start, word = xs[k], ""
            word, last = word + letter, xs[k]
        rest = letters.strip()[len(xs) :]
        width = last - start + text_width(word[-1:] + rest, size)
        runs.append((word + rest, start, place["y"], {**style, "text-anchor": "start"}, width))

    def _run(self, letters, x, y, style, width, matrix):
        text = letters.strip()
        size = _font_size(style)
        anchor = style.get("text-anchor", "start")
        left = x - {"middle": width / 2, "end": width}.get(anchor, 0.0)
        left += text_width(letters[: len(letters) - len(letters.lstrip())], size)
        right = left + min(width, width * len(text) / max(len(letters), 1))
        middle = style.get("dominant-baseline") in ("central", "middle")
        base = y + 0.36 * size if middle else y
        corners = [(left, base - 0.72 * size), (right, base)]
        corners += [(left, base), (right, base - 0.72 * size)]
        box = apply(matrix, corners)
        (x0, y0), (x1, y1) = box.min(axis=0), box.max(axis=0)
        angle = -math.degrees(math.atan2(matrix[1], matrix[0]))
        colour = _paint(style.get("fill", "black"), style)
        self._say(text, (x0, y0, x1, y1), angle, colour)

    def _say(self, text, box, angle, colour):
        if not all(math.isfinite(v) and abs(v) < 1e7 for v in box):
            return
        self.characters += len(text)
        if self.characters > limits.CHARACTERS:
            raise DigitizeError(_too_many(self.name, "characters", limits.CHARACTERS))
        self.texts.append(Text(text, *map(float, box), round(angle, 3) % 360, 1.0, colour))


OWN_PROPERTIES = {"opacity", "clip-path", "display"}


def _too_many(name, what, limit) -> str:
    return f"{name} has more than {limit} {what}; give the figure alone"


# -- numbers


def _length(text, default=0.0) -> float:
    match = re.match(rf"\s*({NUMBER})\s*(pt|px|pc|in|mm|cm|%)?", text or "")
    if not match:
        return default
    unit = match[2] or ""
    value = float(match[1])
    return value if unit in ("", "px", "%") else value * POINTS[unit] / PX


def _lengths(text) -> list[float]:
    return [float(v) for v in re.findall(NUMBER, text)]


def _share(text, default) -> float:
    match = re.match(rf"\s*({NUMBER})\s*(%?)", str(text) if text is not None else "")
    if not match:
        return default
    return min(1.0, max(0.0, float(match[1]) / (100 if match[2] else 1)))


def _relative(text, parent) -> float:
    """A size in `em` or percent of that around it, or in `rem`, of which browsers have 16."""
    factor = (_lengths(text) or [1.0])[0] / (100 if text.endswith("%") else 1)
    return factor * (16.0 if text.endswith("rem") else _length(parent, 16.0))


def _font_size(style) -> float:
    return _length(style.get("font-size"), 16.0)


def _shift(node, style, dy) -> float:
    match = re.match(rf"\s*({NUMBER})em", node.attributes.get("dy", ""))
    return float(match[1]) * _font_size(style) if match else sum(dy[:1])


def _dash(text, factor) -> tuple:
    if text in ("none", ""):
        return ()
    lengths = [v * factor for v in _lengths(text)]
    if len(lengths) % 2:
        lengths *= 2
    return tuple(lengths) if sum(lengths) > 0 and min(lengths) >= 0 else ()


def _paint(text, style):
    """Red, green and blue; None for no paint; grey for a pattern or gradient."""
    text = text.strip().lower()
    if text in ("none", "transparent"):
        return None
    if text == "currentcolor":
        return _paint(style.get("color", "black").lower().replace(text, "black"), style)
    match = re.fullmatch(r"#([0-9a-f]{3}|[0-9a-f]{6})([0-9a-f]{1,2})?", text)
    if match:
        if match[2] and int(match[2], 16) == 0:
            return None
        digits = match[1] if len(match[1]) == 6 else "".join(2 * c for c in match[1])
        return tuple(int(digits[i : i + 2], 16) for i in (0, 2, 4))
    match = re.fullmatch(r"rgba?\((.*)\)", text)
    if match:
        parts = re.findall(rf"({NUMBER})\s*(%?)", match[1])
        if len(parts) > 3 and float(parts[3][0]) == 0:
            return None
        if len(parts) > 2:
            values = [float(v) * (2.55 if sign else 1) for v, sign in parts[:3]]
            return tuple(int(min(255, max(0, round(v)))) for v in values)
    if text.startswith("url("):
        return (128, 128, 128)
    from matplotlib.colors import CSS4_COLORS, to_rgb

    # What is no colour is painted black, as viewers do.
    return tuple(round(255 * part) for part in to_rgb(CSS4_COLORS.get(text, "black")))


def _transform(text) -> tuple:
    matrix = IDENTITY
    for name, inside in re.findall(r"(\w+)\s*\(([^)]*)\)", text):
        values = [float(v) for v in re.findall(NUMBER, inside)]
        matrix = product(matrix, _one_transform(name, values))
    return matrix


def _one_transform(name, v) -> tuple:
    if name == "matrix" and len(v) == 6:
        return tuple(v)
    if name == "translate" and v:
        return (1, 0, 0, 1, v[0], v[1] if len(v) > 1 else 0.0)
    if name == "scale" and v:
        return (v[0], 0, 0, v[1] if len(v) > 1 else v[0], 0, 0)
    if name == "rotate" and v:
        c, s = math.cos(math.radians(v[0])), math.sin(math.radians(v[0]))
        x, y = v[1:3] if len(v) > 2 else (0.0, 0.0)
        return (c, s, -s, c, x - c * x + s * y, y - s * x - c * y)
    if name == "skewX" and v:
        return (1, 0, math.tan(math.radians(v[0])), 1, 0, 0)
    if name == "skewY" and v:
        return (1, math.tan(math.radians(v[0])), 0, 1, 0, 0)
    return IDENTITY


def _view(node, name, *, nested=False) -> tuple:
    """The matrix to points, and the width and height of the page in points."""
    box = _lengths(node.attributes.get("viewBox", ""))
    if len(box) != 4 or box[2] <= 0 or box[3] <= 0:
        box = None
    sizes = []
    for key, k in (("width", 2), ("height", 3)):
        text = node.attributes.get(key, "")
        share = text.strip().endswith("%") or not text
        sizes.append(box[k] if share and box else _length(text))
    if nested:
        place = (
            1,
            0,
            0,
            1,
            _length(node.attributes.get("x")),
            _length(node.attributes.get("y")),
        )
        if box is None or min(sizes) <= 0:
            return place, *sizes
        f = min(sizes[0] / box[2], sizes[1] / box[3])
        return product(place, (f, 0, 0, f, -f * box[0], -f * box[1])), *sizes
    if min(sizes) <= 0 or not all(map(math.isfinite, sizes)):
        raise DigitizeError(f"{name} has no size; give an SVG with a width and height")
    box = box or [0.0, 0.0, *sizes]
    f = PX * min(sizes[0] / box[2], sizes[1] / box[3])
    matrix = (f, 0, 0, f, -f * box[0], -f * box[1])
    return matrix, PX * sizes[0], PX * sizes[1]


# -- style sheets


def _declarations(text) -> dict:
    pairs = (part.split(":", 1) for part in text.split(";") if ":" in part)
    return {
        key.strip().lower(): value.replace("!important", "").strip() for key, value in pairs
    }


def _rules(text) -> list:
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    rules = []
    for selectors, body in re.findall(r"([^{}@]+)\{([^{}]*)\}", text):
        declarations = _declarations(body)
        for selector in selectors.split(","):
            parts = [_compound(p) for p in selector.replace(">", " ").split()]
            if parts and all(part is not None for part in parts):
                rules.append((parts, declarations))
    # The more ids, classes and names a selector has, the later it speaks.
    weight = [tuple(sum(len(p[k]) for p in parts) for k in (2, 1, 0)) for parts, _ in rules]
    return [rules[i] for i in sorted(range(len(rules)), key=lambda i: weight[i])]


def _compound(text):
    match = re.fullmatch(r"(\*|[\w-]+)?((?:[.#][\w-]+)*)", text)
    if not match:
        return None
    names = [match[1]] if match[1] and match[1] != "*" else []
    rest = re.findall(r"([.#])([\w-]+)", match[2])
    return names, [v for k, v in rest if k == "."], [v for k, v in rest if k == "#"]


def _matches(node, parts) -> bool:
    *outer, last = parts
    if not _is(node, last):
        return False
    node = node.parent
    while outer and node is not None:
        if _is(node, outer[-1]):
            outer.pop()
        node = node.parent
    return not outer


def _is(node, compound) -> bool:
    names, classes, ids = compound
    own = node.attributes.get("class", "").split()
    return (
        (not names or node.tag in names)
        and all(c in own for c in classes)
        and all(i == node.attributes.get("id") for i in ids)
    )


# -- shapes


def _shape(node) -> list:
    """Subpaths of a basic shape: (points, closed, curved)."""
    get = {key: _length(value) for key, value in node.attributes.items() if key in COORDINATES}
    if node.tag == "path":
        return _path(node.attributes.get("d", ""))
    if node.tag == "line":
        ends = [(get.get(f"x{k}", 0.0), get.get(f"y{k}", 0.0)) for k in (1, 2)]
        return [(np.array(ends), False, False)]
    if node.tag in ("polyline", "polygon"):
        values = _lengths(node.attributes.get("points", ""))
        points = np.array(values[: len(values) // 2 * 2], float).reshape(-1, 2)
        return [(points, node.tag == "polygon", False)] if len(points) > 1 else []
    if node.tag == "rect":
        if "%" in node.attributes.get("width", ""):
            return []
        x, y, w, h = (get.get(key, 0.0) for key in ("x", "y", "width", "height"))
        return [(np.array([(x, y), (x + w, y), (x + w, y + h), (x, y + h)]), True, False)]
    if node.tag in ("circle", "ellipse"):
        rx, ry = get.get("rx", get.get("r", 0.0)), get.get("ry", get.get("r", 0.0))
        turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        x, y = get.get("cx", 0.0) + rx * np.cos(turn), get.get("cy", 0.0) + ry * np.sin(turn)
        return [(np.column_stack([x, y]), True, True)]
    return []


COORDINATES = {"x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "rx", "ry", "width", "height"}
ARGUMENTS = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Q": 4, "T": 2, "A": 7, "Z": 0}


def _path(text) -> list:
    outline, control, before = Outline(), None, ""
    for letter, inside in re.findall(
        r"([MmLlHhVvCcSsQqTtAaZz])([^MmLlHhVvCcSsQqTtAaZz]*)", text
    ):
        upper = letter.upper()
        if upper == "Z":
            outline.close()
            before = "Z"
            continue
        values = _arc_flags(inside) if upper == "A" else _lengths(inside)
        count = ARGUMENTS[upper]
        for k in range(0, len(values) - count + 1, count):
            v = values[k : k + count]
            if letter.islower():
                v = _absolute(upper, v, outline.last)
            kind = "L" if upper == "M" and k else upper
            goes_on = before in {"S": "CS", "T": "QT"}.get(kind, "") and before
            control = _command(outline, kind, v, control if goes_on else None)
            before = kind
    return outline.done()


def _arc_flags(text) -> list[float]:
    """Numbers of an arc: its two flags may stand without a space."""
    one = rf"({NUMBER})[\s,]*({NUMBER})[\s,]*({NUMBER})[\s,]*([01])[\s,]*([01])[\s,]*"
    return [
        float(v) for arc in re.findall(rf"{one}({NUMBER})[\s,]*({NUMBER})", text) for v in arc
    ]


def _absolute(kind, v, last) -> list[float]:
    x, y = last
    if kind == "H":
        return [v[0] + x]
    if kind == "V":
        return [v[0] + y]
    if kind == "A":
        return [*v[:5], v[5] + x, v[6] + y]
    return [value + (x, y)[i % 2] for i, value in enumerate(v)]


def _command(outline, kind, v, control):
    """Draw one command; gives the control point that the next smooth curve mirrors."""
    x, y = outline.last
    if kind == "M":
        outline.move(*v)
    elif kind == "L":
        outline.line(*v)
    elif kind == "H":
        outline.line(v[0], y)
    elif kind == "V":
        outline.line(x, v[0])
    elif kind == "A":
        _arc(outline, *v)
    else:
        mirror = (x, y) if control is None else (2 * x - control[0], 2 * y - control[1])
        if kind in "ST":
            v = [*mirror, *v]
        if kind in "CS":
            outline.curve(*v)
            return v[2], v[3]
        p, q, end_x, end_y = v
        thirds = (x + 2 * (p - x) / 3, y + 2 * (q - y) / 3)
        thirds += (end_x + 2 * (p - end_x) / 3, end_y + 2 * (q - end_y) / 3)
        outline.curve(*thirds, end_x, end_y)
        return p, q
    return None


def _arc(outline, rx, ry, turn, large, sweep, x, y):
    """An elliptic arc as short lines (SVG 1.1, appendix F.6.5)."""
    x0, y0 = outline.last
    rx, ry = abs(rx), abs(ry)
    if rx == 0 or ry == 0 or (x0, y0) == (x, y):
        outline.line(x, y)
        return
    cos, sin = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    dx, dy = (x0 - x) / 2, (y0 - y) / 2
    u, v = cos * dx + sin * dy, -sin * dx + cos * dy
    grow = math.sqrt(max(1.0, (u / rx) ** 2 + (v / ry) ** 2))
    rx, ry = rx * grow, ry * grow
    root = max(0.0, (rx * ry) ** 2 / ((rx * v) ** 2 + (ry * u) ** 2) - 1)
    root = math.sqrt(root) * (-1 if large == sweep else 1)
    cu, cv = root * rx * v / ry, -root * ry * u / rx
    start = math.atan2((v - cv) / ry, (u - cu) / rx)
    sweep_angle = math.atan2((-v - cv) / ry, (-u - cu) / rx) - start
    if sweep and sweep_angle < 0:
        sweep_angle += 2 * math.pi
    if not sweep and sweep_angle > 0:
        sweep_angle -= 2 * math.pi
    middle = ((x0 + x) / 2 + cos * cu - sin * cv, (y0 + y) / 2 + sin * cu + cos * cv)
    for k in range(1, 13):
        a = start + sweep_angle * k / 12
        p, q = rx * math.cos(a), ry * math.sin(a)
        outline.line(middle[0] + cos * p - sin * q, middle[1] + sin * p + cos * q)
    outline.curved = True
