"""A version on the hub: one commit, one tag, main never half, read by the hub's own client and by ``datasets``."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from datacards.card import Ref
from datacards.store import Store
from tests.datacards.releases import publishable
from tests.hub import TOKEN, Hub
from tests.publishers import Publisher, forker
from tests.s3 import Answer, Request

TARGET = "hf://datasets/kinzo/words"
TEST = "qa/test-edinet-00000.parquet"


def run(
    hub: Hub, tmp_path: Path, code: str, *words: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run Python that talks to the hub of this test."""
    return subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=False,
        env={**os.environ, **hub.environment(tmp_path / "home"), **environment},
    )  # fmt: skip


def holds(hub: Hub, store: Store, ref: Ref, revision: str) -> bool:
    """Tell whether a revision holds the version's files and nothing else but the hub's own."""
    repository, folder = hub.repository("kinzo", "words"), store.path(ref)
    held = {path: repository.read(revision, path) for path in repository.files(revision)}
    held.pop(".gitattributes")
    return held == {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def number(store: Store, ref: Ref) -> int:
    return len(store.card(ref).files) + 1


def test_a_version_is_one_commit_and_a_tag(
    hub: Hub, store: Store, release: Ref, publishing: Publisher
) -> None:
    said = publishing.run(release, TARGET)
    assert said[:3] == ("done", str(number(store, release)), "0")
    assert holds(hub, store, release, "main") and holds(hub, store, release, "2026.11.21")
    assert hub.repository("kinzo", "words").history("main") == ["Publish words@2026.11.21", "initial commit"]
    hub.calm()
    assert publishing.run(release, TARGET)[:4] == ("done", "0", str(number(store, release)), "0")
    assert {request.method for request in hub.requests} == {"GET"}


READ = """
import json, sys
from pathlib import Path
import datasets
from huggingface_hub import snapshot_download
folder = Path(snapshot_download("kinzo/words", repo_type="dataset", revision="2026.11.21"))
files = [path for path in folder.rglob("*") if path.is_file() and path.name != ".gitattributes"]
from datacards.places import sha256_of
found = {path.relative_to(folder).as_posix(): sha256_of(path) for path in files}
opened = {}
for name in datasets.get_dataset_config_names("kinzo/words", revision="2026.11.21"):
    opened[name] = {k: len(v) for k, v in datasets.load_dataset("kinzo/words", name, revision="2026.11.21").items()}
main = datasets.load_dataset("kinzo/words", "markdown", split="train")
print(json.dumps({"files": found, "opened": opened, "main": sorted(main["text"])}))
"""


def test_the_hubs_client_and_datasets_read_it(
    hub: Hub, store: Store, release: Ref, publishing: Publisher, tmp_path: Path
) -> None:
    publishing.run(release, TARGET)
    done = run(hub, tmp_path, READ)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    card = store.card(release)
    assert found["files"] == {file.path: file.sha256 for file in card.files} | {"card.json": release.digest}
    assert found["opened"]["markdown"] == {"train": 2}
    assert found["opened"]["qa"] == {"train": 1, "test": 1}
    assert all(found["opened"].values())
    said = "政策金利を0.5％に引き上げた。"
    assert found["main"] == [f"{said}（markdown/train-{source}）" for source in ("edinet", "wikipedia")]


def test_the_newest_version_is_main_and_an_older_one_gets_only_a_tag(
    hub: Hub, store: Store, release: Ref, publishing: Publisher
) -> None:
    older, newer = store.resolve("words@2026.11.20"), publishable(store, "2026.11.21.10")
    for ref in (release, older, newer):
        assert publishing.run(ref, TARGET)[0] == "done"
    repository = hub.repository("kinzo", "words")
    assert [holds(hub, store, ref, ref.version) for ref in (older, release, newer)] == [True, True, True]
    assert holds(hub, store, newer, "main")
    assert repository.history("main")[:2] == ["Publish words@2026.11.21.10", "Publish words@2026.11.21"]
    assert list(repository.state["branches"]) == ["main"]
    hub.calm()
    assert publishing.run(older, TARGET)[:2] == ("done", "0")
    assert {request.method for request in hub.requests} == {"GET"}


def test_a_branch_of_its_own_leaves_main_alone(
    hub: Hub, store: Store, release: Ref, publishing: Publisher
) -> None:
    publishing.run(store.resolve("words@2026.11.20"), TARGET)
    assert publishing.run(release, f"{TARGET}@next")[0] == "done"
    assert holds(hub, store, release, "next") and holds(hub, store, release, "2026.11.21")
    assert holds(hub, store, store.resolve("words@2026.11.20"), "main")


def test_large_files_go_in_parts_and_only_once(
    hub: Hub, store: Store, release: Ref, publishing: Publisher
) -> None:
    def refuse(request: Request, _environ: dict[str, Any]) -> Answer | None:
        return ("403 Forbidden", b"{}") if "/commit/" in request.key else None

    hub.before = refuse
    word, *message = publishing.run(release, TARGET)
    assert (word, "the hub answered 403" in " ".join(message)) == ("refused", True)
    assert hub.repository("kinzo", "words").state["tags"] == {}
    assert len([one for one in hub.requests if one.method == "PUT" and one.key[-2:] in ("/1", "/9")]) == 2
    hub.calm()
    assert publishing.run(release, TARGET)[0] == "done"
    assert [one for one in hub.requests if one.method == "PUT"] == []


def test_main_without_its_tag_is_only_tagged(
    hub: Hub, store: Store, release: Ref, publishing: Publisher
) -> None:
    publishing.run(release, TARGET)
    repository = hub.repository("kinzo", "words")
    repository.save({**repository.state, "tags": {}})
    hub.calm()
    assert publishing.run(release, TARGET)[:2] == ("done", "0")
    assert [one.key.rpartition("/")[0][-3:] for one in hub.requests if one.method == "POST"] == ["tag"]
    assert holds(hub, store, release, "2026.11.21")
    assert len(repository.history("main")) == 2


def test_a_tag_that_stands_for_other_files_is_refused_naming_one(
    hub: Hub, release: Ref, publishing: Publisher, tmp_path: Path
) -> None:
    publishing.run(release, TARGET)
    before = hub.repository("kinzo", "words").state
    other = Store(tmp_path / "other")
    again = publishable(other, "2026.11.21", text="別の本文です。")
    second = Publisher(publishing.process, other)
    message = " ".join(second.run(again, TARGET))
    assert "the tag 2026.11.21 of" in message
    assert "is there already and differs in index/00000.parquet; a published version never" in message
    hub.repository("kinzo", "words").save({**before, "tags": {}})
    assert "the branch main of hf://datasets/kinzo/words is there already" in " ".join(
        second.run(again, TARGET)
    )
    assert hub.repository("kinzo", "words").state == {**before, "tags": {}}


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("data/prices.csv", "holds data/prices.csv, and no card.json"),
        ("card.json", "holds a card.json that cannot be read"),
    ],
)
def test_a_repository_of_something_else_is_left_alone(
    hub: Hub, release: Ref, publishing: Publisher, tmp_path: Path, *, path: str, told: str
) -> None:
    code = (
        "import sys; from huggingface_hub import HfApi; api = HfApi()\n"
        "api.create_repo('kinzo/words', repo_type='dataset')\n"
        "api.upload_file(path_or_fileobj=sys.argv[2].encode(), path_in_repo=sys.argv[1], repo_id='kinzo/words', repo_type='dataset')"
    )
    assert run(hub, tmp_path, code, path, "{}").returncode == 0
    before = hub.repository("kinzo", "words").state
    assert told in " ".join(publishing.run(release, TARGET))
    assert hub.repository("kinzo", "words").state == before


