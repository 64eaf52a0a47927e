"""Files that may not be shipped are found or fetched with the bytes that are meant, or not at all."""

import dataclasses
import os
import threading
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from urllib.request import Request

import pytest
from click.testing import CliRunner

from datacards.errors import UserError
from eval.data.cli import command
from eval.data.fetch import FOLDER, SameTrust, add, cache, fetch, find, open_source
from eval.data.sources import ALL, Source, source

BODY = b'{"data": []}'


class Answers(BaseHTTPRequestHandler):
    """Serves the published file, a longer one, half of one, and ways to other addresses."""

    def do_GET(self) -> None:
        name = self.path.rsplit("/", 1)[-1]
        ways = {"near.json": "/r/c/data.json", "far.json": "http://example.com/r/c/data.json"}
        body = {
            "data.json": BODY,
            "long.json": BODY * 100_000,
            "other.json": BODY[::-1],
            "half.json": BODY[:5],
        }
        self.send_response(302 if name in ways else 200 if name in body else 404)
        if name in ways:
            self.send_header("Location", ways[name])
        self.send_header("Content-Length", str(len(BODY if name == "half.json" else body.get(name, b""))))
        self.end_headers()
        self.wfile.write(body.get(name, b""))

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    """Serve files on loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv(FOLDER, raising=False)


def made(host: str = "http://127.0.0.1:9", file: str = "data.json") -> Source:
    """Return a source that ``host`` serves as ``file``."""
    return Source(
        name="exam", repository="r", commit="c", path=file, sha256=sha256(BODY).hexdigest(), size=len(BODY),
        items=0, license="none", why="it belongs to an examiner", host=host,
    )  # fmt: skip


@pytest.mark.parametrize("file", ["data.json", "near.json"])
def test_a_file_is_fetched_once_into_the_cache(host: str, file: str) -> None:
    one = made(host, file)
    assert find(one) is None
    path = fetch(one)
    assert path.read_bytes() == BODY
    assert find(one) == path == cache() / "exam" / file


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("other.json", "SHA-256"),
        ("long.json", "13 bytes"),
        ("half.json", "5 bytes"),
        ("none.json", "Not Found"),
        ("far.json", "https only"),
    ],
)
def test_other_bytes_are_refused_and_nothing_is_left(host: str, file: str, words: str) -> None:
    one = made(host, file)
    with pytest.raises(UserError, match=words):
        fetch(one)
    assert [path for path in cache().rglob("*") if path.is_file()] == []


def test_without_a_network_the_message_says_what_to_do() -> None:
    with pytest.raises(UserError) as caught:
        fetch(made())
    told = str(caught.value)
    assert "it is not shipped, as it belongs to an examiner" in told
    assert "kanagura eval data add exam FILE" in told
    assert "http://127.0.0.1:9/r/c/data.json" in told


@pytest.mark.parametrize(
    "place", ["http://127.0.0.1:8000/a", "http://localhost/", "file:///etc/hosts", "ftp://a.example/"]
)
def test_a_published_address_leads_to_nothing_on_this_machine(place: str) -> None:
    with pytest.raises(UserError, match="https only"):
        SameTrust(source("fp2")).redirect_request(Request("https://a.example"), BytesIO(), 302, "", {}, place)


def test_an_address_without_tls_is_not_asked() -> None:
    with pytest.raises(UserError, match="https only"):
        fetch(made("http://example.com"))


@pytest.mark.parametrize("place", ["exam/data.json", "data/exam/data.json"])
def test_a_local_file_comes_before_everything(
    tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the cache has it, or as the repository has it."""
    one = dataclasses.replace(made(), path="data/exam/data.json")
    path = tmp_path / "mine" / place
    path.parent.mkdir(parents=True)
    path.write_bytes(BODY)
    assert find(one, tmp_path / "mine") == path
    assert find(one) is None
    monkeypatch.setenv(FOLDER, str(tmp_path / "mine"))
    assert find(one) == path
    path.write_bytes(BODY[::-1])
    with pytest.raises(UserError, match="not the file that published figures were made with"):
        find(one)


def test_a_file_got_elsewhere_is_added(tmp_path: Path) -> None:
    one = made()
    file = tmp_path / "downloaded.json"
    with pytest.raises(UserError, match="is no file"):
        add(one, file)
    file.write_bytes(b"[]")
    with pytest.raises(UserError, match="2 bytes"):
        add(one, file)
    file.write_bytes(BODY)
    assert find(one) is None
    assert add(one, file) == find(one)
    assert os.listdir(cache() / "exam") == ["data.json"]  # noqa: PTH208


def test_the_command_lists_refuses_and_names_the_sources(tmp_path: Path) -> None:
    listed = CliRunner().invoke(command, ["list"])
    assert listed.exit_code == 0, listed.output
    assert all(one.name in listed.output for one in ALL)
    unknown = CliRunner().invoke(command, ["get", "fp1"])
    assert unknown.exit_code == 1
    assert "fp1: is no source of test data; known: cma_basics, fp2" in unknown.output
    wrong = tmp_path / "data.json"
    wrong.write_bytes(b"{}")
    refused = CliRunner().invoke(command, ["add", "fp2", str(wrong)])
    assert "2 bytes" in refused.output
    with pytest.raises(UserError, match="is no source"):
        open_source("fp1")


def test_every_source_is_pinned_to_a_commit_and_to_its_bytes() -> None:
    for one in ALL:
        assert source(one.name) is one
        assert one.address.startswith("https://")
        assert one.commit in one.address
        assert (len(one.commit), len(one.sha256)) == (40, 64)
        assert one.size > 0
    assert len({one.place for one in ALL}) == len(ALL)
