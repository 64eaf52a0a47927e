"""Facts about versions that grow for many days: nothing earlier is lost, and order within a day does not matter."""

import json
import shutil
from datetime import date
from pathlib import Path

import pytest

from corpus import shards, verdicts
from corpus.document import Capture, Document, Drop
from corpus.duplicates.index import Signer, index_of
from corpus.duplicates.near import find
from corpus.engine import Local
from corpus.extract import extract
from corpus.prepare import document_rows, schema
from corpus.times.leaks import leaks
from corpus.write import Writer, plan, write_shard
from datacards.errors import UserError
from datacards.store import Store
from tests.corpus.test_extends import asked, later, rows
from tests.corpus.test_run import build, capture, crawl, page, recipe, sentences, speeches


def short(number: int) -> Capture:
    return capture(f"about/press/koen_2024/data/ko24800{number}a.htm", page("短い", f"短い{number}。"))


def test_days_that_bring_only_drops_lose_nothing(store: Store) -> None:
    crawl(store, "boj_speeches", speeches(2))
    crawl(store, "boj_speeches", [short(1)], "2026.11.22")
    crawl(store, "boj_speeches", [short(2)], "2026.11.23")
    build(store, asked("2026.11.21", "21"))
    build(store, asked("2026.11.22", "22", extends="fin@2026.11.21"))
    _, card = build(store, asked("2026.11.23", "23", extends="fin@2026.11.22"))
    left = rows(store, store.resolve("fin"), "dropped")
    assert {row["url"] for row in left} == {short(1).url, short(2).url}
    assert len(left) == sum(card.drops.values())


def test_what_resembles_several_earlier_documents_goes_to_the_one_that_one_run_names(store: Store) -> None:
    """Inside a version the day of publication decides, not the order of addresses."""
    paragraphs = [sentences(100 + n, 4) for n in range(12)]

    def speech(name: str, day: str, *lacking: int) -> Capture:
        text = [one if n not in lacking else sentences(700 + n, 4) for n, one in enumerate(paragraphs)]
        path = f"about/press/koen_2024/data/ko24{name}.htm"
        return capture(path, page("【講演】景気の現状", *text), published_at=f"2024-{day[:2]}-{day[2:]}")

    crawl(store, "boj_speeches", [speech("0001a", "0502", 0, 1), speech("0002a", "0501", 10, 11)])
    crawl(store, "boj_speeches", [speech("0003a", "0601")], "2026.11.22")
    build(store, asked("2026.11.21", "21"))
    build(store, asked("2026.11.22", "22", extends="fin@2026.11.21"))
    build(store, asked("2026.11.23", "21", "22"))
    grown, whole = (rows(store, store.resolve(f"fin@2026.11.{day}"), "dropped") for day in (22, 23))
    assert grown == whole != []


def test_a_version_without_texts_in_markdown_cannot_be_extended_and_says_so(store: Store) -> None:
    crawl(store, "boj_speeches", speeches(2))
    crawl(store, "boj_speeches", later(1), "2026.11.22")
    build(store, asked("2026.11.21", "21", formats=["sections"]))
    with pytest.raises(UserError, match=r"extends fin@2026.11.21, which has no format markdown"):
        build(store, asked("2026.11.22", "22", formats=["sections"], extends="fin@2026.11.21"))


def held(folder: Path, *tests: str, policy: str = "mark") -> dict[str, object]:
    """Return options for tests of our own, each with one item: what the first speech says."""
    folder.mkdir(exist_ok=True)
    for name in tests:
        (folder / f"{name}.jsonl").write_text(json.dumps({"question": sentences(0, 6)}), encoding="utf-8")
    return {
        "tests": tests,
        "folder": str(folder),
        "policy": policy,
        "minimum_coverage": 0.95,
        "minimum_run": 1000,
    }


def test_a_version_may_ask_for_fewer_tests_than_the_one_that_it_extends(store: Store, tmp_path: Path) -> None:
    crawl(store, "boj_speeches", speeches(2))
    crawl(store, "boj_speeches", later(1), "2026.11.22")
    build(store, asked("2026.11.21", "21", decontamination=held(tmp_path / "tests", "one", "two")))
    fewer = held(tmp_path / "tests", "one")
    folder, card = build(store, asked("2026.11.22", "22", decontamination=fewer, extends="fin@2026.11.21"))
    assert card.counts["test_items_touched"] == 1
    assert [row["test"] for row in shards.read(folder / "tests.parquet")] == ["one"]


@pytest.mark.parametrize("policy", ["mark", "drop", "cut"])
def test_what_decontamination_took_away_is_no_leak(store: Store, tmp_path: Path, policy: str) -> None:
    """The report speaks of documents as they were searched, also of those that left or were cut."""
    crawl(store, "boj_speeches", speeches(3))
    chosen = held(tmp_path / "tests", "one", policy=policy)
    folder, card = build(store, asked("2026.11.21", "21", decontamination=chosen, as_of="2026-11-21"))
    assert card.counts["test_items_touched"] == 1
    assert leaks(folder, date(2026, 11, 21)) == []


def test_a_shard_whose_index_was_moved_before_a_kill_is_written_again(tmp_path: Path) -> None:
    options = recipe().dedup
    documents = [one for one in extract(speeches(1)[0]) if isinstance(one, Document)]
    chunk, work = tmp_path / "00000.parquet", tmp_path / "work"
    shards.write(chunk, document_rows(documents, Signer(options)), schema(options))
    verdicts.save(work, find(index_of([chunk], []), options, work / "near", Local(1)), None, None)
    [shard] = plan([chunk], 1000, 0, 0)
    writer = Writer({"markdown": {}}, None, options, work / "out", work)
    write_shard(shard, writer=writer)
    made = {path: path.read_bytes() for path in writer.out.rglob("*.parquet")}
    assert {path.parent.name for path in made} == {"markdown", "index"}
    shutil.rmtree(writer.out / "index")
    write_shard(shard, writer=writer)
    assert {path: path.read_bytes() for path in writer.out.rglob("*.parquet")} == made


def test_what_left_counts_in_the_size_of_a_shard_like_what_stays(tmp_path: Path) -> None:
    """A job holds both in memory; a corpus of which nearly everything leaves is no exception."""
    options = recipe().dedup
    [document] = [one for one in extract(speeches(1)[0]) if isinstance(one, Document)]
    left = [{"drop": shards.drop_row(Drop("other_language"), "language", document)}] * 10
    paths = [tmp_path / f"{n}.parquet" for n in range(3)]
    for path in paths:
        shards.write(path, [*left, *document_rows([document], Signer(options)), *left], schema(options))
    found = plan(paths, 4 * document.n_chars, 7, 20)
    sizes = [sum(one.stop - one.start for one in shard.stretches) for shard in found]
    assert sizes == [4] * 15 + [3]
    assert [shard.number for shard in found] == list(range(7, 23))
    assert [shard.first for shard in found] == [20] * 3 + [21] * 5 + [22] * 6 + [23] * 2
