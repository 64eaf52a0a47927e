"""Facts about a run: what a version holds, that it counts everything, that it can be killed and repeated."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import datasets
import pyarrow.parquet as pq
import pytest

from corpus import shards
from corpus.captures import read_captures
from corpus.document import Capture, Document, Fact
from corpus.duplicates.index import Signer, index_of
from corpus.duplicates.near import find
from corpus.engine import Local
from corpus.extract import extract
from corpus.prepare import CHUNK, Plan, chunks, document_rows, read_chunk, schema, write_chunks
from corpus.recipe import CorpusRecipe
from corpus.run import inputs, run
from corpus.shards import DOCUMENT, read, read_documents
from datacards.card import Card, Ref
from datacards.errors import UserError
from datacards.store import Store
from spiders.warc import Segments
from tests.forked import Forks, forks

NUMBERS = "〇一二三四五六七八九"
OPINIONS = ["前向き", "慎重", "着実", "緩やか", "急速", "不確実", "安定的", "段階的", "大胆", "冷静"]
SUBJECTS = [
    "輸出",
    "生産",
    "個人消費",
    "設備投資",
    "住宅投資",
    "公共投資",
    "雇用",
    "賃金",
    "物価",
    "為替相場",
    "長期金利",
    "貸出",
]


def kanji(number: int) -> str:
    return "".join(NUMBERS[int(digit)] for digit in str(number))


def sentences(seed: int, count: int = 14) -> str:
    """Return Japanese sentences that differ from seed to seed."""
    return "".join(
        f"{SUBJECTS[(seed * 5 + n * 7) % 12]}の動きは{OPINIONS[(seed + n * 3) % 10]}であり、"
        f"第{kanji(seed * 31 + n)}回の調査でも{SUBJECTS[(seed + n) % 12]}との関係が{kanji(seed * n + 7)}件確かめられた。"
        for n in range(count)
    )


def page(title: str, *paragraphs: str) -> bytes:
    body = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    skin = (
        '<nav><a href="/">ホーム</a></nav><div id="contents"><h1>{0}</h1>{1}</div>'
        "<footer>Copyright Bank of Japan All Rights Reserved.</footer>"
    )
    return f'<!doctype html><html lang="ja"><head><meta charset="utf-8"><title>{title}</title></head><body>{skin.format(title, body)}</body></html>'.encode()


def capture(path: str, body: bytes, *, status: int = 200, media: str = "text/html", **meta: str) -> Capture:
    return Capture(
        url=f"https://www.boj.or.jp/{path}",
        source="boj_" + meta.get("kind", "speech"),
        fetched_at=datetime(2026, 11, 21, 3, 0, tzinfo=UTC),
        status=status,
        headers=(("Content-Type", f"{media}; charset=utf-8"),),
        media_type=media,
        body=body,
        license="BOJ-terms",
        meta=meta,
    )


def crawl(store: Store, name: str, captures: list[Capture], version: str = "2026.11.21") -> Ref:
    """Finish a captures version as a spider does."""
    request = {"name": name, "version": version, "kind": "captures", "recipe": {"spider": name}}
    with store.write(**request) as draft, Segments(draft.path) as segments:  # type: ignore[arg-type]
        for one in captures:
            segments.write(one)
        segments.close(index=True)
    return store.resolve(f"{name}@{version}")


def speeches(count: int) -> list[Capture]:
    return [
        capture(
            f"about/press/koen_2024/data/ko24{n:04d}a.htm",
            page(f"【講演】金融経済情勢 第{n}回", *(sentences(n * 10 + part) for part in range(3))),
        )
        for n in range(count)
    ]


def troubles() -> list[Capture]:
    """Return captures that must leave, each for its own reason, and a copy and a near copy of a speech."""
    first = "【講演】金融経済情勢 第1回"
    same = [sentences(10 + part) for part in range(3)]
    return [
        capture("about/press/koen_2024/data/ko249001a.htm", page(first, *same)),
        capture(
            "about/press/koen_2024/data/ko249002a.htm", page(first, *same, "本日はありがとうございました。")
        ),
        capture("about/press/koen_2024/data/ko249003a.htm", page("短い", "短い。")),
        capture("about/press/koen_2024/data/ko249004a.htm", b"<html><p>not found</p></html>", status=404),
        capture("about/press/koen_2024/data/ko249005a.pdf", b"%PDF-1.7\nbroken", media="application/pdf"),
    ]


def conference() -> Capture:
    turns = [
        line
        for n in range(3)
        for line in (f"（問） {sentences(500 + n, 1)}", f"（答） {sentences(600 + n, 4)}")
    ]
    return capture(
        "about/press/kaiken_2024/kk240101a.htm", page("総裁記者会見要旨", *turns), kind="press_conference"
    )


def recipe(**changes: object) -> CorpusRecipe:
    fields: dict[str, object] = {
        "name": "fin",
        "version": "2026.11.21",
        "captures": ["boj_speeches", "boj_press_conferences"],
        "steps": ["unicode", "boilerplate", "language", "length", "repetition"],
    }
    return CorpusRecipe.model_validate(fields | changes)


@pytest.fixture
def world(store: Store) -> Store:
    """Return a store with two captures versions."""
    crawl(store, "boj_speeches", [*speeches(5), *troubles()])
    crawl(store, "boj_press_conferences", [conference()])
    return store


def build(store: Store, asked: CorpusRecipe, workers: int = 1) -> tuple[Path, Card]:
    ref = run(asked, store, inputs(asked, store), workers=workers)
    assert store.verify(ref) == []
    return store.path(ref), store.card(ref)


def test_every_config_of_a_version_opens_offline(world: Store, tmp_path: Path) -> None:
    folder, card = build(world, recipe())
    configs = datasets.get_dataset_config_names(str(folder))
    assert configs == ["markdown", "sections", "qa", "dropped"]
    for name in configs:
        rows = datasets.load_dataset(str(folder), name, split="train", cache_dir=str(tmp_path / "cache"))
        assert len(rows) == next(f.rows for f in card.files if f.path.startswith(f"{name}/"))
        if name in ("markdown", "sections", "qa"):
            assert set(rows["format"]) == {name}
            assert sum(map(len, rows["text"])) == card.counts[f"characters_{name}"]


def test_nothing_is_lost_between_captures_and_documents_and_drops(world: Store) -> None:
    folder, card = build(world, recipe())
    dropped = list(read(folder / "dropped" / "train-00000.parquet"))
    assert card.counts["captures"] == card.counts["documents_markdown"] + len(dropped) == 11
    assert Counter(row["reason"] for row in dropped) == card.drops
    assert {"exact_duplicate", "near_duplicate", "too_short", "http_error"} < set(card.drops)
    evidence = {one.sha256 for one in read_captures(world.path(world.resolve("boj_speeches")))}
    for row in dropped:
        assert row["text"] if row["document_id"] else row["sha256"] in evidence


def test_a_duplicate_names_its_survivor_which_counts_it(world: Store) -> None:
    folder, _ = build(world, recipe())
    survivors = {document.id: document for document in read_documents(folder, "markdown")}
    twins = [
        row
        for row in read(folder / "dropped" / "train-00000.parquet")
        if row["reason"] in ("exact_duplicate", "near_duplicate")
    ]
    assert len(twins) == 2
    assert {row["detail"] for row in twins} < set(survivors)
    assert survivors[twins[0]["detail"]].cluster_size == 3


def survivors(documents: list[Document], folder: Path) -> list[int]:
    """Return for every document the number of the one that stands for it."""
    sign, chunk = Signer(recipe().dedup), folder / "00000.parquet"
    shards.write(chunk, document_rows(documents, sign), schema(recipe().dedup))
    assert list(read_chunk(chunk)) == documents
    return find(index_of([chunk], []), recipe().dedup, folder / "work", Local(1)).survivor.tolist()


def test_a_document_with_facts_survives_its_copy_without(tmp_path: Path) -> None:
    text = "売上高は393,398百万円となった。" + sentences(1)
    fact = Fact("amount", "社", "NetSales", "売上高", "393,398", 4, 11, number="393398000000", unit="JPY")
    [copy] = [one for one in extract(speeches(1)[0]) if isinstance(one, Document)]
    copy = replace(copy, text=text)
    report = replace(copy, url=copy.url + "#xbrl", source="edinet", facts=(fact,))
    assert survivors([copy, report], tmp_path) == [1, 1]


def test_a_document_leaves_only_for_an_earlier_one_and_of_one_day_the_longest_stays(tmp_path: Path) -> None:
    [first] = [one for one in extract(speeches(1)[0]) if isinstance(one, Document)]
    first = replace(
        first,
        text=sentences(1, 40),
        available_at=None,
        published_at=date(2024, 5, 1),
        url="https://example.jp/1.htm",
    )
    later = replace(
        first, url="https://example.jp/2.htm", published_at=date(2025, 5, 1), text=first.text + "追記。"
    )
    seen = replace(later, url="https://example.jp/3.htm", published_at=None)  # available when it was captured
    longer = replace(first, url="https://example.jp/4.htm", text=first.text + "補足。")
    assert survivors([seen, later, first], tmp_path / "dated") == [2, 2, 2]
    assert survivors([seen, later], tmp_path / "undated") == [1, 1]
    assert survivors([first, longer], tmp_path / "length") == [1, 1]


def test_the_questions_of_a_press_conference_point_into_its_text(world: Store) -> None:
    folder, card = build(world, recipe())
    base = {document.id: document for document in read_documents(folder, "markdown")}
    pairs = list(read_documents(folder, "qa"))
    assert len(pairs) == card.counts["documents_qa"] == 3
    for pair in pairs:
        [span] = pair.made_from
        assert base[span.id].text[span.start : span.end].startswith("（問）")


def test_the_card_says_what_may_be_done(world: Store) -> None:
    _, card = build(world, recipe())
    [rights] = card.rights
    assert (rights.license, rights.redistribution) == ("BOJ-terms", False)
    assert rights.records == sum(n for name, n in card.counts.items() if name.startswith("documents_"))
    assert card.counts["source_boj_press_conference"] == 1


def test_a_license_of_what_was_dropped_is_named_too(world: Store) -> None:
    """The dropped texts are part of the version, so their rights are as well."""
    term = replace(
        speeches(1)[0],
        url="https://example.jp/glossary/1.html",
        source="example",
        license="all-rights-reserved",
        body=page("配当", "会社が株主に分ける利益。"),
    )
    crawl(world, "institutions", [term], "2026.11.21")
    folder, card = build(world, recipe(captures=["boj_speeches", "institutions"]))
    assert [(one.license, one.records > 0) for one in card.rights] == [
        ("BOJ-terms", True),
        ("all-rights-reserved", False),
    ]
    rows = list(read(folder / "dropped" / "train-00000.parquet"))
    assert {row["license"] for row in rows if row["url"] == term.url} == {"all-rights-reserved"}


def test_the_same_captures_give_the_same_bytes_whatever_the_workers(world: Store) -> None:
    _, one = build(world, recipe(name="one"), workers=1)
    _, two = build(world, recipe(name="two"), workers=2)
    assert one.content_digest == two.content_digest


def test_shards_hold_no_more_text_than_asked_and_read_as_one(world: Store) -> None:
    whole, _ = build(world, recipe())
    parts, _ = build(world, recipe(name="parts", shard_characters=3000))
    sizes = [sum(row["n_chars"] for row in read(path)) for path in sorted((parts / "markdown").iterdir())]
    assert len(sizes) > 1
    assert max(sizes) <= 3000
    assert list(read_documents(parts, "markdown")) == list(read_documents(whole, "markdown"))


def test_a_pin_chooses_the_version_of_an_input(world: Store) -> None:
    older = world.resolve("boj_speeches")
    newer = crawl(world, "boj_speeches", speeches(2), "2026.11.22")
    asked = recipe()
    assert inputs(asked, world)[0] == newer
    assert inputs(asked, world, ["boj_speeches@2026.11.21"])[0] == older
    with pytest.raises(UserError, match="'edinet' is no input of fin; its inputs: boj_speeches, boj_press"):
        inputs(asked, world, ["edinet"])


def test_a_damaged_input_is_refused_before_any_work(world: Store) -> None:
    folder = world.path(world.resolve("boj_speeches"))
    segment = folder / "warc" / "00000.warc.gz"
    segment.write_bytes(segment.read_bytes()[:-1] + b"x")
    with pytest.raises(
        UserError, match=r"boj_speeches@2026.11.21: does not verify: warc/00000.warc.gz has changed"
    ):
        build(world, recipe())
    assert not (world.root / ".drafts" / "fin@2026.11.21").exists()


def test_only_captures_become_a_corpus(world: Store) -> None:
    build(world, recipe())
    with pytest.raises(UserError, match="is a version of kind 'dataset'; captures are needed"):
        build(world, recipe(version="2026.11.22", captures=["fin"]))


COMMAND = """
import sys
from pathlib import Path
from corpus.recipe import CorpusRecipe
from corpus.run import inputs, run
from datacards.store import Store
store = Store(Path(sys.argv[1]))
recipe = CorpusRecipe.model_validate_json(sys.argv[2])
run(recipe, store, inputs(recipe, store), workers=1)
"""


def prepared(number: int) -> Callable[[Path], bool]:
    return lambda draft: len(list(draft.glob(".work/prepared-*/*/*.parquet"))) >= number


def written(name: str) -> Callable[[Path], bool]:
    return lambda draft: any(draft.glob(f".work/shards-*/{name}"))


@pytest.mark.slow
def test_a_run_killed_at_any_point_goes_on_and_ends_with_the_same_bytes(store: Store) -> None:
    crawl(store, "boj_speeches", [*speeches(2 * CHUNK), *troubles()])
    crawl(store, "boj_press_conferences", [conference()])
    asked = recipe()
    _, undisturbed = build(store, recipe(name="undisturbed"))
    points = [
        prepared(1),
        prepared(3),
        written("near/edges-007.npy"),
        written("near/candidates-*.length"),
        written("near/similarity-*.npy"),
        written("out/markdown/*.parquet"),
        written("written-*.json"),
    ]
    kept: dict[Path, int] = {}
    with forks("corpus.run", "corpus.duplicates.near", "corpus.duplicates.kernels", "corpus.write") as forker:
        kills = sum(_killed_at(point, store, asked, forker, kept) for point in points)
    assert kills >= 3
    if not store.refs("fin"):
        build(store, asked)
    assert store.card(store.resolve("fin")).content_digest == undisturbed.content_digest


def _killed_at(
    reached: Callable[[Path], bool],
    store: Store,
    asked: CorpusRecipe,
    forker: Forks,
    kept: dict[Path, int],
) -> bool:
    """Run until ``reached``, then kill; ``kept`` are the chunks of earlier runs, which must not be touched."""
    draft = store.root / ".drafts" / "fin@2026.11.21"
    program = forker.start(COMMAND, str(store.root), asked.model_dump_json())
    while program.alive() and not reached(draft):
        time.sleep(0.005)
    alive = program.alive()
    program.kill()
    if alive:
        chunks = {path: path.stat().st_mtime_ns for path in draft.glob(".work/prepared-*/*/*.parquet")}
        assert kept.items() <= chunks.items()
        kept.update(chunks)
    return alive


def test_a_run_that_is_asked_to_stop_says_how_to_go_on(store: Store, root: Path, tmp_path: Path) -> None:
    crawl(store, "boj_speeches", speeches(2 * CHUNK))
    path = tmp_path / "fin.yaml"
    path.write_text(recipe(captures=["boj_speeches"]).model_dump_json(), encoding="utf-8")
    words = [sys.executable, "-m", "corpus", str(path), "--store", str(store.root), "--workers", "1"]
    process = subprocess.Popen(words, cwd=root, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while process.poll() is None and not (store.root / ".drafts" / "fin@2026.11.21").is_dir():
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "fin@2026.11.21: stopped; what was extracted is kept; run the same" in said.splitlines()[-1]
    assert "Traceback" not in said
    assert store.refs("fin") == []


def test_finished_chunks_are_kept_and_a_lost_one_is_made_again_alike(world: Store, tmp_path: Path) -> None:
    crawl(world, "many", speeches(CHUNK + 2))
    folder, asked = world.path(world.resolve("many")), recipe()

    def prepare() -> list[int]:
        missing = [chunk for chunk in chunks(folder, tmp_path) if not chunk.out.is_file()]
        return list(write_chunks(missing, Plan(asked.calls(), asked.dedup, {}), workers=1))

    assert sum(prepare()) == CHUNK + 2
    first, last = sorted(tmp_path.glob("*.parquet"))
    made, content = first.stat().st_mtime_ns, last.read_bytes()
    assert prepare() == []
    last.unlink()
    assert prepare() == [1, 1]
    assert first.stat().st_mtime_ns == made
    assert last.read_bytes() == content


def test_columns_of_the_formats_are_those_documented(world: Store) -> None:
    folder, _ = build(world, recipe())
    assert pq.read_schema(folder / "qa" / "train-00000.parquet").equals(DOCUMENT)


def test_a_corpus_without_a_document_is_no_version(world: Store) -> None:
    with pytest.raises(UserError, match=r"not one document is left \(.*too_short \d"):
        build(world, recipe(steps=[{"length": {"minimum": 1_000_000}}]))
    assert not world.refs("fin")


def test_a_filing_that_was_withdrawn_after_it_was_captured_is_no_document(store: Store) -> None:
    """The tombstone may stand in another version than the filing; the last word on a filing counts."""
    filings = [
        capture(
            f"f{n}.htm", page(f"有価証券報告書 第{n}期", sentences(n), sentences(n + 50)), docID=f"S100AAA{n}"
        )
        for n in range(3)
    ]
    said = [
        ("S100AAA0", "withdrawn", "2026-11-22T09:00:00+09:00"),
        ("S100AAA1", "hidden", "2026-11-22T10:00:00+09:00"),
        ("S100AAA1", "disclosed_again", "2026-11-23T10:00:00+09:00"),
        ("S100AAA2", "expired", ""),
    ]
    lines = [
        {"docID": name, "what": what, "said_at": at, "noticed_at": "2026-11-24T00:00:00+00:00"}
        for name, what, at in said
    ]
    crawl(store, "boj_speeches", filings)
    request = {"name": "edinet", "version": "2026.11.24", "kind": "captures", "recipe": {"spider": "edinet"}}
    with store.write(**request) as draft, Segments(draft.path) as segments:  # type: ignore[arg-type]
        segments.write(conference())
        segments.close(index=True)
        (draft.path / "tombstones.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    asked = recipe(captures=["boj_speeches", "edinet"])
    ref = run(asked, store, inputs(asked, store))
    assert store.card(ref).drops["filing_withdrawn"] == 1
    assert {d.meta.get("docID") for d in read_documents(store.path(ref), "markdown")} >= {
        "S100AAA1",
        "S100AAA2",
    }
    assert "S100AAA0" not in {d.meta.get("docID") for d in read_documents(store.path(ref), "markdown")}
