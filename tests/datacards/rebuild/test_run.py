"""What a release only points at comes back from captures, word for word, or it is said why not."""

import json
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from corpus.captures import read_captures
from corpus.takedown.plugin import Corpus
from datacards.card import Ref
from datacards.cli import main
from datacards.errors import UserError
from datacards.rebuild.release import open_release
from datacards.rebuild.run import TOLD, rebuild
from datacards.store import Store
from datacards.takedown.plan import plan
from datacards.takedown.request import Request
from datacards.takedown.run import Takedown
from rephrase.recipe import RephraseRecipe
from rephrase.run import run as rephrase
from tests.datacards.rebuild.small import (
    DAY,
    NAMES,
    capture,
    corpus,
    counted,
    crawl,
    documents,
    downloaded,
    forged,
    page,
    prose,
    public,
    speeches,
    told,
)

FORMATS = ("markdown", "sections", "categories", "listing", "qa", "multiple_choice")


def again(store: Store, text: str = "fin-public", **given: object) -> Ref:
    return rebuild(open_release(store, text), store, **given)  # type: ignore[arg-type]


def elsewhere(released: Store, tmp_path: Path) -> tuple[Store, str]:
    """Return another store, and the release as a folder that was downloaded."""
    folder = downloaded(released, released.resolve("fin-public"), tmp_path / "downloaded")
    return Store(tmp_path / "other"), str(folder)


def test_every_pointer_is_proven_where_the_captures_are(released: Store) -> None:
    ref = again(released)
    found = counted(released, ref)
    assert {outcome for _, outcome in found} == {"proven"}
    assert {form for form, _ in found} >= {"markdown", "sections", "categories", "listing", "qa"}
    card = released.card(ref)
    assert card.counts["pointers"] == card.counts["pointers_proven"] == sum(found.values())
    assert str(ref) == f"fin-public-rebuilt@{DAY}"
    assert {str(one) for one in card.made_from} == {f"fin-public@{DAY}", *(f"{name}@{DAY}" for name in NAMES)}
    assert released.verify(ref) == []


def test_what_comes_back_is_what_the_corpus_holds(released: Store) -> None:
    before, after = (released.path(released.resolve(name)) for name in ("fin", str(again(released))))
    for form in FORMATS:
        was, now = documents(before, form), documents(after, form)
        assert was.keys() == now.keys()
        for name, row in was.items():
            meta, rebuilt = json.loads(row.pop("meta")), json.loads(now[name].pop("meta"))
            assert {k: v for k, v in meta.items() if not k.endswith("_share")} == rebuilt
            assert now[name] == row
    facts = [pq.read_table(path / "facts").sort_by([("document_id", "ascending"), ("start", "ascending")])
             for path in (before, after)]  # fmt: skip
    assert facts[0].to_pylist() == facts[1].to_pylist()


def test_what_may_not_be_given_on_still_may_not(released: Store) -> None:
    ref = again(released)
    rights = {one.license: one for one in released.card(ref).rights}
    assert not rights["BOJ-terms"].redistribution
    for path in (released.path(ref) / "markdown").glob("*.parquet"):
        assert not pc.any(pq.read_table(path)["redistribution"]).as_py()


def test_the_same_again_is_nothing_to_do_and_with_new_captures_a_new_version(released: Store) -> None:
    ref = again(released)
    assert again(released) == ref
    crawl(released, "boj_speeches", speeches(frame="にほんぎんこう"), "2026.11.22")
    assert str(again(released)) == f"fin-public-rebuilt@{DAY}.1"


def test_without_captures_nothing_is_proven_and_the_status_says_so(released: Store, tmp_path: Path) -> None:
    other, folder = elsewhere(released, tmp_path)
    done = CliRunner().invoke(main, ["rebuild", folder, "--store", str(other.root)])
    assert done.exit_code == 3, done.output
    assert "capture_missing" in done.output
    assert {outcome for outcome, _ in told(other, other.resolve("fin-public-rebuilt")).values()} == {
        "capture_missing"
    }
    assert other.verify(other.resolve("fin-public-rebuilt")) == []


def test_the_command_tells_each_source_and_ends_well_when_all_is_proven(released: Store) -> None:
    done = CliRunner().invoke(main, ["rebuild", "fin-public", "--store", str(released.root)])
    assert done.exit_code == 0, done.output
    for source in ("boj_speeches", "boj_press_conferences", "jpx", "all"):
        assert source in done.output
    assert f"fin-public-rebuilt@{DAY} is in the store" in done.output


