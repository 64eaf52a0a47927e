"""The stage, end to end with the model-free generator: every number proven, splits by fact, all formats in one."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from datasets import get_dataset_config_names, load_dataset

from corpus import shards
from corpus.document import Document, Span
from datacards.card import Ref
from datacards.errors import UserError
from datacards.store import Store
from rephrase.base import Question
from rephrase.cli import main
from rephrase.grounding.quantities import values
from rephrase.recipe import RephraseRecipe
from rephrase.run import run, to_document

RECIPE = RephraseRecipe(name="asked", version="2026.11.21", holdout=0.3, carry=("markdown",))


@pytest.fixture
def asked(store: Store, corpus: Ref) -> Path:
    """Return the folder of a finished version of questions."""
    return store.path(run(RECIPE, store, str(corpus)))


def questions(folder: Path, style: str) -> list[Document]:
    """Return all questions of a style, both splits."""
    return [d for split in ("train", "test") for d in shards.read_documents(folder, style, split)]


@pytest.mark.parametrize("style", ["qa", "multiple_choice"])
def test_every_answer_stands_in_the_span_that_proves_it(
    asked: Path, documents: list[Document], style: str
) -> None:
    parents = {parent.id: parent for parent in documents}
    found = questions(asked, style)
    assert len(found) > 15
    for question in found:
        span = question.made_from[0]
        shown = parents[span.id].text[span.start : span.end]
        answer = question.meta["answer"]
        if style == "multiple_choice":
            answer = json.loads(question.meta["choices"])[int(answer)]
        if "number" in question.meta:
            assert values(answer) == {*values(shown + "百万")}
        elif "program" in question.meta:  # what is computed is shown nowhere: the amounts it comes from are
            second = question.made_from[1]
            amounts = {int(fact.number) for fact in parents[span.id].facts}
            shows = (shown, parents[second.id].text[second.start : second.end])
            assert {int(one.replace(",", "")) * 10**6 for one in shows} <= amounts
        else:
            assert shown in (answer, question.meta["question"].rpartition("\n")[2])


def test_wrong_choices_are_other_true_answers_of_the_same_unit(asked: Path) -> None:
    for question in questions(asked, "multiple_choice"):
        choices = json.loads(question.meta["choices"])
        assert len(choices) == len(set(choices)) == 4
        if "number" in question.meta:
            assert all(choice.endswith("百万円") for choice in choices)


def test_every_choice_stands_in_a_span_and_all_parents_have_one_license(
    asked: Path, documents: list[Document]
) -> None:
    parents = {parent.id: parent for parent in documents}
    for question in questions(asked, "multiple_choice"):
        shown = {parents[span.id].text[span.start : span.end] for span in question.made_from}
        told = json.loads(question.meta["choices"])
        assert len(told) == 4
        if "program" in question.meta:  # wrong choices come out of amounts of the one document, too
            assert len({span.id for span in question.made_from}) == 1
            assert all(one.replace(",", "").isdigit() for one in shown)
            continue
        assert len(question.made_from) == 4
        if "number" not in question.meta and question.meta["subject"] not in told:
            assert shown == set(told)
        assert {parents[span.id].license for span in question.made_from} == {question.license}
        for span in question.made_from:
            assert parents[span.id].attribution in question.attribution
            assert parents[span.id].captured_at <= question.captured_at


def test_the_true_answer_stands_equally_often_at_every_place(asked: Path) -> None:
    by_license: dict[str, Counter[str]] = {}
    for question in questions(asked, "multiple_choice"):
        by_license.setdefault(question.license, Counter())[question.meta["answer"]] += 1
    for places in by_license.values():
        assert set(places) == set("0123")
        assert max(places.values()) - min(places.values()) <= 1


def test_a_fact_is_in_one_split_only(asked: Path) -> None:
    keys = {
        split: {
            d.meta["fact"]
            for style in ("qa", "multiple_choice")
            for d in shards.read_documents(asked, style, split)
        }
        for split in ("train", "test")
    }
    assert keys["train"] and keys["test"]
    assert not keys["train"] & keys["test"]


def test_facts_that_contradict_each_other_are_not_asked_but_kept_aside(asked: Path) -> None:
    assert not [d for d in questions(asked, "qa") if "総資産額" in d.text]
    aside = [row for path in shards.shard(asked, "dropped", "train") for row in shards.read(path)]
    assert sum("総資産額" in row["text"] for row in aside if row["reason"] == "ambiguous_fact") == 5


def test_the_unit_of_a_row_head_is_not_part_of_the_question(asked: Path) -> None:
    asked_for = [d.meta["question"] for d in questions(asked, "qa") if "純資産額" in d.text]
    assert asked_for
    assert not any("百万円" in question for question in asked_for)


def test_rights_and_address_are_those_of_the_parent(asked: Path) -> None:
    question = questions(asked, "qa")[0]
    assert (question.license, question.redistribution) == ("PDL-1.0", True)
    assert question.url.startswith("https://example.invalid/")


@pytest.mark.parametrize(("license_", "given_on"), [("CC-BY-SA-4.0", True), ("CC-BY-ND-4.0", False)])
def test_a_question_about_a_text_that_may_not_be_changed_stays_at_home(
    documents: list[Document], license_: str, given_on: bool
) -> None:
    parent = replace(documents[0], license=license_)
    spans = (Span(parent.id, 0, 4),)
    asked = Question("qa", "金利リスクとは何ですか。", "損失のおそれです。", parent, spans, "金利リスク")
    made = to_document(asked, "facts")
    assert (parent.redistribution, made.redistribution) == (True, given_on)
    assert (made.license, made.attribution) == (license_, parent.attribution)


def test_a_question_says_on_which_company_it_is(documents: list[Document]) -> None:
    """Its text need not: by these codes it is trained on with the company's own reports, or left out with them."""
    parent = replace(documents[0], meta={"edinet_code": "E00001", "sec_code": "10010", "filer": "灯台電機"})
    asked = Question("qa", "売上高はいくらですか。", "十億円", parent, (Span(parent.id, 0, 4),), "売上高")
    meta = to_document(asked, "facts").meta
    assert (meta["edinet_code"], meta["sec_code"], "filer" in meta) == ("E00001", "10010", False)


