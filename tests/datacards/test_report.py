"""The report tells what the cards and files of a small store say, on one page that needs nothing else."""

import json
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from rich.console import Console

from datacards.card import Ref, Rights
from datacards.cli import main
from datacards.errors import UserError
from datacards.render import plots
from datacards.render.report import report, spark, terminal
from datacards.store import Store

VERSION = "2026.11.21"
TYPES = ("self_attn.q_proj.weight", "self_attn.k_proj.weight", "mlp.up_proj.weight", "input_layernorm.weight")


def captures(store: Store, name: str, urls: list[str], license_: str) -> Ref:
    rows = [
        {"url": url, "source": name, "fetched_at": datetime(2026, 11, 20, tzinfo=UTC), "license": license_,
         "sha256": f"{place:064x}", "status": 200}
        for place, url in enumerate(urls)
    ]  # fmt: skip
    with store.write(name=name, version=VERSION, kind="captures", recipe={}) as draft:
        pq.write_table(pa.Table.from_pylist(rows), draft.path / "captures.parquet")
        draft.counts["captures"] = len(rows)
    return store.resolve(name)


def dataset(store: Store, made_from: list[Ref]) -> Ref:
    with store.write(name="fin-ja", version=VERSION, kind="dataset", recipe={}, made_from=made_from) as draft:
        for place, name in enumerate(("markdown/train", "sections/train", "multiple_choice/test")):
            path = draft.path / f"{name}-00000.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.table({"id": [f"d{n}" for n in range(10 + place)]}), path)
            draft.rows[f"{name}-00000.parquet"] = 10 + place
        draft.drops.update({"too_short": 7, "near_duplicate": 2})
        draft.rights.append(
            Rights(
                license="BOJ-terms", attribution="出典：日本銀行「<総裁>」", redistribution=False, records=9
            )
        )
    return store.resolve("fin-ja")


def checkpoint(store: Store, name: str, made_from: list[Ref], **files: str) -> Ref:
    with store.write(name=name, version=VERSION, kind="checkpoint", recipe={}, made_from=made_from) as draft:
        (draft.path / "config.json").write_text(json.dumps({"name": name}))
        for path, text in files.items():
            (draft.path / path.replace("_", ".")).write_text(text)
    return store.resolve(name)


def evaluation(store: Store, model: Ref, corpus: Ref, value: float) -> Ref:
    scores = [
        {"task": "corpus_questions", "metric": "acc", "value": value, "stderr": 0.05, "samples": 80},
        {"task": "corpus_questions", "metric": "acc_norm", "value": value / 2, "stderr": 0.05, "samples": 80},
        {"task": "chabsa", "metric": "f1", "value": 0.36, "stderr": None, "samples": 300, "note": "a draw"},
    ]
    with store.write(
        name=f"{model.name}-fin", version=VERSION, kind="evaluation", recipe={}, made_from=[model, corpus]
    ) as draft:
        (draft.path / "scores.json").write_text(json.dumps(scores))
        (draft.path / "samples").mkdir()
        samples = pa.table({"choices": [["a", "b", "c", "d"]] * 80})
        pq.write_table(samples, draft.path / "samples" / "corpus_questions.parquet")
        draft.metrics = {f"{s['task']}/{s['metric']}": float(str(s["value"])) for s in scores}
    return store.resolve(f"{model.name}-fin")


@pytest.fixture
def scored(store: Store) -> tuple[Store, list[Ref]]:
    """Return a store with the whole way from captures to two evaluations."""
    boj = captures(
        store, "boj_speeches", [f"https://www.boj.or.jp/{n}?a=1&b=<2>" for n in range(3)], "BOJ-terms"
    )
    wiki = captures(
        store, "wikipedia", ["https://ja.wikipedia.org/wiki/株式", "javascript:alert(1)"], "CC-BY-SA-4.0"
    )
    corpus = dataset(store, [boj, wiki])
    base, instruct = checkpoint(store, "base", []), checkpoint(store, "instruct", [])
    loss = "".join(
        json.dumps({"step": n, "loss": 8 / n + 1, "lr": 1e-3, "tokens": 512 * n}) + "\n"
        for n in range(1, 101)
    )
    cpt = checkpoint(store, "cpt", [base, corpus], loss_jsonl=loss)
    similar = [
        {"tensor": f"model.layers.{layer}.{kind}", "layer": layer, "type": kind, "cosine": 0.01 * layer,
         "norm_domain": 1.0, "norm_instruct": 2.0, "n": 64}
        for layer in range(4) for kind in TYPES
    ]  # fmt: skip
    similar.append(
        {"tensor": "lm_head.weight", "layer": None, "type": "lm_head.weight", "cosine": None,
         "norm_domain": 0.0, "norm_instruct": 2.0, "n": 64}
    )  # fmt: skip
    inst = checkpoint(store, "inst", [base, instruct, cpt], similarity_json=json.dumps(similar))
    return store, [evaluation(store, base, corpus, 0.25), evaluation(store, inst, corpus, 0.55)]


