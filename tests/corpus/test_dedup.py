"""Facts about duplicates."""

import random
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from corpus import shards
from corpus.document import Document, Fact
from corpus.duplicates import index
from corpus.duplicates.compared import DedupOptions, comparable, content_hash, states
from corpus.duplicates.index import Signer
from corpus.duplicates.near import Duplicates, find
from corpus.engine import Engine, Local
from corpus.prepare import document_rows, schema

OPTIONS = DedupOptions()
SIGN = Signer(OPTIONS)


def document(name: str, text: str, number: str = "") -> Document:
    """Return a document that was published before those whose names come later; it may state an amount."""
    fact = Fact("amount", "社", "NetSales", "売上高", text[:1], 0, 1, number=number)
    return Document(
        text, "markdown", "edinet", f"https://example.test/{name}", name, datetime(2026, 11, 1, tzinfo=UTC),
        "PDL-1.0", "", True, published_at=date(2020, 1, 1) + timedelta(days=int.from_bytes(name.encode()[:2])),
        facts=(fact,) if number else (),
    )  # fmt: skip


def judged(documents: list[Document], folder: Path, engine: Engine | None = None) -> Duplicates:
    """Return the verdicts on documents that are prepared into two chunks."""
    half = len(documents) // 2
    chunks = [folder / "0.parquet", folder / "1.parquet"]
    for path, some in zip(chunks, (documents[:half], documents[half:]), strict=True):
        shards.write(path, document_rows(some, SIGN), schema(OPTIONS))
    return find(index.index_of(chunks, []), OPTIONS, folder / "work", engine or Local(1))


def duplicates(texts: dict[str, str], amounts: dict[str, str] | None = None) -> Duplicates:
    with TemporaryDirectory() as folder:
        found = [document(name, text, (amounts or {}).get(name, "")) for name, text in texts.items()]
        return judged(found, Path(folder))


def verdicts(texts: dict[str, str], found: Duplicates) -> dict[str, tuple[str, str]]:
    """Return name -> (reason, survivor) of everyone who leaves."""
    names = list(texts)
    return {
        name: ("exact_duplicate" if found.exact[i] else "near_duplicate", names[found.survivor[i]])
        for i, name in enumerate(names)
        if found.survivor[i] != i
    }


def prose(seed: int, length: int = 600) -> str:
    draw = random.Random(seed)  # noqa: S311
    return "".join(
        draw.choices("金利景気物価為替の、は。にをが銀行政策決定会合緩和株式債券市場企業収益", k=length)
    )


def changed(text: str, share: float, seed: int = 0) -> str:
    """Return the text with one contiguous share of it replaced."""
    length = round(len(text) * share)
    return text[:100] + prose(1000 + seed, length) + text[100 + length :]


def shingles(text: str) -> set[str]:
    return {text[at : at + 5] for at in range(max(1, len(text) - 4))}


def similarity(one: str, other: str) -> float:
    a, b = shingles(one), shingles(other)
    return len(a & b) / len(a | b)


def test_copies_that_differ_in_width_and_spacing_are_exact_duplicates() -> None:
    texts = {"a": "売上高は１２３億円。\n増加した。" * 9, "b": "売上高は123億円。  増加した。" * 9}
    assert verdicts(texts, duplicates(texts)) == {"b": ("exact_duplicate", "a")}


def test_a_near_duplicate_leaves_and_names_its_survivor() -> None:
    base = prose(1)
    texts = {"a": base, "b": changed(base, 0.05), "c": prose(2)}
    assert similarity(base, texts["b"]) > 0.85
    found = duplicates(texts)
    assert verdicts(texts, found) == {"b": ("near_duplicate", "a")}
    assert found.cluster_size.tolist() == [2, 0, 1]


def test_documents_below_the_threshold_stay_and_are_reported() -> None:
    base = prose(3)
    texts = {"a": base, "b": changed(base, 0.12)}
    assert 0.75 < similarity(*texts.values()) < 0.8
    found = duplicates(texts)
    assert not verdicts(texts, found)
    [pair] = found.similar
    assert (pair.smaller, pair.larger, pair.reason) == (0, 1, "below_threshold")
    assert pair.similarity == similarity(*texts.values())


def test_reports_that_state_states_otherwise_stay_however_alike_they_are() -> None:
    base = prose(4)
    texts = {"a": base, "b": changed(base, 0.01)}
    found = duplicates(texts, {"a": "1", "b": "2"})
    assert not verdicts(texts, found)
    assert [pair.reason for pair in found.similar] == ["states_otherwise"]
    assert verdicts(texts, duplicates(texts, {"a": "1", "b": "1"})) == {"b": ("near_duplicate", "a")}


def test_amounts_are_told_apart_by_concept_period_and_number_not_by_place() -> None:
    def stating(number: str, at: int) -> Document:
        fact = Fact("amount", "社", "NetSales", "売上高", "1", at, at + 1, number=number, period="2026-03-31")
        return Document(
            "1" * 9, "markdown", "edinet", "u", "t", datetime(2026, 1, 1, tzinfo=UTC), "PDL-1.0", "", True,
            facts=(fact,),
        )  # fmt: skip

    assert states(stating("1", 0)) == states(stating("1", 5)) != states(stating("2", 0))


@pytest.mark.parametrize(
    ("kind", "title", "other"),
    [("term", "版権", "著作権"), ("report", "ディスクロージャー誌2025", "ディスクロージャー誌2026")],
)
def test_terms_and_reports_are_told_apart_by_their_title(kind: str, title: str, other: str) -> None:
    def titled(title: str) -> Document:
        return Document(
            "流動資産", "markdown", "edinet", "u", title, datetime(2026, 1, 1, tzinfo=UTC), "PDL-1.0", "", True,
            meta={"kind": kind},
        )  # fmt: skip

    assert states(titled(title)) == states(titled(title)) != states(titled(other))


