"""Recipe -> dataset version: extract and clean in a sandbox, find duplicates, render formats, keep count."""

from collections import defaultdict
from collections.abc import Sequence
from hashlib import sha256
from itertools import chain
from pathlib import Path

from tqdm import tqdm

from corpus.dedup import find_duplicates
from corpus.prepare import count_captures, places_and_entries, text_at, write_chunks
from corpus.recipe import CorpusRecipe
from corpus.withdrawn import withdrawn
from corpus.write import Prepared, write
from datacards.card import Ref
from datacards.errors import UserError
from datacards.provenance import capture
from datacards.store import Draft, Store


def inputs(recipe: CorpusRecipe, store: Store, pins: Sequence[str] = ()) -> tuple[Ref, ...]:
    """Return the captures versions that the recipe reads; a pin, ``name@version``, fixes one of its names.

    Raises UserError for a pin that the recipe does not name, and for a version that does not exist.
    """
    names = [name.partition("@")[0] for name in recipe.captures]
    pinned: dict[str, list[str]] = defaultdict(list)
    for pin in pins:
        if (name := pin.partition("@")[0]) not in names:
            raise UserError(
                "--captures", f"'{pin}' is no input of {recipe.name}", f"its inputs: {', '.join(names)}"
            )
        pinned[name].append(pin)
    wanted = chain.from_iterable(pinned.get(text.partition("@")[0], [text]) for text in recipe.captures)
    return tuple(dict.fromkeys(map(store.resolve, wanted)))


def run(recipe: CorpusRecipe, store: Store, made_from: Sequence[Ref], *, workers: int = 1) -> Ref:
    """Make the version that ``recipe`` asks for out of the captures ``made_from`` and return it.

    The inputs are verified before any work. A run that was killed goes on where it stopped, and the same
    inputs give the same bytes. In memory are a chunk of captures and about 1 KB per document for finding
    duplicates; only the latter grows. Raises UserError for damaged inputs.
    """
    for ref in made_from:
        store.verified(str(ref), "captures")
    with store.write(
        name=recipe.name,
        version=recipe.version,
        kind="dataset",
        recipe=recipe.model_dump(mode="json"),
        made_from=made_from,
        description=recipe.description,
    ) as draft:
        draft.clear()  # all but the prepared chunks is written again
        chunks = _prepare(recipe, store, made_from, draft, workers)
        places, entries = places_and_entries(chunks)
        duplicates = find_duplicates(entries, lambda i: text_at(places[i]), recipe.dedup)
        write(draft, Prepared(chunks, entries, duplicates), recipe)
        if not any(draft.counts[f"documents_{name}"] for name in recipe.rendered()):
            told = ", ".join(f"{reason} {number:,}" for reason, number in draft.drops.most_common(5))
            raise UserError(
                recipe.name, f"not one document is left ({told})", "", "mend the steps or the captures"
            )
    return store.resolve(f"{recipe.name}@{recipe.version}")


def _prepare(
    recipe: CorpusRecipe, store: Store, made_from: Sequence[Ref], draft: Draft, workers: int
) -> list[Path]:
    """Return the chunks of all inputs, in order, made now or by an earlier run."""
    draft.counts["captures"] = sum(count_captures(store.path(ref)) for ref in made_from)
    chunks: list[Path] = []
    gone = withdrawn(store.path(ref) for ref in made_from)
    code = _code()  # what other code prepared before a kill is not mixed with what this code prepares
    with tqdm(total=draft.counts["captures"], desc="extracting", unit=" captures") as bar:
        for ref in made_from:
            out = draft.work / f"prepared-{code}" / str(ref)
            bar.set_postfix_str(str(ref))
            done = write_chunks(
                store.path(ref),
                out,
                steps=recipe.calls(),
                dedup=recipe.dedup,
                workers=workers,
                withdrawn=gone,
            )
            for number in done:
                bar.update(number)
            chunks += sorted(out.glob("*.parquet"))
    return chunks


def _code() -> str:
    """Return a short digest of the code that prepares documents: this package and the libraries."""
    digest = sha256(repr(sorted(capture().libraries.items())).encode())
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