class Page(HTMLParser):
    """Collects what matters of a page: text, image sources, links, ids, and whether the tags match."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.text: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.open: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, key, value or "") for key, value in attrs]
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, key, value or "") for key, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def values(self, key: str) -> list[str]:
        return [value for _, name, value in self.attributes if name == key]


def test_one_page_tells_the_whole_way(scored: tuple[Store, list[Ref]], tmp_path: Path) -> None:
    store, refs = scored
    report(store, refs, tmp_path / "out" / "report.html")
    page = Page(tmp_path / "out" / "report.html")
    text = " ".join(" ".join(page.text).split())
    assert page.open == []
    for told in (
        "0.2500 ± 0.050", "0.5500 ± 0.050", "0.3600", "0.250", "a draw", "too_short", "出典：日本銀行「<総裁>」",
        "3 addresses: 3 of boj_speeches (BOJ-terms)", "https://ja.wikipedia.org/wiki/株式", f"{2:064x}", "51,200",
        "lm_head.weight undefined", str(refs[0].digest),
    ):  # fmt: skip
        assert told in text


def test_the_page_needs_nothing_from_outside(scored: tuple[Store, list[Ref]], tmp_path: Path) -> None:
    store, refs = scored
    report(store, refs, tmp_path / "report.html")
    page = Page(tmp_path / "report.html")
    assert len(page.values("src")) == 4
    assert all(source.startswith("data:image/svg+xml;base64,") for source in page.values("src"))
    assert "@import" not in (tmp_path / "report.html").read_text(encoding="utf-8")
    links = page.values("href")
    assert all(link.startswith(("#", "https://")) for link in links)
    assert {link[1:] for link in links if link.startswith("#")} <= set(page.values("id"))
    assert len(set(page.values("id"))) == len(page.values("id"))


def test_the_same_store_gives_the_same_page(scored: tuple[Store, list[Ref]], tmp_path: Path) -> None:
    store, refs = scored
    for name in ("a", "b"):
        report(store, refs, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_what_was_not_made_is_said(store: Store, tmp_path: Path) -> None:
    """A model of a local folder, scored: no loss, no merge, and the page still stands."""
    outside = Ref(name="local:model", version="abc", digest="f" * 64)
    ref = evaluation(store, outside.model_copy(update={"name": "model"}), outside, 0.5)
    report(store, [ref], tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "No checkpoint below these scores kept a loss curve." in text
    assert "No merged checkpoint lies below these scores." in text
    assert "a model from outside the store" in text


def test_a_version_that_is_no_evaluation_is_refused(scored: tuple[Store, list[Ref]], tmp_path: Path) -> None:
    store, _ = scored
    with pytest.raises(UserError, match="is no evaluation"):
        report(store, [store.resolve("fin-ja")], tmp_path / "report.html")


def test_the_terminal_shows_scores_loss_and_similarity(scored: tuple[Store, list[Ref]]) -> None:
    store, refs = scored
    console = Console(width=120, record=True, file=StringIO())
    console.print(terminal(store, refs))
    text = console.export_text()
    assert re.search(r"corpus_questions\s+acc\s+0\.2500 ±0\.050\s+0\.5500 ±0\.050\s+80", text)
    assert re.search(r"loss cpt@2026\.11\.21  9\.000 █[▁▂▃]+ 1\.080", text)
    assert "mean cosine +0.015 over 16 tensors" in text
    assert "made from 5 addresses in 2 captures versions" in text


def test_the_command_writes_the_page(scored: tuple[Store, list[Ref]], tmp_path: Path) -> None:
    store, refs = scored
    words = ["report", *map(str, refs), "--store", str(store.root), "--out", str(tmp_path / "report.html")]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "report.html").is_file()


def test_plots_are_well_formed_and_have_japanese() -> None:
    """A missing glyph is a warning, and warnings are errors here."""
    drawn = [
        plots.lines(
            {"損失": [(1, 2.0), (2, 1.0)], "loss": [(1, 1.0)]}, x="層", y="余弦", marked=True, zero=True
        ),
        plots.dots(
            [("課題", [plots.Dot(0.5, 0.1), None, plots.Dot(0.2, low=0.1, high=0.6)], 0.25)],
            ["甲", "乙", "丙"],
        ),
        plots.bars({"節": {"train": 3, "test": 1}, "問": {"train": 2}}),
    ]
    for svg in drawn:
        assert fromstring(svg.encode()).tag.endswith("svg")  # noqa: S314  our own text


def test_a_running_mean_and_a_spark_line_keep_the_course() -> None:
    assert plots.smooth([(1, 4.0), (2, 2.0), (3, 0.0)], 2) == [(1, 4.0), (2, 3.0), (3, 1.0)]
    assert spark([3.0, 2.0, 1.0]) == "█▅▁"
    assert spark([1.0] * 50) == "▁" * 32
