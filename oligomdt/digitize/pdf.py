"""PDF pages to strokes and texts, by PDFium.

Nothing is run or followed: the reader takes paths and characters only. Parts that are packed
are measured before they are unpacked.
"""

import ctypes
import math
import re
import zlib

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

CHUNK = 2**16
"""Bytes unpacked at once to measure them."""

LONE = set("|/\\+x×oO○●◦•l¦")
"""Letters that figures use as censoring marks: one drawn alone is never joined to others."""

SIGNS = LONE - set("xoOl")
"""Those of them that no word has."""


def pages(content: bytes, name: str) -> int:
    """Number of pages.

    Raises
    ------
    DigitizeError
        When the file is broken, locked or too large.
    """
    with _opened(content, name) as document:
        return len(document)


def read(content: bytes, name: str, page: int = 1) -> Drawing:
    """The drawing of one page.

    A page that holds only an image gives a raster drawing.

    Raises
    ------
    DigitizeError
        When the file is broken, locked, too large, or has no such page.
    """
    with _opened(content, name) as document:
        if page > len(document):
            raise DigitizeError(
                f"{name} has {len(document)} page(s); page {page} does not exist: give --page"
            )
        with np.errstate(all="ignore"):  # what is not finite is left out
            return _read_page(document, name, page)


def _read_page(document, name, number) -> Drawing:
    import pypdfium2

    try:
        page = document[number - 1]
        reader = _Page(page, name, number)
        reader.walk()
        texts = _texts(page, reader, name)
    except pypdfium2.PdfiumError as error:
        raise DigitizeError(
            f"page {number} of {name} is broken: give another --page"
        ) from error
    if not reader.strokes and not texts and not reader.images:
        raise DigitizeError(f"page {number} of {name} is empty; give another --page")
    if reader.images and _only_image(reader):
        return _image(page, reader, name, number)
    return Drawing(
        "vector",
        reader.width,
        reader.height,
        tuple(reader.strokes),
        tuple(texts),
        source=name,
        page=number,
        notes=("an image on the page was left out",) if reader.images else (),
    )


def _only_image(reader) -> bool:
    """Whether an image covers a tenth of the page and hardly anything is drawn beside it."""
    (x0, y0, x1, y1), *_ = _largest(reader)
    share = (x1 - x0) * (y1 - y0) / (reader.width * reader.height)
    return share > 0.1 and len(reader.strokes) < 20


TOO_LARGE = (
    f"at most {limits.SIDE} on a side and {limits.PIXELS} in all are read: crop the figure"
)


def _largest(reader) -> tuple:
    """Box and pixels across of the largest image of a page, and itself if it is upright."""
    return max(reader.images, key=lambda one: (one[0][2] - one[0][0]) * (one[0][3] - one[0][1]))


def _image(page, reader, name, number) -> Drawing:
    """The largest image of a page: its own pixels, or as the page shows it if it is turned."""
    from oligomdt.digitize import image as picture

    box, across, upright = _largest(reader)
    if upright is not None and len(reader.images) == 1:
        pixels = _pixels(upright, name)
        if pixels is not None:
            return picture.page(pixels, name, number=number)
    x0, y0 = max(box[0], 0.0), max(box[1], 0.0)
    x1, y1 = min(box[2], reader.width), min(box[3], reader.height)
    scale = min(max(across / (box[2] - box[0]), 1.0), 20.0)
    wide, high = reader.width * scale, reader.height * scale
    if max(wide, high) > limits.SIDE or wide * high > limits.PIXELS:
        raise DigitizeError(
            f"page {number} of {name} would have {wide:.0f} x {high:.0f} pixels; {TOO_LARGE}"
        )
    # Left, bottom, right, top; a hair less, as parts of pixels become whole ones.
    sides = (x0, reader.height - y1, reader.width - x1, y0)
    crop, scale = [max(v - 0.01 / scale, 0.0) for v in sides], scale * (1 - 1e-5)
    shown = _coloured(page.render(scale=scale, crop=crop, rev_byteorder=True).to_numpy())
    return picture.page(shown, name, number=number)


