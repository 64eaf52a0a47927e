"""``make demo``: the whole mission on the sample world, by the same commands that a user types.

The sample world is served on loopback and reached through base URLs in settings; no stage knows of it.
A second run finds the finished versions, says so, and ends in seconds.
"""

import json
import os
import resource
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click
from rich.console import Console
from rich.rule import Rule
from rich.table import Table

INCOMPLETE = 3  # the exit status of a crawl that lacks something (spiders/commands/crawl.py)
ROOT = Path(__file__).resolve().parent.parent
RECIPES = Path("sample") / "recipes"
VERSION = "2026.11.21"
SPIDERS = (
    "boj_speeches", "boj_press_conferences", "boj_minutes", "boj_opinions", "boj_statements", "boj_outlook",
    "institutions", "edinet", "wikipedia",
)  # fmt: skip
SITES = ("spiders/sites", "sample/sites")
SINCE = {
    "edinet": ("-a", "since=2025-03-01", "-a", "until=2026-06-30"),
    "boj_speeches": ("-a", "since=2005-01-01"),
    "boj_press_conferences": ("-a", "since=2005-01-01"),
    "boj_minutes": ("-a", "since=2023-01-01"),
    "boj_opinions": ("-a", "since=2023-01-01"),
    "boj_statements": ("-a", "since=2023-01-01"),
    "boj_outlook": ("-a", "since=2023-01-01"),
}
MODELS = {
    "base": f"sample-base@{VERSION}",
    "instruct": f"sample-instruct@{VERSION}",
    "domain": f"fin-sample-cpt@{VERSION}",
    "merged": f"fin-sample-inst@{VERSION}",
}
console = Console()


@dataclass
class Demo:
    """Runs commands one after another and remembers how long each took."""

    folder: Path
    environment: dict[str, str]
    took: list[tuple[str, float]] = field(default_factory=list)

    def run(self, what: str, *words: str) -> None:
        """Run one command as a user would type it; stop the demo with its status when it fails.

        A crawl may lack something: the sample world has documents that are broken on purpose.
        """
        console.print(Rule(what, align="left"))
        console.print(f"[dim]$ {shlex.join(words)}[/]", soft_wrap=True, highlight=False)
        start = time.monotonic()
        program = Path(sys.executable).parent / words[0]
        status = subprocess.run(
            [str(program), *words[1:]], cwd=ROOT, env=self.environment, check=False
        ).returncode
        self.took.append((what, time.monotonic() - start))
        if status and not (words[:2] == ("scrapy", "crawl") and status == INCOMPLETE):
            console.print(
                f"[red]'{words[0]}' ended with status {status}[/]; finished versions are kept: run again."
            )
            raise SystemExit(status)


@contextmanager
def world(port: int) -> Iterator[dict[str, str]]:
    """Serve the sample world in a process of its own; yield its base URLs."""
    words = [sys.executable, "-m", "sample.world", "--port", str(port)]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout  # noqa: S101  for the type checker: a pipe was asked for
        line = process.stdout.readline()
        if not line:
            raise SystemExit(1)  # the world has said why
        try:
            yield json.loads(line)["base_urls"]
        finally:
            process.terminate()


def crawl(demo: Demo, base_urls: dict[str, str]) -> None:
    """Capture every source of the sample world."""
    files = {path.stem for folder in SITES for path in (ROOT / folder).glob("*.yaml")}
    served = ",".join(sorted(files & base_urls.keys()))  # the others are real sites
    given = {**SINCE, "institutions": ("-a", f"sites={served}", "-s", f"KANAGURA_SITES={','.join(SITES)}")}
    for spider in SPIDERS:
        demo.run(
            f"crawl {spider}",
            "scrapy", "crawl", spider, "-a", f"version={VERSION}", *given.get(spider, ()),
            "-s", f"KANAGURA_BASE_URLS={json.dumps(base_urls)}",
            "-s", "DOWNLOAD_DELAY=0", "-s", "AUTOTHROTTLE_ENABLED=False", "-s", "KANAGURA_RETRY_WAIT=0.1",
            "-s", "LOG_LEVEL=WARNING",
        )  # fmt: skip


