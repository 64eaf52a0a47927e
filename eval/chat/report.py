"""The scores of one way of a question set: the overall figure, its parts by category and turn, failures and bounds."""

import math
from collections.abc import Sequence

from datacards.errors import UserError
from datacards.evaluated import Score
from eval.chat.answering import WayName
from eval.chat.grading import Answered, Graded
from eval.chat.scores import Mean, Turn, bounds, by_category, failures, mean, overall
from eval.chat.scores import told as told_failures
from eval.judge.agreement import agreement


def scores_of(task: str, way: WayName, graded: Sequence[Graded], note: str) -> list[Score]:
    """Return the figures of one way, the one to compare by first.

    That is the mean of the categories' means. Then: ``turn_mean``, over all turns (the benchmark's second leaderboard),
    ``turn_1`` and so on, the mean of every category (``group``) with its interval, the bounds of the overall figure,
    the rates of failures by kind, category and turn, of answers that went on by themselves or were cut off, and how far repeated judgments agree.
    Raises UserError where the judge gave no score at all.
    """
    turns = [row.turn for row in graded]
    categories = by_category(turns)
    whole = overall(categories)
    if math.isnan(whole.value):
        raise UserError(
            task, f"its judge gave no score to any of {len(turns)} answers ({told_failures(turns)})",
            todo="see to the judge, or name another one: what was answered is kept",
        )  # fmt: skip
    limits = bounds(turns)
    said = "; ".join(
        part for part in (note, told_failures(turns), _cut([row.answered for row in graded])) if part
    )
    found = [_score(task, way, whole, note=said, figure=True)]
    found.append(_score(task, "turn_mean", mean(turns)))
    found += [
        _score(task, f"turn_{number}", mean([turn for turn in turns if turn.turn == number]))
        for number in sorted({turn.turn for turn in turns})
    ]
    found += [_score(task, way, one, group=category) for category, one in categories.items()]
    if any(turn.failure for turn in turns):
        found.append(_plain(task, "failures_as_0", limits.low, len(turns)))
        if not math.isnan(limits.high):
            found.append(_plain(task, "failures_dropped", limits.high, len(turns)))
        found += _rates(task, turns)
    found += _marked(task, [row.answered for row in graded])
    found += _agreed(task, graded)
    return [score for score in found if not math.isnan(score.value)]


def _score(
    task: str, metric: str, one: Mean, *, note: str = "", group: str = "", figure: bool = False
) -> Score:
    return Score(
        task=task,
        metric=metric,
        value=one.value,
        stderr=one.stderr,
        samples=one.n,
        note=note,
        group=group,
        figure="groups" if figure else "mean",
        clustered=one.clustered,
        low=one.low,
        high=one.high,
    )


def _plain(task: str, metric: str, value: float, samples: int) -> Score:
    return Score(task=task, metric=metric, value=value, samples=samples, figure="groups")


def _rates(task: str, turns: Sequence[Turn]) -> list[Score]:
    """Return the share of failed turns of every kind, over all and by category and turn."""
    found = []
    for kind in sorted({turn.failure for turn in turns if turn.failure}):
        count = sum(turn.failure == kind for turn in turns)
        found.append(_rate(task, f"failed_{kind}", count, len(turns), ""))
    for kind, category, number, count, asked in failures(turns):
        found.append(_rate(task, f"failed_{kind}", count, asked, f"{category}/turn {number}"))
    return found


def _marked(task: str, answered: Sequence[Answered]) -> list[Score]:
    """Return the shares of answers that went on with the next turn and that were cut off, where there are any."""
    marks = {
        "went_on": sum(one.said.injected for one in answered),
        "cut_off": sum(one.said.raw.finish == "length" for one in answered),
    }
    return [
        _rate(task, f"answers_{mark}", count, len(answered), "") for mark, count in marks.items() if count
    ]


def _rate(task: str, metric: str, count: int, asked: int, group: str) -> Score:
    share = count / asked
    error = math.sqrt(share * (1 - share) / (asked - 1)) if asked > 1 else None
    return Score(
        task=task, metric=metric, value=share, stderr=error, samples=asked, group=group,
        higher_is_better=False,
    )  # fmt: skip


def _agreed(task: str, graded: Sequence[Graded]) -> list[Score]:
    """Return how far the judgments of one answer agree, where answers were judged more than once."""
    rows = [row for row in graded if len(row.judgments) > 1]
    if not rows:
        return []
    scores = [[one.score for one in row.judgments] for row in rows]
    told = agreement(scores, clusters=[row.turn.question for row in rows])
    figures = {
        "judge_exact": told.exact,
        "judge_within_1": told.within_one,
        "judge_alpha": told.alpha,
        "judge_noise": told.noise,
    }
    return [
        Score(
            task=task, metric=metric, value=one.value, stderr=one.stderr, samples=told.answers, low=one.low,
            high=one.high, higher_is_better=metric != "judge_noise",
        )
        for metric, one in figures.items()
        if one.value is not None
    ]  # fmt: skip


def _cut(answered: Sequence[Answered]) -> str:
    """Return what a reader must know of the answers themselves."""
    long = sum(one.said.raw.finish == "length" for one in answered)
    on = sum(one.said.injected for one in answered)
    lost = sum(one.said.raw.truncated for one in answered)
    parts = [
        f"answers that reached the longest length: {long}" if long else "",
        f"answers that went on with the next turn: {on}" if on else "",
        f"dialogues that lost their beginning because they did not fit the model: {lost}" if lost else "",
    ]
    return "; ".join(part for part in parts if part)
