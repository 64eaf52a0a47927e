"""Crawls again what no captures here hold: each source by its own spider, as politely as ever, with what was asked then."""

import os
import re
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import click

from datacards.card import NAME
from datacards.errors import UserError
from datacards.rebuild.release import Release, parsed
from datacards.store import Store

STANDS = (0, 3)  # exit statuses of a crawl after which a version stands: whole, or lacking some
_WORD = re.compile(r"[a-z_]{1,40}")
_VALUE = re.compile(r"[\w:.,-]{1,1000}")


def crawl(store: Store, release: Release, sources: Collection[str], settings: Sequence[str]) -> list[str]:
    """Run ``scrapy crawl`` for the spiders that captured ``sources``; return those that made no version.

    A spider walks its lists and keeps what they say of each document, which texts and dates depend on; robots.txt,
    delays and what publishers say of AI use are obeyed as in any crawl. ``settings`` are the user's, NAME=VALUE.
    """
    failed = []
    for spider, arguments in sorted(asked_then(release, sources).items()):
        given = [word for name, value in arguments.items() for word in ("-a", f"{name}={value}")]
        words = ["crawl", spider, *given, *(word for one in settings for word in ("-s", one))]
        click.echo(f"$ scrapy {' '.join(words)}")
        done = subprocess.run(
            [sys.executable, "-m", "scrapy", *words],
            env={
                **os.environ,
                "SCRAPY_SETTINGS_MODULE": "spiders.settings",
                "KANAGURA_STORE": str(store.place),
            },
            check=False,
        )
        if done.returncode not in STANDS:
            failed.append(spider)
    return failed


def asked_then(release: Release, sources: Collection[str]) -> dict[str, dict[str, str]]:
    """Return the arguments by spider; of several captures of one spider those of the newest."""
    found: dict[str, dict[str, str]] = {}
    known: set[str] = set()
    for ref, told in sorted(release.recipes.items()):
        spider = parsed(ref)
        if told.kind != "captures" or spider is None or not NAME.fullmatch(spider.name):
            continue
        mine = {*told.sources} & {*sources}
        known |= mine
        if mine:
            found[spider.name] = dict(_arguments(told.recipe, mine))
    if lost := sorted({*sources} - known):
        raise UserError(
            "--crawl",
            f"no recipe of the release tells who captures {', '.join(lost)}",
            "",
            "crawl it yourself",
        )
    return found


def _arguments(recipe: Mapping[str, Any], sources: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield what was asked of a spider, as words of a command line; the spider itself checks every value.

    The release may come from anybody, so nothing of it but such words reaches a command; above all no address.
    """
    for name, value in recipe.items():
        if name in ("spider", "version") or not _WORD.fullmatch(name):
            continue
        if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
            value = [one["name"] for one in value if one.get("name") in sources]  # noqa: PLW2901
        listed = value if isinstance(value, list) else [value]
        if listed and all(isinstance(one, str | int) for one in listed):
            text = ",".join(str(one).lower() if isinstance(one, bool) else str(one) for one in listed)
            if _VALUE.fullmatch(text):
                yield name, text
