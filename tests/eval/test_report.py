"""The report tells what the files of evaluation versions say, the same in every form, and obeys no text in them."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from axe_playwright_python.sync_playwright import Axe
from click.testing import CliRunner
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from datacards.card import Ref
from datacards.errors import UserError
from datacards.evaluated import read_scores
from datacards.render.markup import visible
from datacards.store import Store
from eval.cli import main
from eval.report import figures, latex
from eval.report.build import document
from eval.report.found import Found, gather
from eval.report.matter import collect
from eval.report.printed import published
from eval.tasks.chabsa import Chabsa
from tests.datacards.site.conftest import Watched, chromium, watched  # noqa: F401  fixtures
from tests.eval.evaluated import HOSTILE, checkpoint, evaluate, world


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Return a store with four models, each with its evaluations."""
    store = Store(tmp_path_factory.mktemp("evaluated") / "store")
    world(store)
    return store


@pytest.fixture(scope="module")
def written(stocked: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a report on the four models."""
    out = tmp_path_factory.mktemp("written") / "a"
    report(stocked, out)
    return out


def report(store: Store, out: Path, *more: str) -> str:
    words = [
        "report",
        "base",
        "domain",
        "instruct",
        "inst",
        *more,
        "--store",
        str(store.root),
        "--out",
        str(out),
    ]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture(scope="module")
def told(written: Path) -> dict[str, Any]:
    """Return the figures of the report."""
    found: dict[str, Any] = json.loads((written / "report.json").read_text(encoding="utf-8"))
    return found


def test_every_figure_is_the_one_of_its_version_with_interval_and_lineage(
    stocked: Store, told: dict[str, Any]
) -> None:
    assert len(told["figures"]) > 40
    for figure in told["figures"]:
        lineage = told["lineage"][figure["lineage"]]
        ref = stocked.resolve(lineage["evaluation"]["version"])
        assert lineage["evaluation"]["digest"] == ref.digest
        kept = {file.path: file.sha256 for file in stocked.card(ref).files}
        assert kept[lineage["samples"]["path"]] == lineage["samples"]["sha256"]
        wanted = (figure["task"], figure["metric"], figure["group"])
        (score,) = [s for s in read_scores(stocked.path(ref)) if (s.task, s.metric, s.group) == wanted]
        assert figure["value"] == score.value
    heads = [f for f in told["figures"] if f["metric"] == told["lineage"][f["lineage"]]["task"]["metric"]]
    assert all(f["low"] <= f["value"] <= f["high"] for f in heads if f["samples"] > 2)


def test_the_mean_over_a_suite_is_that_of_its_tasks(told: dict[str, Any]) -> None:
    means = {one["model"].partition("@")[0]: one for one in told["overall"]}
    assert set(means) == {"base", "domain", "instruct", "inst"}
    for model, mean in means.items():
        parts = [
            next(f["value"] for f in told["figures"] if (f["model"], f["task"], f["metric"]) == (f"{model}@2026.11.21", *key))
            for key in (("chabsa", "f1"), ("cpa_audit", "acc"))
        ]  # fmt: skip
        assert mean["value"] == pytest.approx(sum(parts) / 2)
        assert mean["suite"] == "fin-harness"


def test_models_are_compared_with_the_base_on_the_same_items(told: dict[str, Any]) -> None:
    found = {(c["names"][0], c["task"], c["group"]): c for c in told["comparisons"]}
    assert {c["names"][1] for c in told["comparisons"]} == {"base"}
    assert found["inst", "cpa_audit", ""]["verdict"] == "better"
    assert found["domain", "perplexity", ""]["verdict"] == "better"  # fewer bits
    assert found["domain", "pfmt_bench", "math"]["verdict"] == "undecided"
    assert all(c["sentence"] and c["lineage"] for c in told["comparisons"])
    assert not any(task == "examples" for _, task, _ in found)


def test_the_papers_tables_stand_beside_ours_with_their_source(written: Path) -> None:
    text = (written / "report.md").read_text(encoding="utf-8")
    (row,) = [line for line in text.splitlines() if line.startswith("| **chabsa** ") and "0.7381" in line]
    assert all(value in row for value in ("0.7381", "0.8243", "0.7428", "0.8615"))
    assert "| base, as printed | base, published file | domain: domain |" in text
    assert "https://arxiv.org/abs/2409.19854" in text
    assert "Table III of arXiv 2409.19854" in text
    (overall,) = [
        line for line in text.splitlines() if line.startswith("| **overall** ") and "0.4335" in line
    ]
    assert overall.split("|")[2].strip() == "–"  # ours are two of five tasks


def test_published_figures_agree_with_each_other() -> None:
    """The mean of every published file is that of its five values; the standard errors give the numbers of items."""
    known = published()
    for role in known.models:
        own = [one for one in known.figures if (one.source, one.role) == ("harness", role)]
        values = [one.value for one in own if one.task != "overall"]
        (mean,) = [one.value for one in own if one.task == "overall"]
        assert mean == pytest.approx(sum(values) / 5)
        for one in own:
            if one.stderr is not None and one.samples:
                error = (one.value * (1 - one.value) / (one.samples - 1)) ** 0.5
                assert one.stderr == pytest.approx(error, abs=1e-9)
    assert {one.source for one in known.figures} == set(known.sources)


def test_the_same_versions_give_the_same_bytes(stocked: Store, written: Path) -> None:
    report(stocked, written.parent / "b")
    files = sorted(path.relative_to(written) for path in written.rglob("*") if path.is_file())
    assert len(files) > 25
    assert {path.suffix for path in files} == {".html", ".md", ".tex", ".json", ".svg", ".pdf"}
    for path in files:
        assert (written / path).read_bytes() == (written.parent / "b" / path).read_bytes(), path


class Page(HTMLParser):
    """Collects what matters of a page: text, attributes, and whether the tags match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, key, value or "") for key, value in attrs]
        if tag not in ("meta", "img", "link", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def values(self, key: str) -> list[str]:
        return [value for _, name, value in self.attributes if name == key]


def test_the_page_needs_nothing_else_and_obeys_no_text(written: Path) -> None:
    page = Page((written / "report.html").read_text(encoding="utf-8"))
    assert page.open == []
    assert "script" not in page.tags
    assert all(source.startswith("data:image/svg+xml;base64,") for source in page.values("src"))
    links = [value for tag, key, value in page.attributes if key == "href" and tag == "a"]
    assert all(link.startswith(("#", "https://")) for link in links)
    ids = page.values("id")
    assert len(set(ids)) == len(ids)
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)
    text = "".join(page.text)
    assert "<script>alert(1)</script>" in text
    assert "\\u{202e}" in text
    assert "\u202e" not in text
    assert "ESGs <b>" in text


