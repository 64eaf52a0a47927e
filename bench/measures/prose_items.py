"""True items that repeat what a sentence or a dated table row of a filing says, in other words where that is safe."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from random import Random

from bench.measures.figures import Figures
from bench.measures.items import company
from bench.measures.mentions import parts as parts_of
from bench.measures.parts import Item, Part, joined
from bench.measures.passages import Piece
from bench.measures.wordings import Saying, day, month, reworded, widened
from rephrase.base import Style

_START = re.compile(
    r"(?:この結果|また|なお|さらに|一方で?|その結果|これにより|加えて|以上の結果|※|・|[（(][^）)]{1,4}[）)]|[－-])、?[\s　]*"
)
_TOPIC = re.compile(r"(?:^|、|。)([^、。は（）()「」]{2,24}?)(?:の?額)?は、?$")
_DATED_ROW = re.compile(r"\| *([^|]*?年[^|]*?月(?:[^|]*?日)?) *\| *([^|]{8,120}?) *\|\s*$")
_ENDS = (("であります。", "です。"), ("ております。", "ています。"), ("しております", "しています"))
_ASK = {
    "円": "いくら",
    "％": "何％",
    "%": "何％",
    "株": "何株",
    "人": "何人",
    "名": "何名",
    "社": "何社",
    "倍": "何倍",
}
_MAIN = ("number", "date", "period", "company")
_BLANK = "＿＿＿"


class Prose:
    """The sentences of a document that state something, and what each of them states."""

    def __init__(self, figures: Figures) -> None:
        self.figures = figures
        self.document = figures.document
        self.sentences: list[tuple[Piece, list[Part]]] = []
        self.rows: list[tuple[Piece, re.Match[str]]] = []
        self._same: defaultdict[str, set[tuple[str, ...]]] = defaultdict(set)
        for piece in figures.passages.pieces:
            if match := _DATED_ROW.match(piece.text):
                self.rows.append((piece, match))
            if piece.is_row or piece.text.startswith("#"):
                continue
            found = parts_of(piece.text.strip())
            self._same[_mask(found)].add(_values(found))
            stated = sum(part.kind in _MAIN for part in found)
            if 20 <= len(piece.text.strip()) <= 180 and piece.text.strip().endswith("。") and 0 < stated <= 8:
                self.sentences.append((piece, found))

    def says(self, sentence: Sequence[Part], place: int, part: Part) -> bool:
        """Whether some sentence of the document says the same with another part in one place."""
        values = list(_values(sentence))
        values[place] = _value(part)
        return tuple(values) in self._same[_mask(sentence)]

    def statement(self, chance: Random) -> Item | None:
        """Return a sentence, said again with its amounts and days in other forms."""
        if not self.sentences:
            return None
        piece, found = chance.choice(self.sentences)
        told = self._retold(found, chance)
        if chance.random() < 0.4:
            asked = chance.choice((
                "この文書では何と説明されていますか。", "本文の記載内容を説明してください。",
                "{C}の開示資料にはどのような記載がありますか。",
            )).replace("{C}", self.figures.company)  # fmt: skip
            return self._item("prose_answer", "qa", [Part(asked)], told, piece, found)
        style: Style = chance.choice(("easy", "medium", "hard"))
        return self._item("prose_statement", style, [], told, piece, found)

    def cloze(self, chance: Random) -> Item | None:
        """Return a sentence with one figure or day left out, which is the answer."""
        if not self.sentences:
            return None
        piece, found = chance.choice(self.sentences)
        places = [n for n, part in enumerate(found) if part.kind in ("number", "date", "period")]
        if not places:
            return None
        blank = chance.choice(places)
        size = 2 if found[blank].kind == "number" else 1
        rest = [replace(part, origin=n) for n, part in enumerate(found)]
        asked = [
            Part("次の文の空欄に入る語句を答えてください。"),
            *rest[:blank],
            Part(_BLANK),
            *rest[blank + size :],
        ]
        told = [*_other_words(rest[blank : blank + size], chance), Part(chance.choice(("です。", "")))]
        return self._item("prose_cloze", "qa", asked, told, piece, found)

    def topic(self, chance: Random) -> Item | None:
        """Return a question for the amount that a sentence gives for its topic: 営業利益は…"""
        for piece, found in chance.sample(self.sentences, min(len(self.sentences), 12)):
            for n, part in enumerate(found[:-1]):
                before = joined(found[:n])
                match = _TOPIC.search(before)
                if part.kind != "number" or not match or found[n + 1].text not in _ASK:
                    if not (match and part.kind == "number" and found[n + 1].text.endswith("円")):
                        continue
                topic = _START.sub("", match[1])
                word = _ASK.get(found[n + 1].text, "いくら")
                said = [replace(one, origin=n + k) for k, one in enumerate(found[n : n + 2])]
                asked = chance.choice((
                    f"{topic}は{word}ですか。", f"{topic}はどのくらいでしたか。", f"本文によると、{topic}は{word}でしたか。",
                ))  # fmt: skip
                tail = chance.choice(("です。", "でした。", "となりました。"))
                lead = [Part(f"{topic}は")] if chance.random() < 0.5 else []
                told = [*lead, *_other_words(said, chance), Part(tail)]
                return self._item("prose_topic", "qa", [Part(asked)], told, piece, found)
        return None

    def when(self, chance: Random) -> Item | None:
        """Return a question for the day or month of an event in a dated row."""
        if not self.rows:
            return None
        piece, match = chance.choice(self.rows)
        dated, event = parts_of(match[1]), parts_of(match[2])
        found = [*dated, Part("|"), *event]
        if len(dated) != 1 or dated[0].when is None:
            return None
        numbered = [replace(part, origin=n) for n, part in enumerate(found)]
        said, told = _other_words(numbered[:1], chance), numbered[2:]
        templates = (
            ([Part("次の出来事はいつのことですか。「"), *told, Part("」")], [*said, Part("です。")]),
            ([*said, Part("に何がありましたか。")], [*told]),
            ([], [*said, Part("、"), *told, Part("。")]),
            (
                [Part("沿革で「"), *told, Part("」とされているのはいつですか。")],
                [*said, Part("のことです。")],
            ),
        )
        asked, answer = chance.choice(templates)
        style: Style = "qa" if asked else chance.choice(("easy", "medium", "hard"))
        return self._item("dated_row", style, asked, answer, piece, found)

    def _retold(self, found: Sequence[Part], chance: Random) -> list[Part]:
        """Return the parts of a sentence in other words; 当社 by its name at times."""
        numbered = [replace(part, origin=n) for n, part in enumerate(found)]
        head = numbered[0]
        if not head.kind and (match := _START.match(head.text)):
            numbered[0] = replace(head, text=head.text[match.end() :])
        told = _other_words(numbered, chance)
        for old, new in _ENDS if chance.random() < 0.5 else ():
            told = [
                replace(part, text=part.text.replace(old, new)) if not part.kind else part for part in told
            ]
        if self.document.meta.get("kind") == "filing" and self.figures.company and chance.random() < 0.6:
            told = _named(told, self.figures.company, chance)
        return [part for part in told if part.text]

    def _item(
        self,
        form: str,
        style: Style,
        asked: Sequence[Part],
        told: Sequence[Part],
        piece: Piece,
        found: Sequence[Part],
    ) -> Item | None:
        chunk = self.figures.passages.around(piece.start, piece.end)
        if chunk is None:
            return None
        return Item(form, style, tuple(asked), tuple(told), chunk, "prose", sentence=tuple(found))


def _named(told: Sequence[Part], name: str, chance: Random) -> list[Part]:
    """Return the parts with the first 当社 at the head of a clause said by name."""
    for n, part in enumerate(told):
        match = (
            None
            if part.kind
            else re.search(r"(?:^|(?<=[、。]))当社(?=は|グループは|の|グループの|では)", part.text)
        )
        if match:
            parts = [
                Part(part.text[: match.start()], origin=-1),
                company(name, chance),
                replace(part, text=part.text[match.end() :]),
            ]
            return [*told[:n], *(one for one in parts if one.text), *told[n + 1 :]]
    return list(told)


def _other_words(said: Sequence[Part], chance: Random) -> list[Part]:
    """Return parts with some amounts in other units or widths, and some days by the other calendar."""
    told: list[Part] = []
    for n, part in enumerate(said):
        follows = said[n + 1] if n + 1 < len(said) else None
        change = chance.random() < 0.35
        if (
            part.kind == "unit"
            and told
            and told[-1].saying is not None
            and told[-1].saying is not part.saying
        ):
            told.append(replace(part, text=told[-1].saying.unit, saying=told[-1].saying))
        elif part.kind == "number" and change and follows and follows.kind == "unit":
            told += _amount(part, said, n, chance)
        elif part.kind == "date" and change and part.when:
            told.append(replace(part, text=_day(part, chance)))
        elif part.kind == "period" and change:
            told.append(replace(part, text=widened(_half(part.text), chance)))
        else:
            told.append(part)
    return told


def _amount(part: Part, said: Sequence[Part], n: int, chance: Random) -> list[Part]:
    saying, value = part.saying, part.value
    if saying is None or value is None:
        return [part]
    if saying.counter != "円" or saying.places:
        return [replace(part, text=widened(_half(part.text), chance))]
    exact = Saying("円", saying.scale, mixed=saying.mixed)
    for _ in range(6):
        new = reworded(value, exact, chance)
        about = n > 0 and said[n - 1].text.endswith(("約", "△"))
        if new.about and not about and chance.random() < 0.5:
            return [Part("約"), replace(part, text=new.digits(value), saying=new)]
        if not new.about:
            return [replace(part, text=new.digits(value), saying=new)]
    return [part]


def _day(part: Part, chance: Random) -> str:
    """Return a day or a month in another calendar or width; a year alone stays as it is."""
    if part.when and "日" in part.text:
        return day(part.when, chance, era=part.text[0].isdigit() if chance.random() < 0.7 else None)
    if part.when and "月" in part.text and part.when.year not in (1989, 2019):
        return month(part.when, chance, era=part.text[0].isdigit() if chance.random() < 0.7 else None)
    return part.text


def _half(text: str) -> str:
    return text.translate(str.maketrans("０１２３４５６７８９", "0123456789"))


def _mask(parts: Sequence[Part]) -> str:
    return re.sub(r"\s", "", "".join(f"<{part.kind}>" if part.kind else part.text for part in parts))


def _values(parts: Sequence[Part]) -> tuple[str, ...]:
    return tuple(_value(part) for part in parts)


def _value(part: Part) -> str:
    """Return what a part states, in one form whatever its looks."""
    if part.kind in ("number", "unit") and part.value is not None and part.saying is not None:
        return f"{part.kind}|{part.value.normalize()}|{part.saying.counter}"
    if part.kind == "date" and part.when:
        return f"{part.when}|{'日' in part.text}|{'月' in part.text}"
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", part.text))
