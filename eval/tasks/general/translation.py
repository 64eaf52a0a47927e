"""Translation between Japanese and English of parallel text that may be shipped: the problems of MGSM."""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field
from sacrebleu.metrics.chrf import CHRF

from datacards.card import Rights
from eval.data import vendored
from eval.items import Question, Reply
from eval.tasks.general.mgsm import RIGHTS
from eval.tasks.general.replies import ReplyTask, first_line, prompt

NAMES = {"ja": "日本語", "en": "English"}
DESCRIPTIONS = {
    "ja": "英語の文を日本語に訳しなさい。",
    "en": "日本語の文を英語に訳しなさい。",
}  # by the language that is asked for
#: Worked examples, written for this project.
PAIRS = (
    {
        "ja": "取締役会は1株当たり25円の配当を決議した。支払いは6月に行われる。",
        "en": "The board of directors resolved to pay a dividend of 25 yen per share. It will be paid in June.",
    },
    {
        "ja": "健太さんは自転車で駅まで15分かかります。歩くとその3倍の時間がかかります。何分かかりますか？",
        "en": "It takes Kenta 15 minutes to get to the station by bicycle. On foot it takes three times as long. How many minutes is that?",
    },
    {
        "ja": "潮見銀行は港に新しい支店を開き、口座の数は1年で1割増えた。",
        "en": "Shiomi Bank opened a new branch at the port, and the number of accounts grew by ten percent in a year.",
    },
)  # fmt: skip


class Translation(ReplyTask):
    """What both directions share: 250 short texts, ``shots`` worked examples.

    ``chrf`` is the mean of the sentences' chrF (Popović, 2015: character n-grams up to 6, beta 2, no white space), from 0 to 1, as
    sacrebleu computes it. The chrF of a whole corpus, which papers print from 0 to 100, is no mean of sentences: compare
    this figure with this figure only. The id of an item is that of the text which is translated.
    """

    shots: int = Field(default=3, ge=0, le=len(PAIRS))
    suite: ClassVar[str] = "general"
    metric: ClassVar[str] = "chrf"
    source: ClassVar[str]
    target: ClassVar[str]
    rights: ClassVar[Rights | None] = RIGHTS

    def items(self, corpus: Path | None) -> list[Question]:
        """Return the texts in the publisher's order."""
        del corpus
        texts = {(row["language"], row["number"]): row for row in vendored("mgsm")}
        examples = [f"{self._asked(pair[self.source])} {pair[self.target]}" for pair in PAIRS[: self.shots]]
        return [
            Question(
                id=row["id"],
                context=prompt(DESCRIPTIONS[self.target], examples, self._asked(row["question"])),
                targets=(texts[self.target, number]["question"],),
                until=("\n",),
                max_tokens=384,
            )
            for (language, number), row in texts.items()
            if language == self.source
        ]

    def _asked(self, text: str) -> str:
        return f"{NAMES[self.source]}: {text}\n{NAMES[self.target]}:"

    def found(self, reply: Reply) -> str | None:
        """Return the first line of the reply."""
        return first_line(reply.text)

    def worth(self, answer: str, question: Question) -> float:
        """Return the chrF of the answer against the target, from 0 to 1."""
        return float(CHRF().sentence_score(answer, list(question.targets)).score) / 100


class TranslationJaEn(Translation):
    """From Japanese into English."""

    task: Literal["translation_ja_en"] = "translation_ja_en"
    source: ClassVar[str] = "ja"
    target: ClassVar[str] = "en"


class TranslationEnJa(Translation):
    """From English into Japanese."""

    task: Literal["translation_en_ja"] = "translation_en_ja"
    source: ClassVar[str] = "en"
    target: ClassVar[str] = "ja"
