"""Request -> successors of all versions that held what goes, proven clean, and the takedown that withdraws the old ones."""

import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tqdm import tqdm

from datacards import plugins
from datacards.card import Card, Ref
from datacards.errors import UserError
from datacards.store import CARD, Draft, Store
from datacards.takedown import receipt as papers
from datacards.takedown.affected import Affected, affected
from datacards.takedown.eraser import Eraser, Job, Read, Search
from datacards.takedown.removed import Removed, Report
from datacards.takedown.request import Request
from datacards.takedown.tables import RENDERED, Ledger, erase_tables
from datacards.takedown.written import write_receipt

GROUP = "kanagura.erasers"
Step = Callable[[str], None]


@dataclass
class Plan:
    """What a takedown is about to do: what goes, and which versions are looked through, in order of lineage."""

    request: Request
    version: str
    removed: Removed
    versions: list[Ref]
    successors: dict[str, Ref] = field(default_factory=dict)


def built_in() -> list[Eraser]:
    """Return the erasers of all stages that are installed."""
    return [plugins.make(GROUP, name, {}) for name in plugins.names(GROUP)]


def plan(store: Store, request: Request, erasers: Sequence[Eraser], day: str = "") -> Plan | None:
    """Return what a request takes out of a store, None when nothing there holds it. Writes nothing."""
    request.checked()
    told = {"request": request.told()}
    begun = store.unfinished(papers.NAME, kind="takedown", recipe=told)
    noted = _noted(store, begun) if begun else {}
    version = begun or _free(store, papers.NAME, day or f"{datetime.now(UTC):%Y.%m.%d}", set())
    gone, new = papers.withdrawn(store), set(noted.values())
    versions = [ref for ref in store.refs() if str(ref) not in gone and str(ref) not in new]
    removed = next((found for one in erasers if (found := one.find(store, versions, request)) is not None), None)
    if removed is None:
        raise UserError("takedown", "no plug-in knows captures and documents", f"one of the group {GROUP}", "install it")
    held = ordered(store, versions, removed.versions)
    if not held:
        return None
    successors: dict[str, Ref] = {}
    for ref in held:
        taken = {one.version for one in successors.values() if one.name == ref.name}
        planned = noted.get(str(ref), "").partition("@")[2] or _free(store, ref.name, ref.version, taken, behind=True)
        successors[str(ref)] = Ref(name=ref.name, version=planned)
    return Plan(request, version, removed, held, successors)


def _noted(store: Store, version: str) -> dict[str, str]:
    path = store.root / ".drafts" / f"{papers.NAME}@{version}" / ".work" / "plan.json"
    return json.loads(path.read_text("utf-8")) if path.is_file() else {}


def _free(store: Store, name: str, version: str, taken: set[str], *, behind: bool = False) -> str:
    known = {ref.version for ref in store.refs(name)} | taken
    if not behind and version not in known:
        return version
    day = ".".join(version.split(".")[:3])
    return next(found for n in range(1, len(known) + 2) if (found := f"{day}.{n}") not in known)


def ordered(store: Store, versions: Sequence[Ref], seeds: set[str]) -> list[Ref]:
    """Return the versions to be looked through, each behind what it was made from.

    These are the ``seeds``, all captures of their names, which may point at their bodies or list them, and all
    datasets that were made from any of them.
    """
    cards = {str(ref): store.card(ref) for ref in versions}
    names = {seed.partition("@")[0] for seed in seeds if seed in cards and cards[seed].kind == "captures"}
    chosen = {key for key, card in cards.items() if key in seeds or (card.kind == "captures" and card.name in names)}
    if not seeds & set(cards):
        return []
    while True:
        more = {
            key
            for key, card in cards.items()
            if key not in chosen and card.kind == "dataset" and any(str(one) in chosen for one in card.made_from)
        }
        if not more:
            break
        chosen |= more
    found: list[Ref] = []
    left = [ref for ref in versions if str(ref) in chosen]
    while left:
        for ref in left:
            inputs = {str(one) for one in cards[str(ref)].made_from}
            if not inputs & {str(one) for one in left}:
                found.append(ref)
                left.remove(ref)
                break
        else:
            raise UserError("takedown", f"{left[0]} is made from itself", todo="see: kanagura cards verify")
    return found


@dataclass
class Open:
    """A successor whose draft is filled and not yet published."""

    ref: Ref
    card: Card
    draft: Draft
    context: AbstractContextManager[Draft]


