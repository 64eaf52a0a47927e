"""Step boilerplate: lines that belong to the site and not to the document go."""

import re

from corpus.document import Document

_LINES = re.compile(
    r"""^[ \t\u3000|>*・\[\]()-]*(?:
        (?:copyright\b|©|\(c\)|Ⓒ).{0,120} | .{0,80}\ball\s+rights\s+reserved\b.{0,20}
      | .{0,60}(?:無断|許可なく).{0,12}(?:転載|複製|引用).{0,30}(?:禁じ|禁止|お断り).{0,20}
      | (?:この|本)?ページの(?:先頭|トップ|上部)(?:へ|に)?(?:戻る|もどる)? | (?:先頭|トップ)(?:へ|に)(?:戻る|もどる)
      | (?:本文|メニュー|ナビゲーション)(?:へ|に|を)?(?:移動|スキップ)(?:する)?
      | (?:前|次)の(?:ページ|記事)(?:へ)? | (?:一覧|目次)(?:へ|に)(?:戻る|もどる)
      | (?:印刷(?:する|用ページ)?|シェア(?:する)?|ツイート|ログイン|サイトマップ|お問い?合わせ|RSS|English|日本語)
      | (?:ホーム|トップページ|HOME|Home)[ \t\u3000]*(?:[>＞›»/][^\n。]{0,100})?
      | (?:Adobe|アドビ).{0,40}Reader.{0,80}
      | (?:back\s+to\s+top|page\s+top|skip\s+to\s+(?:main\s+)?content|print(?:\s+this\s+page)?|share)
    )[ \t\u3000|<\[\]()]*$\n?""",
    re.MULTILINE | re.IGNORECASE | re.VERBOSE,
)


def boilerplate(document: Document) -> Document:
    """Return the document without copyright and navigation lines; a line that shows a fact stays."""
    shown = [(fact.start, fact.end) for fact in document.facts]
    found = (match.span() for match in _LINES.finditer(document.text))
    edits = [
        (start, end, "")
        for start, end in found
        if start < end and not any(first < end and start < last for first, last in shown)
    ]
    return document.edited(edits) if edits else document
