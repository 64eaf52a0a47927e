"""Forward: an address leads to its captures, documents, versions, models and scores, each counted and told honestly."""

import json
import shutil
from hashlib import sha256

import pyarrow.parquet as pq
import pytest

from corpus import shards
from datacards.lineage import graph
from datacards.release.pointers import pointer_table
from tests.datacards.lineage.traced_world import (
    CHANGED,
    DAY,
    GONE,
    HOSTILE,
    LATER,
    SAME,
    World,
    made,
    page,
)


def edges(told: dict[str, object], kind: str) -> set[tuple[str, str]]:
    found = told["edges"]
    assert isinstance(found, list)
    return {(one["from"], one["to"]) for one in found if one["kind"] == kind}


def counts(told: dict[str, object]) -> dict[str, int]:
    nodes = told["nodes"]
    assert isinstance(nodes, list)
    return {one["id"]: one["count"] for one in nodes if one["kind"] in ("rows", "dropped")}


def withdraw(world: World, name: str, successor: str) -> None:
    """Write the receipt of a takedown that withdraws a version."""
    ref = world.store.resolve(name)
    said = {"withdrawn": [{"ref": str(ref), "digest": ref.digest, "successor": successor}]}
    with world.store.write(
        name="takedowns", version=LATER, kind="takedown", recipe={"reason": "求めによる"}
    ) as draft:
        (draft.path / "receipt.json").write_text(json.dumps(said), encoding="utf-8")


@pytest.mark.slow
def test_an_address_leads_to_every_model(world: World) -> None:
    told = world.json(SAME, "--forward")
    body = f"sha256:{sha256(page('信用リスク', 1)).hexdigest()}"
    assert edges(told, "fetched_from") == {(body, SAME)}
    assert (f"press@{DAY}", body) in edges(told, "holds")
    assert (f"press@{LATER}", body) in edges(told, "holds")
    visits = next(node["visits"] for node in told["nodes"] if node["id"] == body)
    assert [(v["state"], v["body_version"]) for v in visits] == [("new", ""), ("unchanged", DAY)]
    texts, asked = f"texts@{LATER}", f"asked@{LATER}"
    assert counts(told) == {
        f"{texts}/markdown/train": 1, f"{texts}/sections/train": 2, f"{texts}/dropped/exact_duplicate/dedup": 1,
        f"{asked}/markdown/train": 1, f"{asked}/sections/train": 2, f"{asked}/qa/test": 1,
    }  # fmt: skip
    assert (f"{texts}/markdown/train", body) in edges(told, "derived_from")
    assert (f"{asked}/qa/test", f"{asked}/markdown/train") in edges(told, "derived_from")
    assert edges(told, "trained_on") == {(f"cpt@{LATER}", asked)}
    assert edges(told, "asked") == {(f"inst-fin@{LATER}", asked)}
    assert edges(told, "scored") == {(f"inst-fin@{LATER}", f"inst@{LATER}")}
    assert next(n["scores"] for n in told["nodes"] if n["id"] == f"inst-fin@{LATER}") == {
        "cpa/acc": 0.25,
        "cma/acc": 0.5,
    }


def test_a_model_that_read_no_split_or_format_with_the_rows_is_not_reached(world: World) -> None:
    told = world.ask(SAME, "--forward")
    # Its recipe names the format sections: two of the four rows; the question is held out.
    assert f"cpt@{LATER} checkpoint, trained on asked@{LATER}, the version that holds 2 of these rows" in told
    assert (
        f"inst-fin@{LATER} evaluation, asked about asked@{LATER}, of whose rows in the splits asked 1 are of these"
        in told
    )
    assert f"lists@{LATER}" not in told
    assert "base-fin" not in told
    assert "in all: 7 rows in 2 versions, 1 left out, 2 checkpoints, 1 evaluation\n" in told


