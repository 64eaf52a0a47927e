"""What the other rooms make of a version of questions: its lineage, its differences, its release, what opens it."""

import json
import shutil
from importlib.resources import files
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from datasets import get_dataset_config_names, load_dataset

from datacards.errors import UserError
from datacards.rebuild.release import open_release
from datacards.rebuild.run import TOLD, rebuild
from datacards.release.recipe import ReleaseRecipe
from datacards.release.run import release
from datacards.store import Store
from rephrase.documents import Documents
from rephrase.run import run
from tests.datacards.diff.worlds import compare, rows_of, told
from tests.datacards.lineage.test_forward import counts, edges
from tests.datacards.lineage.traced_world import DAY, World
from tests.datacards.test_croissant import opened, records
from tests.rephrase.asked_world import NAMES, address, recipe, serving
from tests.rephrase.test_asking import tokenizer
from tests.rephrase.test_takedown_replies import WRITTEN, base, every

WRAPPED = f"asked@{DAY}", f"again@{DAY}"


@pytest.fixture(scope="module")
def world(asked_root: Path) -> World:
    """Return the store, which nobody writes to, and the words to ask for lineages."""
    return World(Store(asked_root))


@pytest.mark.parametrize("form", WRITTEN)
def test_what_a_model_wrote_leads_back_to_the_capture(world: World, form: str) -> None:
    for row in every(world.store, "asked", form):
        told_ = world.json(row["id"])
        parent = row["made_from"][0]["id"]
        captured = base(world.store, row["title"][:4])["made_from"][0]["id"]
        assert {(row["id"], parent), (parent, captured)} <= edges(told_, "derived_from")
        assert (captured, row["url"]) in edges(told_, "fetched_from")


def test_an_address_leads_to_rephrasings_and_questions_and_never_to_the_logs(world: World) -> None:
    told_ = world.json(address(NAMES[0]), "--forward")
    texts, (asked, again) = f"texts@{DAY}", WRAPPED
    made = {
        f"{name}/{path.parent.name}/{path.name.split('-')[0]}"
        for name in WRAPPED
        for path in world.store.path(world.store.resolve(name)).glob("*/*.parquet")
    }
    found = counts(told_)
    assert {name.split("/")[1] for name in found} <= {"markdown", "qa", "multiple_choice", "dropped"}
    assert {name for name in found if "/dropped/" not in name} <= made | {f"{texts}/markdown/train"}
    easy = next(name for name in found if name.startswith(f"{asked}/markdown/"))
    assert found[easy] == 1
    assert (easy, f"{texts}/markdown/train") in edges(told_, "derived_from")
    assert f"{again}/markdown/train" in found


def test_between_two_versions_only_what_is_carried_is_new_and_no_log_is_a_document(world: World) -> None:
    found = compare(world.store, *WRAPPED)
    assert told(found) == {("markdown", "added", "new_format"): len(NAMES)}
    assert set(found.formats) == set(WRITTEN)
    back = compare(world.store, *reversed(WRAPPED))
    assert told(back) == {("markdown", "removed", "format_gone"): len(NAMES)}


def test_another_model_prompt_or_style_is_the_reason_of_what_differs(
    asked_store: Store, tmp_path: Path
) -> None:
    store = asked_store
    folders = [tmp_path / one / "own" for one in ("a", "b")]
    for folder in folders:
        shutil.copytree(files("rephrase.prompts").joinpath("v1"), folder / "v1")  # type: ignore[arg-type]
    edited = folders[1] / "v1" / "easy" / "completions.yaml"
    said = edited.read_text(encoding="utf-8")
    edited.write_text(said.replace("max_tokens: 700", "max_tokens: 45"), encoding="utf-8")
    model = tokenizer(tmp_path / "model")
    with serving() as server:
        plain = recipe(model, server, "own")
        for name, folder in zip(("own", "edited"), folders, strict=True):
            options = {**plain.options, "prompts": str(folder)}
            run(plain.model_copy(update={"name": name, "options": options}), store, "texts")
        warm = {**plain.options, "temperature": 0.1}
        run(
            plain.model_copy(update={"name": "warm", "options": warm, "styles": ("qa", "medium")}),
            store,
            "texts",
        )
    other = compare(store, f"own@{DAY}", f"edited@{DAY}")
    assert {(key[0], key[2]) for key in told(other)} == {("markdown", "new_generator")}
    for row in rows_of(other, "markdown", "new_generator"):
        assert row.detail.startswith("prompt easy.completions.v1: ")
    warmer = compare(store, f"asked@{DAY}", f"warm@{DAY}")
    assert (
        told(warmer)["markdown", "removed", "format_gone"]
        == told(warmer)["markdown", "added", "new_format"]
        == 6
    )
    assert {row.detail for row in rows_of(warmer, "qa", "new_generator")} <= {
        "options.temperature: nothing -> 0.1"
    }


