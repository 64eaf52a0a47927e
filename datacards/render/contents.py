"""The part of a dataset's page that says what the version holds, from its profile."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from math import sqrt

from datacards.card import Card
from datacards.profile.quality import TOLD
from datacards.profile.record import OTHERS, POINTERS, Histogram, Profile
from datacards.render.header import in_order, of_texts
from datacards.render.markdown import Markdown, code, fenced, share, table, text

SHOWN = 60  # rows of one table
FEW = 8  # columns beside the first one that a table has at most
_NAMED = {"": "unknown", OTHERS: "others"}


def in_short(card: Card, profile: Profile) -> str:
    """Return the few numbers that a reader looks for first."""
    years = sorted(g.value for g in profile.groups["year"] if g.value.isdecimal())
    given = profile.rows_by("redistribution").get("yes", 0)
    sources = {part.source for part in profile.parts if part.source}
    rows: list[tuple[object, object]] = [
        ("documents, in all formats", profile.rows),
        *([("pointers, without texts", profile.pointers)] if profile.pointers else []),
        ("characters, in all formats", profile.characters),
        *((f"tokens by {name}", said) for name, said in _token_sums(profile).items()),
        ("sources", len(sources)),
    ]
    if years:
        rows.append(("years", years[0] if years[0] == years[-1] else f"{years[0]} to {years[-1]}"))
    rows.append(("may be given to others", f"{share(given, profile.rows)} of the documents"))
    if card.rights:
        rows.append(("licenses of the texts", ", ".join(r.license for r in of_texts(card))))
    return table(["", ""], rows)


def held(profile: Profile) -> str:
    """Return a table of rows by config and split, with the characters of texts."""
    rows: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    characters: dict[str, int] = defaultdict(int)
    for part in profile.parts:
        rows[part.format][part.split] += part.rows
        characters[part.format] += part.characters
    for one in profile.tables:
        rows[one.config][one.split] += one.rows
    splits = sorted({split for counted in rows.values() for split in counted}, key=in_order)
    return table(
        ["config", *splits, "characters"],
        (
            [code(name), *(counted.get(split, "") or "" for split in splits), characters.get(name, "")]
            for name, counted in rows.items()
        ),
    )


def splits(card: Card) -> list[str]:
    """Return how the rows came into their splits, as far as the recipe asked for it; nothing when it did not."""
    match card.recipe.get("holdout"):
        case {"by": "company", "share": share_, "seed": seed}:
            told = (
                f"`test` holds all that was made of the companies that were drawn (by EDINET code, else securities code; "
                f"each with a chance of {text(share_)}, seed {text(seed)}), `train` nothing of it; rows made of both "
                "sides were left out as `crosses_splits`. What is told of no company, like articles, may still name one."
            )
        case {"by": "time", "since": since}:
            told = f"`test` holds what nobody could have read before {text(since)}."
        case float() | int() as part if part and "generator" in card.recipe:
            return [f"All questions on a share of {text(part)} of the facts, drawn by seed, are in `test`."]
        case _:
            return []
    return [f"{told} `validation` is what the stages before held out already."]


def by_source(profile: Profile) -> str:
    """Return a table of sources: documents of every format, characters of all."""
    rows: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    characters: dict[str, int] = defaultdict(int)
    for part in profile.parts:
        rows[part.source][part.format] += part.rows
        characters[part.source] += part.characters if part.format != POINTERS else 0
    ordered = sorted(rows, key=lambda name: (-sum(rows[name].values()), name))
    return _crossed("source", profile.formats, ordered, rows, characters)


def by(profile: Profile, dimension: str, *, named: bool = False) -> str:
    """Return a table of one dimension: documents of every format; by name, else most documents first."""
    rows: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    characters: dict[str, int] = defaultdict(int)
    for group in profile.groups[dimension]:
        rows[group.value][group.format] += group.rows
        characters[group.value] += group.characters if group.format != POINTERS else 0
    ordered = sorted(
        rows, key=lambda name: (name == "", 0 if named else -sum(rows[name].values()), name), reverse=False
    )
    if named:  # the newest years are looked for first
        ordered = [*sorted((name for name in rows if name), reverse=True), *([""] if "" in rows else [])]
    return _crossed(dimension, profile.formats, ordered, rows, characters)


def _crossed(
    what: str,
    formats: Sequence[str],
    ordered: Sequence[str],
    rows: dict[str, dict[str, int]],
    characters: dict[str, int],
) -> str:
    shown = table(
        [what, *(code(name) for name in formats[:FEW]), "characters"],
        (
            [_NAMED.get(name, name), *(rows[name].get(one, "") for one in formats[:FEW]), characters[name]]
            for name in ordered[:SHOWN]
        ),
    )
    more = len(ordered) - SHOWN
    return f"{shown}\n\n{more:,} more are in `profile.json`." if more > 0 else shown


def token_table(profile: Profile) -> list[str]:
    """Return the tokens of every format by every tokenizer, and how they were counted."""
    if not profile.tokens:
        return ["No tokenizer was named."]
    names = dict.fromkeys((one.tokenizer, one.sha256) for one in profile.tokens)
    cells = {(one.format, one.sha256): _number(one.tokens, one.stderr) for one in profile.tokens}
    formats = dict.fromkeys(one.format for one in profile.tokens)
    counted = table(
        ["config", *(name for name, _ in names)],
        ([code(name), *(cells.get((name, digest), "") for _, digest in names)] for name in formats),
    )
    sampled = [one for one in profile.tokens if one.stderr is not None]
    how = "All texts were counted, without special tokens."
    if sampled:
        looked = table(
            ["tokenizer", "config", "texts counted", "of"],
            ((one.tokenizer, code(one.format), one.rows, one.of) for one in sampled),
        )
        how = "Estimated from a seeded sample, without special tokens; ± is one standard error.\n\n" + looked
    digests = table(["tokenizer", "SHA-256 of its tokenizer.json"], ((n, code(d)) for n, d in names))
    return [counted, how, digests]


def _token_sums(profile: Profile) -> dict[str, str]:
    """Return the tokens of all formats by tokenizer; errors of the formats do not depend on each other."""
    sums: dict[tuple[str, str], tuple[int, float, bool]] = {}
    for one in profile.tokens:
        tokens, variance, exact = sums.get((one.tokenizer, one.sha256), (0, 0.0, True))
        squared = variance + (one.stderr or 0.0) ** 2
        sums[one.tokenizer, one.sha256] = (tokens + one.tokens, squared, exact and one.stderr is None)
    return {
        name: _number(tokens, None if exact else sqrt(variance))
        for (name, _), (tokens, variance, exact) in sums.items()
    }


def _number(tokens: int, stderr: float | None) -> str:
    return f"{tokens:,}" if stderr is None else f"{tokens:,} ± {stderr:,.0f}"


def distributions(profile: Profile) -> str:
    """Return the lengths of texts, the sizes of clusters and the signals of quality as one table.

    Where a share of the values ends is told by the lower edge of its bin.
    """
    rows: list[Sequence[object]] = [
        (Markdown(f"characters of {code(name)}"), *_told(one)) for name, one in profile.lengths.items()
    ]
    if profile.clusters:
        rows.append(("near-duplicates that a document stands for", *_told(profile.clusters)))
    if profile.quality:
        rows += [
            (TOLD.get(signal.name, signal.name), *_told(signal.values)) for signal in profile.quality.signals
        ]
    head = ["what", "documents", "mean", "5 %", "median", "95 %", "most"]
    return f"{table(head, rows)}\n\n5 %, median and 95 % are lower edges of the bins in which they lie."


def _told(one: Histogram) -> tuple[object, ...]:
    places = (one.mean, one.quantile(0.05), one.quantile(0.5), one.quantile(0.95), one.most)
    return (one.rows, *(f"{value:,.4g}" if value < 1000 else f"{value:,.0f}" for value in places))


def duplicates(profile: Profile) -> str:
    """Return in a sentence which duplicates were found."""
    found = profile.duplicates
    told = f"{found.get('exact', 0):,} exact and {found.get('near', 0):,} near-duplicates left"
    similar = found.get("similar_kept", 0)
    stayed = f"; {similar:,} pairs that are much alike both stayed, and `similar` says why" if similar else ""
    return f"{told}{stayed}."


def columns(profile: Profile) -> Iterable[str]:
    """Yield a table of columns for every config, equal ones together."""
    for one in profile.columns:
        yield "### " + ", ".join(map(code, one.configs))
        yield table(
            ["column", "type", "meaning"], ((code(c.name), code(c.type), c.meaning) for c in one.columns)
        )


def opening(card: Card, config: str, source: str) -> str:
    """Return the lines that open a version, of a release also one source."""
    place = f"{card.name}/{card.version}"
    lines = ["from datasets import load_dataset", "", f'load_dataset("{place}", "{config}")']
    if source:
        lines.append(f'load_dataset("{place}", "{source}")  # one source, all formats')
    elsewhere = (
        f'Where it was put elsewhere, name the folder of this page, or on the hub `ORG/NAME` with `revision="{card.version}"`; '
        "from a bucket it is copied first."
    )
    return f"{fenced(chr(10).join(lines), 'python')}\n\n{elsewhere}"
