"""One site of one store for all tests here, and a headless Chromium to look at it, where there is one."""

import os
import shutil
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from datacards.site.build import build
from datacards.store import Store
from tests.datacards.site.made import world

PAIR = ("texts@2026.11.21", "texts@2026.11.23")


@pytest.fixture(scope="session")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Path]:
    """Return a store with something of everything, and the folder of its site."""
    folder = tmp_path_factory.mktemp("site")
    store = world(Store(folder / "store"))
    build(store, folder / "out", differences=[(store.resolve(PAIR[0]), store.resolve(PAIR[1]))])
    return store, folder / "out"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Start a headless Chromium, or skip; it ends with the file, since no other event loop may run in its thread."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not path:
        pytest.skip("no Chromium is installed: apt-get install chromium")
    words = ["--no-sandbox"] if os.geteuid() == 0 else []  # its sandbox refuses to run for root
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=words)
        yield browser
        browser.close()


class Watched:
    """A page with what it asked for, and what it complained of."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.asked: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("console", lambda said: self.complaints.append(said.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append(dialog.message))


@pytest.fixture
def watched(chromium: Browser) -> Iterator[Watched]:
    """Return an empty page; fail afterwards when it asked for something elsewhere or complained."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, locale="en-US")
    context.set_default_timeout(10_000)
    found = Watched(context.new_page())
    yield found
    context.close()
    outside = [url for url in found.asked if not url.startswith(("file://", "http://127.0.0.1:", "data:"))]
    assert outside == []
    assert found.complaints == []


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def served(shown: tuple[Store, Path]) -> Iterator[str]:
    """Serve the site on loopback; return its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(shown[1]))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
