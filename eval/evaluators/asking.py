"""Items of every kind, asked of one model of transformers in portions that fit in memory."""

from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Self, TypeVar

from tqdm import tqdm

from datacards.objective import Loaded
from eval.evaluators.bos import Bos
from eval.evaluators.encoding import Encoder, Pair
from eval.evaluators.generating import Writer
from eval.evaluators.likelihoods import Scorer
from eval.evaluators.loading import longest
from eval.evaluators.trees import Line, lines_of
from eval.evaluators.writing import Prompt, Written
from eval.items import Answer, Asked, Item, Passage, Question, Reply, Result, Surprise

PORTION = 4_000_000  # characters whose tokens are in memory at once
WIDER = 4  # what is written is short of its bound as a rule
Take = Callable[[Sequence[Result]], None]
Keep = Callable[[Sequence[tuple[int, Result]]], None]
Read_ = TypeVar("Read_", Item, Passage)


class Asking:
    """Asks one model; results are handed on as they are made, and a bar shows how many of ``total`` there are."""

    def __init__(
        self, loaded: Loaded, bos: Bos, max_length: int | None, batch_tokens: int, total: int
    ) -> None:
        self.longest = max_length or longest(loaded)
        self.batch_tokens = batch_tokens
        self.encoder = Encoder(loaded, bos)
        self.scorer = Scorer(loaded, self.longest)
        self.writer = Writer(loaded, self.longest, bos)
        self.settled = False
        self.bar = tqdm(total=total, desc="asking", unit="item", disable=None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.close()

    def ask(self, asked: Sequence[Asked], take: Take) -> list[Result]:
        """Return the results of one task in the order of its items; ``take`` is given them as they come."""
        results: list[Result | None] = [None] * len(asked)

        def keep(found: Sequence[tuple[int, Result]]) -> None:
            for place, result in found:
                results[place] = result
            take([result for _, result in found])
            self.bar.update(len(found))

        self._choices([(n, item) for n, item in enumerate(asked) if isinstance(item, Item)], keep)
        self._questions([(n, item) for n, item in enumerate(asked) if isinstance(item, Question)], keep)
        self._passages([(n, item) for n, item in enumerate(asked) if isinstance(item, Passage)], keep)
        return [result for result in results if result is not None]

    def _choices(self, asked: Sequence[tuple[int, Item]], keep: Keep) -> None:
        for portion in _portions(asked, lambda item: len(item.context) * len(item.continuations)):
            pairs = self.encoder.pairs([item for _, item in portion])
            lines = [line for n, pair in enumerate(pairs) for line in lines_of(n, pair, self.longest)]
            if not self.settled:
                self.scorer.settle(lines)
                self.settled = True
            missing = [sum(map(len, pair.choices)) for pair in pairs]
            sums = [[0.0] * len(pair.choices) for pair in pairs]
            for batch in self.scorer.read(lines, self.batch_tokens):
                done = []
                for read, number in batch:
                    sums[read.owner][read.choice] += number
                    missing[read.owner] -= 1
                    if not missing[read.owner]:
                        done.append(read.owner)
                keep([(portion[n][0], self._answer(portion[n][1], pairs[n], sums[n])) for n in done])

    def _answer(self, item: Item, pair: Pair, sums: Sequence[float]) -> Answer:
        size = len(pair.context)
        return Answer(
            item=item,
            loglikelihoods=tuple(sums),
            choice_tokens=tuple(map(len, pair.choices)),
            context_tokens=size,
            truncated=any(size + len(choice) > self.longest + 1 for choice in pair.choices),
        )

    def _questions(self, asked: Sequence[tuple[int, Question]], keep: Keep) -> None:
        if not asked:
            return
        prompts = [
            Prompt(text=question.context, max_tokens=question.max_tokens, until=question.until)
            for _, question in asked
        ]

        def written(n: int, one: Written) -> None:
            place, question = asked[n]
            keep(
                [
                    (
                        place,
                        Reply(question, one.text, one.tokens, one.finish, one.context_tokens, one.truncated),
                    )
                ]
            )

        self.writer.write(prompts, self.batch_tokens * WIDER, written)

    def _passages(self, asked: Sequence[tuple[int, Passage]], keep: Keep) -> None:
        for portion in _portions(asked, lambda passage: 16 * len(passage.text)):
            texts = self.encoder.texts([passage.text for _, passage in portion])
            counts = [max(0, len(tokens) - 1) for tokens in texts]
            lines = [line for n, tokens in enumerate(texts) for line in self._windows(n, tokens)]
            missing, nats = list(counts), [0.0] * len(portion)
            keep(
                [(place, Surprise(item, 0.0, 0)) for n, (place, item) in enumerate(portion) if not counts[n]]
            )
            for batch in self.scorer.read(lines, self.batch_tokens):
                done = []
                for read, number in batch:
                    nats[read.owner] -= number
                    missing[read.owner] -= 1
                    if not missing[read.owner]:
                        done.append(read.owner)
                keep([(portion[n][0], Surprise(portion[n][1], nats[n], counts[n])) for n in done])

    def _windows(self, owner: int, tokens: Sequence[int]) -> Iterator[Line]:
        """Yield windows of the model's length: each begins with the last token of the one before, which it scores not."""
        for start in range(0, len(tokens) - 1, self.longest):
            after = tuple(tokens[start + 1 : start + self.longest + 1])
            yield Line(owner, start, tuple(tokens[start : start + len(after)]), after, cut=True)


def _portions(
    asked: Sequence[tuple[int, Read_]], size: Callable[[Read_], int]
) -> Iterator[list[tuple[int, Read_]]]:
    """Yield the items in portions of about as many characters as fit in memory as tokens."""
    portion: list[tuple[int, Read_]] = []
    held = 0
    for place, item in asked:
        if portion and held + size(item) > PORTION:
            yield portion
            portion, held = [], 0
        portion.append((place, item))
        held += size(item)
    if portion:
        yield portion
