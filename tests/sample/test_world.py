"""The sample world: served over real HTTP on loopback, one port for each host."""

import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from sample.http import LAST_MODIFIED
from sample.world import HOSTS, World, serve


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with serve() as world:
        yield world


def get(url: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - loopback only
    try:
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
            return response.status, dict(response.headers), response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()


def test_every_host_listens_under_its_own_address(world: World) -> None:
    assert set(world.base_urls) == set(HOSTS)
    assert len(set(world.base_urls.values())) == len(HOSTS)


def test_a_response_names_its_length_and_a_fixed_time_of_change(world: World) -> None:
    status, headers, body = get(world.base_urls["jpx"] + "/glossary/index.html")
    assert status == 200
    assert int(headers["Content-Length"]) == len(body)
    assert headers["Last-Modified"] == LAST_MODIFIED


def test_a_page_that_did_not_change_is_answered_without_a_body(world: World) -> None:
    url = world.base_urls["boj"] + "/about/press/koen_2026/index.htm"
    status, _, body = get(url, **{"If-Modified-Since": LAST_MODIFIED})
    assert (status, body) == (304, b"")


def test_the_central_bank_has_no_robots_file_and_the_exchange_forbids_one_page(world: World) -> None:
    assert get(world.base_urls["boj"] + "/robots.txt")[0] == 404
    status, _, body = get(world.base_urls["jpx"] + "/robots.txt")
    assert status == 200
    assert b"Disallow: /glossary/search.html" in body


def test_every_request_is_logged_with_its_host_and_query(world: World) -> None:
    get(world.base_urls["wikipedia"] + "/jawiki/?x=1")
    assert ("wikipedia", "/jawiki/?x=1") in world.requests


def test_two_servings_answer_the_same_bytes(world: World) -> None:
    path = "/mopo/mpmsche_minu/minu_2026/g260123.pdf"
    first = get(world.base_urls["boj"] + path)[2]
    with serve() as again:
        assert get(again.base_urls["boj"] + path)[2] == first


def test_the_command_prints_one_line_of_addresses_and_ends_when_interrupted(root: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "sample.world", "--port", "0"], cwd=root, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        base_urls = json.loads(process.stdout.readline())["base_urls"]
        assert get(base_urls["wikipedia"] + "/jawiki/")[0] == 200
    finally:
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=10)[0]
    assert rest == ""
    assert process.returncode == 0
