"""MinHash signatures on one core: ours against datasketch, rensa and a loop in C, in CPU time per shingle.

``python -m bench.minhash [FILE.parquet ...] [--chars N]`` takes the ``text`` columns of any Parquet files; without files it
makes Japanese-like text. Everyone goes from the same normalized strings to signatures of 128 values: datasketch and
rensa need lists of shingles, so making these is counted, one text at a time, in the way that is cheapest for each
(datasketch: repeats left out first and encoded; rensa: strings, repeats and all). The figures named ``..._given`` leave
the making out and hand over encoded shingles without repeats; rensa's sketch is not one of permutations and looks
at most shingles only briefly. A shingle counts as often as it occurs. The C loop (AVX2 intrinsics, compiled on
the spot where there is a compiler) does our kernel's work on the same UTF-8 buffer; ``ratio_c`` compares those two.
"""

import ctypes
import json
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import click
import numpy as np
import xxhash
from datasketch import MinHash
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench.measures.given import opened
from corpus.duplicates.compared import comparable
from corpus.duplicates.minhash import MinHasher, multipliers, shingle_hash

try:
    import rensa
except ImportError:
    rensa = None

PERMUTATIONS, NGRAM, SEED = 128, 5, 1
SAME = ("ours", "ours_utf8", "ours_numpy", "c")  # must return the same values
PEERS = ("update_batch", "bulk", "rensa")
LEAST = 20_000_000  # ns: every measurement repeats until it has taken that long
C = r"""
#include <immintrin.h>
#include <stdint.h>
#define BLOCK 1024

static long decode(const uint8_t *s, const uint8_t *end, uint32_t *out) {
    long n = 0;
    while (s < end) {
        uint32_t c = *s;
        if (c - 0xE0 < 0x10) { out[n++] = (c & 15) << 12 | (s[1] & 63u) << 6 | (s[2] & 63u); s += 3; }
        else if (c < 0x80) { out[n++] = c; s += 1; }
        else if (c < 0xE0) { out[n++] = (c & 31) << 6 | (s[1] & 63u); s += 2; }
        else { out[n++] = (c & 7) << 18 | (s[1] & 63u) << 12 | (s[2] & 63u) << 6 | (s[3] & 63u); s += 4; }
    }
    return n;
}

void sign(const uint8_t *text, const int64_t *starts, const int64_t *ends, long texts, long ngram,
          const uint64_t *k, const uint32_t *a, const uint32_t *b, long permutations, uint32_t *points, uint32_t *out) {
    static uint64_t sums[BLOCK];
    static uint32_t hashes[BLOCK];
    for (long t = 0; t < texts; t++, out += permutations) {
        long length = decode(text + starts[t], text + ends[t], points);
        long n = ngram < length ? ngram : length, total = length - n + 1;
        for (long p = 0; p < permutations; p++) out[p] = 0xFFFFFFFFu;
        for (long first = 0; first < total; first += BLOCK) {
            long count = total - first < BLOCK ? total - first : BLOCK;
            for (long i = 0; i < count; i++) sums[i] = 0;
            for (long j = 0; j < n; j++)
                for (long i = 0; i < count; i++) sums[i] += k[j] * (points[first + i + j] + 1u);
            for (long i = 0; i < count; i++) {
                uint32_t h = (sums[i] ^ sums[i] >> 32) * 0x9E3779B97F4A7C15u >> 32;
                h ^= h >> 16; h *= 0x85EBCA6Bu; h ^= h >> 13; h *= 0xC2B2AE35u; h ^= h >> 16;
                hashes[i] = h;
            }
            for (long p = 0; p < permutations; p += 32) { /* four vectors of permutations stay in registers */
                __m256i A[4], B[4], low[4];
                for (int v = 0; v < 4; v++) {
                    A[v] = _mm256_loadu_si256((const __m256i *)(a + p) + v);
                    B[v] = _mm256_loadu_si256((const __m256i *)(b + p) + v);
                    low[v] = _mm256_loadu_si256((const __m256i *)(out + p) + v);
                }
                for (long i = 0; i < count; i++) {
                    __m256i h = _mm256_set1_epi32((int)hashes[i]);
                    for (int v = 0; v < 4; v++)
                        low[v] = _mm256_min_epu32(low[v], _mm256_add_epi32(_mm256_mullo_epi32(h, A[v]), B[v]));
                }
                for (int v = 0; v < 4; v++) _mm256_storeu_si256((__m256i *)(out + p) + v, low[v]);
            }
        }
    }
}
"""
Signatures = NDArray[np.uint32]


