"""A store under an address keeps the promises of a store in a folder, on a real S3 server on loopback."""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from datacards.card import Ref
from datacards.errors import UserError
from datacards.places import CARD
from datacards.store import Store
from tests.publishers import Child, forker, told
from tests.s3 import Shelf

RECIPE = {"name": "words", "version": "2026.11.21", "size": 3}
FOLDER = "words/2026.11.21"


def make(store: Store, text: str = "金蔵", version: str = "2026.11.21") -> Ref:
    """Write one small version of three files, one of them large enough to go in parts."""
    with store.write(name="words", version=version, kind="dataset", recipe=RECIPE) as draft:
        (draft.path / "qa").mkdir(exist_ok=True)
        (draft.path / "qa" / "words.txt").write_text(text, encoding="utf-8")
        (draft.path / "model.safetensors.index.json").write_text("{}")
        (draft.path / "big.bin").write_bytes(b"0123456789" * 600_000)
    return store.resolve(f"words@{version}")


def elsewhere(shelf: Shelf, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Return the same store as another machine sees it."""
    monkeypatch.setenv("KANAGURA_CACHE", str(folder))
    return Store(shelf.address)


def test_a_version_is_one_object_for_each_file_and_its_card_comes_last(shelf: Shelf) -> None:
    store = Store(shelf.address)
    card = store.card(make(store))
    keys = {
        "README.md": "README.{}.md",
        "SHA256SUMS": "SHA256SUMS.{}",
        "big.bin": "big.{}.bin",
        "model.safetensors.index.json": "model.{}.safetensors.index.json",
        "qa/words.txt": "qa/words.{}.txt",
    }
    named = [f"{FOLDER}/{keys[file.path].format(file.sha256[:16])}" for file in card.files]
    assert shelf.held() == sorted([*named, f"{FOLDER}/{CARD}"])
    assert shelf.server.puts()[-1].endswith(CARD)
    assert store.verify(store.resolve("words")) == []


def test_another_machine_reads_the_same_bytes_and_fetches_them_once(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = make(Store(shelf.address))
    other = elsewhere(shelf, tmp_path / "other", monkeypatch)
    assert other.resolve("words") == other.resolve("words@2026.11.21") == ref
    assert (other.path(ref) / "qa" / "words.txt").read_text(encoding="utf-8") == "金蔵"
    assert sorted(p.name for p in other.path(ref).iterdir()) == [
        "README.md", "SHA256SUMS", "big.bin", CARD, "model.safetensors.index.json", "qa",
    ]  # fmt: skip
    shelf.server.requests.clear()
    assert other.path(ref).is_dir()
    assert shelf.server.gets() == [f"corpora/{FOLDER}/{CARD}"]
    assert list((other.root / ".fetch").glob("*/*")) == []


def test_one_file_is_fetched_without_the_others(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = make(Store(shelf.address))
    other = elsewhere(shelf, tmp_path / "other", monkeypatch)
    assert other.path(ref, "qa/words.txt").read_text(encoding="utf-8") == "金蔵"
    assert not other.path(ref, "nothing.txt").exists()
    assert not (other.root / FOLDER / "big.bin").exists()
    assert other.path(ref, "big.bin").stat().st_size == 6_000_000


def test_versions_are_listed_and_a_version_without_a_card_is_none(shelf: Shelf) -> None:
    store = Store(shelf.address)
    for version in ("2026.11.21.10", "2026.11.21.2", "2026.11.21"):
        make(store, version=version)
    shelf.put("words/2026.11.22/qa/words.0123.txt", b"half")
    shelf.put("notes/readme.txt", b"no version")
    assert [ref.version for ref in store.refs()] == ["2026.11.21", "2026.11.21.2", "2026.11.21.10"]
    assert store.refs("words") == store.refs()
    assert store.refs("nothing") == []
    assert store.resolve("words").version == "2026.11.21.10"
    with pytest.raises(UserError, match=r"no version 'words@2026\.11\.22'; the store holds: words@2026"):
        store.resolve("words@2026.11.22")
    assert store.path(Ref(name="words", version="2026.11.22")).exists() is False


def test_an_equal_request_finds_the_version_and_a_different_one_is_told_the_field(shelf: Shelf) -> None:
    ref = make(Store(shelf.address))
    store = Store(shelf.address)
    assert store.finished("words", "2026.11.21", recipe=RECIPE, made_from=()) == ref
    assert store.finished("words", "2026.11.22", recipe=RECIPE, made_from=()) is None
    with pytest.raises(UserError, match=r"'size': it was made with 3, now asked: 4"):
        store.finished("words", "2026.11.21", recipe={**RECIPE, "size": 4}, made_from=())
    with pytest.raises(UserError, match=r"words@2026\.11\.21: exists already"):
        make(store)


@pytest.mark.parametrize(
    ("key", "content", "problem"),
    [
        ("qa/words", "金庫".encode(), "qa/words.txt has changed"),
        ("qa/words", b"x", "qa/words.txt has 1 bytes, the card says 6"),
        ("big", None, "big.bin is missing"),
        (CARD, b"{", "its card is damaged"),
    ],
)
def test_verify_reads_the_objects_and_names_the_damage(
    shelf: Shelf, key: str, content: bytes | None, problem: str
) -> None:
    """The copy on this machine is whole, and is not what verify asks about; without it nobody can read."""
    store = Store(shelf.address)
    ref = make(store)
    found = shelf.key(f"{FOLDER}/{key}")
    if content is None:
        shelf.delete(found)
    else:
        shelf.put(found, content)
    assert problem in store.verify(ref)[0]
    shutil.rmtree(store.root)
    with pytest.raises(UserError, match=r"words@2026.11.21: .*(damaged|words.txt|big.bin)"):
        store.path(ref)
    assert not (store.root / FOLDER / CARD).exists()


def test_verify_names_an_object_that_the_card_does_not(shelf: Shelf) -> None:
    store = Store(shelf.address)
    ref = make(store)
    shelf.put(f"{FOLDER}/mine.txt", b"x")
    assert store.verify(ref) == [f"{FOLDER}/mine.txt is not in the card"]


def test_a_stage_takes_its_input_only_whole_and_a_damaged_copy_is_fetched_again(shelf: Shelf) -> None:
    store = Store(shelf.address)
    ref = make(store)
    copy = store.root / FOLDER / "qa" / "words.txt"
    copy.write_text("金庫", encoding="utf-8")
    assert store.verified("words", "dataset") == ref
    assert copy.read_text(encoding="utf-8") == "金蔵"
    copy.with_name("foreign.txt").write_text("x")
    with pytest.raises(UserError, match=r"does not verify: qa/foreign.txt is not in the card"):
        store.verified("words", "dataset")


def test_a_version_that_was_deleted_and_made_anew_replaces_its_copy(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(shelf.address)
    ref = make(store)
    for key in shelf.held():
        shelf.delete(key)
    other = elsewhere(shelf, tmp_path / "other", monkeypatch)
    make(other, "金庫")
    (store.root / FOLDER / "old.txt").write_text("of the old one")
    assert (store.path(ref) / "qa" / "words.txt").read_text(encoding="utf-8") == "金庫"
    assert not (store.root / FOLDER / "old.txt").exists()


WRITE = """
import os, sys
from datacards.store import Store

def write(place, text, ready):
    with Store(place).write(name="words", version="2026.11.21", kind="dataset", recipe={}) as draft:
        for n in range(4):
            (draft.path / f"{n}.txt").write_text(text * (n + 1))
        (draft.path / "big.bin").write_bytes(b"0123456789" * 600_000)
        (draft.work / "kept.txt").write_text("days of work")
        ready()
"""
WRITER = f"""
{WRITE}
def ready():
    print("writing", flush=True)
    sys.stdin.readline()

write(sys.argv[1], sys.argv[2], ready)
"""
WRITERS = f"""
{WRITE}
import datacards.bucket, datacards.describe

print("ready", flush=True)
for line in sys.stdin:
    place, text, cache = line.rstrip("\\n").split("\\t")
    if pid := os.fork():
        print("pid", pid, flush=True)
        print("exit", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
        continue
    os.environ["KANAGURA_CACHE"] = cache
    write(place, text, lambda: None)
    print("done", flush=True)
    os._exit(0)
"""


def writer(shelf: Shelf, text: str, cache: Path) -> subprocess.Popen[str]:
    """Start a process that makes the version and waits for a line before it puts anything."""
    started = subprocess.Popen(
        [sys.executable, "-c", WRITER, shelf.address, text],
        env={**os.environ, "KANAGURA_CACHE": str(cache)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert started.stdout
    assert started.stdout.readline() == "writing\n", started.communicate()[1]
    return started


def test_two_processes_of_one_machine_cannot_write_one_version(shelf: Shelf, tmp_path: Path) -> None:
    with writer(shelf, "first", tmp_path / "cache") as first:
        with pytest.raises(UserError, match="another process is writing this version"):
            make(Store(shelf.address))
        first.communicate("\n")
    assert first.returncode == 0
    assert shelf.get(shelf.key(f"{FOLDER}/0.")) == b"first"


def test_of_many_machines_one_writes_the_version_and_the_others_are_told(
    shelf: Shelf, tmp_path: Path
) -> None:
    """All put their files at the same time; the bytes of the version are those of the one that put the card."""
    writers = {text: writer(shelf, text, tmp_path / text) for text in ("one", "two", "three", "four")}
    told: dict[str, str] = {}

    def go_on(text: str) -> None:
        told[text] = writers[text].communicate("\n")[1]

    threads = [threading.Thread(target=go_on, args=(text,)) for text in writers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [winner] = [text for text, process in writers.items() if process.returncode == 0]
    for text in writers.keys() - {winner}:
        assert "words@2026.11.21: exists already: another writer finished it first" in told[text]
    store = Store(shelf.address)
    assert store.verify(store.resolve("words")) == []  # nothing of the others is left beside it either
    assert (store.path(store.resolve("words")) / "0.txt").read_text() == winner


@pytest.mark.slow
def test_a_writer_killed_at_any_write_goes_on_and_no_half_version_is_ever_seen(
    shelf: Shelf, tmp_path: Path
) -> None:
    """The file of six megabytes goes in two parts. Every way ends with the same bytes, none of them put twice."""
    outcomes, digests = [], set()
    with forker({}, WRITERS) as writers:
        for after in (False, True):
            for number in range(1, 30):
                one, child = shelf.server.shelf(), Child()
                words = (one.address, "text", str(tmp_path / f"{after}-{number}"))
                one.server.kill(child, lambda asked: asked.method in ("PUT", "POST"), number, after=after)  # type: ignore[arg-type]
                killed = told(writers, words, child) == ("killed",)
                one.server.calm()
                put = {key for key in one.held() if not key.endswith(CARD)}
                finished = bool(Store(one.address).refs())
                assert finished == (f"{FOLDER}/{CARD}" in one.held())
                if not finished:
                    assert told(writers, words) == ("done",)
                    puts = one.server.puts()  # what the killed one had sent may arrive before
                    again_put = set(puts[puts.index("corpora/kanagura.txt") + 1 :])
                    assert not {f"corpora/{key}" for key in put} & again_put
                store = Store(one.address)
                ref = store.resolve("words")
                assert store.verify(ref) == []
                digests.add(store.card(ref).content_digest)
                outcomes.append((killed, finished))
                if not killed:
                    break
    assert outcomes.count((True, False)) > 10
    assert (True, True) in outcomes
    assert len(digests) == 1


def test_drafts_and_copies_lie_in_a_folder_for_each_address(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Store(shelf.address).root
    assert here.parent == tmp_path / "cache"
    assert here.name.startswith("corpora-")
    assert Store(f"{shelf.address}/").root == here
    assert Store(f"{shelf.address}-2").root != here
    monkeypatch.delenv("KANAGURA_CACHE")
    assert Store(shelf.address).root.parent == Path(".kanagura")
    monkeypatch.setenv("KANAGURA_STORE", shelf.address)
    assert str(Store.default().place) == shelf.address
