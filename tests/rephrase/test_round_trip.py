"""Facts about the round trip: what is asked again, of an engine that answers from a table, and what its answers decide."""

import asyncio
import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import pytest

from corpus.document import Drop, Span
from datacards.errors import UserError
from rephrase.base import Style
from rephrase.candidate import Candidate, Chunk
from rephrase.prompts import load
from rephrase.requests import REFUSED, STOP, Engine, Reply, Request, Sampling
from rephrase.validate.round_trip import LETTERS, Asker, Result, check, chosen, judge
from tests.rephrase.conftest import document

Mode = Literal["completions", "chat"]
PASSAGE = "雲海情報の2024年3月期の売上高は、解約が減ったことから、前期比5.2％増の1,234億円となりました。"
ASKED = "雲海情報の2024年3月期の売上高はいくらでしたか。"
CHOICES = ("1,234億円", "1,134億円", "1,324億円", "1,243億円")
_SHOWN = re.compile(r"^([A-D])\) (.+)$", re.MULTILINE)
_BLOCK = 16  # tokens that vLLM caches together; a character stands for a token here


def shared(texts: Sequence[str]) -> str:
    """Return what all texts begin with: what the first and the last in order begin with."""
    first, last = min(texts), max(texts)
    size = bisect_left(range(len(first) + 1), True, key=lambda at: not last.startswith(first[:at]))
    return first[: size - 1]


class Reader(Engine):
    """Knows answers by question: with the passage, and by heart; ``letters`` instead is what it always chooses.

    ``scores`` says whether it gives log-probabilities. It counts what it must compute with a cache of prefixes.
    """

    capacity = 1

    def __init__(self, table: Mapping[str, str], by_heart: Mapping[str, str] = {}, *, scores: bool = True, letters: str = "") -> None:  # fmt: skip
        self.table, self.by_heart, self.scores, self.letters = table, by_heart, scores, letters
        self.prompts: list[str] = []
        self.computed = self.written = 0

    async def start(self) -> None:
        """Nothing to make ready."""

    async def close(self) -> None:
        """Nothing to let go of."""

    async def reply(self, request: Request) -> Reply:
        prompt = request.prompt if isinstance(request.prompt, str) else request.prompt[-1].content
        known = max((len(shared([prompt, old])) for old in self.prompts), default=0)
        self.computed += len(prompt) - known // _BLOCK * _BLOCK
        self.prompts.append(prompt)
        answer = self._answer(prompt)
        if not request.sampling.scored:
            self.written += len(answer)
            return Reply(f" {answer}", STOP, len(prompt), len(answer))
        shown = dict(_SHOWN.findall(prompt)[-4:])
        letter = self.letters or next((key for key, said in shown.items() if said == answer), "D")
        scores = {key: -0.1 if key == letter else -3.0 for key in LETTERS} if self.scores else {}
        self.written += 1
        return Reply("A" if self.scores else letter, "length", len(prompt), 1, scores)

    def _answer(self, prompt: str) -> str:
        table = self.table if "雲海情報の2024年3月期の売上高は、" in prompt else self.by_heart
        return next((said for asked, said in table.items() if asked in prompt), "わかりません")


def candidate(
    answer: str = CHOICES[0], *wrong: str, question: str = ASKED, passage: str = PASSAGE
) -> Candidate:
    page = document("雲海情報", passage, ())
    style: Style = "multiple_choice" if wrong else "qa"
    return Candidate(style, question, answer, Chunk(page, Span(page.id, 0, len(passage)), "雲海情報"), wrong)


def asked(engine: Engine, one: Candidate, mode: Mode = "completions") -> Result:
    return asyncio.run(judge(one, engine.reply, Asker("tiny", mode)))


