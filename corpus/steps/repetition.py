"""Step repetition: a document that mostly repeats itself leaves."""

from corpus.document import Document, Drop


def repetition(
    document: Document,
    *,
    maximum_lines: float = 0.375,
    ngram: int = 20,
    maximum_ngrams: float = 0.5,
) -> Document | Drop:
    """Drop a document whose lines, or stretches of ``ngram`` characters, mostly occurred in it before.

    After Gopher (arXiv:2112.11446, table A1); the share of repeated lines is the one that FineWeb2 found for
    Japanese (``configs/jpn_Jpan.yml`` of huggingface/fineweb-2). Its 10 words are about 20 characters here,
    with a higher limit, since financial documents repeat set phrases by law. Table rows are not counted.
    """
    lines = [stripped for line in document.text.splitlines() if (stripped := line.strip())]
    prose = [line for line in lines if not line.startswith("|")]
    repeated = 1 - len(set(prose)) / len(prose) if prose else 0.0
    if repeated > maximum_lines:
        return Drop("repeated_lines", f"{repeated:.0%} of the lines")
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
