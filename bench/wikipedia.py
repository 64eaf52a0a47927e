"""The Wikipedia spider on dumps of two sizes, against a plain program that only counts the pages.

``python -m bench.wikipedia [FOLDER ...] [--megabytes N --megabytes M]`` crawls local folders of dump files; without any
it makes dumps of N and M megabytes of XML with their tables, of which the spider shall keep one article in fifty.
Shown: whether memory grows with the dump, and what the spider's work costs beyond unpacking and parsing (the peer
is ``bz2`` with ``xml.etree.iterparse``, as people write it).
"""

import bz2
import gzip
import json
import random
import tempfile
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from bench import measured

ROOT = Path(__file__).resolve().parent.parent
OURS = """
import os, sys
folder, store, root = sys.argv[1:]
os.chdir(root)
os.environ["KANAGURA_STORE"] = store
sys.argv = ["scrapy", "crawl", "wikipedia", "-a", f"folder={folder}", "-a", "version=2026.11.21", "-s", "LOG_LEVEL=ERROR"]
from scrapy.cmdline import execute
try:
    execute()
except SystemExit as end:
    if end.code:
        raise
"""
PEER = """
import bz2, sys
from pathlib import Path
from xml.etree.ElementTree import iterparse
(path,) = Path(sys.argv[1]).glob("*-pages-articles.xml.bz2")
count = 0
with bz2.open(path) as stream:
    for _, element in iterparse(stream):
        if element.tag.endswith("page"):
            count += 1
            element.clear()
print(count)
"""
KEPT = 50  # one article in so many is about finance
SIGNS = "金融市場経済物価賃金成長政策銀行投資収益資産負債株式債券為替の、はがをに。で"


@dataclass(frozen=True)
class Made:
    """What one crawl gave: pages in the dump, articles kept, bytes of the compressed dump."""

    pages: int
    articles: int
    size: int


def make(folder: Path, megabytes: int) -> None:
    """Write a dump of about so many megabytes of XML, with its three tables, in the form of MediaWiki 1.45."""
    folder.mkdir()
    chance = random.Random(7)
    texts = ["".join(chance.choices(SIGNS, k=chance.randint(300, 3000))) for _ in range(200)]
    categories = ["金融", *(f"分類{n}" for n in range(1, 1000))]
    pages, links, left, number = [], [], megabytes * 10**6, 2000
    with (folder / "jawiki-20261101-pages-articles.xml.bz2").open("wb") as out:
        packer = bz2.BZ2Compressor()
        out.write(packer.compress(b"<mediawiki>\n"))
        while left > 0:
            number += 1
            inside = 0 if number % KEPT == 0 else chance.randrange(1, 1000)
            page = (
                f"  <page>\n    <title>見本{number}</title>\n    <ns>0</ns>\n    <id>{number}</id>\n    <revision>\n"
                f"      <id>{number * 3}</id>\n      <timestamp>2026-10-11T01:02:03Z</timestamp>\n"
                f'      <text xml:space="preserve">{chance.choice(texts)}[[Category:{categories[inside]}]]</text>\n'
                "    </revision>\n  </page>\n"
            ).encode()
            left -= len(page)
            out.write(packer.compress(page))
            pages.append(f"({number},0,'見本{number}')")
            links.append(f"({number},'page',{inside + 1})")
        out.write(packer.compress(b"</mediawiki>\n") + packer.flush())
    pages += [f"({n + 1},14,'{name}')" for n, name in enumerate(categories)]
    targets = [f"({n + 1},14,'{name}')" for n, name in enumerate(categories)]
    for name, columns, rows in (
        ("page", ("page_id", "page_namespace", "page_title"), pages),
        ("linktarget", ("lt_id", "lt_namespace", "lt_title"), targets),
        ("categorylinks", ("cl_from", "cl_type", "cl_target_id"), links),
    ):
        declared = ",\n".join(f"  `{column}` varbinary(255)" for column in columns)
        with gzip.open(folder / f"jawiki-20261101-{name}.sql.gz", "wt", encoding="utf-8") as sql:
            sql.write(f"CREATE TABLE `{name}` (\n{declared}\n) ENGINE=InnoDB;\n")
            for at in range(0, len(rows), 5000):
                sql.write(f"INSERT INTO `{name}` VALUES {','.join(rows[at : at + 5000])};\n")  # noqa: S608  no server reads it


def read(store: Path, folder: Path) -> Made:
    """Return what the crawl's card says."""
    counts = json.loads((store / "wikipedia" / "2026.11.21" / "card.json").read_text())["counts"]
    size = sum(path.stat().st_size for path in folder.glob("*-pages-articles*"))
    return Made(counts["pages"], counts["articles"], size)


@click.command()
@click.argument("folders", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--megabytes", multiple=True, default=(10, 60), show_default=True, help="Of the dumps to make.")
def main(folders: tuple[Path, ...], megabytes: tuple[int, ...]) -> None:
    """Measure and print a table; the last line is one JSON object."""
    table = Table(
        "dump",
        "pages",
        "kept",
        "wall s",
        "pages/s",
        "MiB",
        "peer s",
        "ratio",
        "peer MiB",
        box=None,
        header_style="bold",
    )
    figures = {}
    with tempfile.TemporaryDirectory() as name:
        here = Path(name)
        for n in () if folders else megabytes:
            make(here / f"{n}MB", n)
        for folder in folders or [here / f"{n}MB" for n in megabytes]:
            store = here / "stores" / folder.name
            ours = measured(OURS, [str(folder.resolve()), str(store), str(ROOT)])
            peer = measured(PEER, [str(folder.resolve())])
            made = read(store, folder)
            row = figures[folder.name] = {
                "pages": made.pages,
                "articles": made.articles,
                "dump_bytes": made.size,
                "wall_s": round(ours.wall, 2),
                "pages_per_s": round(made.pages / ours.wall),
                "peak_mb": round(ours.peak, 1),
                "peer_wall_s": round(peer.wall, 2),
                "peer_peak_mb": round(peer.peak, 1),
                "ratio": round(ours.wall / peer.wall, 3),
            }
            shown = (
                "pages",
                "articles",
                "wall_s",
                "pages_per_s",
                "peak_mb",
                "peer_wall_s",
                "ratio",
                "peer_peak_mb",
            )
            table.add_row(folder.name, *(f"{row[key]:,}" for key in shown))
    Console().print(table)
    peaks = [row["peak_mb"] for row in figures.values()]
    last = list(figures.values())[-1]
    told = {key: last[key] for key in ("ratio", "pages_per_s", "peak_mb")}
    click.echo(json.dumps({"dumps": figures, **told, "growth_mb": round(peaks[-1] - peaks[0], 1)}))


if __name__ == "__main__":
    main()
