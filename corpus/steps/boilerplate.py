"""Step boilerplate: lines that belong to the site and not to the document go."""

import re

from corpus.document import Document
from corpus.steps.shown import Shown

_START, _END = r"^[ \t\u3000|>*・\[\]()-]*+(?:", r")[ \t\u3000|<\[\]()]*$\n?"
_FLAGS = re.MULTILINE | re.IGNORECASE | re.VERBOSE

#: Lines that begin with what gives them away: at most lines the first character already says no.
_NAMED = re.compile(
    rf"""{_START}
        (?:copyright\b|©|(?:\(|(?<=\())c\)|Ⓒ).{{0,120}}
      | (?:この|本)?ページの(?:先頭|トップ|上部)(?:へ|に)?(?:戻る|もどる)? | (?:先頭|トップ)(?:へ|に)(?:戻る|もどる)
      | (?:本文|メニュー|ナビゲーション)(?:へ|に|を)?(?:移動|スキップ)(?:する)?
      | (?:前|次)の(?:ページ|記事)(?:へ)? | (?:一覧|目次)(?:へ|に)(?:戻る|もどる)
      | (?:印刷(?:する|用ページ)?|シェア(?:する)?|ツイート|ログイン|サイトマップ|お問い?合わせ|RSS|English|日本語)
      | (?:ホーム|トップページ|HOME|Home)[ \t\u3000]*(?:[>＞›»/][^\n。]{{0,100}})?
      | (?:Adobe|アドビ).{{0,40}}Reader.{{0,80}}
      | (?:back\s+to\s+top|page\s+top|skip\s+to\s+(?:main\s+)?content|print(?:\s+this\s+page)?|share)
    {_END}""",
    _FLAGS,
)
#: Lines that say it further on, and the words by which such a line is found at all.
_RESERVED = re.compile(
    rf"""{_START}
        .{{0,80}}\ball\s+rights\s+reserved\b.{{0,20}}
      | .{{0,60}}(?:無断|許可なく).{{0,12}}(?:転載|複製|引用).{{0,30}}(?:禁じ|禁止|お断り).{{0,20}}
    {_END}""",
    _FLAGS,
)
_WORDS = re.compile(r"無断|許可なく|[Aa][Ll][Ll]\s+[Rr][Ii][Gg][Hh][Tt][SsſS]\s+[Rr][Ee]")


def boilerplate(document: Document) -> Document:
    """Return the document without copyright and navigation lines; a line that shows a fact stays."""
    shown = Shown(document.facts)
    edits = [
        (start, end, "")
        for start, end in _spans(document.text)
        if start < end and not shown.touches(start, end)
    ]
    return document.edited(edits) if edits else document


def _spans(text: str) -> list[tuple[int, int]]:
    found = {match.start(): match.end() for match in _NAMED.finditer(text)}
    for word in _WORDS.finditer(text):
        start = text.rfind("\n", 0, word.start()) + 1
        if match := _RESERVED.match(text, start):
            found[start] = max(match.end(), found.get(start, 0))
    spans: list[tuple[int, int]] = []
    for start, end in sorted(found.items()):
        if not spans or start >= spans[-1][1]:
            spans.append((start, end))
    return spans
