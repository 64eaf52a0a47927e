"""A version is written once, whole or not at all, by one process at a time."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from datacards.card import Card, Kind, Ref
from datacards.errors import UserError
from datacards.store import CARD, Store

RECIPE = {"name": "words", "version": "2026.11.21", "size": 3}


def make(
    store: Store, text: str = "金蔵", version: str = "2026.11.21", made_from: tuple[Ref, ...] = ()
) -> Ref:
    """Write one small version and return its Ref."""
    with store.write(
        name="words", version=version, kind="dataset", recipe=RECIPE, made_from=made_from
    ) as draft:
        (draft.path / "qa").mkdir()
        (draft.path / "qa" / "words.txt").write_text(text, encoding="utf-8")
        draft.counts["words"] = 1
        draft.rows["qa/words.txt"] = 1
    return store.resolve(f"words@{version}")


def test_a_version_reads_back_as_it_was_written(store: Store) -> None:
    ref = make(store)
    card = store.card(ref)
    assert (store.path(ref) / "qa" / "words.txt").read_text(encoding="utf-8") == "金蔵"
    assert card.counts == {"words": 1}
    assert card.recipe == RECIPE
    assert {f.path: f.rows for f in card.files} == {
        "README.md": None,
        "SHA256SUMS": None,
        "qa/words.txt": 1,
    }
    assert store.verify(ref) == []


def test_a_version_is_never_written_twice(store: Store) -> None:
    make(store)
    with pytest.raises(UserError, match=r"words@2026\.11\.21: exists already"):
        make(store, "other")


def test_an_equal_request_finds_the_finished_version(store: Store) -> None:
    ref = make(store)
    assert store.finished("words", "2026.11.21", recipe=RECIPE, made_from=()) == ref
    assert store.finished("words", "2026.11.22", recipe=RECIPE, made_from=()) is None


def test_a_different_request_for_a_finished_version_names_the_field(store: Store) -> None:
    make(store)
    with pytest.raises(UserError, match=r"'size': it was made with 3, now asked: 4"):
        store.finished("words", "2026.11.21", recipe={**RECIPE, "size": 4}, made_from=())
    other = Ref(name="base", version="2026.11.01", digest="0" * 64)
    with pytest.raises(UserError, match=r"made from nothing, now asked: base@2026\.11\.01"):
        store.finished("words", "2026.11.21", recipe=RECIPE, made_from=(other,))


def test_a_failed_draft_leaves_no_version_and_is_found_again(store: Store) -> None:
    with (
        pytest.raises(RuntimeError),
        store.write(name="words", version="2026.11.21", kind="dataset", recipe=RECIPE) as draft,
    ):
        (draft.work / "half.txt").write_text("half")
        raise RuntimeError
    assert store.refs() == []
    with store.write(name="words", version="2026.11.21", kind="dataset", recipe=RECIPE) as draft:
        assert draft.resumed
        assert (draft.work / "half.txt").read_text() == "half"
    assert [file.path for file in store.card(store.refs()[0]).files] == ["README.md", "SHA256SUMS"]


def test_a_draft_of_another_request_is_not_resumed(store: Store) -> None:
    with (
        pytest.raises(RuntimeError),
        store.write(name="words", version="2026.11.21", kind="dataset", recipe=RECIPE) as draft,
    ):
        (draft.path / "half.txt").write_text("half")
        raise RuntimeError
    other = {**RECIPE, "size": 4}
    with store.write(name="words", version="2026.11.21", kind="dataset", recipe=other) as draft:
        assert not draft.resumed
        assert not (draft.path / "half.txt").exists()


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda path: path.write_text("金庫", encoding="utf-8"), "words.txt has changed"),
        (lambda path: path.write_text("x"), "has 1 bytes, the card says 6"),
        (lambda path: path.unlink(), "words.txt is missing"),
        (lambda path: path.with_name("foreign").write_text("x"), "foreign is not in the card"),
    ],
)
def test_verify_names_every_kind_of_damage(store: Store, damage: object, problem: str) -> None:
    ref = make(store)
    damage(store.path(ref) / "qa" / "words.txt")  # type: ignore[operator]
    assert any(problem in said for said in store.verify(ref))


def test_verify_notices_a_card_that_was_changed_below(store: Store) -> None:
    """A digest pins the whole chain: a new card under an old name shows in every descendant."""
    below = make(store)
    above = make(store, version="2026.11.22", made_from=(below,))
    card = store.path(below) / CARD
    card.write_text(card.read_text(encoding="utf-8").replace('"words": 1', '"words": 2'), encoding="utf-8")
    assert store.verify(above) == [f"the card of its input {below} has changed since"]


def test_versions_are_ordered_as_numbers(store: Store) -> None:
    for version in ("2026.11.21.10", "2026.11.21.2", "2026.11.21"):
        make(store, version=version)
    assert [ref.version for ref in store.refs()] == ["2026.11.21", "2026.11.21.2", "2026.11.21.10"]
    assert store.resolve("words").version == "2026.11.21.10"


def test_an_unknown_version_names_the_known_ones(store: Store) -> None:
    make(store)
    with pytest.raises(
        UserError, match=r"no version 'words@2026\.11\.29'; the store holds: words@2026\.11\.21"
    ):
        store.resolve("words@2026.11.29")
    with pytest.raises(UserError, match=r"no version '\.\./words'"):
        store.resolve("../words")


def test_content_digest_ignores_when_it_was_made(tmp_path: Path) -> None:
    one, two = Store(tmp_path / "a"), Store(tmp_path / "b")
    cards = [store.card(make(store)) for store in (one, two)]
    assert cards[0].content_digest == cards[1].content_digest
    assert (
        Store(tmp_path / "c").card(make(Store(tmp_path / "c"), "x")).content_digest != cards[0].content_digest
    )


def test_provenance_names_no_absolute_path_and_no_secret(store: Store) -> None:
    text = store.card(make(store)).to_json()
    assert str(store.root) not in text
    assert os.path.expanduser("~") + "/" not in text  # noqa: PTH111


WRITER = """
import sys, time
from pathlib import Path
from datacards.store import Store
store = Store(Path(sys.argv[1]))
with store.write(name="words", version="2026.11.21", kind="dataset", recipe={}) as draft:
    (draft.path / "words.txt").write_text(sys.argv[2])
    print("writing", flush=True)
    sys.stdin.readline()
