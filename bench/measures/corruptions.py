"""Makes a true item wrong in exactly one part, so that its source does not say it any more."""

import itertools
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random

from bench.measures import mentions
from bench.measures.figures import Figure, Figures
from bench.measures.parts import Item, Kind, Part, joined
from bench.measures.prose_items import Prose
from bench.measures.wordings import FULL, fiscal_names, number_of, shifted, year

#: Names that no filing has.
INVENTED = (
    "株式会社みなと精密", "北星電機株式会社", "株式会社あおば総合開発", "東和化成株式会社", "株式会社サンリバー",
    "大江戸運輸株式会社", "株式会社ミナモテクノ", "千歳食品株式会社", "株式会社カワセミホールディングス", "南海重機株式会社",
)  # fmt: skip
_UNITS: dict[str, tuple[str, ...]] = {
    "円": ("千円", "株", "米ドル", "百万円"), "千円": ("百万円", "円"), "百万円": ("千円", "億円", "円"),
    "億円": ("百万円", "兆円"), "十億円": ("百万円", "億円"), "万円": ("円", "百万円"), "株": ("円", "千株", "個"), "千株": ("株", "百万株"),
    "百万株": ("千株", "株"), "％": ("ポイント", "倍", "円"), "%": ("ポイント", "倍", "円"), "ポイント": ("％",), "倍": ("％", "円"),
    "人": ("社", "千人"), "名": ("社", "千名"), "社": ("人",), "米ドル": ("円", "ユーロ"), "ドル": ("円", "ユーロ"), "回": ("人",),
    "件": ("人", "千件"), "個": ("株",), "店舗": ("社",), "銘柄": ("社",), "年間": ("か月",), "か月": ("年間", "日間"), "ヶ月": ("年間", "日間"),
    "カ月": ("年間", "日間"), "日間": ("か月",), "時間": ("日間",),
}  # fmt: skip
_HALF = str.maketrans("０１２３４５６７８９，．", "0123456789,.")


@dataclass(frozen=True, slots=True)
class Corrupted:
    """A wrong item: what kind of part was changed and how, at which place, from which text into which."""

    item: Item
    kind: Kind
    way: str
    place: int
    before: str
    after: str


class World:
    """What is known of the packages: by document the figures and the prose, and all companies."""

    def __init__(self, figures: Sequence[Figures]) -> None:
        self.figures = {one.document.id: one for one in figures}
        self.prose = {one.document.id: Prose(one) for one in figures}
        self.companies = sorted({one.company for one in figures if one.company})


def kinds(item: Item) -> list[Kind]:
    """Return the kinds of parts that an item has, each once, in order."""
    return list(dict.fromkeys(_kind(part) for part in item.parts if part.kind and _kind(part)))


def corrupt(item: Item, kind: Kind, world: World, chance: Random) -> Corrupted | None:
    """Return the item with one part of a kind made wrong; None when nothing that was tried is surely wrong."""
    places = [n for n, part in enumerate(item.parts) if part.kind and _kind(part) == kind]
    figures = world.figures[item.chunk.document.id]
    for _ in range(12):
        if not places:
            break
        place = chance.choice(places)
        old = item.parts[place]
        ways = WAYS["direction" if old.kind == "direction" else kind]
        way = chance.choice(ways)
        text = way(item, old, figures, world, chance)
        if not text or _plain(text) == _plain(old.text):
            continue
        new = replace(old, text=text, value=None, saying=None, when=None, fiscal=None)
        wrong = item.with_part(place, new)
        if joined(wrong.answer) in item.wrong or _still_true(item, place, new, figures, world):
            continue
        return Corrupted(wrong, kind, way.__name__.strip("_"), place, old.text, text)
    return None


def _kind(part: Part) -> Kind:
    # A direction is the sign of a change.
    return "number" if part.kind == "direction" or not part.kind else part.kind


def _plain(text: str) -> str:
    return re.sub(r"[\s,]", "", unicodedata.normalize("NFKC", text))


# --- numbers -----------------------------------------------------------------------------------------------