def _pixels(thing, name):
    """Red, green and blue of an image of a page; None if it is masked or too small."""
    import pypdfium2
    import pypdfium2.raw as pdfium

    across, down = ctypes.c_uint(), ctypes.c_uint()
    pdfium.FPDFImageObj_GetImagePixelSize(thing, across, down)
    wide, high = across.value, down.value
    if max(wide, high) > limits.SIDE or wide * high > limits.PIXELS:
        raise DigitizeError(f"{name} has an image of {wide} x {high} pixels; {TOO_LARGE}")
    raw = pdfium.FPDFImageObj_GetBitmap(thing)
    if not raw:
        return None
    bitmap = pypdfium2.PdfBitmap.from_raw(raw)
    known = (pdfium.FPDFBitmap_Gray, pdfium.FPDFBitmap_BGR, pdfium.FPDFBitmap_BGRx)
    if (bitmap.width, bitmap.height) != (wide, high):
        return None
    if bitmap.format not in known:
        return None
    image = _coloured(bitmap.to_numpy())
    return image if bitmap.format == pdfium.FPDFBitmap_Gray else image[:, :, ::-1].copy()


def _coloured(values) -> np.ndarray:
    """Three colours for each pixel of an array of one, three or four."""
    values = values[..., None] if values.ndim == 2 else values
    return np.array(values[:, :, :3] if values.shape[2] > 2 else np.repeat(values, 3, axis=2))


# -- opening


class _opened:
    """A document, checked before it is opened and closed afterwards."""

    def __init__(self, content, name):
        self.content, self.name, self.document = content, name, None

    def __enter__(self):
        import pypdfium2

        _check_packed(self.content, self.name)
        try:
            self.document = pypdfium2.PdfDocument(self.content)
            count = len(self.document)
        except pypdfium2.PdfiumError as error:
            locked = "password" in str(error).lower()
            why = (
                "is locked with a password; give an unlocked copy"
                if locked
                else "is broken; give a PDF that opens"
            )
            raise DigitizeError(f"{self.name} {why}") from error
        if count > limits.PAGES:
            raise DigitizeError(
                f"{self.name} has {count} pages; at most {limits.PAGES} are read: give the "
                "page of the figure alone"
            )
        if count == 0:
            raise DigitizeError(f"{self.name} has no page; give a PDF that opens")
        return self.document

    def __exit__(self, *_):
        if self.document is not None:
            self.document.close()


def _check_packed(content, name):
    """Refuse a file whose packed parts unpack to more than is allowed."""
    total = 0
    for match in re.finditer(rb"stream\r?\n", content):
        if content[match.start() - 3 : match.start()] == b"end":
            continue
        engine, place = zlib.decompressobj(), match.end()
        try:
            while not engine.eof and (engine.unconsumed_tail or place < len(content)):
                data = engine.unconsumed_tail
                if not data:
                    data, place = content[place : place + CHUNK], place + CHUNK
                total += len(engine.decompress(data, 16 * CHUNK))
                if total > limits.UNPACKED:
                    raise DigitizeError(
                        f"{name} unpacks to more than {limits.UNPACKED} bytes; give the page "
                        "of the figure alone"
                    )
        except zlib.error:
            continue  # not packed this way, or broken: PDFium decides


# -- paths