"""


def writer(store: Store, text: str) -> subprocess.Popen[str]:
    """Start another process that writes the version and waits for a line before it finishes."""
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(store.root), text],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_two_processes_cannot_write_one_version(store: Store) -> None:
    with writer(store, "first") as first:
        assert first.stdout and first.stdout.readline() == "writing\n"
        with pytest.raises(UserError, match="another process is writing this version"):
            make(store)
        _out, _ = first.communicate("\n")
    assert first.returncode == 0
    assert (store.root / "words" / "2026.11.21" / "words.txt").read_text() == "first"


def test_a_killed_writer_leaves_neither_a_version_nor_a_lock(store: Store) -> None:
    with writer(store, "first") as first:
        assert first.stdout and first.stdout.readline() == "writing\n"
        first.send_signal(signal.SIGKILL)
    assert store.refs() == []
    make(store)
    assert len(store.refs()) == 1


def test_many_threads_and_one_version_give_one_version(store: Store) -> None:
    outcomes: list[str] = []

    def write() -> None:
        try:
            outcomes.append(str(make(store)))
        except UserError as error:
            outcomes.append(error.received)

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("words@2026.11.21") == 1
    assert set(outcomes) <= {
        "words@2026.11.21", "exists already", "another process is writing this version"
    }  # fmt: skip
    assert store.verify(store.refs()[0]) == []


KILLS = """
import json, os, signal, sys
from pathlib import Path
from datacards.store import Store

WRITES = ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree")

def write(store, on_finish=lambda: None):
    with store.write(name="words", version="2026.11.21", kind="dataset", recipe={"size": 1}) as draft:
        lost = draft.resumed and not ((draft.path / "kept.txt").exists() and (draft.work / "kept.txt").exists())
        (draft.path / "card.json").write_text("not yet")
        (draft.path / "sub").mkdir(exist_ok=True)
        (draft.path / "sub" / "card.json").write_text("a file like any other")
        for folder in (draft.path, draft.work):
            (folder / "kept.txt").write_text("days of work")
        on_finish()
    return draft.resumed and not lost

def killed_at(number, store):
    seen = 0
    def count(event, _):
        nonlocal seen
        if event in WRITES:
            seen += 1
            if seen == number:
                os.kill(os.getpid(), signal.SIGKILL)
    write(store, lambda: sys.addaudithook(count))

