"""Record what a book was built from, so that no test reads a page older than its inputs."""

import hashlib
import os
from pathlib import Path

STAMP = "inputs.sha256"
INPUTS = (
    "_config.yml",
    "_toc.yml",
    "constraints.txt",
    "requirements.txt",
    "benchmarks",
    "book",
    "oligomdt",
)


def _files(path):
    if path.is_file():
        return [path]
    return sorted(
        file
        for file in path.rglob("*")
        if file.is_file()
        and not any(
            part == "__pycache__" or part.startswith(".")
            for part in file.relative_to(path).parts
        )
    )


def fingerprint(root):
    """Return the SHA-256 of every file that the pages depend on, names included."""
    root = Path(root)
    data = Path(os.environ.get("OLIGOMDT_DATA") or root / "data")
    digest = hashlib.sha256()
    for base in [root / name for name in INPUTS] + [data]:
        for file in _files(base):
            digest.update(f"{base.name}/{file.relative_to(base).as_posix()}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def is_fresh(root):
    """Tell whether the book in `root` was built, without a warning, from the present inputs."""
    stamp = Path(root) / "_build" / STAMP
    return stamp.is_file() and stamp.read_text().strip() == fingerprint(root)


def _stamp_path(app):
    return Path(app.outdir).parent / STAMP


def _begin(app):
    _stamp_path(app).unlink(missing_ok=True)
    app.inputs_at_start = fingerprint(app.srcdir)


def _finish(app, exception):
    # A partial build keeps old pages, and inputs edited meanwhile are on some pages only.
    whole = app.builder.name == "html" and app.fresh_env_used
    clean = exception is None and not app._warncount
    if whole and clean and app.inputs_at_start == fingerprint(app.srcdir):
        _stamp_path(app).write_text(app.inputs_at_start + "\n")


def setup(app):
    """Register with Sphinx."""
    app.connect("builder-inited", _begin)
    app.connect("build-finished", _finish)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