def test_one_missing_capture_takes_along_only_what_was_made_of_it(released: Store, tmp_path: Path) -> None:
    other, folder = elsewhere(released, tmp_path)
    crawl(other, "boj_speeches", speeches()[:-1])
    found = counted(other, again(other, folder))
    assert found["markdown", "proven"] == 3
    assert found["markdown", "capture_missing"] == 10  # a speech, the conference, the list by industry
    assert found["sections", "capture_missing"] >= 1


def test_what_a_takedown_names_is_not_made_again_of_captures_that_came_later(
    released: Store, tmp_path: Path
) -> None:
    other, folder = elsewhere(released, tmp_path)
    crawl(other, "boj_speeches", speeches())
    erasers = [Corpus()]
    found = plan(other, Request(urls=(speeches()[0].url,), reason="訴えによる"), erasers)
    assert found
    Takedown(other, found, erasers).run()
    crawl(other, "copied", speeches())  # from a store that knows nothing of the takedown
    ref = again(other, folder)
    assert counted(other, ref)["markdown", "proven"] == 3
    rows = pq.read_table(other.path(ref, TOLD)).to_pylist()
    mine = [row for row in rows if row["url"] == speeches()[0].url]
    assert {row["outcome"] for row in mine} == {"withdrawn"} and "taken_down" in mine[0]["detail"]


def test_a_page_whose_frame_alone_changed_still_gives_the_text(released: Store, tmp_path: Path) -> None:
    other, folder = elsewhere(released, tmp_path)
    crawl(other, "boj_speeches", speeches(frame="日本銀行 Bank of Japan"), "2026.11.25")
    old, new = (
        {one.sha256 for one in read_captures(at.path(at.resolve("boj_speeches")))} for at in (released, other)
    )
    assert not old & new
    found = counted(other, again(other, folder))
    assert found["markdown", "proven"] == 4


def test_a_page_whose_text_changed_is_named(released: Store, tmp_path: Path) -> None:
    other, folder = elsewhere(released, tmp_path)
    crawl(other, "boj_speeches", speeches(said="その後、表現を改めました。"), "2026.11.25")
    ref = again(other, folder)
    assert counted(other, ref)["markdown", "changed_since"] == 4
    rows = pq.read_table(other.path(ref, TOLD)).to_pylist()
    assert {row["outcome"] for row in rows if row["source"] == "boj_speeches"} == {"changed_since"}


def test_a_chosen_captures_version_is_the_only_one_that_is_read(released: Store) -> None:
    crawl(released, "boj_speeches", speeches(said="表現を改めました。"), "2026.11.22")
    found = counted(released, again(released, captures=["boj_speeches@2026.11.22"]))
    assert found["markdown", "changed_since"] == 4
    assert found["markdown", "capture_missing"] == 9


def test_another_step_gives_another_text(released: Store, tmp_path: Path) -> None:
    """The recipe that comes with the release asks for what was not done: nobody is told that this is the text."""
    folder = downloaded(released, released.resolve("fin-public"), tmp_path / "downloaded")
    recipe = folder / "recipes" / f"fin-{DAY}.yaml"
    asked = recipe.read_text("utf-8").replace(
        "  - unicode", "  - length:\n      minimum: 1000000\n  - unicode"
    )
    assert asked != recipe.read_text("utf-8")
    recipe.write_text(asked, encoding="utf-8")
    forged(folder)
    outcomes = told(released, again(released, str(folder)))
    assert {outcome for outcome, _ in outcomes.values()} <= {"other_text", "other_code"}
    assert any("too_short" in detail for _, detail in outcomes.values())


def test_other_code_is_named_with_what_differs(released: Store, tmp_path: Path) -> None:
    folder = downloaded(released, released.resolve("fin-public"), tmp_path / "downloaded")
    recipe = folder / "recipes" / f"fin-{DAY}.yaml"
    said = recipe.read_text("utf-8").replace(
        "  - unicode", "  - length:\n      minimum: 1000000\n  - unicode"
    )
    recipe.write_text(said.replace("lxml: ", "lxml: 1.0-"), encoding="utf-8")
    forged(folder)
    outcomes = told(released, again(released, str(folder)))
    assert {outcome for outcome, _ in outcomes.values()} == {"other_code"}
    assert all("lxml 1.0-" in detail for _, detail in outcomes.values())


