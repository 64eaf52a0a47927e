"""Facts about taking texts out of a store: what goes, what stays as it was, and that nothing is left of what went."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import datasets
import pyarrow.parquet as pq
import pytest

from corpus import shards
from corpus.captures import INDEX, read_captures
from datacards.card import Ref
from datacards.errors import UserError
from datacards.store import Store
from datacards.takedown.plan import plan
from datacards.takedown.request import Request
from sample.companies import COMPANIES
from tests.corpus.asof_world import fill, sentences, web
from tests.corpus.takedown_world import (
    EARLY,
    ERASERS,
    LIST,
    NEAR,
    THREE,
    TWO,
    World,
    corpus,
    leaks,
    questions,
    rows,
    take_down,
    world,
)

FOUND = "https://www.example.jp/found.html"
Named = dict[str, object]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a store that holds the world; each test has a copy of its own."""
    root = tmp_path_factory.mktemp("world") / "store"
    world(Store(root))
    return root


@pytest.fixture
def store(made: Path, tmp_path: Path) -> Store:
    shutil.copytree(made, tmp_path / "store")
    return Store(tmp_path / "store")


def texts(store: Store, **asked: object) -> list[str]:
    """Return the texts of the base documents that a request takes down."""
    found = plan(store, Request.model_validate({"reason": "試験", **asked}), ERASERS)
    assert found
    held = [
        row
        for ref in store.refs()
        if store.card(ref).kind == "dataset"
        for config in ("markdown", "dropped")
        for row in rows(store, ref, config)
        if row.get("stage") != "rephrase"
    ]
    return [str(r["text"]) for r in held if (r.get("id") or r.get("document_id")) in found.removed.bases]


@pytest.mark.parametrize(
    "asked",
    [
        {"urls": [FOUND]},
        {"urls": [NEAR], "copies": True},
        {"companies": [COMPANIES[1].edinet_code]},
        {"companies": [COMPANIES[2].sec_code[:4]]},
        {"companies": [COMPANIES[3].name]},
        {"sources": ["wikipedia"]},
        {"patterns": ["遅い記事"]},
    ],
    ids=str,
)
def test_nothing_is_left_of_what_went_as_another_search_finds(store: Store, asked: Named) -> None:
    said = texts(store, **asked)
    ref, receipt = take_down(store, **asked)
    assert said and leaks(store, receipt, said) == []
    assert receipt["check"]["leaks"] == 0 < receipt["check"]["looked_for"]  # type: ignore[index]
    assert [store.verify(one) for one in store.refs()] == [[]] * len(store.refs())
    assert store.card(ref).kind == "takedown"


def test_rows_that_stay_are_the_same_value_for_value(store: Store) -> None:
    _, receipt = take_down(store, urls=[NEAR])
    untouched = 0
    for one in receipt["withdrawn"]:  # type: ignore[attr-defined]
        old, new = store.resolve(one["ref"]), store.resolve(one["successor"])
        if store.card(old).kind != "dataset":
            continue
        for config in ("markdown", "sections", "categories", "qa", "multiple_choice", "facts", "similar"):
            before, after = rows(store, old, config), rows(store, new, config)
            ids = {str(row.get("id") or row.get("document_id")) for row in after}
            kept = [row for row in before if str(row.get("id") or row.get("document_id")) in ids]
            assert [row for row in after if row in kept] == kept
            untouched += len(kept)
    assert untouched > 1000


def test_a_successor_is_newer_than_what_it_stands_for(store: Store) -> None:
    questions(store, store.resolve(f"fin@{THREE}"), f"{THREE}.3")
    _, receipt = take_down(store, urls=[FOUND])
    successors = {one["ref"]: one["successor"] for one in receipt["withdrawn"]}  # type: ignore[attr-defined]
    assert successors[f"asked@{THREE}.3"] == f"asked@{THREE}.4" == str(store.resolve("asked"))
    assert successors[f"asked@{THREE}"] == f"asked@{THREE}.1"


def test_files_without_what_goes_are_linked(store: Store) -> None:
    _, receipt = take_down(store, urls=[FOUND])
    old, new = (store.path(store.resolve(f"fin@{THREE}{part}")) for part in ("", ".1"))
    linked = [
        f
        for f in new.rglob("*.parquet")
        if (old / f.relative_to(new)).is_file() and f.samefile(old / f.relative_to(new))
    ]
    assert len(linked) > 10
    assert sum(one["files_linked"] for one in receipt["versions"]) > len(linked)  # type: ignore[attr-defined]


