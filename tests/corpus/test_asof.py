"""As of a day: nothing in a version depends on anything later, proven by building from what stood on that day."""

import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from corpus.cli import main
from corpus.document import Document
from corpus.recipe import CorpusRecipe
from corpus.run import inputs, run
from corpus.shards import DOCUMENT, read, read_documents, write
from corpus.times import leaks as leaks_module
from corpus.times.asof import REASONS
from corpus.times.leaks import leaks
from datacards.card import Card
from datacards.store import Store
from rephrase.recipe import RephraseRecipe
from rephrase.run import run as rephrase
from tests.corpus.asof_world import D1, D2, NAMES, World, fill, history

STEPS = ["unicode", "boilerplate", "language", {"length": {"minimum": 10}}, "repetition"]
#: Of a version as of a day these may differ from one built on that day: they name inputs and count what came later.
TOLD = (
    "README.md",
    "SHA256SUMS",
    "profile.json",
    "plots",
    "croissant.json",
    "card.json",
    "dropped",
)  # they tell of what left, too


def recipe(day: date | None, **more: Any) -> CorpusRecipe:
    fields = {"name": "fin", "version": "2026.12.02", "captures": list(NAMES), "steps": STEPS, "as_of": day}
    return CorpusRecipe.model_validate(fields | more)


class Built:
    """A version of a world as of a day, and the questions about it."""

    def __init__(self, root: Path, world: World, day: date | None, **more: Any) -> None:
        self.store = Store(root)
        fill(self.store, world)
        asked = recipe(day, **more)
        self.ref = run(asked, self.store, inputs(asked, self.store))
        self.folder = self.store.path(self.ref)

    @property
    def card(self) -> Card:
        return self.store.card(self.ref)

    def asked(self) -> Path:
        """Return the folder of the version of questions about this one."""
        fields = {"name": "fin-qa", "version": "2026.12.02", "carry": ["markdown", "sections"]}
        return self.store.path(rephrase(RephraseRecipe.model_validate(fields), self.store, str(self.ref)))

    def documents(self) -> dict[str, Document]:
        return {document.url: document for document in read_documents(self.folder, "markdown")}

    def titles(self) -> Counter[str]:
        """Return how many documents have a title; those of articles and pages name what they are."""
        return Counter(document.title for document in read_documents(self.folder, "markdown"))

    def dropped(self) -> list[dict[str, Any]]:
        return [row for path in sorted((self.folder / "dropped").iterdir()) for row in read(path)]