def test_a_pointer_with_another_hash_is_not_proven(released: Store, tmp_path: Path) -> None:
    folder = downloaded(released, released.resolve("fin-public"), tmp_path / "downloaded")
    path = folder / "pointers" / "train-boj_speeches-00000.parquet"
    table = pq.read_table(path)
    digests = table["text_sha256"].to_pylist()
    at = table.schema.get_field_index("text_sha256")
    table = table.set_column(at, "text_sha256", [["0" * 64, *digests[1:]]])
    pq.write_table(table, path)
    forged(folder)
    outcomes = told(released, again(released, str(folder)))
    tampered = table["id"][0].as_py()
    assert outcomes[tampered] == ("other_text", "its hash is not that of the pointer")
    assert {outcome for name, (outcome, _) in outcomes.items() if name != tampered} == {"proven"}


def test_a_filing_that_was_withdrawn_since_stays_away(store: Store) -> None:
    filings = [
        capture(f"S{n}.htm", page(f"臨時報告書{n}", prose(n), prose(n + 9)), "filings", "page", docID=f"S{n}")
        for n in (1, 2)
    ]
    crawl(store, "filings", filings)
    public(store, str(corpus(store, ["filings"], formats=["markdown"])))
    said = {"docID": "S1", "what": "withdrawn", "said_at": "", "noticed_at": "2026-11-24T00:00:00+00:00"}
    crawl(store, "filings", filings, "2026.11.24", tombstones=[said])
    outcomes = told(store, again(store))
    assert sorted(outcomes.values()) == [("proven", ""), ("withdrawn", "filing_withdrawn")]


def test_questions_made_from_facts_come_back(released: Store) -> None:
    ask = RephraseRecipe(name="fin-asked", version=DAY, carry=("markdown", "qa"), holdout=0.3)
    rephrase(ask, released, f"fin@{DAY}")
    public(released, f"fin-asked@{DAY}", name="asked-public")
    found = counted(released, again(released, "asked-public"))
    assert found["multiple_choice", "proven"] > 8
    assert {outcome for _, outcome in found} == {"proven"}


def test_questions_whose_documents_are_not_here_are_not_laid_to_the_code(
    released: Store, tmp_path: Path
) -> None:
    ask = RephraseRecipe(name="fin-asked", version=DAY, carry=("markdown", "qa"), holdout=0.3)
    rephrase(ask, released, f"fin@{DAY}")
    folder = str(
        downloaded(released, public(released, f"fin-asked@{DAY}", name="asked-public"), tmp_path / "d")
    )
    other = Store(tmp_path / "other")
    found = told(other, again(other, folder))
    outcomes = {outcome for outcome, _ in found.values()}
    assert outcomes == {"capture_missing", "parent_missing"}
    assert all(
        detail.startswith("its parent ") for outcome, detail in found.values() if outcome == "parent_missing"
    )


def test_what_a_model_wrote_is_said_to_be_a_models(released: Store) -> None:
    corpus_ref, qa = released.resolve("fin"), documents(released.path(released.resolve("fin")), "qa")
    row = next(iter(qa.values()))
    written = {**row, "id": "ab" * 16, "text": "質問：見通しは。\n回答：緩やかな回復です。"}
    recipe = {"generator": "vllm_server", "styles": ["qa"], "name": "fin-model", "version": DAY}
    with released.write(
        name="fin-model", version=DAY, kind="dataset", recipe=recipe, made_from=[corpus_ref]
    ) as draft:
        path = draft.path / "qa" / "train-00000.parquet"
        path.parent.mkdir()
        schema = pq.read_schema(next((released.path(corpus_ref) / "qa").glob("*")))
        pq.write_table(schema.empty_table().from_pylist([written], schema=schema), path)
        draft.rows["qa/train-00000.parquet"] = 1
    public(released, f"fin-model@{DAY}", name="model-public")
    assert list(told(released, again(released, "model-public")).values()) == [
        ("made_by_model", "vllm_server")
    ]


def test_what_stands_alone_is_found_again_by_its_address(released: Store) -> None:
    """A release of derived formats alone has no pointers to base documents: captures are found by address and source."""
    public(released, f"fin@{DAY}", name="parts-public", formats=["sections", "qa"])
    found = counted(released, again(released, "parts-public"))
    assert {outcome for _, outcome in found} == {"proven"}
    assert found["sections", "proven"] >= 2


def test_a_release_without_pointers_is_used_as_it_is(released: Store) -> None:
    with pytest.raises(UserError, match="holds no pointers"):
        again(released, "fin")
