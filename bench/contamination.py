"""Decontamination: recall on planted test items by kind of disguise, false alarms, and ns per character against a set.

``python -m bench.contamination [FILE.parquet ...] [--tests FOLDER] [--items N]`` plants N items of the tests (those
that the project ships, and those in FOLDER) into the ``text`` of the files, else into texts of the sample world. Every
text without a planted item that is reported is a false alarm, so give files that quote no test. The peer is a Python set
of the same n-grams, asked at every position of the normalized text.
"""

import json
import random
import re
import time
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from bench.measures.given import opened
from corpus.contamination.benchmarks import LAYOUTS, Item
from corpus.contamination.decontaminate import DecontaminationOptions, build_index, find_tests
from corpus.contamination.overlaps import Index
from corpus.folding import folded

LONG = 60  # letters and digits; the half of a shorter text has about as many as the options ask for at least (26)
SAMPLE = Path(__file__).resolve().parent.parent / "sample" / "texts"
WIDE = str.maketrans({chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)})
#: What a person who retells a question or a report might write instead; none keeps thirteen characters in a row.
WORDS = {
    "当連結会計年度": "今期", "前連結会計年度": "前の期", "前年同期": "前の年の同じ時期", "増加": "伸長", "減少": "縮小",
    "となりました": "になった", "いたしました": "した", "しております": "している", "により": "によって", "おいて": "おける中",
    "売上高": "売り上げ", "営業利益": "本業の儲け", "経常利益": "経常段階の利益", "監査人": "監査を行う者", "監査": "チェック",
    "財務諸表": "決算書類", "場合": "とき", "こと": "点", "ため": "ので", "必要": "不可欠", "会社": "企業", "推移": "動き",
    "好調": "順調", "影響": "作用", "による": "に伴う", "について": "に関し", "おります": "いる", "の": "における", "は、": "については",
    "が、": "ものの", "を": "というものを", "に": "に対して", "で": "でもって",
}  # fmt: skip
_WORDS = re.compile("|".join(sorted(map(re.escape, WORDS), key=len, reverse=True)))


def _spaced(text: str, chance: random.Random) -> str:
    return "".join(
        sign + (chance.choice([" ", "\u3000", "\n"]) if chance.random() < 0.2 else "") for sign in text
    )


def _punctuated(text: str, chance: random.Random) -> str:
    swapped = text.translate(str.maketrans("、。，．（）", ",．、.()"))
    return "".join(sign + ("*" if chance.random() < 0.05 else "") for sign in swapped)


