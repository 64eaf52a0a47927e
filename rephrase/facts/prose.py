"""The sentences of a document that can stand alone, and how the document is named in a question."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from corpus.document import Document
from rephrase.sentences import sentences

# A reference in front has nothing to refer to once the sentence is taken out; neither has one to what is beside it.
_DANGLING = re.compile(
    r"(?:(?:また|なお|さらに|ただし|もっとも|そして|特に|ここで|そこで|その際|例えば|たとえば|加えて|同時に)[、,]?)?"
    r"(?:「その他」|こ[のれうこ]|そ[のれうこ]|あの|同(?!社債|業|意|時|様|士|一)|当該|本(?:件|項|号|条|節|表|図|稿|章)|前述|上述|後述|上記|下記|左記|右記|以上|以下|"
    r"前者|後者|いずれも|両[者社]|かか[るり]|[（(*※・－\-]|彼|彼女|ここ|そこ)"
)
_BESIDE = re.compile(
    r"次の(?:とおり|通り|表|図)|(?:以下|下記|上記|左記|右記|前記|次)の|下表|上表|下図|上図|別表|[（(]注|\*\d|※"
)
_CONNECTIVE = re.compile(
    r"(?:また|なお|さらに|ただし|ただ|しかし|しかしながら|一方で?|他方で?|したがって|従って|よって|このため|すなわち|つまり|そのため|"
    r"その結果|この結果|加えて|更に|具体的には|まず|次に|特に|例えば|たとえば|これに対し(?:て)?|ところが|だが|もっとも|それに対し(?:て)?)[、,]?"
)
#: Words whose meaning depends on who wrote the document, and when.
RELATIVE = re.compile("当(?:社|行|期|該|グループ|事業|連結|会計|四半期|中間)|弊社|[今前次]期")
_SUBJECT = re.compile("[はがも]")
_JAPANESE = re.compile(r"[ぁ-ん]")
_ITEM = re.compile(
    r"^(?:[-*+] |[0-9０-９]{1,2}[.．)） ]|[（(][0-9０-９ア-ンa-zⅰ-ⅹ]{1,2}[)）]|[①-⑳]|[0-9０-９]{1,2}\u3000)\s*"
)
_SHORTEST, _LONGEST = 15, 180
_LONGEST_TITLE = 60
_DAY = "2025-03-31"


class Sentence(NamedTuple):
    """A sentence without its item mark: its text without 。, the characters that show it, and its line."""

    text: str
    start: int
    end: int
    line: int

    @property
    def alone(self) -> bool:
        """Say whether it can be understood without what stands around it."""
        if not _SUBJECT.search(self.text):
            return False
        return not (_DANGLING.match(self.text) or _BESIDE.search(self.text) or _CONNECTIVE.match(self.text))

    @property
    def loose(self) -> bool:
        """Say whether it points at something beside it, apart from its connective."""
        return bool(_BESIDE.search(self.text))


def points_back(text: str) -> bool:
    """Say whether a stretch of a sentence begins with a reference to what stands before it."""
    return bool(_DANGLING.match(text))


def connects(text: str) -> bool:
    """Say whether a stretch of a sentence begins with a word that connects it to what stands before it."""
    return bool(_CONNECTIVE.match(text))


def said(document: Document) -> list[Sentence]:
    """Return the sentences of the paragraphs of a document in order, tables and headings left out.

    A sentence that the document says twice is left out both times: it stands in no one place. So is one about 当社 or
    当期 where nothing says who wrote the document.
    """
    found = list(_sentences(document.text))
    times = Counter(one.text for one in found)
    own = "filer" in document.meta
    return [one for one in found if times[one.text] == 1 and (own or not RELATIVE.search(one.text))]


def _sentences(text: str) -> Iterator[Sentence]:
    at = 0
    for number, line in enumerate(text.split("\n")):
        start, at = at, at + len(line) + 1
        if line.startswith(("|", "#", "```")) or "。" not in line:
            continue
        for first, last in sentences(line):
            piece = line[first:last]
            mark = _ITEM.match(piece)
            front = first + (mark.end() if mark else len(piece) - len(piece.lstrip()))
            bare = line[front:last].rstrip()
            if bare.endswith("。") and _SHORTEST <= len(bare) <= _LONGEST and _JAPANESE.search(bare):
                yield Sentence(bare[:-1], start + front, start + front + len(bare) - 1, number)


def about(document: Document) -> str:
    """Return how a question names a document: a filing by company and period, else title and day; "" without these."""
    filer, last = document.meta.get("filer", ""), document.meta.get("period_end", "")
    title = " ".join(document.title.split())
    if filer and len(last) == len(_DAY):
        year, month, day = map(int, last.split("-"))
        name = "の".join(document.title.removeprefix(filer).split())
        whole = document.meta.get("period_type") == "FY"
        return f"{filer}の{name}（{year}年{month}月{'期' if whole else f'{day}日'}）" if name else ""
    if document.meta.get("kind") == "filing" or not 0 < len(title) <= _LONGEST_TITLE:
        return ""  # a filing without its filer names nobody
    day_of = document.event_at
    return f"「{title}」" + (f"（{day_of.year}年{day_of.month}月{day_of.day}日）" if day_of else "")