def build(demo: Demo, report: Path) -> None:
    """Captures -> corpus -> questions -> domain model -> merged model -> scores -> one page."""
    demo.run("base and instruct model, made on the spot", "python", "-m", "sample.models")
    demo.run("everyday text, to see what is forgotten", "python", "-m", "sample.general")
    demo.run("corpus", "kanagura", "corpus", str(RECIPES / "fin-sample-documents.yaml"))
    demo.run(
        "rephrase", "kanagura", "rephrase", str(RECIPES / "fin-sample.yaml"),
        "--corpus", f"fin-sample-documents@{VERSION}",
    )  # fmt: skip
    demo.run(
        "publish", "kanagura", "cards", "publish", str(RECIPES / "fin-sample-public.yaml"),
        "--corpus", f"fin-sample@{VERSION}", "--to", str(report.parent / "published"),
    )  # fmt: skip
    demo.run(
        "open what was published", "python", "-m", "sample.opened",
        str(report.parent / "published" / "fin-sample-public" / VERSION),
    )  # fmt: skip
    trained = (str(RECIPES / "train-sample.yaml"), "--corpus", f"fin-sample@{VERSION}")
    demo.run("what training will take", "train", "plan", *trained)
    demo.run("train", "train", *trained, "--validate", f"sample-general@{VERSION}")
    demo.run("merge", "merge", str(RECIPES / "merge-sample.yaml"), "--domain", MODELS["domain"])
    for role, model in MODELS.items():
        demo.run(
            f"eval {role}", "kanagura", "eval", str(RECIPES / "eval-sample.yaml"),
            "--model", model, "--corpus", f"fin-sample@{VERSION}",
        )  # fmt: skip
    scored = [f"{model.partition('@')[0]}-fin@{VERSION}" for model in MODELS.values()]
    demo.run("compare", "kanagura", "eval", "compare", *scored, "--baseline", scored[0])
    demo.run(
        "tables and figures", "kanagura", "eval", "report", *scored, "--out", str(report.parent / "evaluation")
    )
    demo.run("verify every version", "kanagura", "cards", "verify")
    demo.run("lineage of the final score", "kanagura", "cards", "lineage", scored[-1])
    demo.run("report", "kanagura", "cards", "report", *scored, "--out", str(report))
    demo.run("site", "kanagura", "cards", "site", str(report.parent / "site"))


def farewell(demo: Demo, report: Path) -> None:
    """Say what was made, where, at what cost, and what to try next."""
    table = Table("step", "seconds", box=None, header_style="bold")
    for what, seconds in demo.took:
        table.add_row(what, f"{seconds:,.1f}")
    table.add_row("[bold]all[/]", f"[bold]{sum(seconds for _, seconds in demo.took):,.1f}[/]")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024**2
    size = sum(p.stat().st_size for p in demo.folder.rglob("*") if p.is_file()) / 1e6
    console.print(Rule("done", align="left"))
    console.print(table)
    console.print(f"Largest process: {peak:.2f} GiB. On disk: {size:,.0f} MB.\n")
    store = demo.environment["KANAGURA_STORE"]
    console.print(
        f"Made: a corpus in six formats, what of it may be given to others, a domain model, a merged model and four score "
        f"sheets, in [bold]{store}[/].\n"
        f"Read: [bold]{report}[/] and [bold]{report.parent / 'site' / 'index.html'}[/] in a browser.\n\n"
        "Try next, on the real sources (README, 'The real thing'):\n"
        "  scrapy crawl boj_speeches -a since=2026-01-01\n"
        "  EDINET_API_KEY=... scrapy crawl edinet -a since=2026-06-20 -a until=2026-06-30\n"
        "  kanagura corpus corpus/recipes/fin-ja.yaml",
        highlight=False,
        soft_wrap=True,
    )


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("build/demo"), show_default=True)
@click.option("--port", default=8790, show_default=True, help="The first of some neighboring loopback ports.")
def main(out: Path, port: int) -> None:
    """Run the whole mission on the sample world: from a crawl to a merged, evaluated model."""
    environment = {
        **os.environ,
        "KANAGURA_STORE": str(out / "store"),
        "EDINET_API_KEY": "sample-key",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONWARNINGS": "ignore",
    }
    report = out / "report.html"
    demo = Demo(ROOT / out, environment)
    with world(port) as base_urls:
        crawl(demo, base_urls)
    build(demo, report)
    farewell(demo, report)


if __name__ == "__main__":
    main()
