"""Questions without a model: what the generator ``facts`` makes of any files, and what of it passes the checks.

``python -m bench.facts [PATH ...] [--root CATEGORY ...] [--samples N] [--seed N] [--plot FILE]`` takes files and folders:
EDINET packages and instances, lists of companies, glossaries and taxonomies, pages, PDF files, Wikipedia dumps (of
which the articles below the categories ``--root`` count); without any it takes packages of the sample companies.
Whatever gives no document is counted as ``files_without``.

Per kind of document and kind of question: ``items`` that pass all checks of ``rephrase.validate``, ``each`` of them a
document, ``passing`` among the judged, ``template`` (the largest share that one wording has), ``p`` (chi-square test of
the places of right choices), ``longest`` (share of right choices longer than all others).

The peer is what the generator asked before prose, computations, other names and the way back from codes were added: one
question for each fact (``families`` amounts, companies and terms without these kinds), judged by the same checks in the
same run; ``ratio`` is the items a document against it. ``english`` counts what patterns for English connectives, as
AdaptLLM (arXiv 2309.09530, section 3.1) mines with, find in the same documents, ``mined`` what ours give.
``seconds`` are those of our generator alone, ``reasons`` count everything that was left out.
"""

import json
import random
import re
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from bench.measures import packages
from bench.number_fidelity import make
from corpus.document import Document, Drop
from corpus.extract import extract
from rephrase.base import Question, Reject
from rephrase.facts import Facts
from rephrase.facts.generator import Refused
from rephrase.facts.templates import TEMPLATES
from rephrase.gathered.counts import Balance, even
from spiders.wikipedia.categories import Choice
from spiders.wikipedia.choice import read_dump

ROOTS = ("経済", "金融", "企業", "地理学", "社会学", "言語", "日本語")
MINED = ("cause", "effect", "entailment", "contrast", "paraphrase", "abbreviation", "cloze", "heading")
BEFORE = ("amount", "count", "code", "industry", "definition", "headword")
NOT_JUDGED = ("ambiguous_fact", "shared_name", "too_few_choices")
#: Connectives of cause, entailment, contrast, paraphrase and definition between two English clauses.
ENGLISH = re.compile(
    r"\b(?:because of|as a result of|due to|therefore|thus|hence|consequently|however|in contrast|on the other hand|"
    r"in other words|that is to say|is defined as|is known as|refers to)\b[^.\n]{10,}\.",
    re.IGNORECASE,
)
_DUMP = re.compile(r"pages.*\.xml(?:\.bz2)?$")


@dataclass
class Tally:
    """What was made of one kind of document in one kind of question."""

    items: int = 0
    judged: int = 0
    templates: Counter[str] = field(default_factory=Counter)
    balance: Balance = field(default_factory=Balance)

    def row(self, kind: str, documents: int) -> dict[str, Any]:
        """Return the figures, shares and p rounded; None where nothing says them."""
        told, choices = self.balance.report(), self.balance.places.total()
        most = max(self.templates.values(), default=0)
        return {
            "items": self.items,
            "each": round(self.items / documents, 3) if documents else 0.0,
            "passing": round(self.items / self.judged, 4) if self.judged else None,
            "template": round(most / self.items, 3) if self.items else None,
            "wordings": len(TEMPLATES.get(kind, ())),
            "p": round(told["places_p"], 4) if choices else None,
            "longest": round(told["right_is_longest"], 3) if choices else None,
        }


def documents(paths: Iterable[Path], roots: tuple[str, ...]) -> Iterator[tuple[Path, Document | Drop]]:
    """Yield what files, and the files below folders, give."""
    files = [one for path in paths for one in ([path] if path.is_file() else sorted(path.rglob("*")))]
    dumps = [one for one in files if one.is_file() and _DUMP.search(one.name)]
    yield from packages.documents(one for one in files if one.is_file() and one not in dumps)
    for path in dumps:
        for capture in read_dump(path, Choice(roots=roots)):
            for one in extract(capture):
                yield path, one


def kind_of(document: Document) -> str:
    """Return what a document is, as the corpus names it."""
    return document.meta.get("kind", "page")


def made(found: list[Document], seed: int, work: Path, **options: Any) -> list[Question | Reject]:
    """Return what the generator makes of documents."""
    generator = Facts(**options)
    return [
        one
        for one in generator.generate(
            lambda: iter(found), styles=("qa", "multiple_choice"), seed=seed, work=work
        )
        if isinstance(one, Question | Reject)
    ]


def tallied(items: Iterable[Question | Reject]) -> dict[tuple[str, str], Tally]:
    """Return the tallies by kind of document and of question, with "all" for every kind."""
    tallies: defaultdict[tuple[str, str], Tally] = defaultdict(Tally)
    for item in items:
        if isinstance(item, Question):
            kind = item.meta["asks"]
        elif isinstance(item, Refused) and item.drop.reason not in NOT_JUDGED:
            kind = item.kind
        else:
            continue
        source = kind_of(item.parent)
        for tally in (tallies[source, kind], tallies[source, "all"], tallies["all", "all"]):
            tally.judged += 1
            if isinstance(item, Question):
                tally.items += 1
                tally.templates[item.meta["template"]] += 1
                tally.balance.add(item)
    return dict(tallies)


