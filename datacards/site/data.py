"""What the document browser loads: scripts that register JSON, since only scripts load from a file:// address."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from datacards.card import Ref
from datacards.site.choice import Choice
from datacards.site.entries import Entries, pieces, texts

CHUNK = 250_000  # characters of texts in one file, unless one text alone has more
EXAMPLES = 50  # documents of the page that needs no JavaScript
LEAD = 600  # characters of their texts


def script(name: str, value: object) -> bytes:
    """Return a script that registers ``value``, a JSON value, under ``name``; no string in it can end it."""
    text = json.dumps(json.dumps(value, ensure_ascii=False, separators=(",", ":")), ensure_ascii=False)
    # The two line separators end a line in older scripts, and a tag could end the page that shows one inline. A lone half
    # of a character, which JSON may hold, cannot be written.
    for sign in "<\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return f'kanagura.put("{name}",{text});\n'.encode("utf-8", "replace")


def write(out: Path, ref: Ref, choice: Choice, found: Entries) -> dict[int, str]:
    """Write the scripts of one version into the folder ``out``; return the beginnings of the examples' texts by number."""
    out.mkdir(parents=True)
    where: dict[int, int] = {}
    leads: dict[int, str] = {}
    few = set(examples(found))
    chunk: dict[int, dict[str, Any]] = {}
    filled = count = 0
    for number, text in _all(choice, found):
        shown = [] if text is None else pieces(text, [(s, e) for _, s, e in found.children.get(number, ())])
        used = sum(len(piece) for _, piece in shown)
        if chunk and (filled + used > CHUNK or len(chunk) == 500):
            _put(out, f"texts-{count:04d}", chunk)
            chunk, filled, count = {}, 0, count + 1
        chunk[number] = _record(found, number, shown, len(text or ""))
        where[number], filled = count, filled + used
        if text is not None and number in few:
            leads[number] = text[:LEAD] + ("…" if len(text) > LEAD else "")
    _put(out, f"texts-{count:04d}", chunk)
    _put(out, "index", _index(ref, choice, found, where))
    return leads


def _all(choice: Choice, found: Entries) -> Iterator[tuple[int, str | None]]:
    """Yield every document with its text, then those whose text is not shown."""
    yield from texts(choice, found)
    yield from ((number, None) for number, row in enumerate(found.rows) if not row.open)


def _put(out: Path, name: str, value: object) -> None:
    (out / f"{name}.js").write_bytes(script(name, value))


def _index(ref: Ref, choice: Choice, found: Entries, where: dict[int, int]) -> dict[str, Any]:
    """Return what the list and its filters need of every document, names said once."""
    rows = found.rows
    names: dict[str, list[str]] = {
        "formats": list(dict.fromkeys(form for form, _ in sorted(choice.counts))),
        "sources": sorted({row.source for row in rows}),
        "licenses": sorted({row.license for row in rows}),
        "companies": sorted({code for row in rows for code in row.companies}),
        "versions": sorted({row.version for row in rows}),
        "reasons": sorted({row.why for row in rows}),
    }
    names["formats"] = sorted({row.format for row in rows} | set(names["formats"]))
    at = {key: {name: place for place, name in enumerate(values)} for key, values in names.items()}
    return {
        "version": str(ref),
        "total": choice.total,
        "shown": choice.shown,
        **names,
        "companies": [[code, found.names.get(code, "")] for code in names["companies"]],
        "rows": [
            [
                row.id, row.title, row.section, row.language, at["formats"][row.format], at["sources"][row.source],
                at["licenses"][row.license], [at["companies"][code] for code in row.companies], row.day, int(row.open),
                where[number], at["versions"][row.version], at["reasons"][row.why],
            ]
            for number, row in enumerate(rows)
        ],
    }  # fmt: skip


def _record(found: Entries, number: int, shown: Sequence[tuple[int, str]], length: int) -> dict[str, Any]:
    """Return what the page of one document needs besides its row in the index."""
    row = found.rows[number]
    return {
        **{key: row.told[key] for key in ("url", "attribution", "cluster", "sha256", "pointer", "meta")},
        "chars": length or row.told["chars"],
        "dates": [row.told[key] for key in ("published_at", "event_at", "captured_at")],
        "pieces": shown,
        "parents": [[found.numbers.get(span.id, -1), *span] for span in row.spans],
        "children": found.children.get(number, ()),
    }


def examples(found: Entries) -> list[int]:
    """Return the numbers of the documents that are shown without JavaScript: of every format and source in turn.

    Those with a text come first.
    """
    kinds: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for number in sorted(range(len(found.rows)), key=lambda number: not found.rows[number].open):
        row = found.rows[number]
        if not row.version:
            kinds[row.format, row.source].append(number)
    turns = range(max(map(len, kinds.values()), default=0))
    order = [kinds[kind][turn] for turn in turns for kind in sorted(kinds) if turn < len(kinds[kind])]
    return sorted(order, key=lambda number: not found.rows[number].open)[:EXAMPLES]
