"""The documents that are shown: even, with their families, the same each time, few of many."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus import shards
from corpus.document import Document, Span
from datacards.site.choice import Choice, choose, even
from datacards.site.entries import AROUND, HEAD, WHOLE, entries, pieces, texts
from datacards.store import Store
from tests.datacards.site.made import base, dataset, questions

LONG = "".join(chr(0x4E00 + n % 5000) for n in range(3 * WHOLE))


def chosen(store: Store, name: str, most: int) -> Choice:
    ref = store.resolve(name)
    return choose(store, ref, store.card(ref), most)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Return a store with a version of 300 pages of one source, 5 of another, and what was made of them."""
    store = Store(tmp_path_factory.mktemp("many") / "store")
    pages = [base(number) for number in range(300)]
    dataset(
        store, "many", "2026.11.21", [*pages, *questions(pages), *(base(n, source="rare") for n in range(5))]
    )
    return store


def test_all_are_shown_when_there_are_no_more(many: Store) -> None:
    found = chosen(many, "many", 2000)
    assert (found.total, found.shown) == (1205, 1205)
    assert found.counts == {("markdown", "edinet"): 300, ("markdown", "rare"): 5, ("multiple_choice", "edinet"): 300, ("qa", "edinet"): 300, ("sections", "edinet"): 300}  # fmt: skip


def test_few_of_many_are_even_and_come_with_their_families(many: Store) -> None:
    found = chosen(many, "many", 90)
    assert (found.total, found.shown) == (1205, 90)
    rows = {row.id: row for row in entries(found, "many@2026.11.21", restricted=False).rows}
    sources = Counter((row.format, row.source) for row in rows.values())
    assert sources["markdown", "rare"] >= 4
    assert min(sources.values()) >= 4
    derived = [row for row in rows.values() if row.format != "markdown"]
    assert sum(any(span.id in rows for span in row.spans) for row in derived) >= 0.9 * len(derived)


def test_the_same_documents_are_chosen_in_whatever_order_they_lie(many: Store, tmp_path: Path) -> None:
    other = Store(tmp_path / "other")
    pages = [base(number) for number in range(299, -1, -1)]
    dataset(
        other,
        "many",
        "2026.11.22",
        [*(base(n, source="rare") for n in range(5)), *reversed(questions(pages)), *pages],
    )
    assert set(chosen(many, "many", 100).places) == set(chosen(other, "many", 100).places)


@pytest.mark.parametrize("most", [1, 2, 3, 10])
def test_never_more_than_asked(many: Store, most: int) -> None:
    found = chosen(many, "many", most)
    assert found.shown == len(found.places) == most


def test_parents_in_inputs_are_found_unless_those_were_withdrawn(store: Store) -> None:
    pages = [base(number) for number in range(20)]
    texts_ = dataset(store, "texts", "2026.11.21", pages)
    dataset(store, "asked", "2026.11.22", [q for q in questions(pages) if q.format == "qa"], [texts_])
    found = chosen(store, "asked", 100)
    assert (found.shown, len(found.places)) == (20, 40)
    with store.write(name="takedowns", version="2026.11.23", kind="takedown", recipe={}) as draft:
        told = f'{{"withdrawn": [{{"ref": "{texts_}", "digest": "{texts_.digest}", "successor": ""}}]}}'
        (draft.path / "receipt.json").write_text(told)
    assert len(chosen(store, "asked", 100).places) == 20


def test_rows_without_words_are_shown_too(store: Store) -> None:
    """A foreign tool may have written nulls; the page says what is there."""
    row = dict.fromkeys(shards.DOCUMENT.names) | {"made_from": [{"id": None, "start": None, "end": None}]}
    with store.write(name="nulls", version="2026.11.21", kind="dataset", recipe={}) as draft:
        path = "markdown/train-00000.parquet"
        shards.write(
            draft.path / path,
            [row, {**row, "id": "b", "made_from": None, "meta": "not JSON"}],
            shards.DOCUMENT,
        )
    found = chosen(store, "nulls", 10)
    shown = entries(found, "nulls@2026.11.21", restricted=False)
    assert [(entry.id, entry.title, entry.open) for entry in shown.rows] == [
        ("", "", False),
        ("b", "", False),
    ]


def test_every_open_text_is_read_once(many: Store) -> None:
    found = chosen(many, "many", 60)
    shown = entries(found, "many@2026.11.21", restricted=False)
    read = dict(texts(found, shown))
    assert sorted(read) == list(range(60))
    assert all(shown.rows[number].title in text for number, text in read.items())


@given(st.dictionaries(st.text(max_size=3), st.integers(0, 50), max_size=8), st.integers(0, 200))
def test_shares_are_as_even_as_may_be(counts: dict[str, int], budget: int) -> None:
    shares = even(counts, budget)
    assert sum(shares.values()) == min(budget, sum(counts.values()))
    assert all(shares[name] <= counts[name] for name in counts)
    short = [shares[name] for name in counts if shares[name] < counts[name]]
    assert max(shares.values(), default=0) - min(short, default=10**6) <= 1


@given(
    st.integers(WHOLE + 1, 3 * WHOLE),
    st.lists(st.tuples(st.integers(0, 3 * WHOLE), st.integers(0, 900)), max_size=6),
)
def test_what_was_used_of_a_long_text_is_shown_around(length: int, used: list[tuple[int, int]]) -> None:
    text = LONG[:length]
    found = pieces(text, [(start, start + size) for start, size in used])
    assert all(text[start : start + len(piece)] == piece for start, piece in found)
    assert len(found[0][1]) >= HEAD
    assert all(a + len(piece) < b for (a, piece), (b, _) in pairwise(found))
    for start, size in used:
        if start + size <= length:
            assert any(a <= max(start - AROUND, 0) and start + size <= a + len(piece) for a, piece in found)


def test_a_section_of_many_parents_says_of_which_companies(store: Store) -> None:
    pages = [base(number) for number in range(6)]
    section = Document(
        text="まとめ", format="sections", source="edinet", url="", title="", captured_at=pages[0].captured_at,
        license="PDL-1.0", attribution="", redistribution=True, made_from=tuple(Span(page.id, 0, 2) for page in pages),
    )  # fmt: skip
    dataset(store, "texts", "2026.11.21", [*pages, section])
    shown = entries(chosen(store, "texts", 50), "texts@2026.11.21", restricted=False)
    (row,) = [row for row in shown.rows if row.format == "sections"]
    assert row.companies == ("E90001", "E90002", "E90003")
    assert shown.names["E90001"] == "汐凪水産株式会社"
