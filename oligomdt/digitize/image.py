"""Images: PNG, JPEG and TIFF files."""

import io
import math
import warnings

import numpy as np
from PIL import Image, ImageOps

from oligomdt.digitize import limits
from oligomdt.digitize.drawing import Drawing
from oligomdt.digitize.error import DigitizeError


def read(content: bytes, name: str) -> Drawing:
    """An image file as a drawing.

    Parameters
    ----------
    content : bytes
        Of a PNG, JPEG or TIFF file.
    name : str
        Of the file, for errors.

    Returns
    -------
    Drawing
        Of kind 'raster': opaque, in red, green and blue, turned as the file says.

    Raises
    ------
    DigitizeError
        When it is broken or larger than `limits` allow.
    """
    try:
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            # The size is checked against our own limits before anything is unpacked.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=("PNG", "JPEG", "TIFF")) as picture:
                _check_size(picture.size, name)
                notes = _frames(picture, name)
                array = _opaque(ImageOps.exif_transpose(picture))
    except DigitizeError:
        raise
    except Image.DecompressionBombError as error:
        raise DigitizeError(_too_large(name)) from error
    except Exception as error:  # of a broken file, Pillow raises nearly every kind
        raise DigitizeError(
            f"{name} cannot be read as an image: it is broken; give a PNG, JPEG or TIFF file "
            "that opens"
        ) from error
    if heard:
        notes += (f"{name} is damaged ({str(heard[0].message).strip()}); compare the overlay",)
    return page(array, name, notes)


def page(array: np.ndarray, name: str, notes=(), number: int = 1) -> Drawing:
    """An image as a drawing, made smaller if it has more pixels than reading needs.

    Parameters
    ----------
    array : array of shape (height, width, 3), uint8
        The image.
    name : str
        Of the file.
    notes : tuple of str
        What is not sure about it.
    number : int
        Of the page.

    Returns
    -------
    Drawing
        Of kind 'raster', smaller by a whole number if it had more than `ENOUGH` pixels.
    """
    height, width = array.shape[:2]
    times = math.ceil(math.sqrt(width * height / ENOUGH))
    if times > 1:
        array = np.array(Image.fromarray(array).reduce(times))
        told = f"{name} was read at 1/{times} of its size; --box counts in those pixels"
        notes = (*notes, told)
    height, width = map(float, array.shape[:2])
    return Drawing(
        "raster", width, height, image=array, source=name, page=number, notes=tuple(notes)
    )


ENOUGH = 6_000_000
"""Pixels that are read; a figure of 8 by 8 inches at 300 dpi has fewer."""


def _check_size(size, name):
    width, height = size
    if width > limits.SIDE or height > limits.SIDE or width * height > limits.PIXELS:
        raise DigitizeError(f"{name} has {width} x {height} pixels; " + _too_large(""))
    if width < SMALLEST or height < SMALLEST:
        raise DigitizeError(
            f"{name} has {width} x {height} pixels, too few for a figure; give a larger copy"
        )


def _too_large(name) -> str:
    text = f"at most {limits.SIDE} on a side and {limits.PIXELS} in all are read: crop it"
    return f"{name} has too many pixels; {text}" if name else text


SMALLEST = 60
"""Pixels of the shortest side of a figure."""


def _frames(picture, name) -> tuple[str, ...]:
    count = getattr(picture, "n_frames", 1)
    if count > 1:
        return (f"{name} holds {count} images; the first was read",)
    return ()


def _opaque(picture) -> np.ndarray:
    """Red, green and blue on white paper."""
    if picture.mode in ("I", "I;16", "I;16B", "F"):
        values = np.asarray(picture, float)
        top = 65535.0 if values.max() > 255 else 255.0
        grey = np.clip(values / top * 255, 0, 255).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        paper = Image.new("RGBA", picture.size, (255, 255, 255, 255))
        picture = Image.alpha_composite(paper, picture)
    return np.array(picture.convert("RGB"))
