"""The walk down the categories: breadth first, bounded, without cycles, the same whatever the order of edges."""

import random
import re
import tracemalloc

import pytest

from datacards.errors import UserError
from datacards.recipe import read_recipe
from spiders.wikipedia.categories import CHOICE, Choice, Graph, Tree
from spiders.wikipedia.choice import links, title
from spiders.wikipedia.spider import Wikipedia

EDGES = [
    ("金融", "銀行"), ("銀行", "地方銀行"), ("地方銀行", "見本県の銀行"), ("見本県の銀行", "見本市の銀行"),
    ("金融", "金融機関"), ("金融機関", "銀行"), ("銀行", "銀行家"), ("銀行家", "銀行家の家族"),
    ("地方銀行", "金融"), ("輪", "輪"), ("食", "汁"),
]  # fmt: skip


def walk(choice: Choice, edges: list[tuple[str, str]] = EDGES) -> Tree:
    graph = Graph()
    for parent, child in edges:
        graph.below(graph.number(parent), graph.number(child))
    return graph.walk(choice)


def entered(tree: Tree) -> set[str]:
    return {visit.title for visit in tree.visits if not visit.why}


def test_a_walk_enters_what_is_near_and_says_why_not_the_rest() -> None:
    tree = walk(Choice(roots=("金融", "輪"), stop=("銀行家",), depth=3))
    assert entered(tree) == {"金融", "輪", "銀行", "金融機関", "地方銀行", "見本県の銀行"}
    why = {visit.title: visit.why for visit in tree.visits if visit.why}
    assert why == {"見本市の銀行": "deeper than 3", "銀行家": "stop word 銀行家"}
    assert tree.path(tree.ranks["見本県の銀行"]) == "金融 > 銀行 > 地方銀行 > 見本県の銀行"
    assert [visit.depth for visit in tree.visits] == sorted(visit.depth for visit in tree.visits)


def test_every_category_is_met_once_and_on_its_shortest_way() -> None:
    tree = walk(Choice(roots=("金融", "金融", "銀行"), depth=9))
    titles = [visit.title for visit in tree.visits]
    assert len(titles) == len(set(titles))
    assert tree.path(tree.ranks["地方銀行"]) == "銀行 > 地方銀行"


def test_a_root_is_entered_whatever_its_name_and_depth_zero_is_the_roots_alone() -> None:
    tree = walk(Choice(roots=("銀行家", "無い"), stop=("銀行",), depth=0))
    assert entered(tree) == {"銀行家", "無い"}
    assert {visit.title for visit in tree.visits if visit.why} == {"銀行家の家族"}


def test_the_order_of_edges_does_not_matter() -> None:
    chance = random.Random(5)  # noqa: S311  the same every time
    edges = [(f"c{chance.randrange(300)}", f"c{chance.randrange(300)}") for _ in range(2000)]
    first = walk(Choice(roots=("c1", "c2"), depth=4), edges)
    for _ in range(5):
        chance.shuffle(edges)
        assert walk(Choice(roots=("c1", "c2"), depth=4), edges).visits == first.visits


def test_a_graph_without_edges_is_its_roots() -> None:
    assert entered(walk(Choice(roots=("金融",)), [])) == {"金融"}


def test_a_category_needs_little_memory() -> None:
    """Measured in CPython 3.11: some 215 bytes for a category with five edges; nothing of it grows with articles."""
    tracemalloc.start()
    graph = Graph()
    for number in range(100_000):
        child = graph.number(f"見本の分類その{number}")
        for step in range(5):
            graph.below(number * step // 5, child)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size / 100_000 < 400


def test_links_are_read_as_the_wiki_reads_them() -> None:
    raw = "[[Category:日本の企業|*]] [[ category : a&amp;b_c ]] [[カテゴリ:金融#x]] [[:Category:別]] [[category:]]".encode()
    assert links(raw) == {"日本の企業", "A&b c", "金融"}
    assert title(" ecb ") == "Ecb"


def test_the_shipped_choice_is_strict_and_can_be_changed_field_by_field() -> None:
    shipped = read_recipe(CHOICE, Choice)
    assert {"経済", "金融", "企業"} <= set(shipped.roots)
    assert shipped.depth == 3
    asked = Wikipedia.read_arguments({"roots": "金融, 会計", "depth": "2"}).choice()  # type: ignore[attr-defined]
    assert (asked.roots, asked.depth, asked.stop) == (("金融", "会計"), 2, shipped.stop)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"depth": "-1"}, "depth = -1"),
        ({"roots": ","}, "roots = ()"),
        ({"categories": "none.yaml"}, "cannot be read"),
    ],
)
def test_a_wrong_choice_is_named(given: dict[str, str], said: str) -> None:
    with pytest.raises(UserError, match=re.escape(said)):
        Wikipedia.read_arguments(given).choice()  # type: ignore[attr-defined]
