"""Step repetition: a document that mostly repeats itself leaves."""

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
    """Return the share of characters of ``text`` in stretches of ``n`` that occurred earlier, without overlap."""
    seen: set[str] = set()
    at = repeated = 0
    while at + n <= len(text):
        piece = text[at : at + n]
        if piece in seen:
            repeated += n
            at += n
        else:
            seen.add(piece)
            at += 1
    return repeated / len(text) if text else 0.0
