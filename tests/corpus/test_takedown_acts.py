"""Facts about takedowns as acts: killed and gone on with, purged, heeded in future, reaching releases and models."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from corpus import shards
from corpus.captures import read_captures
from corpus.takedown.grams import Grams
from corpus.takedown.plugin import Corpus
from datacards.card import Kind, Ref
from datacards.cli import main
from datacards.diff import diff
from datacards.errors import UserError
from datacards.release.recipe import ReleaseRecipe
from datacards.release.run import release
from datacards.store import TOKENS, Store
from datacards.takedown import purge as purging
from datacards.takedown.eraser import Job
from datacards.takedown.plan import plan
from datacards.takedown.receipt import TakenDown
from datacards.takedown.request import Patterns, Request
from datacards.takedown.run import Takedown
from rephrase.recipe import RephraseRecipe
from rephrase.run import run as ask
from sample.companies import COMPANIES
from tests.corpus.asof_world import World, fill, page, sentences, web
from tests.corpus.takedown_world import EARLY, ERASERS, NEAR, THREE, corpus, leaks, rows, take_down, world

FOUND = "https://www.example.jp/found.html"
REFS = (f"fin@{THREE}.1", f"asked@{THREE}.1", "press@2026.04.01.1", "press@2026.08.01.1")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("world") / "store"
    world(Store(root))
    return root


@pytest.fixture
def store(made: Path, tmp_path: Path) -> Store:
    shutil.copytree(made, tmp_path / "store")
    return Store(tmp_path / "store")


# -- killed at any moment ----------------------------------------------------------------------------------

RUN = """
import sys
from pathlib import Path
from datacards.store import Store
from tests.corpus.takedown_world import take_down
if __name__ == "__main__":
    take_down(Store(Path(sys.argv[1])), urls=[sys.argv[2]])
