"""Names grounded: companies, institutions, people and terms of the claim stand in its source, and are whom it is about."""

import re
from collections import Counter

from corpus.document import Drop
from rephrase.candidate import Candidate
from rephrase.grounding.names import Name, companies, core, known_as, names, plain, stands_in
from rephrase.grounding.periods import periods
from rephrase.grounding.source import Source, source_of
from rephrase.grounding.statements import Statement, claimed, pairs, repeated

NAME, VERSION = "entities", 1

#: Words in katakana that ask, count or connect, and so say nothing about a source by themselves.
_GENERIC = frozenset(map(plain, (
    "データ", "グループ", "ページ", "テーマ", "ポイント", "レポート", "ケース", "タイプ", "パーセント", "ドル", "ユーロ", "ポンド",
    "キロ", "メートル", "トン", "マイナス", "プラス", "ゼロ", "レベル", "ペース", "トレンド", "バランス", "イメージ", "コメント",
    "リスト", "グラフ", "テーブル", "タイトル", "キーワード", "セクション", "カテゴリー", "クイズ", "ヒント", "メリット", "デメリット", "プロセス",
    "アプローチ", "ニュース", "サマリー", "ステップ", "ランキング", "トップ", "スタート", "パターン", "サイズ", "メイン", "ベース", "ライン",
    "チェック", "テスト", "シンプル", "カギ", "ルール", "ニーズ", "ビジネス", "サービス", "システム", "コスト", "リスク", "シェア",
)))  # fmt: skip
_NO_NAME = re.compile(r"(?:fy\d*|[1-4]q|q[1-4]|vs|no|ok|etc|the|and|of|in|to|co|ltd|inc|corp)\.?")
_OWN_WORD = re.compile(r"当(?:社|行|グループ|法人|金庫|組合|会社)")
_NUMERAL = re.compile(r"\d[\d,.億万兆]*\d")
_SHORTEST = 3  # letters of a katakana term that is looked for
_LONG = 16  # characters from which quoted words may be worded a little differently


def check(candidate: Candidate) -> Drop | None:
    """Refuse a claim with a name that its source lacks (``entity_not_in_source``) or puts elsewhere (``other_company``).

    Source are passage, context, title, and whom the document is about. Names compare without width, spaces, legal form
    and spelling of long and small kana; 日銀 is 日本銀行. Katakana terms count from three letters, but for words that
    merely ask or count. A company other than the document's own must stand in the statement that the claim repeats, or
    in a line that shows one of its numbers; and the document's own one must not take the place of another there.
    """
    source = source_of(candidate.chunk)
    claim = candidate.claim
    found = list(names(claim))
    for name in found:
        if not is_named(name, source):
            return Drop("entity_not_in_source", name.text)
    if any(name.kind == "company" for name in found):
        without = tuple(name for name in found if name.kind == "company")
        for statement in claimed(candidate, periods(claim, source.own), without):
            if other := _exchanged(claim[statement.start : statement.end], statement, source):
                return Drop("other_company", other)
    return None


def is_named(name: Name, source: Source) -> bool:
    """Whether a source has a name, in one of the ways in which it may be written."""
    ground, words = source.plain, plain(name.text)
    if name.kind == "quoted":
        return _is_quoted(name.text, source)
    if name.kind == "katakana":
        return len(name.text) < _SHORTEST or _is_term(words, ground)
    if name.kind == "latin":
        return (
            bool(_NO_NAME.fullmatch(words))
            or words in source.latin
            or any(map(ground.__contains__, known_as(words)[1:]))
        )
    if name.kind == "company":
        return _is_company(name.text, ground)
    shortest = 2 if name.kind == "person" else 4
    ends = [words[at:] for at in range(max(len(words) - shortest, 0) + 1)]
    return any(one in ground for end in ends for one in known_as(end))


def _is_company(text: str, ground: str) -> bool:
    name, inner = plain(text), core(text)
    if len(inner) < _SHORTEST:  # Ｂ株式会社 is named by its legal form, too
        return stands_in(name, ground, apart=True)
    if any(stands_in(one, ground) for one in known_as(inner)):
        return True
    # 取引先三菱UFJ銀行: words that ran into the name
    cuts = [at for at in range(2, len(inner) - 2) if _script(inner[at - 1]) != _script(inner[at])]
    return any(inner[:at] in ground and inner[at:] in ground for at in cuts)


