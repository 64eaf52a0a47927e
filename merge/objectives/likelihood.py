"""How likely a model finds the documents of a dataset version: the mean log-likelihood per token."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal

import pyarrow.parquet as pq
from pydantic import Field, PositiveInt, StringConstraints

from datacards.errors import UserError
from datacards.objective import Loaded, Objective

IGNORED = -100  # a target that cross entropy leaves out
ROWS = 256  # read at once


class Likelihood(Objective):
    """The mean of ``ln p(token | tokens before it)`` over the documents of one format, in nats; 0 is the best there is.

    The first ``limit`` documents of the split are taken, of each the first ``max_length`` tokens. The log-softmax is
    taken in float32 whatever the model computes in. Models are comparable where they share a tokenizer, as the candidates of
    one merge do.
    """

    format: Annotated[str, StringConstraints(pattern=r"^[a-z_]+$")] = "markdown"
    split: Literal["train", "test"] = "train"
    limit: PositiveInt = 256
    max_length: Annotated[int, Field(ge=2)] = 512
    batch_size: PositiveInt = 8

    def check(self, corpus: Path | None) -> None:
        """Raise UserError where no corpus is given or it has no documents of the format and split."""
        if not any(self._texts(corpus)):
            raise UserError(
                "likelihood",
                f"the corpus has no document in {self.format}/{self.split}",
                todo="name another format, split or corpus",
            )

    def score(self, loaded: Loaded, corpus: Path | None) -> float:
        """Return the mean log-likelihood per token."""
        import torch

        rows = self._rows(loaded, corpus)
        total, n = 0.0, 0
        with torch.inference_mode():
            for first in range(0, len(rows), self.batch_size):
                batch = rows[first : first + self.batch_size]
                total += _sum(loaded.model, batch)
                n += sum(len(row) - 1 for row in batch)
        return total / n if n else float("nan")

    def _rows(self, loaded: Loaded, corpus: Path | None) -> list[list[int]]:
        """Return the tokens of the documents, the longest first, so that a batch has rows of like length."""
        texts = list(islice(self._texts(corpus), self.limit))
        encoded = loaded.tokenizer(texts, truncation=True, max_length=self.max_length)["input_ids"]
        return sorted((row for row in encoded if len(row) > 1), key=len, reverse=True)

    def _texts(self, corpus: Path | None) -> Iterator[str]:
        """Yield the texts in order of file and row, a few rows in memory at a time."""
        if corpus is None:
            raise UserError("likelihood", "no corpus was given", todo="add: --corpus NAME@VERSION")
        for path in sorted((corpus / self.format).glob(f"{self.split}-*.parquet")):
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(ROWS, columns=["text"]):
                    yield from (text for text in batch.column("text").to_pylist() if text)


def _sum(model: Any, rows: list[list[int]]) -> float:
    """Return the sum of the log-likelihoods of all tokens but the first of each row."""
    import torch
    from torch.nn.functional import cross_entropy

    width = max(map(len, rows))
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    targets = torch.full((len(rows), width), IGNORED)
    for place, row in enumerate(rows):
        ids[place, : len(row)] = torch.tensor(row)
        targets[place, : len(row)] = ids[place, : len(row)]
    # Padding stands on the right: no token looks at it, and what it would predict is left out.
    ids, targets = ids.to(model.device), targets.to(model.device)
    logits = model(input_ids=ids, use_cache=False).logits[:, :-1].float()
    loss = cross_entropy(
        logits.flatten(0, 1), targets[:, 1:].flatten(), ignore_index=IGNORED, reduction="sum"
    )
    return -float(loss)
