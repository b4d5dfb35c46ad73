"""The rendered book in a browser: light, dark, phone width; from the disk and served."""

import functools
import http.server
import threading

import pytest
from test_site import PAGES

MODES = {
    "light": {"viewport": {"width": 1300, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1300, "height": 900}, "color_scheme": "dark"},
    "phone": {
        "viewport": {"width": 390, "height": 844},
        "is_mobile": True,
        "has_touch": True,
        "device_scale_factor": 2,
    },
}
# `preload` makes axe itself read the style sheets again, which a page from the disk may not.
AXE = {"preload": False, "resultTypes": ["violations"]}
SETTLED = "() => window.MathJax?.startup?.promise?.then(() => true) ?? true"


@pytest.fixture(scope="session")
def contexts(browser):
    """One browser context for each mode, so that a page's files are read once."""
    # Without reduced motion a button caught in its change of colour fails on contrast.
    opened = {
        mode: browser.new_context(reduced_motion="reduce", **settings)
        for mode, settings in MODES.items()
    }
    yield opened
    for context in opened.values():
        context.close()


@pytest.fixture(scope="session")
def address(site):
    """The address of a local server of the site."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    handler = functools.partial(Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def visit(context, base, name):
    """Open a page; return it with everything that went wrong on the way."""
    page = context.new_page()
    wrong = []

    def heard(message):
        if message.type == "error":
            wrong.append(message.text)

    def asked(request):
        if not request.url.startswith((base, "data:", "blob:")):
            wrong.append(f"another host: {request.url}")

    def failed(request):
        # The browser itself may give up the icon; test_site checks that the file is there.
        if request.failure != "net::ERR_ABORTED" or "favicon" not in request.url:
            wrong.append(f"not loaded: {request.url} ({request.failure})")

    def answered(response):
        if response.status >= 400:
            wrong.append(f"{response.status}: {response.url}")

    page.on("console", heard)
    page.on("request", asked)
    page.on("response", answered)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("requestfailed", failed)
    page.goto(f"{base}/{name}.html")
    page.evaluate(SETTLED)
    return page, wrong


def serious(page):
    """Return the serious and critical accessibility findings of axe."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, options=AXE).response["violations"]
    return [
        (item["id"], [node["html"][:120] for node in item["nodes"][:3]])
        for item in found
        if item["impact"] in {"serious", "critical"}
    ]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", PAGES)
def test_page_from_the_disk(site, contexts, name, mode):
    page, wrong = visit(contexts[mode], site.as_uri(), name)
    try:
        assert wrong == []
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= MODES[mode]["viewport"]["width"], "the page scrolls sideways"
        assert page.evaluate("document.documentElement.dataset.theme") == (
            "dark" if mode == "dark" else "light"
        )
        assert serious(page) == []
    finally:
        page.close()


@pytest.mark.parametrize("name", PAGES)
def test_page_from_a_server(contexts, address, name):
    page, wrong = visit(contexts["light"], address, name)
    try:
        assert wrong == []
        broken = page.eval_on_selector_all(
            "img", "images => images.filter(i => !i.naturalWidth).map(i => i.src)"
        )
        assert broken == []
    finally:
        page.close()


def test_search_works_from_the_disk(site, contexts):
    page, wrong = visit(contexts["light"], site.as_uri(), "search")
    try:
        page.goto(f"{site.as_uri()}/search.html?q=survival")
        page.wait_for_selector("#search-results ul.search li a", timeout=10_000)
        assert wrong == []
    finally:
        page.close()
