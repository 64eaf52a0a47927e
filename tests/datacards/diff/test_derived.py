"""The reasons of what is made from documents: questions, versions as of a day, releases, takedowns."""

import json
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpus.run import inputs, run
from datacards.card import Ref
from datacards.release.recipe import ReleaseRecipe
from datacards.release.run import release
from datacards.store import Store
from datacards.takedown.receipt import TOMBSTONE, TOMBSTONES
from rephrase.recipe import RephraseRecipe
from rephrase.run import run as rephrase
from tests.corpus.asof_world import D1, D2, fill, history
from tests.corpus.test_asof import recipe
from tests.datacards.diff.worlds import compare, made, rows_of, told
from tests.datacards.release.made import corpus, page, part


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Return a store with a corpus as of two days, and as of none, and questions about each."""
    store = Store(tmp_path_factory.mktemp("world"))
    fill(store, history())
    for day, asked in (("02", D1), ("03", D2), ("04", None)):
        request = recipe(asked, version=f"2026.12.{day}")
        run(request, store, inputs(request, store))
    for day, about, more in (
        ("02", "02", {}),
        ("03", "03", {}),
        ("04", "03", {"seed": 3}),
        ("05", "03", {"carry": ["markdown"]}),
    ):
        # Of facts alone: questions about prose would stand in for those that a page itself asks.
        options = {"families": ["amounts", "terms", "companies"]}
        fields = {
            "name": "asked", "version": f"2026.12.{day}", "styles": ["qa", "multiple_choice"], "options": options, **more
        }  # fmt: skip
        rephrase(RephraseRecipe.model_validate(fields), store, f"fin@2026.12.{about}")
    return store


def reasons(store: Store, a: str, b: str, form: str) -> set[tuple[str, str]]:
    return {key[1:] for key in told(compare(store, a, b)) if key[0] == form}


@pytest.mark.slow
def test_between_two_days_every_row_has_its_reason(world: Store) -> None:
    assert reasons(world, "fin@2026.12.02", "fin@2026.12.03", "markdown") == {
        ("added", "no_longer_dropped"),
        ("removed", "withdrawal"),
        ("changed", "metadata"),
        ("changed", "newer_capture"),
    }
    back = reasons(world, "fin@2026.12.03", "fin@2026.12.02", "markdown")
    assert ("removed", "as_of") in back and ("changed", "older_capture") in back
    for form in ("sections", "categories", "listing"):
        parents = {reason for _, reason in reasons(world, "fin@2026.12.02", "fin@2026.12.03", form)}
        assert parents <= {"parent_added", "parent_changed", "parent_removed", "metadata"}


@pytest.mark.parametrize(("a", "b"), [("02", "04"), ("04", "02"), ("03", "04"), ("04", "03")])
def test_a_corpus_of_no_day_can_be_compared_with_one_of_a_day(world: Store, a: str, b: str) -> None:
    assert compare(world, f"fin@2026.12.{a}", f"fin@2026.12.{b}").number() > 0


def test_questions_name_the_document_or_the_generator_that_is_another(world: Store) -> None:
    of_documents = {reason for _, reason in reasons(world, "asked@2026.12.02", "asked@2026.12.03", "qa")}
    assert of_documents <= {
        "dropped",
        "parent_changed",
        "parent_added",
        "parent_removed",
        "metadata",
        "other_facts",
    }
    assert "dropped" in of_documents
    found = compare(world, "asked@2026.12.03", "asked@2026.12.04")
    assert {(one.change, one.reason) for one in found.counts} == {("changed", "new_generator")}
    assert {row.detail for row in found.rows()} == {"seed: 0 -> 3"}
    choices = reasons(world, "asked@2026.12.02", "asked@2026.12.03", "multiple_choice")
    assert {reason for _, reason in choices} <= {
        "dropped",
        "parent_changed",
        "parent_added",
        "parent_removed",
        "metadata",
        "other_facts",
    }


def test_a_format_that_is_carried_is_a_new_format(world: Store) -> None:
    found = compare(world, "asked@2026.12.03", "asked@2026.12.05")
    assert set(told(found)) == {("markdown", "added", "new_format")}
    back = compare(world, "asked@2026.12.05", "asked@2026.12.03")
    assert set(told(back)) == {("markdown", "removed", "format_gone")}
    both = compare(world, "asked@2026.12.02", "asked@2026.12.05")
    assert {key[1:] for key in told(both) if key[0] == "markdown"} == {("added", "new_format")}


def released(store: Store, of: Ref, version: str, **more: Any) -> Ref:
    fields = {"name": "public", "version": version, "restricted": "pointers", **more}
    return release(ReleaseRecipe.model_validate(fields), store, str(of))


def pages() -> list[Any]:
    free = [page(n, edinet_code=f"E0000{n}") for n in range(8)]
    kept = [page(n, source="boj_speech", license_="BOJ-terms") for n in range(20, 23)]
    return [*free, *kept, part(free[:2]), part(kept[:1])]


def test_rights_tell_a_text_from_its_pointer(store: Store) -> None:
    of = corpus(store, pages())
    pointed = released(store, of, "2026.11.21")
    found = compare(store, str(of), str(pointed))
    assert told(found) == {
        ("markdown", "removed", "rights"): 3,
        ("sections", "removed", "rights"): 1,
        ("pointers", "added", "rights"): 4,
    }
    left_out = released(store, of, "2026.11.22", restricted="leave_out")
    found = compare(store, str(pointed), str(left_out))
    assert {key[2] for key in told(found)} == {"rights"} and found.number("removed") == 4


def test_other_holdouts_move_rows_between_splits(store: Store) -> None:
    of = corpus(store, pages())
    whole = released(store, of, "2026.11.21")
    apart = released(store, of, "2026.11.22", holdout={"by": "company", "share": 0.5, "seed": 1})
    found = compare(store, str(whole), str(apart))
    assert {key[2] for key in told(found)} <= {"moved_split", "crosses_splits"}
    assert all(row.detail.startswith("train -> test") for row in rows_of(found, "markdown", "moved_split"))
    assert rows_of(found, "markdown", "moved_split")


def test_a_release_of_a_newer_corpus_gives_the_reasons_of_its_documents(store: Store) -> None:
    documents = [one for one in pages() if one.format == "markdown"]
    first = corpus(store, documents)
    second = corpus(store, documents[:-1], version="2026.11.22")
    found = compare(
        store, str(released(store, first, "2026.11.21")), str(released(store, second, "2026.11.22"))
    )
    assert told(found) == {("pointers", "removed", "capture_gone"): 1}


def takedown(store: Store, removed: list[Any], withdrawn: Ref, successor: str) -> None:
    """Write the version of a takedown as one is left behind by the command."""
    with store.write(name="takedowns", version="2026.11.23", kind="takedown", recipe={}) as draft:
        said = [{"ref": str(withdrawn), "digest": withdrawn.digest, "successor": successor}]
        (draft.path / "receipt.json").write_text(json.dumps({"withdrawn": said}), encoding="utf-8")
        rows = [
            {"kind": "document", "name": one.id, "url": one.url, "source": one.source, "version": str(withdrawn), "reason": "url"}
            for one in removed
        ]  # fmt: skip
        pq.write_table(pa.Table.from_pylist(rows, schema=TOMBSTONE), draft.path / TOMBSTONES)


def test_a_takedown_is_the_reason_down_to_what_was_gathered(store: Store) -> None:
    gone, kept = page(1), page(2)
    both = replace(part([gone, kept]), section="合わせて")
    alone = replace(part([kept]), url=kept.url, section="合わせて")
    a = made(
        store,
        "2026.11.21",
        {"markdown/train-00000.parquet": [gone, kept], "sections/train-00000.parquet": [both]},
    )
    b = made(
        store,
        "2026.11.21.1",
        {"markdown/train-00000.parquet": [kept], "sections/train-00000.parquet": [alone]},
    )
    takedown(store, [gone], a, str(b))
    found = compare(store, str(a), str(b))
    assert told(found) == {
        ("markdown", "removed", "takedown"): 1,
        ("sections", "removed", "parent_removed"): 1,
        ("sections", "added", "parent_removed"): 1,
    }
    [row] = rows_of(found, "markdown", "takedown")
    assert row.detail == "takedowns@2026.11.23: url"


def test_a_row_that_a_takedown_makes_again_is_told_of_it(store: Store) -> None:
    gone, kept = page(1), page(2)
    first = replace(part([gone]), format="categories", text="一度だけ言われた行", section="")
    again = replace(first, made_from=part([kept]).made_from, url=kept.url)
    documents, lines = "markdown/train-00000.parquet", "categories/train-00000.parquet"
    both = {"formats": ["markdown", "categories"]}
    a = made(store, "2026.11.21", {documents: [gone, kept], lines: [first]}, recipe=both)
    b = made(store, "2026.11.21.1", {documents: [kept], lines: [again]}, recipe=both)
    takedown(store, [gone, first], a, str(b))
    found = compare(store, str(a), str(b))
    assert told(found)["categories", "removed", "takedown"] == 1
    why = {"takedowns@2026.11.23: url", "takedowns@2026.11.23: made again"}
    assert {row.detail for row in rows_of(found, "categories", "takedown")} == why


def test_native_questions_that_a_version_of_questions_does_not_carry_are_gone(world: Store) -> None:
    found = compare(world, "fin@2026.12.03", "asked@2026.12.03")
    assert ("qa", "removed", "format_gone") in told(found)
    assert ("qa", "added", "new_generator") in told(found)
