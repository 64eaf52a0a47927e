"""A site takes its place whole, and never that of something else."""

from pathlib import Path

import pytest

from datacards.errors import UserError
from datacards.site.build import build
from datacards.site.put import swapped
from datacards.store import Store
from tests.datacards.site.made import plain


def test_a_site_made_before_is_replaced_whole(store: Store, tmp_path: Path) -> None:
    plain(store, "one", "2026.11.21", "captures")
    build(store, tmp_path / "out")
    (tmp_path / "out/versions/one/2026.11.21/left.html").write_text("left")
    build(store, tmp_path / "out")
    assert not (tmp_path / "out/versions/one/2026.11.21/left.html").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "store"]


def test_what_is_no_site_of_ours_is_left_alone(store: Store, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("years of work")
    (tmp_path / "file").write_text("a file")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/site.json").write_text('{"made_by": "another program"}')
    for name in ("mine", "file", "other"):
        with pytest.raises(UserError, match="is no site made by this command"):
            build(store, tmp_path / name)
    assert (tmp_path / "mine/thesis.txt").read_text() == "years of work"


def test_an_empty_folder_and_a_link_to_a_site_are_taken(store: Store, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    build(store, tmp_path / "link")
    build(store, tmp_path / "link")
    assert (tmp_path / "empty/index.html").is_file()
    assert (tmp_path / "link").is_symlink()


@pytest.mark.parametrize("where", ["store", "store/texts", "."])
def test_a_site_lies_beside_the_store(store: Store, tmp_path: Path, where: str) -> None:
    store.root.mkdir()
    with pytest.raises(UserError, match="lies in the store"):
        build(store, tmp_path / where)
    assert list(store.root.iterdir()) == []


def test_a_failure_in_the_middle_leaves_what_was_there(tmp_path: Path) -> None:
    with swapped(tmp_path / "out", tmp_path / "store") as work:
        (work / "site.json").write_text('{"made_by": "kanagura cards site"}')
    with pytest.raises(KeyboardInterrupt), swapped(tmp_path / "out", tmp_path / "store") as work:
        (work / "half.html").write_text("half")
        raise KeyboardInterrupt
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["site.json"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
