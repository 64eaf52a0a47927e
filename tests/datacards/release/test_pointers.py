"""A pointer tells everything of a record but its text, and enough to prove that text when it is made again."""

import json
from datetime import UTC, date, datetime
from hashlib import sha256

import pyarrow as pa
import yaml

from corpus import shards
from corpus.document import Document, Span
from datacards.card import Ref
from datacards.release.pointers import POINTER, pointer_table
from datacards.release.recipe import ReleaseRecipe
from datacards.release.recipes import recipes_below
from datacards.release.run import release
from datacards.store import Store
from tests.datacards.release.made import corpus, page


def document(text: str) -> Document:
    return Document(
        text=text,
        format="markdown",
        source="boj_speeches",
        url="http://boj.example/koen.htm",
        title="最近の金融経済情勢",
        captured_at=datetime(2026, 11, 21, 3, 5, tzinfo=UTC),
        license="BOJ-terms",
        attribution="出典：日本銀行",
        redistribution=False,
        published_at=date(2026, 11, 20),
        made_from=(Span("sha256:" + "0" * 64, 0, 0),),
        meta={"kind": "speech"},
    )


def test_a_pointer_has_the_columns_of_documents_but_text_and_meta() -> None:
    assert set(POINTER.names) == {*shards.DOCUMENT.names, "text_sha256", "version"} - {"text", "meta"}
    assert all(
        POINTER.field(one.name).type == one.type for one in shards.DOCUMENT if one.name in POINTER.names
    )


def test_pointers_prove_texts_and_hold_none() -> None:
    made = [document("景気は緩やかに回復しています。"), document("")]
    table = pa.Table.from_pylist(list(map(shards.document_row, made)), schema=shards.DOCUMENT)
    pointers = pointer_table(table, "words@2026.11.21")
    assert pointers.schema == POINTER
    assert pointers["text_sha256"].to_pylist() == [sha256(one.text.encode()).hexdigest() for one in made]
    assert pointers["id"].to_pylist() == [one.id for one in made]
    assert set(pointers["version"].to_pylist()) == {"words@2026.11.21"}
    assert "回復" not in str(pointers.to_pylist())
    assert len(pointer_table(table.slice(0, 0), "words@2026.11.21")) == 0


def test_the_recipes_of_all_datasets_below_are_told_and_no_time_or_command(store: Store) -> None:
    outside = Ref(name="hf:org/model", version="0" * 40)
    recipe = {"name": "words", "version": "2026.11.21", "steps": ["unicode"]}
    with store.write(name="words", version="2026.11.21", kind="dataset", recipe=recipe, made_from=[outside]):
        pass
    below = store.resolve("words")
    with store.write(
        name="asked", version="2026.11.21", kind="dataset", recipe={"seed": 1}, made_from=[below]
    ):
        pass
    told = recipes_below(store, store.resolve("asked"))
    assert list(told) == ["asked-2026.11.21.yaml", "words-2026.11.21.yaml"]
    said = yaml.safe_load(told["words-2026.11.21.yaml"])
    assert said["ref"] == "words@2026.11.21"
    assert said["digest"] == below.digest
    assert said["recipe"] == recipe
    assert said["made_from"][0]["name"] == "hf:org/model"
    assert set(said) == {"ref", "digest", "kind", "made_from", "recipe", "provenance"}
    assert set(said["provenance"]) == {"commit", "libraries"}


def test_the_recipe_of_captures_tells_their_sources_and_no_address_of_a_mirror(family: Store) -> None:
    told = recipes_below(family, family.resolve("asked"))
    assert list(told) == ["asked-2026.11.21.yaml", "pages-2026.11.21.yaml", "texts-2026.11.21.yaml"]
    said = yaml.safe_load(told["pages-2026.11.21.yaml"])
    assert (said["kind"], said["sources"], said["made_from"]) == ("captures", ["test"], [])
    assert "base_urls" not in said["recipe"]


def test_terms_are_those_of_the_texts_and_the_page_tells_pointers_and_splits_apart(store: Store) -> None:
    pages = [page(n, edinet_code=f"E{n:05d}") for n in range(20)]
    pages += [page(n, source="boj_speeches", license_="BOJ-terms") for n in range(200, 205)]
    pages += [page(n, source="wikipedia", license_="CC-BY-SA-4.0") for n in range(300, 304)]
    asked = ReleaseRecipe.model_validate(
        {
            "name": "public",
            "version": "2026.11.26",
            "restricted": "pointers",
            "holdout": {"by": "company", "share": 0.2, "seed": 0},
        }
    )
    folder = store.path(release(asked, store, str(corpus(store, pages))))
    shown = (folder / "README.md").read_text(encoding="utf-8")
    head = yaml.safe_load(shown.split("---\n")[1])
    assert (head["license"], head["license_name"]) == ("other", "cc-by-sa-4.0-and-pdl-1.0")
    assert "Of the 5 records under BOJ-terms only pointers are here" in shown
    assert "each with a chance of 0.2, seed 0" in shown
    said = json.loads((folder / "croissant.json").read_text(encoding="utf-8"))
    assert len(said["license"]) == 2 and not any("boj.or.jp" in link for link in said["license"])
    assert "Of records under BOJ-terms only pointers are given." in said["rai:dataLimitations"]
    assert not [use for use in said["rai:dataUseCases"] if use.startswith("Not for commercial")]
