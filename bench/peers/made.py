"""Makes a corpus of invented market notes with known near-duplicates, in the layout that the benchmark reads."""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

SHARDS = 8
# fmt: off
_WHO = [
    "日本銀行", "金融庁", "財務省", "内閣府", "東京都", "大手銀行", "地方銀行", "信託銀行", "証券会社",
    "生命保険会社", "損害保険会社", "投資信託", "年金基金", "自動車メーカー", "電機メーカー", "化学メーカー",
    "鉄鋼会社", "商社", "百貨店", "外食企業", "不動産会社", "建設会社", "電力会社", "ガス会社", "鉄道会社",
    "航空会社", "海運会社", "通信会社", "製薬会社", "食品会社", "個人投資家", "海外投資家", "市場参加者",
    "有識者", "家計", "中小企業",
]
_WHAT = [
    "政策金利", "長期金利", "短期金利", "消費者物価", "企業物価", "実質賃金", "名目賃金", "設備投資",
    "個人消費", "住宅投資", "公共投資", "輸出", "輸入", "為替相場", "株価指数", "地価", "原油価格",
    "貸出残高", "預金残高", "国債残高", "自己資本比率", "配当性向", "営業利益", "経常利益", "純利益",
    "売上高", "受注残高", "在庫", "稼働率", "失業率", "有効求人倍率", "鉱工業生産", "景気動向指数",
    "資金需要", "信用費用", "手数料収入", "与信費用", "流動性", "含み益", "評価損",
]
_HOW = [
    "の見通しを上方に改めた", "の見通しを下方に改めた", "が前年同月を上回ったと述べた",
    "が前期を下回ったと説明した", "は横ばいで推移すると見ている", "の動きを注意深く点検するとした",
    "に底堅さが残ると指摘した", "に弱さが見られると報告した", "の急な変動を警戒している",
    "が想定の範囲にとどまると判断した", "への影響は限られると答えた", "の改善が続くと予想した",
    "を巡る不確実性が高いと強調した", "の水準はなお低いと評価した", "を四半期ごとに開示すると決めた",
]
_WHEN = [
    "今年度", "来年度", "上期", "下期", "春先", "夏場", "秋口", "年末", "年明け", "先月", "今月", "来月",
    "前回の会合で", "次の会合までに", "決算発表の席で", "定例の会見で",
]
_WHERE = [
    "国内で", "首都圏で", "関西圏で", "北海道で", "東北で", "東海で", "九州で", "米国で", "欧州で",
    "アジアで", "新興国で", "製造業で", "非製造業で", "小売業で",
]
# fmt: on


def make(folder: Path, documents: int, seed: int = 20) -> None:
    """Write ``docs/part-*.parquet`` (doc_id, text) and ``truth.parquet`` (doc_id, base_id) below ``folder``.

    Of the documents about a quarter repeat another one with 1 to 40 % of its sentences replaced, and a tenth are
    copies; which comes first is drawn.
    """
    chance = random.Random(seed)
    made: list[list[str]] = []
    base: list[int] = []
    for at in range(documents):
        origin, kind = at, chance.random()
        note = [_sentence(chance) for _ in range(chance.randint(6, 60))]
        if at and kind < 0.35:
            origin = chance.randrange(at)
            note = list(made[origin])
            if kind < 0.25:
                for place in chance.sample(
                    range(len(note)), max(1, round(len(note) * chance.uniform(0.01, 0.4)))
                ):
                    note[place] = _sentence(chance)
        made.append(note)
        base.append(origin)
    order = chance.sample(range(documents), documents)  # the document that comes at a place
    where = {one: at for at, one in enumerate(order)}
    (folder / "docs").mkdir(parents=True)
    for shard, ids in enumerate(_cut(documents)):
        texts = ["".join(made[order[at]]) for at in ids]
        table = pa.table({"doc_id": pa.array(ids, pa.int64()), "text": texts})
        pq.write_table(table, folder / "docs" / f"part-{shard:04d}.parquet")
    origins = [where[base[one]] for one in order]
    pq.write_table(pa.table({"doc_id": range(documents), "base_id": origins}), folder / "truth.parquet")


def _sentence(chance: random.Random) -> str:
    figure = f"{chance.uniform(0, 300):,.1f}"
    told = chance.choice((f"（{figure}億円）", f"（前年比{figure}%）", f"（{figure}円）", "", ""))
    parts = [chance.choice(words) for words in (_WHEN, _WHERE, _WHO)]
    return f"{parts[0]}、{parts[1]}{parts[2]}は{chance.choice(_WHAT)}{told}{chance.choice(_HOW)}。"


def _cut(documents: int) -> Iterator[Sequence[int]]:
    size = -(-documents // SHARDS)
    for first in range(0, documents, size):
        yield range(first, min(first + size, documents))
