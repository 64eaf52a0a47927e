"""A bank of one list and a few speeches, for tests that serve every page of a site themselves."""

import json
import subprocess

from corpus.captures import read_captures
from corpus.document import Capture
from datacards.card import Card
from datacards.store import Store
from tests.spiders.conftest import Crawler

INDEX = "/about/press/koen_2024/index.htm"
PAGE = "/about/press/koen_2024/ko240105a.htm"
WORDS = (
    "boj_speeches",
    "-a",
    "since=2024-01-01",
    "-a",
    "until=2024-12-31",
    "-a",
    "languages=ja",
    "-a",
    "version=2026.11.21",
)
HTML = {"Content-Type": "text/html; charset=UTF-8"}


def index(*names: str) -> tuple[int, dict[str, str], bytes]:
    links = "".join(f'<li><a href="{name}">【挨拶】見本</a></li>' for name in names)
    return 200, HTML, f"<html><body><main><ul>{links}</ul></main></body></html>".encode()


def page(text: str = "本文", **headers: str) -> tuple[int, dict[str, str], bytes]:
    return 200, {**HTML, **headers}, f"<html><body><main><h1>{text}</h1></main></body></html>".encode()


def lines(done: subprocess.CompletedProcess[str]) -> str:
    """Return the last line of stderr; there must be no traceback."""
    assert "Traceback" not in done.stderr
    return done.stderr.strip().splitlines()[-1]


def speech(day: int) -> str:
    """Return the path of the speech of one day."""
    return PAGE.replace("0105", f"01{day:02d}")


def speeches(*days: int) -> tuple[int, dict[str, str], bytes]:
    """Return the list of the speeches of these days."""
    return index(*(speech(day).rsplit("/", 1)[-1] for day in days))


def made(crawler: Crawler, version: str = "") -> tuple[Card, dict[str, Capture]]:
    """Return the card and the captures, by path, of a version in a crawler's store (the newest unless named)."""
    store = Store(crawler.store)
    ref = store.resolve("boj_speeches" + (f"@{version}" if version else ""))
    base = crawler.base_urls["boj"]
    return store.card(ref), {c.url.removeprefix(base): c for c in read_captures(store.path(ref))}


def failures(crawler: Crawler) -> dict[str, str]:
    """Return what the newest version says of pages that were not captured: path -> reason."""
    store = Store(crawler.store)
    path = store.path(store.resolve("boj_speeches")) / "failures.jsonl"
    rows = map(json.loads, path.read_text("utf-8").splitlines()) if path.exists() else ()
    return {row["url"].removeprefix(crawler.base_urls["boj"]): row["reason"] for row in rows}