def test_a_cluster_whose_survivor_goes_has_a_new_one_in_all_formats(store: Store) -> None:
    """The earliest of the others stands for them now; it has its facts, sections and its place in the index again."""
    _, receipt = take_down(store, urls=[NEAR])
    [survivor] = receipt["versions"][-2]["new_survivors"]  # type: ignore[index]
    assert survivor["url"] == "https://www.example.jp/0-near.html"
    ref = store.resolve("fin")
    [row] = [row for row in rows(store, ref, "markdown") if row["id"] == survivor["survivor"]]
    assert row["cluster_size"] == 2 and "repeated_share" in json.loads(str(row["meta"]))
    [member] = [row for row in rows(store, ref, "dropped") if row["detail"] == survivor["survivor"]]
    assert member["url"] == "https://www.example.jp/nearer.html"
    sections = [row for row in rows(store, ref, "sections") if survivor["survivor"] in str(row["made_from"])]
    assert sections
    assert survivor["survivor"] in {row["id"] for row in rows(store, store.resolve("asked"), "markdown")}
    places(store, ref)


def places(store: Store, ref: Ref) -> None:
    """Assert that every row of the index leads to its text, and its survivor to who stands for it."""
    folder = store.path(ref)
    index = [
        {**row, "file": f"train-{path.stem}.parquet"}
        for path in sorted((folder / "index").glob("*.parquet"))
        for row in shards.read(path, ["key", "config", "row", "survivor"])
    ]
    for at, row in enumerate(index):
        text = pq.read_table(folder / row["config"] / row["file"]).slice(row["row"], 1).to_pylist()[0]
        assert (text.get("id") or text["document_id"]) == row["key"].hex()
        head = index[row["survivor"]]
        assert head["config"] == "markdown" and (row["config"] == "dropped" or row["survivor"] == at)
        if row["config"] == "dropped":
            assert text["detail"] == head["key"].hex()
    assert len(index) == sum(
        1 for c in ("markdown", "dropped") for r in rows(store, ref, c) if r.get("stage", "dedup") == "dedup"
    )


def test_a_later_version_extends_the_successor_as_it_would_have_the_old_one(store: Store) -> None:
    take_down(store, urls=[NEAR])
    again = [
        web("2026.12.20", "again.html", page_of("似た記事", sentences(2) + "さらに続く。"), "2026-12-19"),
        web("2026.12.20", "new.html", page_of("新しい記事", sentences(91)), "2026-12-18"),
    ]
    fill(store, World({"press": again}, []), ["2026.12.20"])
    ref = corpus(store, "2026.12.20", ["press@2026.12.20"], extends=f"fin@{THREE}.1")
    assert store.verify(ref) == []
    [near] = [row for row in rows(store, ref, "dropped") if row["url"] == "https://www.example.jp/again.html"]
    kept = {row["id"]: row["url"] for row in rows(store, ref, "markdown")}
    assert kept[near["detail"]] == "https://www.example.jp/0-near.html"
    assert "https://www.example.jp/new.html" in kept.values()
    places(store, ref)


def page_of(title: str, text: str) -> bytes:
    from tests.corpus.asof_world import page

    return page(title, text, published="2026-12-19")


def test_a_list_that_quotes_what_went_goes_with_it_and_later_captures_follow(store: Store) -> None:
    _, receipt = take_down(store, urls=[NEAR], copies=True)
    for version in (f"press@{day}.1" for day in ("2026.04.01", TWO)):
        urls = {capture.url for capture in read_captures(store.path(store.resolve(version)))}
        assert LIST not in urls and EARLY in urls
    stones = pq.read_table(store.path(store.resolve("takedowns"), "tombstones.parquet")).to_pylist()
    assert {stone["reason"] for stone in stones if stone["url"] == LIST} == {"shares_text"}
    assert receipt["found"]["reasons"]["shares_text"] == 2  # type: ignore[index]


def test_bodies_of_unchanged_captures_are_found_in_the_successor(store: Store) -> None:
    take_down(store, urls=[NEAR])
    later = store.resolve(f"press@{TWO}.1")
    table = pq.read_table(store.path(later) / INDEX)
    assert set(table["body_version"].to_pylist()) == {"", "2026.04.01.1"}
    assert "press@2026.04.01.1" in map(str, store.card(later).made_from) or not store.card(later).made_from
    shutil.rmtree(store.path(store.resolve("press@2026.04.01")))
    assert len(list(read_captures(store.path(later)))) == 12


