"""A crawl that is killed goes on where it stopped: nothing is lost, nothing is fetched twice."""

import shutil
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

from corpus.captures import read_captures
from datacards.store import Store
from sample.world import World
from spiders.warc import Segments
from tests.spiders.conftest import ROOT, Crawler

ABOUT_HOST = {"/robots.txt", "/.well-known/tdmrep.json"}
WORDS = ("boj_speeches", "-a", "since=2024-01-01", "-a", "version=2026.11.21")


def captured(store: Path) -> set[tuple[str, str]]:
    folder = Store(store).path(Store(store).resolve("boj_speeches"))
    return {(c.url, c.sha256) for c in read_captures(folder)}


def test_a_killed_crawl_resumes_to_the_same_captures(crawler: Crawler, world: World) -> None:
    whole = Crawler(crawler.store.with_name("whole"), crawler.base_urls)
    assert whole.run(*WORDS).returncode == 0

    before = len(world.requests)
    process = subprocess.Popen(
        crawler.command(*WORDS, "-s", "DOWNLOAD_DELAY=0.05", "-s", "LOG_LEVEL=ERROR"),
        cwd=ROOT,
        env=crawler.environment(),
    )
    while len(world.requests) < before + 20 and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert Store(crawler.store).refs() == []
    killed = len(world.requests)
    draft = shutil.copytree(
        crawler.store / ".drafts" / "boj_speeches@2026.11.21", crawler.store.with_name("draft")
    )
    with Segments(draft) as segments:
        good = [row["url"] for row in segments.rows if not row["problem"]]  # the others are asked again
        kept = {url.removeprefix(world.base_urls["boj"]) for url in good}
    assert crawler.run(*WORDS).returncode == 0

    assert captured(crawler.store) == captured(whole.store)
    asked_before = {path for _, path in world.requests[before:killed]} - ABOUT_HOST
    asked_again = Counter(path for _, path in world.requests[killed:])
    assert kept.isdisjoint(asked_again)
    assert max(asked_again.values()) == 1
    assert len(asked_before - kept) <= 4  # on their way when the process was killed: CONCURRENT_REQUESTS


def test_a_crawl_that_is_asked_to_stop_goes_on_later(crawler: Crawler, world: World) -> None:
    before = len(world.requests)
    with subprocess.Popen(
        crawler.command(*WORDS, "-s", "DOWNLOAD_DELAY=0.05", "-s", "LOG_LEVEL=ERROR"),
        cwd=ROOT,
        env=crawler.environment(),
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while len(world.requests) < before + 10 and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()
    assert process.returncode == 1
    assert "goes on where it stopped" in said
    assert Store(crawler.store).refs() == []
    assert crawler.run(*WORDS).returncode == 0


def test_a_crawl_stopped_before_midnight_goes_on_under_its_own_version(
    crawler: Crawler, world: World
) -> None:
    """Without ``-a version`` the version is the day; the draft of an equal request of another day goes first."""
    before = len(world.requests)
    yesterday = ("boj_speeches", "-a", "since=2026-01-01", "-a", "version=2026.01.02")
    process = subprocess.Popen(
        crawler.command(*yesterday, "-s", "DOWNLOAD_DELAY=0.05", "-s", "LOG_LEVEL=ERROR"),
        cwd=ROOT,
        env=crawler.environment(),
    )
    while len(world.requests) < before + 8 and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = crawler.run("boj_speeches", "-a", "since=2026-01-01")
    assert done.returncode == 0
    assert "going on with the stopped crawl boj_speeches@2026.01.02" in done.stdout
    assert [str(ref) for ref in Store(crawler.store).refs()] == ["boj_speeches@2026.01.02"]
