"""What may be published, to which addresses, and which names a card's files may have."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from datacards.card import Card, Ref
from datacards.errors import UserError
from datacards.store import Store
from datacards.targets.contents import check_names
from datacards.targets.hub import HubTarget
from datacards.targets.publish import publish, target_at
from tests.s3 import Shelf

REF = Ref(name="words", version="2026.11.21")


@pytest.mark.parametrize(
    "path",
    [
        "../x", "a/../../x", "/etc/passwd", "./x", "a//b", "a/", "", "..\\x", "C:\\x", "c:x", "a\nb", "a\0b", "a\x7fb",
        "a\u202eb", "CON", "qa/nul.parquet", "com1.txt", "LPT9", "x.", "x ", "a b", "-rf", "qa/-rf", "~/x", "x*", "a?b", "a#b",
        "a%2e%2e", "$(id)", "`id`", "x;y", "a|b", "<b>", "か\u3099", ".git/config", "qa/.GIT/x", ".gitattributes",
        ".gitignore", "card.json", "CARD.JSON", "x" * 241, "a/" * 460 + "x",
    ],
)  # fmt: skip
def test_a_name_that_may_mean_harm_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(UserError, match=r"words@2026\.11\.21: its card names"):
        check_names(REF, [path])


def test_two_names_that_are_one_on_some_systems_are_refused() -> None:
    for both in (["qa/A", "qa/a"], ["x", "x"], ["qa", "qa/x"], ["readme.md", "README.md"]):
        with pytest.raises(UserError, match=r"as a file and as a folder|on some systems"):
            check_names(REF, both)


def test_the_names_of_a_version_are_fine() -> None:
    names = [
        "README.md",
        "SHA256SUMS",
        "qa/train-edinet-00000.parquet",
        "recipes/fin-ja@2026.11.21.yaml",
        "図/年.svg",
    ]
    check_names(REF, names)
    with pytest.raises(UserError, match="letters, digits and"):
        check_names(REF, [*names, "年 度.svg"])


def hostile(store: Store, release: Ref, path: str) -> Ref:
    """Rewrite the card, sealed as the store itself would, so that it names a file in another place."""
    card = store.card(release)
    moved = [
        file.model_copy(update={"path": path}) if file.path == "README.md" else file for file in card.files
    ]
    text = Card.model_construct(**{**dict(card), "files": tuple(moved)}).to_json()
    (store.path(release) / "card.json").write_text(text, encoding="utf-8")
    return Ref(name=release.name, version=release.version)


@pytest.mark.parametrize(
    "path", ["../../escaped.md", "/srv/escaped.md", "qa\\escaped.md", "a\x07.md", "con.md"]
)
def test_nothing_is_written_anywhere_for_a_hostile_card(
    store: Store, release: Ref, tmp_path: Path, shelf: Shelf, path: str
) -> None:
    ref = hostile(store, release, path)
    for target in (str(tmp_path / "out"), shelf.address):
        with pytest.raises(UserError, match=r"words@2026\.11\.21: "):
            publish(store, ref, [target])
        with pytest.raises(UserError, match=r"words@2026\.11\.21: "):
            target_at(target).put(store, ref)
    assert not (tmp_path / "out").exists()
    assert shelf.held() == []
    assert not list(tmp_path.rglob("*escaped*"))


def test_only_datasets_are_published_and_only_when_they_verify(
    store: Store, release: Ref, tmp_path: Path
) -> None:
    with store.write(name="weights", version="2026.11.21", kind="checkpoint", recipe={}) as draft:
        (draft.path / "model.txt").write_text("x")
    with pytest.raises(UserError, match="is a version of kind 'checkpoint'; a dataset is needed"):
        publish(store, store.resolve("weights"), [str(tmp_path / "out")])
    (store.path(release) / "qa" / "test-edinet-00000.parquet").write_bytes(b"flipped")
    with pytest.raises(UserError, match=r"does not verify: qa/test-edinet-00000\.parquet"):
        publish(store, release, [str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()


def test_the_hook_refuses_before_anything_is_written(store: Store, release: Ref, tmp_path: Path) -> None:
    asked: list[Ref] = []

    def refuse(_store: Store, ref: Ref) -> None:
        asked.append(ref)
        raise UserError(str(ref), "3 records may not be given on")

    with pytest.raises(UserError, match="3 records may not be given on"):
        publish(store, release, [str(tmp_path / "out")], check=refuse)
    assert asked == [release]
    assert not (tmp_path / "out").exists()


def test_a_wrong_address_among_several_stops_all_of_them(store: Store, release: Ref, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no address of a store"):
        publish(store, release, [str(tmp_path / "out"), "ftp://host/folder"])
    assert not (tmp_path / "out").exists()


def test_a_file_is_no_target(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(UserError, match="is a file; a folder"):
        target_at(str(tmp_path / "out"))


@pytest.mark.parametrize(
    "address",
    [
        "s3://AKIASAMPLE:hidden-word@bucket/corpora", "s3://bucket/corpora?X-Amz-Signature=hidden-word",
        "hf://user:hidden-word@datasets/kinzo/words", "hf://datasets/kinzo/words?token=hidden-word",
        "hf://datasets/kinzo:hidden-word@main/words", "hf://datasets/kinzo/words@main@hidden-word",
        "hf://datasets/hidden-word", "hf://models/kinzo/hidden-word", "hf://datasets/kinzo/hidden-word/qa",
        "hf://datasets/kinzo/../hidden-word", "hf://datasets/kinzo/hidden-word.git", "hf://datasets/kinzo/hidden-word@2026.11.21",
        "hf://datasets/kinzo/hidden-word@refs/pr/1", "hf://datasets/kinzo/hidden--word", "hf://datasets/kinzo/hidden-word\n",
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_used_is_not_repeated(address: str) -> None:
    with pytest.raises(UserError) as caught:
        target_at(address)
    assert "hidden" not in caught.value.message


def test_the_parts_of_an_address_of_the_hub() -> None:
    plain, branch = (
        target_at("hf://datasets/kinzo/fin-ja", private=True),
        target_at("hf://datasets/kinzo/fin.ja_2@next/"),
    )
    assert isinstance(plain, HubTarget) and isinstance(branch, HubTarget)
    assert (plain.repository, plain.branch, plain.private) == ("kinzo/fin-ja", "main", True)
    assert (branch.repository, branch.branch, branch.private) == ("kinzo/fin.ja_2", "next", False)
    assert branch.address == "hf://datasets/kinzo/fin.ja_2@next"


def test_a_missing_library_is_named_with_how_to_install_it() -> None:
    code = (
        "import sys; sys.modules['obstore'] = None\n"
        "from datacards.errors import UserError\nfrom datacards.targets.publish import target_at\n"
        "try:\n    target_at('s3://bucket/corpora')\nexcept UserError as error:\n    print(error.message)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ}
    )
    assert "needs a library that is not installed; pip install -e '.[objects]'" in done.stdout
