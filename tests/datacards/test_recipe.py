"""Recipes are read strictly."""

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from datacards.errors import UserError
from datacards.recipe import Recipe, read_recipe, validate


class Part(BaseModel):
    """One of several in a list."""

    model_config = ConfigDict(extra="forbid")

    match: str = ""


class Words(Recipe):
    """A recipe with one field of its own."""

    size: int = 1
    parts: tuple[Part, ...] = ()


def read(tmp_path: Path, text: str) -> Words:
    """Write the text as a recipe file and read it."""
    path = tmp_path / "words.yaml"
    path.write_text(text, encoding="utf-8")
    return read_recipe(path, Words)


def test_a_recipe_reads_back(tmp_path: Path) -> None:
    recipe = read(tmp_path, "name: words\nversion: 2026.11.21\nsize: 3\n")
    assert (recipe.name, recipe.version, recipe.size) == ("words", "2026.11.21", 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: w\nversion: 2026.11.21\nsizes: 3\n", "unknown key 'sizes'; allowed keys: name, version"),
        ("name: w\n", "the key 'version' is missing"),
        (
            "name: w\nversion: 2026.11.21\nparts: [{}, {glob: w}]\n",
            "unknown key 'parts.1.glob'; allowed keys: match; remove",
        ),
        ("\n", "is empty; a recipe is a mapping"),
        ("name: w\nversion: 2026.11.21\nsize: many\n", "size = 'many'; Input should be a valid integer"),
        ("name: w\nname: v\nversion: 2026.11.21\n", "the key 'name' is given twice"),
        ("name: ../w\nversion: 2026.11.21\n", "name = '../w'"),
        ("name: w\nversion: latest\n", "version = 'latest'"),
        ("? [a]\n: w\n", "the key ['a'] is no word"),
        ("name: w\nversion: ２０２６.11.21\n", "version = '２０２６.11.21'"),
        ("- a\n- b\n", "holds a list; a recipe is a mapping"),
        ("name: [\n", "is not a valid recipe"),
        ("name: !!python/object:os.system w\n", "is not a valid recipe"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=r"^words\.yaml: ") as caught:
        read(tmp_path, text)
    assert message in str(caught.value.message)


def test_a_missing_file_is_a_clear_message(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.yaml: cannot be read \(No such file"):
        read_recipe(tmp_path / "none.yaml", Words)


def test_a_secret_that_stands_where_none_may_is_not_repeated() -> None:
    class Asked(Recipe):
        judge: dict[str, int]
        url: int = 0

    for wrong in (
        {"judge": {"api_key": "sk-himitsu"}},
        {"judge": {}, "url": "https://me:sk-himitsu@judge.example/v1"},
        {"judge": {}, "url": "https://judge.example/v1?key=sk-himitsu"},
    ):
        with pytest.raises(UserError) as told:
            validate("x.yaml", {"name": "x", "version": "2026.11.26", **wrong}, Asked)
        assert "sk-himitsu" not in str(told.value)
        assert "***" in str(told.value)