def test_what_comes_of_two_meetings_is_told_apart_by_the_day() -> None:
    def of(kind: str, day: int) -> Document:
        return Document(
            "文", "markdown", "boj", "u", "t", datetime(2026, 1, 1, tzinfo=UTC), "BOJ-terms", "", False,
            event_at=date(2026, 1, day), meta={"kind": kind},
        )  # fmt: skip

    assert states(of("statement", 1)) != states(of("statement", 2))
    assert states(of("speech", 1)) == states(of("speech", 2)) == bytes(8)
    assert states(of("company_list", 1)) != states(of("company_list", 2))


def test_a_document_like_a_removed_one_goes_to_the_final_survivor() -> None:
    first = prose(5, 1000)
    second = changed(first, 0.08)
    third = second[:700] + prose(77, 80) + second[780:]
    texts = {"a": first, "b": second, "c": third, "d": third + " "}
    assert similarity(first, second) > 0.8 < similarity(second, third)
    assert similarity(first, third) < 0.8
    found = duplicates(texts)
    assert {survivor for _, survivor in verdicts(texts, found).values()} == {"a"}
    assert found.cluster_size[0] == 1 + len(verdicts(texts, found))


POOL = {f"{group}{copy}": changed(prose(group), copy / 30, copy) for group in range(4) for copy in range(5)}


@given(st.permutations(sorted(POOL)))
@settings(max_examples=20, deadline=None)
def test_the_order_in_which_documents_come_does_not_matter(names: list[str]) -> None:
    texts = {name: POOL[name] for name in names}
    found = duplicates(texts)
    expected = duplicates(POOL)
    assert verdicts(texts, found) == verdicts(POOL, expected)
    sizes = dict(zip(names, found.cluster_size.tolist(), strict=True))
    assert sizes == dict(zip(POOL, expected.cluster_size.tolist(), strict=True))
    assert sum(sizes.values()) == len(POOL)


@given(st.sets(st.sampled_from(sorted(POOL)), min_size=1), st.integers(0, 19))
@settings(max_examples=20, deadline=None)
def test_larger_documents_never_change_a_verdict(names: set[str], cut: int) -> None:
    ordered = sorted(names)
    some = {name: POOL[name] for name in ordered[: cut + 1]}
    every = {name: POOL[name] for name in ordered}
    before, after = verdicts(some, duplicates(some)), verdicts(every, duplicates(every))
    assert before == {name: verdict for name, verdict in after.items() if name in some}


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_what_is_compared_is_stable(text: str) -> None:
    assert comparable(comparable(text)) == comparable(text)
    assert content_hash(comparable(text)) == content_hash(comparable(comparable(text)))


def test_texts_shorter_than_a_shingle_are_compared_whole() -> None:
    texts = {"a": "円", "b": "株", "c": "円"}
    assert verdicts(texts, duplicates(texts)) == {"c": ("exact_duplicate", "a")}


def test_no_documents_have_no_duplicates() -> None:
    assert not verdicts({}, duplicates({}))


def test_workers_and_what_a_killed_run_left_change_no_verdict(tmp_path: Path) -> None:
    documents = [document(name, text) for name, text in POOL.items()]
    one = judged(documents, tmp_path / "one")
    two = judged(documents, tmp_path / "two", Local(2))
    for lost in ("edges-003.npy", "candidates-000.length", "similarity-000000000000.npy"):
        (tmp_path / "one" / "work" / lost).unlink()
    again = judged(documents, tmp_path / "one")
    assert one.survivor.tolist() == two.survivor.tolist() == again.survivor.tolist()
    assert one.similar == two.similar == again.similar


def test_bands_that_need_more_permutations_than_there_are_are_refused() -> None:
    with pytest.raises(ValidationError, match="bands x rows must be at most 64"):
        DedupOptions(permutations=64)


def test_a_report_does_not_leave_by_way_of_a_third_text_for_one_that_states_otherwise() -> None:
    """A copy without facts resembles both years; it goes to the first, and the second stays all the same."""
    base = prose(6)
    texts = {"a": base, "b": changed(base, 0.06), "c": changed(base, 0.06)[:-40] + prose(88, 40)}
    assert min(similarity(base, texts["b"]), similarity(texts["b"], texts["c"])) > 0.8
    assert verdicts(texts, duplicates(texts)) == {
        "b": ("near_duplicate", "a"),
        "c": ("near_duplicate", "a"),
    }
    assert verdicts(texts, duplicates(texts, {"a": "1", "c": "2"})) == {"b": ("near_duplicate", "a")}


FULL = """
import resource, sys
from pathlib import Path
import numpy as np
from corpus.shards import write_array
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
try:
    write_array(Path(sys.argv[1]), np.zeros(1 << 20))
except OSError as error:
    print(error.strerror)
"""


def test_an_array_that_does_not_fit_on_the_disk_says_so_and_is_not_there(tmp_path: Path, root: Path) -> None:
    path = tmp_path / "rank.npy"
    words = [sys.executable, "-c", FULL, str(path)]
    done = subprocess.run(words, cwd=root, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "File too large\n"
    assert not path.exists()
    for values in (np.zeros((0, 2), np.int64), np.arange(6).reshape(2, 3).T, np.array([True, False])):
        shards.write_array(path, values)
        assert np.array_equal(np.load(path, mmap_mode="r"), values)
