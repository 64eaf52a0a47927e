"""A version in a bucket: plain keys, the card last, read by ``datasets`` from there and copied down whole."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import datasets
import pytest

from datacards.card import Ref
from datacards.errors import UserError
from datacards.places import CARD
from datacards.store import Store
from datacards.targets.publish import publish
from tests.datacards.releases import publishable
from tests.s3 import Answer, Request, Shelf

FOLDER = "words/2026.11.21"
TEST = "qa/test-edinet-00000.parquet"


def test_the_keys_are_plain_and_the_card_comes_last(store: Store, release: Ref, shelf: Shelf) -> None:
    (done,) = publish(store, release, [shelf.address])
    paths = sorted(file.path for file in store.card(release).files)
    assert shelf.held() == sorted([*(f"{FOLDER}/{path}" for path in paths), f"{FOLDER}/{CARD}"])
    assert (done.url, done.files_new) == (f"{shelf.address}/{FOLDER}", len(paths) + 1)
    put = [key.removeprefix(f"corpora/{FOLDER}/") for key in shelf.server.puts() if FOLDER in key]
    assert put[-3:] == ["README.md", "SHA256SUMS", CARD]
    for path in paths:
        assert shelf.get(f"{FOLDER}/{path}") == (store.path(release) / path).read_bytes()


def test_publishing_again_is_harmless_and_says_so(store: Store, release: Ref, shelf: Shelf) -> None:
    (first,) = publish(store, release, [shelf.address])
    shelf.server.calm()
    (second,) = publish(store, release, [f"{shelf.address}/"])
    assert second.there_already
    assert (second.files_there, second.bytes) == (first.files_new, 0)
    assert shelf.server.puts() == []
    assert [key for key in shelf.server.gets() if not key.endswith((CARD, "kanagura.txt"))] == []


READ = """
import sys
import datasets
from obstore.fsspec import register
register("s3")
options = {"config": {"endpoint": sys.argv[2]}, "client_options": {"allow_http": True}}
files = {split: f"{sys.argv[1]}/qa/{split}-*.parquet" for split in ("train", "test")}
opened = datasets.load_dataset("parquet", data_files=files, storage_options=dict(options), cache_dir=sys.argv[3])
print({split: list(opened[split]["text"]) for split in opened})
streamed = datasets.load_dataset("parquet", data_files=files, storage_options=dict(options), streaming=True)
print([row["text"] for row in streamed["test"]])
"""


def test_datasets_reads_it_from_the_bucket(store: Store, release: Ref, shelf: Shelf, tmp_path: Path) -> None:
    (done,) = publish(store, release, [shelf.address])
    told = subprocess.run(
        [sys.executable, "-c", READ, done.url, shelf.server.endpoint, str(tmp_path / "cache")],
        env={**os.environ, "HF_HUB_OFFLINE": "0", "HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path / "home")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    said = "政策金利を0.5％に引き上げた。"
    assert told.stdout.splitlines() == [
        str({"train": [f"{said}（qa/train-edinet）"], "test": [f"{said}（qa/test-edinet）"]}),
        str([f"{said}（qa/test-edinet）"]),
    ]


def test_copied_down_it_is_the_same_folder(store: Store, release: Ref, shelf: Shelf, tmp_path: Path) -> None:
    from obstore.fsspec import FsspecStore

    publish(store, release, [shelf.address])
    files = FsspecStore("s3", config={"endpoint": shelf.server.endpoint}, client_options={"allow_http": True})
    down = tmp_path / "down" / FOLDER
    for key in files.find(f"{shelf.bucket}/corpora/{FOLDER}"):
        path = down / key.partition(f"{FOLDER}/")[2]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(files.cat_file(key))
    assert Store(tmp_path / "down").verified("words", "dataset") == release
    opened = datasets.load_dataset(str(down), "markdown", cache_dir=str(tmp_path / "cache"))
    assert len(opened["train"]) == 2


def test_what_a_failed_put_has_put_is_found_by_size_and_hash(
    store: Store, release: Ref, shelf: Shelf
) -> None:
    def refuse(request: Request, _environ: dict[str, Any]) -> Answer | None:
        return ("403 Forbidden", b"") if request.method == "PUT" and "README" in request.key else None

    shelf.server.before = refuse
    with pytest.raises(UserError, match="403 Forbidden"):
        publish(store, release, [shelf.address])
    assert f"{FOLDER}/{CARD}" not in shelf.held()
    there = [key for key in shelf.held() if key.startswith(FOLDER)]
    shelf.server.calm()
    (done,) = publish(store, release, [shelf.address])
    assert done.files_there == len(there) == len(store.card(release).files) - 2
    put = {key for key in shelf.server.puts() if FOLDER in key}
    assert put == {f"corpora/{FOLDER}/{name}" for name in ("README.md", "SHA256SUMS", CARD)}


def test_the_version_of_another_store_is_refused_naming_the_file(
    store: Store, release: Ref, shelf: Shelf, tmp_path: Path
) -> None:
    publish(store, release, [shelf.address])
    before = {key: shelf.get(key) for key in shelf.held()}
    other = Store(tmp_path / "other")
    again = publishable(other, "2026.11.21", text="別の本文です。")
    with pytest.raises(
        UserError, match=r"is there already and differs in index/00000.parquet; a published version never"
    ):
        publish(other, again, [shelf.address])
    assert before == {key: shelf.get(key) for key in shelf.held()}


def test_two_versions_of_one_name_cannot_be_mixed(
    store: Store, release: Ref, shelf: Shelf, tmp_path: Path
) -> None:
    """The first is still on its way, or was killed on it: nothing of it is written over."""
    shelf.server.before = lambda asked, _: ("403 Forbidden", b"") if asked.key.endswith("README.md") else None
    with pytest.raises(UserError, match="403"):
        publish(store, release, [shelf.address])
    shelf.server.calm()
    before = {key: shelf.get(key) for key in shelf.held()}
    other = Store(tmp_path / "other")
    again = publishable(other, "2026.11.21", text="別の本文です。")
    with pytest.raises(
        UserError, match=rf"another version of this name \(card {release.digest[:12]}\) is being"
    ):
        publish(other, again, [shelf.address])
    assert before == {key: shelf.get(key) for key in shelf.held()}
    shelf.delete(".publishing/words@2026.11.21")  # as the message says, when the first will never be finished
    (done,) = publish(other, again, [shelf.address])
    equal = {file.sha256 for file in store.card(release).files} & {f.sha256 for f in other.card(again).files}
    assert done.files_there == len(equal)  # pictures of the same counts
    for file in other.card(again).files:
        assert shelf.get(f"{FOLDER}/{file.path}") == (other.path(again) / file.path).read_bytes()


def test_a_file_of_somebody_else_is_not_written_over(store: Store, release: Ref, shelf: Shelf) -> None:
    shelf.put(f"{FOLDER}/README.md", b"my own notes")
    with pytest.raises(UserError, match=r"README.md is another file and was not put by kanagura"):
        publish(store, release, [shelf.address])
    assert shelf.get(f"{FOLDER}/README.md") == b"my own notes"
    shelf.delete(f"{FOLDER}/README.md")
    shelf.put(f"{FOLDER}/qa/train-extra-00000.parquet", b"PAR1")
    with pytest.raises(
        UserError, match=r"qa/train-extra-00000.parquet is no file of this version; readers would"
    ):
        publish(store, release, [shelf.address])
    shelf.delete(f"{FOLDER}/qa/train-extra-00000.parquet")
    shelf.put(f"{FOLDER}/{TEST}", (store.path(release) / TEST).read_bytes())  # right, without our mark
    shelf.server.calm()
    publish(store, release, [shelf.address])
    assert not [key for key in shelf.server.puts() if key.endswith(TEST)]


@pytest.mark.parametrize(("content", "named"), [(b"flipped", TEST), (None, TEST)], ids=["changed", "deleted"])
def test_damage_of_a_published_version_is_named_and_left_alone(
    store: Store, release: Ref, shelf: Shelf, content: bytes | None, named: str
) -> None:
    publish(store, release, [shelf.address])
    if content is None:
        shelf.delete(f"{FOLDER}/{TEST}")
    else:
        shelf.put(f"{FOLDER}/{TEST}", content)
    before = shelf.held()
    with pytest.raises(UserError, match=f"differs in {named}"):
        publish(store, release, [shelf.address])
    assert shelf.held() == before


def test_an_object_that_others_change_on_the_way_is_noticed(store: Store, release: Ref, shelf: Shelf) -> None:
    meddled: list[str] = []

    def meddle(request: Request, _environ: dict[str, Any]) -> None:
        if request.method == "PUT" and request.key.endswith("SHA256SUMS") and not meddled:
            meddled.append(request.key)
            size = (store.path(release) / TEST).stat().st_size
            shelf.put(f"{FOLDER}/{TEST}", b"x" * size)

    shelf.server.before = meddle
    with pytest.raises(UserError, match=rf"{TEST} was changed at .* while it was published"):
        publish(store, release, [shelf.address])
    assert f"{FOLDER}/{CARD}" not in shelf.held()


def test_a_file_that_changes_under_the_put_becomes_no_object(
    store: Store, release: Ref, shelf: Shelf
) -> None:
    changed: list[str] = []

    def change(request: Request, _environ: dict[str, Any]) -> None:
        if ".publishing" in request.key and not changed:
            changed.append(request.key)
            size = (store.path(release) / TEST).stat().st_size
            (store.path(release) / TEST).write_bytes(b"x" * size)

    shelf.server.before = change
    with pytest.raises(UserError, match=rf"{TEST} has changed while it was published"):
        publish(store, release, [shelf.address])
    assert f"{FOLDER}/{TEST}" not in shelf.held()
    assert f"{FOLDER}/{CARD}" not in shelf.held()


def test_a_server_that_ignores_conditions_is_refused(store: Store, release: Ref, shelf: Shelf) -> None:
    def forget(_request: Request, environ: dict[str, Any]) -> None:
        environ.pop("HTTP_IF_NONE_MATCH", None)

    shelf.server.before = forget
    with pytest.raises(UserError, match="the server ignores the condition If-None-Match"):
        publish(store, release, [shelf.address])
    assert not [key for key in shelf.held() if key.startswith("words")]


def test_a_store_is_no_place_for_published_versions(store: Store, release: Ref, shelf: Shelf) -> None:
    shelf.put("kanagura.txt", b"a store")
    with pytest.raises(UserError, match="is the address of a store; published versions lie apart from it"):
        publish(store, release, [shelf.address])


def test_a_store_under_an_address_publishes_too(shelf: Shelf, tmp_path: Path) -> None:
    store = Store(f"{shelf.address}/store")
    ref = publishable(store, "2026.11.21")
    shutil.rmtree(store.root)
    (done,) = publish(store, ref, [f"{shelf.address}/public"])
    assert json.loads(shelf.get(f"public/{FOLDER}/{CARD}"))["name"] == "words"
    assert done.files_new == len(store.card(ref).files) + 1


def test_of_four_publishers_at_once_all_agree(store: Store, release: Ref, shelf: Shelf) -> None:
    code = (
        "import sys; from datacards.store import Store; from datacards.targets.publish import publish\n"
        "store = Store(sys.argv[1]); publish(store, store.resolve('words'), [sys.argv[2]])"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code, str(store.root), shelf.address]) for _ in range(4)
    ]
    assert [process.wait() for process in started] == [0, 0, 0, 0]
    for file in store.card(release).files:
        assert shelf.get(f"{FOLDER}/{file.path}") == (store.path(release) / file.path).read_bytes()
    assert not [key for key in shelf.held() if not key.startswith(FOLDER)]
    assert publish(store, release, [shelf.address])[0].there_already