def _table(text: str, chance: random.Random) -> str:
    size = max(8, len(text) // 4)
    cells = [text[at : at + size].replace("\n", " ") for at in range(0, len(text), size)]
    lines = [f"| {a} | {b} |" for a, b in zip(cells[::2], [*cells[1::2], ""], strict=False)]
    return "\n".join(["", "|  |  |", "| --- | --- |", *lines, ""])


def _halved(text: str, chance: random.Random) -> str:
    return text[: (len(text) + 1) // 2]


def _split(text: str, chance: random.Random) -> str:
    middle = len(text) // 2
    return text[:middle] + "\n［図表は省略。以下、後半の文章をそのまま掲げる］\n" + text[middle:]


#: Kind of disguise -> the text as it is planted.
PLANTINGS: dict[str, Callable[[str, random.Random], str]] = {
    "verbatim": lambda text, chance: text,
    "width": lambda text, chance: (
        unicodedata.normalize("NFKC", text) if chance.random() < 0.5 else text.translate(WIDE)
    ),
    "spacing": _spaced,
    "punctuation": _punctuated,
    "table": _table,
    "interrupted": _split,
    "half": _halved,
    "paraphrase": lambda text, chance: _WORDS.sub(lambda match: WORDS[match[0]], text),
}


@dataclass
class Tally:
    """What became of the planted items of one kind."""

    planted: int = 0
    found: int = 0
    spans: int = 0
    missed: list[str] = field(default_factory=list)


def plant(
    index: Index, items: Sequence[Item], carriers: Sequence[str], chance: random.Random
) -> dict[str, Tally]:
    """Plant every item in every disguise into the middle of a carrier; a span is right to the character.

    Parts of an item below LONG are counted apart: half of a sentence of 40 characters is a phrase that reports share.
    """
    tallies: dict[str, Tally] = {}
    for item in items:
        short = len(folded(item.text)) < index.ngram  # such a question is looked for with its choices
        text = "\n".join([item.text, *item.choices]) if short else item.text
        for kind, disguise in PLANTINGS.items():
            cut = kind in ("interrupted", "half") and len(folded(text)) < LONG
            tally = tallies.setdefault(f"{kind}, short" if cut else kind, Tally())
            shown = disguise(text, chance)
            carrier = chance.choice(carriers)
            at = (carrier.rfind("。", 0, len(carrier) // 2) + 1) or 0
            whole = carrier[:at] + "\n\n" + shown + "\n\n" + carrier[at:]
            found = [one for one in index.overlaps(whole) if (one.test, one.item) == (item.test, item.id)]
            tally.planted += 1
            tally.found += bool(found)
            if not found:
                tally.missed.append(f"{item.test} {item.id}")
            tally.spans += any(_same(folded(whole[one.start : one.end]), folded(shown)) for one in found)
    return tallies


def _same(found: str, planted: str) -> bool:
    """Return whether a span is the planted text, but for characters at its ends that the carrier happens to share."""
    return planted == found or (planted in found and len(found) - len(planted) <= 2)


def peer(items: Sequence[Item], texts: Sequence[str], n: int) -> float:
    """Return ns per character of a Python set of n-grams."""
    wanted = {
        text[at : at + n]
        for text in map(_plain, (one.text for one in items))
        for at in range(len(text) - n + 1)
    }
    start = time.process_time()
    for text in texts:
        plain = _plain(text)
        [at for at in range(len(plain) - n + 1) if plain[at : at + n] in wanted]
    return (time.process_time() - start) * 1e9 / sum(map(len, texts))


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).lower())


def carriers_of(files: Sequence[str]) -> list[str]:
    """Return the texts of the files, or those of the sample world."""
    if files:
        tables = (opened(path).read(columns=["text"])["text"].to_pylist() for path in files)
        return [text for table in tables for text in table if text]
    return [path.read_text(encoding="utf-8") for path in sorted(SAMPLE.rglob("*.txt"))]


@click.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False))
@click.option("--tests", "folder", default="", help="Folder of the tests that are not shipped.")
@click.option(
    "--items",
    "number",
    default=150,
    show_default=True,
    type=click.IntRange(min=1),
    help="How many items are planted.",
)
def main(files: tuple[str, ...], folder: str, number: int) -> None:
    """Measure and print a table; the last line is one JSON object."""
    chance = random.Random(11)
    options = DecontaminationOptions(folder=folder, tests=tuple(LAYOUTS))
    tests = find_tests(options)
    index = build_index(tests, options)
    lost = set(index.unmatchable())
    able = [item for test in tests for item in test.items if item.text and item not in lost]
    carriers = carriers_of(files)
    alarms = sum(bool(index.overlaps(text)) for text in carriers)
    start = time.process_time()
    for text in carriers:
        index.overlaps(text)
    ours = (time.process_time() - start) * 1e9 / sum(map(len, carriers))
    theirs = peer(able, carriers, options.ngram)
    tallies = plant(index, chance.sample(able, min(number, len(able))), carriers, chance)

    table = Table("planted", "items", "recall", "spans right", box=None, header_style="bold")
    for kind, tally in tallies.items():
        table.add_row(
            kind,
            str(tally.planted),
            f"{tally.found / tally.planted:.3f}",
            f"{tally.spans / tally.planted:.3f}",
        )
    console = Console()
    console.print(table)
    console.print(
        f"{ours:.0f} ns/character, a Python set {theirs:.0f}; false alarms {alarms} of {len(carriers)} texts"
    )
    console.print("missed paraphrases:", ", ".join(tallies["paraphrase"].missed))
    figures = {
        "ns_per_character": round(ours, 1),
        "ns_per_character_set": round(theirs, 1),
        "ratio_set": round(theirs / ours, 2),
        "texts": len(carriers),
        "false_alarms": alarms,
        "absent": [test.name for test in tests if test.status == "absent"],
        "recall": {kind: round(tally.found / tally.planted, 4) for kind, tally in tallies.items()},
        "spans_right": {kind: round(tally.spans / tally.planted, 4) for kind, tally in tallies.items()},
        "missed": {kind: tally.missed for kind, tally in tallies.items() if tally.missed},
    }
    click.echo(json.dumps(figures))


if __name__ == "__main__":
    main()
