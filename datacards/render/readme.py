"""Card -> README.md: the hub's YAML header and a page a person can read."""

from collections.abc import Iterable

import yaml

from datacards.card import Card

FORMATS = ("markdown", "sections", "categories", "listing", "qa", "multiple_choice", "facts", "dropped")


def configs(card: Card) -> list[dict[str, object]]:
    """Return the hub's ``configs``: one per format with its splits, so that ``load_dataset`` opens each."""
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
            config: dict[str, object] = {"config_name": name, "data_files": data_files}
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
    lines = ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows]
    if not lines:
        return "-"
    titles = list(head)
    return "\n".join(
        ["| " + " | ".join(titles) + " |", "| " + " | ".join("---" for _ in titles) + " |", *lines]
    )


def readme(card: Card) -> str:
    """Return the README of a version; everything in it but the description comes from the run."""
    top = yaml.safe_dump(header(card), allow_unicode=True, sort_keys=False)
    parts = [
        f"---\n{top}---",
        f"# {card.name} {card.version}",
        card.description or f"A version of kind `{card.kind}`.",
        "## Made from",
        table(["input", "digest"], [(ref, f"`{ref.digest[:16]}`") for ref in card.made_from]),
        "## Counts",
        table(["what", "number"], sorted(card.counts.items())),
    ]
    if card.drops:
        parts += ["## Left out, and why", table(["reason", "documents"], sorted(card.drops.items()))]
    if card.metrics:
        parts += [
            "## Measured",
            table(["metric", "value"], [(k, f"{v:.6g}") for k, v in card.metrics.items()]),
        ]
    if card.rights:
        rows = [
            (r.license, r.records, "yes" if r.redistribution else "**no**", r.attribution)
            for r in card.rights
        ]
        parts += ["## Rights", table(["license", "records", "may be redistributed", "attribution"], rows)]
    recipe = yaml.safe_dump(card.recipe, allow_unicode=True, sort_keys=False)
    made = card.provenance
    platform = f"{made.platform}, device `{made.device}`"
    state = f"commit `{made.commit[:12] or 'unknown'}`" + (" with local changes" if made.dirty else "")
    parts += [
        "## Recipe",
        f"```yaml\n{recipe}```",
        "## Provenance",
        f"Made on {card.created_at:%Y-%m-%d} by `{made.command}`, {state}, Python {made.python}, {platform}.",
        table(["library", "version"], sorted(made.libraries.items())),
        "## Files",
        table(
            ["file", "rows", "bytes", "SHA-256"],
            [(f.path, "" if f.rows is None else f.rows, f.bytes, f"`{f.sha256[:16]}`") for f in card.files],
        ),
    ]
    return "\n\n".join(parts) + "\n"