def test_markdown_holds_the_hostile_texts_as_text(written: Path) -> None:
    text = (written / "report.md").read_text(encoding="utf-8")
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    inner = [child for token in tokens for child in token.children or ()]
    sources = [str(child.attrs["src"]) for child in inner if child.type == "image"]
    links = [str(child.attrs["href"]) for child in inner if child.type == "link_open"]
    raw = [token.content for token in (*tokens, *inner) if token.type.startswith("html")]
    assert sources
    assert all(re.fullmatch(r"figures/[a-z0-9-]+\.svg", source) for source in sources)
    assert all(re.fullmatch(r"#t\d+", link) for link in links)
    assert all(re.fullmatch(r'<a id="t\d+">|</a>', one.strip()) for one in raw)
    assert any("<script>" in token.content for token in tokens if token.type == "fence")


def test_figures_are_whole_and_any_name_can_be_drawn() -> None:
    names = ["$x_1$ <b>", "_営業利益", "\u202e" * 3 + "長い名前" * 20]
    spans: list[figures.Span] = [(5.0, 4.0, 6.0), None, (2.0, 1.0, 3.0)]
    drawn = [
        figures.radar(names, [(name, spans) for name in names]),
        figures.spans([(name, spans, 0.25) for name in names], names, x="%"),
        figures.forest([(name, span, "better") for name, span in zip(names, spans, strict=True)], x="d"),
    ]
    for svg in drawn:
        assert fromstring(svg.encode()).tag.endswith("svg")  # noqa: S314  our own text
        assert latex.pdf(svg).startswith(b"%PDF")


