"""What a merge writes beside its weights: similarity.json, merge.json, and the numbers of its card."""

from collections.abc import Iterable, Mapping, Sequence

from datacards.card import Ref
from datacards.draft import Draft
from datacards.merged import MERGED, SIMILARITY, Merged, Method, to_lines
from merge.base import Merger
from merge.papers import PAPERS
from merge.plan import Model
from merge.similarity.independence import sentences
from merge.similarity.record import similarity
from merge.similarity.summary import alike, metrics, vectors
from merge.streaming.measured import Measured


def steps(
    models: Mapping[str, Model], methods: Iterable[Merger], *, dtype: str, rounding: str, output: str
) -> str:
    """Return a sentence on the number formats from the stored inputs to the stored result."""
    stored = ", ".join(
        f"{role} {' and '.join(sorted({tensor.dtype for tensor in model.tensors.values()}))}"
        for role, model in models.items()
    )
    whole = any(merger.sees == "tensor" for merger in methods)
    computed = "float64" + (", float32 where a method sees whole tensors" if whole else "")
    how = "at random to one of its two neighbors" if rounding == "stochastic" else "to the nearest"
    kind = "the difference from the base" if output == "vector" else "each weight"
    return f"Inputs are stored as {stored}; arithmetic was in {computed}; {kind} was rounded once to {dtype}, {how}."


def tell(
    draft: Draft,
    measured: Sequence[Measured],
    *,
    models: Mapping[str, Ref],
    methods: Iterable[str],
    notes: Sequence[str] = (),
) -> Merged:
    """Write what the pass over all tensors measured into ``draft``, and return what its page will tell.

    ``models`` has the input of every role, the base's first; ``methods`` are the mergers that were used, ``notes`` the
    sentences of the plan. The page and its figure are made from these files when the version is finished.
    """
    rows = [similarity(one) for one in measured]
    pairs, lengths = alike(measured, rows), vectors(measured)
    told = Merged(
        methods=tuple(PAPERS.get(name, Method(name=name)) for name in dict.fromkeys(methods)),
        models=dict(models),
        notes=tuple(notes),
        independence=tuple(sentences(pairs, lengths, rows)),
        vectors=tuple(lengths),
        pairs=tuple(pairs),
    )
    (draft.path / SIMILARITY).write_text(to_lines(rows), encoding="utf-8")
    (draft.path / MERGED).write_text(told.model_dump_json(indent=1) + "\n", encoding="utf-8")
    draft.rows[SIMILARITY] = len(rows)
    draft.counts["tensors"] = len(rows)
    draft.counts["weights"] = sum(one.n for one in rows)
    draft.metrics.update(metrics(pairs))
    return told