class Takedown:
    """Carries out a plan; killed at any moment, the same plan goes on where it stopped."""

    def __init__(self, store: Store, found: Plan, erasers: Sequence[Eraser]) -> None:
        self.store, self.plan, self.erasers = store, found, erasers
        self.successors = dict(found.successors)
        self.reports: list[Report] = []
        self.read = Read()
        self.open: list[Open] = []
        self.notes = Path()
        self.search: Search | None = None

    def run(self) -> Ref:
        """Write all successors, then the takedown that withdraws what they succeed; return its Ref."""
        store, found = self.store, self.plan
        began = time.monotonic()
        with store.write(
            name=papers.NAME,
            version=found.version,
            kind="takedown",
            recipe={"request": found.request.told()},
            description=f"Texts taken down: {found.request.reason}",
        ) as draft:
            draft.clear()
            self.notes = draft.work / "notes"
            self.notes.mkdir(exist_ok=True)
            plan_path = draft.work / "plan.json"
            part = plan_path.with_suffix(".part")
            part.write_text(json.dumps({k: str(v) for k, v in found.successors.items()}), "utf-8")
            part.replace(plan_path)
            for ref in found.versions:
                store.verified(str(ref), store.card(ref).kind)
            self.search = next(
                (s for one in self.erasers if (s := one.search(store, found.versions, found.removed)) is not None), None
            )
            self._fill()
            self._publish()
            self._read_pages()
            further = affected(store, self.reports, self.search)
            draft.made_from = [one for one in self.successors.values() if one.digest]
            write_receipt(draft, store, found, self.reports, self.search, self.read, further, time.monotonic() - began)
        return store.resolve(f"{papers.NAME}@{found.version}")

    def _fill(self) -> None:
        """Fill the drafts of all successors; should one fail, none of them is published."""
        try:
            for ref in tqdm(self.plan.versions, desc="taking down", unit=" versions", disable=None):
                self._fill_one(ref)
        except BaseException as error:
            for one in self.open:
                with suppress(type(error)):
                    one.context.__exit__(type(error), error, error.__traceback__)
            raise

    def _fill_one(self, ref: Ref) -> None:
        store, key = self.store, str(ref)
        successor, card = self.successors[key], store.card(ref)
        noted = self.notes / f"{key}.json"
        if (digest := store.digest(successor)) and noted.is_file():
            self.successors[key] = successor.model_copy(update={"digest": digest})
            self._remember(noted)
            return
        context = store.write(
            name=ref.name,
            version=successor.version,
            kind=card.kind,
            recipe=card.recipe,
            description=card.description,
        )
        draft = context.__enter__()
        self.open.append(Open(ref, card, draft, context))
        draft.clear()
        draft.metrics, draft.device = dict(card.metrics), card.provenance.device
        report = Report(key, str(successor))
        job = Job(
            store, ref, card, store.path(ref), draft, self.plan.removed, self.search, self.successors, self.notes, report
        )
        next((one.erase for one in self.erasers if one.made(card)), _erase)(job)
        if not report.files_written and not report.rows.total():
            self._give_up(key)
            return
        read = self._check(draft)
        self.read.add(read)
        said = {"report": asdict(report), "read": asdict(read)}
        noted.with_suffix(".part").write_text(json.dumps(said, ensure_ascii=False), "utf-8")
        noted.with_suffix(".part").replace(noted)
        self.reports.append(report)

    def _remember(self, noted: Path) -> None:
        said = json.loads(noted.read_text("utf-8"))
        self.reports.append(Report(**said["report"]))
        self.read.add(Read(**said["read"]))

    def _give_up(self, key: str) -> None:
        """Throw away the draft of a version that loses nothing: it stays as it is."""
        one = self.open.pop()
        shutil.rmtree(one.draft.path)
        with suppress(_NothingLost):
            one.context.__exit__(_NothingLost, _NothingLost(), None)
        (self.store.root / ".drafts" / f"{self.successors.pop(key)}.lock").unlink(missing_ok=True)

    def _check(self, draft: Draft) -> Read:
        """Search every file of a draft; raise UserError when one still says what only removed texts say."""
        read = Read()
        paths = sorted(p for p in draft.path.rglob("*") if p.is_file() and draft.work not in p.parents)
        for path in paths if self.search else ():
            read.add(self.search.read_file(path))  # type: ignore[union-attr]
        if read.leaks:
            told = ", ".join(dict.fromkeys(read.where))
            raise UserError(
                "takedown",
                f"{read.leaks} strings still say what is to go ({told})",
                "nothing was published",
                "report it",
            )
        return read

    def _publish(self) -> None:
        """Publish the successors in order of lineage, each made from those of its inputs."""
        while self.open:
            one = self.open.pop(0)
            one.draft.made_from = [self.successors.get(str(below), below) for below in one.card.made_from]
            try:
                one.context.__exit__(None, None, None)
            except BaseException as error:
                self.open, left = [], self.open
                for other in left:
                    with suppress(type(error)):
                        other.context.__exit__(type(error), error, error.__traceback__)
                raise
            key = str(one.ref)
            self.successors[key] = self.store.resolve(str(self.successors[key]))

    def _read_pages(self) -> None:
        """Search the pages that the store itself made of the successors: card, README, profile."""
        for successor in self.successors.values():
            folder = self.store.path(successor)
            pages = [folder / name for name in (*RENDERED, CARD)] + sorted(folder.glob("plots/*.svg"))
            for path in pages if self.search else ():
                if path.is_file():
                    self.read.add(self.search.read_file(path))  # type: ignore[union-attr]
        if self.read.leaks:
            told = ", ".join(self.read.where)
            raise UserError("takedown", f"pages still say what is to go ({told})", "nothing is withdrawn", "report it")


class _NothingLost(Exception):
    """Ends the draft of a version that stays."""


def _erase(job: Job) -> None:
    """Fill the draft of a version that no plug-in knows: rows are told by their ids, parents and addresses."""
    ledger = Ledger(job.card)
    erase_tables(job, ledger)
    ledger.settle(job.draft)
