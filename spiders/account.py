"""What a crawl tells of itself in its card: what came, what did not and why, what publishers said, what it cost."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from scrapy.statscollectors import StatsCollector

from corpus.captures import INDEX
from datacards.rights import counted
from datacards.store import Draft
from spiders.base import CaptureSpider
from spiders.failures import FINAL, UNWANTED
from spiders.keys import BYTES, REQUESTS
from spiders.warc import Segments


def account(draft: Draft, segments: Segments, spider: CaptureSpider, stats: StatsCollector) -> None:
    """Fill the counts, drops, rights and ledgers of a whole crawl's draft.

    ``incomplete`` counts what may be had another time: addresses that failed, and captures that were kept aside for
    a reason that is not final. ``requests`` and ``bytes_downloaded`` are those of the run that finished the version.
    """
    rows, counts = segments.rows, draft.counts
    draft.rows[INDEX] = len(rows)
    counts.update(spider.counts)
    counts["captures"] = len(rows)
    counts["kept_aside"] = rows.number("problem != ''")
    counts["requests"] = stats.get_value(REQUESTS, 0)
    counts["bytes_downloaded"] = stats.get_value(BYTES, 0)
    counts["bytes_new"] = rows.total("n_bytes", "state = 'new'")
    for state in ("new", "unchanged", "carried"):
        counts[f"captures_{state}"] = rows.number(f"state = '{state}'")
    failures = Counter(row["reason"] for row in spider.ledgers.get("failures", []))
    problems = {word: number for word, number in rows.counted("problem").items() if word}
    counts["disallowed"] = sum(number for word, number in failures.items() if word in UNWANTED)
    counts["failed"] = failures.total() - counts["disallowed"]
    passing = sum(number for word, number in problems.items() if word not in spider.final)
    for_good = sum(number for word, number in failures.items() if word in FINAL)
    counts["incomplete"] += counts["failed"] - for_good + passing
    for column in ("status", "media_type", "kind"):
        counts.update({f"{column} {name or 'none'}": n for name, n in rows.counted(column).items()})
    counts.update({f"signal {said}": number for said, number in sorted(spider.heard.items())})
    draft.drops.update(problems)
    draft.drops.update(failures)
    lacking = [row for row in rows if row["problem"] and row["problem"] not in spider.final]
    for row in lacking:
        spider.note("failures", url=row["url"], reason=row["problem"], detail="kept aside")
    draft.rights = counted(Counter(rows.counted("license")), changed=False)
    for stale in draft.path.glob("*.jsonl"):  # of a run that was killed while it finished
        stale.unlink()
    for name, ledger in spider.ledgers.items():
        draft.rows[f"{name}.jsonl"] = len(ledger)
        _write_lines(draft.path / f"{name}.jsonl", ledger)


def nothing(spider: CaptureSpider) -> str:
    """Say that a crawl has captured nothing, and why."""
    reasons = Counter(row["reason"] for row in spider.ledgers.get("failures", []))
    said = ", ".join(f"{reason} {count} times" for reason, count in sorted(reasons.items()))
    return f"nothing was captured ({said or 'every page was missing'})"


def summary(draft: Draft) -> str:
    """Return what a crawl made in one line."""
    counts = draft.counts
    known = counts["captures_unchanged"] + counts["captures_carried"]
    return (
        f"{counts['captures']:,} captures ({counts['captures_new']:,} new, {known:,} unchanged), "
        f"{counts['kept_aside']:,} of them kept aside, {counts['disallowed']:,} unwanted by their publishers, "
        f"{counts['failed']:,} failed; {counts['requests']:,} requests, {counts['bytes_downloaded']:,} bytes downloaded"
    )


def missing(draft: Draft) -> int:
    """Return how many captures the version lacks that may be had another time."""
    return draft.counts["incomplete"]


def _write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    lines = sorted(json.dumps(row, ensure_ascii=False, sort_keys=True) for row in rows)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
