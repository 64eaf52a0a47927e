"""A folder from anywhere is refused before anything of it is used, and a pointer leads nowhere it should not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datacards.errors import UserError
from datacards.rebuild.crawl import asked_then
from datacards.rebuild.groups import groups_of, read_group
from datacards.rebuild.release import Release, open_release
from datacards.store import CARD, Store
from tests.datacards.rebuild.small import DAY, downloaded, forged

POINTERS = "pointers/train-boj_speeches-00000.parquet"
RECIPE = f"recipes/fin-{DAY}.yaml"


@pytest.fixture
def folder(made: Store, tmp_path: Path) -> Path:
    """Return the release as somebody has downloaded it."""
    return downloaded(made, made.resolve("fin-public"), tmp_path / "downloaded")


def opened(store: Store, folder: Path) -> Release:
    return open_release(store, str(folder))


def test_a_folder_as_it_was_published_is_taken(store: Store, made: Store, folder: Path) -> None:
    (folder / ".cache" / "huggingface").mkdir(parents=True)
    (folder / ".cache" / "huggingface" / "note").write_text("of a client")
    release = opened(store, folder)
    assert release.ref == made.resolve("fin-public")
    assert not release.own
    assert set(release.recipes) == {
        f"fin@{DAY}",
        f"fin-public@{DAY}",
        *(f"{n}@{DAY}" for n in ("boj_speeches", "boj_press_conferences", "institutions")),
    }
    forged(folder)
    assert opened(store, folder).ref.name == "fin-public"


def flip(folder: Path) -> None:
    body = bytearray((folder / POINTERS).read_bytes())
    body[len(body) // 2] ^= 1
    (folder / POINTERS).write_bytes(body)


def link(folder: Path) -> None:
    target = folder.parent / "elsewhere.parquet"
    (folder / POINTERS).rename(target)
    (folder / POINTERS).symlink_to(target)


def link_folder(folder: Path) -> None:
    target = folder.parent / "elsewhere"
    (folder / "pointers").rename(target)
    (folder / "pointers").symlink_to(target)


def foreign(folder: Path) -> None:
    (folder / "pointers" / "train-x-00000.parquet").write_bytes(b"PAR1")


def remove(folder: Path) -> None:
    (folder / POINTERS).unlink()


def sums(folder: Path) -> None:
    """Let the checksums say something else, and the card say that they are as they are."""
    path = folder / "SHA256SUMS"
    lines = path.read_text("utf-8").splitlines()
    path.write_text("\n".join(["0" * 64 + lines[0][64:], *lines[1:]]) + "\n", "utf-8")


def edited(folder: Path) -> None:
    text = (folder / CARD).read_text("utf-8")
    (folder / CARD).write_text(text.replace('"description": "', '"description": "x'), encoding="utf-8")


def huge_card(folder: Path) -> None:
    with (folder / CARD).open("r+b") as stream:
        stream.truncate(65 << 20)


def no_card(folder: Path) -> None:
    (folder / CARD).unlink()


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (flip, "has changed"),
        (link, "no plain file"),
        (link_folder, "no plain file"),
        (foreign, "is not in its card"),
        (remove, "is missing"),
        (sums, "has changed"),
        (edited, "seal differs"),
        (huge_card, "bytes; at most"),
        (no_card, "holds no card.json"),
    ],
)
def test_what_is_not_as_it_was_published_is_refused(
    store: Store, folder: Path, harm: Callable[[Path], None], said: str
) -> None:
    harm(folder)
    with pytest.raises(UserError, match=said):
        opened(store, folder)
    assert store.refs() == []


def outside(said: dict[str, Any]) -> None:
    said["files"][0]["path"] = "../../outside"


def absolute(said: dict[str, Any]) -> None:
    said["files"][0]["path"] = "/etc/passwd"


def hidden(said: dict[str, Any]) -> None:
    said["files"][0]["path"] = ".work/request.json"


def another_name(said: dict[str, Any]) -> None:
    said["name"] = "../fin"


def captures(said: dict[str, Any]) -> None:
    said["kind"] = "captures"


@pytest.mark.parametrize("change", [outside, absolute, hidden, another_name, captures])
def test_a_well_made_card_that_leads_elsewhere_is_refused(
    store: Store, folder: Path, change: Callable[[dict[str, Any]], None]
) -> None:
    forged(folder, change)
    with pytest.raises(UserError):
        opened(store, folder)


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x, x]\nb: [*a, *a]\n",
        f"ref: ../x@{DAY}\nkind: dataset\n",
        f"ref: fin@{DAY}\nkind: dataset\nmade_from: [{{name: ../up, version: {DAY}}}]\n",
        f"ref: fin@{DAY}\nkind: dataset\nkind: captures\n",
        "[" * 5000,
        "!!python/object/apply:os.system ['true']",
        f"ref: fin@{DAY}\nkind: dataset\n# " + "x" * (2 << 20),
    ],
)
def test_a_recipe_that_is_none_is_refused(store: Store, folder: Path, text: str) -> None:
    (folder / RECIPE).write_text(text, encoding="utf-8")
    forged(folder)
    with pytest.raises(UserError, match="recipes/fin-"):
        opened(store, folder)


@pytest.mark.parametrize(
    ("column", "value"),
    [("id", "../x"), ("text_sha256", "x"), ("format", "../../up"), ("url", None), ("made_from", None)],
)
def test_a_pointer_that_is_none_is_refused(folder: Path, column: str, value: object) -> None:
    table = pq.read_table(folder / POINTERS)
    at = table.schema.get_field_index(column)
    values = pa.array([value, *table[column].to_pylist()[1:]], table.schema.field(column).type)
    pq.write_table(table.set_column(at, table.schema.field(column), values), folder / POINTERS)
    group = next(one for one in groups_of(folder) if one.source == "boj_speeches")
    with pytest.raises(UserError, match=f"'{column}' holds what no pointer has"):
        read_group(group)


def test_files_that_are_named_or_built_otherwise_are_refused(folder: Path) -> None:
    pq.write_table(pa.table({"id": ["a"]}), folder / POINTERS)
    group = next(one for one in groups_of(folder) if one.source == "boj_speeches")
    with pytest.raises(UserError, match="other columns"):
        read_group(group)
    (folder / POINTERS).write_bytes(b"PAR1 no")
    with pytest.raises(UserError, match="cannot be read"):
        read_group(group)
    (folder / POINTERS).rename(folder / "pointers" / "x.parquet")
    with pytest.raises(UserError, match="is no file of pointers"):
        groups_of(folder)


def test_nothing_but_plain_words_of_a_recipe_reaches_a_crawl(store: Store, folder: Path) -> None:
    path = folder / "recipes" / f"boj_speeches-{DAY}.yaml"
    text = path.read_text("utf-8").replace(
        "spider: boj_speeches",
        "spider: ../../evil\n  since: '2024-01-01'\n  languages: [ja, en]\n  base_urls: {boj: 'http://169.254.169.254'}\n"
        "  -s: x\n  until: '2024 -s ROBOTSTXT_OBEY=False'\n  KANAGURA: x",
    )
    path.write_text(text, encoding="utf-8")
    forged(folder)
    asked = asked_then(opened(store, folder), {"boj_speeches"})
    assert asked == {"boj_speeches": {"since": "2024-01-01", "languages": "ja,en"}}
    with pytest.raises(UserError, match="who captures unheard_of"):
        asked_then(opened(store, folder), {"unheard_of"})
