"""Step repetition: a document that mostly repeats itself leaves."""

import numpy as np

from corpus.contamination.ngrams import hashes
from corpus.document import Document, Drop


def repetition(
    document: Document,
    *,
    maximum_lines: float = 0.5,
    ngram: int = 20,
    maximum_ngrams: float = 0.6,
) -> Document | Drop:
    """Drop a document whose text mostly occurred in it before, as whole lines or as stretches of ``ngram``.

    Both are shares of its characters, after Gopher (arXiv:2112.11446, table A1), whose 10 words are about 20
    characters. The limits are higher than there and in FineWeb2 (0.375 of the lines, ``configs/jpn_Jpan.yml``
    of huggingface/fineweb-2): an annual report says its notes for the group and for the company, which made
    0.30 in an ordinary one, and an audit report says nearly everything twice. Table rows are not counted.
    """
    lines = [stripped for line in document.text.splitlines() if (stripped := line.strip())]
    prose = [line for line in lines if not line.startswith("|")]
    whole = sum(map(len, prose))
    repeated = 1 - sum(map(len, set(prose))) / whole if whole else 0.0
    if repeated > maximum_lines:
        return Drop("repeated_lines", f"{repeated:.0%} of the characters")
    share = repeated_share("\n".join(prose), ngram)
    if share > maximum_ngrams:
        return Drop("repeated_text", f"{share:.0%} of the characters")
    return document


def repeated_share(text: str, n: int) -> float:
    """Return the share of characters of ``text`` in stretches of ``n`` that occurred earlier, without overlap.

    Time grows with the length alone: only where a stretch may occur elsewhere too are strings compared.
    """
    seen: set[str] = set()
    at = repeated = 0
    for place in _twins(text, n):
        if place < at:
            continue
        piece = text[place : place + n]
        if piece in seen:
            repeated += n
            at = place + n
        else:
            seen.add(piece)
    return repeated / len(text) if text else 0.0


def _twins(text: str, n: int) -> list[int]:
    """Return, in order, where stretches of ``n`` begin that occur elsewhere too, and a few others."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
    places = np.arange(max(0, len(codes) - n + 1))
    mixed = hashes(codes, n) * np.uint64(0xD6E8FEB86659FD93)
    bits = max(10, len(places).bit_length() + 2)
    for shift in (
        64 - bits,
        64 - 2 * bits,
    ):  # two rounds: what shares a slot of both tables is most likely equal
        slots = (mixed[places] >> np.uint64(max(0, shift))) & np.uint64((1 << bits) - 1)
        first, last = np.empty(1 << bits, np.int64), np.empty(1 << bits, np.int64)
        last[slots] = places
        first[slots[::-1]] = places[::-1]
        places = places[first[slots] != last[slots]]
    return places.tolist()
