"""The Croissant description of a version: what mlcroissant says of it, and what it reads with it."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import mlcroissant as mlc
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpus import shards
from corpus.document import Document, Format, Span
from datacards.card import Card, Ref, Rights
from datacards.render.croissant import cite, croissant, semantic
from datacards.render.sites import Sites, sites
from datacards.rights import counted
from datacards.store import Store

# mlcroissant 1.1.1 stands on what rdflib 7 and pandas 3 are about to take away.
pytestmark = [
    pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame.reset_index"),
]
RECIPE = {
    "name": "texts",
    "description": "見本の文書",
    "steps": [{"unicode": {}}, {"personal": {"address": "mask"}}],
    "formats": [{"markdown": {}}, {"qa": {}}],
    "dedup": {"threshold": 0.8},
    "decontamination": {"ngram": 13},
}
CAPTURES = Ref(name="boj_speeches", version="2026.11.20", digest="d" * 64)


def document(number: int, form: Format = "markdown", **changes: Any) -> Document:
    """Return a small document; every second one has no date."""
    fields: dict[str, Any] = {
        "text": f"# 講演{number}\n\n物価は{number}％上昇した。",
        "format": form,
        "source": "boj_speeches" if number % 2 else "edinet",
        "url": f"https://user:secret@site{number % 2}.example.jp:8080/{number}?q=一",
        "title": f"講演{number}",
        "captured_at": datetime(2026, 11, 20, number, tzinfo=UTC),
        "license": "BOJ-terms" if number % 2 else "PDL-1.0",
        "attribution": "出典：試験",
        "redistribution": not number % 2,
        "published_at": date(2026, 4, 1 + number) if number % 2 else None,
        "made_from": tuple(Span(f"sha256:{n:064x}", n, n + 5) for n in range(number)),
        "meta": {"kind": "speech"},
    }
    return Document(**(fields | changes))


def make(store: Store, name: str = "texts", version: str = "2026.11.21", **changes: Any) -> Ref:
    """Write a version with two formats, two splits and what was dropped; return its Ref."""
    request: dict[str, Any] = {"kind": "dataset", "recipe": RECIPE, "made_from": [CAPTURES]}
    with store.write(name=name, version=version, **(request | changes)) as draft:
        for form, split, numbers in (
            ("markdown", "train", range(5)), ("qa", "train", range(5, 8)), ("qa", "test", range(8, 10)),
        ):  # fmt: skip
            leaf = f"{form}/{split}-00000.parquet"
            rows = [shards.document_row(document(number, form)) for number in numbers]  # type: ignore[arg-type]
            draft.rows[leaf] = shards.write(draft.path / leaf, rows, shards.DOCUMENT)
        shards.write(draft.path / "dropped" / "train-00000.parquet", [], shards.DROPPED)
        draft.counts.update(captures=12, facts=3, personal_address=2, source_boj_speeches=5, source_edinet=5)
        draft.drops["too_short"] = 2
        draft.rights = counted({"BOJ-terms": 5, "PDL-1.0": 5})
    return store.resolve(f"{name}@{version}")


def told(store: Store, ref: Ref) -> dict[str, Any]:
    """Return the description of a version."""
    description: dict[str, Any] = json.loads((store.path(ref) / "croissant.json").read_bytes())
    return description


def opened(path: Path) -> Any:
    """Return the version as mlcroissant opens it, once it has nothing to say against it."""
    dataset = mlc.Dataset(jsonld=path / "croissant.json")
    issues = dataset.metadata.ctx.issues
    assert not issues.errors and not issues.warnings, issues.report()
    return dataset


def plain(value: Any) -> Any:
    """Return a value of mlcroissant as Arrow would give it: text for bytes, instants for time stamps."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, Mapping):
        return {key.rpartition("/")[2]: plain(one) for key, one in value.items()}
    return value.to_pydatetime() if hasattr(value, "to_pydatetime") else value


def records(dataset: Any, name: str, **filters: str) -> Iterator[dict[str, Any]]:
    """Yield the records of a config with the bare names of their columns."""
    chosen = {f"{name}/{key}": value for key, value in filters.items()} or None
    yield from map(plain, dataset.records(name, filters=chosen))


