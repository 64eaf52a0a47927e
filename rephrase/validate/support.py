"""Support: an answer is said in words of the passage."""

import re
import unicodedata

from corpus.document import Drop
from corpus.folding import folded
from rephrase.base import FORMATS
from rephrase.candidate import Candidate

NAME, VERSION = "support", 3

#: The share of an answer's pairs of letters that the passage must hold.
SHARE = 0.5
# Numbers with their units, days and periods are judged by value elsewhere; so they are not looked for as words.
_NUMBER = re.compile(
    r"(?:令和|平成|昭和)?[0-9元一二三四五六七八九十百千万][0-9,.一二三四五六七八九十百千万億兆]*\s*"
    r"(?:円|ドル|ユーロ|株|人|名|社|件|倍|回|%|パーセント|ポイント|割|分|年度|年間?|カ?月|月期|日|期|四半期)末?|[0-9][0-9,.]*"
    r"|[当前翌](?:連結会計年度|事業年度|中間連結会計期間|中間会計期間|会計年度|年度|期)|(?:期|年度)[末首]|前年(?:同期)?|前の期|同期|通期|上半?期|下半?期|通年"
)
# What a writer says about saying, showing and changing, whatever the passage is about.
_TELLING = re.compile(
    r"有価証券報告書|半期報告書|報告書|開示|記載|資料|報告|公表|説明|内容|本文|文書|該当|回答|増減率?|増加[額率]?|減少[額率]?|変化率?|変動|推移|上昇|低下|下落|拡大|縮小|"
    r"増収|減収|増益|減益|合計額?|総額|差額|割合|比率|構成比|水準|数値|金額|同社|当社|会社|企業|以下|以上|結果|状況|場合|現在|時点|決算|業績|約|"
    r"マイナス|プラス|単位|平均|比較|対比|一方|相当|計上"
)
_RUN = re.compile(r"[一-鿿々〆ヵヶ]{2,}|[ァ-ヺー]{2,}|[A-Za-z]{2,}")


def check(candidate: Candidate) -> Drop | None:
    """Refuse an answer of whose pairs of letters less than half stand in passage or context.

    Pairs count inside runs of kanji, of katakana and of Latin letters: what stands between is grammar. What the answer
    repeats of its question says nothing either way and is left out of the count, and so are the name of the filing
    company, numbers, days, and words of reporting.
    """
    if FORMATS[candidate.style] == "markdown":
        return None
    source = folded(f"{candidate.chunk.context}\n{candidate.chunk.passage}")
    if folded(candidate.answer) in source:
        return None
    asked = folded(candidate.question)
    found = total = 0
    for run in _words(candidate):
        own = folded(run)
        for at in range(len(own) - 1):
            if (pair := own[at : at + 2]) not in asked:
                total += 1
                found += pair in source
    # One word beside an amount (を計上) is the writer's own; what stands for a whole answer is not.
    if found < SHARE * total and not (total - found == 1 and _NUMBER.search(candidate.answer)):
        return Drop("unsupported_answer", f"{found} of {total}")
    return None


def _words(candidate: Candidate) -> list[str]:
    """Return the words of an answer that its passage must know."""
    text = unicodedata.normalize("NFKC", candidate.answer)
    filer = unicodedata.normalize("NFKC", candidate.chunk.document.meta.get("filer", ""))
    for name in (filer, filer.replace("株式会社", "")):
        text = text.replace(name, " ") if len(name) > 2 else text
    return _RUN.findall(_TELLING.sub(" ", _NUMBER.sub(" ", text)))
