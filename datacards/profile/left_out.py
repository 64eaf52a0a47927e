"""What was left out: how much at each stage for each reason, with a few examples whose text may be shown."""

import re
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from datacards.profile.blocks import Shard, blocks
from datacards.profile.record import Example, Left
from datacards.rights import allowed

EXAMPLES = 3  # of one reason
SHOWN = 80  # characters of a title, a detail or an excerpt
LONGEST_URL = 300
MOST = 1000  # pairs of stage and reason that are told apart
_COLUMNS = ("stage", "reason", "source", "license", "title", "url", "detail", "text")
#: Addresses of persons and their numbers are masked in documents; what left may have left before that.
_PERSONAL = re.compile(r"[A-Za-z0-9._+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+|\d[\d\-－ー―() （）]{7,}\d")

Key = tuple[str, str]


class LeftOut:
    """Counts and examples; the examples of a reason are its first row of each source, then its first rows."""

    def __init__(self) -> None:
        self.rows: dict[Key, int] = {}
        self.firsts: dict[Key, dict[str, list[Example]]] = {}

    def read(self, files: Sequence[Shard]) -> None:
        """Count the rows of the files of config ``dropped``."""
        for shard in files:
            for block in blocks(shard.path, _COLUMNS):
                self._add(block)

    def _add(self, block: pa.Table) -> None:
        if not {"stage", "reason"} <= set(block.column_names):
            return
        keys = block.select(["stage", "reason"]).append_column("at", pa.array(range(block.num_rows)))
        source = block["source"] if "source" in block.column_names else pa.nulls(block.num_rows, pa.string())
        found = keys.append_column("source", source).group_by(
            ["stage", "reason", "source"], use_threads=False
        )
        for row in found.aggregate([("at", "count"), ("at", "min")]).sort_by("at_min").to_pylist():
            key = (row["stage"] or "", row["reason"] or "")
            if key not in self.rows and len(self.rows) >= MOST:
                key = ("…", "…")
            self.rows[key] = self.rows.get(key, 0) + row["at_count"]
            firsts = self.firsts.setdefault(key, {})
            if len(firsts.get(row["source"], ())) < EXAMPLES and (
                row["source"] in firsts or len(firsts) < EXAMPLES
            ):
                self._keep(block, row, firsts.setdefault(row["source"], []))

    def _keep(self, block: pa.Table, row: dict[str, object], held: list[Example]) -> None:
        """Keep the first rows of one reason and source of a block as examples."""
        same = pc.and_(pc.equal(block["stage"], row["stage"]), pc.equal(block["reason"], row["reason"]))
        if "source" in block.column_names:
            same = pc.and_(same, pc.equal(block["source"], row["source"]))
        places = pc.indices_nonzero(same)[: EXAMPLES - len(held)]
        held += [_example(one) for one in block.take(places).to_pylist()]

    def found(self) -> tuple[Left, ...]:
        """Return stages and reasons, most rows first."""
        return tuple(
            Left(stage=stage, reason=reason, rows=rows, examples=_chosen(self.firsts[stage, reason]))
            for (stage, reason), rows in sorted(self.rows.items(), key=lambda one: (-one[1], one[0]))
        )


def _chosen(by_source: dict[str, list[Example]]) -> tuple[Example, ...]:
    """Return one example of every source first, then more of them."""
    ranked = [(place, n) for n, held in enumerate(by_source.values()) for place in range(len(held))]
    lists = list(by_source.values())
    return tuple(lists[n][place] for place, n in sorted(ranked)[:EXAMPLES])


def _example(row: dict[str, str | None]) -> Example:
    free = allowed(row.get("license") or "", derived=False).publish
    return Example(
        source=short(row.get("source")),
        license=short(row.get("license")),
        title=short(row.get("title")),
        url=short(row.get("url"), LONGEST_URL),
        detail=short(row.get("detail")) if free else "",
        excerpt=short(row.get("text")) if free else "",
    )


def short(text: str | None, most: int = SHOWN) -> str:
    """Return the beginning of a text in one line, numbers and addresses of persons masked."""
    line = " ".join((text or "")[: 20 * most].split())
    if not line.startswith(("https://", "http://")):
        line = _PERSONAL.sub("[…]", line)
    return line if len(line) <= most else line[: most - 1] + "…"
