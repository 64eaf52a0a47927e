"""Tagged numbers as the tools of many vendors write them, with the truth of what they show and mean."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random

#: Digits that only hidden things hold: none of them may come into a text.
HIDDEN = "7070707"
FULL_WIDTH = str.maketrans("0123456789,.", "０１２３４５６７８９，．")
CONCEPTS = ("NetSales", "OperatingIncome", "OrdinaryIncome", "NetAssets", "NumberOfEmployees", "CapitalStock")


@dataclass(frozen=True)
class Truth:
    """What one tag displays (its number without signs and white space) and the exact value it states."""

    concept: str
    context: str
    shown: str
    number: str


@dataclass
class Numbers:
    """Writes tagged numbers one after another and keeps what is true of them."""

    rng: Random
    extension: str = "jpcrp030000-asr_E99999-000"
    truth: list[Truth] = field(default_factory=list)
    used: set[str] = field(default_factory=set)

    def tagged(self) -> str:
        """Return the markup of one more number, its sign outside of the tag included."""
        kind = self.rng.random()
        if kind < 0.08:
            return self._dash()
        if kind < 0.12:
            return self._units()
        return self._amount()

    def plain(self) -> str:
        """Return an untagged number."""
        value = self.rng.choice([self.rng.randint(1, 99), self.rng.randint(1000, 9_999_999)])
        text = self.rng.choice([f"{value:,}", f"{value}", f"{value / 10:,.1f}"])
        return text.translate(FULL_WIDTH) if self.rng.random() < 0.2 else text

    def _name(self) -> str:
        prefix = self.rng.choice(["jppfs_cor", "jpcrp_cor", self.extension])
        return f"{prefix}:{self.rng.choice(CONCEPTS)}"

    def _tag(self, name: str, inside: str, attributes: dict[str, str]) -> tuple[str, str]:
        context = self.rng.choice(["Y", "I"])
        given = {"name": name, "contextRef": context, "unitRef": "JPY", **attributes}
        keys = list(given)
        self.rng.shuffle(keys)
        text = " ".join(f'{key}="{given[key]}"' for key in keys)
        return f"<ix:nonFraction {text}>{inside}</ix:nonFraction>", context

    def _dash(self) -> str:
        sign = self.rng.choice("－―—-–")
        nil = {"xsi:nil": "true"}
        zero = {"format": self.rng.choice(["ixt:zerodash", "ixt:fixed-zero", "ixt:numdash"]), "scale": "6"}
        is_nil = self.rng.random() < 0.5
        name = self._name()
        markup, context = self._tag(name, self._padded(sign), nil if is_nil else zero)
        self.truth.append(Truth(name.partition(":")[2], context, sign, "" if is_nil else "0"))
        return markup

    def _units(self) -> str:
        yen, sen = self.rng.randint(1, 999), self.rng.randint(10, 99)
        name = self._name()
        markup, context = self._tag(name, f"{yen}円{sen}銭", {"format": "ixt:numunitdecimal", "scale": "0"})
        self.truth.append(Truth(name.partition(":")[2], context, f"{yen}円{sen}銭", f"{yen}.{sen}"))
        return markup

    def _amount(self) -> str:
        scale = self.rng.choice([0, 3, 6, 8, -2])
        places = 2 if scale == -2 else self.rng.choice([0, 0, 1])
        value = Decimal(self.rng.randint(1, 10 ** self.rng.randint(1, 10))).scaleb(-places)
        shown = f"{value:,.{places}f}" if self.rng.random() < 0.9 else f"{value:.{places}f}"
        form = {
            "format": self.rng.choice(["ixt:numdotdecimal", "ixt:num-dot-decimal", "ixt4:num-dot-decimal"])
        }
        if self.rng.random() < 0.1:
            form = {}
        if self.rng.random() < 0.05:
            shown, form = _swapped(shown), {"format": "ixt:numcommadecimal"}
        if self.rng.random() < 0.1:
            shown = shown.translate(FULL_WIDTH)
        elif self.rng.random() < 0.05 and "comma" not in form.get("format", ""):
            shown = shown.replace(",", self.rng.choice("\u2009\u202f"))
        attributes = {**form, "scale": str(scale), "decimals": str(-scale)}
        negative = self.rng.random() < 0.2
        if negative:
            attributes["sign"] = "-"
        name = self._name()
        markup, context = self._tag(name, self._padded(self._wrapped(shown)), attributes)
        number = format((-value if negative else value).scaleb(scale), "f")
        if self.rng.random() < 0.05:  # two concepts for the same digits
            inner = name.partition(":")[2]
            outer = self._name()
            markup, other = self._tag(outer, markup, {**attributes})
            self.truth.append(Truth(outer.partition(":")[2], other, shown, number))
            self.truth.append(Truth(inner, context, shown, number))
        else:
            self.truth.append(Truth(name.partition(":")[2], context, shown, number))
        return self._signed(markup) if negative else markup

    def _signed(self, markup: str) -> str:
        ways = [f"△{markup}", f"▲{markup}", f"△ {markup}", f"（{markup}）", f"({markup})", f"－{markup}"]
        ways += [f"<span>△</span>{markup}", f"<span>△</span><span>&#160;{markup}</span>", f"△&#160;{markup}"]
        return self.rng.choice(ways)

    def _wrapped(self, shown: str) -> str:
        """Return the digits with markup inside of the tag that displays the same."""
        half = len(shown) // 2
        ways: list[Callable[[], str]] = [
            lambda: shown,
            lambda: shown,
            lambda: f'<span style="font-size:9pt">{shown}</span>',
            lambda: f"<span><b>{shown}</b></span>",
            lambda: f"{shown[:half]}<br/>{shown[half:]}",
            lambda: f"{shown[:half]}<small>{shown[half:]}</small>",
            lambda: "".join(f'<span style="display:inline-block;width:6pt">{sign}</span>' for sign in shown),
            lambda: f"{shown}<sup>※{self.rng.randint(1, 9)}</sup>",
            lambda: f"{shown}<sup>{self.rng.randint(1, 9)}</sup>",
            lambda: f"<p>{shown}</p>",
            lambda: f"<u>{shown[:half]}</u><font>{shown[half:]}</font>",
            lambda: f'{shown}<span style="display:none">{HIDDEN}</span>',
            lambda: f"{shown[:half]}<wbr/>{shown[half:]}",
            lambda: f"{shown[:half]}&#8203;{shown[half:]}",
            lambda: f"{shown[:half]}<?vendor {HIDDEN}?>{shown[half:]}",
            lambda: f"<span>\n {shown[:half]}</span>\n <span>{shown[half:]}\n</span>",
            lambda: f"{shown[:half]}<!-- {HIDDEN} -->{shown[half:]}",
        ]
        return self.rng.choice(ways)()

    def _padded(self, inside: str) -> str:
        ways = [
            inside,
            inside,
            f"&#160;{inside}&#160;",
            f"\n   {inside}\n",
            f"&#x3000;{inside}",
            f" {inside} ",
        ]
        return self.rng.choice(ways)


def _swapped(shown: str) -> str:
    return shown.translate(str.maketrans(",.", ".,"))