def show(tallies: dict[tuple[str, str], Tally], sources: Counter[str]) -> None:
    """Print a table."""
    table = Table(
        "document", "number", "question", *("items", "each", "passing", "template", "wordings", "p", "longest"),
        box=None, header_style="bold",
    )  # fmt: skip
    for (source, kind), tally in sorted(tallies.items()):
        number = sources[source] if source != "all" else sources.total()
        figures = tally.row(kind, number)
        table.add_row(
            source,
            str(number),
            kind,
            *(
                "" if value is None or (not value and name == "wordings") else str(value)
                for name, value in figures.items()
            ),
        )
    Console(width=160).print(table)


def show_samples(items: Iterable[Question], number: int, seed: int) -> None:
    """Print questions, drawn so that every kind is among them as far as there is room."""
    drawn = random.Random(seed)
    by_kind: defaultdict[tuple[str, str], list[Question]] = defaultdict(list)
    for one in items:
        by_kind[one.meta["asks"], one.style].append(one)
    kinds = sorted(by_kind)
    drawn.shuffle(kinds)
    for kind in (kinds * number)[:number]:
        one = drawn.choice(by_kind[kind])
        click.echo(f"\n[{kind[0]}, {kind[1]}, {kind_of(one.parent)}]\n問：{one.question}\n答：{one.answer}")
        if one.choices:
            click.echo(f"選択肢：{'　/　'.join(one.choices)}")
        for name in ("program", "wrong_programs"):
            if name in one.meta:
                click.echo(f"{name}: {one.meta[name]}")


def summary(
    items: list[Question | Reject], before: list[Question | Reject], found: list[Document]
) -> dict[str, Any]:
    """Return the figures of the whole run."""
    questions = [one for one in items if isinstance(one, Question)]
    earlier = sum(isinstance(one, Question) and one.meta["asks"] in BEFORE for one in before)
    whole = tallied(items).get(("all", "all"), Tally()).row("all", len(found))
    places: Counter[int] = Counter(one.answer_index for one in questions if one.choices)
    largest = {
        kind: max(Counter(one.meta["template"] for one in asked).values()) / len(asked)
        for kind in TEMPLATES
        if len(asked := [one for one in questions if one.meta["asks"] == kind]) >= 1000
    }
    return {
        "documents": len(found),
        "items": len(questions),
        "items_each": whole["each"],
        "passing": whole["passing"],
        "places": [places[at] for at in range(4)],
        "places_p": round(even([places[at] for at in range(4)]), 4),
        "right_is_longest": whole["longest"],
        "largest_template_of_1000": round(max(largest.values(), default=0.0), 4),
        "computed": sum("program" in one.meta for one in questions),
        "mined": sum(one.meta["asks"] in MINED for one in questions),
        "english": sum(len(ENGLISH.findall(one.text)) for one in found if one.language == "ja"),
        "items_before": earlier,
        "ratio": round(len(questions) / earlier, 2) if earlier else None,
        "reasons": dict(Counter(one.drop.reason for one in items if isinstance(one, Reject)).most_common()),
    }


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--root", "roots", multiple=True, default=ROOTS, help="Categories of a dump, several times.")
@click.option("--samples", default=20, show_default=True, help="Questions to print.")
@click.option("--seed", default=0, show_default=True)
@click.option("--plot", type=click.Path(path_type=Path), help="Draw items by kind of question to this file.")
def main(
    paths: tuple[Path, ...], *, roots: tuple[str, ...], samples: int, seed: int, plot: Path | None
) -> None:
    """Ask, judge and print; the last line is one JSON object."""
    with tempfile.TemporaryDirectory() as name:
        given = [*paths] or make(Path(name))
        read = list(documents(given, roots))
        found = [one for _, one in read if isinstance(one, Document)]
        giving = {path for path, one in read if isinstance(one, Document)}
        start = time.process_time()
        items = made(found, seed, Path(name))
        seconds = time.process_time() - start
        before = made(found, seed, Path(name), families=("amounts", "companies", "terms"))
    tallies = tallied(items)
    show(tallies, Counter(map(kind_of, found)))
    show_samples((one for one in items if isinstance(one, Question)), samples, seed)
    if plot:
        draw(tallies, plot)
    without = len({path for path, _ in read} - giving)
    figures = {**summary(items, before, found), "files_without": without, "seconds": round(seconds, 1)}
    click.echo("\n" + json.dumps(figures, ensure_ascii=False))


def draw(tallies: dict[tuple[str, str], Tally], path: Path) -> None:
    """Draw how many items of each kind of question pass, and how many do not."""
    kinds = sorted(kind for source, kind in tallies if source != "all" and kind != "all")
    names = list(dict.fromkeys(kinds))
    items = [sum(one.items for (_, kind), one in tallies.items() if kind == name) for name in names]
    refused = [
        sum(one.judged - one.items for (_, kind), one in tallies.items() if kind == name) for name in names
    ]
    figure = Figure(figsize=(7, 0.3 * len(names) + 1), layout="constrained")
    axes = figure.subplots()
    axes.barh(names, items, label="passed")
    axes.barh(names, refused, left=items, label="refused")
    axes.set_xscale("symlog")
    axes.legend()
    figure.savefig(path)


if __name__ == "__main__":
    main()