@pytest.fixture(scope="module")
def public(world: World, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Return a store with a release of the version that carries its documents."""
    store = Store(shutil.copytree(world.store.root, tmp_path_factory.mktemp("public") / "store"))
    release(ReleaseRecipe(name="public", version=DAY, restricted="pointers"), store, WRAPPED[1])
    return store


def test_what_was_written_about_restricted_texts_stays_at_home_and_no_log_goes_out(public: Store) -> None:
    folder = public.path(public.resolve("public"))
    assert not {"replies", "verdicts"} & {path.name for path in folder.iterdir()}
    restricted = [
        row for name in WRAPPED for form in WRITTEN for row in every(public, name.partition("@")[0], form)
        if row["license"] == "BOJ-terms"
    ]  # fmt: skip
    assert restricted and not any(row["redistribution"] for row in restricted)
    assert {row["format"] for row in restricted} >= {"markdown", "qa"}
    pointers = {row["id"]: row for row in every(public, "public", "pointers")}
    assert pointers.keys() == {row["id"] for row in restricted}
    said = "".join(
        json.dumps(pq.read_table(path).to_pylist(), ensure_ascii=False, default=str)
        if path.suffix == ".parquet"
        else path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.is_file()
    )
    assert not [row["text"] for row in restricted if row["text"] in said]
    assert "98,765" not in said  # what was refused says nothing outside, either
    for form in WRITTEN:
        for path in (folder / form).glob("*.parquet"):
            assert len({row["license"] for row in pq.read_table(path).to_pylist()}) == 1  # share-alike apart
    with pytest.raises(UserError, match=r"may not be given to others.*BOJ-terms"):
        release(ReleaseRecipe(name="all", version=DAY, restricted="refuse"), public, WRAPPED[0])


def test_a_rebuild_says_of_what_a_model_wrote_that_it_cannot_come_back(public: Store, tmp_path: Path) -> None:
    store = Store(shutil.copytree(public.root, tmp_path / "store"))
    ref = rebuild(open_release(store, "public"), store)
    pointers = {row["id"]: row for row in every(store, "public", "pointers")}
    outcomes = {row["id"]: row["outcome"] for row in pq.read_table(store.path(ref, TOLD)).to_pylist()}
    assert outcomes.keys() == pointers.keys()
    for name, outcome in outcomes.items():
        captured = pointers[name]["made_from"][0]["id"].startswith("sha256:")
        assert outcome == ("proven" if captured else "made_by_model")


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame.reset_index")
def test_every_config_opens_and_the_description_is_valid(world: World, tmp_path: Path) -> None:
    for name in WRAPPED:
        folder = world.store.path(world.store.resolve(name))
        configs = get_dataset_config_names(str(folder))
        assert {*WRITTEN, "replies", "verdicts", "dropped"} <= set(configs)
        for config in ("replies", "verdicts"):
            rows_ = load_dataset(str(folder), config, cache_dir=str(tmp_path / "cache"))["train"]
            assert rows_.to_list() == every(world.store, name.partition("@")[0], config)
        described = opened(folder)
        replies = list(records(described, "replies"))
        assert [row["text"] for row in replies] == [
            row["text"] for row in every(world.store, "asked", "replies")
        ]


def test_a_rephrasing_is_no_document_to_ask_about(world: World) -> None:
    """A version may hold both as Markdown: what a model wrote proves nothing."""
    folder = world.store.path(world.store.resolve("again"))
    asked_about = {one.id for one in Documents(folder)()}
    assert asked_about == {row["id"] for row in every(world.store, "texts", "markdown")}
