"""The evaluation sets that a corpus must not teach: where each lies, in which layout, and its items."""

import csv
import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from datacards.errors import UserError

SHIPPED = Path(__file__).resolve().parents[2] / "eval" / "data"
SUFFIXES = (".jsonl", ".jsonl.gz", ".json", ".csv", ".tsv", ".parquet")

Row = Mapping[str, Any]


class Item(NamedTuple):
    """One thing that a test asks.

    ``text`` is what is looked for: the question with what belongs to it (``part`` is ``stem``), a sentence that
    is to be judged (``sentence``), a passage that questions are about (``context``), or nothing where a whole
    filing is the item (``filing``, its EDINET document id in ``filing``). ``choices`` in order; ``gold`` the
    position of the right one or -1; ``answers`` are the words that give the answer away.
    """

    test: str
    id: str
    part: str
    text: str
    choices: tuple[str, ...] = ()
    gold: int = -1
    answers: tuple[str, ...] = ()
    filing: str = ""


class Benchmark(NamedTuple):
    """A test as it was found: the files with their digests, and its items; ``status`` says where it was."""

    name: str
    status: str  # shipped, folder, absent
    files: tuple[str, ...]
    sha256: str
    items: tuple[Item, ...]


class Layout(NamedTuple):
    """Where a test lies below a folder (patterns, the first that matches counts) and how a row becomes items.

    The ids of a shipped test's items are those of its rows, which are the ids of the items in an evaluation's samples.
    """

    patterns: tuple[str, ...]
    items: Callable[[str, int, Row], Iterator[Item]]
    shipped: str = ""  # its file in the project, where its license allows that


def benchmark(name: str, folder: Path | None) -> Benchmark:
    """Return the test ``name``: the project's own copy, else what lies in ``folder``, else an absent one.

    ``folder`` is laid out as the publishers' repositories are (``LAYOUTS`` names the patterns); a test that the
    project does not know lies there as ``NAME.jsonl`` (``.jsonl.gz``, ``.json``, ``.csv``, ``.tsv``, ``.parquet``)
    or as such files in a folder ``NAME``, one row an item: ``question`` (``stem``, ``sentence``, ``prompt``,
    ``text`` or ``turns``), and if there are any ``context``, ``choices``, ``answer`` (position, letter or text)
    and ``id``. Raises UserError for a file that holds no such rows.
    """
    layout = LAYOUTS.get(name, Layout(_patterns(name), _plain))
    if layout.shipped and (path := SHIPPED / layout.shipped).is_file():
        return _read(name, "shipped", [path], SHIPPED, layout)
    for pattern in layout.patterns if folder else ():
        if paths := sorted(path for path in folder.glob(pattern) if path.is_file()):  # type: ignore[union-attr]
            return _read(name, "folder", paths, folder, layout)  # type: ignore[arg-type]
    return Benchmark(name, "absent", (), "", ())


def _patterns(name: str) -> tuple[str, ...]:
    return tuple(f"{name}{end}" for end in SUFFIXES) + tuple(f"{name}/**/*{end}" for end in SUFFIXES)


def _read(name: str, status: str, paths: list[Path], root: Path, layout: Layout) -> Benchmark:
    digest = sha256()
    items: list[Item] = []
    for path in paths:
        body = path.read_bytes()
        digest.update(body)
        for number, row in enumerate(_rows(path, body), len(items)):
            try:
                items.extend(layout.items(name, number, row))
            except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
                raise UserError(
                    str(path), f"row {number} is no item of {name}: {error!r}",
                    "see the layouts in corpus/contamination/benchmarks.py",
                ) from error  # fmt: skip
    files = tuple(path.relative_to(root).as_posix() for path in paths)
    return Benchmark(name, status, files, digest.hexdigest(), tuple(items))


def _rows(path: Path, body: bytes) -> Iterator[Row]:
    """Yield the rows of a file; a CSV without the heading ``question`` or ``id`` is question, choices, answer."""
    name = path.name
    try:
        if name.endswith(".parquet"):
            schema = pq.read_schema(path).names  # the texts of whole filings are not read: their id is enough
            columns = ["doc_id"] if "doc_id" in schema else None
            yield from pq.read_table(path, columns=columns).to_pylist()
            return
        text = (gzip.decompress(body) if name.endswith(".gz") else body).decode("utf-8-sig")
        if name.endswith((".csv", ".tsv")):
            yield from _table(text, "\t" if name.endswith(".tsv") else ",")
        elif text.lstrip()[:1] == "[":
            yield from json.loads(text)
        elif name.endswith(".json") and "\n{" not in text.strip():
            whole = json.loads(text)
            yield from whole["data"] if isinstance(whole.get("data"), list) else [whole]
        else:
            yield from (json.loads(line) for line in text.splitlines() if line.strip())
    except (ValueError, OSError, AttributeError) as error:
        raise UserError(
            str(path), f"cannot be read: {error}", f"one of {', '.join(SUFFIXES)} in UTF-8"
        ) from error


def _table(text: str, delimiter: str) -> Iterator[Row]:
    lines = list(csv.reader(text.splitlines(keepends=True), delimiter=delimiter))
    if lines and {"question", "id"} & set(lines[0]):
        yield from (dict(zip(lines[0], line, strict=False)) for line in lines[1:])
    else:
        yield from (
            {"question": line[0], "choices": line[1:-1], "answer": line[-1]}
            for line in lines
            if len(line) > 1
        )


