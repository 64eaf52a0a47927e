"""Request -> successors of all versions that held what goes, proven clean, and the takedown that withdraws the old ones."""

import json
import shutil
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from datacards.card import Card, Ref
from datacards.errors import UserError
from datacards.profile.tokens import load
from datacards.store import CARD, Draft, Store
from datacards.takedown.affected import affected
from datacards.takedown.eraser import Eraser, Job, Read, Search
from datacards.takedown.plan import Plan, made_meanwhile
from datacards.takedown.removed import Report
from datacards.takedown.tables import RENDERED, Ledger, erase_tables
from datacards.takedown.written import write_receipt
from datacards.withdrawn import TAKEDOWNS


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
        self.laid: dict[str, Path] = {}
        self.notes = Path()
        self.search: Search | None = None

    def run(self) -> Ref:
        """Write all successors, then the takedown that withdraws what they succeed; return its Ref."""
        store, found = self.store, self.plan
        began = time.monotonic()
        with store.write(
            name=TAKEDOWNS,
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
                (
                    s
                    for one in self.erasers
                    if (s := one.search(store, found.versions, found.removed)) is not None
                ),
                None,
            )
            self._check_reason()
            self._fill()
            self._publish()
            self._read_pages()
            if new := made_meanwhile(store, found, self.erasers):
                raise UserError(
                    "takedown",
                    f"{', '.join(map(str, new))} came in meanwhile and may hold what is to go",
                    "nothing is withdrawn yet",
                    "run the same command again: it goes on, and takes that, too",
                )
            further = affected(store, self.reports, self.search)
            draft.made_from = [one for one in self.successors.values() if one.digest]
            write_receipt(
                draft, store, found, self.reports, self.search, self.read, further, time.monotonic() - began
            )
        return store.resolve(f"{TAKEDOWNS}@{found.version}")

    def _check_reason(self) -> None:
        """Raise UserError when the reason, which others may read for good, says itself what is to go."""
        if self.search and self.search.leaks_in(self.plan.request.reason):
            raise UserError("--reason", "says what is to go", "a reason in other words", "say it otherwise")

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
            self.laid[key] = store.path(successor)
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
        draft.tokenizers = [name for name in card.recipe.get("tokenizers", ()) if _is_here(name)]
        report = Report(key, str(successor))
        job = Job(
            store=store,
            ref=ref,
            card=card,
            folder=store.path(ref),
            draft=draft,
            removed=self.plan.removed,
            search=self.search,
            successors=self.successors,
            laid=self.laid,
            notes=self.notes,
            report=report,
        )
        next((one.erase for one in self.erasers if one.made(card)), _erase)(job)
        if not report.files_written and not report.rows.total():
            self._give_up(key)
            return
        self.laid[key] = draft.path
        read = self._check(draft)
        self.read.add(read)
        said = {"report": vars(report), "read": vars(read)}
        noted.with_suffix(".part").write_text(json.dumps(said, ensure_ascii=False), "utf-8")
        noted.with_suffix(".part").replace(noted)
        self.reports.append(report)

    def _remember(self, noted: Path) -> None:
        said = json.loads(noted.read_text("utf-8"))
        self.reports.append(Report.of(said["report"]))
        self.read.add(Read(**said["read"]))

    def _give_up(self, key: str) -> None:
        """Throw away the draft of a version that loses nothing: it stays as it is."""
        one = self.open.pop()
        shutil.rmtree(one.draft.path)
        with suppress(_NothingLostError):
            one.context.__exit__(_NothingLostError, _NothingLostError(), None)
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
            raise UserError(
                "takedown", f"pages still say what is to go ({told})", "nothing is withdrawn", "report it"
            )


def _is_here(tokenizer: str) -> bool:
    """Tell whether tokens can be counted again: a removal does not wait for a tokenizer that is gone."""
    try:
        load(tokenizer)
    except UserError:
        return False
    return True


class _NothingLostError(Exception):
    """Ends the draft of a version that stays."""


def _erase(job: Job) -> None:
    """Fill the draft of a version that no plug-in knows: rows are told by their ids, parents and addresses."""
    ledger = Ledger(job.card)
    erase_tables(job, ledger)
    ledger.settle(job.draft)
