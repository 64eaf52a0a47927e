"""Sentences of filings that a form, an ordinance or an auditing standard prescribes, so that thousands share them."""

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence

#: What is prescribed -> words that such a sentence always has, and how it reads from its first letter on, both by letters
#: and digits alone (``corpus.folding``). Names, dates and numbers of articles vary.
STATUTORY: Mapping[str, tuple[str, str]] = {
    # Form 3 of the Cabinet Office Order on Disclosure of Corporate Affairs, with its notes on filling it in.
    "outlook": ("将来に関する事項は", r"(?:なお)?(?:本文|文)中(?:の|における)将来に関する事項は.{0,40}判断したもの"),
    "nothing to report": ("該当事項は", r".{0,40}該当事項は(?:ありません|ございません)$"),
    "pay": ("平均年間給与", r".{0,6}平均年間給与[はに].{0,4}賞与"),
    "shares outstanding": ("発行数", r".{0,6}提出日現在(?:の)?発行数(?:欄)?には.{0,80}発行された株式数は含まれておりません"),
    "depository": ("証券保管振替機構", r".{0,30}完全議決権株式その他.{0,30}証券保管振替機構名義の株式"),
    "dilution": ("潜在株式調整後", r".{0,12}潜在株式調整後1株当たり.{0,20}について[はも]?.{0,60}記載しておりません"),
    "consumption tax": ("消費税等", r".{0,40}金額には.{0,10}消費税等.{0,12}含まれておりません"),
    "domestic share": ("90を超えるため", r".{0,30}(?:本邦|国内)(?:以外の外部顧客|の外部顧客|に所在している).{0,80}90を超えるため.{0,20}省略"),
    "documents filed": ("書類を提出", r".{0,20}当事業年度の開始日から.{0,20}提出日まで(?:の間)?に次の書類を提出しております"),
    "parent": ("規定する親会社", r".{0,10}金融商品取引法第24条の7第1項に規定する親会社等は?"),
    # The regulations on the terms, forms and preparation of financial statements.
    "basis": ("様式及び作成方法", r".{0,30}財務諸表(?:等)?の用語様式及び作成方法に関する規則"),
    "audited": ("第193条の2", r".{0,20}金融商品取引法第193条の2第[12]項の規定に基づ(?:き|く)"),
    "special effort": ("特段の取組み", r".{0,12}連結財務諸表等の適正性を確保するための特段の取組みを行っております"),
    # Auditing Standards Reports on forming an opinion, and the standard on auditing internal control.
    "audit opinion": ("当監査法人は", r".{0,10}当監査法人は.{0,12}(?:上記の)?(?:連結)?財務諸表が.{0,10}我が国において一般に公正妥当と認められる"),
    "audit standard": ("監査の基準に", r".{0,10}(?:当監査法人|監査人)は我が国において一般に公正妥当と認められる.{0,24}監査の基準に(?:準拠|従って)"),
    "audit evidence": ("十分かつ適切な", r"(?:さらに)?(?:当監査法人は)?(?:監査)?意見(?:の)?表明の基礎となる十分かつ適切な監査証拠を入手"),
    "independence": ("職業倫理に関する", r"(?:当監査法人は)?我が国における職業倫理に関する規定|監査人は監査役.{0,40}独立性についての我が国における職業倫理"),
    "interest": ("利害関係はない", r".{0,12}当監査法人又は業務執行社員との間には.{0,4}公認会計士法の規定により記載すべき利害関係はない"),
    "key matters": ("監査上の主要な検討事項", r"監査上の主要な検討事項(?:とは|は).{0,10}当(?:連結会計年度|事業年度)の(?:連結)?財務諸表の監査において"),
    "misstatement": ("不正又は誤謬", r".{0,6}(?:虚偽表示は)?不正又は誤謬(?:により発生する可能性|による重要な虚偽表示(?:のない|リスクを識別))"),
    "responsibility": ("の責任は", r".{0,4}(?:経営者|監査役.{0,20}|監査人)の責任は.{0,200}ことにある$"),
    "procedures": ("監査手続", r"監査手続の選択及び適用は監査人の判断による$|また重要な虚偽表示リスクに対応した監査手続を立案し"),
    "other information": ("その他の記載内容", r"(?:当監査法人の(?:連結)?財務諸表に対する監査意見の対象には)?その他の記載内容(?:に関して|は含まれておらず|は有価証券)"),
    "other information read": ("通読し", r".{0,6}(?:連結)?財務諸表監査における当監査法人の責任は.{0,6}その他の記載内容を通読し"),
    "going concern": ("継続企業", r".{0,40}継続企業(?:を前提として|の前提に(?:基づき|関する重要な不確実性|重要な疑義)).{0,160}(?:責任がある|求められている|結論付ける)$"),
    "control limits": ("財務報告に係る内部統制により", r".{0,20}財務報告に係る内部統制により財務報告の虚偽の記載を完全には防止又は発見することができない可能性がある"),
    "original kept": ("監査", r".{0,6}(?:上記は|xbrlデータは).{0,10}(?:監査報告書の原本に記載された事項を電子化|監査の対象には含まれ)"),
}  # fmt: skip
_TABLE = tuple((words, re.compile(pattern)) for words, pattern in STATUTORY.values())


def statutory(text: str, bounds: Sequence[tuple[int, int]]) -> list[bool]:
    """Return which of the sentences [start, end) of a folded text, in order, read as the law prescribes.

    The words are looked for in the whole text, which is faster than asking every sentence for all of them.
    """
    found = [False] * len(bounds)
    starts = [start for start, _ in bounds]
    for words, pattern in _TABLE:
        at = text.find(words)
        while at >= 0:
            number = bisect_right(starts, at) - 1
            if number >= 0 and not found[number]:
                start, end = bounds[number]
                found[number] = at < end and pattern.match(text[start:end]) is not None
            at = text.find(words, at + 1)
    return found
