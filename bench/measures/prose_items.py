"""True items that repeat what a sentence or a dated table row of a filing says, in other words where that is safe."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from random import Random

from bench.measures.figures import Figures
from bench.measures.items import company
from bench.measures.mentions import parts as parts_of
from bench.measures.parts import Item, Part, joined
from bench.measures.passages import Piece
from bench.measures.retelling import in_synonyms, named, other_words
from corpus.document import Span
from rephrase.base import Style

_START = re.compile(
    r"(?:(?:この結果|また|なお|さらに|一方で?|その結果|これにより|加えて|以上の結果)、|[（(]注[）)]|[（(]?[0-9０-９]{1,2}[）)．.　]|※[0-9０-９]?|・|－)[\s　]*"
)
_TOPIC = re.compile(r"(?:^|、|。)([^、。はをが（）()「」\s　]{2,24}?)は、?$")
_GIVEN = re.compile(r"[（(]|で(?:す|した|あ)|と(?:な|見込)|に(?:な|達)|、|。")
_COMPARED = re.compile(r"[（(、]((?:前期|前年同期|前年度|前連結会計年度|前事業年度)比)\s*$")
_MOVED = re.compile(r"\s*の?(増|減)")
_BLURRED = re.compile("…|○○|●|××|（略）")
_DATED_ROW = re.compile(r"\| *([^|]*?年[^|]*?月(?:[^|]*?日)?) *\| *([^|]{8,120}?) *\|\s*$")
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
                row = [*parts_of(match[1]), Part("|"), *parts_of(match[2])]
                self._same[_mask(row)].add(_values(row))
            if piece.is_row or piece.text.startswith("#"):
                continue
            found = parts_of(piece.text.strip())
            self._same[_mask(found)].add(_values(found))
            stated = sum(part.kind in _MAIN for part in found)
            text = piece.text.strip()
            whole = 20 <= len(text) <= 180 and text.endswith("。") and not _BLURRED.search(text)
            if whole and self._begins(piece) and 0 < stated <= 8:
                self.sentences.append((piece, found))

    def _begins(self, piece: Piece) -> bool:
        """Whether a piece is no rest of a sentence that a line break or a table cuts."""
        before = self.document.text[: piece.start].rstrip(" \u3000\n")[-1:]
        return before in ("", "。", "|", "】", "」", "）", ")") or self.document.text[: piece.start].endswith(
            "\n\n"
        )

    def says(self, sentence: Sequence[Part], place: int, part: Part) -> bool:
        """Whether some sentence of the document says the same with another part in one place."""
        values = list(_values(sentence))
        values[place] = _value(part)
        return tuple(values) in self._same[_mask(sentence)]

    def gives(self, topic: str, value: Decimal | None) -> bool:
        """Whether some sentence of the document gives a topic this value, too: 売上高は of another segment."""
        return any(
            part.value == value and f"{topic}は" in joined(found[:n])
            for _, found in self.sentences
            for n, part in enumerate(found)
        )

    def statement(self, chance: Random) -> Item | None:
        """Return a sentence, said again with its amounts and days in other forms."""
        if not self.sentences:
            return None
        number = chance.randrange(len(self.sentences))
        piece, found = self.sentences[number]
        told = self._retold(found, chance)
        rephrased = chance.random() < 0.25 and any(_changed(part, found) for part in told)
        if not rephrased and chance.random() < 0.3 and number + 1 < len(self.sentences):
            after, more = self.sentences[number + 1]
            if after.start == piece.end:  # a second sentence, which stays as it is
                told += [replace(part, kind="") for part in self._retold(more, chance)]
        if not rephrased:
            options = [f"{self.figures.company}の開示資料には、どのような記載がありますか。"]
            chunk = self.figures.passages.around(piece.start, piece.end)
            about = self.figures.passages.heading(piece.start)
            if chunk and about and about in chunk.context + chunk.passage:
                options += [
                    f"「{about}」について、どのように説明されていますか。",
                    f"{about}に関して、{self.figures.company}は何と述べていますか。",
                ]
            asked = chance.choice(options)
            return self._item("prose_answer", "qa", ([Part(asked)], told), piece, found)
        lead = Part(chance.choice(("開示資料の記載によると、", "会社の説明では、", "報告書によれば、")))
        style: Style = chance.choice(("easy", "medium", "hard"))
        item = self._item("prose_statement", style, ([], [lead, *told]), piece, found)
        span = Span(self.document.id, piece.start, piece.end)
        return item and replace(item, chunk=replace(item.chunk, span=span))

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
        if sum(part.text == found[blank].text for part in found) > 1:
            return None  # the sentence gives the answer away
        rest = [replace(part, origin=n) for n, part in enumerate(found)]
        gapped = [*rest[:blank], Part(_BLANK), *rest[blank + size :]]
        asked = chance.choice((
            [Part("次の文の空欄に入る語句は何ですか。\n"), *gapped],
            [*gapped, Part("\n空欄に入る語句を答えてください。")],
        ))  # fmt: skip
        told = [*other_words(rest[blank : blank + size], chance), Part(chance.choice(("です。", "")))]
        return self._item("prose_cloze", "qa", (asked, told), piece, found)

    def topic(self, chance: Random) -> Item | None:
        """Return a question for the amount that a sentence gives for its topic: 営業利益は…"""
        for piece, found in chance.sample(self.sentences, min(len(self.sentences), 12)):
            for n, part in enumerate(found[:-1]):
                match = _TOPIC.search(joined(found[:n]))
                unit = found[n + 1].text
                if part.kind != "number" or not match or not (unit in _ASK or unit.endswith("円")):
                    continue
                if not _GIVEN.match(joined(found[n + 2 :])):
                    continue  # 流動負債は241千円減少し: no amount of the topic itself
                topic, word = _START.sub("", match[1]), _ASK.get(unit, "いくら")
                said = [replace(one, origin=n + k) for k, one in enumerate(found[n : n + 2])]
                asked = chance.choice((
                    f"{topic}は{word}ですか。", f"{topic}はどのくらいでしたか。", f"本文によると、{topic}は{word}でしたか。",
                ))  # fmt: skip
                tail = chance.choice(("です。", "でした。", "となりました。"))
                lead = [Part(f"{topic}は")] if chance.random() < 0.5 else []
                told = [*lead, *other_words(said, chance), Part(tail)]
                item = self._item("prose_topic", "qa", ([Part(asked)], told), piece, found)
                return item and replace(item, topic=topic)
        return None

    def growth(self, chance: Random) -> Item | None:
        """Return a question for the rate that stands behind an amount: 営業利益は566百万円（前期比52.5％減）"""
        for piece, found in chance.sample(self.sentences, min(len(self.sentences), 40)):
            for n, part in enumerate(found[2:-2], start=2):
                compared = _COMPARED.search(found[n - 1].text)
                moved = _MOVED.match(found[n + 2].text)
                match = (
                    _TOPIC.search(joined(found[: n - 3])) if n >= 3 and found[n - 2].kind == "unit" else None
                )
                if (
                    part.kind != "number"
                    or found[n + 1].text not in ("％", "%")
                    or not (compared and moved and match)
                ):
                    continue
                topic, up = _START.sub("", match[1]), "増加" if moved[1] == "増" else "減少"
                rate = other_words(
                    [replace(one, origin=n + k) for k, one in enumerate(found[n : n + 2])], chance
                )
                direction = Part(up, "direction")
                ways: tuple[tuple[list[Part], list[Part]], ...] = (
                    ([Part(f"{topic}は{compared[1]}で何％"), direction, Part("しましたか。")], [*rate, Part("です。")]),
                    ([Part(f"{topic}は{compared[1]}でどのように変化しましたか。")], [*rate, direction, Part("しました。")]),
                )  # fmt: skip
                item = self._item("prose_growth", "qa", chance.choice(ways), piece, found)
                return item and replace(item, topic=topic)
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
        if len(match[2]) > 80:
            return None
        numbered = [replace(part, origin=n) for n, part in enumerate(found)]
        said, told = other_words(numbered[:1], chance), numbered[2:]
        templates: tuple[tuple[list[Part], list[Part]], ...] = (
            ([Part("次の出来事はいつのことですか。\n"), *told], [*said, Part("です。")]),
            ([*said, Part("に何がありましたか。")], [*told]),
            (
                [Part("沿革で「"), *told, Part("」とされているのはいつですか。")],
                [*said, Part("のことです。")],
            ),
        )
        asked, answer = chance.choice(templates)
        return self._item("dated_row", "qa", (asked, answer), piece, found)

    def cover(self, chance: Random) -> Item | None:
        """Return a question for a day on the cover: of filing, or the first and last day of the fiscal year."""
        report = self.document.meta.get("document_title", "報告書")
        for piece in self.figures.passages.pieces[:40]:
            cells = [cell.strip() for cell in piece.text.split("|")[1:-1]]
            if len(cells) != 2 or cells[0] not in ("【提出日】", "【事業年度】") or chance.random() < 0.4:
                continue
            found = parts_of(cells[1])
            said = [replace(part, origin=n) for n, part in enumerate(found)]
            lead = [company(self.figures.company, chance)]
            days = [part for part in said if part.kind == "date"]
            if cells[0] == "【提出日】" and len(days) == 1:
                asked = [*lead, Part(f"の{report}の提出日はいつですか。")]
                told = [*other_words(days, chance), Part("です。")]
            elif len(days) == 2:
                asked = [*lead, Part(f"のこの{report}の事業年度はいつからいつまでですか。")]
                first, last = other_words(days, chance)
                told = [first, Part("から"), last, Part("までです。")]
            else:
                continue
            return self._item("cover", "qa", (asked, told), piece, found)
        return None

    def _retold(self, found: Sequence[Part], chance: Random) -> list[Part]:
        """Return the parts of a sentence in other words; 当社 by its name at times."""
        numbered = [replace(part, origin=n) for n, part in enumerate(found)]
        head = numbered[0]
        if not head.kind and (match := _START.match(head.text)):
            numbered[0] = replace(head, text=head.text[match.end() :])
        told = other_words(numbered, chance)
        if chance.random() < 0.6:
            told = in_synonyms(told, chance)
        if self.document.meta.get("kind") == "filing" and self.figures.company and chance.random() < 0.6:
            told = named(told, self.figures.company, chance)
        return [part for part in told if part.text]

    def _item(
        self,
        form: str,
        style: Style,
        said: tuple[Sequence[Part], Sequence[Part]],
        piece: Piece,
        found: Sequence[Part],
    ) -> Item | None:
        chunk = self.figures.passages.around(piece.start, piece.end)
        if chunk is None:
            return None
        return Item(form, style, tuple(said[0]), tuple(said[1]), chunk, "prose", sentence=tuple(found))


def _changed(part: Part, found: Sequence[Part]) -> bool:
    if part.saying and part.saying.about:
        return False  # a rephrasing keeps its numbers
    if part.kind not in ("number", "date") or part.origin < 0:
        return False
    return unicodedata.normalize("NFKC", part.text) != unicodedata.normalize("NFKC", found[part.origin].text)


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
