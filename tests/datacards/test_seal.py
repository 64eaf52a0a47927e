"""What was written is told from what was changed: seals, checksums, links, names, the time of a build."""

import json
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from datacards.card import Card, File, Ref
from datacards.cli import main
from datacards.errors import UserError
from datacards.store import CARD, Store


def make(store: Store, version: str = "2026.11.21") -> Ref:
    with store.write(name="words", version=version, kind="dataset", recipe={"size": 3}) as draft:
        (draft.path / "qa").mkdir()
        (draft.path / "qa" / "words.txt").write_text("金蔵", encoding="utf-8")
    return store.resolve(f"words@{version}")


def withdraw(store: Store, ref: Ref, successor: str) -> Ref:
    """Write a takedown that withdraws ``ref``."""
    told = {"withdrawn": [{"ref": str(ref), "digest": ref.digest, "successor": successor}]}
    with store.write(name="takedowns", version="2026.11.26", kind="takedown", recipe={}) as draft:
        (draft.path / "receipt.json").write_text(json.dumps(told), encoding="utf-8")
    return store.resolve("takedowns")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"size": 3', '"size": 4'),
        ("金蔵", "銀蔵"),
        ('"kind": "dataset"', '"kind":  "dataset"'),
        ("\n}\n", "\n}"),
    ],
)
def test_a_card_edited_by_hand_is_found_and_not_believed(store: Store, old: str, new: str) -> None:
    with store.write(
        name="words", version="2026.11.21", kind="dataset", recipe={"size": 3}, description="金蔵"
    ) as draft:
        draft.counts["words"] = 1
    ref = store.resolve("words")
    path = store.path(ref) / CARD
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    assert "the seal differs" in " ".join(store.verify(ref))
    with pytest.raises(UserError, match=r"the seal differs; restore card\.json"):
        store.verified("words", "dataset")


def test_a_seal_that_was_taken_away_is_missed(store: Store) -> None:
    path = store.path(make(store)) / CARD
    said = json.loads(path.read_text(encoding="utf-8"))
    assert len(said.pop("seal")) == 64
    path.write_text(json.dumps(said), encoding="utf-8")
    assert "the seal differs" in " ".join(store.verify(store.resolve("words")))


def test_flipped_bits_are_found_wherever_they_are_and_the_file_is_named(store: Store) -> None:
    ref = make(store)
    for file in [*(file.path for file in store.card(ref).files), CARD]:
        path = store.path(ref) / file
        good = path.read_bytes()
        for place in range(0, len(good), max(1, len(good) // 40)):
            bad = bytearray(good)
            bad[place] ^= 1 << place % 8
            path.write_bytes(bad)
            told = store.verify(ref)
            assert told == [f"{file} has changed"] or (file == CARD and told), (file, place)
        path.write_bytes(good)
    assert store.verify(ref) == []


def test_a_file_put_in_place_of_another_by_a_link_is_named(store: Store, tmp_path: Path) -> None:
    ref = make(store)
    path = store.path(ref) / "qa" / "words.txt"
    path.rename(tmp_path / "words.txt")
    path.symlink_to(tmp_path / "words.txt")
    assert store.verify(ref) == ["qa/words.txt is a link"]


def test_anybody_can_check_the_files_without_this_project(store: Store) -> None:
    folder = store.path(make(store))
    told = subprocess.run(
        ["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=folder, capture_output=True, text=True, check=True
    )
    assert "qa/words.txt: OK" in told.stdout
    assert "README.md: OK" in told.stdout


@pytest.mark.parametrize(
    "path",
    ["", ".", "..", "/etc/passwd", "../a", "a/../../b", "a//b", "a/", "a\\b", "C:a", "a\nb", "a\x00b", "nul", "x/COM1.txt",
     "a\u202eb", "a?b"],
)  # fmt: skip
def test_a_path_that_is_none_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match=r"is no path inside of a version|holds a sign that a path may not"):
        File(path=path, bytes=1, sha256="0" * 64)


def test_names_with_tricks_are_refused_before_anything_is_written(store: Store) -> None:
    for name in ("../words", "words/..", "", ".hidden", "a b", "金蔵", "a" * 101):
        with (
            pytest.raises((UserError, ValueError)),
            store.write(name=name, version="2026.11.21", kind="dataset", recipe={}),
        ):
            pytest.fail("a draft was opened")
    assert not list(store.root.rglob("*")) if store.root.exists() else True


def test_the_time_of_a_build_can_be_fixed_so_that_two_give_the_same_card(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1795651200")
    first = make(store)
    second = make(Store(tmp_path / "other"))
    assert first == second
    assert f"{store.card(first).created_at:%Y-%m-%d}" == "2026-11-26"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(UserError, match="SOURCE_DATE_EPOCH: 'yesterday'; whole seconds since 1970"):
        make(store, "2026.11.22")


def test_a_withdrawn_version_is_no_input_and_its_successor_is_named(store: Store) -> None:
    old, new = make(store), make(store, "2026.11.21.1")
    assert store.verified(str(old), "dataset") == old
    by = withdraw(store, old, str(new))
    assert store.withdrawn()[str(old)].by == by
    with pytest.raises(
        UserError, match=r"was withdrawn by takedowns@2026\.11\.26; .* use words@2026\.11\.21\.1"
    ):
        store.verified(str(old), "dataset")
    with pytest.raises(UserError, match="was withdrawn"):
        store.finished("words", "2026.11.21", recipe={"size": 3}, made_from=())
    assert store.resolve("words") == new
    assert store.verified("words", "dataset") == new
    assert store.verify(old) == []


def test_a_name_stands_for_the_newest_version_that_is_not_withdrawn(store: Store) -> None:
    old, new = make(store), make(store, "2026.11.22")
    withdraw(store, new, "")
    assert store.resolve("words") == old


def test_a_receipt_that_cannot_be_read_stops_everything_that_depends_on_it(store: Store) -> None:
    ref = make(store)
    receipt = store.path(withdraw(store, ref, "")) / "receipt.json"
    receipt.write_text("{", encoding="utf-8")
    with pytest.raises(
        UserError, match=r"takedowns@2026\.11\.26: its receipt\.json cannot be read; restore it"
    ):
        store.verified(str(ref), "dataset")


def test_the_commands_say_what_is_wrong_with_a_card(store: Store) -> None:
    path = store.path(make(store)) / CARD
    card = Card.model_validate_json(path.read_bytes())
    path.write_text(card.to_json().replace('"words"', '"sword"'), encoding="utf-8")
    for command, status in (("list", 0), ("verify", 1)):
        done = CliRunner().invoke(main, [command, "--store", str(store.root)])
        assert done.exit_code == status
        assert "seal differs" in done.output