def _digit(item: Item, old: Part, figures: Figures, world: World, chance: Random) -> str:
    """One digit is another one."""
    places = [n for n, sign in enumerate(old.text) if sign.translate(_HALF).isdigit()]
    if not places:
        return ""
    place = chance.choice(places)
    was = int(old.text[place].translate(_HALF))
    new = str(chance.choice([d for d in range(10) if d != was and (d or place != places[0])]))
    new = new if old.text[place].isascii() else new.translate(FULL)
    return old.text[:place] + new + old.text[place + 1 :]


def _swapped(item: Item, old: Part, figures: Figures, world: World, chance: Random) -> str:
    """Two neighboring digits have changed places."""
    places = [n for n, sign in enumerate(old.text) if sign.translate(_HALF).isdigit()]
    pairs = [
        (a, b)
        for a, b in itertools.pairwise(places)
        if old.text[a] != old.text[b] and not (a == places[0] and old.text[b].translate(_HALF) == "0")
    ]
    if not pairs:
        return ""
    a, b = chance.choice(pairs)
    signs = list(old.text)
    signs[a], signs[b] = signs[b], signs[a]
    return "".join(signs)


def _tenfold(item: Item, old: Part, figures: Figures, world: World, chance: Random) -> str:
    """The number is ten or a thousand times too large or too small."""
    if old.value is None or old.saying is None or not old.value:
        return ""
    factor = chance.choice((Decimal(10), Decimal(1000), Decimal("0.1"), Decimal("0.001")))
    value = old.value * factor
    return old.saying.digits(value) if old.saying.is_exact(value) else ""


def _other_time(item: Item, old: Part, figures: Figures, world: World, chance: Random) -> str:
    """The number is that of another time."""
    one = _figure(item, figures, old)
    others = [other for other in figures.others(one) if other.value] if one else []
    return old.saying.digits(chance.choice(others).value) if others and old.saying else ""


def _other_item(item: Item, old: Part, figures: Figures, world: World, chance: Random) -> str:
    """The number is that of another item, or another one of the passage in the same unit."""
    if old.saying is None:
        return ""
    if one := _figure(item, figures, old):
        others = [other.value for other in figures.beside(one) if other.value]
        return old.saying.digits(chance.choice(others)) if others else ""
    found = [
        part
        for part in mentions.parts(item.chunk.passage)
        if part.kind == "number" and part.value and part.saying
    ]
    same = [
        part.value
        for part in found
        if part.saying and part.value and part.saying.counter == old.saying.counter
    ]
    fitting = [value for value in same if old.saying.is_exact(value)]
    return old.saying.digits(chance.choice(fitting)) if fitting else ""


def _sign(item: Item, old: Part, figures: Figures, world: World, chance: Random) -> str:
    """A loss is a gain, or the other way around."""
    for mark in ("△", "▲", "マイナス", "-"):
        if old.text.startswith(mark):
            return old.text.removeprefix(mark)
    one = _figure(item, figures, old)
    signed = one and one.saying.counter == "円" and re.search("利益|損失|キャッシュ|増減", one.name)
    return chance.choice(("△", "▲", "マイナス")) + old.text if signed else ""


def _direction(item: Item, old: Part, figures: Figures, world: World, chance: Random) -> str:
    """What rose has fallen, or the other way around."""
    return {"増加": "減少", "減少": "増加"}.get(old.text, "")


def _figure(item: Item, figures: Figures, old: Part) -> Figure | None:
    """Return the figure that a number of an item is; None for prose and for what is computed."""
    for fact in item.facts if item.proof != "prose" else ():
        one = figures.figure(fact)
        if one and old.value == one.value:
            return one
    return None


# --- units -------------------------------------------------------------------------------------------------


def _unit(item: Item, old: Part, figures: Figures, world: World, chance: Random) -> str:
    """Another unit, as those that are mixed up most."""
    if old.saying and old.saying.mixed:  # 12億3,400万百万円 is no way to write
        return chance.choice(("株", "米ドル") if old.text == "円" else ("円",))
    return chance.choice(_UNITS.get(old.text, ("",)))


# --- days --------------------------------------------------------------------------------------------------


