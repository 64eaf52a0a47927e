"""The prompts of the Japanese financial benchmark: its nine versions in two dialects, as texts with gaps.

The wording is that of japanese-lm-fin-harness (MIT, Preferred Networks; see ``eval/data/LICENSES.md``) to the last
space and slip of the pen, since a likelihood depends on every sign. Dialect ``v0.2`` is its YAML files from April 2024
on, ``v0.1`` the Python classes before; the texts differ, and so do the continuations of chABSA.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

Dialect = Literal["v0.2", "v0.1"]
Version = Literal["default", "0.1", "0.1.2", "0.2", "0.2.1", "0.3", "0.4", "0.5", "0.6"]
VERSIONS: tuple[Version, ...] = get_args(Version)


def _text(given: Any) -> Any:
    """Let a recipe say ``prompt: 0.1`` without quotes, which YAML reads as a number."""
    return str(given) if isinstance(given, float) else given


Prompt = Annotated[Version, BeforeValidator(_text)]


@dataclass(frozen=True, slots=True)
class Layout:
    """How a question is laid out: ``body`` with gaps, one option with gaps, what stands between options.

    ``answer`` says what of an option is scored: its letter, its whole text, or its index from 0.
    """

    body: str
    option: str = ""
    between: str = ""
    answer: Literal["letter", "text", "index"] = "text"


DEFAULT = Layout(
    "【問題】\n{told}\n\n【選択肢】\n{options}\n【答え】\n", "{letter}: {text}\n", answer="letter"
)
_ALPACA = "以下は、タスクを説明する指示と、文脈のある入力の組み合わせです。要求を適切に満たす応答を書きなさい。\n\n### 指示:\n"
_CHOOSE = "出力は以下から選択してください："
LAYOUTS: dict[str, Layout] = {
    "default": DEFAULT,
    "0.1": Layout("[問題]:{told}\n[選択肢]:[{options}]\n[答え]:", "{text}", ", "),
    "0.1.2": Layout("[問題]:{told}\n[選択肢]:[{options}]\n[答え]:", "{letter}:{text}", ", ", "letter"),
    "0.2": Layout("質問:{told}\n選択肢:{options}\n回答:", "{index}.{text}", ",", "index"),
    "0.2.1": Layout("質問:{told}\n選択肢:\n{options}\n回答:", "- {text}", "\n"),
    "0.3": Layout(
        f"### 入力:\n{{told}}\n{_CHOOSE}\n{{options}}\n\n### 応答:\n", "- {text}", "\n"
    ),
    "0.4": Layout(
        "ユーザー: 質問：{told}<NL>選択肢：<NL>{options}<NL>システム: ", "- {text}", "<NL>"
    ),
    "0.5": Layout("ユーザー: 質問：{told}\n選択肢：\n{options}\nシステム: ", "- {text}", "\n"),
    "0.6": Layout(
        f"{{request}}\n\n質問：{{told}}{_CHOOSE}\n{{options}} [/INST] ", "- {text}", "\n"
    ),
}  # fmt: skip
#: The same where the options stand in the question already and are mere numbers.
BARE: dict[str, Layout] = {
    **LAYOUTS,
    "default": Layout("【問題】\n{told}\n\n【答え】\n"),
    "0.2.1": Layout("質問:{told}\n\n回答:"),
    "0.3": Layout("### 入力:\n{told}\n\n### 応答:\n"),
    "0.4": Layout("ユーザー: {told}<NL>システム: "),
    "0.5": Layout("ユーザー: {told}\nシステム: "),
    "0.6": Layout("{request}\n\n質問：{told} [/INST] "),
}
#: What each family of examinations is asked for; versions 0.3 to 0.6 wrap the request of 0.2.1.
REQUESTS: dict[str, dict[str, str]] = {
    "exam": {
        "default": "以下の問題の適切な答えを選択肢から選んでアルファベットで答えなさい。",
        "0.1": "[問題]に対する[答え]を[選択肢]の中から選んでください。",
        "0.1.2": "[問題]に対する[答え]を[選択肢]の中からアルファベットで選んでください。",
        "0.2": "質問と回答の選択肢を入力として受け取り、選択肢から回答を選択してください。"
        "なお、回答は選択肢の番号(例:0)でするものとします。",
        "0.2.1": "与えられた選択肢の中から、最適な答えを選んでください。",
    },
    "combinations": {
        "default": "以下の問題の答えとして適切な記号の組み合わせを選択肢から選んでアルファベットで答えなさい。",
        "0.1": "[問題]に対する[答え]をとして適切な記号の組み合わせを[選択肢]の中から選んでください。",
        "0.1.2": "[問題]に対する[答え]として適切な記号の組み合わせを[選択肢]の中からアルファベットで選んでください。",
        "0.2": "質問とその答えとして適切な記号の組み合わせの選択肢を入力として受け取り、選択肢から回答を選択してください。"
        "なお、回答は選択肢の番号(例:0)でするものとします。",
        "0.2.1": "与えられた答えの組み合わせの選択肢の中から、最適な選択肢を選んでください。",
    },
}
REQUESTS["numbers"] = {
    **REQUESTS["exam"],
    "default": "以下の問題の適切な答えを選択肢から選んで１～４の数字で答えなさい。",
}
_SAFE = (
    "Your answers should not include any harmful, unethical, racist, sexist, toxic, dangerous, or illegal content. "
    "Please ensure that your responses are socially unbiased and positive in nature.\n\n"
    "If a question does not make any sense, or is not factually coherent, explain why instead of answering something "
    "not correct. If you don't know the answer to a question, please don't share false information."
)
_HONEST = "You are a helpful, respectful and honest assistant. Always answer as helpfully as possible, while being safe."
#: One space between the two halves in v0.2, two in v0.1.
SYSTEM: dict[Dialect, str] = {"v0.2": f"{_HONEST} {_SAFE}", "v0.1": f"{_HONEST}  {_SAFE}"}


def description(version: Version, request: str, dialect: Dialect) -> str:
    """Return what comes before the question in prompt ``version``, which asks for ``request``."""
    gap = "\n\n\n" if dialect == "v0.2" else "\n\n"
    if version == "0.3":
        return f"{_ALPACA}{request}{gap}"
    if version == "0.4":
        return f"ユーザー: {request}<NL>システム: 分かりました。<NL>"
    if version == "0.5":
        return f"ユーザー: {request}\nシステム: 分かりました。{gap[1:]}"
    if version == "0.6":
        return f"<s>[INST] <<SYS>>\n{SYSTEM[dialect]}\n<</SYS>>{gap}"
    return f"{request}{gap}"


def laid_out(
    layout: Layout, question: str, context: str, choices: Sequence[str], *, request: str = ""
) -> str:
    """Return the question with its context, if any, and its options as ``layout`` has it."""
    told = f"{question}\n{context}" if context else question
    options = layout.between.join(
        layout.option.format(letter=letter, index=index, text=choice)
        for index, (letter, choice) in enumerate(zip(LETTERS, choices, strict=False))
    )
    return layout.body.format(told=told, options=options, request=request)


def scored(layout: Layout, choices: Sequence[str]) -> tuple[str, ...]:
    """Return what of each option the model must find likely."""
    if layout.answer == "letter":
        return tuple(LETTERS[: len(choices)])
    return tuple(str(n) for n in range(len(choices))) if layout.answer == "index" else tuple(choices)


@dataclass(frozen=True, slots=True)
class Opinion:
    """A prompt of chABSA: what is asked for, the layout, and what stands between it and the answer."""

    request: str
    body: str
    delimiter: str = " "


_OPINION = "センチメントをpositiveかnegativeで"
_ANSWER = f"以下のセンテンスにおける、ターゲットの{_OPINION}答えてください。"
_PICK = f"[センテンス]における、[ターゲット]の{_OPINION}選んでください。"
_TAKE = "センテンスとターゲットを入力として受け取り、ターゲットに関するセンチメントをpositiveかnegativeから選択してください。"
_TALK = f"センテンスにおける、ターゲットの{_OPINION}答えてください。"
_GIVEN = f"与えられた{_TALK}"
_PAIR = "センテンス: {sentence}\nターゲット: {target}"
_LOOSE = f"{_PAIR}\n"
_TIGHT = "センテンス:{sentence}\nターゲット:{target}\n"
CHABSA: dict[Dialect, dict[str, Opinion]] = {
    "v0.2": {
        "default": Opinion(_ANSWER, f"{_LOOSE}回答:"),
        # The bracket that is missing before ターゲット is missing in the original.
        "0.1": Opinion(_PICK, "[センテンス]: {sentence}\nターゲット]: {target}\n[答え]:"),
        "0.2": Opinion(_TAKE, f"{_LOOSE}回答:"),
        "0.3": Opinion(_ANSWER, f"### 入力:\n{_TIGHT}\n### 応答:\n\n", ""),
        "0.4": Opinion(_TALK, "センテンス: {sentence}<NL>ターゲット: {target}<NL>システム:"),
        "0.5": Opinion(_TALK, f"{_LOOSE}システム:"),
        "0.6": Opinion(_GIVEN, f"{_GIVEN}\n\n{_PAIR} [/INST]"),
    },
    "v0.1": {
        "default": Opinion(_ANSWER, f"{_LOOSE}回答: ", ""),
        "0.1": Opinion(_PICK, "[センテンス]: {sentence}\n[ターゲット]: {target}\n[答え]:", ""),
        "0.2": Opinion(_TAKE, f"{_TIGHT}回答:", ""),
        "0.3": Opinion(_ANSWER, f"### 入力:\n{_TIGHT}\n### 応答:\n", ""),
        "0.4": Opinion(_TALK, "センテンス: {sentence}<NL>ターゲット: {target}<NL>システム: ", ""),
        # Its request is that of another task in the original.
        "0.5": Opinion(
            "与えられた文脈から、質問に対する答えを抜き出してください。", f"{_LOOSE}システム: ", ""
        ),
        "0.6": Opinion(_GIVEN, f"{_GIVEN}\n\n{_PAIR} [/INST] ", ""),
    },
}
CHABSA_VERSIONS = frozenset(CHABSA["v0.2"])


def opinion(version: Version, dialect: Dialect) -> tuple[Version, Opinion]:
    """Return the prompt of chABSA for ``version``, and the version that it is of.

    chABSA has no letters to choose from, so 0.1.2 and 0.2.1 are not made for it; as in the original, the version whose
    number is the beginning of theirs takes their place.
    """
    held: Version = version if version in CHABSA_VERSIONS else {"0.1.2": "0.1", "0.2.1": "0.2"}[version]  # type: ignore[assignment]
    return held, CHABSA[dialect][held]