class _Page:
    """Walks the objects of a page."""

    def __init__(self, page, name, number):
        import pypdfium2.raw as pdfium

        self.page, self.name, self.number, self.pdfium = page, name, number, pdfium
        self.matrix, self.width, self.height = _to_top_left(page)
        self.strokes, self.images, self.writings = [], [], {}
        self.items = self.points = 0
        self.clock = limits.Clock(f"page {number} of {name}")
        if not (self.width > 0 and self.height > 0 and max(self.width, self.height) < 1e6):
            raise DigitizeError(f"page {number} of {name} has no size; give another --page")

    def walk(self):
        count = self.pdfium.FPDFPage_CountObjects(self.page)
        for index in range(count):
            thing = self.pdfium.FPDFPage_GetObject(self.page, index)
            self._object(thing, self.matrix, None, 0)
        self._check_size()

    def _check_size(self):
        if self.items > limits.PATHS or self.points > limits.POINTS:
            raise DigitizeError(
                f"page {self.number} of {self.name} has more than {limits.PATHS} objects or "
                f"{limits.POINTS} corners; give the figure alone"
            )

    def _object(self, thing, matrix, clip, depth):
        pdfium = self.pdfium
        self.items += 1
        self.clock.check()
        self._check_size()
        if depth > limits.DEPTH:
            raise DigitizeError(
                f"{self.name} has more than {limits.DEPTH} groups within groups; give the "
                "figure alone"
            )
        kind = pdfium.FPDFPageObj_GetType(thing)
        if kind == pdfium.FPDF_PAGEOBJ_PATH:
            self._path(thing, matrix, intersection(clip, self._clip(thing, matrix)))
        elif kind == pdfium.FPDF_PAGEOBJ_FORM:
            clip = intersection(clip, self._clip(thing, matrix))
            inner = product(matrix, _matrix(thing))
            for index in range(pdfium.FPDFFormObj_CountObjects(thing)):
                part = pdfium.FPDFFormObj_GetObject(thing, index)
                self._object(part, inner, clip, depth + 1)
        elif kind == pdfium.FPDF_PAGEOBJ_TEXT:
            sides = [ctypes.c_float() for _ in range(4)]
            if pdfium.FPDFPageObj_GetBounds(thing, *sides):
                left, bottom, right, top = (v.value for v in sides)
                corners = apply(matrix, [(left, bottom), (right, top)])
                box = (*corners.min(axis=0), *corners.max(axis=0))
                self.writings[_address(thing)] = (self.items, box)
        elif kind == pdfium.FPDF_PAGEOBJ_IMAGE:
            corners = [(0, 0), (1, 0), (1, 1), (0, 1)]
            corners = apply(product(matrix, _matrix(thing)), corners)
            across, down = ctypes.c_uint(), ctypes.c_uint()
            pdfium.FPDFImageObj_GetImagePixelSize(thing, across, down)
            box = tuple(map(float, (*corners.min(axis=0), *corners.max(axis=0))))
            if all(map(math.isfinite, box)) and box[2] > box[0] and box[3] > box[1]:
                turned = abs(corners[1, 1] - corners[0, 1]) > abs(corners[1, 0] - corners[0, 0])
                wide = down.value if turned else across.value
                upright = corners[1, 0] > corners[0, 0] and corners[0, 1] > corners[3, 1]
                self.images.append((box, wide, thing if upright and not turned else None))

    def _path(self, thing, matrix, clip):
        pdfium = self.pdfium
        fill, draws = ctypes.c_int(), pdfium.FPDF_BOOL()
        if not pdfium.FPDFPath_GetDrawMode(thing, fill, draws):
            return
        own = product(matrix, _matrix(thing))
        factor = scale_of(own)
        count = pdfium.FPDFPath_CountSegments(thing)
        self.points += max(count, 0)
        if self.points > limits.POINTS:
            return  # `_check_size` tells
        get = pdfium.FPDFPath_GetPathSegment
        parts = _subpaths(pdfium, (get(thing, k) for k in range(count)))
        width = ctypes.c_float()
        pdfium.FPDFPageObj_GetStrokeWidth(thing, width)
        for points, closed, curved in parts:
            points = apply(own, points)
            if not np.isfinite(points).all() or np.abs(points).max() > 1e7:
                continue
            common = {"closed": closed, "curved": curved, "item": self.items, "clip": clip}
            if fill.value and len(points) > 2:
                colour, share = self._colour(pdfium.FPDFPageObj_GetFillColor, thing)
                self._keep(
                    Stroke(points, colour, 0.0, (), filled=True, opacity=share, **common)
                )
            if draws.value:
                colour, share = self._colour(pdfium.FPDFPageObj_GetStrokeColor, thing)
                # A line of width 0 is the thinnest that a device draws.
                size = max(float(width.value) * factor, 0.05)
                dash = self._dash(thing, factor)
                self._keep(Stroke(points, colour, size, dash, opacity=share, **common))

    def _keep(self, stroke):
        if stroke.opacity > 0.004:
            self.strokes.append(stroke)

    def _colour(self, getter, thing):
        values = [ctypes.c_uint() for _ in range(4)]
        if not getter(thing, *values):
            return (0, 0, 0), 1.0
        red, green, blue, alpha = (v.value for v in values)
        return (red, green, blue), alpha / 255

    def _dash(self, thing, factor) -> tuple:
        count = self.pdfium.FPDFPageObj_GetDashCount(thing)
        if not 0 < count <= 32:
            return ()
        lengths = (ctypes.c_float * count)()
        if not self.pdfium.FPDFPageObj_GetDashArray(thing, lengths, count):
            return ()
        values = [float(v) * factor for v in lengths]
        if len(values) % 2:
            values *= 2
        return tuple(values) if sum(values) > 0 and min(values) >= 0 else ()

    def _clip(self, thing, matrix):
        pdfium = self.pdfium
        path = pdfium.FPDFPageObj_GetClipPath(thing)
        box = None
        if not path:
            return None
        for index in range(max(0, min(pdfium.FPDFClipPath_CountPaths(path), 20))):
            count = pdfium.FPDFClipPath_CountPathSegments(path, index)
            if not 1 < count <= 1000:
                continue
            get = pdfium.FPDFClipPath_GetPathSegment
            segments = (get(path, index, k) for k in range(count))
            parts = [apply(matrix, p) for p, _, _ in _subpaths(pdfium, segments)]
            if parts:
                corners = np.vstack(parts)
                one = (*corners.min(axis=0), *corners.max(axis=0))
                box = intersection(box, tuple(map(float, one)))
        return box