def _later(item: Item, old: Part, figures: Figures, world: World, chance: Random) -> str:
    """Another day, month or year in the same writing."""
    spans = [found.span() for found in re.finditer(r"[0-9０-９]+|元(?=年)", old.text)]
    if not spans:
        return ""
    start, end = chance.choice(spans)
    number = 1 if old.text[start:end] == "元" else int(old.text[start:end].translate(_HALF))
    new = number + chance.choice((-2, -1, 1, 2))
    follows = old.text[end : end + 1]
    if (
        new < 1
        or (follows == "月" and new > 12)
        or (follows == "日" and new > 28)
        or (follows == "四" and new > 4)
    ):
        return ""
    said = old.text[:start] + _as(str(new), old.text[start:end]) + old.text[end:]
    return "" if old.when and mentions.day_of(said) is None else said


def _other_day(item: Item, old: Part, figures: Figures, world: World, chance: Random) -> str:
    """Another day that the passage names."""
    days = [
        part.text
        for part in mentions.parts(item.chunk.passage)
        if part.kind == "date"
        and part.when != mentions.day_of(old.text)
        and ("日" in part.text, "月" in part.text) == ("日" in old.text, "月" in old.text)
    ]
    return chance.choice(days) if days else ""


def _as(digits: str, like: str) -> str:
    return digits.translate(FULL) if re.search("[０-９]", like) else digits


# --- companies ---------------------------------------------------------------------------------------------


def _of_set(item: Item, old: Part, figures: Figures, world: World, chance: Random) -> str:
    """The company of another filing."""
    others = [name for name in world.companies if not _alike(name, old.text)]
    return chance.choice(others) if others else ""


def _invented(item: Item, old: Part, figures: Figures, world: World, chance: Random) -> str:
    """A company that no filing knows."""
    return chance.choice(INVENTED)


def _of_passage(item: Item, old: Part, figures: Figures, world: World, chance: Random) -> str:
    """Another company that the passage names."""
    found = [part.text for part in mentions.parts(item.chunk.passage) if part.kind == "company"]
    others = [name for name in found if not _alike(name, old.text)]
    return chance.choice(others) if others else ""


def _alike(one: str, other: str) -> bool:
    """Whether two names may be the same company's."""
    first, second = (
        re.sub(r"株式会社|\(株\)|グループ|\s", "", unicodedata.normalize("NFKC", name))
        for name in (one, other)
    )
    return first in second or second in first


# --- periods -----------------------------------------------------------------------------------------------


def _other_year(item: Item, old: Part, figures: Figures, world: World, chance: Random) -> str:
    """The fiscal year before or after, or two years off."""
    if old.fiscal is None:
        return _later(item, old, figures, world, chance)
    fiscal = replace(old.fiscal, last=shifted(old.fiscal.last, chance.choice((-2, -1, -1, 1))))
    behind = "末" if old.text.endswith("末") else ""
    ordinal = figures.ordinal(fiscal)
    if "第" in old.text:
        return ordinal + behind
    names = [name for name in fiscal_names(fiscal) if _looks(name) == _looks(old.text.removesuffix("末"))]
    return chance.choice(names) + behind if names else ""


def _looks(name: str) -> str:
    return re.sub("[当前]", "当", re.sub(r"[0-9]+|元(?=年)", "0", unicodedata.normalize("NFKC", name)))


def _turned(item: Item, old: Part, figures: Figures, world: World, chance: Random) -> str:
    """This period instead of the one before, the end instead of the beginning, or the other way around."""
    options = []
    if old.text[0] in "当前":
        options.append(("前" if old.text[0] == "当" else "当") + old.text[1:])
    if old.text.endswith("期末") or old.text.endswith("度末"):
        options.append(old.text.removesuffix("末") + ("首" if old.text.endswith("期末") else "期首"))
    return chance.choice(options) if options else ""


WAYS: dict[str, tuple[Callable[[Item, Part, Figures, World, Random], str], ...]] = {
    "number": (_digit, _digit, _swapped, _tenfold, _other_time, _other_item, _sign),
    "direction": (_direction,),
    "unit": (_unit,),
    "date": (_later, _later, _other_day),
    "company": (_of_set, _invented, _of_passage),
    "period": (_other_year, _turned),
}


# --- proof that it is wrong --------------------------------------------------------------------------------


