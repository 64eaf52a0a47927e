"""Two versions of documents: which rows differ, found over all formats, and the reason of each."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from datacards.card import Card
from datacards.diff.base import BaseJudge, Why, recipes
from datacards.diff.derived import DerivedJudge, Edges, Fates, Links
from datacards.diff.evidence import Captures, Drops, Takedowns, Wanted, merged, wanted_of
from datacards.diff.items import Different, Item, Items, different, empty_keys
from datacards.diff.keys import joined
from datacards.diff.pairs import paired, row_of
from datacards.diff.parts import FORMATS, POINTERS, Files, Part, unshared
from datacards.diff.record import Change, Row, Spool
from datacards.diff.versions import Version, asks_for, base_parts
from datacards.diff.written import written
from datacards.keys import among, column_keys, hex_of

BASE = "base"  # not a config: the documents that all others were made from, wherever they lie
Judge = BaseJudge | DerivedJudge


class Rows(NamedTuple):
    """How many rows each format has in both versions, and how many files they share."""

    before: dict[str, int]
    after: dict[str, int]
    shared: int


class Datasets:
    """The rows of two dataset versions; ``work`` is a folder for what is in between."""

    def __init__(self, files: Files, a: Version, b: Version, work: Path) -> None:
        self.files, self.versions, self.work = files, (a, b), work
        self.shared = 0
        self.found: dict[str, Different] = {}
        self.items: dict[str, Items] = {}
        for config in (*FORMATS, POINTERS):
            parts = [files.parts(one.ref, one.card, config) for one in (a, b)]
            if parts[0] or parts[1]:
                self._compare(config, parts[0], parts[1], count=True)
        base = [base_parts(files, one) for one in (a, b)]
        self.bare = not (base[0] and base[1])  # documents of one of them are not in the store
        own = self.found.get("markdown")
        if (
            not own
            or any(part.path.startswith(f"{POINTERS}/") for part in (*base[0], *base[1]))
            or self._borrowed(base)
        ):
            self._compare(BASE, base[0], base[1], count=False)
        else:
            self.found[BASE], self.items[BASE] = own, self.items["markdown"]

    def _borrowed(self, base: Sequence[Sequence[Part]]) -> bool:
        return any(
            part.ref != one.ref for one, parts in zip(self.versions, base, strict=True) for part in parts
        )

    def _compare(self, config: str, a: Sequence[Part], b: Sequence[Part], *, count: bool) -> None:
        one, other, shared = unshared(a, b)
        self.shared += shared if count else 0
        self.found[config] = different(self.files, a, b, (one, other))
        self.items[config] = Items(self.work / config, self.found[config])
        self.items[config].fill(self.files, self.found[config])

    @property
    def at_home(self) -> bool:
        """Whether the base documents are rows of the versions themselves, and no others."""
        return not self.bare and self.items[BASE] is self.items.get("markdown")

    def explain(self, spool: Spool) -> Rows:
        """Write every row that differs, with its reason, and return how many rows there are."""
        evidence = self._evidence()
        fates = Fates(self._base(evidence, spool))
        for config in self.found:
            if config != BASE:
                judge = self._judge(config, evidence, fates)
                for bucket in self.items[config].buckets():
                    told = config == "markdown" and self.at_home  # all but what a generator wrote
                    items = [item for item in bucket if item.generator] if told else bucket
                    spool.add([row for row, _ in _judged(config, items, judge)])
        counted = [(config, found) for config, found in self.found.items() if config != BASE]
        return Rows(
            {config: found.before for config, found in counted},
            {config: found.after for config, found in counted},
            self.shared,
        )

    def _evidence(self) -> "_Evidence":
        parts: list[Wanted] = []
        for config, items in self.items.items():
            for bucket in items.buckets():
                found = wanted_of(bucket)
                needed = config in (BASE, "markdown") or self.bare
                parts.append(found if needed else found._replace(addresses=empty_keys()))
        wanted = merged(parts)
        a, b = self.versions
        return _Evidence(
            Captures(self.files, (a, b), wanted),
            (Drops(self.files, a, wanted), Drops(self.files, b, wanted)),
            Takedowns(self.files, a, b),
        )

    def _base_judge(self, evidence: "_Evidence") -> BaseJudge:
        a, b = self.versions
        return BaseJudge(
            captures=evidence.captures,
            drops=evidence.drops,
            takedowns=evidence.takedowns,
            recipes=recipes(_maker(a), _maker(b)),
            releases=(a.card, b.card),
            gone=self.found[BASE].gone,
        )

    def _base(self, evidence: "_Evidence", spool: Spool) -> Iterator[list[tuple[str, Change, Why]]]:
        """Judge the base documents; write those that are rows of the versions themselves."""
        judge = self._base_judge(evidence)
        if self.bare:
            return
        for bucket in self.items[BASE].buckets():
            base = [item for item in bucket if item.format == "markdown" and not item.generator]
            judged = _judged("markdown", base, judge)
            rows = []
            fates: list[tuple[str, Change, Why]] = []
            for row, why in judged:
                rows.append(row)
                fates += [(name, row.change, why) for name in dict.fromkeys((row.id_a, row.id_b)) if name]
            yield fates
            if self.at_home:
                spool.add(rows)

    def _judge(self, config: str, evidence: "_Evidence", fates: Fates) -> Judge:
        a, b = self.versions
        if self.bare and asks_for(a.card, config) and asks_for(b.card, config):
            return self._base_judge(evidence)
        edges: list[Edges] = []
        first = 0
        for bucket in self.items[config].buckets():
            edges.append(Edges.of(bucket, first))
            first += len(bucket)
        gained = self.found.get(POINTERS)
        texts = [one for name, one in self.found.items() if name in FORMATS] if config == POINTERS else []
        return DerivedJudge(
            config=config,
            cards=(a.card, b.card),
            drops=evidence.drops,
            takedowns=evidence.takedowns,
            own=recipes(a.card, b.card),
            below=recipes(_maker(a), _maker(b)),
            fates=fates,
            links=Links(fates, edges),
            pointers=(gained.gone, gained.new) if gained else (empty_keys(), empty_keys()),
            texts=(joined([one.gone for one in texts]), joined([one.new for one in texts])),
            facts=self._facts(fates) if "generator" in a.card.recipe else "",
            written=written(self.files.store, a, b),
        )

    def _facts(self, fates: Fates) -> str:
        """Return a base document that differs and states facts, "" when there is none."""
        parts = [self.files.parts(one.ref, one.card, "facts") for one in self.versions]
        one, other, _ = unshared(*parts)
        for part in (*other, *one):
            for batch in self.files.batches(part, ["document_id"], needed=["document_id"]):
                at = among(column_keys(batch.column("document_id")), fates.keys)
                if (at >= 0).any():
                    place = int(at[at >= 0][0])
                    change, why = fates[place]
                    return f"for one, those of {hex_of(fates.keys, place)}, which was {change}: {why.reason}"
        return ""


class _Evidence(NamedTuple):
    captures: Captures
    drops: tuple[Drops, Drops]
    takedowns: Takedowns


def _maker(of: Version) -> Card:
    """Return the card of the version that made the base documents: the first one whose recipe has steps."""
    return next((card for _, card in of.all if "steps" in card.recipe), of.card)


def _judged(config: str, items: Sequence[Item], judge: Judge) -> Iterator[tuple[Row, Why]]:
    for a, b in paired(items):
        why = judge.why(a, b)
        yield row_of(config, a, b, *why), why
