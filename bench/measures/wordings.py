"""How a writer says amounts, days and fiscal periods in Japanese: many wordings of one meaning, chosen by chance.

Written from the numbers of XBRL facts alone and without any rule of the checks that it is used to test.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from random import Random

from corpus.document import Document, Fact

FULL = str.maketrans("0123456789,.", "０１２３４５６７８９，．")
#: Powers of ten of the units that amounts of money and shares are shown in.
SCALES = {0: "", 3: "千", 4: "万", 6: "百万", 8: "億", 9: "十億", 12: "兆"}
_COUNTERS = {"人": "人", "名": "人", "倍": "倍"}
_BY_NAME = {name: scale for scale, name in SCALES.items()}
_ERAS = ((date(2019, 5, 1), "令和"), (date(1989, 1, 8), "平成"), (date(1926, 12, 25), "昭和"))
ERA_STARTS = {name: first.year for first, name in _ERAS}


@dataclass(frozen=True, slots=True)
class Saying:
    """How a number is written: the power of ten of its unit, decimals behind the point, and the looks of it.

    ``mixed`` writes 12億3,400万 instead of 1,234百万; ``about`` puts 約 before it; ``wide`` uses full-width digits.
    """

    counter: str  # 円, 株, ％, 人, 倍
    scale: int = 0
    places: int = 0
    mixed: bool = False
    about: bool = False
    wide: bool = False
    minus: str = "△"

    @property
    def unit(self) -> str:
        """Return what stands behind the digits: 百万円, ％."""
        return self.counter if self.mixed else SCALES[self.scale] + self.counter

    @property
    def step(self) -> Decimal:
        """Return what one in the last digit is worth."""
        return Decimal(1).scaleb(self.scale - self.places)

    def digits(self, value: Decimal) -> str:
        """Return a value in these words without its unit, rounded half up at the last digit."""
        shown = (abs(value) / self.step).to_integral_value(ROUND_HALF_UP) * self.step
        text = (
            _mixed(int(shown))
            if self.mixed
            else f"{shown.scaleb(-self.scale).quantize(_places(self.places)):,f}"
        )
        text = text.translate(FULL) if self.wide else text
        return (self.minus if value < 0 else "") + text

    def is_exact(self, value: Decimal) -> bool:
        """Say whether nothing of the value is rounded away."""
        return value % self.step == 0

    def shows(self, value: Decimal) -> set[Decimal]:
        """Return the values that these words may give for ``value``: rounded, cut off or rounded up."""
        return {
            (value / self.step).to_integral_value(mode) * self.step
            for mode in (ROUND_HALF_UP, ROUND_FLOOR, ROUND_CEILING)
        }


def _places(places: int) -> Decimal:
    return Decimal(1).scaleb(-places)


def _mixed(value: int) -> str:
    """Return 1234500000 as 12億3,450万."""
    parts = []
    for scale in (12, 8, 4, 0):
        head, value = divmod(value, 10**scale)
        if head:
            parts.append(f"{head:,}{SCALES[scale]}")
    return "".join(parts) or "0"


def displayed(fact: Fact, unit_text: str) -> Saying | None:
    """Return the words in which a filing shows a fact, None if they cannot be told.

    ``unit_text`` is the row of the fact, which says whether a pure number is a share, a multiple or a head count.
    """
    decimals = int(fact.decimals) if re.fullmatch(r"-?\d+", fact.decimals) else 0
    scale = max(-decimals, 0)
    unit = fact.unit.rpartition(":")[2]
    shown = re.sub(r"[^0-9.]", "", unicodedata.normalize("NFKC", fact.value))
    if not re.fullmatch(r"\d+(\.\d+)?", shown) or not re.fullmatch(r"-?\d+(\.\d+)?", fact.number):
        return None
    places = len(shown.partition(".")[2])
    number, said = abs(Decimal(fact.number)), Decimal(shown)
    found: Saying | None = None
    if unit in ("JPY", "shares") and "/" not in fact.unit and scale in SCALES:
        fits, found = number == said.scaleb(scale), Saying("円" if unit == "JPY" else "株", scale=scale)
    elif fact.unit.replace("iso4217:", "").startswith("JPY/") or unit == "JPYPerShares":
        fits, found = number == said, Saying("円", places=places)
    elif unit == "pure" and number.scaleb(2) == said:
        fits, found = True, Saying("％", places=places)
    else:
        fits = unit == "pure" and number == said
        counter = next((c for word, c in _COUNTERS.items() if f"({word}" in unit_text.replace("（", "(")), "")
        found = Saying(counter, places=places) if counter else None
    return found if fits else None


def worth(fact: Fact, saying: Saying) -> Decimal:
    """Return the number of a fact in the counter of its saying: 0.093 is 9.3 ％."""
    return Decimal(fact.number).scaleb(2 if saying.counter == "％" else 0)


def reworded(value: Decimal, saying: Saying, chance: Random) -> Saying:
    """Return another way to say the same value: other unit, 億 and 万 mixed, full width, or rounded with 約."""
    minus = chance.choice(("△", "▲", "マイナス", "-"))
    options = [saying] * 4
    if saying.counter == "円" and saying.places == 0 and abs(value) >= 10_000:
        options += [Saying("円", scale=scale) for scale in (0, 3, 4, 6, 8) if value % 10**scale == 0]
        options += [Saying("円", scale=0, mixed=True)] * 3
        for scale, places in ((6, 0), (8, 0), (8, 1), (12, 1)):
            rough = Saying("円", scale=scale, places=places, about=True)
            if value >= 100 * rough.step and saying.step <= rough.step:
                options.append(rough)
    if saying.counter == "％" and saying.places:
        options.append(Saying("％", places=saying.places - 1, about=True) if value > 10 else saying)
    said = chance.choice(options)
    return Saying(
        said.counter,
        said.scale,
        said.places,
        said.mixed,
        said.about,
        wide=chance.random() < 0.15,
        minus=minus,
    )


def day(when: date, chance: Random, *, era: bool | None = None) -> str:
    """Return a day in words: 2024年3月31日, 令和6年3月31日, 2024年３月31日."""
    said = f"{year(when, era=chance.random() < 0.3 if era is None else era)}年{when.month}月{when.day}日"
    return widened(said, chance)


def month(when: date, chance: Random, *, era: bool | None = None) -> str:
    """Return a month in words: 2024年3月, 令和6年3月."""
    return widened(f"{year(when, era=chance.random() < 0.3 if era is None else era)}年{when.month}月", chance)


def year(when: date, *, era: bool) -> str:
    """Return the year of a day, counted by the era or not: 2024, 令和6, 平成元."""
    for first, name in _ERAS if era else ():
        if when >= first:
            number = when.year - first.year + 1
            return name + ("元" if number == 1 else str(number))
    return str(when.year)


def widened(text: str, chance: Random) -> str:
    """Return a text with its digits in half or full width, or full width for single ones as filings have it."""
    kind = chance.random()
    if kind < 0.7:
        return text
    if kind < 0.9:
        return re.sub(r"(?<!\d)\d(?!\d)", lambda found: found[0].translate(FULL), text)
    return text.translate(FULL)


@dataclass(frozen=True, slots=True)
class Fiscal:
    """The fiscal year that ends on ``last``; ``own`` is the last day of the year that the document reports on."""

    last: date
    own: date
    consolidated: bool
    whole: bool = True  # whether the document reports on the year, and not on a part of it

    @property
    def first(self) -> date:
        """Return the first day: the one after the last day of the year before."""
        return shifted(self.last, -1) + timedelta(days=1)

    def relative(self) -> str:
        """Return 当 or 前 for the year of the document and the one before it, else nothing."""
        if not self.whole:
            return ""
        return {self.own: "当", shifted(self.own, -1): "前"}.get(self.last, "")


def shifted(last: date, years: int) -> date:
    """Return the same end of a month some years later."""
    following = last + timedelta(days=1)
    if following.day == 1:
        return following.replace(year=following.year + years) - timedelta(days=1)
    return last.replace(year=last.year + years, day=min(last.day, 28))


def of_document(document: Document) -> date | None:
    """Return the last day of the fiscal year that a filing reports on."""
    stated = document.meta.get("fiscal_year_end") or document.meta.get("period_end", "")
    try:
        return date.fromisoformat(stated)
    except ValueError:
        return None


def fiscal_names(one: Fiscal) -> list[str]:
    """Return the names of a fiscal year: 2024年3月期, 令和6年3月期, 2023年度, 当連結会計年度, 当期."""
    last = one.last
    names = [f"{last.year}年{last.month}月期"] * 3 + [f"{year(last, era=True)}年{last.month}月期"]
    if last.month == 3:
        names += [f"{one.first.year}年度", f"{year(one.first, era=True)}年度"]
    if mark := one.relative():
        names += [f"{mark}期", f"{mark}連結会計年度" if one.consolidated else f"{mark}事業年度"]
    return names


def number_of(text: str) -> Decimal | None:
    """Return the value of digits with 兆, 億, 万, 千 between them as prose writes them, None if they are none."""
    plain = text.translate(str.maketrans("０１２３４５６７８９，．", "0123456789,.")).replace(",", "")
    total = Decimal(0)
    for digits, name in re.findall(r"(\d+(?:\.\d+)?)(兆|億|百万|万|千)?", plain):
        total += Decimal(digits).scaleb(_BY_NAME.get(name, 0))
    return total if re.fullmatch(r"(?:\d+(?:\.\d+)?(?:兆|億|百万|万|千)?)+", plain) else None
