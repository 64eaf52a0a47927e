"""What a card says of the command names no folder, no user and no secret."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from datacards.provenance import command_line, git, without_folders

KEYS = {"edinet": "https://taro:pass@mirror.example/x", "boj": "http://127.0.0.1:8790/a/b"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["/home/taro/bin/kanagura", "corpus", "r.yaml", "--store", "/home/taro/store"], "r.yaml --store store"),
        (["k", "--store=/home/taro yamada/my store"], "--store=my store"),
        (["k", "--store", "s3://taro-bucket/taro/corpora/", "r.yaml"], "--store corpora r.yaml"),
        (["k", "--store=gs://corpora", "r.yaml"], "--store=corpora r.yaml"),
        (["k", "/home/taro yamada/a b.yaml", "-o/home/taro/x"], "a b.yaml -ox"),
        (["k", "../../taro/x.yaml", "~/y", "file:///home/taro/z"], "x.yaml y z"),
        (["k", '["/home/taro y/z", "/a/b"]'], '["z", "b"]'),
        (["k", "FEEDS={'/home/taro/x.json': 1}"], "FEEDS={'x.json': 1}"),
        (["k", "/home/太郎/金 蔵"], "金 蔵"),
        (["k", str(Path.home())], "~"),
        (["k", "a/b.yaml", "./c/d.yaml", "010/030000", "since=2024/01/01"], "a/b.yaml ./c/d.yaml 010/030000"),
        (["k", "hf:org/model@0123", "https://h.example/a/b?c=1"], "hf:org/model@0123 https://h.example/a/b?c=1"),
        (["k", f"URLS={json.dumps(KEYS)}"], '"https://***@mirror.example/x", "boj": "http://127.0.0.1:8790/a/b"'),
        (["k", '{"Ocp-Apim-Subscription-Key": "open sesame"}'], '-Key": "***"}'),
        (["k", "-s", "EDINET_API_KEY=sesame", "--api-key", "sesame"], "-s EDINET_API_KEY=*** --api-key ***"),
        (["k", "https://h.example/x?Subscription-Key=sesame&type=1"], "Subscription-Key=***&type=1"),
        (["k", "Authorization: Bearer sesame"], "Authorization: ***"),
        (["k", "hf_sesamesesamesesame"], "***"),
        (["k", "--max-tokens", "512", "--tokenizer", "x"], "--max-tokens 512 --tokenizer x"),
    ],
)  # fmt: skip
def test_the_command_is_told_without_folders_and_secrets(words: list[str], said: str) -> None:
    told = command_line(words)
    assert said in told
    assert not any(leak in told for leak in ("/home", "taro", "太郎", "sesame", "pass"))


def test_the_value_of_a_secret_in_the_environment_is_never_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDINET_API_KEY", "0123456789abcdef")
    assert command_line(["k", "x0123456789abcdefx"]) == "k x***x"


def test_only_a_path_on_this_machine_loses_its_folders(tmp_path: Path) -> None:
    assert without_folders(str(tmp_path / "model")) == "model"
    assert without_folders("/no-such-folder-here/x") == "/no-such-folder-here/x"
    assert without_folders("/") == "/"  # the root of a site as well
    for text in ("org/model", "~1/2 of all", "https://h.example/a"):
        assert without_folders(text) == text


def test_a_copy_inside_a_foreign_checkout_does_not_tell_its_commit(tmp_path: Path, root: Path) -> None:
    """Installed packages often lie below the checkout of the project that uses them."""
    if not git("rev-parse", "HEAD"):
        pytest.skip("no git here")
    words = [
        "git",
        "-c",
        "user.name=x",
        "-c",
        "user.email=x@example.invalid",
        "commit",
        "-q",
        "--allow-empty",
    ]
    for command in (["git", "init", "-q"], [*words, "-m", "foreign"]):
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "datacards").symlink_to(root / "datacards")
    copy = tmp_path / "site" / "copied"
    copy.mkdir()
    for name in ("__init__", "provenance", "card"):
        (copy / f"{name}.py").write_bytes((root / "datacards" / f"{name}.py").read_bytes())
    program = "from copied.provenance import capture; print(repr(capture().commit))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path / "site", capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "''"
