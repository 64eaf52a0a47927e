"""Invented questions in the layout of the benchmark's files, for the examinations that may not be passed on."""

from typing import Any

_TABLE = "以下は架空の株式会社あけぼの商事の計数である。\n売上高 1,200百万円\n営業利益 90百万円"


def _row(number: int, question: str, context: str, choices: list[str], answer: int) -> dict[str, Any]:
    return {
        "id": number,
        "question": question,
        "context": context,
        "choices": [{"id": place, "text": text} for place, text in enumerate(choices)],
        "answer": answer,
        "comment": "",
    }


#: Two questions that share a text, one without a text, one with two choices.
LETTERED = [
    _row(0, "売上高営業利益率として正しいものはどれですか。", _TABLE, ["7.0%", "7.5%", "9.0%", "13.3%"], 1),
    _row(
        1,
        "同社の営業費用として正しいものはどれですか。",
        _TABLE,
        ["90百万円", "1,110百万円", "1,290百万円"],
        1,
    ),
    _row(
        2,
        "債券の利回りについて、正しいものはどれですか。",
        "",
        [
            "価格が下がると利回りは上がる。",
            "価格が下がると利回りも下がる。",
            "利回りは価格によらない。",
            "{0}%",
        ],
        0,
    ),
    _row(3, "次の記述は正しいですか。 ", "株主総会は取締役を選任する。", ["○", "×"], 0),
]
NUMBERED = [
    _row(
        0,
        "預金保険制度に関する次の記述のうち、最も適切なものはどれか。",
        "１．外貨預金は保護される。\n２．普通預金は一定額まで保護される。\n３．保険料は預金者が払う。\n４．制度は任意である。",
        ["１", "２", "３", "４"],
        1,
    ),
    _row(
        4,
        "（ア）に当てはまる語句として、最も適切なものはどれか。",
        "贈与税の基礎控除は年間（ア）である。\n１．60万円\n２．110万円\n３．160万円\n４．210万円",
        ["１", "２", "３", "４"],
        1,
    ),
]
ROWS = {"cma_basics": LETTERED, "security_sales_1": LETTERED, "fp2": NUMBERED}
