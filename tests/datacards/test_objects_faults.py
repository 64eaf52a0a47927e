"""What a store under an address says and keeps to itself when servers, networks and addresses are not as they should."""

import logging
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from datacards.cli import main
from datacards.errors import UserError
from datacards.places import CARD
from datacards.store import Store
from tests.s3 import KEY_ID, SECRET, Answer, Request, Shelf

FOLDER = "words/2026.11.21"


def make(store: Store, **more: str) -> None:
    """Write one small version."""
    with store.write(name="words", version="2026.11.21", kind="dataset", recipe={}, **more) as draft:  # type: ignore[arg-type]
        for n in range(4):
            (draft.path / f"{n}.txt").write_text(f"第{n}回の調査" * 3)


@pytest.mark.parametrize(
    "address",
    [
        "s3://AKIASAMPLE:hidden-word@bucket/corpora",
        "s3://bucket/corpora?X-Amz-Signature=hidden-word",
        "s3://bucket/corpora#hidden-word",
    ],
)
def test_an_address_that_may_hold_a_secret_is_refused_and_not_repeated(address: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "datacards", "list", "--store", address],
        capture_output=True, text=True, check=False, env={**os.environ, "KANAGURA_CACHE": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 1
    assert (
        "holds a user, a query or a fragment; scheme://bucket/prefix and nothing else; put cred"
        in done.stderr
    )
    assert "hidden-word" not in done.stderr + done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("address", ["ftp://bucket/corpora", "s3://", "s3:///corpora", "file:///tmp/corpora"])
def test_an_address_of_something_else_names_what_is_allowed(address: str) -> None:
    with pytest.raises(
        UserError, match=r"is no address of a store; s3://bucket/prefix, gs://.*a folder's path"
    ):
        Store(address)


def test_neither_card_nor_log_nor_error_holds_a_key(
    shelf: Shelf, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server sends back the key's id with its refusal, as S3 does."""
    caplog.set_level(logging.DEBUG)
    store = Store(shelf.address)
    make(store)
    said = caplog.text + "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    said += "".join(shelf.get(key).decode() for key in shelf.held())

    def refuse(_request: Request, _environ: dict[str, Any]) -> Answer:
        body = f"<Error><Code>InvalidAccessKeyId</Code><AWSAccessKeyId>{KEY_ID}</AWSAccessKeyId></Error>"
        return "403 Forbidden", body.encode()

    shelf.server.before = refuse
    with pytest.raises(UserError) as caught:
        store.refs()
    assert f"{shelf.address}: " in caught.value.message
    assert "403 Forbidden (InvalidAccessKeyId); check the address and the credentials" in caught.value.message
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{KEY_ID}:{SECRET.rpartition('/')[2]}@127.0.0.1:9")
    with pytest.raises(UserError) as unreached:
        Store(shelf.address).refs()
    said += caught.value.message + unreached.value.message
    for secret in (KEY_ID, SECRET, SECRET.rpartition("/")[2]):
        assert secret not in said


def test_a_bucket_that_is_not_there_is_said(shelf: Shelf) -> None:
    store = Store("s3://no-such-bucket/corpora")
    for asked in (lambda: store.resolve("words@2026.11.21"), store.refs, lambda: make(store)):
        with pytest.raises(
            UserError, match=r"s3://no-such-bucket/corpora: .*\(NoSuchBucket\); check the address"
        ):
            asked()


def test_a_server_that_ignores_conditions_is_refused_before_any_work(shelf: Shelf) -> None:
    def forget(_request: Request, environ: dict[str, Any]) -> None:
        environ.pop("HTTP_IF_NONE_MATCH", None)

    shelf.server.before = forget
    with pytest.raises(UserError, match=r"ignores the condition If-None-Match; two writers .* kept apart"):
        make(Store(shelf.address))
    assert shelf.held() == []


@pytest.mark.parametrize("answer", ["500 Internal Server Error", ""])
def test_a_card_whose_answer_was_lost_is_known_as_ones_own(shelf: Shelf, answer: str) -> None:
    """The server carries the put out, then fails or hangs up; asked again it tells that there is a card."""
    lost: list[str] = []

    def lose(request: Request, environ: dict[str, Any]) -> Answer | None:
        if request.method != "PUT" or not request.key.endswith(CARD) or lost:
            return None
        lost.append(request.key)
        if not answer:
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        return answer or "200 OK", b""

    shelf.server.after = lose
    store = Store(shelf.address)
    make(store)
    assert lost
    assert store.verify(store.resolve("words")) == []


def test_an_upload_that_failed_goes_on(shelf: Shelf) -> None:
    def refuse(request: Request, _environ: dict[str, Any]) -> Answer | None:
        return ("403 Forbidden", b"") if request.method == "PUT" and "/2." in request.key else None

    store = Store(shelf.address)
    shelf.server.before = refuse
    with pytest.raises(UserError, match="403 Forbidden"):
        make(store)
    assert store.refs() == []
    put = set(shelf.held())
    shelf.server.calm()
    make(store)
    assert store.verify(store.resolve("words")) == []
    assert not {key.removeprefix("corpora/") for key in shelf.server.puts()} & put


READER = "import sys; from datacards.store import Store; s = Store(sys.argv[1]); s.path(s.resolve('words'))"


def test_a_reader_killed_at_any_object_goes_on_and_its_copy_is_whole_or_has_no_card(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(Store(shelf.address))
    monkeypatch.setenv("KANAGURA_CACHE", str(tmp_path / "other"))
    other = Store(shelf.address)
    for number in (1, 2, 3):
        shelf.server.calm()
        process = subprocess.Popen([sys.executable, "-c", READER, shelf.address])
        shelf.server.kill(
            process, lambda asked: asked.method == "GET" and asked.key.endswith((".txt", ".md")), number
        )
        assert process.wait() == -signal.SIGKILL
        assert not (other.root / FOLDER / CARD).exists()
    shelf.server.calm()
    assert other.verified("words", "dataset")
    assert [path for path in (other.root / ".fetch").iterdir() if path.suffix != ".lock"] == []


KILLED = """
import os, signal, sys
from datacards.store import Store
def kill(event, arguments):
    if event == "os.rename" and str(arguments[1]).endswith("words/2026.11.21"):
        os.kill(os.getpid(), signal.SIGKILL)
with Store(sys.argv[1]).write(name="words", version="2026.11.21", kind="dataset", recipe={}) as draft:
    (draft.path / "0.txt").write_text("x")
    sys.addaudithook(kill)
"""


def test_a_writer_killed_behind_its_card_leaves_a_version_and_its_draft_becomes_the_copy(
    shelf: Shelf,
) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, shelf.address], check=False)
    assert done.returncode == -signal.SIGKILL
    store = Store(shelf.address)
    assert (store.root / ".drafts" / "words@2026.11.21").is_dir()
    assert store.unfinished("words", kind="dataset", recipe={}) is None
    shelf.server.calm()
    ref = store.verified("words", "dataset")
    assert not [key for key in shelf.server.gets() if not key.endswith(CARD)]
    assert not (store.root / ".drafts" / "words@2026.11.21").exists()
    assert (store.path(ref) / "0.txt").read_text() == "x"


def test_a_card_that_names_a_file_outside_of_its_version_is_refused(shelf: Shelf, tmp_path: Path) -> None:
    store = Store(shelf.address)
    make(store)
    card = shelf.get(f"{FOLDER}/{CARD}").replace(b'"0.txt"', b'"../../../0.txt"')
    shelf.put(f"{FOLDER}/{CARD}", card)
    with pytest.raises(UserError, match=r"'../../../0.txt' is no path inside of a version"):
        store.path(store.resolve("words"))
    assert not list(tmp_path.rglob("../0.txt"))


def test_the_commands_work_on_an_address(
    shelf: Shelf, family: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Copied object by object from a store in a folder: a lineage fetches the index of the captures, nothing else."""
    for ref in family.refs():
        for file in (*family.card(ref).files, None):
            content = (family.path(ref) / (file.path if file else CARD)).read_bytes()
            name = re.sub(r"(?=\.|$)", f".{file.sha256[:16]}", file.path, count=1) if file else CARD
            shelf.put(f"{ref.name}/{ref.version}/{name}", content)

    def cards(*words: str, status: int = 0) -> str:
        done = CliRunner().invoke(main, [words[0], "--store", shelf.address, *words[1:]])
        assert done.exit_code == status, done.output
        return done.output

    assert "pages@2026.11.21" in cards("list")
    assert "no version 'nope'; the store holds: asked@2026.11.21" in cards("list", "nope", status=1)
    assert "# asked" in cards("show", "asked")
    assert "pages@2026.11.21: ok" in cards("verify")
    monkeypatch.setenv("KANAGURA_CACHE", str(tmp_path / "other"))
    shelf.server.calm()
    assert "2 addresses of test (PDL-1.0)" in cards("lineage", "asked")
    assert {Path(key).name.partition(".")[0] for key in shelf.server.gets()} == {"card", "captures"}
    assert "a" * 64 + "  https://example.invalid/a" in cards("lineage", "asked", "--urls")
    shelf.put(shelf.key("pages/2026.11.21/captures"), b"damaged")
    assert "pages@2026.11.21: captures.parquet has 7 bytes" in cards("verify", status=1)


def test_a_store_without_versions_names_its_address(shelf: Shelf) -> None:
    done = CliRunner().invoke(main, ["list", "--store", shelf.address])
    assert f"no versions in '{shelf.address}'" in done.output


def test_a_missing_library_is_named_with_how_to_install_it() -> None:
    code = (
        "import sys; sys.modules['obstore'] = None\n"
        "from datacards.errors import UserError\nfrom datacards.store import Store\n"
        "try:\n    Store('s3://bucket/corpora')\nexcept UserError as error:\n    print(error.message)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(
        "store: an address needs a library that is not installed; pip install -e '.[obj"
    )
