"""Run every chapter under one plain IPython profile, whatever the reader's own one does."""

import os
from pathlib import Path

# Errors of a cell reach the build on their own; the rest of the kernel's log is about sockets.
CONFIG = "c = get_config()\nc.IPKernelApp.log_level = 'ERROR'\n"


def _use_plain_profile(app):
    directory = Path(app.outdir).parent / "ipython"
    config = directory / "profile_default" / "ipython_kernel_config.py"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(CONFIG)
    os.environ["IPYTHONDIR"] = str(directory)


def setup(app):
    """Register with Sphinx."""
    app.connect("builder-inited", _use_plain_profile)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
