"""The spider of a Wikipedia dump: finance articles, chosen by a walk down the categories, one capture for each.

The files of a dump are larger than memory. They are fetched in pieces into the working folder, or lie in a local
one, and are read as streams; a capture holds the bytes of one ``<page>`` as they stand in the dump.
"""

from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scrapy import Request
from scrapy.exceptions import CloseSpider, DownloadCancelledError
from scrapy.http import Response
from scrapy.settings import BaseSettings
from twisted.python.failure import Failure

from corpus.document import Capture
from datacards.errors import from_os_error
from datacards.lineage import read_jsonl
from datacards.store import Store
from spiders.arguments import Arguments
from spiders.base import MAX_HOPS, CaptureSpider, Errand, Found
from spiders.records import Carried
from spiders.wikipedia.arguments import WikipediaArguments
from spiders.wikipedia.categories import Choice
from spiders.wikipedia.choice import Chosen, by_links, by_tables, usable
from spiders.wikipedia.dump import LICENSE, Dump, Origin, articles
from spiders.wikipedia.files import LATEST, assumed, listed_in, sums_name
from spiders.wikipedia.spool import Spool
from spiders.wikipedia.sql import Table
from spiders.wikipedia.stream import Breath, Distance, sha1_of
from spiders.wikipedia.unchanged import LEDGERS, article_rows, counts_of, is_unchanged

PIECE = "KANAGURA_DUMP_PIECE"  # the setting: bytes asked for at a time


