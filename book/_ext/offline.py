"""Leave out what a page would fetch from another host."""


def _is_thebe(asset):
    body = getattr(asset, "attributes", {}).get("body") or ""
    return "thebe" in str(getattr(asset, "filename", asset) or "") or "THEBE_JS_URL" in body


def _drop_thebe(app, pagename, templatename, context, doctree):
    # Jupyter Book always loads sphinx-thebe, which points at another host and declares its
    # constant twice: an error in the console of every page.
    for key in ("script_files", "css_files"):
        context[key] = [asset for asset in context.get(key, []) if not _is_thebe(asset)]


def setup(app):
    """Register with Sphinx."""
    app.connect("html-page-context", _drop_thebe, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