def test_what_others_added_leaves_with_the_next_version_and_rules_of_git_leave_nothing_out(
    hub: Hub, store: Store, release: Ref, publishing: Publisher, tmp_path: Path
) -> None:
    publishing.run(store.resolve("words@2026.11.20"), TARGET)
    code = (
        "from huggingface_hub import HfApi; api = HfApi()\n"
        "api.upload_file(path_or_fileobj=b'*.parquet *.md', path_in_repo='.gitignore', repo_id='kinzo/words', repo_type='dataset')\n"
        "api.upload_file(path_or_fileobj=b'x', path_in_repo='qa/extra.txt', repo_id='kinzo/words', repo_type='dataset')"
    )
    done = run(hub, tmp_path, code)
    assert done.returncode == 0, done.stderr
    assert publishing.run(release, TARGET)[0] == "done"
    assert holds(hub, store, release, "main")


def test_a_version_of_another_name_is_refused(
    hub: Hub, store: Store, release: Ref, publishing: Publisher
) -> None:
    publishing.run(release, TARGET)
    with store.write(name="other", version="2026.11.22", kind="dataset", recipe={}) as draft:
        (draft.path / "x.txt").write_text("x")
    message = " ".join(publishing.run(store.resolve("other"), TARGET))
    assert (
        "the branch main holds words 2026.11.21; a repository, or one branch of it, holds the versions of other"
        in message
    )
    assert holds(hub, store, release, "main")


