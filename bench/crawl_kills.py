"""Crawls that are killed with SIGKILL at random moments: what is lost, what is fetched or written twice.

``python -m bench.crawl_kills [--kills N] [--seed S]`` crawls the speeches of the sample world. Each store sees five kills
in a row, at moments drawn from the whole run, its start and its end included; then the crawl may end. A capture counts
as finished when the crawl's log has said so. The peer is a crawl that nobody disturbed: the same captures, byte for byte.
"""

import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed

from corpus.captures import read_captures
from datacards.store import Store
from sample.world import World, serve

SPIDER, VERSION = "boj_speeches", "2026.11.21"
ROUND = 5  # kills of one store
GOOD = ("200", "301")
_CAPTURED = re.compile(r"captured (http\S+)")


@dataclass
class Tally:
    """What a number of kills has shown; ``lost`` to ``differing`` must be 0."""

    kills: int = 0
    finished: int = 0  # captures that a killed run had reported
    lost: int = 0  # of these, not in the segments afterwards
    asked_again: int = 0  # of these, requested again by a later run
    duplicates: int = 0  # addresses with more than one good record in the finished version
    missing: int = 0  # captures of the undisturbed crawl that the finished version lacks
    differing: int = 0  # captures that differ from those of the undisturbed crawl
    moments: list[float] = field(default_factory=list)  # seconds after the start


def start(store: Path, world: World, log: Path) -> subprocess.Popen[bytes]:
    """Start the crawl into ``store``; its log is appended to ``log``."""
    words = [
        str(Path(sys.executable).with_name("scrapy")), "crawl", SPIDER,
        "-a", "since=2005-01-01", "-a", f"version={VERSION}",
        "-s", f"KANAGURA_BASE_URLS={json.dumps(dict(world.base_urls))}",
        "-s", "DOWNLOAD_DELAY=0.005", "-s", "AUTOTHROTTLE_ENABLED=False", "-s", "LOG_LEVEL=DEBUG",
        "-s", "KANAGURA_RETRY_WAIT=0", "-s", "CONCURRENT_REQUESTS_PER_DOMAIN=4",
    ]  # fmt: skip
    environment = {**os.environ, "KANAGURA_STORE": str(store)}
    root = Path(__file__).resolve().parent.parent
    with log.open("ab") as stream:
        return subprocess.Popen(words, cwd=root, env=environment, stdout=stream, stderr=stream)


def records(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the address and the HTTP status of each capture in segments that may end anywhere, read by warcio."""
    for path in sorted(folder.glob("warc/*.warc.gz")):
        with path.open("rb") as stream:
            try:
                for record in ArchiveIterator(stream):
                    if record.rec_type in ("response", "revisit"):
                        yield (
                            record.rec_headers.get_header("WARC-Target-URI"),
                            record.http_headers.get_statuscode(),
                        )
            except (ArchiveLoadFailed, EOFError):
                return  # the record that the kill cut off


def captured(store: Path) -> dict[str, str]:
    """Return the SHA-256 of every capture of the finished version, by address."""
    versions = Store(store)
    return {c.url: c.sha256 for c in read_captures(versions.path(versions.resolve(SPIDER)))}


@dataclass
class Victim:
    """One store whose crawl is killed; ``reported`` are the addresses that were said to be captured."""

    store: Path
    world: World
    reported: set[str] = field(default_factory=set)
    good: set[str] = field(
        default_factory=set
    )  # of these, what is no error page: those are asked for again on purpose

    def disturb(self, moment: float, tally: Tally) -> bool:
        """Kill a run at ``moment`` (seconds after its start); return False when it was quicker."""
        log, before = self.store.with_suffix(".log"), len(self.world.requests)
        log.unlink(missing_ok=True)
        process = start(self.store, self.world, log)
        time.sleep(moment)
        process.send_signal(signal.SIGKILL)
        if process.wait() != -signal.SIGKILL:
            return False
        tally.kills += 1
        tally.moments.append(moment)
        tally.asked_again += self.again(before)
        new = set(_CAPTURED.findall(log.read_text("utf-8", "replace")))
        tally.finished += len(new - self.reported)
        self.reported |= new
        draft, final = self.store / ".drafts" / f"{SPIDER}@{VERSION}", self.store / SPIDER / VERSION
        found = dict(records(draft)) or dict(records(final))
        tally.lost += len(self.reported - found.keys())
        self.good = {url for url in self.reported if found.get(url) in GOOD}
        return True

    def again(self, before: int) -> int:
        """Return how many good captures were asked for again since the world had seen so many requests."""
        return len(
            {path for _, path in self.world.requests[before:]}
            & {"/" + url.split("/", 3)[3] for url in self.good}
        )

    def judge(self, whole: dict[str, str], tally: Tally) -> None:
        """Let the crawl end and hold what it made against the undisturbed one."""
        before = len(self.world.requests)
        if start(self.store, self.world, self.store.with_suffix(".log")).wait() not in (0, 3):
            raise SystemExit(self.store.with_suffix(".log").read_text("utf-8", "replace"))
        tally.asked_again += self.again(before)
        counted = Counter(records(self.store / SPIDER / VERSION))
        tally.duplicates += sum(number > 1 for (_, status), number in counted.items() if status in GOOD)
        made = captured(self.store)
        tally.missing += len(whole.keys() - made.keys())
        tally.differing += sum(whole[url] != sha256 for url, sha256 in made.items() if url in whole)


def run(kills: int, seed: int, folder: Path) -> Tally:
    """Kill crawls below ``folder`` until there were so many kills."""
    tally, chance = Tally(), random.Random(seed)
    with serve() as world:
        begun = time.monotonic()
        if start(folder / "whole", world, folder / "whole.log").wait() not in (0, 3):
            raise SystemExit((folder / "whole.log").read_text("utf-8", "replace"))
        longest, whole, number = time.monotonic() - begun, captured(folder / "whole"), 0
        while tally.kills < kills:
            store, number = folder / f"store-{number}", number + 1
            victim = Victim(store, world)
            for _ in range(min(ROUND, kills - tally.kills)):
                if not victim.disturb(chance.uniform(0.0, longest), tally):
                    break
            victim.judge(whole, tally)
    return tally


@click.command()
@click.option("--kills", default=10, show_default=True, help="How many runs are killed.")
@click.option("--seed", default=1, show_default=True, help="Of the moments.")
def main(kills: int, seed: int) -> None:
    """Kill crawls at random moments and print what that did."""
    with tempfile.TemporaryDirectory() as folder:
        tally = run(kills, seed, Path(folder))
    table = Table("", "number", box=None)
    figures = {one.name: getattr(tally, one.name) for one in fields(tally) if one.name != "moments"}
    for name, number in figures.items():
        table.add_row(name.replace("_", " "), f"{number:,}")
    Console().print(table)
    Console().print(f"Moments: {min(tally.moments):.2f} to {max(tally.moments):.2f} s after the start.")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
