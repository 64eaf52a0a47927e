"""One sentence a comparison, which a reader may quote."""

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from eval.compare.paired import Comparison

Language = Literal["en", "ja"]

ADJUSTED = {
    "holm": ("after Holm's correction for {0} tests", "Holm 法で {0} 検定を補正"),
    "benjamini-hochberg": (
        "after Benjamini and Hochberg's correction for {0} tests",
        "Benjamini-Hochberg 法で {0} 検定を補正",
    ),
}


def sentence_of(comparison: "Comparison", language: Language = "en") -> str:
    """Return what ``comparison`` found, in one sentence with the numbers that it rests on."""
    return _japanese(comparison) if language == "ja" else _english(comparison)


def about(comparison: "Comparison") -> str:
    """Return what a comparison is of: a task, a part of it, or the mean over the tasks of a suite."""
    if comparison.method == "sum of tasks" and comparison.suite:
        return f"{comparison.suite} {comparison.task}"
    return f"{comparison.task}, {comparison.group}" if comparison.group else comparison.task


def number(value: float, like: float = 0.0) -> str:
    """Return ``value`` with four decimals, three where the figures are above 1.5 such as a judge's scores."""
    return f"{value:.{3 if max(abs(value), abs(like)) > 1.5 else 4}f}"


def p_value(p: float) -> str:
    """Return a p value as it is quoted."""
    return "p < 0.0001" if p < 0.0001 else f"p = {p:.4f}" if p < 0.01 else f"p = {p:.3f}"


def _english(one: "Comparison") -> str:
    a, b = one.names
    on = about(one)
    opening = {
        "better": f"{a} is better than {b} on {on}",
        "worse": f"{a} is worse than {b} on {on}",
        "equivalent": f"{a} and {b} are equivalent within {one.margin or 0:g} on {on}",
        "undecided": f"{a} and {b} cannot be told apart on {on}",
    }[one.verdict]
    how = ADJUSTED.get(one.adjustment, ("", ""))[0].format(one.tests) if one.tests > 1 else ""
    p = f"{p_value(one.p_adjusted)} {how}".strip()
    items = f"{one.n:,} item{'s' * (one.n != 1)}"
    items += f" in {one.n_clusters:,} text{'s' * (one.n_clusters != 1)}" if one.n_clusters < one.n else ""
    interval = "no interval" if one.low is None or one.high is None else (
        f"95 % interval {_signed(one.low, one.a)} to {_signed(one.high, one.a)}"
    )  # fmt: skip
    told = (
        f"{opening}: {one.metric} {number(one.a, one.b)} against {number(one.b, one.a)}, "
        f"a difference of {_signed(one.difference, one.a)} ({interval}; {p}; {items})"
    )
    if one.mde is not None:
        told += f"; with 80 % power the test finds a difference of {number(one.mde, one.a)}"
    if one.verdict == "equivalent":
        told += f"; a difference of {one.margin:g} or more is ruled out ({p_value(one.p_equivalent or 0.0)}, two one-sided tests)"
    elif one.no_loss is not None:
        ruled = "is ruled out" if one.no_loss else "is not ruled out"
        told += f"; a loss of {one.margin:g} or more {ruled} ({p_value(one.p_no_loss or 0.0)}, one-sided)"
    return f"{told}."


def _japanese(one: "Comparison") -> str:
    a, b = one.names
    on = f"{one.task}（{one.group}）" if one.group else about(one)
    opening = {
        "better": f"{on} で {a} は {b} より良い",
        "worse": f"{on} で {a} は {b} より悪い",
        "equivalent": f"{on} で {a} と {b} は {one.margin or 0:g} の範囲で同等である",
        "undecided": f"{on} で {a} と {b} の差は判定できない",
    }[one.verdict]
    how = ADJUSTED.get(one.adjustment, ("", ""))[1].format(one.tests) if one.tests > 1 else ""
    p = f"{how}して {p_value(one.p_adjusted)}" if how else p_value(one.p_adjusted)
    items = f"{one.n:,} 問" + (f"、{one.n_clusters:,} 文書" if one.n_clusters < one.n else "")
    interval = "区間なし" if one.low is None or one.high is None else (
        f"95 % 信頼区間 {_signed(one.low, one.a)} から {_signed(one.high, one.a)}"
    )  # fmt: skip
    told = (
        f"{opening}。{one.metric} は {number(one.a, one.b)} 対 {number(one.b, one.a)}、"
        f"差は {_signed(one.difference, one.a)}（{interval}、{p}、{items}）"
    )
    if one.mde is not None:
        told += f"、検出力 80 % で検出できる差は {number(one.mde, one.a)}"
    if one.verdict == "equivalent":
        told += f"、{one.margin:g} 以上の差は否定される（2 つの片側検定 {p_value(one.p_equivalent or 0.0)}）"
    elif one.no_loss is not None:
        ruled = "否定される" if one.no_loss else "否定できない"
        told += f"、{one.margin:g} 以上の低下は{ruled}（片側 {p_value(one.p_no_loss or 0.0)}）"
    return f"{told}。"


def _signed(value: float, like: float) -> str:
    return ("+" if value >= 0 else "-") + number(abs(value), like)
