"""The part of a merged checkpoint's page that says how it was merged and how alike its task vectors are."""

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from datacards.card import Card, Ref
from datacards.merged import (
    MERGED,
    SIMILARITY,
    Alike,
    Merged,
    Method,
    Spread,
    Vector,
    asked_of,
    main_pair,
    read_merged,
)
from datacards.render.evolution import BEST
from datacards.render.markdown import Markdown, code, fenced, link, table, text

FIGURE = "plots/similarity.svg"
SHOWN = 20  # pairs in the table; the others stand in merge.json
_HUB = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
_TEMPLATES = ("chat_template.jinja", "chat_template.json")
_ASK = """question = [{"role": "user", "content": "国債の利回りが上がると、その価格はどうなりますか。"}]
words = tokenizer.apply_chat_template(question, add_generation_prompt=True, return_tensors="pt", return_dict=True)
answer = model.generate(**words, max_new_tokens=200)[0][words["input_ids"].shape[1] :]
print(tokenizer.decode(answer, skip_special_tokens=True))"""
_ORTHOGONAL = "https://arxiv.org/abs/2409.19854"


def is_merge(card: Card) -> bool:
    """Tell whether a version was merged from others."""
    return card.kind == "checkpoint" and any(file.path == MERGED for file in card.files)


def is_vector(card: Card) -> bool:
    """Tell whether a checkpoint holds the difference from its base instead of a model."""
    return card.kind == "checkpoint" and asked_of(card).get("output") == "vector"


def hub_name(ref: Ref) -> str:
    """Return ``org/model`` of an input from the hub, '' of any other, and of a name that the hub would not have."""
    name = ref.name.removeprefix("hf:")
    return name if ref.name.startswith("hf:") and _HUB.fullmatch(name) else ""


def base_models(card: Card) -> list[str]:
    """Return the hub's names of the models that a merge was made from, as far as they come from the hub."""
    return list(dict.fromkeys(name for ref in card.made_from if (name := hub_name(ref))))


def told_pair(merged: Merged | None) -> tuple[str, str] | None:
    """Return the pair of roles that is told of first."""
    return main_pair({pair.roles: pair.whole for pair in merged.pairs}) if merged else None


def merging(card: Card, path: Path) -> list[str]:
    """Return the parts of the page of a merge whose files lie in ``path``, none for any other version."""
    merged = read_merged(path / MERGED) if is_merge(card) else None
    if merged is None:
        return []
    drawn = any(file.path == FIGURE for file in card.files)
    return [*_chat(card, path), *_how(card, merged), *_alike(merged, drawn=drawn), *_licenses(card)]


def _chat(card: Card, path: Path) -> Iterable[str]:
    """Show how to ask a model that has a chat template, after the code that loads it."""
    config = path / "tokenizer_config.json"
    inside = config.is_file() and b'"chat_template"' in config.read_bytes()
    if not is_vector(card) and (inside or any((path / name).is_file() for name in _TEMPLATES)):
        yield "Asked in the form of its chat template:"
        yield fenced(_ASK, "python")


def _how(card: Card, merged: Merged) -> Iterable[str]:
    yield "## How it was merged"
    by = " and ".join(map(_named, merged.methods)) or "a method that is not told"
    found = any(file.path == BEST for file in card.files)
    where = f"in {code(BEST)}" if found else "in the recipe under Made from"
    yield f"Merged by {by}; nothing was trained. Its numbers stand {where}."
    vectors = {vector.role: vector for vector in merged.vectors}
    rows = [
        (code(role), _input(ref), code(ref.digest[:16]), *_vector(vectors.get(role)))
        for role, ref in merged.models.items()
    ]
    head = ["role", "checkpoint", "digest", "length of its vector", "of the base", "weights unchanged"]
    yield table(head, rows)
    yield (
        "A task vector is what a model has beyond the base, weight by weight; its length is the Euclidean norm. "
        "Unchanged are the weights of its matrices that are bit for bit those of the base."
    )
    if rules := _rules(card.recipe.get("rules")):
        yield "Tensors that are merged in another way; the first line that fits a name holds:"
        yield table(["tensors", "method", "options"], rules)
    if merged.notes:
        yield "\n".join(f"- {text(note)}" for note in merged.notes)


