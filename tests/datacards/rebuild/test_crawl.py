"""Where nobody has the captures any more, the sources are crawled again, politely, and the same texts come out."""

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from datacards.cli import main
from datacards.rebuild.run import TOLD
from datacards.store import Store
from sample.world import World, serve
from tests.datacards.rebuild.small import corpus, downloaded, public
from tests.spiders.conftest import BASES, NOWHERE, Crawler


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """Serve the sample world."""
    with serve() as served:
        yield served


@pytest.mark.slow
def test_speeches_with_their_pdfs_come_back_from_another_crawl(
    world: World, store: Store, tmp_path: Path
) -> None:
    crawler = Crawler(store.root, {**dict.fromkeys(BASES, NOWHERE), **world.base_urls})
    done = crawler.run("boj_speeches", "-a", "since=2024-01-01", "-a", "until=2024-12-31")
    assert done.returncode in (0, 3), done.stderr
    ref = corpus(store, ["boj_speeches"])
    rows = [
        row
        for path in sorted((store.path(ref) / "markdown").glob("*"))
        for row in pq.read_table(path).to_pylist()
    ]
    assert any(row["url"].endswith(".pdf") for row in rows)
    folder = downloaded(store, public(store, str(ref)), tmp_path / "downloaded")

    other = Store(tmp_path / "other")
    settings = {
        "KANAGURA_BASE_URLS": json.dumps(crawler.base_urls),
        "DOWNLOAD_DELAY": "0",
        "LOG_LEVEL": "ERROR",
    }
    given = [word for name, value in settings.items() for word in ("-s", f"{name}={value}")]
    done_again = CliRunner().invoke(
        main, ["rebuild", str(folder), "--crawl", "--store", str(other.root), *given]
    )
    assert done_again.exit_code == 0, done_again.output
    assert "$ scrapy crawl boj_speeches -a" in done_again.output
    rebuilt = other.resolve("fin-public-rebuilt")
    told = pq.read_table(other.path(rebuilt, TOLD)).to_pylist()
    assert {row["outcome"] for row in told} == {"proven"}
    assert {row["format"] for row in told} >= {"markdown", "sections"}
    assert [one.name for one in other.card(rebuilt).made_from] == ["fin-public", "boj_speeches"]


def test_a_source_that_cannot_be_reached_is_named(store: Store, made: Store, tmp_path: Path) -> None:
    folder = downloaded(made, made.resolve("fin-public"), tmp_path / "downloaded")
    settings = [
        "-s",
        f"KANAGURA_BASE_URLS={json.dumps(dict.fromkeys(BASES, NOWHERE))}",
        "-s",
        "RETRY_TIMES=0",
    ]
    words = [
        "rebuild",
        str(folder),
        "--crawl",
        "--store",
        str(store.root),
        *settings,
        "-s",
        "LOG_LEVEL=ERROR",
    ]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 3, done.output
    assert "no version came of: boj_press_conferences, boj_speeches, institutions" in done.output
    assert "capture_missing" in done.output
