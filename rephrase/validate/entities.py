"""Names grounded: companies, institutions, people and terms of the claim stand in its source, and are whom it is about."""

import re

from corpus.document import Drop
from rephrase.candidate import Candidate
from rephrase.grounding import whom
from rephrase.grounding.names import Name, core, known_as, names, plain, stands_in
from rephrase.grounding.source import Source, source_of
from rephrase.grounding.statements import pairs, told

NAME, VERSION = "entities", 2

#: Words in katakana that ask, count or connect, and so say nothing about a source by themselves.
_GENERIC = frozenset(map(plain, (
    "データ", "グループ", "コード", "ページ", "テーマ", "ポイント", "レポート", "ケース", "タイプ", "パーセント", "ドル", "ユーロ", "ポンド",
    "キロ", "メートル", "トン", "マイナス", "プラス", "ゼロ", "レベル", "ペース", "トレンド", "バランス", "イメージ", "コメント",
    "リスト", "グラフ", "テーブル", "タイトル", "キーワード", "セクション", "カテゴリー", "クイズ", "ヒント", "メリット", "デメリット", "プロセス",
    "アプローチ", "ニュース", "サマリー", "ステップ", "ランキング", "トップ", "スタート", "パターン", "サイズ", "メイン", "ベース", "ライン",
    "チェック", "テスト", "シンプル", "カギ", "ルール", "ニーズ", "ビジネス", "サービス", "システム", "コスト", "リスク", "シェア",
)))  # fmt: skip
#: Words that questions put in quotes though they are nobody's: what is asked for, or one of two answers.
_GENERIC_QUOTED = frozenset((
    "記載内容", "記載", "内容", "本文", "概要", "説明", "詳細", "注記", "注記事項", "背景", "理由", "目的", "特徴", "影響", "結果", "課題",
    "はい", "いいえ", "あり", "なし", "正しい", "誤り", "増加", "減少", "上昇", "低下",
))  # fmt: skip
_NO_NAME = re.compile(r"(?:fy\d*|[1-4]q|q[1-4]|vs|no|ok|etc|the|and|of|in|to|co|ltd|inc|corp)\.?")
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
    claim = told(candidate)
    found = list(names(claim))
    filled = claim != candidate.claim
    for name in found:
        if filled and name.kind == "quoted" and name.text not in candidate.question:
            continue  # the sentence with the gap that the answer fills
        if not is_named(name, source):
            return Drop("entity_not_in_source", name.text)
    other = whom.exchanged(candidate, source, [name for name in found if name.kind == "company"])
    return Drop("other_company", other) if other else None


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
            or stands_in(words, source.plain, apart=True)
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
    if any(stands_in(one, ground) for one in (*known_as(inner), inner.removesuffix("グループ"))):
        return True
    # 取引先三菱UFJ銀行: words that ran into the name
    cuts = [at for at in range(2, len(inner)) if _script(inner[at - 1]) != _script(inner[at])]
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
    if plain(text) in source.plain or text in _GENERIC_QUOTED:
        return True
    if len(text) < _LONG and not re.search(r"[\d＿]", text):
        return False
    said = pairs(text, 0, len(text), ())
    return len(said & source.pairs) >= 0.8 * len(said)