def test_the_version_opens_with_datasets_and_holds_what_was_carried(asked: Path) -> None:
    assert set(get_dataset_config_names(str(asked))) == {
        "markdown",
        "qa",
        "multiple_choice",
        "facts",
        "dropped",
        "verdicts",
    }
    loaded = load_dataset(str(asked), "multiple_choice")
    assert set(loaded) == {"train", "test"}
    assert load_dataset(str(asked), "markdown")["train"].num_rows == 10


def test_two_runs_give_the_same_bytes(tmp_path: Path, store: Store, corpus: Ref) -> None:
    first = store.card(run(RECIPE, store, str(corpus)))
    again = RECIPE.model_copy(update={"name": "again"})
    second = store.card(run(again, store, str(corpus)))
    assert first.content_digest == second.content_digest
    assert first.drops == second.drops


def test_a_finished_version_is_found_and_a_damaged_corpus_refused(store: Store, corpus: Ref) -> None:
    assert run(RECIPE, store, str(corpus)) == run(RECIPE, store, str(corpus))
    (store.path(corpus) / "facts" / "train-00000.parquet").write_bytes(b"PAR1")
    with pytest.raises(UserError, match="does not verify: facts"):
        run(RECIPE.model_copy(update={"version": "2026.11.22"}), store, str(corpus))


def test_carrying_what_is_not_there_names_what_is(store: Store, corpus: Ref) -> None:
    with pytest.raises(UserError, match="cannot carry 'sections'; the corpus version holds: facts, markdown"):
        run(RECIPE.model_copy(update={"carry": ("sections",)}), store, str(corpus))


def test_a_draft_of_older_code_leaves_nothing_in_the_version(store: Store, corpus: Ref) -> None:
    """A request says nothing of the code: what a killed run of another commit wrote must not be mixed in."""
    with (
        pytest.raises(RuntimeError),
        store.write(
            name=RECIPE.name,
            version=RECIPE.version,
            kind="dataset",
            recipe=RECIPE.model_dump(mode="json"),
            made_from=[corpus],
        ) as draft,
    ):
        (draft.path / "qa").mkdir()
        (draft.path / "qa" / "test-00007.parquet").write_bytes(b"PAR1")
        (draft.path / "qa" / ".train-00000.parquet.part").write_bytes(b"PAR1")
        raise RuntimeError
    folder = store.path(run(RECIPE, store, str(corpus)))
    assert sorted(path.name for path in (folder / "qa").iterdir()) == [
        "test-00000.parquet", "train-00000.parquet",
    ]  # fmt: skip


def test_a_version_without_a_question_is_no_success(store: Store, corpus: Ref) -> None:
    with store.write(name="bare", version="2026.11.21", kind="dataset", recipe={}) as draft:
        path = store.path(corpus) / "markdown" / "train-00000.parquet"
        shards.write(draft.path / "markdown" / path.name, shards.read(path), shards.DOCUMENT)
    with pytest.raises(UserError, match="asked: not one question was kept; left out: nothing"):
        run(RECIPE, store, "bare")
    assert [str(ref) for ref in store.refs("asked")] == []


def test_a_style_or_a_format_is_named_once_and_exists() -> None:
    for changes in ({"styles": ()}, {"styles": ("qa", "qa")}, {"carry": ("",)}, {"carry": ("qa", "qa")}):
        with pytest.raises(ValueError, match=r"styles|carry"):
            RephraseRecipe.model_validate({"name": "asked", "version": "2026.11.21", **changes})


def test_the_command_prints_what_was_made(tmp_path: Path, store: Store, corpus: Ref) -> None:
    recipe = tmp_path / "asked.yaml"
    recipe.write_text("name: asked\nversion: 2026.11.21\n", encoding="utf-8")
    done = CliRunner().invoke(main, ["--corpus", "small", "--store", str(store.root), str(recipe)])
    assert done.exit_code == 0, done.output
    assert "documents_multiple_choice" in done.output
    assert "asked@2026.11.21 is in the store" in done.output
    recipe.write_text("name: asked\nversion: 2026.11.21\nstiles: [qa]\n", encoding="utf-8")
    done = CliRunner().invoke(main, [str(recipe), "--corpus", "small", "--store", str(store.root)])
    assert done.exit_code == 1
    assert "unknown key 'stiles'; allowed keys: name, version, description, generator" in done.output