def _plain(test: str, number: int, row: Row) -> Iterator[Item]:
    """Yield the item of a row with the usual names of fields."""
    stem = next((row[key] for key in _STEMS if row.get(key)), None)
    if stem is None:
        raise KeyError(" or ".join(_STEMS))
    parts = [stem] if isinstance(stem, str) else list(stem)
    statements = row.get("statements")
    extra = "\n".join(statements.values()) if isinstance(statements, dict) else row.get("context") or ""
    numbered = [row[f"choice{at}"] for at in range(10) if row.get(f"choice{at}") not in (None, "")]
    choices = list(row.get("choices") or numbered)
    ids = [one["id"] if isinstance(one, dict) else at for at, one in enumerate(choices)]
    texts = tuple(str(one["text"] if isinstance(one, dict) else one) for one in choices)
    answer = row.get("answer", row.get("label"))
    gold = _gold(answer, ids, texts)
    given = (texts[gold],) if gold >= 0 else (str(answer),) if answer not in (None, "") else ()
    name = str(next((row[key] for key in _IDS if row.get(key) not in (None, "")), number))
    for at, part in enumerate(parts):
        text = f"{part}\n{extra}" if extra else str(part)
        yield Item(test, f"{name}/{at + 1}" if len(parts) > 1 else name, "stem", text, texts, gold, given)


_STEMS = ("question", "stem", "sentence", "prompt", "text", "turns")
_IDS = ("id", "q_id", "question_id", "sentence_pair_id", "key")


def _gold(answer: object, ids: list[Any], texts: tuple[str, ...]) -> int:
    if not texts or answer is None:
        return -1
    if answer in ids:
        return ids.index(answer)
    word = str(answer).strip()
    if word in texts:
        return texts.index(word)
    at = "ABCDEFGHIJ".find(word) if len(word) == 1 else -1
    return at if at < len(texts) else -1


_POLARITY = {
    "positive": ("positive", "ポジティブ"), "negative": ("negative", "ネガティブ"),
    "neutral": ("neutral", "ニュートラル", "中立"),
}  # fmt: skip


def _chabsa(test: str, number: int, row: Row) -> Iterator[Item]:
    """Yield the opinions of a row of the project's copy, or of a report as published (``e*_ann.json``)."""
    if "sentences" not in row:
        yield Item(test, row["id"], "sentence", row["sentence"], answers=_POLARITY[row["polarity"]])
        return
    for sentence in row["sentences"]:
        for at, opinion in enumerate(sentence["opinions"]):
            name = f"{row['header']['document_id']}/{sentence['sentence_id']}/{at}"
            yield Item(test, name, "sentence", sentence["sentence"], answers=_POLARITY[opinion["polarity"]])


def _pair(test: str, number: int, row: Row) -> Iterator[Item]:
    text = f"{row['sentence1']}\n{row['sentence2']}"
    yield Item(test, row.get("id") or row["sentence_pair_id"], "stem", text, answers=(str(row["label"]),))


def _reading(test: str, number: int, row: Row) -> Iterator[Item]:
    yield Item(test, row["id"], "stem", row["question"], answers=tuple(row["answers"]))
    yield Item(test, row["id"], "context", row["context"], answers=(row["question"],))


def _filing(test: str, number: int, row: Row) -> Iterator[Item]:
    yield Item(test, row["doc_id"], "filing", "", filing=row["doc_id"])


def _harness(task: str) -> tuple[str, ...]:
    return (f"{task}/data.json", f"**/datasets/{task}/data.json", *_patterns(task))


#: Every test that the project knows, with the layouts it is published in.
LAYOUTS: Mapping[str, Layout] = {
    "chabsa": Layout(("chabsa/e*_ann.json", "**/chABSA/e*_ann.json"), _chabsa, "chabsa.jsonl.gz"),
    "cpa_audit": Layout(_patterns("cpa_audit"), _plain, "cpa_audit.jsonl.gz"),
    "cma_basics": Layout(_harness("cma_basics"), _plain),
    "fp2": Layout(_harness("fp2"), _plain),
    "security_sales_1": Layout(_harness("security_sales_1"), _plain),
    "pfmt-bench-fin-ja": Layout(
        ("pfmt-bench-fin-ja/question.jsonl", "**/pfmt_bench_fin_ja/question.jsonl"), _plain
    ),
    "EDINET-Bench": Layout(("EDINET-Bench/**/*.parquet", "EDINET-Bench/**/*.jsonl"), _filing),
    "jcommonsenseqa": Layout((), _plain, "jcommonsenseqa.jsonl.gz"),
    "jnli": Layout((), _pair, "jnli.jsonl.gz"),
    "jsquad": Layout((), _reading, "jsquad.jsonl.gz"),
    "jfinqa": Layout((), _plain, "jfinqa.jsonl.gz"),
    "jmmlu": Layout((), _plain, "jmmlu.jsonl.gz"),
    "mgsm": Layout((), _plain, "mgsm.jsonl.gz"),
    "jsts": Layout(("jglue/jsts-valid-*.json", "**/jsts-v*/valid-*.json", *_patterns("jsts")), _pair),
    "ja_mt_bench": Layout(("ja_mt_bench/question*.jsonl",), _plain),
    "ifbench_ja": Layout(("ifbench_ja/*.jsonl",), _plain),
}
#: Those that decontamination takes unless a recipe names others.
NAMED = tuple(LAYOUTS)[:14]