def _subpaths(pdfium, segments) -> list:
    outline, bezier = Outline(), []
    x, y = ctypes.c_float(), ctypes.c_float()
    for segment in segments:
        if not segment or not pdfium.FPDFPathSegment_GetPoint(segment, x, y):
            continue
        kind = pdfium.FPDFPathSegment_GetType(segment)
        if kind == pdfium.FPDF_SEGMENT_MOVETO:
            outline.move(x.value, y.value)
        elif kind == pdfium.FPDF_SEGMENT_BEZIERTO:
            bezier += [x.value, y.value]
            if len(bezier) == 6:
                outline.curve(*bezier)
                bezier = []
        else:
            outline.line(x.value, y.value)
        if pdfium.FPDFPathSegment_GetClose(segment):
            outline.close()
    return outline.done()


def _matrix(thing) -> tuple:
    import pypdfium2.raw as pdfium

    matrix = pdfium.FS_MATRIX()
    if not pdfium.FPDFPageObj_GetMatrix(thing, matrix):
        return IDENTITY
    return tuple(float(getattr(matrix, key)) for key in "abcdef")


def _to_top_left(page) -> tuple:
    """The matrix from the page's own units to points from its top left corner, and its size."""
    import pypdfium2.raw as pdfium

    box = pdfium.FS_RECTF()
    pdfium.FPDF_GetPageBoundingBox(page, box)  # also where the page inherits it
    left, bottom, right, top = box.left, box.bottom, box.right, box.top
    turn = page.get_rotation() % 360
    width, height = right - left, top - bottom
    if turn == 90:
        return (0, 1, 1, 0, -bottom, -left), height, width
    if turn == 180:
        return (-1, 0, 0, 1, right, -bottom), width, height
    if turn == 270:
        return (0, -1, -1, 0, top, right), height, width
    return (1, 0, 0, -1, -left, top), width, height


# -- text


def _texts(page, reader, name) -> list[Text]:
    """Pieces of text in the order of drawing."""
    letters = _letters(page, reader.matrix, name)
    found, run = [], []
    for letter in letters:
        if run and not _goes_on(run, letter):
            found.append(run)
            run = []
        run.append(letter)
    found.append(run)
    ordered = [(_order(reader, run), _said(one)) for run in found if run for one in _marks(run)]
    ordered += _unread(reader, letters)
    ordered.sort(key=lambda pair: pair[0])
    return [text for _, texts in ordered for text in texts]


def _marks(run) -> list:
    """A run of nothing but marks as single ones."""
    shown = [letter for letter in run if not letter.sign.isspace()]
    lone = shown and all(letter.sign in SIGNS for letter in shown)
    return [[letter] for letter in shown] if lone else [run]


def _order(reader, run) -> int:
    return reader.writings.get(run[0].object, (0, None))[0]


def _unread(reader, letters) -> list:
    """Lone marks that PDFium leaves out of the text because another lies over them.

    They are told by their size from the marks that it gives.
    """
    looks, read = {}, set()
    for letter in letters:
        read.add(letter.object)
        if letter.sign in LONE and letter.object in reader.writings:
            _, box = reader.writings[letter.object]
            looks.setdefault(_size(box), (letter, box))
    found = []
    for address, (order, box) in reader.writings.items():
        if address in read or _size(box) not in looks:
            continue
        letter, other = looks[_size(box)]
        move = np.subtract(box, other)
        shown = tuple(float(v) for v in np.add(letter.box, move))
        text = Text(letter.sign, *shown, round(letter.angle, 2) % 360, 1.0, letter.colour)
        found.append((order, [text]))
    return found


def _size(box) -> tuple:
    return round(box[2] - box[0], 1), round(box[3] - box[1], 1)


def _address(thing):
    return ctypes.cast(thing, ctypes.c_void_p).value


class _Letter:
    """One character: its sign, box, origin, angle, size, colour and text object."""

    __slots__ = ("angle", "box", "colour", "end", "object", "origin", "sign", "size")


def _letters(page, matrix, name) -> list:
    import pypdfium2.raw as pdfium

    textpage = page.get_textpage()
    count = textpage.count_chars()
    if count > limits.CHARACTERS:
        raise DigitizeError(
            f"{name} has more than {limits.CHARACTERS} characters on the page; give the figure "
            "alone"
        )
    letters = []
    for index in range(max(count, 0)):
        code = pdfium.FPDFText_GetUnicode(textpage, index)
        if code < 32 or pdfium.FPDFText_IsGenerated(textpage, index) == 1:
            continue
        letter = _letter(pdfium, textpage, index, matrix)
        if letter is not None:
            letter.sign = chr(code) if code not in range(0xD800, 0xE000) else "?"
            letters.append(letter)
    return letters


