"""Reads robots.txt (RFC 9309) without letting a hostile one take the crawl's time or memory."""

import re
from collections.abc import Iterator

from scrapy.crawler import Crawler
from scrapy.robotstxt import ProtegoRobotParser

MAX_FILE = 500 << 10  # bytes that are read (RFC 9309, section 2.5)
ABOUT_SITE = ("sitemap", "host")  # lines that belong to no group and may stand between its names
_NAMING = ("user-agent", "useragent", "user agent")
_TOKEN = re.compile(r"[a-z0-9_-]*", re.IGNORECASE)


class Robots(ProtegoRobotParser):
    """Scrapy's parser, given only the groups that are ever asked for: ours, ``*``, and those of AI crawlers.

    It keeps every rule once for each name of a group: of a file of 60 kB with 2000 names and 2000 rules it makes
    four million.
    """

    @classmethod
    def from_crawler(cls, crawler: Crawler, robotstxt_body: bytes) -> "Robots":
        """Return the parser of one file."""
        names = {"*", token(crawler.settings["USER_AGENT"])}
        names |= {token(name) for name in crawler.settings.getlist("KANAGURA_AI_AGENTS")}
        text = robotstxt_body[:MAX_FILE].decode("utf-8", "replace")
        return cls("".join(essential(text, names)).encode(), crawler.spider)


def essential(text: str, names: set[str]) -> Iterator[str]:
    """Yield the lines of a robots.txt that concern one of ``names`` (tokens, or ``*``), each group under these alone."""
    group: set[str] = set()
    naming = False
    for field, value in fields(text):
        if field == "user-agent":
            group, naming = group if naming else set(), True
            if (name := token(value)) in names and name not in group:
                group.add(name)
                yield f"User-agent: {name}\n"
        else:
            naming = naming and field in ABOUT_SITE
            if group:
                yield f"{field}: {value}\n"


def fields(text: str) -> Iterator[tuple[str, str]]:
    """Yield the lines of a robots.txt as (field in lower case, value), without comments; a colon may be missing."""
    for raw in text.removeprefix("\ufeff").splitlines():
        line = raw.partition("#")[0].strip()
        field, colon, value = line.partition(":")
        if not colon:
            field, _, value = line.partition(" ")
        field = field.strip().lower()
        yield "user-agent" if field in _NAMING else field, value.strip()


def token(agent: str) -> str:
    """Return the product token (RFC 9309, 2.2.1) that begins a User-Agent, in lower case; ``*`` stays."""
    found = _TOKEN.match(agent.strip())
    return found[0].lower() if found and found[0] else agent.strip()[:1]
