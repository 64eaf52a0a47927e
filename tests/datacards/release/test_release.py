"""A release: rights, splits, files by source, pointers, reports without texts; and the command that publishes it."""

import hashlib
import json
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from click.testing import CliRunner
from datasets import get_dataset_config_names, load_dataset

from corpus import shards
from corpus.document import Document, Fact
from datacards.card import Ref
from datacards.cli import main
from datacards.errors import UserError
from datacards.release.recipe import ReleaseRecipe
from datacards.release.run import is_release, release
from datacards.store import Store
from tests.datacards.release.made import corpus, page, part


def recipe(**asked: Any) -> ReleaseRecipe:
    return ReleaseRecipe.model_validate(
        {"name": "public", "version": "2026.11.26", "restricted": "pointers", **asked}
    )


def rows(store: Store, ref: Ref, config: str) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of a config by split."""
    found: dict[str, list[dict[str, Any]]] = {}
    for path in sorted((store.path(ref) / config).glob("*.parquet")):
        found.setdefault(path.name.split("-")[0], []).extend(pq.read_table(path).to_pylist())
    return found


def world() -> list[Document]:
    """Return documents of forty companies, three of each, of a bank that allows nothing, and of an encyclopedia."""
    made = [page(n, edinet_code=f"E{n // 3:05d}", sec_code=f"{1000 + n // 3}0") for n in range(120)]
    made += [page(n, source="boj_speeches", license_="BOJ-terms") for n in range(200, 205)]
    made += [
        page(n, source="wikipedia", license_="CC-BY-SA-4.0", day=date(2026, 2, 1)) for n in range(300, 304)
    ]
    made += [
        page(n, source="jpx", sec_code=f"{1000 + n - 400}") for n in range(400, 404)
    ]  # the same companies
    return made


def test_a_release_opens_by_format_and_by_source_in_an_environment_of_its_own(
    store: Store, tmp_path: Path
) -> None:
    documents = world()
    ref = release(recipe(), store, str(corpus(store, [*documents, part(documents[:2])])))
    folder = store.path(ref)
    configs = get_dataset_config_names(str(folder))
    assert {"markdown", "sections", "edinet", "wikipedia", "jpx", "pointers", "facts", "dropped"} <= set(
        configs
    )
    assert "boj_speeches" not in configs
    opened = load_dataset(str(folder), "edinet", cache_dir=str(tmp_path / "cache"))
    assert len(opened["train"]) == 121
    assert Counter(opened["train"]["format"]) == {"markdown": 120, "sections": 1}
    assert len(load_dataset(str(folder), "pointers", cache_dir=str(tmp_path / "cache"))["train"]) == 5


def test_no_text_that_may_not_be_given_on_is_in_any_file(store: Store) -> None:
    documents = world()
    restricted = [one.text for one in documents if not one.redistribution] + ["外に出してはならない本文"]
    for mode in ("pointers", "leave_out"):
        name = mode.replace("_", "-")
        ref = release(
            recipe(restricted=mode, name=name), store, str(corpus(store, documents, name=f"c-{name}"))
        )
        for path in store.path(ref).rglob("*"):
            if path.suffix == ".parquet":
                held = json.dumps(pq.read_table(path).to_pylist(), ensure_ascii=False, default=str)
            else:
                held = path.read_text(encoding="utf-8") if path.is_file() else ""
            assert not [text for text in restricted if text in held or text.split("\n")[-1] in held], path


def test_a_pointer_says_everything_but_the_text_and_proves_it(store: Store) -> None:
    documents = world()
    source = corpus(store, documents)
    ref = release(recipe(), store, str(source))
    told = {row["id"]: row for row in rows(store, ref, "pointers")["train"]}
    secret = [one for one in documents if not one.redistribution]
    assert set(told) == {one.id for one in secret}
    for one in secret:
        row = told[one.id]
        assert row["text_sha256"] == hashlib.sha256(one.text.encode()).hexdigest()
        assert (row["url"], row["license"], row["version"]) == (one.url, "BOJ-terms", str(source))
        assert not {"text", "meta"} & row.keys()
    told_recipes = {path.name for path in (store.path(ref) / "recipes").iterdir()}
    assert told_recipes == {"public-2026.11.26.yaml", "words-2026.11.21.yaml"}
    said = yaml.safe_load((store.path(ref) / "recipes" / "words-2026.11.21.yaml").read_text(encoding="utf-8"))
    assert said["digest"] == source.digest


def test_refusing_names_the_licenses_how_many_and_which(store: Store) -> None:
    documents = world()
    source = corpus(store, documents)
    first = next(one.id for one in documents if not one.redistribution)
    with pytest.raises(
        UserError, match=rf"holds 5 records .* 5 records under BOJ-terms .*{first}.*say restricted: pointers"
    ):
        release(recipe(restricted="refuse"), store, str(source))
    assert store.refs("public") == []


def question(choices: list[Document]) -> Document:
    """Return a question as the facts give them, with what its choices were made from."""
    meta = {"generator": "facts", "choices": json.dumps(["一円", "二円", "三円", "四円"], ensure_ascii=False)}
    return replace(part(choices, "multiple_choice"), text=f"問い {len(choices)}", meta=meta)


@pytest.mark.parametrize("restricted", ["pointers", "leave_out", "refuse"])
def test_a_question_whose_wrong_choices_nobody_traces_is_not_given_on(store: Store, restricted: str) -> None:
    pages = [page(n) for n in range(4)]
    traced, not_traced = question(pages), question(pages[:1])
    corpus(store, [*pages, traced, not_traced])
    if restricted == "refuse":
        with pytest.raises(UserError, match=f"holds 1 records .*: {not_traced.id}.*by an earlier code"):
            release(recipe(restricted=restricted), store, "words")
        return
    ref = release(recipe(restricted=restricted), store, "words")
    assert [row["id"] for row in rows(store, ref, "multiple_choice")["train"]] == [traced.id]
    if restricted == "pointers":
        assert [row["id"] for row in rows(store, ref, "pointers")["train"]] == [not_traced.id]


def test_what_left_is_told_without_details_that_quote_texts(store: Store) -> None:
    details = {
        ("rephrase", "ambiguous_fact"): "amount|会社|売上高: 1,234百万円 / 1,235百万円",
        ("extract", "broken_instance"): "it begins with b'secret'",
        ("extract", "filing_withdrawn"): "S100ABCD",
        ("dedup", "near_duplicate"): page(1).id,
    }
    below = corpus(store, [page(1)])
    with store.write(
        name="more", version="2026.11.21", kind="dataset", recipe={}, made_from=[below]
    ) as draft:
        path = draft.path / "dropped" / "train-00000.parquet"
        told = [
            {"stage": s, "reason": r, "detail": d, "text": "", "source": "x"} for (s, r), d in details.items()
        ]
        draft.rows["dropped/train-00000.parquet"] = shards.write(path, told, shards.DROPPED)
        shutil.copytree(store.path(below) / "markdown", draft.path / "markdown")
    ref = release(recipe(), store, "more")
    found = {(row["stage"], row["reason"]): row["detail"] for row in rows(store, ref, "dropped")["train"]}
    quoting = {("rephrase", "ambiguous_fact"), ("extract", "broken_instance")}
    assert {key: found[key] for key in details} == details | dict.fromkeys(quoting, "")


def test_an_unknown_license_is_not_given_on_whatever_its_flag_says(store: Store) -> None:
    odd = page(1, license_="CC-BY-ND-4.0")
    made = corpus(store, [page(0), odd])
    path = store.path(made) / "markdown" / "train-00000.parquet"
    table = pq.read_table(path)
    table = table.set_column(
        table.schema.get_field_index("license"), "license", pa.array(["PDL-1.0", "my own"])
    )
    with store.write(name="odd", version="2026.11.21", kind="dataset", recipe={}) as draft:
        (draft.path / "markdown").mkdir()
        pq.write_table(table, draft.path / "markdown" / "train-00000.parquet")
    with pytest.raises(UserError, match="1 records under my own"):
        release(recipe(restricted="refuse"), store, "odd")


def test_no_company_is_in_both_splits_and_lists_of_both_are_left_out(store: Store) -> None:
    documents = world()
    both = part([documents[0], documents[60], documents[119]])
    ref = release(
        recipe(holdout={"by": "company", "share": 0.3, "seed": 3}),
        store,
        str(corpus(store, [*documents, both])),
    )
    sides: dict[str, set[str]] = {}
    for split, found in rows(store, ref, "markdown").items():
        for row in found:
            if code := json.loads(row["meta"]).get("sec_code"):
                sides.setdefault(code[:4], set()).add(split)
    assert {len(side) for side in sides.values()} == {1}
    held = sum(side == {"test"} for side in sides.values())
    assert 4 <= held <= 20
    assert all(row["source"] != "wikipedia" for row in rows(store, ref, "markdown")["test"])
    crossing = rows(store, ref, "sections") == {}
    assert crossing == (store.card(ref).drops.get("crosses_splits") == 1)
    assert crossing
    facts = {
        split: {row["document_id"] for row in found} for split, found in rows(store, ref, "facts").items()
    }
    given_ = {split: {row["id"] for row in found} for split, found in rows(store, ref, "markdown").items()}
    assert facts == given_


def test_a_question_is_of_the_company_it_asks_about_and_offers_nothing_of_a_held_out_one_in_training(
    store: Store,
) -> None:
    filings = [page(n, edinet_code=f"E{n:05d}") for n in range(40)]
    asked = [
        part([filings[n], filings[(n + 7) % 40], filings[(n + 19) % 40]], "multiple_choice")
        for n in range(40)
    ]
    made = corpus(store, [*filings, *asked])
    ref = release(recipe(holdout={"by": "company", "share": 0.2, "seed": 1}), store, str(made))
    split = {row["id"]: name for name, found in rows(store, ref, "markdown").items() for row in found}
    held = {one.id for one in filings if split[one.id] == "test"}
    assert 3 <= len(held) <= 16
    given_ = rows(store, ref, "multiple_choice")
    assert {row["made_from"][0]["id"] for row in given_["test"]} == held
    assert not held & {span["id"] for row in given_["train"] for span in row["made_from"]}
    assert sum(map(len, given_.values())) + store.card(ref).drops["crosses_splits"] == len(asked)


def test_a_profile_names_its_company_in_its_facts_and_a_list_of_many_is_of_none(store: Store) -> None:
    def listed(number: int, *codes: str) -> Document:
        facts = tuple(Fact("company", "会社", "sec_code", "証券コード", code, 0, 1) for code in codes)
        base = page(number, source="jpx")
        return Document(
            **{
                name: getattr(base, name)
                for name in base.__dataclass_fields__
                if name not in ("_id", "facts")
            },
            facts=facts,
        )

    filings = [page(n, edinet_code=f"E{n:05d}", sec_code=f"{1000 + n}0") for n in range(30)]
    profiles = [listed(100 + n, str(1000 + n)) for n in range(30)]
    many = listed(500, *(str(1000 + n) for n in range(30)))
    ref = release(
        recipe(holdout={"by": "company", "share": 0.5}),
        store,
        str(corpus(store, [*filings, *profiles, many])),
    )
    split = {row["url"]: name for name, found in rows(store, ref, "markdown").items() for row in found}
    assert all(split[a.url] == split[b.url] for a, b in zip(filings, profiles, strict=True))
    assert {split[one.url] for one in filings} == {"train", "test"}
    assert split[many.url] == "train"


def test_what_nobody_could_have_read_before_the_day_is_the_test(store: Store) -> None:
    documents = [page(n, day=date(2025, 1 + n % 12, 1)) for n in range(48)]
    late = part([documents[0], documents[11]])  # of January and December
    ref = release(
        recipe(holdout={"by": "time", "since": "2025-07-01"}), store, str(corpus(store, [*documents, late]))
    )
    for config in ("markdown", "sections"):
        for split, found in rows(store, ref, config).items():
            assert all((row["available_at"] >= date(2025, 7, 1)) == (split == "test") for row in found)
    assert {split: len(found) for split, found in rows(store, ref, "markdown").items()} == {
        "train": 24,
        "test": 24,
    }


def test_what_was_held_out_before_is_never_trained_on(store: Store) -> None:
    made = corpus(store, [page(n, edinet_code=f"E{n:05d}") for n in range(40)], split="test")
    ref = release(recipe(holdout={"by": "company", "share": 0.4}), store, str(made))
    assert set(rows(store, ref, "markdown")) == {"test", "validation"}
    plain = release(recipe(name="plain"), store, str(made))
    assert set(rows(store, plain, "markdown")) == {"test"}


def test_two_releases_of_one_recipe_have_equal_files_and_none_is_made_twice(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1795651200")
    other = Store(tmp_path / "other")
    asked = recipe(holdout={"by": "company", "share": 0.2}, shard_characters=100)
    refs = [release(asked, one, str(corpus(one, world()))) for one in (store, other)]
    files = [
        {
            path.relative_to(one.path(ref)): path.read_bytes()
            for path in one.path(ref).rglob("*")
            if path.is_file()
        }
        for one, ref in zip((store, other), refs, strict=True)
    ]
    assert files[0] == files[1]
    assert refs[0] == refs[1] == release(asked, store, "words")
    assert is_release(store.card(refs[0]))


def test_files_end_at_the_characters_that_are_asked_for(store: Store) -> None:
    documents = [page(n, text="あ" * 100) for n in range(40_000)]
    ref = release(recipe(shard_characters=2_000_000), store, str(corpus(store, documents)))
    sizes = {f.path: f.rows for f in store.card(ref).files if f.path.startswith("markdown/")}
    assert len(sizes) == 3
    assert sum(sizes.values()) == 40_000  # type: ignore[arg-type]
    found = [row["url"] for row in rows(store, ref, "markdown")["train"]]
    assert found == [one.url for one in documents]


def test_a_source_that_is_called_like_a_format_is_refused(store: Store) -> None:
    with pytest.raises(UserError, match="a source is called 'qa'"):
        release(recipe(), store, str(corpus(store, [page(1, source="qa")])))


def test_nothing_to_release_is_said(store: Store) -> None:
    made = corpus(store, [page(1, license_="BOJ-terms")])
    with pytest.raises(UserError, match="nothing of it may be given to others"):
        release(recipe(restricted="leave_out"), store, str(made))
    with pytest.raises(UserError, match="has none of the formats; it holds dropped, facts, markdown"):
        release(recipe(formats=["qa"]), store, str(made))


KILLED = """
import os, signal, sys
from datacards.release.recipe import ReleaseRecipe
from datacards.release.run import release
from datacards.store import Store
asked = ReleaseRecipe.model_validate_json(sys.argv[2])
signal.setitimer(signal.ITIMER_REAL, float(sys.argv[3]))
signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
release(asked, Store(sys.argv[1]), "words")
"""


def test_a_killed_release_leaves_nothing_to_see_and_ends_well_the_next_time(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1795651200")
    made = corpus(store, world())
    asked = recipe()
    for after in (0.01, 0.05, 0.1):
        words = [sys.executable, "-c", KILLED, str(store.root), asked.model_dump_json(), str(after)]
        subprocess.run(words, check=False)
        assert all(store.verify(ref) == [] for ref in store.refs())
    ref = release(asked, store, str(made))
    clean = Store(tmp_path / "clean")
    again = release(asked, clean, str(corpus(clean, world())))
    hashes = [
        {file.path: file.sha256 for file in one.card(r).files} for one, r in ((store, ref), (clean, again))
    ]
    assert hashes[0] == hashes[1]


def test_the_command_releases_publishes_and_says_what_is_there_already(store: Store, tmp_path: Path) -> None:
    corpus(store, world())
    path = tmp_path / "public.yaml"
    path.write_text(yaml.safe_dump(recipe().model_dump(mode="json")), encoding="utf-8")

    def publish(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(main, ["publish", "--store", str(store.root), *words])
        return done.exit_code, done.output

    status, told = publish(str(path), "--corpus", "words", "--to", str(tmp_path / "shelf"))
    assert status == 0
    assert "public@2026.11.26 is in the store" in told
    published = tmp_path / "shelf" / "public" / "2026.11.26"
    opened = load_dataset(str(published), "markdown", cache_dir=str(tmp_path / "cache"))
    assert len(opened["train"]) == 128
    status, told = publish("public", "--to", str(tmp_path / "shelf"))
    assert status == 0
    assert "is there already" in told
    assert "words@2026.11.21: is no release" in publish("words", "--to", str(tmp_path / "shelf"))[1]
    assert "no --corpus" in publish(str(path))[1]
    assert "goes with a recipe" in publish("public", "--corpus", "words")[1]


@pytest.mark.parametrize("config", ["markdown", "dropped", "index"])
def test_what_only_looks_like_a_release_is_looked_at_before_it_is_published(
    store: Store, tmp_path: Path, config: str
) -> None:
    rows_ = [shards.document_row(page(1, license_="BOJ-terms"))]
    with store.write(
        name="odd", version="2026.11.21", kind="dataset", recipe={"restricted": "refuse", "holdout": None}
    ) as draft:
        draft.rows["x"] = shards.write(
            draft.path / config / "train-edinet-00000.parquet", rows_, shards.DOCUMENT
        )
    done = CliRunner().invoke(
        main, ["publish", "--store", str(store.root), "odd", "--to", str(tmp_path / "shelf")]
    )
    assert done.exit_code == 1
    assert (
        "may not be given to others" if config == "markdown" else "texts that stay at home"
    ) in done.output
    assert not (tmp_path / "shelf").exists()