def content(folder: Path) -> dict[str, bytes]:
    """Return the files of a version that hold data."""
    names = {path: path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file()}
    return {str(name): path.read_bytes() for path, name in names.items() if name.parts[0] not in TOLD}


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return a function that builds the whole history, or what stood of it, as of a day; each once."""
    built: dict[Any, Built] = {}

    def build(day: date | None, *, stood: bool = False, **more: Any) -> Built:
        key = (day, stood, *more.items())
        if key not in built:
            world = history().stood(day) if stood and day else history()
            built[key] = Built(tmp_path_factory.mktemp("store"), world, day, **more)
        return built[key]

    return build


@pytest.mark.slow
@pytest.mark.parametrize("day", [D1, D2])
def test_a_version_as_of_a_day_is_the_one_that_could_be_built_on_that_day(at: Any, day: date) -> None:
    later, then = at(day), at(day, stood=True)
    assert content(later.folder) == content(then.folder)
    assert {"markdown", "sections", "listing", "qa", "facts"} <= {
        Path(name).parts[0] for name in content(later.folder)
    }
    left = {name: number for name, number in later.card.drops.items() if name not in REASONS}
    assert left == {name: number for name, number in then.card.drops.items() if name not in REASONS}
    counted = {name: n for name, n in later.card.counts.items() if not name.startswith("captures")}
    assert counted == {name: n for name, n in then.card.counts.items() if not name.startswith("captures")}
    assert later.card.rights == then.card.rights
    kept = [row for row in later.dropped() if row["stage"] != "as_of"]
    assert kept == [row for row in then.dropped() if row["stage"] != "as_of"]


def test_questions_about_a_version_as_of_a_day_are_those_that_could_be_asked_then(at: Any) -> None:
    later, then = at(D1).asked(), at(D1, stood=True).asked()
    assert content(later) == content(then)
    assert list(read_documents(later, "qa"))
    assert leaks(later, D1) == []


@pytest.mark.parametrize("day", [D1, D2])
def test_a_version_as_of_a_day_has_no_leak_and_one_of_all_days_has(at: Any, day: date) -> None:
    assert leaks(at(day).folder, day) == []
    found = leaks(at(None).folder, day)
    assert {Path(leak.file).parts[0] for leak in found} >= {"markdown", "sections"}
    assert all(row["available_at"] for row in at(day).dropped() if row["text"])
    assert {leak.url for leak in found} >= {"https://www.example.jp/last.html"}


def test_pages_are_there_from_publication_or_else_from_the_day_they_were_first_seen(at: Any) -> None:
    titles = at(D1).titles()
    assert {"早い記事", "日付のない記事", "消えた記事", "後で見つけた記事"} <= set(titles)
    assert not {"遅い記事", "夜の記事", "日付のない後の記事", "直した記事", "最後の記事"} & set(titles)
    assert {"遅い記事", "夜の記事", "日付のない後の記事", "直した記事"} <= set(at(D2).titles())
    found = at(D2).documents()
    for path, day in {
        "late": date(2026, 7, 1),
        "later": date(2026, 8, 1),
        "night": date(2026, 6, 16),
    }.items():
        assert found[f"https://www.example.jp/{path}.html"].available_at == day


def test_of_a_page_that_changed_the_body_of_the_day_counts(at: Any) -> None:
    url = "https://www.example.jp/changing.html"
    first, second = at(D1).documents()[url], at(D2).documents()[url]
    assert first.text != second.text


def test_survivors_and_clusters_count_early_copies_only(at: Any) -> None:
    early, near = "https://www.example.jp/early.html", "https://www.example.jp/near.html"
    documents = at(D1).documents()
    assert documents[early].cluster_size == 1
    kept = [one for url, one in documents.items() if "near" in url]
    assert [one.cluster_size for one in kept] == [2]  # near.html and 0-near.html
    assert sum(one.cluster_size for url, one in at(D2).documents().items() if "near" in url) == 3
    assert near in {row["url"] for row in at(D1).dropped() if row["stage"] == "dedup"} | set(documents)


def test_filings_stand_as_edinet_had_them_on_the_day(at: Any) -> None:
    def held(day: date | None) -> set[str]:
        return {one.meta["docID"] for one in at(day).documents().values() if "docID" in one.meta}

    assert held(D1) == {"S100ORIG", "S100SOON", "S100BACK", "S100HIDE", "S100EDIT"}
    assert held(D2) == {"S100ORIG", "S100AMND", "S100BACK", "S100EDIT"}
    assert at(D1).card.drops["filing_withdrawn"] == 1
    edited = "https://api.example.jp/documents/S100EDIT?type=1"
    names = [at(day).documents()[edited].meta["filerName"] for day in (D1, D2)]
    assert names == ["旧社名株式会社", "新社名株式会社"]


def test_the_newest_list_of_companies_of_the_day_counts_alone(at: Any) -> None:
    def listed(day: date) -> str:
        return "\n".join(one.text for one in read_documents(at(day).folder, "listing"))

    assert "乙社" in listed(D1)
    assert "丙社" not in listed(D1)
    assert ("乙社" in listed(D2), "丙社（証券コード：330A）" in listed(D2)) == (False, True)


def test_articles_are_in_the_revision_of_the_day(at: Any) -> None:
    def revisions(day: date) -> set[str]:
        return {one.meta["revision"] for one in at(day).documents().values() if "revision" in one.meta}

    assert revisions(D1) == {"100", "201", "400"}  # 101 is of the next day in Japan
    assert revisions(D2) == {"101", "201", "300", "400"}


def test_what_was_left_out_is_counted_and_kept_as_a_pointer(at: Any) -> None:
    built = at(D1)
    rows = [row for row in built.dropped() if row["stage"] == "as_of"]
    assert {row["reason"] for row in rows} == set(REASONS)
    assert Counter(row["reason"] for row in rows) == {
        name: number for name, number in built.card.drops.items() if name in REASONS
    }
    assert all(row["url"] and len(row["sha256"]) == 64 for row in rows)
    assert not any(row["text"] or row["title"] or row["document_id"] for row in rows)
    assert built.card.counts["captures_seen_again"] == 2 + 1  # early.html, 為替, and changing.html as it was
    assert "秘密" not in repr(built.dropped())  # the title of a page without text that was fetched later


def test_strictly_only_what_was_fetched_by_the_day_counts(at: Any) -> None:
    built = at(D1, as_of_strict=True)
    assert "後で見つけた記事" not in built.titles()
    assert all(one.captured_at.date() <= D1 for one in built.documents().values())
    assert leaks(built.folder, D1) == []


def test_without_a_day_nothing_is_left_out_and_the_newest_version_is_read(at: Any) -> None:
    built = at(None)
    assert not REASONS & set(built.card.drops)
    assert not built.card.counts["captures_seen_again"]
    assert {ref.version for ref in built.card.made_from} == {"2026.12.01", "2026.08.01"}
    assert all(one.available_at for one in built.documents().values())


def test_a_version_that_extends_one_of_an_earlier_day_takes_in_what_came_out_since(tmp_path: Path) -> None:
    store = Store(tmp_path)
    fill(store, history())
    for day, more in ((D1, {}), (D2, {"version": "2026.12.03", "extends": "fin@2026.12.02"})):
        asked = recipe(day, **more)
        ref = run(asked, store, inputs(asked, store))
    titles = {one.title for one in read_documents(store.path(ref), "markdown")}
    assert {"早い記事", "遅い記事", "日付のない後の記事", "社債"} <= titles
    assert leaks(store.path(ref), D2) == []
    assert leaks(store.path(ref), D1)


def test_a_day_is_part_of_the_request(at: Any, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    fill(store, history().stood(date(2026, 3, 1)))
    path = tmp_path / "fin.yaml"
    path.write_text(json.dumps(recipe(None, captures=["press"]).model_dump(mode="json")), encoding="utf-8")

    def build(*words: str) -> str:
        done = CliRunner().invoke(main, [str(path), "--store", str(store.root), "--workers", "1", *words])
        return done.output if done.exit_code == 0 else f"{done.output}{done.exception or ''}"

    assert "is in the store" in build("--as-of", "2026-06-15")
    assert "nothing to do" in build("--as-of", "2026-06-15")
    assert "differs in 'as_of': it was made with '2026-06-15', now asked: '2026-06-16'" in build("--as-of", "2026-06-16")  # fmt: skip
    assert "differs in 'as_of'" in build()
    assert store.card(store.resolve("fin")).recipe["as_of"] == "2026-06-15"


def test_the_check_of_a_version_names_what_is_later_and_fails(at: Any, tmp_path: Path) -> None:
    built = at(D1)

    def check(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(
            leaks_module.main, [str(built.ref), "--store", str(built.store.root), *words]
        )
        return done.exit_code, done.output

    assert check() == (0, f"{built.ref}: 0 rows are later than {D1}\n")
    code, said = check("--day", "2026-03-01")
    assert code == 1
    assert "is available from" in said

    [document] = [
        row for row in read(built.folder / "markdown" / "train-00000.parquet") if "early" in row["url"]
    ]
    wrong = {"available_at": date(2027, 1, 1)}, {"available_at": None}, {"published_at": date(2027, 1, 1)}
    for number, change in enumerate(wrong):
        write(tmp_path / "qa" / f"train-{number:05d}.parquet", [document | change], DOCUMENT)
    assert [leak.why.split()[0] for leak in leaks(tmp_path, D1)] == ["is", "does", "was"]
    parent = document | {"id": "0" * 32, "available_at": date(2026, 5, 1)}
    child = document | {"made_from": [{"id": parent["id"], "start": 0, "end": 9}]}
    orphan = document | {"made_from": [{"id": "1" * 32, "start": 0, "end": 9}]}
    write(tmp_path / "markdown" / "train-00000.parquet", [parent], DOCUMENT)
    write(tmp_path / "qa" / "train-00000.parquet", [child, orphan], DOCUMENT)
    whys = [leak.why for leak in leaks(tmp_path, D1) if leak.file == "qa/train-00000.parquet"]
    assert whys == ["its parent was available later than it says", "its parent is not in the version"]
