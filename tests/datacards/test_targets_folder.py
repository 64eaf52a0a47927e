"""A version in a folder is there whole or not at all, opens in ``datasets``, and is never written over."""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import datasets
import pytest

from datacards.card import Ref
from datacards.errors import UserError
from datacards.store import Store
from datacards.targets.contents import Contents
from datacards.targets.folder import FolderTarget
from datacards.targets.publish import publish
from tests.datacards.releases import publishable


def same(one: Path, other: Path) -> bool:
    """Tell whether two folders hold the same files with the same bytes."""
    held = [
        {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
        for root in (one, other)
    ]
    return held[0] == held[1]


def test_a_published_folder_has_the_same_bytes_and_is_a_store(
    store: Store, release: Ref, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    (done,) = publish(store, release, [str(out)])
    assert Path(done.url) == out / "words" / "2026.11.21"
    assert same(Path(done.url), store.path(release))
    sizes = [path.stat().st_size for path in Path(done.url).rglob("*") if path.is_file()]
    assert (done.files_new, done.files_there, done.bytes) == (len(sizes), 0, sum(sizes))
    assert Store(out).verified("words", "dataset") == release


def test_datasets_opens_every_config_of_it(store: Store, release: Ref, tmp_path: Path) -> None:
    (done,) = publish(store, release, [str(tmp_path / "out")])
    names = datasets.get_dataset_config_names(done.url)
    assert {"markdown", "qa", "edinet", "wikipedia"} <= set(names)
    for name in names:
        opened = datasets.load_dataset(done.url, name, cache_dir=str(tmp_path / "cache"))
        assert sum(len(split) for split in opened.values()) > 0
    texts = datasets.load_dataset(done.url, "qa", split="test", cache_dir=str(tmp_path / "cache"))["text"]
    assert list(texts) == ["政策金利を0.5％に引き上げた。（qa/test-edinet）"]


def test_publishing_again_is_harmless_and_says_so(store: Store, release: Ref, tmp_path: Path) -> None:
    (first,) = publish(store, release, [str(tmp_path / "out")])
    times = {path: path.stat().st_mtime_ns for path in Path(first.url).rglob("*")}
    (second,) = publish(store, release, [str(tmp_path / "out")])
    assert second.there_already and not first.there_already
    assert (second.files_there, second.bytes) == (first.files_new, 0)
    assert times == {path: path.stat().st_mtime_ns for path in Path(first.url).rglob("*")}


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (
            lambda at: (at / "qa" / "test-edinet-00000.parquet").write_bytes(b"x"),
            "qa/test-edinet-00000.parquet",
        ),
        (lambda at: (at / "card.json").unlink(), "card.json"),
        (lambda at: (at / "README.md").unlink(), "README.md"),
        (lambda at: (at / "qa" / "mine.txt").write_text("x"), "qa/mine.txt"),
        (lambda at: os.mkfifo(at / "qa" / "pipe"), "qa/pipe"),
        (lambda at: (at / "qa" / "link").symlink_to("/etc/hostname"), "qa/link"),
    ],
)
def test_what_lies_there_and_differs_is_named_and_kept(
    store: Store, release: Ref, tmp_path: Path, damage: object, named: str
) -> None:
    (done,) = publish(store, release, [str(tmp_path / "out")])
    damage(Path(done.url))  # type: ignore[operator]
    before = sorted(Path(done.url).iterdir())
    with pytest.raises(
        UserError, match=rf"is there already and differs in {named}; a published version never"
    ):
        publish(store, release, [str(tmp_path / "out")])
    assert sorted(Path(done.url).iterdir()) == before


def test_another_version_of_the_same_name_is_refused(store: Store, release: Ref, tmp_path: Path) -> None:
    publish(store, release, [str(tmp_path / "out")])
    other = Store(tmp_path / "other")
    shutil.copytree(store.root, other.root)
    shutil.rmtree(other.root / "words" / "2026.11.21")
    again = publishable(other, "2026.11.21", text="別の本文です。")
    with pytest.raises(UserError, match=r"differs in index/00000\.parquet"):
        publish(other, again, [str(tmp_path / "out")])
    assert Store(tmp_path / "out").verified("words", "dataset") == release


