"""Facts about ``kanagura corpus``."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from corpus.document import Capture
from datacards.store import Store
from kanagura import main
from spiders.warc import Segments

RECIPE = """
name: fin
version: 2026.11.21
captures: [boj_speeches]
steps:
  - unicode
  - length: {minimum: 20}
"""
PAGE = (
    '<!doctype html><html lang="ja"><head><meta charset="utf-8"><title>講演</title></head><body>'
    '<div id="contents"><h1>【講演】景気の現状</h1><p>わが国の景気は、一部に弱めの動きもみられるが、'
    "緩やかに回復している。先行きも回復を続けると考えている。</p></div></body></html>"
)


@pytest.fixture
def world(store: Store) -> Store:
    """Return a store with one captured speech."""
    with (
        store.write(name="boj_speeches", version="2026.11.21", kind="captures", recipe={}) as draft,
        Segments(draft.path) as segments,
    ):
        segments.write(
            Capture(
                url="https://www.boj.or.jp/about/press/koen_2024/data/ko240101a.htm",
                source="boj_speeches",
                fetched_at=datetime(2026, 11, 21, tzinfo=UTC),
                status=200,
                headers=(("Content-Type", "text/html"),),
                media_type="text/html",
                body=PAGE.encode(),
                license="BOJ-terms",
            )
        )
        segments.close(index=True)
    return store


def kanagura(store: Store, tmp_path: Path, recipe: str, *words: str) -> Result:
    path = tmp_path / "fin.yaml"
    path.write_text(recipe, encoding="utf-8")
    return CliRunner().invoke(
        main, ["corpus", str(path), "--store", str(store.root), "--workers", "1", *words]
    )


def test_a_recipe_becomes_a_version_and_a_second_run_says_it_exists(world: Store, tmp_path: Path) -> None:
    first = kanagura(world, tmp_path, RECIPE)
    assert first.exit_code == 0, first.output
    assert "fin@2026.11.21 is in the store" in first.stdout
    assert [line.split() for line in first.stdout.splitlines()][:2] == [
        ["format", "documents", "characters"],
        ["markdown", "1", str(world.card(world.resolve("fin")).counts["characters_markdown"])],
    ]
    digest = world.resolve("fin").digest
    second = kanagura(world, tmp_path, RECIPE)
    assert second.exit_code == 0
    assert "exists already and was made from an equal request: nothing to do" in second.stdout
    assert world.resolve("fin").digest == digest


def test_an_equal_version_from_another_recipe_is_refused_with_the_field(world: Store, tmp_path: Path) -> None:
    kanagura(world, tmp_path, RECIPE)
    other = kanagura(world, tmp_path, RECIPE.replace("20", "21", 3).replace("2126", "2026"))
    assert other.exit_code == 1
    assert "fin@2026.11.21: exists already and differs in 'steps'" in other.stderr


@pytest.mark.parametrize(
    ("given", "wrong", "message"),
    [
        ("steps:", "stepps:", "fin.yaml: unknown key 'stepps'; allowed keys: name, version, description, captures"),
        ("unicode", "unicoed", "fin.yaml: steps.0 = 'unicoed'; the known steps are unicode, boilerplate, personal, language"),
        ("minimum: 20", "minimun: 20", "step length: minimun: Extra inputs are not permitted; its options are minimum"),
        ("minimum: 20", "minimum: many", "step length: minimum: Input should be a valid integer"),
        ("[boj_speeches]", "[boj_speeches@yesterday]", "fin.yaml: captures.0 = 'boj_speeches@yesterday'"),
        ("[boj_speeches]", "[a, a]", "named twice: a"),
        ("[boj_speeches]", "[boj_speches]", "store: no version 'boj_speches'; the store holds: boj_speeches@2026.11.21"),
        ("steps:", "formats: [markdwon]\nsteps:", "fin.yaml: formats.0 = 'markdwon'"),
        ("steps:", "dedup: {band: 17}\nsteps:", "unknown key 'dedup.band'; allowed keys: ngram, permutations, bands"),
        ("steps:", "dedup: {bands: 17}\nsteps:", "bands x rows must be at most 128"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_recipe_is_named_in_one_line(
    world: Store, tmp_path: Path, given: str, wrong: str, message: str
) -> None:
    result = kanagura(world, tmp_path, RECIPE.replace(given, wrong, 1))
    assert result.exit_code == 1
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_an_input_that_the_recipe_does_not_name_is_refused(world: Store, tmp_path: Path) -> None:
    result = kanagura(world, tmp_path, RECIPE, "--captures", "edinet@2026.11.21")
    assert result.exit_code == 1
    assert "--captures: 'edinet@2026.11.21' is no input of fin; its inputs: boj_speeches" in result.stderr


@pytest.mark.parametrize(
    ("added", "said"),
    [
        ("decontamination: {tests: [chabsa, jsqad]}", "no test named 'jsqad'; the known tests are chabsa"),
        ("decontamination: {folder: /nowhere}", "/nowhere is no folder"),
        ("as_of_strict: true", "as_of_strict without a day"),
        ("as_of: 2026-13-01", "is not a valid recipe: month must be in 1..12"),
        ("repeats: {minimum_isuers: 3}", "allowed keys: minimum_characters, minimum_issuers"),
    ],
)
def test_a_mistake_in_a_recipe_is_told_before_anything_is_read(
    world: Store, tmp_path: Path, added: str, said: str
) -> None:
    found = kanagura(world, tmp_path, f"{RECIPE}{added}\n")
    assert found.exit_code == 1
    assert said in found.stderr
    assert "extracting" not in found.stderr