def _vector(one: Vector | None) -> tuple[str, ...]:
    if one is None:
        return ("", "", "")
    relative = percent(one.relative) if one.relative is not None else ""
    return (f"{one.norm:.4g}", relative, percent(one.unchanged))


def _named(method: Method) -> str:
    title = f" ({link(method.title, method.link)})" if method.title else ""
    return f"{code(method.name)}{title}"


def _input(ref: Ref) -> Markdown:
    name = hub_name(ref)
    return (
        link(str(ref), f"https://huggingface.co/{name}/tree/{ref.version}") if name else Markdown(text(ref))
    )


def _rules(rules: object) -> list[Sequence[object]]:
    if not isinstance(rules, list):
        return []
    found = [rule for rule in rules if isinstance(rule, dict)]
    return [
        (
            code(rule.get("match", "")),
            code(rule["merger"]) if rule.get("merger") else "that of the others",
            code(json.dumps(rule["options"], ensure_ascii=False)) if rule.get("options") else "",
        )
        for rule in found
    ]


def _alike(merged: Merged, *, drawn: bool) -> Iterable[str]:
    pairs = [pair for pair in merged.pairs if pair.spread]
    if not (pairs or merged.independence):
        return
    yield "## Similarity of the task vectors" if merged.pairs else "## The task vector"
    if merged.independence:
        first, *more = map(text, merged.independence)
        yield f"**{first}**"
        if more:
            yield " ".join(more)
    if drawn:
        yield f"![Cosine of the task vectors per type of tensor over the layers]({FIGURE})"
    if not pairs:
        return
    head = ["tensors", "mean", "standard deviation", "max", "min"]
    shown = [
        (_pair(pair), pair.tensors, *_spread(pair.spread), *_more(pair))
        for pair in far(pairs)[:SHOWN]
        if pair.spread
    ]
    yield table(["pair", *head, "mean size", "of chance", "whole", "signs agree"], shown)
    if len(pairs) > SHOWN:
        yield f"Of {len(pairs):,} pairs these are the farthest from zero; `{MERGED}` has all."
    yield (
        "Cosines over tensors, each counting once, as below figure 4 of "
        f"{link('arXiv 2409.19854', _ORTHOGONAL)}; mean size is that of the cosines without their signs, beside what "
        "random directions would give; whole is the cosine of the vectors over all weights."
    )
    told = next((pair for pair in pairs if pair.roles == told_pair(merged)), pairs[0])
    types = [(code(one.type), one.tensors, *_spread(one)) for one in told.types]
    yield table([f"type, {' and '.join(told.roles)}", *head], types)
    yield f"`{SIMILARITY}` has every tensor."


def far(pairs: Sequence[Alike]) -> list[Alike]:
    """Return pairs, that of the paper first where it leads already, the others by how far they are from zero."""
    first = main_pair({pair.roles: pair.whole for pair in pairs})
    return sorted(pairs, key=lambda pair: (pair.roles != first, -abs(pair.whole or 0.0)))


def _pair(pair: Alike) -> Markdown:
    return Markdown(" and ".join(map(code, pair.roles)))


def _spread(one: Spread) -> tuple[str, ...]:
    return (signed(one.mean), f"{one.std:.4f}", signed(one.max), signed(one.min))


def _more(pair: Alike) -> tuple[str, ...]:
    sizes = [f"{value:.4f}" if value is not None else "" for value in (pair.mean_abs, pair.chance)]
    agree = percent(pair.signs_agree) if pair.signs_agree is not None else ""
    return (*sizes, signed(pair.whole) if pair.whole is not None else "", agree)


def signed(value: float) -> str:
    """Return a cosine with its sign."""
    return f"{value:+.4f}"


def percent(value: float) -> str:
    """Return a share in percent with three digits that count."""
    return f"{100 * value:.3g} %"


def _licenses(card: Card) -> Iterable[str]:
    """Say where the licenses of what came from outside the store are found: they are not known here."""
    if names := base_models(card):
        pages = ", ".join(link(name, f"https://huggingface.co/{name}") for name in names)
        yield "## Licenses of the models"
        yield (
            f"What may be done with the result depends on the licenses of {pages}, which their pages state; rights of "
            "texts that the models of this store were trained on stand below."
        )