outcomes = []
for number in range(1, 1000):
    store = Store(Path(sys.argv[1]) / str(number))
    child = os.fork()
    if not child:
        try:
            killed_at(number, store)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    found = store.refs()
    outcome = "finished" if found else "resumed" if write(store) else "lost"
    (ref,) = store.refs()
    assert not store.verify(ref), store.verify(ref)
    with store.write(name="other", version="2026.11.21", kind="dataset", recipe={}):
        pass
    left = [path.name for path in (store.root / ".drafts").iterdir() if path.is_dir()]
    assert not left, left
    outcomes.append(outcome)
    if not os.WIFSIGNALED(status):
        break
print(json.dumps(outcomes))
"""


def test_a_run_killed_at_any_step_of_finishing_loses_nothing(tmp_path: Path) -> None:
    """Real kills before each file operation: the version is whole, or the draft is gone on with."""
    done = subprocess.run(
        [sys.executable, "-c", KILLS, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    outcomes = json.loads(done.stdout)
    assert outcomes.count("resumed") > 10
    assert set(outcomes) == {"resumed", "finished"}


def test_the_draft_of_another_request_steps_aside_and_comes_back(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """A typo in a recipe must not delete days of work."""

    def stopped(size: int) -> bool:
        with (
            pytest.raises(RuntimeError),
            store.write(
                name="words", version="2026.11.21", kind="dataset", recipe={**RECIPE, "size": size}
            ) as draft,
        ):
            (draft.path / f"{size}.txt").write_text("days of work")
            raise RuntimeError
        assert [path.name for path in draft.path.glob("*.txt")] == [f"{size}.txt"]
        return draft.resumed

    assert [stopped(size) for size in (3, 4, 3, 4)] == [False, False, True, True]
    assert "words@2026.11.21: the unfinished draft of another request is kept in" in caplog.text


def test_a_draft_without_a_file_is_not_kept(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    for size in (3, 4):
        with (
            pytest.raises(RuntimeError),
            store.write(name="words", version="2026.11.21", kind="dataset", recipe={"size": size}),
        ):
            raise RuntimeError
    assert [path.name for path in (store.root / ".drafts").iterdir() if path.is_dir()] == ["words@2026.11.21"]
    assert not caplog.text


@pytest.mark.parametrize(
    ("name", "version"), [("../words", "2026.11.21"), ("words", "２０２６.11.21"), ("words", "latest")]
)
def test_a_wrong_name_or_version_is_refused_before_any_work(store: Store, name: str, version: str) -> None:
    with (
        pytest.raises(UserError, match="is no name and version"),
        store.write(name=name, version=version, kind="dataset", recipe={}),
    ):
        pytest.fail("the work began")


def test_a_place_that_is_taken_is_noticed_before_any_work(store: Store) -> None:
    (store.root / "words" / "2026.11.21").mkdir(parents=True)
    (store.root / "words" / "2026.11.21" / "mine.txt").write_text("x")
    with pytest.raises(UserError, match=r"its place is taken: .* holds no card\.json; move it away"):
        make(store)


def test_a_file_called_card_json_in_a_folder_is_a_file_like_any_other(store: Store) -> None:
    with store.write(name="words", version="2026.11.21", kind="dataset", recipe={}) as draft:
        (draft.path / "sub").mkdir()
        (draft.path / "sub" / "card.json").write_text("{}")
    ref = store.resolve("words")
    assert [file.path for file in store.card(ref).files] == ["README.md", "SHA256SUMS", "sub/card.json"]
    assert store.verify(ref) == []


def test_verify_notices_a_folder_that_was_renamed(store: Store) -> None:
    make(store)
    (store.root / "words" / "2026.11.21").rename(store.root / "words" / "2026.11.22")
    assert store.verify(store.resolve("words")) == ["its card is that of words@2026.11.21"]


def test_a_card_names_no_folder_of_this_machine(store: Store, tmp_path: Path) -> None:
    """The recipe of a user may; two places of one thing are one request."""
    recipe = {"options": {"models": [str(tmp_path / "deep" / "model")]}}
    with store.write(name="words", version="2026.11.21", kind="dataset", recipe=recipe):
        pass
    card = store.card(store.resolve("words"))
    assert card.recipe == {"options": {"models": ["model"]}}
    assert str(tmp_path) not in card.to_json()
    assert store.finished("words", "2026.11.21", recipe=recipe, made_from=())


@pytest.mark.parametrize("name", ["*", "/etc", "[a", "words@2026.11.21", ""])
def test_what_is_no_name_finds_nothing(store: Store, name: str) -> None:
    make(store)
    assert store.refs(name) == []


FULL = """
import sys
from pathlib import Path
from datacards.store import Store
with Store(Path(sys.argv[1])).write(name="big", version="2026.11.21", kind="dataset", recipe={}) as draft:
    (draft.path / "big.bin").write_bytes(b"0" * 4_000_000)