@pytest.mark.parametrize("config", ["markdown", "qa"])
def test_mlcroissant_reads_every_row_as_it_is(store: Store, config: str) -> None:
    path = store.path(make(store))
    files = sorted((path / config).glob("*.parquet"))
    rows = [
        {**row, "split": file.stem.split("-")[0]} for file in files for row in pq.read_table(file).to_pylist()
    ]
    for row in rows:
        if row["published_at"]:
            row["published_at"] = datetime.combine(row["published_at"], datetime.min.time())
    assert list(records(opened(path), config)) == rows


def test_a_split_can_be_asked_for_alone(store: Store) -> None:
    path = store.path(make(store))
    numbers = {split: len(list(records(opened(path), "qa", split=split))) for split in ("train", "test")}
    assert numbers == {"train": 3, "test": 2}
    named = [plain(row) for row in opened(path).records("_splits")]
    assert named == [
        {"name": "train", "url": "cr:TrainingSplit"},
        {"name": "test", "url": "cr:TestSplit"},
    ]


def test_every_parquet_file_is_listed_with_its_hash_and_size(store: Store) -> None:
    ref = make(store)
    listed = {one["name"]: one for one in told(store, ref)["distribution"] if one["@type"] == "cr:FileObject"}
    paths = sorted(path for path in store.path(ref).rglob("*.parquet"))
    assert len(paths) == len(listed) == 4
    for path in paths:
        one = listed[path.relative_to(store.path(ref)).as_posix()]
        assert one["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert one["contentSize"] == f"{path.stat().st_size} B"
    assert "croissant.json" in {file.path for file in store.card(ref).files}
    assert store.verify(ref) == []


def test_two_runs_give_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = []
    for place, instant in (("one", "1796000000"), ("two", "1797000000")):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", instant)
        store = Store(tmp_path / place)
        ref = make(store)
        texts.append((store.path(ref) / "croissant.json").read_bytes())
        assert store.card(ref).created_at.timestamp() == int(instant)
    assert texts[0] == texts[1]


def test_rights_and_origin_are_told_in_words_of_others(store: Store) -> None:
    found = told(store, make(store))
    boj, pdl, whole = found["usageInfo"]
    forbidden = [rule["odrl:action"]["@id"] for rule in boj["odrl:prohibition"]]
    assert forbidden == ["odrl:distribute", "odrl:derive", "cc:CommercialUse"]
    assert "odrl:prohibition" not in pdl and pdl["identifier"] == "LicenseRef-PDL-1.0"
    assert whole["termCode"] == "DUO_0000046"
    assert "https://www.digital.go.jp/resources/open_data/public_data_license_v1.0" in found["license"]
    [below] = found["prov:wasDerivedFrom"]
    assert (below["identifier"], below["sha256"]) == (str(CAPTURES), "d" * 64)
    recipe = found["prov:wasGeneratedBy"]["prov:used"][0]
    assert json.loads(recipe["text"]) == RECIPE
    owed = {agent["prov:label"]: agent["url"] for agent in found["prov:wasAttributedTo"]}
    assert owed == {
        "boj_speeches": ["https://site1.example.jp:8080"],
        "edinet": ["https://site0.example.jp:8080"],
    }
    assert "secret" not in json.dumps(owed)


def test_responsible_use_is_told_from_card_and_recipe(store: Store) -> None:
    found = told(store, make(store))
    assert found["rai:dataCollectionTimeframe"] == ["2026-11-20T00:00:00Z", "2026-11-20T04:00:00Z"]
    assert "too_short 2" in found["rai:dataCollectionMissingData"]
    assert "step personal (address mask)" in found["rai:dataPreprocessingProtocol"]
    assert "address 2" in found["rai:personalSensitiveInformation"][1]
    assert found["rai:dataBiases"][0] == "Records by source: boj_speeches 50.0%, edinet 50.0%."
    assert any("BOJ-terms may not be given" in limit for limit in found["rai:dataLimitations"])
    assert found["rai:dataUseCases"][1].startswith("Validation and testing")


def test_a_profile_adds_years_and_languages(store: Store) -> None:
    ref = make(store)
    group = {"format": "markdown", "rows": 3, "characters": 9}
    profile = {
        "parts": [{"format": "qa", "split": "train", "source": "edinet", "rows": 4, "characters": 9}],
        "groups": {"year": [group | {"value": "2025"}], "language": [group | {"value": "en"}]},
        "marked": {"pages_needing_ocr": 7},
    }
    found = croissant(store.card(ref), profile, lambda name: None, Sites())
    assert found["inLanguage"] == ["en"]
    assert "Records by year: 2025 100.0%." in found["rai:dataBiases"]
    assert any(limit.startswith("7 pages") for limit in found["rai:dataLimitations"])


HOSTILE = '"</script>\n{{x}} \\u0000 ]]> @id 「引用」 ${HOME} \x7f'


def test_hostile_names_and_texts_are_data(store: Store) -> None:
    leaves = ("train-00000 [a].parquet", "train-日本 #%2e.parquet", "te'st-{1}.parquet")
    recipe = {"steps": [{HOSTILE: {"pattern": HOSTILE}}], "generator": HOSTILE, "options": {"model": HOSTILE}}
    field = pa.field(f"a/b {HOSTILE}", pa.string(), metadata={b"description": HOSTILE.encode()})
    with store.write(
        name="hostile", version="2026.11.21", kind="dataset", recipe=recipe, description=HOSTILE
    ) as draft:
        (draft.path / "qa").mkdir()
        for leaf in leaves:
            pq.write_table(
                pa.table({field.name: [leaf]}, schema=pa.schema([field])), draft.path / "qa" / leaf
            )
        draft.drops[HOSTILE] = 1
        draft.rights = [Rights(license="MIT", attribution=HOSTILE, redistribution=True, records=1)]
    ref = store.resolve("hostile")
    found = told(store, ref)
    assert found["description"] == HOSTILE
    assert HOSTILE in found["usageInfo"][0]["description"]
    rows = list(opened(store.path(ref)).records("qa"))
    assert sorted(value.decode() for row in rows for value in row.values() if b".parquet" in value) == sorted(
        leaves
    )
    [described] = [one for one in found["recordSet"][1]["field"] if one["name"] == field.name]
    assert described["description"] == HOSTILE
    assert " " not in described["@id"] and described["@id"].count("/") == 1


def test_of_an_unknown_license_nothing_is_allowed(store: Store) -> None:
    rights = Rights(license=HOSTILE, attribution=HOSTILE, redistribution=True, records=1)
    card = store.card(make(store)).model_copy(update={"rights": (rights,)})
    found = croissant(card, None, lambda name: None, Sites())
    assert found["license"] == [HOSTILE]
    forbidden = [rule["odrl:action"]["@id"] for rule in found["usageInfo"][0]["odrl:prohibition"]]
    assert forbidden == ["odrl:distribute", "odrl:derive", "cc:CommercialUse"]


def test_what_is_no_parquet_is_listed_without_columns(store: Store) -> None:
    found = croissant(store.card(make(store)), None, lambda name: None, Sites())
    assert {one["@type"] for one in found["distribution"]} == {"cr:FileObject"}
    assert len(found["distribution"]) == 4
    assert "recordSet" not in found


def test_a_version_without_records_has_none_to_describe(store: Store) -> None:
    for kind, leaf in (("dataset", "words.txt"), ("captures", "captures.parquet")):
        with store.write(name=kind, version="2026.11.21", kind=kind, recipe={}) as draft:  # type: ignore[arg-type]
            pq.write_table(pa.table({"url": ["x"]}), draft.path / leaf)
        assert not (store.path(store.resolve(kind)) / "croissant.json").exists()


def test_a_description_of_a_stopped_run_is_written_anew(store: Store) -> None:
    with store.write(name="texts", version="2026.11.21", kind="dataset", recipe={}) as draft:
        (draft.path / "croissant.json").write_text("left behind")
        (draft.path / "words.txt").write_text("語")
    names = [file.path for file in store.card(store.resolve("texts")).files]
    assert "words.txt" in names and "croissant.json" not in names
    assert store.verify(store.resolve("texts")) == []


@pytest.mark.parametrize(
    ("version", "written", "published"),
    [
        ("2026.11.21", "2026.11.21", "2026-11-21"),
        ("2026.03.05.2", "2026.3.5+2", "2026-03-05"),
        ("2026.02.31", "2026.2.31", None),
    ],
)
def test_versions_follow_semantic_versioning(
    store: Store, version: str, written: str, published: str | None
) -> None:
    ref = make(store, version=version)
    found = told(store, ref)
    assert semantic(version) == found["version"] == written
    assert found.get("datePublished") == published
    assert found["identifier"] == f"texts@{version}"
    dataset = mlc.Dataset(jsonld=store.path(ref) / "croissant.json")
    assert not dataset.metadata.ctx.issues.errors
    assert len(dataset.metadata.ctx.issues.warnings) == (published is None)


def test_a_citation_names_the_content(store: Store) -> None:
    card: Card = store.card(make(store, name="fin_ja"))
    assert card.content_digest in cite(card)
    assert cite(card).startswith("@misc{fin_ja_2026_11_21,")
    assert r"fin\_ja 2026.11.21" in cite(card)


URLS = (
    "https://a:b@x.jp:1/y",
    "https://x.jp:1",
    "http://z.jp?q=u@v",
    "ftp://w.jp/",
    "",
    None,
    "https:///",
    "/a/b",
)


def test_of_an_address_the_site_is_named_and_no_user(tmp_path: Path) -> None:
    (tmp_path / "qa").mkdir()
    pq.write_table(pa.table({"url": URLS, "source": ["s"] * len(URLS)}), tmp_path / "qa" / "train-0.parquet")
    assert sites(tmp_path, ["qa/train-0.parquet"]).by_source == {"s": ("https://x.jp:1", "http://z.jp")}


def test_sites_are_those_of_base_documents_if_there_are_any(store: Store) -> None:
    path = store.path(make(store))
    assert (
        sites(path, ["qa/train-00000.parquet"]).captured
        != sites(path, ["markdown/train-00000.parquet"]).captured
    )
    both = sites(path, ["markdown/train-00000.parquet", "qa/train-00000.parquet"])
    assert both == sites(path, ["markdown/train-00000.parquet"])
    assert sites(path, ["dropped/train-00000.parquet"]) == Sites()


def test_a_release_has_the_records_of_every_source_too(store: Store) -> None:
    rows = {
        source: [shards.document_row(document(number)) for number in numbers]
        for source, numbers in (("edinet", (2, 4)), ("boj_speeches", (1, 3, 5)))
    }
    with store.write(name="public", version="2026.11.21", kind="dataset", recipe={}) as draft:
        for source, documents in rows.items():
            for form, split in (("markdown", "train"), ("qa", "train"), ("qa", "test")):
                leaf = f"{form}/{split}-{source}-00000.parquet"
                draft.rows[leaf] = shards.write(draft.path / leaf, documents, shards.DOCUMENT)
        draft.rights = counted({"PDL-1.0": 6})
    path = store.path(store.resolve("public"))
    assert len(list(records(opened(path), "edinet"))) == 6
    assert len(list(records(opened(path), "qa", split="test"))) == 5
    [held_out, further] = records(opened(path), "edinet", split="test")
    assert {held_out["source"], further["source"]} == {"edinet"}
    described = {
        one["name"]: one.get("description")
        for one in told(store, store.resolve("public"))["recordSet"][1]["field"]
    }
    assert described["license"] and described["made_from"], "the files say what their columns mean"


def test_rephrasings_do_not_speak_for_the_sites_of_questions(store: Store) -> None:
    parents = {"made_from": (Span("0" * 32, 0, 5),)}
    written = {"markdown": document(1, **parents), "qa": document(2, "qa", **parents)}
    with store.write(name="asked", version="2026.11.21", kind="dataset", recipe={}) as draft:
        for form, one in written.items():
            shards.write(
                draft.path / f"{form}/train-00000.parquet", [shards.document_row(one)], shards.DOCUMENT
            )
    folder = store.path(store.resolve("asked"))
    assert {*sites(folder, [f"{form}/train-00000.parquet" for form in written]).by_source} == {
        "boj_speeches",
        "edinet",
    }
