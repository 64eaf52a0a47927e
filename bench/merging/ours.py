"""Our engine alone, as a program: reads three checkpoints, writes one, measures their vectors; no digests, no card."""

import sys
from pathlib import Path

from datacards.recipe import read_recipe
from merge.files import lay_out
from merge.numbers import DTYPES
from merge.plan import plan, read_models
from merge.recipe import MergeRecipe
from merge.rules import mergers
from merge.streaming.engine import merge
from merge.streaming.sinks import Laid, stored_as


def main(recipe: Path, out: Path) -> None:
    """Merge as ``recipe`` says into the folder ``out``."""
    asked = read_recipe(recipe, MergeRecipe)
    models = read_models({role: Path(text) for role, text in asked.checkpoints().items()})
    planned = plan(models, tokenizer=asked.donor(), new_tokens=asked.new_tokens)
    names = [target.name for target in planned.targets if not target.kept]
    dtype = DTYPES[asked.dtype]
    formats = stored_as(planned, dtype)
    out.mkdir()
    laid = lay_out(out, [(t.name, formats[t.name], t.shape) for t in planned.targets], asked.shard_bytes)
    with Laid({tensor.name: tensor for tensor in laid}) as sink:
        merge(
            planned,
            mergers(asked, names, planned.layers),
            sink,
            dtype=dtype,
            seed=asked.seed,
            journal=out / "journal",
        )


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