def test_an_address_with_several_bodies_leads_to_all_of_them(world: World) -> None:
    told = world.json(CHANGED, "--forward")
    bodies = {f"sha256:{sha256(page('為替', seed)).hexdigest()}" for seed in (2, 4)}
    assert edges(told, "fetched_from") == {(body, CHANGED) for body in bodies}
    assert counts(told)[f"texts@{LATER}/markdown/train"] == 2


def test_what_was_left_out_is_told_with_its_reason(world: World) -> None:
    told = world.ask(GONE, "--forward")
    assert "left out: http_error (extract): 1" in told
    assert "in all: 0 rows in 0 versions, 1 left out, 0 checkpoints, 0 evaluations\n" in told


def test_a_capture_and_a_document_lead_the_same_way(world: World) -> None:
    body = sha256(page("信用リスク", 1)).hexdigest()
    (document,) = {
        row["id"]
        for node in world.json(SAME, "--forward")["nodes"]
        for row in node.get("rows", ())
        if row.get("format") == "markdown"
    }
    from_address, from_capture = (counts(world.json(w, "--forward")) for w in (SAME, f"sha256:{body}"))
    assert from_capture == from_address
    from_document = counts(world.json(document[:12], "--forward"))
    assert from_document == from_address


def test_lists_end_where_they_were_asked_to_and_the_rest_is_counted(world: World) -> None:
    told = world.ask(SAME, "--forward", "--rows", "1")
    assert "  sections, split train: 2\n" in told
    assert "    ... and 1 more\n" in told
    assert "split train: 2, as in texts@" in told  # carried byte for byte, and listed once


def test_a_version_leads_to_all_that_was_made_from_it_once(world: World) -> None:
    lines = world.ask(f"press@{DAY}", "--forward").splitlines()
    assert lines[0].startswith(f"press@{DAY} captures")
    assert [line.split()[0] for line in lines].count(f"cpt@{LATER}") == 1
    names = {line.split()[0] for line in lines}
    assert names == {
        f"press@{DAY}",
        *(f"{n}@{LATER}" for n in ("press", "texts", "asked", "cpt", "lists", "inst", "inst-fin")),
    }


def test_the_graph_goes_both_ways_in_the_order_of_making(world: World) -> None:
    found = graph(world.store)
    above = [str(version.ref) for version in found.above(f"texts@{LATER}")]
    assert above[0] == f"asked@{LATER}"
    assert set(above[1:]) == {f"{name}@{LATER}" for name in ("cpt", "lists", "inst", "inst-fin")}
    assert above.index(f"cpt@{LATER}") < above.index(f"inst@{LATER}") < above.index(f"inst-fin@{LATER}")
    below = {str(version.ref) for version in found.below(f"inst@{LATER}")}
    assert below == {
        f"press@{DAY}",
        *(f"{name}@{LATER}" for name in ("press", "texts", "asked", "base", "cpt")),
    }
    for name, version in found.versions.items():
        assert version.state == "ok", name
        assert all(not link.changed for link in found.inputs(name))


def test_a_withdrawn_version_is_told_with_its_takedown_and_successor(copied: World) -> None:
    with copied.store.write(name="texts", version=f"{LATER}.1", kind="dataset", recipe={}) as draft:
        draft.counts["documents_markdown"] = 0
    withdraw(copied, f"texts@{LATER}", f"texts@{LATER}.1")
    said = f"texts@{LATER} dataset (withdrawn by takedowns@{LATER}; texts@{LATER}.1 stands for it)"
    assert said in copied.ask(SAME, "--forward")
    assert said in copied.ask("inst")
    assert said in copied.ask(f"press@{DAY}", "--forward")
    told = copied.json(SAME, "--forward")
    assert edges(told, "stands_for") == {(f"texts@{LATER}.1", f"texts@{LATER}")}
    assert next(n["state"] for n in told["nodes"] if n["id"] == f"texts@{LATER}") == "withdrawn"