"""


def killed_when(store: Store, root: Path, moment: Callable[[], bool]) -> None:
    """Start a takedown and kill it as soon as ``moment`` has come."""
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, str(store.root), NEAR],
        cwd=root, env=os.environ | {"PYTHONPATH": str(root)}, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    while not moment():
        assert process.poll() is None, "it came to its end before"
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


MOMENTS = {
    "when it had just begun": ".drafts/takedowns@2026.12.24",
    "in the first captures": ".drafts/press@2026.04.01.1/warc/*",
    "in the corpus": f".drafts/fin@{THREE}.1/markdown/*",
    "in the questions": f".drafts/asked@{THREE}.1/*/*",
    "when the first successor was there": "press@2026.04.01.1/card.json",
    "when the corpus was there": f"fin/{THREE}.1/card.json",
    "when all but the takedown were there": f"asked/{THREE}.1/card.json",
}


@pytest.mark.slow
def test_a_killed_takedown_leaves_the_old_state_and_the_same_command_ends_it(
    store: Store, root: Path, made: Path, tmp_path: Path
) -> None:
    shutil.copytree(made, tmp_path / "calm")
    calm = Store(tmp_path / "calm")
    take_down(calm, urls=[NEAR])
    for where, pattern in MOMENTS.items():
        killed_when(
            store,
            root,
            lambda pattern=pattern: any(
                store.root.glob(pattern.replace("press@2026.04.01.1/card", "press/2026.04.01.1/card"))
            ),
        )
        assert not store.withdrawn(), where
        for ref in store.refs():
            assert store.verify(ref) == [], where
        assert str(store.verified(f"fin@{THREE}", "dataset")) == f"fin@{THREE}"
    ref, receipt = take_down(store, urls=[NEAR])
    assert str(ref) == "takedowns@2026.12.24" and receipt["check"]["leaks"] == 0  # type: ignore[index]
    for name in REFS:
        assert store.card(store.resolve(name)).content_digest == calm.card(calm.resolve(name)).content_digest
    assert [path.name for path in (store.root / ".drafts").iterdir() if path.is_dir()] == []
    assert json.loads(store.path(ref, "receipt.json").read_text("utf-8"))["found"] == receipt["found"]


class Busy(Corpus):
    """Asks questions of the version that is being taken down, as another process may."""

    def erase(self, job: Job) -> None:
        super().erase(job)
        if str(job.ref) == f"fin@{THREE}" and not job.store.refs("late"):
            recipe = RephraseRecipe(name="late", version=THREE, holdout=0.2, carry=("markdown",))
            ask(recipe, job.store, str(job.ref))


def test_what_is_made_of_the_old_version_meanwhile_is_taken_by_the_same_command(store: Store) -> None:
    found = plan(store, Request(urls=(FOUND,), reason="訴えによる"), [Busy(), ERASERS[1]], day="2026.12.24")
    assert found
    with pytest.raises(UserError, match=r"late@2026.* came in meanwhile .* run the same command again"):
        Takedown(store, found, [Busy(), ERASERS[1]]).run()
    assert not store.withdrawn()
    ref, receipt = take_down(store, urls=[FOUND])
    assert str(ref) == "takedowns@2026.12.24"
    assert {one["ref"] for one in receipt["withdrawn"]} >= {f"late@{THREE}", f"asked@{THREE}"}  # type: ignore[attr-defined]
    assert not [row for row in rows(store, f"late@{THREE}.1", "markdown") if row["url"] == FOUND]


# -- purged ------------------------------------------------------------------------------------------------


def test_a_purge_deletes_what_was_withdrawn_and_says_what_it_was(store: Store) -> None:
    ref, receipt = take_down(store, urls=[NEAR])
    takedown, versions = purging.wanted(store, str(ref))
    held = {str(one): {file.path: file.sha256 for file in store.card(one).files} for one in versions}
    learned = store.root / TOKENS / "0123456789abcdef" / next(iter(held[str(versions[0])].values()))
    learned.mkdir(parents=True)  # what a training kept of a file
    done = purging.purge(store, takedown, versions)
    assert not learned.exists()
    told = json.loads(store.path(done, "purge.json").read_text("utf-8"))["purged"]
    assert {one["ref"]: {file["path"]: file["sha256"] for file in one["files"]} for one in told} == held
    for one in versions:
        assert [path.name for path in store.path(one).iterdir()] == ["card.json"]
        assert store.verify(one) == [f"its files were purged by {done}"]
    for one in receipt["withdrawn"]:  # type: ignore[attr-defined]
        successor = store.resolve(one["successor"])
        assert store.verify(successor) == []
        if successor.name == "press":
            assert list(read_captures(store.path(successor)))
    assert purging.purge(store, takedown, versions) == done  # again changes nothing
    with pytest.raises(UserError, match=rf"fin@{THREE}: its files were purged by {done}"):
        diff(store, store.resolve(f"fin@{THREE}"), store.resolve(f"fin@{THREE}.1"))
    shown = CliRunner().invoke(main, ["show", f"fin@{THREE}", "--store", str(store.root)])
    assert f"its files were purged by {done}" in shown.output
    left = b"".join(p.read_bytes() for p in store.root.rglob("*") if p.is_file() and "near.html" in p.name)
    assert left == b""


def test_what_a_takedown_had_no_reason_to_touch_can_be_used_when_its_captures_are_purged(
    store: Store,
) -> None:
    solo = corpus(store, "2026.12.02", ["press@2026.08.01"], name="solo")
    ref, receipt = take_down(store, urls=[NEAR])
    named = [one["ref"] for one in receipt["withdrawn"]]  # type: ignore[attr-defined]
    assert "press@2026.08.01" in named and str(solo) not in named
    purging.purge(store, *purging.wanted(store, str(ref)))
    assert store.verify(solo) == []
    public = release(ReleaseRecipe(name="public", version="2026.12.03", restricted="pointers"), store, "solo")
    told = store.path(public) / "recipes" / "press-2026.08.01.yaml"
    assert "sources:\n- press" in told.read_text("utf-8")
    more = corpus(store, "2026.12.03", ["press@2026.12.01"], name="solo", extends=str(solo))
    assert store.card(more).counts["documents_markdown"] > store.card(solo).counts["documents_markdown"]
    take_down(store, urls=["https://www.example.jp/nearer.html"])
    survivors = rows(store, "solo@2026.12.02.1", "markdown")
    assert "https://www.example.jp/0-near.html" in {row["url"] for row in survivors}


def test_a_purge_waits_for_captures_that_have_bodies_in_what_it_deletes(store: Store) -> None:
    old = store.resolve("press@2026.04.01")
    with store.write(
        name="copied", version="2026.12.25", kind="captures", recipe={"spider": "press"}
    ) as draft:
        draft.made_from = [old]
        for name in ("warc", "captures.parquet"):
            copy = shutil.copytree if name == "warc" else shutil.copyfile
            copy(store.path(store.resolve("press@2026.12.01")) / name, draft.path / name)
    ref, _ = take_down(store, urls=[EARLY])
    with pytest.raises(UserError, match=r"copied@2026.12.25: has bodies in press@2026.04.01"):
        purging.wanted(store, str(ref))


def test_a_purge_names_drafts_that_may_hold_it_still(store: Store) -> None:
    with (
        pytest.raises(RuntimeError),
        store.write(
            name="fin-more",
            version="2026.12.02",
            kind="dataset",
            recipe={},
            made_from=[store.resolve(f"fin@{THREE}")],
        ),
    ):
        raise RuntimeError
    ref, _ = take_down(store, urls=[FOUND])
    _, versions = purging.wanted(store, str(ref))
    assert purging.drafts(store, versions) == ["fin-more@2026.12.02"]


# -- in future ---------------------------------------------------------------------------------------------


def test_a_corpus_leaves_out_what_a_takedown_names_when_it_reads_captures_again(store: Store) -> None:
    take_down(store, urls=[EARLY])
    again = [web("2026.12.25", "early.html", page("早い記事", sentences(1)), "2026-12-25")]
    again += [web("2026.12.25", "other.html", page("別の記事", sentences(93)), "2026-12-25")]
    fill(store, World({"press": again}, []), ["2026.12.25"])
    ref = corpus(store, "2026.12.25", ["press@2026.12.25"])
    [left] = rows(store, ref, "dropped")
    assert (left["reason"], left["detail"], left["url"], left["text"]) == (
        "taken_down",
        "takedowns@2026.12.24",
        EARLY,
        "",
    )
    assert [row["url"] for row in rows(store, ref, "markdown")] == ["https://www.example.jp/other.html"]


def test_a_list_that_only_quoted_what_went_may_come_again(store: Store) -> None:
    from datacards.takedown.receipt import TakenDown

    take_down(store, urls=[NEAR], copies=True)
    named = TakenDown.read(store)
    assert named.by(NEAR, "press", {}) == "takedowns@2026.12.24"
    assert not named.by("https://www.example.jp/index.html", "press", {})


# -- releases, models, evaluations -------------------------------------------------------------------------


def trained(
    store: Store, name: str, *made_from: Ref, used: str = "", kind: Kind = "checkpoint", **recipe: object
) -> Ref:
    with store.write(name=name, version="2026.12.02", kind=kind, recipe=recipe, made_from=made_from) as draft:
        (draft.path / "config.json").write_text("{}")
        if used:
            draft.counts[f"source_{used}"] = 1
    return store.resolve(name)


def test_models_and_evaluations_of_withdrawn_versions_are_named(store: Store) -> None:
    model = trained(store, "model", store.resolve("asked"))
    merged = trained(store, "merged", model)
    said = rows(store, store.resolve("asked"), "markdown")
    quoted = next(row for row in said if row["url"] == FOUND)
    for name, text in (("scores", "無関係な問い"), ("quoting", str(quoted["text"])[:60])):
        with store.write(
            name=name, version="2026.12.03", kind="evaluation", recipe={}, made_from=[merged]
        ) as draft:
            (draft.path / "samples.jsonl").write_text(
                json.dumps({"choices": [text]}, ensure_ascii=False) + "\n", "utf-8"
            )
    for name in ("train", "nowhere"):  # the split of which the questions were
        tasks = [{"task": "living_choice", "splits": [name]}]
        trained(store, name, store.resolve("asked"), kind="evaluation", tasks=tasks)
    ref, receipt = take_down(store, urls=[FOUND])
    (store.root / ".answers" / merged.digest).mkdir(parents=True)
    assert purging.answers(store, ref) == [f".answers/{merged.digest}"]
    assert receipt["models"] == [str(merged), str(model)]
    assert receipt["evaluations"] == ["nowhere@2026.12.02", "scores@2026.12.03"]
    assert receipt["evaluations_withdrawn"] == ["quoting@2026.12.03", "train@2026.12.02"]
    assert store.withdrawn()["quoting@2026.12.03"].successor == ""


def test_a_merged_model_is_told_which_of_its_models_to_leave_out(store: Store) -> None:
    """A model of other sources of the same version has seen nothing of it, and what was merged of it neither."""
    asked, base = store.resolve("asked"), trained(store, "plain")
    press = trained(store, "press-vector", asked, used="press", only={"source": ["press"]})
    filings = trained(store, "filings-vector", asked, used="filings", only={"source": ["filings"]})
    models = {"press": str(press), "filings": str(filings)}
    both = trained(store, "both", base, press, filings, base=str(base), models=models)
    clean = trained(store, "clean", base, filings, base=str(base), models={"filings": str(filings)})
    onto = trained(store, "onto", both, filings, base=str(both), domain=str(filings))
    found = {"base": str(base), "domain": str(press), "instruct": str(filings)}
    evolved = trained(store, "evolved", base, press, filings, merge=found)
    ref, receipt = take_down(store, urls=[FOUND])
    assert receipt["models"] == [str(both), str(evolved), str(onto), str(press)]
    assert receipt["parts"] == {str(both): ["press"], str(evolved): ["domain"], str(onto): ["base"]}
    told = (store.path(ref) / "README.md").read_text("utf-8")
    assert "holds what left in its model press; it was not changed: merge its recipe again without" in told
    assert "was merged onto a base that has seen what left" in told
    assert "train it again on the successor" in told
    assert str(clean) not in told and str(filings) not in told


def test_a_takedown_reaches_releases_and_their_pointers(store: Store) -> None:
    recipe = ReleaseRecipe(name="public", version="2026.12.05", restricted="pointers")
    ref = release(recipe, store, "asked")
    edinet = COMPANIES[1].edinet_code
    url = f"https://api.example.jp/documents/S100{COMPANIES[1].sec_code[:4]}?type=1"
    there = [row for config in ("markdown", "qa") for row in rows(store, ref, config)]
    assert url in {row["url"] for row in there} and FOUND in {
        row["url"] for row in rows(store, ref, "pointers")
    }
    take_down(store, companies=[edinet], urls=[FOUND])
    successor = store.resolve("public")
    assert str(successor) == "public@2026.12.05.1" and store.verify(successor) == []
    left = [
        row
        for config in ("markdown", "qa", "multiple_choice", "pointers")
        for row in rows(store, successor, config)
    ]
    assert left and {url, FOUND}.isdisjoint({row["url"] for row in left})


def test_a_takedown_holds_in_future_however_a_company_or_an_address_is_written(store: Store) -> None:
    company = COMPANIES[2]
    take_down(store, companies=[company.sec_code[:4]], urls=[f"{FOUND}#part"])
    taken = TakenDown.read(store)
    for code in (company.sec_code[:4], f"{company.sec_code[:4]}0"):
        assert taken.by("https://api.example.jp/new", "edinet", {"secCode": code}) == "takedowns@2026.12.24"
    assert taken.by(FOUND, "other", {}) and not taken.by(
        "https://api.example.jp/new", "edinet", {"secCode": "99990"}
    )


def test_the_receipt_holds_no_text_and_no_pattern(store: Store) -> None:
    ref, receipt = take_down(store, patterns=["遅い記事"])
    told = b"".join(path.read_bytes() for path in store.path(ref).rglob("*") if path.is_file()).decode(
        "utf-8", "replace"
    )
    assert "遅い記事" not in told
    assert receipt["request"]["patterns"][0].startswith("sha256:")  # type: ignore[index]


# -- the search --------------------------------------------------------------------------------------------


def test_a_reason_that_quotes_what_is_to_go_is_refused_before_anything_is_published(store: Store) -> None:
    quoted = next(str(row["text"]) for row in rows(store, f"fin@{THREE}", "markdown") if row["url"] == FOUND)
    before = [str(ref) for ref in store.refs()]
    with pytest.raises(UserError, match="--reason: says what is to go"):
        take_down(store, urls=[FOUND], reason=f"「{quoted[-60:]}」とある記事")
    assert [str(ref) for ref in store.refs()] == before
    take_down(store, urls=[FOUND], reason="訴えによる")
    assert [f"fin@{THREE}.1"] == [
        one.successor for ref, one in store.withdrawn().items() if ref == f"fin@{THREE}"
    ]


def test_a_hostile_pattern_ends_in_time() -> None:
    patterns = Patterns([r"(?:あ|い|あい)+う(?=え)"])
    with pytest.raises(UserError, match="takes more than 1 s"):
        patterns.fit("あい" * 3000 + "うお")


def test_what_others_also_say_is_not_looked_for() -> None:
    import pyarrow as pa

    search = Grams()
    search.look_for("当社は灯台の電球を三十年にわたり製造している。売上高は百二十億円であった。")
    search.settle()
    whole = search.looked_for
    search.hear(pa.table({"text": ["当社は、灯台の電球を三十年にわたり製造している。"]}))
    assert 0 < search.looked_for < whole
    strings = [
        ["灯台の電球を三十年にわたり製造している", "売 上 高 は 百二十億円であった。"],
        ["売上高は百二十"],
        ["億円であった"],
    ]
    assert search.leaks(pa.table({"choices": strings})).tolist() == [True, False, False]


@pytest.mark.parametrize("wrapped", ["{0}", '{{"question": "問い\\n{0}"}}', "<b>{0}</b>"])
def test_text_is_found_in_whatever_holds_it(wrapped: str) -> None:
    search = Grams()
    search.look_for("売上高は百二十億円であったと述べた")
    search.settle()
    assert search.leaks_in(wrapped.format("売上高は百二十億円であったと述べた"))


def test_nothing_is_planned_for_versions_that_are_withdrawn(store: Store) -> None:
    take_down(store, urls=[FOUND])
    assert plan(store, Request(urls=(FOUND,), reason="試験"), ERASERS) is None
    assert list(shards.read_documents(store.path(store.resolve("fin")), "markdown"))
    assert leaks
