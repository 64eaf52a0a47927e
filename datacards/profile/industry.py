"""The industry of a row: what its meta says, else that of the company it is about, from the lists in ``facts``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from datacards.profile.blocks import Shard, blocks

#: Keys of meta that name a company: the filer of a report, the subject of a question.
COMPANY = ("filer", "subject")
CODE = "sec_code"
MOST = 200_000  # companies that are held; Japan lists some four thousand
_CONCEPTS = ("industry", "sec_code")


@dataclass(frozen=True, slots=True)
class Industries:
    """Which industry a company is in, by its name and by its code of four characters; the first list that says so counts."""

    names: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[str, str] = field(default_factory=dict)

    def of(self, meta: Mapping[str, pa.Array]) -> pa.Array:
        """Return the industry of every row, null where nothing tells it."""
        told = [meta["industry"], *(_looked_up(meta[key], self.names) for key in COMPANY)]
        return pc.coalesce(*told, _looked_up(pc.utf8_slice_codeunits(meta[CODE], 0, 4), self.codes))


def industries(facts: Sequence[Shard]) -> Industries:
    """Read the lists of companies: facts of kind ``company`` with the concepts ``industry`` and ``sec_code``."""
    names: dict[str, str] = {}
    code_of: dict[str, str] = {}
    for shard in facts:
        for block in blocks(shard.path, ("kind", "subject", "concept", "value")):
            if "kind" not in block.column_names:
                continue
            chosen = block.filter(pc.equal(block["kind"], "company"))
            chosen = chosen.filter(pc.is_in(chosen["concept"], pa.array(_CONCEPTS)))
            for row in chosen.to_pylist():
                known = names if row["concept"] == "industry" else code_of
                if len(known) < MOST:
                    known.setdefault(row["subject"], row["value"])
    codes: dict[str, str] = {}
    for name, code in code_of.items():
        if name in names:
            codes.setdefault(code[:4], names[name])
    return Industries(names, codes)


def _looked_up(keys: pa.Array, known: Mapping[str, str]) -> pa.Array:
    places = pc.index_in(keys, pa.array(list(known), pa.string()))
    return pa.array(list(known.values()), pa.string()).take(places)
