"""A corpus made under an object store is that of a store in a folder, and a killed one is gone on with."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from datacards.store import Store
from tests.corpus.test_run import conference, crawl, recipe, speeches, troubles
from tests.s3 import Shelf


def command(store: str, request: Path, root: Path, workers: int) -> subprocess.Popen[str]:
    """Start ``kanagura corpus``."""
    words = [str(request), "--store", store, "--workers", str(workers)]
    return subprocess.Popen(
        [sys.executable, "-m", "corpus", *words],
        cwd=root, env=os.environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def filled(store: Store) -> Store:
    crawl(store, "boj_speeches", [*speeches(5), *troubles()])
    crawl(store, "boj_press_conferences", [conference()])
    return store


@pytest.mark.slow
def test_a_corpus_under_an_object_store_has_the_bytes_of_one_in_a_folder_whenever_it_is_killed(
    shelf: Shelf, store: Store, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = tmp_path / "fin.yaml"
    request.write_text(recipe().model_dump_json())
    filled(store)
    with command(str(store.root), request, root, 1) as process:
        assert process.communicate()[0].endswith("fin@2026.11.21 is in the store\n")
    in_folder = store.card(store.resolve("fin"))
    shared = filled(Store(shelf.address))
    monkeypatch.setenv("KANAGURA_CACHE", str(tmp_path / "other"))  # another machine: the captures are fetched
    for name in ("", "card.json"):
        with command(shelf.address, request, root, 2) as process:
            shelf.server.kill(
                process,
                lambda one, name=name: one.method == "PUT" and "/fin/" in one.key and one.key.endswith(name),
            )
            process.communicate()
        assert process.returncode == -signal.SIGKILL
        shelf.server.calm()
        assert shared.refs("fin") == []
    with command(shelf.address, request, root, 2) as process:
        assert process.communicate()[0].endswith("fin@2026.11.21 is in the store\n")
    ref = shared.resolve("fin")
    card = shared.card(ref)
    assert card.content_digest == in_folder.content_digest
    assert card.counts == in_folder.counts
    assert shared.verify(ref) == []
    assert shelf.bucket not in card.to_json()
    with command(shelf.address, request, root, 2) as process:
        assert "exists already and was made from an equal request" in process.communicate()[0]
