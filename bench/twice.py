"""Two builds of one recipe on two working copies: every file of every version is compared by its SHA-256.

``python -m bench.twice [STORE]`` copies this checkout twice, gives each copy the captures of STORE (or of a crawl of part of
the sample world), and runs corpus, questions and release in each with the time of the build fixed
(``SOURCE_DATE_EPOCH``). It says how many files there are and which differ; card.json is compared too.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import yaml
from rich.console import Console
from rich.table import Table

from datacards.places import sha256_of
from datacards.store import Store
from sample.world import serve

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("spiders", "corpus", "rephrase", "datacards", "sample", "train", "merge", "eval")
FILES = ("kanagura.py", "scrapy.cfg", "pyproject.toml")
EPOCH = "1795651200"  # 2026-11-26


def crawl(store: Path) -> None:
    """Capture a part of the sample world."""
    spiders = {
        "boj_press_conferences": ("-a", "since=2026-01-01"),
        "edinet": ("-a", "since=2025-06-20", "-a", "until=2025-06-30"),
    }
    environment = {**os.environ, "KANAGURA_STORE": str(store), "EDINET_API_KEY": "sample-key"}
    with serve() as world:
        for spider, days in spiders.items():
            words = [
                sys.executable, "-m", "scrapy", "crawl", spider, "-a", "version=2026.11.21", *days,
                "-s", f"KANAGURA_BASE_URLS={json.dumps(world.base_urls)}", "-s", "DOWNLOAD_DELAY=0",
                "-s", "AUTOTHROTTLE_ENABLED=False", "-s", "KANAGURA_RETRY_WAIT=0.1", "-s", "LOG_LEVEL=ERROR",
            ]  # fmt: skip
            status = subprocess.run(words, cwd=ROOT, env=environment, check=False).returncode
            if status not in (0, 3):  # 3: the sample world has an archive that is cut off
                raise click.ClickException(f"the crawl of {spider} ended with status {status}")


def build(copy: Path, captures: Path) -> dict[str, str]:
    """Build in one working copy; return the SHA-256 of every file of the datasets by its path."""
    for name in PACKAGES:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, copy / name)
    store = copy / "store"
    names = []
    for ref in Store(captures).refs():
        if Store(captures).card(ref).kind == "captures":
            shutil.copytree(captures / ref.name / ref.version, store / ref.name / ref.version)
            names.append(ref.name)
    asked = yaml.safe_load((copy / "sample/recipes/fin-sample-documents.yaml").read_text(encoding="utf-8"))
    recipe = copy / "documents.yaml"
    recipe.write_text(
        yaml.safe_dump({**asked, "captures": sorted(set(names))}, allow_unicode=True), encoding="utf-8"
    )
    environment = {
        **os.environ, "PYTHONPATH": str(copy), "KANAGURA_STORE": str(store), "SOURCE_DATE_EPOCH": EPOCH,
    }  # fmt: skip
    questions = yaml.safe_load((copy / "sample/recipes/fin-sample.yaml").read_text(encoding="utf-8"))
    for words in (
        ["corpus", "documents.yaml"],
        ["rephrase", "questions.yaml", "--corpus", "fin-sample-documents"],
        [
            "cards",
            "publish",
            "sample/recipes/fin-sample-public.yaml",
            "--corpus",
            "fin-sample",
            "--to",
            "out",
        ],
    ):
        if words[0] == "rephrase":
            folder = Store(store).path(Store(store).resolve("fin-sample-documents"))
            carry = [name for name in questions["carry"] if (folder / name).is_dir()]
            told = yaml.safe_dump({**questions, "carry": carry}, allow_unicode=True)
            (copy / "questions.yaml").write_text(told, encoding="utf-8")
        subprocess.run(
            [sys.executable, "-m", "kanagura", *words],
            cwd=copy,
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )
    made = [*store.glob("fin-sample*/**/*"), *(copy / "out").rglob("*")]
    return {path.relative_to(copy).as_posix(): sha256_of(path) for path in sorted(made) if path.is_file()}


@click.command()
@click.argument("store", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(store: Path | None) -> None:
    """Compare and print a table; the last line is one JSON object."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        if store is None:
            store = place / "captures"
            crawl(store)
        start = time.perf_counter()
        first, second = (
            build(place / "one", store.resolve()),
            build(place / "copy-of-another-name", store.resolve()),
        )
        seconds = round(time.perf_counter() - start, 1)
    differ = sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name))
    table = Table("version", "files", "that differ", box=None, header_style="bold")
    for version in sorted({"/".join(name.split("/")[:3]) for name in first}):
        of = [name for name in first if name.startswith(f"{version}/")]
        table.add_row(version, f"{len(of):,}", ", ".join(name for name in differ if name in of) or "none")
    Console().print(table)
    click.echo(
        json.dumps({"files": len(first), "differ": differ, "identical": not differ, "seconds": seconds})
    )


if __name__ == "__main__":
    main()