@pytest.mark.parametrize("place", ["words", "words/2026.11.21", ".drafts"])
def test_a_link_in_the_way_is_refused(store: Store, release: Ref, tmp_path: Path, place: str) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (out / place).parent.mkdir(parents=True)
    (out / place).symlink_to(elsewhere)
    with pytest.raises(UserError, match="is a symbolic link; a version is written into real folders"):
        publish(store, release, [str(out)])
    assert list(elsewhere.iterdir()) == []


def test_a_link_that_somebody_put_into_the_draft_is_refused(
    store: Store, release: Ref, tmp_path: Path
) -> None:
    out, outside = tmp_path / "out", tmp_path / "outside.txt"
    outside.write_text("mine")
    drafted(store, release, out)
    (out / ".drafts" / "words@2026.11.21" / "README.md").symlink_to(outside)
    with pytest.raises(UserError, match="is a symbolic link"):
        publish(store, release, [str(out)])
    assert outside.read_text() == "mine"


def drafted(store: Store, release: Ref, out: Path) -> None:
    """Leave what a put leaves that ends in its fourth file."""
    arrived: list[int] = []
    three = sum(file.bytes for file in Contents.of(store, release).files[:3])

    def stop(size: int) -> None:
        arrived.append(size)
        if sum(arrived) > three:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        FolderTarget(out).put(store, release, stop)
    assert Store(out).refs() == []


def test_a_put_that_was_stopped_goes_on_with_what_is_right(
    store: Store, release: Ref, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    drafted(store, release, out)
    draft = out / ".drafts" / "words@2026.11.21"
    kept = sorted(path for path in draft.glob("*/*.parquet"))
    assert len(kept) == 3
    kept[0].write_bytes(b"damaged")
    (draft / "old.txt").write_text("of another one")
    (done,) = publish(store, release, [str(out)])
    assert done.files_there == len(kept) - 1
    assert same(Path(done.url), store.path(release))


def test_two_publishers_exclude_each_other(store: Store, release: Ref, tmp_path: Path) -> None:
    out, begun, go_on = tmp_path / "out", threading.Event(), threading.Event()

    def wait(_size: int) -> None:
        begun.set()
        go_on.wait(20)

    first = threading.Thread(target=lambda: FolderTarget(out).put(store, release, wait))
    first.start()
    assert begun.wait(20)
    with pytest.raises(UserError, match="another process is writing this version"):
        publish(store, release, [str(out)])
    go_on.set()
    first.join()
    assert publish(store, release, [str(out)])[0].there_already


PUBLISH = """
import sys
from datacards.errors import UserError
from datacards.store import Store
from datacards.targets.publish import publish
store = Store(sys.argv[1])
try:
    publish(store, store.resolve("words"), [sys.argv[2]])
except UserError as error:
    print(error.message)
    sys.exit(3)
"""


def test_of_four_publishers_at_once_one_wins_and_the_version_is_whole(
    store: Store, release: Ref, tmp_path: Path
) -> None:
    started = [
        subprocess.Popen([sys.executable, "-c", PUBLISH, str(store.root), str(tmp_path / "out")], stdout=-1)
        for _ in range(4)
    ]
    said = [(process.communicate()[0], process.returncode) for process in started]
    assert {code for _, code in said} <= {0, 3}
    assert 0 in {code for _, code in said}
    assert all(b"another process is writing" in text for text, code in said if code == 3)
    assert Store(tmp_path / "out").verified("words", "dataset") == release


def test_a_full_disk_and_a_file_in_the_way_are_told(store: Store, release: Ref, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(UserError, match="is a file; a folder, which may be new; name another one"):
        publish(store, release, [str(tmp_path / "out")])
