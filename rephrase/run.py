"""Recipe -> version: questions about one corpus version, split by fact, beside the formats that are carried."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from corpus import shards
from corpus.document import Document, Span
from corpus.formats import multiple_choice, qa
from datacards import plugins
from datacards.card import Ref
from datacards.errors import UserError
from datacards.render.yields import REPORT
from datacards.rights import combined, counted, joined
from datacards.store import Draft, Store
from rephrase.base import FORMATS, REPHRASED, Exchange, Generator, Question, Reject
from rephrase.documents import Documents
from rephrase.files import files
from rephrase.gathered.counts import Balance
from rephrase.log import Log
from rephrase.recipe import RephraseRecipe
from rephrase.tables import REPLY, VERDICT, logged, reply_row, verdict_row
from rephrase.validate import names

SPLITS = ("train", "test")
WHOSE = (
    "edinet_code",
    "sec_code",
)  # of a parent: by these the questions on a company are chosen, or left out


def run(recipe: RephraseRecipe, store: Store, corpus: str, replies: Sequence[str] = ()) -> Ref:
    """Make the version that ``recipe`` asks for from the corpus version called ``corpus``; return its Ref.

    The corpus version is verified first, and so are the versions ``replies``, whose generation logs are read: what
    was answered there is not asked again. A killed run goes on with the replies it already has. Raises UserError
    when not one question was good enough.
    """
    generator: Generator = plugins.make("kanagura.generators", recipe.generator, recipe.options)
    source = store.verified(corpus, "dataset")
    earlier = [store.verified(one, "dataset") for one in replies]
    made_from = [source, *earlier]
    request = asked_for(recipe, generator)
    if done := store.finished(recipe.name, recipe.version, recipe=request, made_from=made_from):
        return done
    folder = store.path(source)
    _check_carry(folder, recipe)
    with drafted(recipe, generator, store, made_from) as draft:
        draft.clear()  # all but the replies is written again
        _take_over(store, earlier, draft)
        _carry(folder, draft, recipe)
        _generate(generator, folder, draft, recipe)
        _count(draft)
    return store.resolve(f"{recipe.name}@{recipe.version}")


def asked_for(recipe: RephraseRecipe, generator: Generator) -> dict[str, Any]:
    """Return a recipe as its version is asked for: without the places where a generator works."""
    request = recipe.model_dump(mode="json")
    return request | {
        "options": {name: told for name, told in request["options"].items() if name not in generator.places}
    }


def drafted(
    recipe: RephraseRecipe, generator: Generator, store: Store, made_from: Sequence[Ref]
) -> AbstractContextManager[Draft]:
    """Open the draft of the version that a recipe asks for."""
    return store.write(
        name=recipe.name,
        version=recipe.version,
        kind="dataset",
        recipe=asked_for(recipe, generator),
        made_from=made_from,
        description=recipe.description,
    )


def _take_over(store: Store, earlier: Sequence[Ref], draft: Draft) -> None:
    """Bring the replies of earlier versions into the log of the draft, once."""
    for ref in earlier:
        paths = shards.shard(store.path(ref), "replies", "train")
        if not paths:
            raise UserError(
                str(ref), "holds no replies", "a version that a model's replies made", "leave it out"
            )
        mark = draft.work / f"taken-{ref}"
        if not mark.is_file():
            with closing(Log(draft.work / "replies")) as log:
                log.take_over(paths)
            mark.touch()


def to_document(question: Question, generator: str) -> Document:
    """Return the document of a question: rights and times are its parents', its origin the spans of every choice.

    Where a license forbids to give on what was made from the text, so does ``redistribution``.
    """
    parent, parents = question.parent, (question.parent, *question.beside)
    terms = combined((one.license for one in parents), derived=True)
    meta = {
        **{name: parent.meta[name] for name in WHOSE if name in parent.meta},
        **question.meta,
        "kind": "question",
        "question": question.question,
        "answer": question.answer,
        "fact": question.key,
        "style": question.style,
        "generator": generator,
    }
    if question.style == "multiple_choice":
        text = multiple_choice.render(question.question, question.choices, question.answer_index)
        meta["choices"] = json.dumps(question.choices, ensure_ascii=False)
        meta["answer"] = str(question.answer_index)
    elif question.style == "qa":
        text = qa.render(question.question, question.answer)
    else:  # a rephrasing: its text is all there is
        text = question.answer
        meta = {key: value for key, value in meta.items() if key not in ("question", "answer")}
        meta["kind"] = REPHRASED
    return replace(
        parent,
        text=text,
        format=FORMATS[question.style],
        section="",
        license=terms.license,
        attribution=joined(one.attribution for one in parents),
        redistribution=terms.redistribution and all(one.redistribution for one in parents),
        available_at=max((one.available_at for one in parents if one.available_at), default=None),
        captured_at=max(one.captured_at for one in parents),
        made_from=tuple(Span(*span) for span in question.spans),
        meta=meta,
        facts=(),
        cluster_size=1,
    )


def split_of(key: str, holdout: float, seed: int) -> str:
    """Return the split of a fact: a stable hash of its key, so that all its questions stay together."""
    drawn = int.from_bytes(hashlib.sha256(f"{seed}|{key}".encode()).digest()[:8], "big") / 2**64
    return "test" if drawn < holdout else "train"


def _check_carry(folder: Path, recipe: RephraseRecipe) -> None:
    for name in recipe.carry:
        if not any((folder / name).glob("*.parquet")):
            held = ", ".join(sorted(p.name for p in folder.iterdir() if p.is_dir()))
            raise UserError(
                recipe.name,
                f"cannot carry '{name}'",
                f"the corpus version holds: {held}",
                "correct the recipe",
            )


def _carry(folder: Path, draft: Draft, recipe: RephraseRecipe) -> None:
    """Link the carried formats, and the facts, into the draft: the same bytes under the same names."""
    for name in (*recipe.carry, "facts"):
        for path in sorted((folder / name).glob("*.parquet")):
            split, _, number = path.stem.partition("-")
            shards.take_over(path, draft.path / name / f"{split}-carried-{number}.parquet")


def _generate(generator: Generator, folder: Path, draft: Draft, recipe: RephraseRecipe) -> None:
    found = generator.generate(Documents(folder), styles=recipe.styles, seed=recipe.seed, work=draft.work)
    accepted, spread = 0, Balance()
    with closing(found), files(draft.path) as made:  # where writing fails, nobody is asked any more
        for item in tqdm(found, desc="questions", unit="", disable=None, leave=False):
            if isinstance(item, Exchange):
                made.add("replies", "train", reply_row(item), REPLY)
            elif isinstance(item, Reject):
                draft.drops[item.drop.reason] += 1
                row = shards.drop_row(item.drop, "rephrase", item.parent)
                made.add("dropped", "train", {**row, "text": item.text}, shards.DROPPED)
                made.add("verdicts", "train", verdict_row(item), VERDICT)
            else:
                split = split_of(item.key, recipe.holdout, recipe.seed)
                document = to_document(item, recipe.generator)
                made.add(document.format, split, shards.document_row(document), shards.DOCUMENT)
                made.add("verdicts", "train", verdict_row(item, document.id), VERDICT)
                accepted += 1
                spread.add(item)
    draft.counts.update(logged(draft.path))
    if not accepted:
        why = ", ".join(f"{number} {reason}" for reason, number in sorted(draft.drops.items()))
        raise UserError(
            recipe.name,
            "not one question was kept",
            f"left out: {why or 'nothing'}",
            "name another corpus or generator",
        )
    _balance(made.rows, accepted, draft)
    told = spread.report()
    draft.metrics.update(
        right_choice_places_p=told["places_p"], right_choice_is_longest=told["right_is_longest"]
    )
    report = {"checks": list(names().items()), **generator.report(recipe.styles)}
    (draft.path / REPORT).write_text(json.dumps(report, ensure_ascii=False, indent=1), encoding="utf-8")


def _balance(rows: Mapping[str, int], accepted: int, draft: Draft) -> None:
    """Check the books: what was judged is what was accepted and what was left out, and both are in the files."""
    held: Counter[str] = Counter()
    for path, number in rows.items():
        held[path.partition("/")[0]] += number
    kept = sum(held[name] for name in set(FORMATS.values()))
    if (
        kept != accepted
        or held["dropped"] != draft.drops.total()
        or held["verdicts"] != kept + held["dropped"]
    ):
        raise RuntimeError(
            f"lost on the way: {accepted:,} accepted, {draft.drops.total():,} left out, in the files {dict(held)}"
        )


def _count(draft: Draft) -> None:
    """Count rows, characters and rights over every file of the draft, the carried ones included.

    What was dropped is kept in the version, so its licenses are named too, with no records of theirs.
    """
    licenses: Counter[str] = Counter()
    columns = {
        "facts": ["document_id"],
        "dropped": ["license"],
        "replies": ["license"],
        "verdicts": ["license"],
    }
    for path in sorted(draft.path.glob("*/*.parquet")):
        name, rows = path.parent.name, 0
        for row in shards.read(path, columns.get(name, ["license", "n_chars"])):
            rows += 1
            if row.get("license"):
                licenses[row["license"]] += name not in columns
            draft.counts[f"characters_{name}"] += row.get("n_chars", 0)
        draft.rows[path.relative_to(draft.path).as_posix()] = rows
        draft.counts[name if name in columns else f"documents_{name}"] += rows
    for name in columns:
        del draft.counts[f"characters_{name}"]
    draft.rights = counted(licenses)
