"""What several test modules share: the rendered book and where a browser is."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BROWSER_NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
)
NO_BROWSER = "NO CHROMIUM FOUND: no page was checked in a browser (install it or set CHROMIUM)"
# Nothing but the page itself may use the network.
BROWSER_FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
]


def pytest_addoption(parser):
    parser.addoption(
        "--update-figures",
        action="store_true",
        help="rewrite tests/figures/*.csv from the present figure data",
    )


@pytest.fixture(scope="session")
def update_figures(request):
    """True when the committed figure data are to be rewritten."""
    return request.config.getoption("--update-figures")


def load_freshness():
    """Return the module of the book that records what it was built from."""
    path = ROOT / "book" / "_ext" / "freshness.py"
    spec = importlib.util.spec_from_file_location("freshness", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


STRICT = ("-W", "-n", "--keep-going")


def build_book(root, options=STRICT, **environment):
    """Render the book in `root` from the beginning; fail with its output."""
    for directory in ("html", ".doctrees", "jupyter_execute"):
        shutil.rmtree(root / "_build" / directory, ignore_errors=True)
    command = Path(sys.executable).with_name("jupyter-book")
    run = subprocess.run(
        [command, "build", root, "--all", "-q", *options],
        cwd=root,
        env={"SOURCE_DATE_EPOCH": "1780000000", **os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if run.returncode:
        pytest.fail(f"the book does not build:\n{run.stderr[-6000:]}", pytrace=False)
    return root / "_build" / "html"


@pytest.fixture(scope="session")
def site():
    """The rendered book, rendered again if any of its inputs has changed."""
    if not load_freshness().is_fresh(ROOT):
        return build_book(ROOT)
    return ROOT / "_build" / "html"


def find_chromium():
    """Return the path of an installed chromium, or None."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named
    return next((path for name in BROWSER_NAMES if (path := shutil.which(name))), None)


def pytest_terminal_summary(terminalreporter):
    skipped = terminalreporter.stats.get("skipped", [])
    if any(NO_BROWSER in str(report.longrepr) for report in skipped):
        terminalreporter.write_line(NO_BROWSER, red=True, bold=True)


@pytest.fixture(scope="session")
def browser():
    """A running chromium. Without one skip; with CI set fail, as a skip looks like a pass."""
    path = find_chromium()
    if path is None:
        if os.environ.get("CI"):
            pytest.fail(NO_BROWSER, pytrace=False)
        pytest.skip(NO_BROWSER)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=BROWSER_FLAGS)
        yield running
        running.close()
