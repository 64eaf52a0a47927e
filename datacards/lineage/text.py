"""A lineage as text: an indented tree of versions, rows with their counts, lists that end in "and N more"."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from datacards.lineage.trace import Arrow, Thing, Trace
from datacards.render.markup import visible

TITLE = 80  # characters of a title
VISITS = 20  # captures of one body


def text(trace: Trace) -> Iterator[str]:
    """Yield the lines of a trace; every sign in them is one that is shown."""
    rows = trace.of_kind("rows", "dropped", "document", "capture", "address")
    yield from _rows(trace) if rows else _versions(trace)
    for name in trace.unread:
        yield f"not read, it is missing: {visible(name)}"


def _versions(trace: Trace) -> Iterator[str]:
    """Yield the tree of versions, each with its own below it once."""
    forward = trace.direction == "forward"
    further: dict[str, list[tuple[str, Arrow]]] = {}
    for arrow in trace.arrows:
        here, there = (arrow.source, arrow.made) if forward else (arrow.made, arrow.source)
        if arrow.kind != "stands_for":
            further.setdefault(here, []).append((there, arrow))
    yield from _tree(trace, further, trace.starts)
    counted: dict[tuple[str, str], int] = {}
    for thing in trace.of_kind("addresses"):
        key = thing.more["source"], thing.license
        counted[key] = counted.get(key, 0) + thing.count
    for (source, license_), number in sorted(counted.items()):
        yield f"{number:6,} addresses of {visible(source)} ({visible(license_)})"


def _tree(
    trace: Trace, further: Mapping[str, list[tuple[str, Arrow]]], starts: Iterable[str]
) -> Iterator[str]:
    told: set[str] = set()
    waiting: list[tuple[int, str, Arrow | None]] = [(0, start, None) for start in reversed(list(starts))]
    while waiting:
        depth, key, arrow = waiting.pop()
        thing = trace.things[key]
        if thing.kind == "addresses":
            continue
        below = [one for one in further.get(key, ()) if trace.things[one[0]].kind != "addresses"]
        again = key in told and bool(below)
        yield f"{'  ' * depth}{_version(thing, arrow, again=key in told)}{' (see above)' if again else ''}"
        if key not in told:
            waiting += [(depth + 1, there, how) for there, how in reversed(below)]
        told.add(key)


def _version(thing: Thing, arrow: Arrow | None = None, *, again: bool = False) -> str:
    """Return one line on a version or a score; its scores are told once."""
    told = f"{visible(thing.label)} {thing.kind if thing.kind != 'input' else thing.state}"
    if arrow and arrow.kind == "trained_on":
        rows = "1 of these rows" if arrow.count == 1 else f"{arrow.count:,} of these rows"
        told += f", trained on {visible(arrow.source)}, the version that holds {rows}"
    elif arrow and arrow.kind == "asked":
        told += f", asked about {visible(arrow.source)}, of whose rows in the splits asked {arrow.count:,} are of these"
    if arrow and arrow.state == "changed":
        told += f" (changed: {arrow.digest[:12]} was used)"
    if by := thing.more.get("withdrawn_by"):
        successor = thing.more["successor"]
        told += f" ({thing.state} by {visible(by)}; " + (
            f"{visible(successor)} stands for it)" if successor else "nothing stands for it)"
        )
    elif thing.state not in ("ok", "outside", "") and thing.kind != "input":
        told += f" ({thing.state})"
    told += f" {thing.digest[:12]}" if thing.digest else ""
    if not again:
        told += "".join(f", {way} {visible(words)}" for way, words in _chosen(thing))
    scores = {} if again else thing.more.get("scores") or {}
    return told + "".join(f", {visible(name)} {value:.4f}" for name, value in scores.items())


def _chosen(thing: Thing) -> Iterator[tuple[str, str]]:
    """Yield how a checkpoint chose the documents that it was trained on: ("only", "source boj_*")."""
    recipe = thing.more.get("recipe") or {}
    for way in ("only", "without"):
        chosen = recipe.get(way) if thing.kind == "checkpoint" else None
        for key, values in chosen.items() if isinstance(chosen, Mapping) else ():
            yield way, f"{key} {' or '.join(map(str, values))}"


def _rows(trace: Trace) -> Iterator[str]:
    """Yield what was fetched, the rows in each dataset version, and the models, in this order."""
    for key in trace.starts:
        if trace.things[key].kind == "address":
            yield visible(key)
    yield from _documents(trace)
    yield from _fetched(trace)
    holders = dict.fromkeys(t.ref for t in trace.of_kind("rows", "dropped"))
    for ref in [key for key in trace.things if key in holders]:
        yield _version(trace.things[ref])
        for thing in trace.of_kind("rows"):
            if thing.ref == ref:
                carried = thing.more["as_in"]
                yield f"  {_rows_of(thing)}: {thing.count:,}{f', as in {carried}' if carried else ''}"
                yield from () if carried else _listed(thing.more["rows"], thing.count, _row)
        for thing in trace.of_kind("dropped"):
            if thing.ref == ref:
                yield f"  left out: {visible(thing.label)}: {thing.count:,}"
                yield from _listed(thing.more["rows"], thing.count, _dropped)
    yield from _models(trace)
    if trace.direction == "forward":
        yield _summary(trace)


def _fetched(trace: Trace) -> Iterator[str]:
    for thing in trace.of_kind("capture"):
        yield f"sha256:{thing.digest} ({visible(thing.license)})"
        yield from _listed(
            thing.more["visits"][:VISITS] if "visits" in thing.more else (), thing.count, _visit
        )
    for name in dict.fromkeys(v["ref"] for t in trace.of_kind("capture") for v in t.more.get("visits", ())):
        if trace.things[name].state != "ok":
            yield f"  {_version(trace.things[name])}"


def _visit(row: Mapping[str, Any]) -> str:
    """Return one line on a capture: where it is listed, when it was fetched, whether these bytes came then."""
    told = f"{row['ref']} {row['fetched_at'][:19]} {row['state']}".rstrip()
    told += f" (bytes in {row['body_version']})" if row["body_version"] else ""
    return f"{told} {row['problem']}".rstrip() + f" {row['url']}"


def _documents(trace: Trace) -> Iterator[str]:
    """Yield a document and the documents it was made from, each below what was made from it."""
    parents: dict[str, list[str]] = {}
    for arrow in trace.arrows:
        if arrow.kind == "derived_from":
            parents.setdefault(arrow.made, []).append(arrow.source)
    told: set[str] = set()
    waiting = [(0, key) for key in trace.starts if trace.things[key].kind == "document"]
    while waiting:
        depth, key = waiting.pop()
        thing = trace.things[key]
        if key in told or thing.kind not in ("document", "capture"):
            continue
        told.add(key)
        form = thing.more.get("format", "capture")
        where = thing.more.get("section") or (thing.label if thing.kind == "document" else "")
        yield f"{'  ' * depth}{form} {key} {visible(where, TITLE)}".rstrip()
        yield f"{'  ' * depth}  {visible(thing.url)}  ({visible(thing.license)}, {visible(thing.ref)})"
        waiting += [(depth + 1, parent) for parent in reversed(parents.get(key, []))]


def _rows_of(thing: Thing) -> str:
    return f"{visible(thing.more['folder'])}, split {visible(thing.more['split'])}"


def _row(row: Mapping[str, Any]) -> str:
    return f"{row['id']} {row['section'] or row['title']} {row['url']} ({row['license']})"


def _dropped(row: Mapping[str, Any]) -> str:
    return " ".join(row[name] for name in ("document_id", "detail", "title", "url") if row[name])


def _listed(rows: Sequence[Mapping[str, Any]], count: int, told: Any) -> Iterator[str]:
    for row in rows:
        yield f"    {visible(told(row), 240)}"
    if count > len(rows):
        yield f"    ... and {count - len(rows):,} more"


def _models(trace: Trace) -> Iterator[str]:
    """Yield the checkpoints that were trained on versions that hold any of it, and what was made from them."""
    models = {t.key for t in trace.of_kind("checkpoint", "evaluation")}
    further: dict[str, list[tuple[str, Arrow]]] = {}
    first: dict[str, Arrow] = {}
    for arrow in trace.arrows:
        if arrow.made in models and arrow.source in models:
            further.setdefault(arrow.source, []).append((arrow.made, arrow))
        elif arrow.made in models:
            first.setdefault(arrow.made, arrow)
    nested = {made for ways in further.values() for made, _ in ways}
    for key in [key for key in trace.things if key in first]:
        # An evaluation that asks about these rows, and is of a model that saw them, is told of both.
        yield _version(trace.things[key], first[key], again=key in nested)
        yield from list(_tree(trace, further, [key]))[1:]


def _summary(trace: Trace) -> str:
    rows, left = (sum(thing.count for thing in trace.of_kind(kind)) for kind in ("rows", "dropped"))
    holders = {thing.ref for thing in trace.of_kind("rows")}
    numbers = [(len(trace.of_kind(kind)), kind) for kind in ("checkpoint", "evaluation")]
    told = [f"{_many(rows, 'row')} in {_many(len(holders), 'version')}", f"{left:,} left out"]
    return "in all: " + ", ".join([*told, *(_many(number, kind) for number, kind in numbers)])


def _many(number: int, name: str) -> str:
    return f"{number:,} {name}" if number == 1 else f"{number:,} {name}s"