def _letter(pdfium, textpage, index, matrix):
    letter = _Letter()
    sides = [ctypes.c_double() for _ in range(4)]
    if not pdfium.FPDFText_GetCharBox(textpage, index, *sides):
        return None
    left, right, bottom, top = (v.value for v in sides)
    corners = apply(matrix, [(left, bottom), (right, top), (left, top), (right, bottom)])
    x, y = ctypes.c_double(), ctypes.c_double()
    pdfium.FPDFText_GetCharOrigin(textpage, index, x, y)
    loose = pdfium.FS_RECTF()
    pdfium.FPDFText_GetLooseCharBox(textpage, index, loose)
    place = pdfium.FS_MATRIX()
    pdfium.FPDFText_GetMatrix(textpage, index, place)
    if not np.isfinite(corners).all() or not math.isfinite(x.value + y.value):
        return None
    letter.box = (*map(float, corners.min(axis=0)), *map(float, corners.max(axis=0)))
    whole = product(matrix, (place.a, place.b, place.c, place.d, 0, 0))
    letter.angle = -math.degrees(math.atan2(whole[1], whole[0])) % 360
    letter.size = pdfium.FPDFText_GetFontSize(textpage, index) * math.hypot(*whole[:2])
    letter.origin = tuple(map(float, apply(matrix, [(x.value, y.value)])[0]))
    ends = apply(matrix, [(loose.left, loose.bottom), (loose.right, loose.top)])
    along = ends @ np.array(_direction(letter.angle))
    letter.end = float(along.max())
    values = [ctypes.c_uint() for _ in range(4)]
    known = pdfium.FPDFText_GetFillColor(textpage, index, *values)
    letter.colour = tuple(v.value for v in values[:3]) if known else None
    letter.object = _address(pdfium.FPDFText_GetTextObject(textpage, index))
    return letter


def _direction(angle) -> tuple:
    """Unit vector of reading, on a page whose y runs down."""
    return math.cos(math.radians(angle)), -math.sin(math.radians(angle))


def _goes_on(run, letter) -> bool:
    """Whether a letter belongs to the same piece of text as those before it."""
    last = run[-1]
    size = max(last.size, 1e-3)
    turned = abs((last.angle - letter.angle + 180) % 360 - 180)
    if turned > 1 or not 0.7 < max(letter.size, 1e-3) / size < 1.43:
        return False
    along, across = _direction(last.angle), _direction(last.angle - 90)
    step = np.subtract(letter.origin, last.origin)
    if abs(step @ np.array(across)) > 0.35 * size or step @ np.array(along) < -0.1 * size:
        return False
    gap = (np.array(letter.origin) @ np.array(along) - last.end) / size
    inked = next((one for one in reversed(run) if not one.sign.isspace()), last)
    if (np.array(letter.origin) @ np.array(along) - inked.end) / size > 1.0:
        return False  # apart by a gap, or by several spaces
    if last.object == letter.object:
        return True
    if _alone(run) or (letter.sign in LONE and gap > 0.35):
        return False
    numbers = last.sign.isdigit() and (letter.sign.isdigit() or letter.sign in "-−")
    if letter.sign.isdigit() and not numbers:
        return gap < 0.5
    return gap < (0.12 if numbers else 0.75)


def _alone(run) -> bool:
    return len(run) == 1 and run[0].sign in SIGNS


def _said(run) -> list[Text]:
    """The piece of text that letters make, with spaces where they stand apart."""
    shown = [letter for letter in run if not letter.sign.isspace()]
    if not shown:
        return []
    along = np.array(_direction(run[0].angle))
    text, last = "", None
    for letter in run:
        if last is not None and not letter.sign.isspace() and not text.endswith(" "):
            gap = np.array(letter.origin) @ along - last.end
            text += " " if gap > 0.12 * max(last.size, 1e-3) else ""
        text += letter.sign
        last = letter
    boxes = np.array([letter.box for letter in shown])
    low, high = boxes.min(axis=0), boxes.max(axis=0)
    text = re.sub(r"\s+", " ", text).strip()
    return [
        Text(
            text,
            float(low[0]),
            float(low[1]),
            float(high[2]),
            float(high[3]),
            round(shown[0].angle, 2) % 360,
            1.0,
            shown[0].colour,
        )
    ]