def made(chars: int) -> list[str]:
    """Return texts of about ``chars`` characters, 200,000 together: sentences of invented words and amounts."""
    chance = random.Random(7)
    signs = "金融市場経済物価賃金成長政策銀行投資収益資産負債株式債券為替需要供給企業部門設備輸出消費"
    words = ["".join(chance.choices(signs, k=chance.choice((1, 2, 2, 2, 4)))) for _ in range(3000)]
    weights = [1 / rank for rank in range(1, 3001)]
    ends = ("が増加した。", "は前年並みとなった。", "を見込んでいる。", "に伴う影響は軽微である。")
    texts = []
    for _ in range(max(1, 200_000 // chars)):
        text = ""
        while len(text) < chars:
            text += "の".join(chance.choices(words, weights, k=3)) + f"{chance.randrange(10**6):,}百万円"
            text += chance.choice(ends)
        texts.append(comparable(text[:chars]))
    return texts


def read(files: Sequence[str], limit: int) -> list[str]:
    """Return the normalized texts of Parquet files, about ``limit`` characters of them."""
    texts: list[str] = []
    size = 0
    for name in files:
        for batch in opened(name).iter_batches(columns=["text"], batch_size=64):
            for text in filter(None, batch.column(0).to_pylist()):
                if size < limit:
                    texts.append(comparable(text)[: limit - size])
                    size += len(texts[-1])
    if not texts:
        raise SystemExit("the files hold no text in a column named text")
    return texts


def grams(text: str) -> list[str]:
    return [text[at : at + NGRAM] for at in range(max(1, len(text) - NGRAM + 1))]


def encoded(text: str) -> list[bytes]:
    return [gram.encode() for gram in set(grams(text))]


def update_batch(shingles: Iterable[list[bytes]]) -> Signatures:
    empty = MinHash(PERMUTATIONS, SEED, scheme="affine32")
    rows = []
    for pieces in shingles:
        sketch = empty.copy()
        sketch.update_batch(pieces)
        rows.append(sketch.hashvalues)
    return np.array(rows)


def bulk(
    shingles: Iterable[list[bytes]], hashfunc: Callable[[bytes], int] = xxhash.xxh32_intdigest
) -> Signatures:
    made = MinHash.bulk(shingles, num_perm=PERMUTATIONS, seed=SEED, scheme="affine32", hashfunc=hashfunc)
    return np.array([sketch.hashvalues for sketch in made])


def rensas(shingles: Iterable[list[str] | list[bytes]]) -> Signatures:
    rows = []
    for pieces in shingles:
        sketch = rensa.RMinHash(PERMUTATIONS, SEED)
        sketch.update(pieces)
        rows.append(sketch.digest())
    return np.array(rows, np.uint32)


def compiled_c(folder: Path) -> Callable[[NDArray[np.uint8], NDArray[np.int64]], Signatures] | None:
    """Return the C loop, or None where there is no compiler or no AVX2."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    info = Path("/proc/cpuinfo")
    if not compiler or not info.is_file() or " avx2 " not in info.read_text(encoding="utf-8"):
        return None
    (folder / "sign.c").write_text(C, encoding="utf-8")
    words = [
        compiler,
        "-O3",
        "-mavx2",
        "-shared",
        "-fPIC",
        "-o",
        str(folder / "sign.so"),
        str(folder / "sign.c"),
    ]
    subprocess.run(words, check=True)
    loop = ctypes.CDLL(str(folder / "sign.so")).sign
    a, b = MinHash(PERMUTATIONS, SEED, scheme="affine32").permutations
    factors = multipliers(NGRAM)

    def sign(buffer: NDArray[np.uint8], offsets: NDArray[np.int64]) -> Signatures:
        texts = len(offsets) - 1
        points = np.empty(int(np.diff(offsets).max()), np.uint32)
        out = np.empty((texts, PERMUTATIONS), np.uint32)
        arrays = (buffer, offsets, offsets[1:], texts, NGRAM, factors, a, b, PERMUTATIONS, points, out)
        loop(
            *(
                ctypes.c_void_p(x.ctypes.data) if isinstance(x, np.ndarray) else ctypes.c_long(x)
                for x in arrays
            )
        )
        return out

    return sign


def cost(task: Callable[[], object]) -> float:
    """Return the CPU time of one run in ns, the mean of as many as take 20 ms."""
    start, runs, spent = time.process_time_ns(), 0, 0
    while spent < LEAST:
        task()
        runs, spent = runs + 1, time.process_time_ns() - start
    return spent / runs


def contestants(
    texts: Sequence[str], given: Sequence[list[bytes]], folder: Path
) -> dict[str, Callable[[], Signatures]]:
    """Return what is measured, by name: every task signs all texts."""
    pieces = [text.encode() for text in texts]
    buffer = np.frombuffer(b"".join(pieces), np.uint8)
    offsets = np.cumsum([0, *map(len, pieces)], dtype=np.int64)
    ours, twin = (MinHasher(PERMUTATIONS, NGRAM, SEED, compiled=compiled) for compiled in (True, False))
    tasks: dict[str, Callable[[], Signatures]] = {
        "ours": lambda: ours.sign_many(texts),
        "ours_utf8": lambda: ours.sign_utf8(buffer, offsets[:-1], offsets[1:]),
        "ours_numpy": lambda: twin.sign_many(texts),
        "update_batch": lambda: update_batch(map(encoded, texts)),
        "update_batch_given": lambda: update_batch(given),
        "bulk": lambda: bulk(map(encoded, texts)),
        "bulk_given": lambda: bulk(given),
    }
    if rensa:
        tasks["rensa"] = lambda: rensas(map(grams, texts))
        tasks["rensa_given"] = lambda: rensas(given)
    if loop := compiled_c(folder):
        tasks["c"] = lambda: loop(buffer, offsets)
    return tasks


@click.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False))
@click.option(
    "--chars", default=1000, show_default=True, type=click.IntRange(min=1), help="How long a made text is."
)
@click.option(
    "--limit",
    default=200_000,
    show_default=True,
    type=click.IntRange(min=1),
    help="How many characters of the files to take.",
)
@click.option(
    "--rounds",
    default=5,
    show_default=True,
    type=click.IntRange(min=1),
    help="How often everyone is measured, in turn.",
)
def main(files: tuple[str, ...], chars: int, limit: int, rounds: int) -> None:
    """Measure and print a table; the last line is one JSON object."""
    texts = read(files, limit) if files else made(chars)
    given = [encoded(text) for text in texts]
    with tempfile.TemporaryDirectory() as name:
        tasks = contestants(texts, given, Path(name))
        expected = bulk(given, shingle_hash)
        identical = all(np.array_equal(tasks[task](), expected) for task in tasks if task in SAME)
        costs = [{task: cost(run) for task, run in tasks.items()} for _ in range(rounds)]
    shingles = sum(len(grams(text)) for text in texts)
    ns = {task: min(one[task] for one in costs) / shingles for task in tasks}
    ratios: dict[str, float | None] = {}
    for task in (*PEERS, *(f"{peer}_given" for peer in PEERS)):
        ratios[f"ratio_{task}"] = round(ns[task] / ns["ours"], 2) if task in ns else None
    ratios["ratio_c"] = round(ns["ours_utf8"] / ns["c"], 2) if "c" in ns else None
    table = Table("128 permutations", "ns of CPU per shingle", "x ours", box=None, header_style="bold")
    for task, value in ns.items():
        table.add_row(task, f"{value:.1f}", f"{value / ns['ours']:.1f}")
    Console().print(table)
    shape = {"texts": len(texts), "shingles": shingles, "permutations": PERMUTATIONS, "ngram": NGRAM}
    figures = {task: round(value, 2) for task, value in ns.items()}
    found = {**ratios, "identical": identical, "ns": figures, "shape": shape, "rounds": rounds}
    click.echo(json.dumps(found))


if __name__ == "__main__":
    main()
