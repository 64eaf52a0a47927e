"""Crawling: a spider with the whole capture pipeline against a bare Scrapy spider that throws every body away.

``python -m bench.crawl_speed [--pages N] [--repeat R] [--memory N ...]`` serves a site of N pages (Japanese HTML, about
16 KB each, a list of 100 links between them) on loopback and crawls it with both, in turn, as fast as they can: no
delay, no throttling, 16 requests at a time, the same links followed with the same selector. ``ratio`` is that to a bare
spider as Scrapy comes; ``ratio_tuned`` that to one with our CONCURRENT_ITEMS of 1 (Scrapy starts 100 tasks for the output
of every response): what is left of it then is the price of capturing. Ours also asks for
robots.txt and the TDMRep file, reads the signals of each page, hashes, packs and writes WARC records, indexes them and
finishes a version with its card. ``--memory`` crawls sites of other sizes with ours and prints the peak of each.
"""

import asyncio
import json
import multiprocessing
import random
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from bench import Cost, measured

LINKS = 100  # documents on one list

BARE = """
import sys
import scrapy
from scrapy.crawler import CrawlerProcess

class Bare(scrapy.Spider):
    name = "bare"

    async def start(self):
        yield scrapy.Request(sys.argv[1] + "/list/0.html")

    def parse(self, response):
        for link in response.xpath("//a[@href]"):
            yield scrapy.Request(response.urljoin(link.attrib["href"]))

process = CrawlerProcess({
    "CONCURRENT_REQUESTS": 16, "CONCURRENT_REQUESTS_PER_DOMAIN": 16, "LOG_LEVEL": "ERROR", "TELNETCONSOLE_ENABLED": False,
    "DOWNLOAD_DELAY": 0, "COOKIES_ENABLED": False, "CONCURRENT_ITEMS": int(sys.argv[2]),
})
process.crawl(Bare)
process.start()
"""
OURS = """
import json, os, sys
os.environ["KANAGURA_STORE"] = sys.argv[2]
from scrapy.crawler import CrawlerProcess
from scrapy.utils.project import get_project_settings
from spiders.base import CaptureSpider

class Pages(CaptureSpider):
    name = "pages"
    license = "CC-BY-SA-4.0"
    bases = ("site",)

    def first(self):
        yield self.ask(self.addresses.url("site", "/list/0.html"), {"kind": "index"}, self.links, vital=True)

    def links(self, response, errand):
        for link in response.xpath("//a[@href]"):
            url = response.urljoin(link.attrib["href"])
            yield self.ask(url, {"kind": "index" if "/list/" in url else "page"}, self.links)

settings = get_project_settings()
settings.update({
    "KANAGURA_BASE_URLS": {"site": sys.argv[1]}, "CONCURRENT_REQUESTS": 16, "CONCURRENT_REQUESTS_PER_DOMAIN": 16,
    "LOG_LEVEL": "ERROR", "DOWNLOAD_DELAY": 0, "AUTOTHROTTLE_ENABLED": False,
})
process = CrawlerProcess(settings)
process.crawl(Pages)
process.start()
"""
SENTENCES = (
    "日本銀行は、金融政策決定会合において、次回会合までの金融市場調節方針を維持することを決定した。",
    "消費者物価の前年比は、既往の輸入物価上昇を起点とする価格転嫁の影響が減衰するもとで、緩やかに伸びを高めている。",
    "当行グループの連結業務粗利益は、資金利益の増加を主因に、前年同期比で百二十三億円増加した。",
    "設備投資は、企業収益が改善し、業況感が良好な水準を維持するもとで、緩やかな増加傾向にある。",
)
VARIANTS = 256  # bodies that are made before the crawl; a page is one of them with its own title


class _Site(asyncio.Protocol):
    """A web server that does no more than it must, so that the crawlers are what is measured."""

    def __init__(self, pages: int) -> None:
        self.pages = pages
        self.waiting = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  a stream protocol has no other
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.waiting += data
        while b"\r\n\r\n" in self.waiting:
            head, self.waiting = self.waiting.split(b"\r\n\r\n", 1)
            self.transport.write(answer(head.split(b" ", 2)[1].decode(), self.pages))


def answer(path: str, pages: int) -> bytes:
    """Return the response of the site to one path."""
    folder, _, name = path.strip("/").partition("/")
    number = name.removesuffix(".html")
    if not number.isdecimal() or folder not in ("list", "page"):
        return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    body = _list(int(number), pages) if folder == "list" else page(int(number))
    head = f'HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=UTF-8\r\nETag: "{path}"\r\nContent-Length: {len(body)}\r\n\r\n'
    return head.encode() + body