def test_a_pointer_in_a_release_is_a_row_that_no_model_reads(copied: World) -> None:
    texts = copied.store.resolve("texts")
    (path,) = shards.shard(copied.store.path(texts), "markdown", "train")
    with copied.store.write(
        name="given", version=LATER, kind="dataset", recipe={}, made_from=[texts]
    ) as draft:
        shards.write_table(
            draft.path / "pointers" / "train-press-00000.parquet",
            pointer_table(pq.read_table(path), str(texts)),
        )
    made(copied.store, "reader", "checkpoint", ("given",), {"trainer": "causal_lm", "formats": None})
    told = copied.json(SAME, "--forward")
    assert counts(told)[f"given@{LATER}/pointers/train"] == 1
    assert (f"given@{LATER}", f"given@{LATER}/pointers/train") in edges(told, "holds")
    assert f"reader@{LATER}" not in {node["id"] for node in told["nodes"]}


def test_what_is_gone_is_told_and_does_not_hide_the_rest(copied: World) -> None:
    withdraw(copied, f"texts@{LATER}", "")
    shutil.rmtree(copied.store.path(copied.store.resolve(f"texts@{LATER}")))
    assert f"texts@{LATER} purged (purged by takedowns@{LATER}; nothing stands for it)" in copied.ask("inst")
    # The captures that asked@ came from are not known now; its rows say by themselves where they are from.
    assert counts(copied.json(SAME, "--forward"))[f"asked@{LATER}/qa/test"] == 1
    shutil.rmtree(copied.store.path(copied.store.resolve(f"press@{LATER}")))
    assert graph(copied.store)[f"texts@{LATER}"].state == "purged"
    assert f"press@{LATER}" not in graph(copied.store).versions  # no card names it any more


def test_another_card_in_the_place_of_an_input_is_told(copied: World) -> None:
    (link,) = [one for one in graph(copied.store).inputs("cpt@" + LATER) if one.source == f"base@{LATER}"]
    shutil.rmtree(copied.store.path(copied.store.resolve(f"base@{LATER}")))
    assert graph(copied.store)[f"base@{LATER}"].state == "absent"
    assert f"base@{LATER} absent" in copied.ask("cpt")
    made(copied.store, "base", "checkpoint", (), {"made_by": "another hand"})
    assert graph(copied.store).inputs(f"cpt@{LATER}")[0].changed
    assert f"base@{LATER} checkpoint (changed: {link.digest[:12]} was used)" in copied.ask("cpt")
    card = copied.store.path(copied.store.resolve(f"base@{LATER}"), "card.json")
    card.write_text("{", encoding="utf-8")
    assert graph(copied.store)[f"base@{LATER}"].state == "damaged"


def test_a_missing_file_is_named(copied: World) -> None:
    folder = copied.store.path(copied.store.resolve("asked"))
    (folder / "qa" / "test-00000.parquet").unlink()
    assert f"not read, it is missing: asked@{LATER}/qa/test-00000.parquet" in copied.ask(SAME, "--forward")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("https://example.invalid/", "--forward"), "nothing is known of 'https://example.invalid/'"),
        (("https://example.invalid/",), "no capture of 'https://example.invalid/'"),
        (("sha256:12",), "is no SHA-256; 64 hexadecimal digits"),
        (("sha256:" + "0" * 64, "--forward"), "nothing is known of"),
        (("ffff0000ffff",), "'ffff0000ffff' fits no document"),
        (("inst-fin:nope",), f"inst-fin@{LATER}: has no score of a task 'nope'; its tasks: cma, cpa"),
        (("inst:cpa",), "has no score of a task 'cpa'; name an evaluation"),
        (("no such thing",), "or name a version, VERSION:TASK, a document's id"),
    ],
)
def test_a_wrong_word_is_answered_with_what_may_be_asked(
    world: World, words: tuple[str, ...], said: str
) -> None:
    assert said in world.ask(*words, status=1)


def test_a_hostile_address_and_title_are_shown_and_never_obeyed(world: World) -> None:
    told = world.ask(HOSTILE, "--forward")
    assert "\\u{202e}" in told
    assert all(sign.isprintable() for line in told.splitlines() for sign in line)
    assert "[bold]" in told
