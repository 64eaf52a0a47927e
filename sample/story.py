"""What each sample company has to say, read from filings.yaml, and how filings print names, dates and amounts."""

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

import yaml

from sample.companies import Company, Year

_SURNAMES = [
    "綾部",
    "石舘",
    "宇賀神",
    "江坂",
    "小鹿野",
    "加地",
    "桐生",
    "久遠",
    "香月",
    "座間",
    "志摩",
    "須磨",
    "千石",
    "蘇武",
    "多治見",
    "津島",
    "砺波",
    "那珂",
    "額賀",
    "能登",
]
_GIVEN = [
    "晴之",
    "美津子",
    "孝臣",
    "由紀乃",
    "慎吾",
    "紗江",
    "武彦",
    "倫世",
    "直幹",
    "千鶴",
    "泰道",
    "郁美",
    "邦夫",
    "智香",
    "耕一郎",
    "澄人",
    "雅枝",
    "敏久",
    "涼介",
    "珠実",
]


@dataclass(frozen=True, slots=True)
class Story:
    """What filings.yaml holds for one company."""

    plant: str
    rd: int
    capex: int
    segments: tuple[tuple[str, int, str], ...]
    history: tuple[tuple[str, str], ...]
    plan: str
    environment: dict[int, str]
    results: dict[int, str]
    issues: tuple[tuple[str, str], ...]
    risks: tuple[tuple[str, str], ...]
    research: str


@cache
def _stories() -> dict[str, Story]:
    loaded: dict[str, dict[str, Any]] = yaml.safe_load(
        (files("sample") / "filings.yaml").read_text(encoding="utf-8")
    )
    stories = {}
    for code, row in loaded.items():
        for key in ("segments", "history", "issues", "risks"):
            row[key] = tuple(tuple(item) for item in row[key])
        stories[code] = Story(**row)
    return stories


def story(company: Company) -> Story:
    """The words of one company."""
    return _stories()[company.edinet_code]


def money(company: Company, amount: int) -> str:
    """An amount in the company's display unit, as 53,483百万円; a negative one without its sign."""
    return f"{abs(amount) // company.unit:,}{company.unit_name}"


def day(when: date) -> str:
    """A date as filings print it: single digits are full-width, as 2026年３月31日."""
    return f"{when.year}年{digits(when.month)}月{digits(when.day)}日"


def digits(number: int) -> str:
    """A number as filings print it: one digit alone is full-width."""
    return str(number) if number > 9 else "０１２３４５６７８９"[number]


def month(text: str) -> str:
    """A month of a history, as 1951年６月, from 1951年6月."""
    year, _, rest = text.partition("年")
    return f"{year}年{digits(int(rest.rstrip('月')))}月"


def pick(*key: object, below: int) -> int:
    """A number below a bound that depends on the key alone."""
    return int.from_bytes(sha256("/".join(map(str, key)).encode()).digest()[:8], "big") % below


def person(company: Company, role: int) -> tuple[str, str]:
    """The surname and given name of an invented officer or shareholder."""
    start = int(company.edinet_code[2:]) * 7 + role * 3
    return _SURNAMES[start % 20], _GIVEN[pick(company.edinet_code, role, below=20)]


def segment_sales(company: Company, year: Year) -> list[tuple[str, int, str]]:
    """Name, sales in yen and description of every segment; the sales add up to the year's."""
    rows = story(company).segments
    drift = pick(company.edinet_code, year.fiscal_year, "mix", below=41) - 20
    first = year.net_sales * (rows[0][1] * 10 + drift) // 10_000 // company.unit * company.unit
    amounts = [first, year.net_sales - first]
    return [(name, amount, text) for (name, _, text), amount in zip(rows, amounts, strict=True)]


def change(now: int, before: int) -> str:
    """The change against the year before, as 5.4％増."""
    ratio = Decimal(now - before) * 100 / abs(before)
    rounded = abs(ratio).quantize(Decimal("0.1"), ROUND_HALF_UP)
    return f"{rounded}％{'増' if now >= before else '減'}"


def subsidiaries(company: Company) -> str:
    """How many consolidated subsidiaries the company has, as filings print the number."""
    return digits(2 + pick(company.edinet_code, "subsidiaries", below=7))


def percent(now: int, before: int) -> str:
    """This year over last year, in percent with one decimal."""
    return str((Decimal(now) * 100 / before).quantize(Decimal("0.1"), ROUND_HALF_UP))


def rate(part: int, whole: int) -> str:
    """A part of a whole in percent with one decimal, △ before a negative one."""
    return f"{(Decimal(part) * 100 / whole).quantize(Decimal('0.1'), ROUND_HALF_UP):f}".replace("-", "△")
