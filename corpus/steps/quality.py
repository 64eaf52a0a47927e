"""Step quality: measures how a text is written, and drops what is clearly no text."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace

from corpus.document import Document, Drop
from corpus.steps.characters import counts

_SENTENCE_END = re.compile(r"[。！？!?]+[」』）)]*|\n+")
_ENDED = re.compile(r"[。．.！？!?」』）)：:]$")
_BULLET = re.compile(r"[-*・•●○■□◆◇▪※►▶➢✓]")
_SAMPLE = 1000  # visible characters that the variety is taken of: it falls with the length


def quality(
    document: Document,
    *,
    maximum_signs: float = 0.5,
    maximum_digits: float = 0.6,
    maximum_katakana: float = 0.9,
    minimum_hiragana: float = 0.0,
    maximum_bullets: float = 0.98,
    maximum_ellipses: float = 0.5,
    minimum_ended: float = 0.0,
    minimum_sentence: float = 3.0,
    maximum_sentence: float = 2000.0,
    minimum_variety: float = 0.02,
) -> Document | Drop:
    """Return the document with its signals in ``meta["quality"]`` as a JSON object, or drop it for one of them.

    A limit beyond which a document leaves is a share, but for the two of a sentence's mean length (characters).
    The defaults let everything but clear garbage pass; what others choose for web pages is stricter: signs 0.4
    (HojiChar's DiscardTooManySpecialToken, after BigScience), katakana 0.5, hiragana 0.2, sentences of 20 to 90
    characters, 0.2 of them with an ellipsis at the end (Swallow corpus, arXiv:2404.17733, table of rules), bullets
    0.9 and ellipses 0.3 of the lines (Gopher, arXiv:2112.11446, table A1), 0.167 of the lines with a mark at the
    end (FineWeb2, ``configs/jpn_Jpan.yml``). A report with its tables, headings and lists fails several of them.
    Table rows are measured only as ``tables``; limits hold where at least 100 characters of prose are left.
    """
    found = signals(document.text)
    limits = {
        "signs": (0.0, maximum_signs),
        "digits": (0.0, maximum_digits),
        "katakana": (0.0, maximum_katakana),
        "hiragana": (minimum_hiragana, 1.0),
        "bullets": (0.0, maximum_bullets),
        "ellipses": (0.0, maximum_ellipses),
        "ended": (minimum_ended, 1.0),
        "sentence": (minimum_sentence, maximum_sentence),
        "variety": (minimum_variety, 1.0),
    }
    for name, (lowest, highest) in limits.items():
        if found["prose"] >= 100 and not lowest <= found[name] <= highest:
            return Drop(f"low_quality_{name}", f"{found[name]:g}, allowed {lowest:g} to {highest:g}")
    return replace(document, meta={**document.meta, "quality": json.dumps(found)})


def signals(text: str) -> Mapping[str, float]:
    """Return the signals of a text, rounded to four digits.

    ``prose`` is the number of visible characters outside tables; of these ``hiragana``, ``katakana``, ``kanji``,
    ``digits`` and ``signs`` (punctuation and symbols) are shares. ``tables`` is the share of all characters in table
    rows. Of the lines of prose ``bullets`` begin with a bullet, ``ellipses`` end with an ellipsis, ``ended`` with the end
    of a sentence. ``sentence`` is the mean length of sentences. ``variety`` is how many different characters the
    first thousand have, per character.
    """
    lines = [stripped for line in text.splitlines() if (stripped := line.strip())]
    prose = [line for line in lines if not line.startswith("|")]
    body = "\n".join(prose)
    seen = counts(body)
    visible = seen.visible or 1
    sentences = [piece for piece in _SENTENCE_END.split(body) if piece.strip()]
    sample = "".join(body.split())[:_SAMPLE]
    whole = sum(map(len, lines)) or 1
    number = len(prose) or 1
    found = {
        "prose": seen.visible,
        "hiragana": seen.hiragana / visible,
        "katakana": seen.katakana / visible,
        "kanji": seen.kanji / visible,
        "digits": seen.digits / visible,
        "signs": seen.signs / visible,
        "tables": 1 - sum(map(len, prose)) / whole,
        "bullets": sum(bool(_BULLET.match(line)) for line in prose) / number,
        "ellipses": sum(line.endswith(("…", "‥", "...", "・・・", "。。。")) for line in prose) / number,
        "ended": sum(bool(_ENDED.search(line[-1])) for line in prose) / number,
        "sentence": sum(map(len, sentences)) / (len(sentences) or 1),
        "variety": len(set(sample)) / (len(sample) or 1),
    }
    return {name: round(value, 4) for name, value in found.items()}
