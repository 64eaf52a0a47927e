"""The page of a dataset: made from the run, equal for equal runs, and no value of a row breaks it."""

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from datasets import get_dataset_config_names, load_dataset

from corpus import shards
from corpus.contamination.decontaminate import TESTS
from corpus.document import Document, Drop
from datacards.card import Card, File, Provenance, Rights
from datacards.columns import meaning
from datacards.render.croissant import cite
from datacards.render.header import configs, source_of
from datacards.render.markdown import code, fenced, link, share, text
from datacards.store import Draft, Store
from tests.datacards.conftest import document

HOSTILE = "[罠](javascript:alert(1)) <script>x</script> | `code` **太** \u202e逆 $x$\n\n# 見出し"


def fill(draft: Draft, *documents: Document, dropped: tuple[Document, ...] = ()) -> None:
    """Write documents as a release holds them, one file per format, split and source."""
    files: dict[str, list[Document]] = {}
    for one in documents:
        files.setdefault(f"{one.format}/train-{one.source}-00000.parquet", []).append(one)
    for name, held in files.items():
        draft.rows[name] = shards.write(
            draft.path / name, [shards.document_row(one) for one in held], shards.DOCUMENT
        )
    rows = [shards.drop_row(Drop("too_short", "3"), "length", one) for one in dropped]
    if rows:
        shards.write(draft.path / "dropped" / "train-00000.parquet", rows, shards.DROPPED)
        draft.drops["too_short"] = len(rows)
    draft.rights = [Rights(license="PDL-1.0", attribution="出典：試験", redistribution=True, records=1)]


def made(store: Store, *documents: Document, dropped: tuple[Document, ...] = (), **recipe: object) -> Path:
    """Write a version of the documents and return its folder."""
    with store.write(name="fin", version="2026.11.21", kind="dataset", recipe=recipe) as draft:
        fill(draft, *documents, dropped=dropped)
    return store.path(store.resolve("fin"))


def page_of(folder: Path) -> str:
    return (folder / "README.md").read_text(encoding="utf-8")