def _list(number: int, pages: int) -> bytes:
    first, last = number * LINKS, min((number + 1) * LINKS, pages)
    links = "".join(f'<li><a href="/page/{n}.html">第{n}回の資料</a></li>' for n in range(first, last))
    following = f'<a href="/list/{number + 1}.html">次へ</a>' if last < pages else ""
    return f"<html><head><title>一覧</title></head><body><ul>{links}</ul>{following}</body></html>".encode()


@cache
def _paragraphs(variant: int) -> str:
    """Return some 16 KB of markup that packs to about a quarter, as pages of reports do."""
    chance = random.Random(variant)
    signs = sorted({*"".join(SENTENCES)})
    return "".join(
        f"<p>{chance.choice(SENTENCES)}{''.join(chance.choices(signs, k=28))}{chance.randrange(10**9):,}百万円。</p>"
        for _ in range(60)
    )


def page(number: int) -> bytes:
    """Return one page of the site."""
    body = _paragraphs(number % VARIANTS)
    return f"<html lang='ja'><head><meta charset='UTF-8'><title>第{number}回</title></head><body>{body}</body></html>".encode()


def _serve(pages: int, pipe: Connection) -> None:
    for variant in range(VARIANTS):
        page(variant)

    async def run() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Site(pages), "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


@contextmanager
def site(pages: int) -> Iterator[str]:
    """Serve a site of so many pages in a process of its own; yield its address."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(pages, theirs), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.kill()
        process.join()


#: Crawler -> its code and the words for it behind the address of the site.
CRAWLERS = {"bare": (BARE, "100"), "bare, tuned": (BARE, "1"), "kanagura": (OURS, "")}


def crawl(name: str, base: str, pages: int) -> Cost:
    """Crawl the site with one of them; SystemExit when ours did not capture every page once."""
    code, word = CRAWLERS[name]
    with tempfile.TemporaryDirectory() as folder:
        cost = measured(code, [base, word or folder])
        if code is OURS:
            card = json.loads(next(Path(folder).glob("pages/*/card.json")).read_text("utf-8"))
            if (card["counts"]["kind page"], card["counts"]["incomplete"]) != (pages, 0):
                raise SystemExit(f"captured {card['counts']['kind page']} of {pages} pages")
        return cost


@click.command()
@click.option("--pages", default=3000, show_default=True, help="Pages of the site.")
@click.option("--repeat", default=3, show_default=True, help="Runs of each, in turn.")
@click.option(
    "--memory", multiple=True, type=int, help="Also crawl a site of so many pages; may be repeated."
)
def main(pages: int, repeat: int, memory: tuple[int, ...]) -> None:
    """Crawl one site with both, in turn, and print pages per second, CPU and memory."""
    costs: dict[str, list[Cost]] = {name: [] for name in CRAWLERS}
    with site(1) as base:
        start = {name: crawl(name, base, 1).wall for name in CRAWLERS}
    with site(pages) as base:
        for _ in range(repeat):
            for name, runs in costs.items():
                runs.append(crawl(name, base, pages))
    table = Table("crawler", "pages/s", "pages/s, lowest to highest", "CPU s", "peak MiB", box=None)
    speed = {}
    for name, runs in costs.items():
        speeds = sorted(pages / (cost.wall - start[name]) for cost in runs)
        speed[name] = statistics.median(speeds)
        spread = f"{speeds[0]:,.0f} to {speeds[-1]:,.0f}"
        cpu, peak = (statistics.median(getattr(cost, what) for cost in runs) for what in ("cpu", "peak"))
        table.add_row(name, f"{speed[name]:,.0f}", spread, f"{cpu:,.1f}", f"{peak:,.0f}")
    peaks = {}
    for number in memory:
        with site(number) as base:
            peaks[number] = crawl("kanagura", base, number).peak
        table.add_row(f"kanagura, {number:,} pages", "", "", "", f"{peaks[number]:,.0f}")
    Console().print(table)
    Console().print(
        f"Times are without start and end: {start['bare']:.1f} and {start['kanagura']:.1f} s for a site of one page."
    )
    figures = {
        "ratio": round(speed["kanagura"] / speed["bare"], 3),
        "ratio_tuned": round(speed["kanagura"] / speed["bare, tuned"], 3),
        "pages_per_s": round(speed["kanagura"], 1),
        "bare_pages_per_s": round(speed["bare"], 1),
        "peak_mb": round(max(cost.peak for cost in costs["kanagura"]), 1),
        **{f"peak_mb_{number}": round(peak, 1) for number, peak in peaks.items()},
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