"""


def test_a_full_disk_is_one_clear_message_and_loses_nothing(tmp_path: Path) -> None:
    """A real file system of one MiB, in a mount namespace of its own."""
    disk = tmp_path / "disk"
    disk.mkdir()
    program = tmp_path / "program.py"
    program.write_text(
        "import click\nfrom datacards.errors import UserError\ntry:\n"
        + "".join(f"    {line}\n" for line in FULL.strip().splitlines())
        + "except UserError as error:\n    print(error.message)\n"
    )
    script = f'mount -t tmpfs -o size=1M none "{disk}" && "{sys.executable}" "{program}" "{disk}"'
    try:
        done = subprocess.run(
            ["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        pytest.skip("no unshare command on this machine")
    if "mount:" in done.stderr or "unshare:" in done.stderr:
        pytest.skip(f"this user may not mount a file system: {done.stderr.strip()}")
    assert done.stdout.startswith("big@2026.11.21: the disk is full; nothing that was finished is lost; free")


def test_a_damaged_card_is_a_clear_message(store: Store) -> None:
    ref = make(store)
    (store.path(ref) / CARD).write_text(json.dumps({"name": "words"}))
    with pytest.raises(UserError, match="its card is damaged"):
        store.card(ref)


def test_a_card_refuses_a_name_that_climbs_out_of_the_store(store: Store) -> None:
    card = json.loads(store.card(make(store)).to_json())
    with pytest.raises(ValueError, match="pattern"):
        Card.model_validate({**card, "name": "../words"})


def test_an_unfinished_draft_is_found_by_its_request_unless_a_process_works_on_it(store: Store) -> None:
    for version in ("2026.11.20", "2026.11.21.2", "2026.11.21.10"):
        with (
            pytest.raises(RuntimeError),
            store.write(name="words", version=version, kind="dataset", recipe=RECIPE),
        ):
            raise RuntimeError
    assert store.unfinished("words", kind="dataset", recipe=RECIPE) == "2026.11.21.10"
    assert store.unfinished("words", kind="dataset", recipe={**RECIPE, "size": 4}) is None
    assert store.unfinished("other", kind="dataset", recipe=RECIPE) is None
    with store.write(name="words", version="2026.11.21.10", kind="dataset", recipe=RECIPE):
        assert store.unfinished("words", kind="dataset", recipe=RECIPE) == "2026.11.21.2"


def withdraw(store: Store, ref: Ref, successor: str = "", version: str = "2026.11.21") -> None:
    with store.write(name="takedowns", version=version, kind="takedown", recipe={}) as draft:
        said = {"withdrawn": [{"ref": str(ref), "digest": ref.digest, "successor": successor}]}
        (draft.path / "receipt.json").write_text(json.dumps(said), encoding="utf-8")


@pytest.mark.parametrize("kind", ["dataset", "evaluation", "captures"])
def test_what_is_made_of_a_version_that_is_withdrawn_meanwhile_is_not_finished(
    store: Store, kind: Kind
) -> None:
    below = make(store)
    request = {"name": "more", "version": "2026.11.21", "recipe": {}, "made_from": [below]}
    with (
        pytest.raises(
            UserError, match=r"words@2026.11.21, which .* withdrawn by takedowns@2026.11.21; .* of words@2"
        ),
        store.write(kind=kind, **request),  # type: ignore[arg-type]
    ):
        withdraw(store, below, "words@2026.11.21.1")
    assert store.refs("more") == []


def test_what_is_made_of_what_was_withdrawn_before_is_a_takedowns_own_affair(store: Store) -> None:
    below = make(store)
    withdraw(store, below)
    with store.write(name="more", version="2026.11.21.1", kind="dataset", recipe={}) as draft:
        draft.made_from = [below]
    assert [str(ref) for ref in store.refs("more")] == ["more@2026.11.21.1"]


def test_the_successor_of_what_was_withdrawn_is_the_one_that_stands(store: Store) -> None:
    first, second, third = (make(store, version=f"2026.11.21{part}") for part in ("", ".1", ".2"))
    withdraw(store, first, str(second))
    withdraw(store, second, str(third), "2026.11.22")
    assert store.withdrawn()[str(first)].successor == store.withdrawn()[str(second)].successor == str(third)
    withdraw(store, third, str(first), "2026.11.23")  # nonsense, and no reason to hang
    assert store.withdrawn()[str(first)].successor == ""
