"""The reasons of rows in two versions of a corpus, from real runs over captures that come, change and go."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from corpus.run import inputs, run
from datacards.diff import diff
from datacards.store import Store
from spiders.warc import Segments
from tests.corpus.test_extends import asked, later
from tests.corpus.test_run import build, capture, crawl, page, recipe, sentences, speeches
from tests.datacards.diff.worlds import compare, rows_of, speech, told


def two(store: Store, first: list, second: list, **changes: object) -> None:  # type: ignore[type-arg]
    """Build ``fin`` over two crawls: the first day's captures, then the second day's."""
    moment = first[0].fetched_at + timedelta(days=1)
    crawl(store, "boj_speeches", first)
    crawl(store, "boj_speeches", [replace(one, fetched_at=moment) for one in second], "2026.11.22")
    build(store, asked("2026.11.21", "21"))
    build(store, asked("2026.11.22", "22", **changes))


def test_a_new_address_a_lost_one_and_a_changed_page_are_told_apart(store: Store) -> None:
    two(store, [speech(0), speech(1), speech(2)], [speech(0), speech(1, 500), speech(3)])
    found = compare(store, "fin@2026.11.21", "fin@2026.11.22")
    markdown = {key[1:]: number for key, number in told(found).items() if key[0] == "markdown"}
    assert markdown == {
        ("added", "new_capture"): 1,
        ("removed", "capture_gone"): 1,
        ("changed", "newer_capture"): 1,
        ("changed", "metadata"): 1,  # captured_at
    }
    [changed] = rows_of(found, "markdown", "newer_capture")
    assert changed.url == speech(1).url and changed.id_a != changed.id_b
    parents = {row.reason for row in found.rows() if row.format == "sections"}
    assert parents == {"parent_added", "parent_changed", "parent_removed", "metadata"}


def test_a_gathered_section_names_the_document_that_made_it_another(store: Store) -> None:
    one, other = (
        capture(f"page{n}.htm", page("物価の見通し", sentences(n * 40 + 7, 20)), kind="outlook")
        for n in (1, 2)
    )
    two(store, [one], [one, other])
    found = compare(store, "fin@2026.11.21", "fin@2026.11.22")
    [new] = rows_of(found, "markdown", "new_capture")
    [row] = [row for row in found.rows() if row.format == "sections"]
    assert row.reason == "parent_added" and row.detail.startswith(new.id_b)


def test_the_step_whose_options_are_others_is_named(store: Store) -> None:
    crawl(store, "boj_speeches", [speech(0), speech(1, 20, "本稿は講演の邦訳である。" * 20)])
    build(store, asked("2026.11.21", "21"))
    steps = ["unicode", "boilerplate", "language", {"length": {"minimum": 2000}}, "repetition"]
    build(store, asked("2026.11.22", "21", steps=steps))
    found = compare(store, "fin@2026.11.21", "fin@2026.11.22")
    [row] = rows_of(found, "markdown", "dropped")
    assert row.change == "removed" and row.detail.startswith("length: too_short")
    assert any(line.startswith("steps.length.minimum: 100 -> 2000") for line in found.asked)
    back = compare(store, "fin@2026.11.22", "fin@2026.11.21")
    [row] = rows_of(back, "markdown", "no_longer_dropped")
    assert row.detail == "length: too_short"


def test_a_text_that_a_step_made_another_is_of_a_newer_step(store: Store) -> None:
    crawl(
        store, "boj_speeches", [speech(0), speech(1, 20, "問い合わせは０３－３２７９－１１１１の田中まで。")]
    )
    build(store, asked("2026.11.21", "21", steps=["unicode"]))
    build(store, asked("2026.11.22", "21", steps=["unicode", "personal"]))
    found = compare(store, "fin@2026.11.21", "fin@2026.11.22")
    rows = rows_of(found, "markdown", "newer_step")
    assert rows and all(
        row.change == "changed" and "steps.personal: nothing -> " in row.detail for row in rows
    )


def test_other_options_of_a_format_change_its_rows_alone(store: Store) -> None:
    crawl(store, "boj_speeches", [speech(n) for n in range(6)])
    build(store, asked("2026.11.21", "21"))
    build(
        store,
        asked(
            "2026.11.22",
            "21",
            formats=["markdown", {"sections": {"consolidate": True, "maximum_characters": 3000}}],
        ),
    )
    found = compare(store, "fin@2026.11.21", "fin@2026.11.22")
    reasons = {key[2] for key in told(found) if key[0] == "sections"}
    assert reasons <= {"newer_step", "format_gone"} and "markdown" not in {key[0] for key in told(found)}
    assert {row.reason for row in found.rows() if row.format != "sections"} <= {"format_gone"}


def test_a_near_duplicate_and_a_copy_name_who_stays(store: Store) -> None:
    first, second = speech(0), speech(1, 10)
    day = {"published_at": "2020-01-01"}
    copy = replace(first, url=first.url.replace("ko24", "ko19"), meta={**first.meta, **day})
    near = replace(
        second,
        url=second.url.replace("ko24", "ko19"),
        body=page("【講演】金融経済情勢 第1回", *(sentences(10 + n) for n in range(3)), "以上である。"),
        meta={**second.meta, **day},
    )
    two(store, [first, second], [first, second, copy, near])
    found = compare(store, "fin@2026.11.21", "fin@2026.11.22")
    [gone] = rows_of(found, "markdown", "exact_duplicate_of")
    [like] = rows_of(found, "markdown", "near_duplicate_of")
    kept = {row.id_b: row.url for row in rows_of(found, "markdown", "new_capture")}
    assert (gone.url, kept[gone.detail]) == (first.url, copy.url)
    assert (like.url, kept[like.detail]) == (second.url, near.url)
    back = compare(store, "fin@2026.11.22", "fin@2026.11.21")
    survivors = rows_of(back, "markdown", "new_survivor")
    assert {row.url for row in survivors} == {first.url, second.url}
    assert all(row.detail.endswith("which left") for row in survivors)


def test_a_withdrawn_filing_is_a_withdrawal(store: Store) -> None:
    filings = [
        capture(
            f"f{n}.htm", page(f"有価証券報告書 第{n}期", sentences(n), sentences(n + 50)), docID=f"S100AAA{n}"
        )
        for n in range(2)
    ]
    crawl(store, "boj_speeches", filings)
    ref = run(asked_filings("2026.11.21", []), store, inputs(asked_filings("2026.11.21", []), store))
    told_at = {"said_at": "2026-11-22T09:00:00+09:00", "noticed_at": "2026-11-24T00:00:00+00:00"}
    request = {"name": "edinet", "version": "2026.11.24", "kind": "captures", "recipe": {"spider": "edinet"}}
    with store.write(**request) as draft, Segments(draft.path) as segments:  # type: ignore[arg-type]
        segments.write(speech(7))
        segments.close(index=True)
        line = json.dumps({"docID": "S100AAA0", "what": "withdrawn", **told_at})
        (draft.path / "tombstones.jsonl").write_text(line, encoding="utf-8")
    second = asked_filings("2026.11.24", ["edinet"])
    found = compare(store, str(ref), str(run(second, store, inputs(second, store))))
    [row] = rows_of(found, "markdown", "withdrawal")
    assert row.url == filings[0].url and row.detail == "filing_withdrawn S100AAA0"


def asked_filings(version: str, more: list[str]):  # type: ignore[no-untyped-def]
    return recipe(version=version, captures=["boj_speeches", *more])


def test_files_that_an_extending_version_shares_are_not_read(store: Store) -> None:
    crawl(store, "boj_speeches", speeches(6))
    crawl(store, "boj_speeches", later(4), "2026.11.22")
    build(store, asked("2026.11.21", "21"))
    build(store, asked("2026.11.22", "22", extends="fin@2026.11.21"))
    shared = store.path(store.resolve("fin@2026.11.22")) / "markdown/train-00000.parquet"
    content = shared.read_bytes()
    shared.unlink()  # a link to the file of the older version: that one stays
    found = compare(store, "fin@2026.11.21", "fin@2026.11.22")
    shared.write_bytes(content)
    assert found.shared == 2
    assert told(found) == {("markdown", "added", "new_capture"): 4, ("sections", "added", "parent_added"): 1}
    again = compare(store, "fin@2026.11.21", "fin@2026.11.22")
    assert list(again.rows()) == list(found.rows())


def test_without_the_captures_nothing_is_guessed(store: Store) -> None:
    two(store, [speech(0)], [speech(0), speech(1)])
    (store.path(store.resolve("boj_speeches@2026.11.21")) / "card.json").unlink()
    found = diff(store, store.resolve("fin@2026.11.21"), store.resolve("fin@2026.11.22"))
    [row] = rows_of(found, "markdown", "unexplained")
    assert row.detail == "not in the store: boj_speeches@2026.11.21"


def test_a_corpus_without_its_base_documents_is_judged_by_addresses(store: Store) -> None:
    two(store, [speech(0), speech(1), speech(2)], [speech(0), speech(1, 500), speech(3)])
    for day in ("21", "22"):
        build(store, asked(f"2026.11.{day}", day, name="bare", formats=["sections"]))
    found = compare(store, "bare@2026.11.21", "bare@2026.11.22")
    reasons = {key[1:] for key in told(found)}
    assert {("added", "new_capture"), ("removed", "capture_gone"), ("changed", "newer_capture")} <= reasons


@pytest.mark.parametrize("pair", [("21", "22"), ("22", "21")])
def test_two_versions_of_captures(store: Store, pair: tuple[str, str]) -> None:
    two(store, [speech(0), speech(1), speech(2)], [speech(0), speech(1, 500), speech(3)])
    found = compare(store, *(f"boj_speeches@2026.11.{day}" for day in pair))
    which = "newer_capture" if pair == ("21", "22") else "older_capture"
    assert told(found) == {
        ("captures", "added", "new_capture"): 1,
        ("captures", "removed", "capture_gone"): 1,
        ("captures", "changed", which): 1,
    }
