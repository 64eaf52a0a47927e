"""Facts about a corpus that grows: a version that extends another, and the same bytes wherever it is made."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from corpus import shards
from corpus.document import Capture
from corpus.recipe import CorpusRecipe
from corpus.run import inputs, run
from datacards.card import Ref
from datacards.errors import UserError
from datacards.store import Store
from tests.corpus.test_run import build, crawl, page, recipe, sentences, speeches

CONFIGS = ("markdown", "sections", "dropped")


def later(count: int) -> list[Capture]:
    """Return captures of the next day: new speeches, a copy and a near copy of an earlier one, an old one again."""
    first, second = speeches(2)
    copy = replace(first, url=first.url.replace("ko24", "ko25"), body=first.body)
    near = replace(
        second,
        url=second.url.replace("ko24", "ko25"),
        body=page("【講演】金融経済情勢 第1回", *(sentences(10 + part) for part in range(3)), "以上である。"),
    )
    new = [
        replace(
            one,
            url=one.url.replace("ko24", "ko26"),
            body=page("講演", *(sentences(900 + 7 * n + k) for k in range(3))),
        )
        for n, one in enumerate(speeches(count))
    ]
    moment = first.fetched_at + timedelta(days=1)
    return [replace(one, fetched_at=moment) for one in (first, *new, copy, near)]


@pytest.fixture
def world(store: Store) -> Store:
    """Return a store with the speeches of two days."""
    crawl(store, "boj_speeches", speeches(6))
    crawl(store, "boj_speeches", later(4), "2026.11.22")
    return store


def asked(version: str, *days: str, **changes: object) -> CorpusRecipe:
    captures = [f"boj_speeches@2026.11.{day}" for day in days]
    return recipe(version=version, captures=captures, **changes)


def rows(store: Store, ref: Ref, config: str) -> list[dict[str, object]]:
    return [row for path in shards.shard(store.path(ref), config, "train") for row in shards.read(path)]


def grown(store: Store) -> tuple[Ref, Ref]:
    """Return the version of the first day, and the one that adds the second day to it."""
    first = build(store, asked("2026.11.21", "21"))
    second = build(store, asked("2026.11.22", "22", extends="fin@2026.11.21"))
    assert first[1].counts["documents_markdown"] < second[1].counts["documents_markdown"]
    return store.resolve("fin@2026.11.21"), store.resolve("fin@2026.11.22")


def test_a_version_that_extends_another_holds_its_files_as_they_are_and_adds_what_is_new(
    world: Store,
) -> None:
    first, second = grown(world)
    held = [file for file in world.card(first).files if file.path.endswith(".parquet")]
    old = {file.path: file.sha256 for file in held if "/" in file.path}
    new = {file.path: file.sha256 for file in world.card(second).files}
    assert old.items() <= new.items()
    card = world.card(second)
    assert card.counts["captures_known"] == 1  # the speech that the second day brought again
    assert card.drops["exact_duplicate"] == card.drops["near_duplicate"] == 1
    assert card.counts["documents_markdown"] == len(rows(world, second, "markdown")) == 6 + 4
    assert {str(ref) for ref in card.made_from} == {"boj_speeches@2026.11.22", str(first)}


def test_adding_a_day_gives_what_one_run_over_both_gives(world: Store) -> None:
    """Documents, survivors and drops; a published row keeps the size that its cluster had on its day."""
    _, second = grown(world)
    build(world, asked("2026.11.23", "21", "22"))
    whole = world.resolve("fin@2026.11.23")

    def told(ref: Ref, config: str) -> list[dict[str, object]]:
        found = [{k: v for k, v in row.items() if k != "cluster_size"} for row in rows(world, ref, config)]
        return found if config == "dropped" else sorted(found, key=lambda row: str(row["id"]))

    for config in ("markdown", "sections"):
        assert told(second, config) == told(whole, config)
    # One run over both also reads the old speech twice, and says so.
    again = [row for row in told(whole, "dropped") if row not in told(second, "dropped")]
    assert [row["reason"] for row in again] == ["exact_duplicate"]
    assert [row for row in told(whole, "dropped") if row not in again] == told(second, "dropped")


def test_a_third_day_is_compared_with_what_the_first_two_dropped(world: Store) -> None:
    """What is like a dropped near-duplicate goes to the survivor of that one."""
    _, second = grown(world)
    near = replace(later(1)[-1], url="https://www.boj.or.jp/about/press/koen_2027/data/ko270101a.htm")
    near = replace(near, body=near.body.replace("以上である。".encode(), "以上である。以上。".encode()))
    crawl(world, "boj_speeches", [near], "2026.11.23")
    build(world, asked("2026.11.23", "23", extends=str(second)))
    [row] = [row for row in rows(world, world.resolve("fin"), "dropped") if row["url"] == near.url]
    kept = {row["id"]: row["url"] for row in rows(world, world.resolve("fin"), "markdown")}
    assert kept[str(row["detail"])] == speeches(2)[1].url


def test_other_steps_than_those_of_the_version_that_is_extended_are_refused(world: Store) -> None:
    build(world, asked("2026.11.21", "21"))
    other = asked("2026.11.22", "22", extends="fin@2026.11.21", steps=["unicode"])
    with pytest.raises(UserError, match=r"extends fin@2026.11.21, which has other steps"):
        run(other, world, inputs(other, world))


def test_a_version_without_an_index_cannot_be_extended(world: Store) -> None:
    with pytest.raises(UserError, match="a dataset is needed"):
        build(world, asked("2026.11.22", "22", extends="boj_speeches@2026.11.21"))


COMMAND = [sys.executable, "-m", "corpus"]


@contextmanager
def cluster() -> Iterator[dict[str, str]]:
    """Start a Ray cluster of two nodes on loopback; yield the environment that reaches it."""
    folder = Path(tempfile.mkdtemp(prefix="ry"))  # short: the names of sockets are bounded
    token = folder / "token"
    token.touch(0o600)
    token.write_text(secrets.token_hex(32))
    env = os.environ | {
        "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token), "RAY_USAGE_STATS_ENABLED": "0",
    }  # fmt: skip
    with socket.socket() as free:
        free.bind(("127.0.0.2", 0))
        port = free.getsockname()[1]
    nodes: list[subprocess.Popen[bytes]] = []

    def node(name: str, *words: str) -> None:
        log = folder / f"{name}.log"
        with log.open("wb") as out:
            nodes.append(
                subprocess.Popen(
                    [Path(sys.executable).parent / "ray", "start", "--block", *words, "--num-cpus=1", "--disable-usage-stats",
                     f"--temp-dir={folder / name}", f"--object-store-memory={80 << 20}"],
                    env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
                )
            )  # fmt: skip
        while "Ray runtime started" not in log.read_text():
            assert nodes[-1].poll() is None, log.read_text()
            time.sleep(0.1)

    try:
        node("h", "--head", "--node-ip-address=127.0.0.2", f"--port={port}", "--include-dashboard=false")
        node("n", f"--address=127.0.0.2:{port}", "--node-ip-address=127.0.0.3")
        yield env | {"RAY_ADDRESS": f"127.0.0.2:{port}"}
    finally:
        for process in reversed(nodes):
            process.terminate()
        for process in nodes:
            process.wait(30)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)


def made_by_ray(store: Store, request: CorpusRecipe, folder: Path, env: dict[str, str], root: Path) -> str:
    path = folder / f"{request.name}.yaml"
    path.write_text(request.model_dump_json(), encoding="utf-8")
    words = [*COMMAND, str(path), "--store", str(store.root), "--engine", "ray"]
    done = subprocess.run(words, cwd=root, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return store.card(store.resolve(request.name)).content_digest


@pytest.mark.slow
def test_ray_on_one_node_and_on_two_gives_the_bytes_of_one_process(
    world: Store, root: Path, tmp_path: Path
) -> None:
    pytest.importorskip("ray")
    request = asked("2026.11.23", "21", "22", shard_characters=9000)
    _, local = build(world, request.model_copy(update={"name": "local"}))
    with cluster() as env:
        two = made_by_ray(world, request.model_copy(update={"name": "two"}), tmp_path, env, root)
    with tempfile.TemporaryDirectory(prefix="ry", ignore_cleanup_errors=True) as short:
        token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32), "RAY_TMPDIR": short}
        one = made_by_ray(
            world, request.model_copy(update={"name": "one"}), tmp_path, os.environ | token, root
        )
    assert one == two == local.content_digest