def test_withdrawn_versions_are_refused_and_a_name_leads_to_the_successor(store: Store) -> None:
    take_down(store, urls=[FOUND])
    with pytest.raises(
        UserError, match=rf"fin@{THREE}: was withdrawn by takedowns@2026.12.24; .* use fin@{THREE}\.1"
    ):
        store.verified(f"fin@{THREE}", "dataset")
    assert str(store.resolve("fin")) == f"fin@{THREE}.1"
    assert questions(store, store.resolve("fin"), "2026.12.24")


def test_datasets_opens_the_successor(store: Store, tmp_path: Path) -> None:
    take_down(store, companies=[COMPANIES[1].edinet_code])
    ref = store.resolve("asked")
    folder, card = store.path(ref), store.card(ref)
    for name in ("markdown", "multiple_choice", "qa", "facts"):
        opened = datasets.load_dataset(str(folder), name, cache_dir=str(tmp_path / "cache"))
        assert sum(len(split) for split in opened.values()) == card.counts.get(
            f"documents_{name}", card.counts.get(name)
        )
    assert {row["url"] for row in rows(store, ref, "qa")}.isdisjoint(
        {f"https://api.example.jp/documents/S100{COMPANIES[1].sec_code[:4]}?type=1"}
    )


@pytest.mark.parametrize("asked", [{"urls": [NEAR]}, {"companies": [COMPANIES[1].edinet_code]}], ids=str)
def test_counts_are_those_of_the_rows(store: Store, asked: Named) -> None:
    take_down(store, **asked)
    for name in ("fin", "asked"):
        ref = store.resolve(name)
        card = store.card(ref)
        for file in card.files:
            if file.rows is not None:
                assert pq.read_metadata(store.path(ref) / file.path).num_rows == file.rows
        for config in ("markdown", "sections", "qa", "multiple_choice"):
            found = rows(store, ref, config)
            assert card.counts.get(f"documents_{config}", 0) == len(found)
            assert card.counts.get(f"characters_{config}", 0) == sum(
                int(str(row["n_chars"])) for row in found
            )
        assert card.counts["facts"] == len(rows(store, ref, "facts"))
        dropped = rows(store, ref, "dropped")
        assert card.drops == {
            reason: sum(row["reason"] == reason for row in dropped)
            for reason in {str(row["reason"]) for row in dropped}
        }
        licenses = [
            str(row["license"])
            for c in ("markdown", "sections", "categories", "qa", "multiple_choice")
            for row in rows(store, ref, c)
        ]
        assert {r.license: r.records for r in card.rights if r.records} == {
            one: licenses.count(one) for one in set(licenses)
        }


@pytest.mark.slow
def test_a_second_takedown_goes_on_from_the_successors(store: Store) -> None:
    take_down(store, urls=[NEAR])
    said = texts(store, urls=["https://www.example.jp/0-near.html"])
    second, receipt = take_down(store, urls=["https://www.example.jp/0-near.html"])
    assert str(second) == "takedowns@2026.12.24.1"
    assert str(store.resolve("fin")) == f"fin@{THREE}.2"
    [survivor] = receipt["versions"][-2]["new_survivors"]  # type: ignore[index]
    assert survivor["url"] == "https://www.example.jp/nearer.html"
    assert said and store.verify(store.resolve("asked")) == []
    places(store, store.resolve("fin"))


def test_a_derived_row_goes_alone_and_its_base_stays(store: Store) -> None:
    row = rows(store, store.resolve("asked"), "qa")[5]
    _, receipt = take_down(store, documents=[row["id"]])
    assert receipt["named_themselves"] == [
        {"document": row["id"], "base_that_stays": row["made_from"][0]["id"]}
    ]  # type: ignore[index]
    assert [one["version"] for one in receipt["versions"]] == [f"asked@{THREE}"]  # type: ignore[attr-defined]
    assert row["id"] not in {one["id"] for one in rows(store, store.resolve("asked"), "qa")}


def test_what_nobody_holds_is_no_takedown(store: Store) -> None:
    assert plan(store, Request(urls=("https://example.invalid/",), reason="試験"), ERASERS) is None
    assert not store.refs("takedowns")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda r: {**r, "reason": " "}, "gives no reason"),
        (lambda r: {"reason": "r"}, "names nothing"),
        (lambda r: {**r, "patterns": ["("]}, "number 1 cannot be read"),
        (lambda r: {**r, "patterns": [".*"]}, "fits everything"),
    ],
)
def test_a_wrong_request_is_told(store: Store, change: Callable[[Named], Named], told: str) -> None:
    with pytest.raises(UserError, match=told):
        plan(store, Request.model_validate(change({"urls": [FOUND], "reason": "試験"})), ERASERS)