@pytest.mark.parametrize("mode", ["completions", "chat"])
@pytest.mark.parametrize(
    ("again", "reason"),
    [
        ("1,234億円です。", None),
        ("123,400百万円", None),
        ("1,243億円", "no_round_trip"),
        ("わかりません", "no_round_trip"),
        ("", "no_round_trip"),
    ],
)
def test_an_answer_must_come_back_by_value(mode: Mode, again: str, reason: str | None) -> None:
    drop, notes = asked(Reader({ASKED: again}), candidate(), mode)
    assert (drop.reason if drop else None) == reason
    assert notes == {"round_trip": "0/1" if reason else "1/1"}
    assert asyncio.run(check(candidate(), Reader({ASKED: again}).reply, Asker("tiny", mode))) == drop


def test_an_answer_in_words_must_come_back_in_most_of_its_characters() -> None:
    why = "売上高が増えた理由は何ですか。"
    said = candidate("解約が減ったことです。", question=why)
    assert asked(Reader({why: "解約が減ったため"}), said).drop is None
    drop, _ = asked(Reader({why: "円安が進んだため"}), said)
    assert drop and drop.reason == "no_round_trip" and drop.detail == "円安が進んだため"


@pytest.mark.parametrize("mode", ["completions", "chat"])
@pytest.mark.parametrize("scores", [True, False])
def test_a_choice_is_found_wherever_it_stands(mode: Mode, *, scores: bool) -> None:
    engine = Reader({ASKED: CHOICES[0]}, scores=scores)
    drop, notes = asked(engine, candidate(*CHOICES), mode)
    assert drop is None
    assert notes == {"round_trip": "3/3", "closed_book": "wrong"}
    places = [
        key
        for prompt in engine.prompts[:3]
        for key, said in _SHOWN.findall(prompt)[-4:]
        if said == CHOICES[0]
    ]
    assert places == ["A", "B", "C"]


def test_an_engine_that_likes_one_letter_finds_nothing() -> None:
    for letter in LETTERS:
        drop, notes = asked(Reader({}, letters=letter), candidate(*CHOICES))
        assert drop and drop.reason == "inconsistent_choice"
        assert notes["round_trip"] in ("0/2", "1/3") and "closed_book" not in notes


class Fickle(Reader):
    """Says D to the requests, counted from 1, that ``misses`` names."""

    misses: frozenset[int] = frozenset()

    async def reply(self, request: Request) -> Reply:
        found = await super().reply(request)
        return found._replace(logprobs={"D": 0.0}) if len(self.prompts) in self.misses else found


@pytest.mark.parametrize(
    ("misses", "told"), [((2,), "3/4"), ((1,), "3/4"), ((1, 3), "1/3"), ((1, 2), "0/2"), ((4,), "3/3")]
)
def test_one_wrong_order_of_four_is_forgiven_and_two_are_not(misses: tuple[int, ...], told: str) -> None:
    engine = Fickle({ASKED: CHOICES[0]})
    engine.misses = frozenset(misses)
    drop, notes = asked(engine, candidate(*CHOICES))
    assert notes["round_trip"] == told
    assert (drop is None) is told.startswith("3")


def test_what_the_model_knows_by_heart_is_noted_and_refuses_nothing() -> None:
    table = {ASKED: CHOICES[0]}
    engine = Reader(table, by_heart=table)
    drop, notes = asked(engine, candidate(*CHOICES))
    assert drop is None and notes["closed_book"] == "right"
    assert PASSAGE not in engine.prompts[-1] and ASKED in engine.prompts[-1]


def test_rephrasings_are_not_asked_about() -> None:
    page = document("雲海情報", PASSAGE, ())
    engine = Reader({})
    one = Candidate("easy", "", "売上高は1,234億円でした。", Chunk(page, Span(page.id, 0, len(PASSAGE))))
    assert asked(engine, one) == Result(None, {}) and not engine.prompts


def test_a_refused_request_is_no_round_trip() -> None:
    class Full(Reader):
        async def reply(self, request: Request) -> Reply:
            return Reply("A prompt is too long", REFUSED)  # which begins with no letter of a choice

    for one in (candidate(), candidate(*CHOICES)):
        assert asked(Full({}), one) == Result(Drop("no_round_trip", "refused"), {})