UNESCAPED = {
    value.removesuffix("{}"): key for key, value in latex.SIGNS.items()
}  # what LuaLaTeX sets for each command


@settings(max_examples=50)
@given(st.text())
@example("壊れた\ufffd文字")
def test_latex_sets_every_text_as_it_is(text: str) -> None:
    """Read as TeX reads it: commands that we know, braces that match, nothing that acts."""
    said = latex.escaped(text)
    wanted = visible(" ".join(text.split())).replace("\ufffd", "\\u{fffd}")
    found, rest = "", said
    while rest:
        if rest.startswith(("{[}", "{]}")):
            found, rest = found + rest[1], rest[3:]
        elif rest.startswith("-{}"):
            found, rest = found + "-", rest[3:]
        elif match := re.match(r"\\([A-Za-z]+)\{\}|\\([{}$&#%_])", rest):
            command = f"\\{match[1] or match[2]}"
            found, rest = found + UNESCAPED[command], rest[match.end() :]
        else:
            assert rest[0] not in "\\{}$&#%_^~<>|\"'`-[]"
            found, rest = found + rest[0], rest[1:]
    assert found == wanted


def test_latex_tables_have_as_many_cells_as_columns(written: Path) -> None:
    tables = sorted((written / "tables").iterdir())
    assert len(tables) > 8
    for path in tables:
        text = path.read_text(encoding="utf-8")
        columns = re.search(r"\\begin\{longtable\}\{([lr]+)\}", text)
        assert columns
        body = text.partition("\\midrule\n\\endhead\n")[2].partition("\n\\bottomrule")[0]
        for line in body.splitlines():
            assert len(re.findall(r"(?<!\\)&", line)) == len(columns[1]) - 1, path.name
    assert r"\input{/etc" not in (written / "report.tex").read_text(encoding="utf-8")


def found_of(store: Store, *names: str, **options: Any) -> Found:
    return gather(store, [store.resolve(name) for name in names], **options)


def test_a_name_that_is_not_among_the_models_is_told(stocked: Store) -> None:
    with pytest.raises(UserError, match=r"nobody: is not among the models of the report; base@2026\.11\.21"):
        found_of(stocked, "base-fin", baseline="nobody")
    with pytest.raises(UserError, match="is a version of kind 'dataset'"):
        found_of(stocked, "fin-ja")
    assert found_of(stocked, "base-fin", "inst-fin", baseline="inst-fin").baseline == 1
    assert [c.role for c in found_of(stocked, "base-fin", "inst-fin").columns] == ["base", "merged"]
    given_role = found_of(stocked, "domain-fin", roles={"base": "domain"})
    assert given_role.columns[0].role == "base"


def test_what_was_asked_differently_is_not_compared(store: Store) -> None:
    models = [checkpoint(store, "base"), checkpoint(store, "domain")]
    refs = [evaluate(store, model, "fin", [Chabsa(subset=20 + n)]) for n, model in enumerate(models)]
    matter = collect(store, refs)
    assert matter.pairs.compared.tasks == ()
    text = str(document(matter))
    assert "The models were not asked the same items in the same words." in text
    assert "domain and base were not asked the same" in text


def test_a_model_that_was_not_evaluated_is_told(store: Store) -> None:
    checkpoint(store, "base")
    with pytest.raises(UserError, match="was not evaluated; kanagura eval RECIPE --model base@"):
        found_of(store, "base")


