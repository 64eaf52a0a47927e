"""``kanagura cards`` tells what is there, survives what is damaged, and says what to do about wrong words."""

import pytest
from click.testing import CliRunner
from rich.console import Console

from corpus import shards
from datacards.cli import main
from datacards.store import CARD, Store


def cards(store: Store, *words: str, status: int = 0) -> str:
    """Run one command and return what it printed."""
    done = CliRunner().invoke(main, [words[0], "--store", str(store.root), *words[1:]])
    assert done.exit_code == status, done.output
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done.output


def test_list_tells_what_every_version_holds(family: Store) -> None:
    lines = cards(family, "list").splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [
        ["asked@2026.11.21", "dataset"], ["pages@2026.11.21", "captures"], ["texts@2026.11.21", "dataset"],
    ]  # fmt: skip
    assert lines[1].rstrip().endswith("1 qa")
    assert lines[2].rstrip().endswith("2 captures")


def test_list_never_cuts_a_name(store: Store) -> None:
    """What stands in the list is copied into the next command."""
    name = "a-rather-long-name-of-a-corpus-of-many-sources-and-styles"
    with store.write(name=name, version="2026.11.21", kind="dataset", recipe={}) as draft:
        draft.counts.update({f"documents_{n}": 1000 for n in ("markdown", "sections", "categories", "qa")})
    assert Console().width <= 80
    assert f"{name}@2026.11.21" in cards(store, "list")


def test_a_damaged_card_does_not_hide_the_others(family: Store) -> None:
    (family.path(family.resolve("pages")) / CARD).write_text("{")
    listed = cards(family, "list")
    assert "damaged" in listed
    assert "texts@2026.11.21" in listed
    said = cards(family, "verify", status=1)
    assert "pages@2026.11.21: its card is damaged" in said
    assert "asked@2026.11.21: ok" in said
    assert "1 version(s) differ" not in said  # the version made from it differs, too


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("list", "nope"), "no version 'nope'; the store holds: asked@2026.11.21"),
        (("list", "/etc"), "no version '/etc'"),
        (("list", "*"), "no version '*'"),
        (("list", ""), "no version ''"),
        (("show", "pages@2026.11.22"), "no version 'pages@2026.11.22'; the store holds: pages@2026.11.21"),
        (("verify", "nope"), "no version 'nope'"),
        (("lineage", "nope"), "no version 'nope'"),
        (("lineage", "asked", "--document", "zz"), "'zz' fits no document; one document is needed"),
        (("lineage", "asked", "--document", ""), "'' fits "),
        (("report", "texts"), "texts@2026.11.21 is no evaluation"),
    ],
)
def test_a_wrong_word_is_named_with_what_is_allowed(family: Store, words: tuple[str, ...], said: str) -> None:
    assert said in cards(family, *words, status=1)


def test_of_many_versions_those_of_like_names_are_told(family: Store) -> None:
    for day in range(1, 15):
        with family.write(name=f"other-{day}", version="2026.11.21", kind="dataset", recipe={}, made_from=[]):
            pass
    said = cards(family, "show", "text", status=1)
    assert "texts@2026.11.21" in said
    assert "in all (kanagura cards list)" in said
    assert "other-7" not in said


@pytest.mark.parametrize(
    "words",
    [
        ("list",),
        ("verify",),
        ("site", "out"),
        ("takedown", "--url", "http://a.example/", "--reason", "asked"),
    ],
)
def test_a_store_without_versions_is_no_success(store: Store, words: tuple[str, ...]) -> None:
    assert "no versions in" in cards(store, *words, status=1)


def test_a_readme_that_was_deleted_is_said(family: Store) -> None:
    (family.path(family.resolve("pages")) / "README.md").unlink()
    assert "its README.md is missing" in cards(family, "show", "pages", status=1)


def test_lineage_leads_from_a_question_to_every_capture(family: Store) -> None:
    """Titles with brackets are text, not markup; every row stands below what it belongs to."""
    assert "2 addresses of test (PDL-1.0)" in cards(family, "lineage", "asked")
    assert "a" * 64 + "  https://example.invalid/a" in cards(family, "lineage", "asked", "--urls")
    lines = cards(family, "lineage", "asked", "--document", _id(family)).splitlines()
    assert [line.split()[0] for line in lines[::2]] == ["qa", "markdown", "capture", "capture"]
    assert "[訂正] 金利[/]" in lines[2]
    depths = [len(line) - len(line.lstrip()) for line in lines[::2]]
    assert depths == [0, 2, 4, 4]


def _id(store: Store) -> str:
    folder = store.path(store.resolve("asked"))
    return next(shards.read_documents(folder, "qa")).id