def test_two_runs_of_one_recipe_describe_themselves_with_the_same_bytes(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time and the command stand in card.json alone."""
    documents = [document("金利", "markdown"), document("株価", "qa")]
    one = made(store, *documents, dropped=(document("短", "markdown"),))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    two = made(Store(tmp_path / "other"), *documents, dropped=(document("短", "markdown"),))
    names = sorted(path.relative_to(one).as_posix() for path in one.rglob("*") if path.is_file())
    assert {"profile.json", "plots/sources.svg", "plots/years.svg", "plots/length.svg"} <= set(names)
    different = [name for name in names if (one / name).read_bytes() != (two / name).read_bytes()]
    assert different == ["card.json"]
    command = store.card(store.resolve("fin")).provenance.command
    assert command
    assert f"\n{command}\n" not in page_of(one)


def test_a_release_opens_by_format_and_by_source_and_says_how(store: Store) -> None:
    """A source named like a format gets a config of its own; what was carried over is no source."""
    documents = [
        replace(document(f"{source}の{form}", form), source=source)
        for source in ("edinet", "qa", "wikipedia")
        for form in ("markdown", "qa")
    ]
    folder = made(store, *documents)
    names = set(get_dataset_config_names(str(folder)))
    assert names == {"markdown", "qa", "edinet", "source-qa", "wikipedia"}
    opened = load_dataset(str(folder), "edinet")["train"]
    assert sorted(opened["format"][:]) == ["markdown", "qa"]
    assert set(opened["source"][:]) == {"edinet"}
    assert load_dataset(str(folder), "qa")["train"].num_rows == 3
    assert load_dataset(str(folder), "source-qa")["train"]["source"][:] == ["qa", "qa"]
    assert f'load_dataset("fin/{folder.name}", "edinet")' in page_of(folder)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("qa/train-edinet-00000.parquet", "edinet"),
        ("qa/test-boj_speeches-00012.parquet", "boj_speeches"),
        ("qa/train-00000.parquet", ""),
        ("qa/train-carried-00000.parquet", ""),
        ("facts/train-edinet-00000.parquet", ""),
    ],
)
def test_the_source_of_a_file_is_read_from_its_name(path: str, source: str) -> None:
    assert source_of(path) == source


def test_no_two_configs_share_a_name() -> None:
    files = [
        File(path=f"{form}/train-{source}-00000.parquet", bytes=1, sha256="0" * 64)
        for form in ("markdown", "qa")
        for source in ("qa", "source-qa", "facts", "default", "edinet")
    ]
    card = Card(
        name="fin", version="2026.11.21", kind="dataset", provenance=Provenance(command=""), files=tuple(files),
        created_at="2026-11-21T00:00:00Z",
    )  # fmt: skip
    names = [config["config_name"] for config in configs(card)]
    assert len(set(names)) == len(names) == 2 + 5


def test_no_title_source_or_address_breaks_the_page(store: Store) -> None:
    bad = replace(document(HOSTILE, "markdown"), url="javascript:alert(2)//|`x`", source="e|d<b>")
    with store.write(name="fin", version="2026.11.21", kind="dataset", recipe={}) as draft:
        shards.write(
            draft.path / "markdown" / "train-00000.parquet", [shards.document_row(bad)], shards.DOCUMENT
        )
        row = shards.drop_row(
            Drop("<i>|", HOSTILE), "`s`|", replace(bad, url="https://example.invalid/a)b <c>|")
        )
        shards.write(draft.path / "dropped" / "train-00000.parquet", [row], shards.DROPPED)
    folder = store.path(store.resolve("fin"))
    page = page_of(folder)
    assert "<script" not in page
    assert "<b>" not in page
    assert "\u202e" not in page
    assert "\n# 見出し" not in page
    assert "(javascript:" not in re.sub(r"\\\]\(javascript", "", page)
    for head, rule, *rows in re.findall(r"(?m)^(\|.*)\n(\|[ |-]*)\n((?:\|.*\n)+)", page):
        width = len(re.findall(r"(?<!\\)\|", head))
        assert {len(re.findall(r"(?<!\\)\|", row)) for row in [rule, *"".join(rows).splitlines()]} == {width}
    for path in folder.glob("plots/*.svg"):
        assert ElementTree.parse(path).getroot().tag.endswith("svg")  # noqa: S314  made here


def test_a_recipe_cannot_leave_its_block_of_code(store: Store) -> None:
    page = page_of(made(store, document("金利", "markdown"), description="a\n```\n# 見出し\n````\nb"))
    opened = re.search(r"(?m)^(`{5,})yaml$", page)
    assert opened
    assert page.count(f"\n{opened[1]}\n") == 1


def test_columns_are_told_on_the_page_as_in_the_files(store: Store) -> None:
    page = page_of(made(store, document("金利", "markdown"), dropped=(document("短", "qa"),)))
    for field in (*shards.DOCUMENT, *shards.DROPPED):
        assert meaning(field), field.name
        assert text(meaning(field)) in page


def test_what_a_run_knows_of_its_limits_stands_on_the_page(store: Store) -> None:
    kept = replace(document("金利", "markdown"), license="BOJ-terms", redistribution=False)
    tests = [
        {"test": "fp2", "status": "absent", "items": 0},
        {"test": "chabsa", "status": "shipped", "items": 7, "items_touched": 1},
    ]
    with store.write(name="fin", version="2026.11.21", kind="dataset", recipe={}) as draft:
        fill(draft, kept, document("株価", "markdown"))
        shards.write(
            draft.path / "tests.parquet",
            [{name: row.get(name) for name in TESTS.names} | {"items_unmatchable": 0, "items_answered": 0, "documents": 0, "items_touched": row.get("items_touched", 0)} for row in tests],
            TESTS,
        )  # fmt: skip
        row = shards.drop_row(Drop("needs_ocr", "pages 1-3"), "extract", kept)
        shards.write(draft.path / "dropped" / "train-00000.parquet", [row], shards.DROPPED)
    page = page_of(store.path(store.resolve("fin")))
    limits = page.partition("## Known limits")[2].partition("\n## ")[0]
    assert "1 of 2 documents (50 %) may not be given to others" in limits
    assert "which were absent: fp2" in limits
    assert "1 files hold nothing but images of pages" in limits
    assert "| chabsa | shipped | 7 | 0 | 1 | 0 | 0 |" in page
    assert "2 documents give no day of publication" in limits


def test_the_page_says_how_to_cite_and_to_make_the_version_again(store: Store) -> None:
    folder = made(store, document("金利", "markdown"), captures=["boj_speeches"])
    card, page = store.card(store.resolve("fin")), page_of(folder)
    assert cite(card) in page
    assert card.content_digest in cite(card)
    assert "kanagura corpus recipe.yaml" in page
    assert "sha256sum --strict -c SHA256SUMS" in page


def test_the_header_names_languages_tasks_size_and_the_terms(store: Store) -> None:
    english = replace(document("rates", "qa"), language="en")
    folder = made(store, document("金利", "markdown"), document("株価", "markdown"), english)
    head = yaml.safe_load(page_of(folder).split("---\n")[1])
    assert head["language"] == ["ja", "en"]
    assert head["size_categories"] == ["n<1K"]
    assert head["task_categories"] == ["text-generation", "question-answering"]
    assert (head["license"], head["license_name"]) == ("other", "pdl-1.0")
    assert head["license_link"].startswith("https://www.digital.go.jp/")


def test_a_version_that_grows_leaves_the_plots_of_the_earlier_one_as_they_are(store: Store) -> None:
    """A file that was linked from another version is taken away, never written over."""
    first = made(store, document("金利", "markdown"))
    before = (first / "plots" / "sources.svg").read_bytes()
    with store.write(name="fin", version="2026.11.22", kind="dataset", recipe={}) as draft:
        fill(draft, document("金利", "markdown"), document("株価", "qa"))
        (draft.path / "plots").mkdir()
        (draft.path / "plots" / "sources.svg").hardlink_to(first / "plots" / "sources.svg")
    assert (first / "plots" / "sources.svg").read_bytes() == before
    assert store.verify(store.resolve("fin@2026.11.21")) == []
    second = store.path(store.resolve("fin@2026.11.22"))
    assert (second / "plots" / "sources.svg").read_bytes() != before


def test_small_pieces_hold_what_is_put_into_them() -> None:
    assert code("a`b|c") == "`` a`b\\|c ``"
    assert fenced("```\nx", "sh") == "````sh\n```\nx\n````"
    assert link("金[利]", "https://example.invalid/a b)c") == r"[金\[利\]](https://example.invalid/a%20b%29c)"
    assert link("x", "javascript:alert(1)") == "x"
    assert (share(1, 3), share(0, 9), share(1, 3000), share(9, 9)) == ("33 %", "0 %", "0.033 %", "100 %")
    assert text("near_duplicate _x_ 1|2") == r"near_duplicate \_x\_ 1\|2"
