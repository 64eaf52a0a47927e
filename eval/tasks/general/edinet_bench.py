"""EDINET-Bench (Sugiura et al., 2025): fraud, earnings and industry told from an annual report, a prompt of our own."""

import json
import math
import os
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import Field, field_serializer

from datacards.card import Rights
from datacards.errors import UserError
from eval.items import Asked, Question, Reply
from eval.tasks.base import Measured
from eval.tasks.general.local import told
from eval.tasks.general.replies import ReplyTask

Sheet = Literal["summary", "bs", "pl", "cf", "text"]
INDUSTRIES = (
    "食品", "電気・ガス・エネルギー資源", "建設・資材", "素材・化学", "医薬品", "自動車・輸送機", "鉄鋼・非鉄", "機械",
    "電機・精密", "情報通信・サービスその他", "運輸・物流", "商社・卸売", "小売", "銀行", "金融(除く銀行)", "不動産",
)  # fmt: skip
DRAWS = 500  # of the bootstrap behind the standard errors of roc_auc and mcc
OPENINGS = 64  # braces at which a JSON object is looked for


class EdinetBench(ReplyTask):
    """What the three tasks share: the test split of the data set, read from Parquet files on this machine.

    The data set is a public one of the Hugging Face hub (SakanaAI/EDINET-Bench) and is not shipped. ``folder`` holds it as
    downloaded there (``TASK/test-*.parquet``, at any depth), or the folder that KANAGURA_EVAL_DATA names does. ``sheets`` are shown in their
    order. The id of an item is the filing's document id, as in contamination reports; filings of one company form a cluster. A reply
    without a readable answer is wrong and is counted in ``answered``; the original drops it.
    """

    folder: str = ""
    sheets: tuple[Sheet, ...] = Field(default=("summary", "bs", "pl", "cf"), min_length=1)
    suite: ClassVar[str] = "edinet-bench"
    metric: ClassVar[str] = "acc"
    rights: ClassVar[Rights | None] = Rights(
        license="unknown",
        attribution="EDINET-Bench, Sugiura et al. (2025), https://huggingface.co/datasets/SakanaAI/EDINET-Bench; not passed on",
        redistribution=False,
    )
    subset_name: ClassVar[str]  # the folder of the task in the data set
    target_column: ClassVar[str]
    instruction: ClassVar[str]
    classes: ClassVar[tuple[str, ...]]

    @field_serializer("folder")
    def _told(self, folder: str) -> str:
        del folder
        return told(self.files())

    def files(self) -> list[Path]:
        """Return the Parquet files of the test split, in order of their names; none where they are not there."""
        folder = self.folder or os.environ.get("KANAGURA_EVAL_DATA", "")
        below = Path(folder).expanduser() if folder else None
        return sorted(below.glob(f"**/{self.subset_name}/test*.parquet")) if below and below.is_dir() else []

    def items(self, corpus: Path | None) -> list[Question]:
        """Return the filings in the order of the files; raise UserError where the data set is not on this machine."""
        del corpus
        paths = self.files()
        if not paths:
            raise UserError(
                self.task, f"no {self.subset_name}/test*.parquet was found",
                "the data set SakanaAI/EDINET-Bench of the Hugging Face hub, which is not shipped",
                "download it and name the folder: option folder, or KANAGURA_EVAL_DATA",
            )  # fmt: skip
        seen: Counter[str] = Counter()
        return [self._question(row, seen) for path in paths for row in self._rows(path)]

    def _rows(self, path: Path) -> list[dict[str, Any]]:
        columns = ["doc_id", "edinet_code", self.target_column, *self.sheets]
        try:
            rows: list[dict[str, Any]] = pq.read_table(path, columns=columns).to_pylist()
        except (pa.ArrowInvalid, OSError) as error:
            raise UserError(
                path.name, f"cannot be read: {error}", f"columns {', '.join(columns)}", "download it again"
            ) from error
        return rows

    def _question(self, row: Mapping[str, Any], seen: Counter[str]) -> Question:
        document = str(row["doc_id"])
        seen[document] += 1
        target = unicodedata.normalize("NFKC", str(row[self.target_column]))
        if target not in self.classes:
            raise UserError(document, f"{self.target_column} '{target}'", ", ".join(self.classes))
        shown = "\n".join(f"{sheet}: {row[sheet]}" for sheet in self.sheets if row[sheet])
        return Question(
            id=document if seen[document] == 1 else f"{document}/{seen[document]}",
            context=f"{self.instruction}\n\n有価証券報告書からの抜粋:\n{shown}\n\nJSON:\n",
            targets=(target,),
            until=("\n```\n", "\n\n\n"),
            max_tokens=512,
            label=target,
            cluster=str(row["edinet_code"] or ""),
        )

    def found(self, reply: Reply) -> str | None:
        """Return the class that the JSON object in the reply names."""
        given = answer_in(reply.text).get("prediction")
        if isinstance(given, bool):
            given = int(given)
        text = unicodedata.normalize("NFKC", str(given)).strip().removesuffix(".0")
        return text if text in self.classes else None

    def worth(self, answer: str, question: Question) -> float:
        """Return 1 where the class is the right one."""
        return float(answer == question.targets[0])

    def chance(self, items: Sequence[Asked]) -> float | None:
        """Return what guessing among the classes scores."""
        del items
        return 1 / len(self.classes)