def _still_true(item: Item, place: int, new: Part, figures: Figures, world: World) -> bool:
    """Whether what the source says may make the changed item true after all."""
    old = item.parts[place]
    prose = world.prose[item.chunk.document.id]
    if item.proof == "prose":
        if old.kind == "number" and _rounds(old, new, (old.value,)):
            return True
        return (old.origin >= 0 and prose.says(item.sentence, old.origin, new)) or (
            bool(item.topic) and old.kind == "number" and prose.gives(item.topic, _value(new.text, old))
        )
    if old.kind == "number":
        return _same_number(item, old, new, figures)
    if old.kind in ("date", "period") and item.proof == "fact":
        return _true_then(item, old, new, figures)
    if old.kind in ("date", "period"):
        return _changed_alike(item, old, new, figures)
    return False


def _same_number(item: Item, old: Part, new: Part, figures: Figures) -> bool:
    """Whether a changed number says the same at its precision, or what the filing says elsewhere of this item."""
    if old.saying is None or old.value is None:
        return False
    said = _value(new.text, old)
    if said is None:
        return True
    one = _figure(item, figures, old)
    true = figures.stated(one.name, one.fact.period) if one else set()
    signs = old.value * said < 0
    return not signs and _rounds(old, new, (old.value, *true))


def _rounds(old: Part, new: Part, values: Iterable[Decimal | None]) -> bool:
    """Whether a changed number still gives one of these values, rounded in another way; 約 may round to a hundredth."""
    said = _value(new.text, old)
    if said is None or old.saying is None:
        return False
    for value in values:
        if value is None:
            continue
        near = old.saying.about and abs(abs(said) - abs(value)) * 100 < abs(value)
        if near or abs(said) in old.saying.shows(abs(value)):
            return True
    return False


def _value(text: str, old: Part) -> Decimal | None:
    minus = text.startswith(("△", "▲", "マイナス", "-"))
    value = number_of(re.sub("^(?:△|▲|マイナス|-)", "", text))
    if value is None or old.saying is None:
        return None
    value = value if old.saying.mixed else value.scaleb(old.saying.scale)
    return -value if minus else value


def _periods(old: Part, new: Part, fact_period: str, figures: Figures) -> Iterator[str]:
    """Yield the periods of facts that a changed time may mean."""
    own = figures.own
    for fact in figures.document.facts:
        if fact.period == fact_period:
            continue
        last = fact.period.rpartition("/")[2]
        if old.fiscal and own and new.text:
            if _means(new.text, last, figures):
                yield fact.period
        else:
            yield fact.period


def _means(text: str, last: str, figures: Figures) -> bool:
    """Whether a period in words may be the one that ends on ``last`` (YYYY-MM-DD); generous."""
    plain = unicodedata.normalize("NFKC", text)
    parsed = mentions.day_of(last.replace("-", "年", 1).replace("-", "月", 1) + "日")
    if parsed is None or figures.own is None:
        return True
    if plain[0] in "当前" or "首" in plain or plain.startswith("第"):
        return True
    return str(parsed.year) in plain or year(parsed, era=True) in plain or "年度" in plain


def _true_then(item: Item, old: Part, new: Part, figures: Figures) -> bool:
    """Whether the figure had the same value at a time that the changed words may mean."""
    when = old.when or (old.fiscal.last if old.fiscal else None)
    fact = next((fact for fact in item.facts if when and fact.period.endswith(f"{when}")), item.facts[0])
    one = figures.figure(fact)
    said = next((part for part in item.parts if part.kind == "number"), None)
    if one is None or said is None or said.saying is None:
        return True
    for period in dict.fromkeys(_periods(old, new, fact.period, figures)):
        if any(
            said.saying.shows(abs(one.value)) & said.saying.shows(value)
            for value in figures.stated(one.name, period)
        ):
            return True
    return False


def _changed_alike(item: Item, old: Part, new: Part, figures: Figures) -> bool:
    """Whether the same change, or ratio, is true of another time: then the time is no mistake that can be proven."""
    first, second = item.facts
    then = {
        fact.period: fact
        for fact in figures.document.facts
        if fact.concept == first.concept and fact.context.partition("_")[2] == first.context.partition("_")[2]
    }
    other = {
        fact.period: fact
        for fact in figures.document.facts
        if fact.concept == second.concept
        and fact.context.partition("_")[2] == second.context.partition("_")[2]
    }
    values = [abs(Decimal(fact.number)) for fact in (*then.values(), *other.values())]
    return len(values) != len(set(values))
