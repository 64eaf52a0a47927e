"""Politeness: when the requests of a crawl with the shipped settings reach each host of the sample world.

``python -m bench.politeness [--since DAY]`` crawls the sample bank's speeches since that day, with no setting but the
addresses. A rate counts the requests behind the first one; a gap is the time between the arrivals of two requests.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from scrapy.utils.project import get_project_settings

from sample.companies import JST
from sample.world import serve

ROOT = Path(__file__).parent.parent


def arrivals(since: str) -> dict[str, list[float]]:
    """Return when requests came to each host, in seconds; SystemExit when the crawl fails."""
    moments: list[float] = []

    def now() -> datetime:  # the world asks for the time once for every request
        moments.append(time.monotonic())
        return datetime.now(JST)

    with serve(now=now) as world, tempfile.TemporaryDirectory() as folder:
        program = str(Path(sys.executable).with_name("scrapy"))
        bases = f"KANAGURA_BASE_URLS={json.dumps(dict(world.base_urls))}"
        words = [
            program,
            "crawl",
            "boj_speeches",
            "-a",
            f"since={since}",
            "-s",
            bases,
            "-s",
            "LOG_LEVEL=ERROR",
        ]
        done = subprocess.run(words, cwd=ROOT, env={**os.environ, "KANAGURA_STORE": folder}, check=False)
        if done.returncode:
            raise SystemExit(f"the crawl ended with status {done.returncode}")
        found: dict[str, list[float]] = defaultdict(list)
        for (host, _), moment in zip(world.requests, moments, strict=True):
            found[host].append(moment)
        return found


@click.command()
@click.option("--since", default="2026-01-01", show_default=True, help="The first day of the speeches.")
def main(since: str) -> None:
    """Crawl once and print how often each host was asked; the last line is one JSON object."""
    delay = get_project_settings().getfloat("DOWNLOAD_DELAY")
    table = Table("host", "requests", "span s", "requests/s", "smallest gap s", box=None, header_style="bold")
    rates, gaps = [], []
    requests = 0
    for host, moments in sorted(arrivals(since).items()):
        span = moments[-1] - moments[0]
        requests += len(moments)
        if len(moments) > 1:
            rates.append((len(moments) - 1) / span)
            gaps.append(min(later - earlier for earlier, later in pairwise(moments)))
            table.add_row(host, str(len(moments)), f"{span:.1f}", f"{rates[-1]:.2f}", f"{gaps[-1]:.3f}")
    Console().print(table)
    told = {
        "requests": requests,
        "requests_per_s": round(max(rates), 3),
        "smallest_gap_s": round(min(gaps), 3),
        "gap_over_delay": round(min(gaps) / delay, 3),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