def _script(letter: str) -> str:
    return (
        "latin"
        if letter.isascii()
        else "katakana"
        if "ァ" <= letter <= "ー"
        else "kanji"
        if letter > "ー"
        else "kana"
    )


def _is_term(word: str, ground: str) -> bool:
    if word in _GENERIC or any(one in ground for one in known_as(word)):
        return True
    cuts = range(2, len(word) - 1)
    return any(
        all(part in _GENERIC or part in ground for part in (word[:at], word[at:]))
        for at in cuts
        if len(word) > 5
    )


def _is_quoted(text: str, source: Source) -> bool:
    if plain(text) in source.plain:
        return True
    if len(text) < _LONG and not re.search(r"[\d＿]", text):
        return False
    said = pairs(text, 0, len(text), ())
    return len(said & source.pairs) >= 0.8 * len(said)


# -- whom a statement is about


def _exchanged(claim: str, statement: Statement, source: Source) -> str | None:
    """Return a company of a claim that stands where its source has another one.

    The source's statement that the claim repeats is known by its other words; without one, by the claim's numbers.
    None where one of the statements that it may repeat names whom the claim names.
    """
    if not companies(claim):
        return None
    grounds = [source.text[one.start : one.end] for one in _repeated(statement, source)]
    lines = [] if grounds else _lines_with(claim, source)
    found: str | None = None
    for ground in grounds or lines:
        other = _foreign(claim, ground, source, once=bool(grounds) and statement.once)
        if other is None:
            return None
        found = found or other
    return found


def _repeated(statement: Statement, source: Source) -> list[Statement]:
    """Return what a claim may repeat; of several ones those that name a period that it names, if any do."""
    found = list(repeated(statement, source.nameless))
    days = {(one.first, one.last) for one in statement.periods}
    dated = [one for one in found if days & {(when.first, when.last) for when in one.periods}]
    return dated or found


def _foreign(claim: str, ground: str, source: Source, *, once: bool) -> str | None:
    """Return the company of a claim that a line of the source does not name while it names one that the claim lacks.

    Where each says all it says ``once``, a company that the claim names more often than the line is foreign, too.
    """
    ours, theirs = _mentioned(claim, ground, source), _mentioned(ground, claim, source)
    if once:
        foreign, missing = ours - theirs, theirs - ours
    else:
        foreign, missing = _beyond(ours, theirs), _beyond(theirs, ours)
    if not (foreign and missing):
        return None
    wanted = next(iter(foreign))
    named = (name.text for name in companies(claim) if wanted in (core(name.text), _who(name.text, source)))
    return next(named, None)


def _beyond(some: Counter[str], others: Counter[str]) -> Counter[str]:
    return Counter({one: count for one, count in some.items() if one not in others})


def _mentioned(text: str, other: str, source: Source) -> Counter[str]:
    """Return how often a text names each company, the document's own one as an empty name, 当社 as well.

    A name that stands in ``other``, too, but is not read as one there, is left out.
    """
    elsewhere = {core(name.text) for name in companies(other)}
    found = Counter({"": len(_OWN_WORD.findall(text))})
    for name in companies(text):
        who = _who(name.text, source)
        if not who or core(name.text) in elsewhere or core(name.text) not in plain(other):
            found[who] += 1
    return +found


def _who(name: str, source: Source) -> str:
    return "" if core(name) in source.companies else core(name)


def _lines_with(claim: str, source: Source) -> list[str]:
    """Return the lines of the passage that show a number of a claim."""
    wanted = _numerals(claim)
    return [line for line in source.chunk.passage.splitlines() if wanted & _numerals(line)]


def _numerals(text: str) -> set[str]:
    found = (re.sub(r"[,.億万兆]", "", one).strip("0") for one in _NUMERAL.findall(plain(text)))
    return {one for one in found if len(one) > 1}