PUBLISH = """
import sys
from datacards.errors import UserError
from datacards.store import Store
from datacards.targets.publish import publish
store = Store(sys.argv[1])
try:
    print(publish(store, store.resolve("words"), [sys.argv[2]], private="private" in sys.argv))
except UserError as error:
    sys.exit(error.message)
"""


def test_a_private_repository_is_made_private_and_a_public_one_is_not_used_for_it(
    hub: Hub, store: Store, release: Ref, tmp_path: Path
) -> None:
    private = f"{TARGET}-private"
    assert run(hub, tmp_path, PUBLISH, str(store.root), private, "private").returncode == 0
    assert hub.repository("kinzo", "words-private").state["private"] is True
    assert run(hub, tmp_path, PUBLISH, str(store.root), private).returncode == 0
    assert run(hub, tmp_path, PUBLISH, str(store.root), TARGET).returncode == 0
    assert hub.repository("kinzo", "words").state["private"] is False
    refused = run(hub, tmp_path, PUBLISH, str(store.root), TARGET, "private")
    assert "the repository is public; it was asked to be private" in refused.stderr


@pytest.mark.parametrize(
    ("environment", "target", "told"),
    [
        ({"HF_HUB_OFFLINE": "1"}, TARGET, "HF_HUB_OFFLINE=1 forbids it; unset it"),
        ({"HF_TOKEN": ""}, TARGET, "no token for the hub is known; set HF_TOKEN to a token that may write there"),
        ({"HF_TOKEN": "hf_anothertokenofthetests02"}, TARGET, "401 UNAUTHORIZED: Invalid credentials"),
        ({}, "hf://datasets/others/words", "the hub answered 403 FORBIDDEN"),
        ({"HF_ENDPOINT": "http://127.0.0.1:9"}, TARGET, "check the network and HF_ENDPOINT (a hub"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_told_with_what_to_do_and_without_the_token(
    hub: Hub, family: Store, tmp_path: Path, *, environment: dict[str, str], target: str, told: str
) -> None:
    """The server sends the token back with its refusal, as a careless one might."""
    publishable(family, "2026.11.21")
    done = run(hub, tmp_path, PUBLISH, str(family.root), target, **environment)
    assert done.returncode == 1
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    everywhere = (
        done.stdout + done.stderr + "".join(p.read_text(errors="replace") for p in tmp_path.rglob("*.json"))
    )
    for token in (TOKEN, environment.get("HF_TOKEN") or TOKEN):
        assert token not in everywhere
    assert not list((tmp_path / "hub").glob("*/*/refs.json"))


def test_of_four_publishers_at_once_all_agree(hub: Hub, store: Store, release: Ref, tmp_path: Path) -> None:
    environment = {**os.environ, **hub.environment(tmp_path / "home")}
    started = [
        subprocess.Popen([sys.executable, "-c", PUBLISH, str(store.root), TARGET], env=environment)
        for _ in range(4)
    ]
    assert [process.wait() for process in started] == [0, 0, 0, 0]
    assert holds(hub, store, release, "main") and holds(hub, store, release, "2026.11.21")
    assert hub.repository("kinzo", "words").history("main") == ["Publish words@2026.11.21", "initial commit"]


def test_two_versions_at_once_leave_the_newer_one_on_main(
    hub: Hub, store: Store, release: Ref, publishing: Publisher, tmp_path: Path
) -> None:
    """The older one is about to commit when the newer one arrives."""
    arrived: list[tuple[str, ...]] = []
    with forker(hub.environment(tmp_path / "home")) as process:
        second = Publisher(process, store)

        def arrive(request: Request, _environ: dict[str, Any]) -> None:
            if "/commit/main" in request.key and not arrived:
                arrived.append(())
                arrived[0] = second.run(release, TARGET)

        hub.before = arrive
        older = store.resolve("words@2026.11.20")
        assert publishing.run(older, TARGET)[0] == "done"
    assert arrived[0][0] == "done"
    assert holds(hub, store, release, "main") and holds(hub, store, older, "2026.11.20")
    assert list(hub.repository("kinzo", "words").state["branches"]) == ["main"]
