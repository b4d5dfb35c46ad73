"""Print one line for each page that is read, since reading a page runs its code."""

import sys
import time


def _say(text):
    print(text, file=sys.stderr, flush=True)


class _Progress:
    def __init__(self):
        self.total = self.done = 0
        self.started = {}

    def begin(self, app, env, docnames):
        self.total, self.done = len(docnames), 0

    def read(self, app, docname, source):
        self.started[docname] = time.monotonic()

    def finish(self, app, doctree):
        docname = app.env.docname
        seconds = time.monotonic() - self.started.pop(docname, time.monotonic())
        self.done += 1
        _say(f"  [{self.done:2d}/{self.total}] {docname}  {seconds:.1f} s")

    def write(self, app, env):
        _say("  writing the pages")


def setup(app):
    """Register with Sphinx."""
    progress = _Progress()
    app.connect("env-before-read-docs", progress.begin)
    app.connect("source-read", progress.read)
    app.connect("doctree-read", progress.finish)
    app.connect("env-check-consistency", progress.write)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}