class Wikipedia(CaptureSpider):
    """One dump: its list of sums, its tables of categories, then its pages; nothing large is ever in memory."""

    name = "wikipedia"
    description = "Finance articles of the Japanese Wikipedia, page by page as in a dump"
    license = LICENSE
    bases = ("wikipedia",)
    arguments = WikipediaArguments
    custom_settings = {  # noqa: RUF012  Scrapy declares it so
        PIECE: 16 << 20,
        "DOWNLOAD_TIMEOUT": 600,
        "COMPRESSION_ENABLED": False,  # a piece of a file that a server declares compressed must stay as it is
        "CONCURRENT_ITEMS": 8,
    }
    asked: WikipediaArguments

    def __init__(self, name: str | None = None, **given: str) -> None:
        super().__init__(name, **given)
        self.choice = self.asked.choice()
        self.listed = self.asked.local() or assumed(self.asked.wiki, self.asked.date)
        self.paths: dict[str, Path] = {}  # of the files that are here, by what they are for
        self.sha1: dict[str, str] = {}
        self.absent: set[str] = set()
        self.distances: dict[str, Distance] = {}
        self.spool: Spool | None = None  # of the dump itself, when it was fetched

    @classmethod
    def request(cls, asked: Arguments, settings: BaseSettings) -> dict[str, Any]:
        """Return the recipe with the choice itself; of a local folder only its name."""
        assert isinstance(asked, WikipediaArguments)  # noqa: S101  made by read_arguments
        said = super().request(asked, settings)
        for name in ("folder", "categories", *Choice.model_fields):
            del said[name]
        asked.local()
        folder = {"folder": asked.folder.name} if asked.folder else {}
        return {**said, **folder, "choice": asked.choice().model_dump(mode="json")}

    # -- fetching ------------------------------------------------------------------------------------------

    async def start(self) -> AsyncIterator[Any]:
        """Read the local folder, or ask for the first file."""
        if self.asked.folder is None:
            async for request in super().start():
                yield request
            return
        for role, name in self.listed.names.items():
            self.paths[role] = self.asked.folder / name
            if not await self._summed(role):
                self.note_failure(self._where(role), "sha1_mismatch", "what can be read of it is read")
        async for capture in self._captures():
            yield capture

    def first(self) -> Iterable[Request]:
        """Ask for the list of sums: it also says which date the latest dump has."""
        wiki, date = self.asked.wiki, self.asked.date
        url = self.addresses.url("wikipedia", f"/{wiki}/{date}/{sums_name(wiki, date)}")
        yield self.ask(url, {"kind": "index"}, self._begin, vital=True, always=True)

    def _begin(self, response: Response | None, errand: Errand) -> Found:
        if response is not None:
            listed = listed_in(response.body.decode("utf-8", "replace"), self.asked.wiki)
            if listed is None:
                self.give_up(response.url, "lists no pages-articles.xml.bz2", "check the date of the dump")
            self.listed = listed
        elif self.asked.date == LATEST:
            self.give_up(
                f"{self.asked.wiki} latest", "there is no list of sums", "name a date: -a date=YYYYMMDD"
            )
        unchanged = list(self._unchanged())
        yield from unchanged or self._ask_next()

    def _unchanged(self) -> Iterator[Carried]:
        """Take every article from the newest earlier version if another crawl would find the same."""
        store = Store.default()
        if not self.before:
            return
        folder = self.before[-1]
        card = store.card(store.resolve(f"{self.name}@{folder.name}"))
        if not is_unchanged(folder, card, self.listed, self.choice.model_dump(mode="json")):
            return
        rows = list(article_rows(folder))
        if not all(self.earlier(url) for url, _ in rows):  # one is damaged, or holds its body elsewhere
            return
        self.logger.info("the dump and the choice are those of %s: nothing is fetched", folder.name)
        for ledger in LEDGERS:
            for row in read_jsonl(folder / f"{ledger}.jsonl"):
                self.note(ledger, **row)
        self.counts.update({**counts_of(card), "dump unchanged": 1})
        for url, license_ in rows:
            yield Carried(url, self.name, license_, {"kind": "article"})

    def _ask_next(self) -> Found:
        for role in self._needed():
            if role not in self.paths and role not in self.absent:
                name = self.listed.names[role]
                yield self._piece(Spool(role, self._where(role), self.work / name))
                return

    def _needed(self) -> list[str]:
        """Return what is needed in the order of fetching: the tables, unless one is not to be had, and the dump."""
        tables = ["categorylinks", "page"]
        if path := self.paths.get("categorylinks"):
            links = Table(path, "categorylinks")
            if "cl_target_id" in links.columns:
                tables.insert(1, "linktarget")
            if not usable(links):
                return ["dump"]
        there = all(role in self.listed.names and role not in self.absent for role in tables)
        return [*tables, "dump"] if there else ["dump"]

    def _piece(self, spool: Spool, url: str = "", way: tuple[str, ...] = ()) -> Request:
        errand = Errand({"kind": "piece"}, self.name, vital=True, way=way, carried=spool)
        return self._request(url or spool.url, errand).replace(
            headers=spool.headers(self.settings.getint(PIECE)),
            callback=self.piece,
            errback=self.piece_lost,
            dont_filter=True,
        )

    async def piece(self, response: Response, errand: Errand) -> AsyncIterator[Any]:
        """Put a piece into its file and ask for the next one; read the dump when all is here."""
        spool: Spool = errand.carried
        if 300 <= response.status < 400:
            yield self._moved(response, errand)
            return
        if response.status in (404, 410) and spool.role != "dump":
            self.absent.add(spool.role)
            self.logger.warning("%s is not there: articles are chosen by the links in their text", spool.url)
        elif await self._more(spool, response):
            yield self._piece(spool)
            return
        for request in self._ask_next():
            yield request
        if "dump" in self.paths:
            async for capture in self._captures():
                yield capture

    async def _more(self, spool: Spool, response: Response) -> bool:
        """Take a piece; return whether another one is needed. Ends the crawl when the server answers oddly."""
        try:
            wrong = spool.take(response)
        except OSError as error:
            self.failure = from_os_error(error, f"{self.name}@{self.asked.version}")
            raise CloseSpider("failed") from error
        if wrong:
            self.note_failure(spool.url, wrong)
            self.give_up(spool.url, f"answered with {wrong}")
        if spool.role not in self.distances:
            self.distances[spool.role] = Distance(f"fetching {spool.path.name}", spool.total)
        self.distances[spool.role].at(spool.size)
        if not spool.whole:
            return True
        self.distances.pop(spool.role).close()
        self.paths[spool.role] = spool.path
        if spool.role == "dump":
            self.spool = spool
        if await self._summed(spool.role):
            return False
        if not spool.refetched:
            self.logger.warning("%s has another sum than the published one: once again", spool.url)
            spool.restart()
            spool.refetched = True
            del self.paths[spool.role]
            return True
        self.note_failure(spool.url, "sha1_mismatch", "twice; what can be read of it is read")
        return False

    def _moved(self, response: Response, errand: Errand) -> Request:
        where = (response.headers.get("Location") or b"").decode("latin-1")
        url = self.addresses.canonical(where, response.url) if where else ""
        if not url or len(errand.way) >= MAX_HOPS:
            self.note_failure(response.url, "redirect_elsewhere", where)
            self.give_up(response.url, f"redirects to {where or 'nowhere'}")
        return self._piece(errand.carried, url, (*errand.way, response.url))

    def piece_lost(self, failure: Failure) -> Iterable[Any]:
        """Begin a file anew that changed on a server that then sends it whole; else end the crawl."""
        request: Request = failure.request  # type: ignore[attr-defined]
        spool: Spool = request.cb_kwargs["errand"].carried
        if isinstance(failure.value, DownloadCancelledError) and "If-Range" in request.headers:
            spool.restart()
            yield self._piece(spool)
            return
        yield from self.lost(failure)
        self.give_up(spool.url, "cannot be fetched (see above)")

    async def _summed(self, role: str) -> bool:
        """Return whether a file has the published sum, if there is one."""
        try:
            self.sha1[role] = await Breath(self._ending).between(sha1_of(self.paths[role]))
        except OSError as error:
            self.failure = from_os_error(error, self.listed.names[role])
            raise CloseSpider("failed") from error
        return self.sha1[role] == self.listed.sums.get(self.listed.names[role], self.sha1[role])

    def _where(self, role: str) -> str:
        """Return the address of a file; of a local one its name, since where it lies concerns nobody else."""
        name = self.listed.names[role]
        where = f"/{self.asked.wiki}/{self.listed.date}/{name}"
        return name if self.asked.folder else self.addresses.url("wikipedia", where)

    def _ending(self) -> bool:
        return self.failure is not None or not self.crawler.crawling

    # -- reading -------------------------------------------------------------------------------------------

    async def _captures(self) -> AsyncIterator[Capture]:
        """Yield the wanted articles of the files that are here, then tell what was found and what was not."""
        breath = Breath(self._ending)
        tables = [role for role in self._needed() if role != "dump"]
        if tables and all(usable(Table(self.paths[role], role)) for role in tables):
            steps = by_tables(self.paths, self.choice)
        else:
            tables, steps = [], by_links(self.paths["dump"], self.choice)
        chosen = await breath.between(steps)
        self._tell_choice(chosen, tables)
        dump = Dump(self.paths["dump"])
        for capture in articles(dump, chosen.rank, chosen.tree.path, self._origin(), self.counts):
            if capture is not None:
                yield capture
            await breath.take()
        self._tell_dump(dump, chosen)

    def _origin(self) -> Origin:
        path = self.paths["dump"]
        saved = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        return Origin(
            wiki=self.asked.wiki,
            date=self.listed.date,
            file=self.listed.names["dump"],
            sha1=self.sha1["dump"],
            # Equal for a run that goes on after a stop, so that its captures are those that are there already.
            fetched_at=self.spool.fetched_at if self.spool else min(saved, datetime.now(UTC)),
            signals=self.spool.signals if self.spool else {},
        )

    def _tell_choice(self, chosen: Chosen, tables: list[str]) -> None:
        for role in [*tables, "dump"]:
            name = self.listed.names[role]
            self.note(
                "files", role=role, name=name, date=self.listed.date, sha1=self.sha1[role],
                bytes=self.paths[role].stat().st_size, published_sha1=self.listed.sums.get(name, ""),
            )  # fmt: skip
        for role, damage in chosen.damages.items():
            self.note_failure(self._where(role), "truncated_table", damage)
        self.counts["chosen by tables" if tables else "chosen by links in the text"] = 1

    def _tell_dump(self, dump: Dump, chosen: Chosen) -> None:
        where = self._where("dump")
        for said in dump.broken:
            self.note_failure(where, "broken_page", said)
        self.counts["skipped broken_page"] = dump.unread
        if dump.damage:
            self.note_failure(where, "truncated_dump", dump.damage)
        for what, count in chosen.missing.items():
            self.counts[f"missing {what}"] = count
        rows = list(chosen.tree.rows())
        self.counts["categories entered"] = sum(bool(row["entered"]) for row in rows)
        self.counts["categories not entered"] = len(rows) - self.counts["categories entered"]
        for row in rows:
            self.note("categories", **row)
        used = {row["parent"] for row in rows}
        idle = [root for root in self.choice.roots if root not in used and not chosen.tree.holds(root)]
        self.counts["roots that lead nowhere"] = len(idle)
        self.logger.info("roots without any page or category below them: %s", ", ".join(idle) or "none")
        if not self.counts["articles"]:
            self.give_up(
                where, "holds no wanted article", "check the dump (see above) and the roots of the walk"
            )
