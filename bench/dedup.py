"""De-duplication: ours against a plain program on datasketch (one MinHashLSH, every candidate removed).

``python -m bench.dedup [FILE.parquet ...] [--documents N]`` takes the ``text`` columns of any Parquet files; without
files it makes N Japanese-like documents with known near-duplicates and counts what each side finds of them.
"""

import json
import random
import tempfile
from pathlib import Path

import click
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from bench import measured

READ = """
import json, sys
from pathlib import Path
import pyarrow.parquet as pq
texts = [t for p in json.loads(sys.argv[1]) for t in pq.read_table(p, columns=["text"])["text"].to_pylist()]
"""
OURS = (
    READ
    + """
from corpus.dedup import DedupOptions, Entry, Signer, content_hash, find_duplicates
options = DedupOptions()
sign = Signer(options)
entries = [
    Entry(order=(f"{i:09d}",), id=str(i), url="", content=content_hash(t), signature=sign(t), states=b"")
    for i, t in enumerate(texts)
]
gone = sorted(find_duplicates(entries, lambda i: texts[i], options).removed)
Path(sys.argv[2]).write_text(json.dumps(gone))
"""
)
PEER = (
    READ
    + """
import unicodedata
from datasketch import MinHash, MinHashLSH
index, gone = MinHashLSH(threshold=0.8, num_perm=128), []
for i, text in enumerate(texts):
    seen = "".join(unicodedata.normalize("NFKC", text).split())
    sketch = MinHash(num_perm=128, scheme="affine32")
    sketch.update_batch([seen[at:at + 5].encode() for at in range(max(1, len(seen) - 4))])
    if index.query(sketch):
        gone.append(i)
    else:
        index.insert(str(i), sketch)
Path(sys.argv[2]).write_text(json.dumps(gone))
"""
)


def make(path: Path, documents: int) -> set[int]:
    """Write documents of which a fifth are near-duplicates (Jaccard above 0.8); return their positions."""
    chance = random.Random(7)
    signs = "金融市場経済物価賃金成長政策銀行投資収益資産負債株式債券為替の、はがをに。で"
    texts: list[str] = []
    copies: set[int] = set()
    for i in range(documents):
        if i and chance.random() < 0.2:
            text = list(texts[chance.randrange(i)])
            for _ in range(len(text) // 100):  # one sign in a hundred changes: a Jaccard of about 0.9
                text[chance.randrange(len(text))] = chance.choice(signs)
            texts.append("".join(text))
            copies.add(i)
        else:
            texts.append("".join(chance.choices(signs, k=chance.randint(200, 1200))))
    pq.write_table(pa.table({"text": texts}), path)
    return copies


@click.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False))
@click.option(
    "--documents", default=3000, show_default=True, help="How many to make when no files are given."
)
def main(files: tuple[str, ...], documents: int) -> None:
    """Measure and print a table; the last line is one JSON object."""
    with tempfile.TemporaryDirectory() as name:
        made = Path(name) / "made.parquet"
        truth = set() if files else make(made, documents)
        inputs = json.dumps(list(files) or [str(made)])
        figures: dict[str, dict[str, float]] = {}
        for kind, code in (("ours", OURS), ("datasketch", PEER)):
            out = Path(name) / f"{kind}.json"
            cost = measured(code, [inputs, str(out)])
            gone = set(json.loads(out.read_text()))
            figures[kind] = {
                "wall_s": cost.wall,
                "cpu_s": cost.cpu,
                "peak_mib": cost.peak,
                "removed": len(gone),
            }
            if truth:
                figures[kind]["precision"] = len(gone & truth) / max(1, len(gone))
                figures[kind]["recall"] = len(gone & truth) / len(truth)
    table = Table("dedup", *figures["ours"], box=None, header_style="bold")
    for kind, row in figures.items():
        table.add_row(kind, *(f"{value:,.3f}" for value in row.values()))
    Console().print(table)
    ratio = figures["datasketch"]["cpu_s"] / figures["ours"]["cpu_s"]
    click.echo(json.dumps({"documents": documents, **figures, "datasketch_over_ours_cpu_s": round(ratio, 3)}))


if __name__ == "__main__":
    main()
