"""Card and Profile -> README.md: the hub's YAML header and a page a person can read."""

from collections.abc import Sequence

from datacards.card import Card
from datacards.profile.record import TABLES, Profile
from datacards.render import contents, left_out, origin
from datacards.render.crawl import crawl_report
from datacards.render.header import CONFIGS, configs, front_matter, source_of
from datacards.render.markdown import table
from datacards.render.merging import is_vector

__all__ = ["configs", "readme", "table"]

_OPEN = {
    "captures": "`warc/` holds every response as fetched (WARC 1.1), `captures.parquet` one row for each: address, time, "
    "status, license, SHA-256, and where in `warc/` it lies. The body of an unchanged capture lies in the earlier version "
    "that `body_version` names. The `.jsonl` files beside them tell what was not captured and why (`failures.jsonl`), and "
    "what else the spider has found out.",
    "dataset": "Every row of a format has its `text` and says where it is from: `url`, `title`, `published_at`, `license`, "
    "the `attribution` that must go with it, whether it may be given to others (`redistribution`), and in `made_from` the "
    "characters of the documents, or the SHA-256 of the captures, that it was made from. `facts` holds the statements that "
    "the documents display; `dropped` what was left out, with the reason. All of them are described under Columns.",
    "checkpoint": """```python
from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained("{place}")
tokenizer = AutoTokenizer.from_pretrained("{place}")
```""",
    "vector": "It is no model: the safetensors files hold, for every weight, what is to be added to that of the base. "
    "A merge recipe names it like any model, `models: {ROLE: {name}}`, and adds or subtracts it with a weight.",
    "takedown": "`receipt.json` says what was asked, what left which version, and what takes its place; "
    "`tombstones.parquet` names every row that left, without its text.",
    "evaluation": "`scores.json` holds one object per score, `samples/` every question with what the model made of it.",
}
#: A plot -> where it stands, and what it is to who cannot see it.
PLOTS = {
    "sources": "documents by source and format",
    "years": "documents by year and format",
    "length": "characters of the documents of every format",
    "clusters": "near-duplicates that a document stands for",
    "quality": "signals of quality",
}


def readme(card: Card, profile: Profile | None = None, told: Sequence[str] = ()) -> str:
    """Return the README of a version; everything in it but the description comes from the run.

    ``told`` are parts that what the version holds gives, like the receipt of a takedown. It depends on nothing that differs between two runs of one recipe on one code: no time, no command.
    """
    described = card.description.replace("<", "&lt;") or f"A version of kind `{card.kind}`."
    parts = [front_matter(card, profile), f"# {card.name} {card.version}", described]
    if profile:
        parts += ["## In short", contents.in_short(card, profile), "## What is in it", contents.held(profile)]
        parts += contents.splits(card)
    parts += ["## Open it, in the folder of the store", *_open(card)]
    parts += told
    if profile:
        parts += _counted(card, profile)
    if card.metrics and not (told and card.kind == "evaluation"):  # which tells them with their intervals
        rows = [(name, f"{value:.6g}") for name, value in card.metrics.items()]
        parts += ["## Measured", table(["metric", "value"], rows)]
    if card.kind == "captures":
        parts += crawl_report(card, table)
    elif counts := [(what, n) for what, n in sorted(card.counts.items()) if not _is_told(what, profile)]:
        parts += ["## Counts", table(["what", "number"], counts)]
    parts += left_out.left_out(card, profile)
    if profile:
        parts += [*left_out.contamination(profile), *left_out.known_limits(card, profile)]
    parts += origin.rights(card)
    if card.kind == "dataset":
        parts += [*origin.cited(card), *origin.rebuild(card)]
    return "\n\n".join([*parts, *origin.made_from(card)]) + "\n"


def _open(card: Card) -> list[str]:
    place = f"{card.name}/{card.version}"
    if card.kind != "dataset":
        opened = [_OPEN["vector" if is_vector(card) else card.kind].replace("{place}", place)]
        return [one.replace("{name}", f"{card.name}@{card.version}") for one in opened]
    names = [str(config["config_name"]) for config in configs(card)]
    sources = {source for file in card.files if (source := source_of(file.path))}
    of_sources = (name for name in names if name not in CONFIGS)
    source = next((name for name in of_sources if name.removeprefix("source-") in sources), "")
    return [contents.opening(card, names[0] if names else "markdown", source), _OPEN["dataset"]]


def _counted(card: Card, profile: Profile) -> list[str]:
    drawn = {file.path for file in card.files}

    def plot(*names: str) -> list[str]:
        return [f"![{PLOTS[name]}](plots/{name}.svg)" for name in names if f"plots/{name}.svg" in drawn]

    if not profile.rows:
        return ["## Columns", *contents.columns(profile)]
    return [
        "## By source", contents.by_source(profile), *plot("sources"),
        "## By year", contents.by(profile, "year", named=True), *plot("years"),
        "## By industry", contents.by(profile, "industry"),
        "## By kind", contents.by(profile, "kind"),
        "## By language", contents.by(profile, "language"),
        "## Tokens", *contents.token_table(profile),
        "## Lengths, duplicates, quality", contents.duplicates(profile), contents.distributions(profile),
        *plot("length", "clusters", "quality"),
        "## Columns", *contents.columns(profile),
    ]  # fmt: skip


def _is_told(count: str, profile: Profile | None) -> bool:
    """Tell whether a count of the card stands in the tables of the profile."""
    told = ("documents_", "characters_", "source_", "test_", "tests_")
    return profile is not None and (count in (*TABLES, "similar_pairs_kept") or count.startswith(told))