class TwoClasses(EdinetBench):
    """A task of two classes, with a probability: roc_auc and mcc besides."""

    classes: ClassVar[tuple[str, ...]] = ("0", "1")
    target_column: ClassVar[str] = "label"

    def measure(self, results: Sequence[Reply]) -> list[Measured]:
        """Return acc, roc_auc, mcc and answered.

        A reply without an answer counts as the wrong class with certainty, in all of them. An answer without a
        probability has that of its class.
        """
        labels = np.array([int(reply.item.targets[0]) for reply in results])
        predicted = np.array([self._class(reply) for reply in results])
        probabilities = np.array([self._probability(reply) for reply in results])
        acc, *rest = super().measure(results)
        return [
            acc,
            bootstrapped("roc_auc", labels, probabilities),
            bootstrapped("mcc", labels, predicted),
            *rest,
        ]

    def _class(self, reply: Reply) -> int:
        answer = self.found(reply)
        return 1 - int(reply.item.targets[0]) if answer is None else int(answer)

    def _probability(self, reply: Reply) -> float:
        given = answer_in(reply.text).get("prob")
        if self.found(reply) is not None and isinstance(given, int | float) and 0 <= given <= 1:
            return float(given)
        return float(self._class(reply))


class FraudDetection(TwoClasses):
    """Was the report corrected later for fraud?"""

    task: Literal["edinet_fraud_detection"] = "edinet_fraud_detection"
    subset_name: ClassVar[str] = "fraud_detection"
    instruction: ClassVar[str] = (
        "次の有価証券報告書の抜粋に会計不正の兆候があるかを判断してください。抜粋は監査を受けており計算は合っています。「-」は欠けた値です。"
        "根拠 reasoning、不正である確率 prob（0から1）、判断 prediction（1: 不正、0: 不正でない）を持つJSONだけで答えてください。"
    )


class EarningsForecast(TwoClasses):
    """Will the profit attributable to owners of the parent rise in the next year?"""

    task: Literal["edinet_earnings_forecast"] = "edinet_earnings_forecast"
    subset_name: ClassVar[str] = "earnings_forecast"
    instruction: ClassVar[str] = (
        "次の有価証券報告書の抜粋から、翌期の親会社株主に帰属する当期純利益が当期より増えるかを予測してください。「-」は欠けた値です。"
        "根拠 reasoning、増える確率 prob（0から1）、予測 prediction（1: 増える、0: 増えない）を持つJSONだけで答えてください。"
    )


class IndustryPrediction(EdinetBench):
    """To which of sixteen industries does the company belong?"""

    task: Literal["edinet_industry_prediction"] = "edinet_industry_prediction"
    subset_name: ClassVar[str] = "industry_prediction"
    target_column: ClassVar[str] = "industry"
    classes: ClassVar[tuple[str, ...]] = INDUSTRIES
    instruction: ClassVar[str] = (
        f"次の有価証券報告書の抜粋から、会社の業種を次の中から一つ選んでください: {'、'.join(INDUSTRIES)}。"
        "根拠 reasoning と業種 prediction を持つJSONだけで答えてください。"
    )


def answer_in(text: str) -> dict[str, Any]:
    """Return the first JSON object of ``text`` that has a ``prediction``, an empty one where there is none."""
    decoder = json.JSONDecoder(strict=False)  # line breaks within strings are common in replies
    at = -1
    for _ in range(OPENINGS):
        at = text.find("{", at + 1)
        if at < 0:
            break
        try:
            found, _ = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict) and found.get("prediction") is not None:
            return found
    return {}


def bootstrapped(metric: str, labels: NDArray[Any], given: NDArray[Any]) -> Measured:
    """Return roc_auc or mcc of ``given`` against 0/1 ``labels`` with its standard error by bootstrap over items."""
    figure = roc_auc if metric == "roc_auc" else mcc
    chance = np.random.default_rng(0)
    draws = chance.integers(len(labels), size=(DRAWS, len(labels)))
    again = [figure(labels[drawn], given[drawn]) for drawn in draws]
    return Measured(metric, figure(labels, given), float(np.std(again, ddof=1)))


def roc_auc(labels: NDArray[Any], given: NDArray[Any]) -> float:
    """Return the chance that a 1 among ``labels`` was given more than a 0, equals half; 0.5 where one class is absent."""
    ones = int(labels.sum())
    pairs = ones * (len(labels) - ones)
    _, place, counts = np.unique(given, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return float((ranks[labels == 1].sum() - ones * (ones + 1) / 2) / pairs) if pairs else 0.5


def mcc(labels: NDArray[Any], given: NDArray[Any]) -> float:
    """Return Matthews' correlation of 0/1 ``given`` with 0/1 ``labels``; 0 where either is all of one class."""
    table = np.bincount(2 * labels + given, minlength=4).reshape(2, 2).astype(float)
    below = math.sqrt(float(table.sum(axis=0).prod() * table.sum(axis=1).prod()))
    return float(table[0, 0] * table[1, 1] - table[0, 1] * table[1, 0]) / below if below else 0.0