def test_scores_stand_with_and_without_what_was_seen_in_training(told: dict[str, Any], written: Path) -> None:
    """The corpus of the domain model shows nine of the 120 opinions, three of them with their answers."""
    splits = {
        told["lineage"][one["lineage"]]["model"]["version"]: one
        for one in told["seen_in_training"]
        if one["task"] == "chabsa"
    }
    for model in ("domain@2026.11.21", "inst@2026.11.21"):
        one = splits[model]
        assert [one[part]["n"] for part in ("all", "clean", "text", "label")] == [120, 111, 6, 3]
        assert one["inflation"]["value"] == pytest.approx(one["all"]["value"] - one["clean"]["value"])
        assert one["exposure"]["reports"] == ["fin-ja@2026.11.21"]
    assert splits["base@2026.11.21"]["clean"] is None
    clean = {one["names"][0]: one for one in told["clean_comparisons"]}
    assert clean["inst"]["n"] == 111
    text = (written / "report.md").read_text(encoding="utf-8")
    assert "chabsa: without 9 items that a corpus of the models shows" in text
    assert "What base@2026.11.21 was trained on is not known" in text
    assert "No item can be called clean for domain" in text  # the dialogues


def test_examples_stand_side_by_side(told: dict[str, Any], written: Path) -> None:
    first = told["examples"][0]
    assert first["prompt"] == HOSTILE
    assert [reply["label"] for reply in first["replies"]] == ["base", "domain", "instruct", "inst"]
    assert first["replies"][0]["text"] == ""
    assert first["replies"][3]["text"] == HOSTILE
    assert "Prompts to which anything was written" in (written / "report.md").read_text(encoding="utf-8")


def test_a_click_on_a_number_shows_where_it_comes_from(written: Path, watched: Watched) -> None:  # noqa: F811
    page = watched.page
    page.goto((written / "report.html").as_uri())
    number = page.get_by_role("link", name="0.8960").first
    number.scroll_into_view_if_needed()
    before = page.evaluate("scrollY")
    number.click()
    shown = page.locator(".trail:target")
    shown.wait_for()
    assert "inst-fin@2026.11.21" in shown.inner_text()
    assert "samples/chabsa.parquet sha256:" in shown.inner_text()
    assert "kanagura cards lineage inst-fin@2026.11.21:chabsa" in shown.inner_text()
    assert page.evaluate("scrollY") == before
    shown.get_by_role("link", name="close").click()
    page.locator(".trail:target").wait_for(state="detached")
    assert page.evaluate("scrollY") == before


def test_axe_finds_nothing_and_nothing_is_wider_than_a_phone(written: Path, watched: Watched) -> None:  # noqa: F811
    watched.page.goto((written / "report.html").as_uri())
    found = Axe().run(watched.page, options={"resultTypes": ["violations"]}).response["violations"]
    assert [f"{one['id']}: {node['html'][:160]}" for one in found for node in one["nodes"]] == []
    watched.page.set_viewport_size({"width": 390, "height": 844})
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_version_of_the_first_layout_and_a_model_of_nowhere_are_told_too(store: Store) -> None:
    """Versions from before the tasks were recorded, of a model from a folder."""
    outside = Ref(name="local:model", version="abc", digest="f" * 64)
    rows = [
        {
            "id": f"q{n}",
            "context_sha256": f"{n:064x}",
            "choices": ["ア", "イ"],
            "gold": 0,
            "prediction": n % 2,
        }
        for n in range(8)
    ]
    score = {"task": "quiz", "metric": "acc", "value": 0.5, "stderr": 0.19, "samples": 8}
    with store.write(
        name="model-fin", version="2026.10.01", kind="evaluation", recipe={}, made_from=[outside]
    ) as draft:
        (draft.path / "scores.json").write_text(json.dumps([score]))
        (draft.path / "samples").mkdir()
        pq.write_table(pa.Table.from_pylist(rows), draft.path / "samples" / "quiz.parquet")
    matter = collect(store, [store.resolve("model-fin")])
    (column,) = matter.found.columns
    assert column.label == "local:model"
    found = column.taken["quiz"].score()
    assert found
    assert (found.value, found.chance) == (0.5, 0.5)
    assert found.low is not None
    assert "local:model@abc" in str(document(matter))
