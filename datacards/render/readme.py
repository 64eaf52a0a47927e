"""Card -> README.md: the hub's YAML header and a page a person can read."""

from collections import Counter, defaultdict
from collections.abc import Iterable

import yaml

from datacards.card import Card
from datacards.render.crawl import crawl_report

FORMATS = (
    "markdown",
    "sections",
    "categories",
    "listing",
    "qa",
    "multiple_choice",
    "facts",
    "dropped",
    "similar",
    "contamination",
)


def configs(card: Card) -> list[dict[str, object]]:
    """Return the hub's ``configs``: one per format with its splits, so that ``load_dataset`` opens each.

    The description carries the digest of the content because ``datasets`` keys its cache by these lines and by
    the folder's last name, which is only a date: without it one version would be answered with another's rows.
    """
    content = f"{card.name}@{card.version}, content {card.content_digest[:16]}"
    found: list[dict[str, object]] = []
    for name in FORMATS:
        splits: dict[str, list[str]] = {}
        for file in card.files:
            folder, _, leaf = file.path.partition("/")
            if folder == name and leaf.endswith(".parquet"):
                splits.setdefault(leaf.split("-")[0], []).append(file.path)
        if splits:
            data_files = [
                {"split": split, "path": paths} for split, paths in sorted(splits.items(), reverse=True)
            ]
            config: dict[str, object] = {
                "config_name": name,
                "description": content,
                "data_files": data_files,
            }
            if not found:
                config["default"] = True
            found.append(config)
    return found


def header(card: Card) -> dict[str, object]:
    """Return the YAML header of a hub page; mixed rights are ``other`` with the licenses named."""
    licenses = sorted({r.license for r in card.rights})
    head: dict[str, object] = {"pretty_name": f"{card.name} {card.version}", "language": ["ja"]}
    if licenses:
        known = {"CC-BY-SA-4.0": "cc-by-sa-4.0", "CC-BY-4.0": "cc-by-4.0", "Apache-2.0": "apache-2.0"}
        only = known.get(licenses[0]) if len(licenses) == 1 else None
        head["license"] = only or "other"
        if not only:
            head["license_name"] = "-and-".join(licenses).lower()
    head["tags"] = ["finance", "kanagura", card.kind]
    if card.kind == "dataset":
        head["configs"] = configs(card)
    return head


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Return a Markdown table, or a dash when there are no rows."""
    lines = ["| " + " | ".join(map(_cell, row)) + " |" for row in rows]
    if not lines:
        return "-"
    titles = list(head)
    return "\n".join(
        ["| " + " | ".join(titles) + " |", "| " + " | ".join("---" for _ in titles) + " |", *lines]
    )


def _cell(value: object) -> str:
    said = f"{value:,}" if isinstance(value, int) else str(value)
    return " ".join(said.split()).replace("|", "\\|")


def contents(card: Card) -> str:
    """Return a table of what is in a dataset version: rows of every config by split, characters of its texts."""
    rows: dict[str, Counter[str]] = defaultdict(Counter)
    for file in card.files:
        folder, _, leaf = file.path.partition("/")
        if folder in FORMATS and leaf.endswith(".parquet"):
            rows[folder][leaf.split("-")[0]] += file.rows or 0
    splits = sorted({split for counted in rows.values() for split in counted}, reverse=True)
    return table(
        ["config", *splits, "characters"],
        (
            [
                f"`{name}`",
                *(rows[name][split] or "" for split in splits),
                card.counts.get(f"characters_{name}", ""),
            ]
            for name in FORMATS
            if name in rows
        ),
    )


_OPEN = {
    "captures": "`warc/` holds every response as fetched (WARC 1.1), `captures.parquet` one row for each: address, time, "
    "status, license, SHA-256, and where in `warc/` it lies. The body of an unchanged capture lies in the earlier version "
    "that `body_version` names. The `.jsonl` files beside them tell what was not captured and why (`failures.jsonl`), and "
    "what else the spider has found out.",
    "dataset": """```python
from datasets import load_dataset

load_dataset("{place}", "{config}")
```

Every row of a format has its `text` and says where it is from: `url`, `title`, `published_at`, `license`, the
`attribution` that must go with it, whether it may be given to others (`redistribution`), and in `made_from` the
characters of the documents, or the SHA-256 of the captures, that it was made from. `facts` holds the statements that
the documents display; `dropped` what was left out, whole, with the reason.""",
    "checkpoint": """```python
from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained("{place}")
tokenizer = AutoTokenizer.from_pretrained("{place}")
```""",
    "takedown": "`receipt.json` says what was asked, what left which version, and what takes its place; "
    "`tombstones.parquet` names every row that left, without its text.",
    "evaluation": "`scores.json` holds one object per score, `samples/` every question with what the model made of it.",
}


def _first(card: Card) -> str:
    """Return the name of the config that a reader is shown how to open."""
    return next((str(config["config_name"]) for config in configs(card)), "markdown")


def readme(card: Card) -> str:
    """Return the README of a version; everything in it but the description comes from the run."""
    top = yaml.safe_dump(header(card), allow_unicode=True, sort_keys=False)
    parts = [
        f"---\n{top}---",
        f"# {card.name} {card.version}",
        card.description or f"A version of kind `{card.kind}`.",
    ]
    if card.kind == "dataset":
        parts += ["## What is in it", contents(card)]
    place = f"{card.name}/{card.version}"
    parts += [
        "## Open it, in the folder of the store",
        _OPEN[card.kind].format(place=place, config=_first(card)),
    ]
    if card.metrics:
        parts += [
            "## Measured",
            table(["metric", "value"], [(k, f"{v:.6g}") for k, v in card.metrics.items()]),
        ]
    in_contents = tuple(f"{what}_{name}" for name in FORMATS for what in ("documents", "characters"))
    counts = [(what, n) for what, n in sorted(card.counts.items()) if what not in (*in_contents, *FORMATS)]
    if card.kind == "captures":
        parts += crawl_report(card, table)
    elif counts:
        parts += ["## Counts", table(["what", "number"], counts)]
    if card.drops:
        parts += ["## Left out, and why", table(["reason", "number"], sorted(card.drops.items()))]
    return "\n\n".join([*parts, *_rights(card), *_origin(card)]) + "\n"


def _rights(card: Card) -> list[str]:
    if not card.rights:
        return []
    rows = [
        (r.license, r.records, "yes" if r.redistribution else "**no**", r.attribution) for r in card.rights
    ]
    return [
        "## Rights",
        table(["license", "records", "may be redistributed", "attribution"], rows),
        "`{title}` and `{url}` are those of each record.",
    ]


def _origin(card: Card) -> list[str]:
    recipe = yaml.safe_dump(card.recipe, allow_unicode=True, sort_keys=False)
    made = card.provenance
    where = f"Python {made.python}, {made.platform}, device `{made.device}`"
    state = f"commit `{made.commit[:12] or 'unknown'}`" + (" with local changes" if made.dirty else "")
    return [
        "## Made from",
        table(["input", "digest"], [(ref, f"`{ref.digest[:16]}`") for ref in card.made_from]),
        f"Made on {card.created_at:%Y-%m-%d} at {state}, {where}, by this command and recipe:",
        f"```sh\n{made.command}\n```",
        f"```yaml\n{recipe}```",
        table(["library", "version"], sorted(made.libraries.items())),
        "## Files",
        table(
            ["file", "rows", "bytes", "SHA-256"],
            [(f.path, "" if f.rows is None else f.rows, f.bytes, f"`{f.sha256[:16]}`") for f in card.files],
        ),
    ]
