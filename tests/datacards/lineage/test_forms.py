"""A lineage as JSON, PROV-O and picture says the same as the text, and a hostile name stays a name in each."""

import json
from pathlib import Path

import pytest
import rdflib
from defusedxml import ElementTree

from datacards.lineage.trace import Arrow, Thing, Trace
from datacards.render.graph import MOST, picture
from tests.datacards.lineage.traced_world import DAY, HOSTILE, LATER, SAME, World

PROV = (
    "PREFIX prov: <http://www.w3.org/ns/prov#> PREFIX k: <urn:kanagura:ns:> PREFIX v: <urn:kanagura:version:>"
)
# rdflib warns of its own parser for JSON-LD, which still builds on a class that rdflib gives up.
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")
SVG = "{http://www.w3.org/2000/svg}"


def parsed(world: World, *words: str) -> rdflib.Graph:
    return rdflib.Graph().parse(data=world.ask(*words, "--as", "prov"), format="json-ld")


def asked(found: rdflib.Graph, query: str) -> set[tuple[str, ...]]:
    return {tuple(str(value) for value in row) for row in found.query(f"{PROV} {query}")}  # type: ignore[union-attr]


def test_a_score_ends_at_primary_sources(world: World) -> None:
    found = parsed(world, "inst-fin:cpa", "--urls")
    rows = asked(
        found,
        "SELECT ?u WHERE { ?s a k:score; prov:wasDerivedFrom+/prov:hadMember/prov:hadPrimarySource ?u }",
    )
    assert (SAME,) in rows
    assert len(rows) == 4
    assert asked(found, f"SELECT ?x WHERE {{ <urn:kanagura:run:cpt@{LATER}> prov:used ?x }}") == {
        (f"urn:kanagura:version:base@{LATER}",), (f"urn:kanagura:version:asked@{LATER}",),
    }  # fmt: skip


def test_every_version_was_generated_by_a_run_with_recipe_commit_and_libraries(world: World) -> None:
    found = parsed(world, "inst")
    rows = asked(
        found,
        "SELECT ?e ?recipe ?library WHERE { ?e prov:wasGeneratedBy ?run . ?run a prov:Activity; k:library ?library; "
        "prov:qualifiedAssociation/prov:hadPlan/k:recipe ?recipe; prov:wasAssociatedWith ?agent . "
        "?agent a prov:SoftwareAgent; k:commit ?commit }",
    )
    assert {entity.rpartition(":")[2] for entity, _, _ in rows} == {
        f"press@{DAY}", *(f"{name}@{LATER}" for name in ("press", "texts", "asked", "base", "cpt", "inst"))
    }  # fmt: skip
    assert {json.loads(recipe)["merger"] for entity, recipe, _ in rows if "inst@" in entity} == {
        "task_arithmetic"
    }
    assert any(library.startswith("pyarrow ") for _, _, library in rows)


def test_forward_in_prov_leads_from_an_address_to_every_model(world: World) -> None:
    found = parsed(world, SAME, "--forward")
    rows = asked(
        found,
        f"SELECT DISTINCT ?m WHERE {{ ?c prov:hadPrimarySource <{SAME}> . ?rows prov:wasDerivedFrom+ ?c . "
        "?v prov:hadMember ?rows . ?m prov:wasDerivedFrom+ ?v; a k:checkpoint }",
    )
    assert {name.rpartition(":")[2] for (name,) in rows} == {f"cpt@{LATER}", f"inst@{LATER}"}


@pytest.mark.parametrize("form", ["json", "prov", "svg"])
def test_a_hostile_address_stays_a_word(world: World, form: str) -> None:
    told = world.ask(HOSTILE, "--forward", "--as", form)
    if form == "json":
        nodes = json.loads(told)["nodes"]
        assert nodes[0] | {"url": HOSTILE, "kind": "address"} == nodes[0]
    elif form == "prov":
        found = rdflib.Graph().parse(data=told, format="json-ld")
        addresses = {
            str(o) for o in found.objects(None, rdflib.URIRef("http://www.w3.org/ns/prov#hadPrimarySource"))
        }
        assert any("%3Cscript%3E" in one and "%E2%80%AE" in one for one in addresses)
        assert found.serialize(format="nt")
    else:
        tree = ElementTree.fromstring(told)
        assert {element.tag.removeprefix(SVG) for element in tree.iter()} == {
            "svg",
            "title",
            "style",
            "rect",
            "path",
            "g",
            "text",
        }
        assert "\u202e" not in told


def test_the_same_question_gets_the_same_answer(world: World) -> None:
    for form in ("json", "prov", "svg"):
        assert world.ask(SAME, "--forward", "--as", form) == world.ask(SAME, "--forward", "--as", form)


def test_json_names_every_node_that_an_edge_leads_to(world: World) -> None:
    for words in (
        (SAME, "--forward"),
        ("inst-fin:cpa",),
        (SAME,),
        (world.ids("asked", "qa")[0],),
        ("press", "--forward"),
    ):
        told = world.json(*words)
        assert told["schema"] == "kanagura-lineage/1"
        names = {node["id"] for node in told["nodes"]}
        assert {end for edge in told["edges"] for end in (edge["from"], edge["to"])} <= names
        assert set(told["starts"]) <= names
        for node in told["nodes"]:
            assert {"kind", "ref", "digest", "state", "license", "url", "count", "label"} <= set(node)


def test_a_document_leads_back_to_what_was_fetched(world: World) -> None:
    question = world.ids("asked", "qa")[0]
    told = world.json(question)
    kinds = {node["id"]: node["kind"] for node in told["nodes"]}
    assert list(kinds.values())[:2] == ["document", "document"]
    ways = [
        (kinds[e["from"]], kinds[e["to"]])
        for e in told["edges"]
        if e["kind"] in ("derived_from", "fetched_from")
    ]
    assert ways[:2] == [("document", "document"), ("document", "capture")]
    assert ("capture", "address") in ways
    lines = world.ask(question).splitlines()
    assert [line.split()[0] for line in lines[:6:2]] == ["qa", "markdown", "capture"]


def test_a_picture_of_many_things_stays_one_that_can_be_read(world: World) -> None:
    things = {
        **{f"c{n}@{DAY}": Thing(f"c{n}@{DAY}", "captures", f"c{n}@{DAY}", state="ok") for n in range(300)},
        "d": Thing("d", "dataset", "d", state="ok"),
    }
    arrows = tuple(Arrow("d", key, "made_from") for key in things if key != "d")
    drawn = ElementTree.fromstring(picture(Trace("d", "backward", ("d",), things, arrows)))
    boxes = drawn.findall(f"{SVG}g")
    assert 1 < len(boxes) <= MOST
    assert "300 captures" in {element.text for element in drawn.iter(f"{SVG}text")}


def test_a_file_is_written_whole(world: World, tmp_path: Path) -> None:
    out = tmp_path / "lineage.svg"
    assert world.ask("inst", "--as", "svg", "--out", str(out)) == ""
    assert ElementTree.parse(out).getroot().tag == f"{SVG}svg"
    assert [path.name for path in tmp_path.iterdir()] == ["lineage.svg"]
    assert "lineage:" in world.ask("inst", "--out", str(tmp_path / "no" / "x"), status=1)
