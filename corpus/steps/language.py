"""Step language: the script must be that of the language the document says it has."""

from collections.abc import Sequence

from corpus.document import Document, Drop
from corpus.steps.characters import counts


def language(
    document: Document,
    *,
    languages: Sequence[str] = ("ja",),
    minimum_japanese: float = 0.5,
    minimum_kana: float = 0.05,
) -> Document | Drop:
    """Drop a document that is not in one of ``languages`` (ISO 639-1).

    Japanese needs a share of kana and kanji among the letters of ``minimum_japanese`` (the figure of the
    Swallow corpus, arXiv:2404.17733) and a share of kana of ``minimum_kana``, which tells it from Chinese; a
    list of companies may lack kana. A document in another language, such as the Bank's own English twin,
    must stay below ``minimum_japanese``.
    """
    if document.language not in languages:
        return Drop("other_language", document.language)
    found = counts(document.text)
    letters, kana = found.letters, found.hiragana + found.katakana
    japanese = (kana + found.kanji) / letters if letters else 0.0
    enough = document.meta.get("kind") == "company_list" or kana >= minimum_kana * letters
    expected = japanese >= minimum_japanese and enough
    if expected == (document.language == "ja"):
        return document
    share = f"{japanese:.0%} kana and kanji, {kana / letters:.0%} kana" if letters else "no letters"
    return Drop("wrong_language", f"said to be {document.language}: {share}")
