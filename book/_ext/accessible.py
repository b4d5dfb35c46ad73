"""Put right the roles that screen readers cannot follow in the generated pages."""

# docutils marks the bibliography as a list but its entries with a role that is no list item.
REPLACED = {'role="doc-biblioentry"': 'role="listitem"'}


def _repair(app, pagename, templatename, context, doctree):
    for wrong, right in REPLACED.items():
        context["body"] = context.get("body", "").replace(wrong, right)


def setup(app):
    """Register with Sphinx."""
    app.connect("html-page-context", _repair)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
