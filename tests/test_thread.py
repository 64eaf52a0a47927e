"""One thread through all of the house, in a minute: from a crawl of the sample world to a score and back to a URL."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from corpus import shards
from corpus.captures import read_captures
from corpus.extract.archive import members
from datacards import lineage
from datacards.store import Store
from sample.models import make_base, make_instruct
from sample.world import serve

ROOT = Path(__file__).resolve().parent.parent
VERSION = "2026.11.21"
SPIDERS = {
    "boj_press_conferences": ("-a", "since=2026-01-01"),
    "institutions": ("-a", "sites=bank,jpx,securities", "-s", "KANAGURA_SITES=spiders/sites,sample/sites"),
    "edinet": ("-a", "since=2025-06-20", "-a", "until=2025-06-30"),
}


class Typed:
    """Types commands as a user would, in the checkout, with a store of its own."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store, self.folder = store, folder

    def __call__(self, *words: str) -> str:
        """Run one command; return what it printed, or fail with all of it."""
        environment = {**os.environ, "KANAGURA_STORE": str(self.store.root), "EDINET_API_KEY": "sample-key"}
        program = str(Path(sys.executable).parent / words[0])
        done = subprocess.run(
            [program, *words[1:]], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        # A crawl may lack something: the sample world has an archive that is cut off, and stays so.
        wanted = (0, 3) if words[:2] == ("scrapy", "crawl") else (0,)
        assert done.returncode in wanted, done.stdout + done.stderr
        return done.stdout

    def recipe(self, name: str, **changes: Any) -> str:
        """Return the path of a copy of a sample recipe with some fields changed, to make it small."""
        recipe = yaml.safe_load((ROOT / "sample" / "recipes" / name).read_text(encoding="utf-8"))
        for field, value in changes.items():
            recipe[field] = {**recipe[field], **value} if isinstance(value, dict) else value
        path = self.folder / name
        path.write_text(yaml.safe_dump(recipe, allow_unicode=True), encoding="utf-8")
        return str(path)


def crawl(typed: Typed) -> None:
    """Capture three sources of the sample world."""
    with serve() as world:
        for spider, days in SPIDERS.items():
            typed(
                "scrapy", "crawl", spider, "-a", f"version={VERSION}", *days,
                "-s", f"KANAGURA_BASE_URLS={json.dumps(world.base_urls)}", "-s", "DOWNLOAD_DELAY=0",
                "-s", "AUTOTHROTTLE_ENABLED=False", "-s", "KANAGURA_RETRY_WAIT=0.1", "-s", "LOG_LEVEL=ERROR",
            )  # fmt: skip


@pytest.mark.slow
def test_a_score_leads_back_to_the_addresses_it_came_from(store: Store, tmp_path: Path) -> None:
    typed = Typed(store, tmp_path)
    crawl(typed)
    typed("kanagura", "corpus", typed.recipe("fin-sample-documents.yaml", captures=list(SPIDERS)))
    carried = ["markdown", "sections", "categories", "listing", "qa"]
    typed(
        "kanagura",
        "rephrase",
        typed.recipe("fin-sample.yaml", carry=carried),
        "--corpus",
        "fin-sample-documents",
    )
    make_base(store, steps=4)
    make_instruct(store, steps=4)
    typed(
        "train",
        typed.recipe("train-sample.yaml", monitor=None, options={"max_steps": 3, "warmup_steps": 0}),
        "--corpus",
        "fin-sample",
    )
    typed("merge", typed.recipe("merge-sample.yaml"), "--domain", "fin-sample-cpt")
    tasks = [{"task": name, "subset": 12, "seed": 1} for name in ("corpus_questions", "cpa_audit", "chabsa")]
    scored = typed(
        "kanagura", "eval", typed.recipe("eval-sample.yaml", tasks=tasks), "--model", "fin-sample-inst",
        "--corpus", "fin-sample",
    )  # fmt: skip
    assert "corpus_questions" in scored

    # Every version is whole, and the tree of the score ends at captures.
    assert "ok" in typed("kanagura", "cards", "verify")
    ref = store.resolve("fin-sample-inst-fin")
    kinds = [node.card.kind for node in lineage.walk(lineage.lineage(store, ref)) if node.card]
    assert kinds.count("captures") == len(SPIDERS)
    told = typed("kanagura", "cards", "lineage", str(ref), "--urls")
    listed = re.findall(r"^\s*([0-9a-f]{64})\s+(http\S+)", told, re.MULTILINE)
    assert len(listed) > 100

    # One held-out question leads to a filing whose own bytes show the number that is the answer.
    folder = store.path(store.resolve("fin-sample"))
    question = next(
        d
        for d in shards.read_documents(folder, "multiple_choice", "test")
        if d.source == "edinet" and "number" in d.meta
    )
    told = typed("kanagura", "cards", "lineage", "fin-sample", "--document", question.id)
    evidence = re.findall(r"sha256:([0-9a-f]{64})", told)[0]
    captured = next(c for c in read_captures(store.path(store.resolve("edinet"))) if c.sha256 == evidence)
    span = question.made_from[0]  # of the true choice; those of the wrong ones stand behind it
    parent = next(d for d in shards.read_documents(folder, "markdown") if d.id == span.id)
    shown = parent.text[span.start : span.end]
    assert any(shown.encode() in body for body in members(captured.body).values())

    page = tmp_path / "report.html"
    typed("kanagura", "cards", "report", str(ref), "--out", str(page))
    assert captured.url in page.read_text(encoding="utf-8")

    # The same requests again: everything is there already, nothing changes.
    before = [str(r) + r.digest for r in store.refs()]
    typed("kanagura", "corpus", str(tmp_path / "fin-sample-documents.yaml"))
    typed("merge", str(tmp_path / "merge-sample.yaml"), "--domain", "fin-sample-cpt")
    assert [str(r) + r.digest for r in store.refs()] == before
