"""Give a drawn figure the alt text that its SVG carries as its description."""

import html
import re
from pathlib import Path

from docutils import nodes

DESCRIPTION = re.compile(r"<dc:description>(.*?)</dc:description>", re.DOTALL)


def _describe(app, doctree):
    for image in doctree.findall(nodes.image):
        if "alt" in image or not image.get("uri", "").endswith(".svg"):
            continue
        # Depending on the order of events the address is from the root or from the page.
        here = Path(app.env.doc2path(app.env.docname)).parent
        for file in (Path(app.srcdir, image["uri"]), Path(here, image["uri"])):
            if file.is_file():
                found = DESCRIPTION.search(file.read_text(encoding="utf-8"))
                if found:
                    image["alt"] = " ".join(html.unescape(found[1]).split())
                break


def setup(app):
    """Register with Sphinx."""
    app.connect("doctree-read", _describe)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
