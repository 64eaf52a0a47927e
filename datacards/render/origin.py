"""The parts of a page about rights, citing, rebuilding, and where a version and its files come from."""

import yaml

from datacards.card import Card, Rights
from datacards.errors import UserError
from datacards.profile.record import POINTERS
from datacards.render.croissant import cite
from datacards.render.header import of_texts
from datacards.render.markdown import Markdown, code, fenced, link, strong, table, text
from datacards.rights import rights_rows

#: A field that only recipes of one stage have -> the command of that stage.
_STAGES = {
    "captures": "kanagura corpus recipe.yaml",
    "generator": "kanagura rephrase recipe.yaml --corpus {input}",
    "restricted": "kanagura cards publish recipe.yaml --corpus {input}",
}


def rights(card: Card) -> list[str]:
    """Return the table of rights, nothing for a version without any."""
    if not card.rights:
        return []
    rows = [_terms(one) for one in card.rights]
    head = [
        "license", "records", "may be redistributed", "may be changed", "for profit", "share-alike", "attribution",
    ]  # fmt: skip
    return [
        "## Rights",
        table(head, rows),
        "`{title}` and `{url}` are those of each record." + _pointed_at(card),
    ]


def _pointed_at(card: Card) -> str:
    texts = of_texts(card)
    others = [one for one in card.rights if one not in texts]
    if not others:
        return ""
    named = " and ".join(text(one.license) for one in others)
    return f" Of the {sum(one.records for one in others):,} records under {named} only pointers are here, without a text."


def _terms(rights: Rights) -> tuple[object, ...]:
    """Return what the card says of one license, and what the table of licenses adds to it, if it knows it."""
    held = (rights.records, _flag(rights.redistribution))
    try:
        [one] = rights_rows({rights.license: rights.records})
    except UserError:
        return (rights.license, *held, "unknown", "unknown", "unknown", rights.attribution)
    named = link(one.license, one.link) if " " not in one.link else one.license
    shared = "yes" if one.share_alike else ""
    return (named, *held, _flag(one.derivatives), _flag(one.commercial), shared, rights.attribution)


def _flag(given: bool) -> Markdown:
    return Markdown("yes") if given else strong("no")


def cited(card: Card) -> list[str]:
    """Return how to cite a version, in words and as BibTeX; the digest tells it from any other."""
    return [
        "## Cite",
        f"{text(f'{card.name} {card.version}')}, SHA-256 of its content {code(card.content_digest)}.",
        fenced(cite(card), "bibtex"),
    ]


def rebuild(card: Card) -> list[str]:
    """Return how a version is made again and how the result is compared."""
    stage = next((told for field, told in _STAGES.items() if field in card.recipe), None)
    state = code(card.provenance.commit or "unknown")
    named = next((str(ref) for ref in card.made_from), "INPUT")
    command = [stage.format(input=named)] if stage else []
    commands = [f"git checkout {card.provenance.commit}"] if card.provenance.commit else []
    if any(file.path.startswith(f"{POINTERS}/") for file in card.files):
        again = "# the records that stand here as pointers, from captures of your own or a crawl:"
        command += [again, f"kanagura cards rebuild {card.name}@{card.version}"]
    check = "sha256sum --strict -c SHA256SUMS  # in the folder of the version: every file is as it was made"
    told = (
        f"Take the code at commit {state}, the inputs of the table below with these digests, and the recipe below as "
        "`recipe.yaml`. The same code, recipe and inputs give the same files."
    )
    return [
        "## Rebuild",
        told,
        fenced("\n".join([*commands, *command, check]), "sh"),
    ]


def made_from(card: Card) -> list[str]:
    """Return inputs, recipe, code and files; neither the time nor the command of the run, which card.json has."""
    recipe = yaml.safe_dump(card.recipe, allow_unicode=True, sort_keys=False)
    made = card.provenance
    where = text(f"Python {made.python}, {made.platform}, device {made.device}")
    changes = " with local changes" if made.dirty else ""
    return [
        "## Made from",
        table(["input", "digest"], [(str(ref), code(ref.digest[:16])) for ref in card.made_from]),
        f"Made at commit {code(made.commit[:12] or 'unknown')}{changes}, {where}, by this recipe:",
        fenced(recipe, "yaml"),
        table(["library", "version"], sorted(made.libraries.items())),
        "## Files",
        table(
            ["file", "rows", "bytes", "SHA-256"],
            [
                (file.path, "" if file.rows is None else file.rows, file.bytes, code(file.sha256[:16]))
                for file in card.files
            ],
        ),
    ]
