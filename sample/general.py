"""Makes ``sample-general``, a dataset version of everyday text that has nothing to do with finance.

The stories are told as those that ``sample-base`` has learned, with other words drawn: a model that was trained on filings is
measured on them (``train --validate``) for what it has forgotten, or reads some of them again meanwhile (``train --replay``).
"""

import random
from collections.abc import Iterator

import click
import pyarrow as pa
import pyarrow.parquet as pq

from datacards.card import Rights
from datacards.cli import store_option
from datacards.store import Store
from sample.models import VERSION, stories

NAME = "sample-general"
LICENSE, BY = "Apache-2.0", "the sample world of Kanagura"


def told(n: int = 1500, seed: int = 7) -> Iterator[tuple[str, str]]:
    """Yield (id, text) of ``n`` different stories."""
    seen = set()
    for story in stories(random.Random(seed)):
        if story.text not in seen:
            seen.add(story.text)
            yield f"story-{len(seen)}", story.text
        if len(seen) == n:
            return


def make_general(store: Store) -> None:
    """Make the version, if it is not there already."""
    recipe = {"made_by": "sample.general"}
    if store.finished(NAME, VERSION, recipe=recipe, made_from=()):
        return
    about = "Everyday stories without a word of finance; invented for the sample world."
    with store.write(name=NAME, version=VERSION, kind="dataset", recipe=recipe, description=about) as draft:
        ids, texts = zip(*told(), strict=True)
        n = len(ids)
        columns = {
            "id": list(ids), "text": list(texts), "format": ["markdown"] * n, "source": ["stories"] * n,
            "license": [LICENSE] * n, "attribution": [BY] * n, "redistribution": [True] * n,
        }  # fmt: skip
        (draft.path / "markdown").mkdir()
        pq.write_table(pa.table(columns), draft.path / "markdown" / "train-00000.parquet")
        draft.counts["documents"] = n
        draft.rights.append(Rights(license=LICENSE, attribution=BY, redistribution=True, records=n))


@click.command()
@store_option
def main(root: str) -> None:
    """Make sample-general in the store, if it is not there already."""
    make_general(Store(root))


if __name__ == "__main__":
    main()