@pytest.mark.parametrize(
    ("reply", "letter"),
    [
        (Reply("C", "length"), "C"),
        (Reply(" Ｂ。", STOP), "B"),
        (Reply("「A」", STOP), "A"),
        (Reply("正解はAです", STOP), ""),
        (Reply("", STOP), ""),
        (Reply("A prompt is too long", REFUSED), ""),
        (Reply("C", "length", logprobs={"A": -2.0, "B": -0.2, "C": -4.0, "D": -9.0}), "B"),
        (Reply("C", "length", logprobs={"E": -2.0}), "C"),
    ],
)
def test_the_likeliest_letter_is_chosen_else_the_written_one(reply: Reply, letter: str) -> None:
    assert chosen(reply) == letter


@pytest.mark.parametrize("mode", ["completions", "chat"])
def test_requests_are_greedy_and_share_everything_up_to_the_question(mode: Mode) -> None:
    trip, one = Asker("tiny", mode), candidate(*CHOICES)
    requests = [trip.open(one), *(trip.choice(one, order) for order in range(4))]
    assert len({request.key for request in requests}) == 5
    assert {request.sampling.temperature for request in requests} == {0.0}
    letters = {"choice": list(LETTERS)} if mode == "chat" else {}
    assert [request.sampling.structured for request in requests] == [{}, *[letters] * 4]
    texts = [r.prompt if isinstance(r.prompt, str) else r.prompt[0].content for r in requests]
    assert PASSAGE in shared(texts)
    assert all(text.endswith(("答え：", "A:", "D) 1,243億円", "億円", ASKED)) for text in texts)


def test_braces_and_labels_in_a_text_fill_no_place() -> None:
    one = candidate(*CHOICES, question="{A}と{document}のどちらですか。", passage="{question} {B} {0}")
    prompt = Asker("tiny", "completions").choice(one, 0).prompt
    assert "{question} {B} {0}" in prompt and "Q: {A}と{document}のどちらですか。" in prompt


def test_a_prompt_file_is_read_strictly(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no 'v9/round_trip/chat.yaml'"):
        Asker("tiny", "chat", "v9")
    path = tmp_path / "v1" / "round_trip" / "chat.yaml"
    path.parent.mkdir(parents=True)
    for body, told in (
        ("- a", "holds a list"),
        ("a: [", "not a valid prompt file"),
        ("qa: x", "'document' is missing"),
    ):
        path.write_text(body, encoding="utf-8")
        with pytest.raises(UserError, match=told):
            Asker("tiny", "chat", folder=tmp_path)
    assert Asker("a", "chat").digest == Asker("b", "chat").digest != Asker("a", "completions").digest


@pytest.mark.parametrize("mode", ["completions", "chat"])
@pytest.mark.parametrize(
    ("choices", "prefill", "written"), [(CHOICES[:1], 150, len(CHOICES[0])), (CHOICES, 1000, 4)]
)
def test_the_document_of_the_prompt_that_made_a_question_is_not_read_again(
    mode: Mode, choices: tuple[str, ...], prefill: int, written: int
) -> None:
    """With a cache of prefixes a round trip computes what follows the document: questions, choices, examples of letters."""
    engine, asker = Reader({ASKED: CHOICES[0]}), Asker("tiny", mode)
    one = candidate(*choices, passage=PASSAGE * 10)
    prompt = load(one.style, mode)
    made = Request("tiny", prompt.ask(one.chunk, 3), Sampling(100))
    asyncio.run(engine.reply(made))
    asyncio.run(
        engine.reply(asker.choice(one, 0, closed_book=True))
    )  # its examples are in the cache from then on
    engine.computed = engine.written = 0
    assert asyncio.run(judge(one, engine.reply, asker, prompt.opening(one.chunk, 3))).drop is None
    assert PASSAGE * 10 in engine.prompts[2]
    assert engine.written == written
    assert engine.computed < prefill


def test_an_answer_in_json_is_read_too() -> None:
    assert asked(Reader({ASKED: '{"answer": "1,234億円"}'}), candidate(), "chat").drop is None
    assert asked(Reader({ASKED: '{"answer": "1,243億円"}'}), candidate(), "chat").drop is not None
    assert asked(Reader({ASKED: "{"}), candidate(), "chat").drop is not None
