"""Facts about where right choices stand, and about the report on how questions are spread."""

import random
from collections import Counter

import pytest

from rephrase.base import Question, Style
from rephrase.gathered.counts import Balance, Sketch, even
from rephrase.places import Places, arranged, chance
from tests.rephrase.conftest import document

PAGE = document("試験", "本文です。", ())


def question(style: Style, choices: tuple[str, ...] = (), answer: int = -1) -> Question:
    return Question(
        style, "何ですか。", choices[answer] if choices else "答え", PAGE, (), "k", choices, answer
    )


@pytest.mark.parametrize("total", [1, 2, 3, 4, 5, 41, 400, 401, 402, 403])
def test_no_place_is_ever_more_than_one_ahead(total: int) -> None:
    places = Places()
    used = Counter(places.take("PDL-1.0", chance(7, str(number))) for number in range(total))
    assert max(used.values()) - min(used[at] for at in range(4)) <= 1


def test_places_follow_from_seed_and_keys() -> None:
    def drawn(seed: int) -> list[int]:
        places = Places()
        return [places.take("PDL-1.0", chance(seed, "passage", str(number))) for number in range(40)]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    assert len({tuple(drawn(1)[at : at + 4]) for at in range(0, 40, 4)}) > 4  # no fixed order within a round


def test_each_license_is_balanced_by_itself() -> None:
    alone, beside = Places(), Places()
    expected = [alone.take("PDL-1.0", chance(3, str(number))) for number in range(20)]
    found = []
    for number in range(20):
        found.append(beside.take("PDL-1.0", chance(3, str(number))))
        beside.take("CC-BY-SA-4.0", chance(3, "other", str(number)))
    assert found == expected


def test_the_right_choice_stands_where_it_was_placed() -> None:
    for place in range(4):
        choices = arranged("正", ("誤1", "誤2", "誤3"), place)
        assert choices[place] == "正" and [one for one in choices if one != "正"] == ["誤1", "誤2", "誤3"]


@pytest.mark.parametrize(
    ("counts", "p"),
    [
        ([25, 25, 25, 25], 1.0),
        ([30, 20], 0.157299),  # chi-square 2 with 1 degree of freedom
        ([40, 30, 20], 0.035674),  # 6.667 with 2
        ([40, 20, 20, 20], 0.007383),  # 12 with 3
        ([30, 10, 20, 20, 20], 0.040428),  # 10 with 4
        ([], 1.0),
        ([0, 0, 0, 0], 1.0),
        ([1000, 0, 0, 0], 0.0),
    ],
)
def test_the_p_value_is_that_of_the_chi_square_distribution(counts: list[int], p: float) -> None:
    assert even(counts) == pytest.approx(p, abs=2e-6)


def test_a_balanced_set_raises_no_alarm() -> None:
    balance, places = Balance(), Places()
    for number in range(400):
        place = places.take("PDL-1.0", chance(0, str(number)))
        right, wrong = (
            ("長い答え", ("短い", "短い", "短い"))
            if number % 4 == 0
            else ("中位", ("長い答え", "短い", "短い"))
        )
        balance.add(question("multiple_choice", arranged(right, wrong, place), place))
    balance.add(question("qa"))
    report = balance.report()
    assert report["styles"] == {"multiple_choice": 400, "qa": 1}
    assert report["places"] == [100, 100, 100, 100] and report["places_p"] == 1.0
    assert report["right_is_longest"] == 0.25 and report["alarms"] == []


def test_a_telling_set_raises_both_alarms() -> None:
    balance = Balance()
    for number in range(100):
        place = 0 if number < 60 else number % 4
        balance.add(
            question("multiple_choice", arranged("とても長い答え", ("短い", "短1", "短2"), place), place)
        )
    assert balance.report()["alarms"] == ["places", "longest"]
    assert Balance().report()["alarms"] == []


def test_as_long_as_another_is_not_the_longest() -> None:
    balance = Balance()
    balance.add(question("multiple_choice", ("同じ", "同様", "短", "短い"), 0))
    assert balance.report()["right_is_longest"] == 0.0


def test_a_sketch_never_counts_too_low_and_seldom_too_high() -> None:
    sketch, chance = Sketch(), random.Random(5)  # noqa: S311
    true: Counter[int] = Counter()
    keys = [chance.getrandbits(64) for _ in range(5000)]
    for key in chance.choices(keys, k=20_000):
        sketch.add(key)
        true[key] += 1
    assert all(sketch.count(key) >= true[key] for key in keys)
    assert sum(sketch.count(key) > true[key] for key in keys) <= 5
    assert sketch.count(1) == 0
