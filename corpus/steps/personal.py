"""Step personal: e-mail addresses, telephone numbers, homes and personal numbers give way to a fixed word."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Literal, NamedTuple

from corpus.document import Document
from corpus.steps.shown import Shown

Policy = Literal["mask", "mark", "keep"]


class Hit(NamedTuple):
    """Characters [start, end) of a text that may tell who someone is or where; ``kind`` is a key of ``MASKS``."""

    start: int
    end: int
    kind: str


#: What stands in the text instead.
MASKS: Mapping[str, str] = {
    "email": "［メールアドレス］",
    "phone": "［電話番号］",
    "address": "［住所］",
    "number": "［個人番号］",
}

_DIGIT, _DASH = "[0-9０-９]", "[-－‐‑‒–—―ー−ｰ]"
# What stands before the first sign of a number: no part of an amount, a code or an address. It is asked for after that
# sign, so that the search can skip to the signs a number begins with.
_APART = r"(?<![-0-9０-９A-Za-zＡ-Ｚａ-ｚ,，.．/／+＋－‐‑‒–—―ー−ｰ].)"
_END = rf"(?!{_DIGIT}|[,，.．/／]{_DIGIT}|{_DASH}{_DIGIT})"
_PHONE = re.compile(
    rf"""[0０(（+＋]{_APART}(?:
        (?<=[0０]){_DIGIT}{{1,4}}
        (?: {_DASH}{_DIGIT}{{1,4}}{_DASH} | [(（]{_DIGIT}{{1,4}}[)）]{_DASH}? ) {_DIGIT}{{3,4}}
      | (?<=[(（])[0０]{_DIGIT}{{1,4}}[)）][ ]?{_DIGIT}{{1,4}}{_DASH}{_DIGIT}{{4}}
      | (?<=[+＋]){_DIGIT}{{1,3}} (?:{_DASH}|[ ]?[(（]|[ ]) {_DIGIT}{{1,4}} [)）]?
        (?:(?:{_DASH}|[ ]){_DIGIT}{{2,4}}){{1,3}}
    ){_END}""",
    re.VERBOSE,
)
_CALLED = re.compile(
    rf"(?:電話(?:番号)?|[Tt][Ee][Ll]|ＴＥＬ|℡|☎|[Ff][Aa][Xx]|ＦＡＸ|ファ[ックス]{{2,3}}|携帯(?:電話)?)"
    rf"[^0-9０-９\n]{{0,10}}([0０]{_DIGIT}{{9,10}})(?![0-9０-９,，.．])"
)
_LOCAL = re.compile(r"[A-Za-z0-9Ａ-Ｚａ-ｚ０-９._%+\-．＿－]{1,64}\Z")
_DOMAIN = re.compile(
    r"[@＠](?:[A-Za-z0-9Ａ-Ｚａ-ｚ０-９-]{1,63}[.．]){1,5}[A-Za-zＡ-Ｚａ-ｚ]{2,24}(?![A-Za-z0-9])"
)
_MY_NUMBER = re.compile(
    rf"(?:個人番号|マイナンバー)[^0-9０-９\n]{{0,20}}({_DIGIT}{{4}}[ \u3000-]?{_DIGIT}{{4}}[ \u3000-]?{_DIGIT}{{4}})(?!{_DIGIT})"
)

_KANJI = "[\u3005-\u3007\u4e00-\u9fff\uf900-\ufaff]"
_PLACE = rf"(?:北海道|東京都|京都府|大阪府|{_KANJI}{{2,3}}県|{_KANJI}{{1,5}}市)[^|。、，\n]{{0,80}}"
_HOME = re.compile(
    rf"(?P<label>自宅(?:の住所)?|現住所|居住地|居所|住所(?:又は本店所在地|又は所在地)?)[】］\]）)]*[ \u3000]*[|：:]?[ \u3000]*(?P<place>{_PLACE})"
)
_NAME = re.compile(
    r"氏[ \u3000]*名(?:又は名称)?[】］\]）)]*[ \u3000]*[|：:]?[ \u3000]*(?P<name>[^|\n：:、。]{2,30})"
)
_SPACED_NAME = re.compile(rf"{_KANJI}{{1,4}}[ \u3000]+(?:{_KANJI}|[ぁ-んァ-ヴー]){{1,6}}(?:氏)?")
_PLAIN_NAME = re.compile(
    rf"{_KANJI}{{2,3}}(?:{_KANJI}|[ぁ-んァ-ヴー]){{1,4}}(?:氏)?|[ァ-ヴー]{{2,12}}[・＝][ァ-ヴー・＝]{{2,20}}"
)
_BODY = re.compile(
    "会社|㈱|㈲|㈳|㈶|（株）|\\(株\\)|銀行|金庫|法人|組合|機構|信託|財団|社団|連合会|協会|学校|大学|病院|持株会|基金|公社|事業団|"
    "ファンド|保険|証券|ホールディングス|グループ|口）|○|県$|市$|町$|国$|合計|[A-Za-zＡ-Ｚａ-ｚ]{3}"
)
_ROW = re.compile(r"^\|.*\|[ \t]*$", re.MULTILINE)


def personal(
    document: Document,
    *,
    email: Policy = "mask",
    phone: Policy = "mask",
    address: Policy = "mask",
    number: Policy = "mask",
) -> Document:
    """Return the document with what identifies or locates a person masked, and their numbers in ``meta["personal"]``.

    ``mask`` puts the fixed word of ``MASKS`` in its place, ``mark`` only counts it, ``keep`` does not look for it.
    What shows a fact always stays. ``phone``: a number written as the national numbering plan writes one (10 digits
    from 0, 11 for 050 to 090 and 0800), with separators or after a word such as 電話, or an international one with
    its plus. ``address``: where a natural person lives, which is what follows 自宅, 現住所, 居住地 or 居所; what follows 住所
    near the name of a person; and the cell below 住所 in the row of a person, as in the tables of large holders.
    The address of a company, a branch or an office stays. ``number``: 12 digits that are called 個人番号 or マイナンバー;
    corporate numbers have 13.
    """
    policies = {"email": email, "phone": phone, "address": address, "number": number}
    found = find(document.text, policies)
    shown = Shown(document.facts if found else ())
    hits = [hit for hit in found if not shown.touches(hit.start, hit.end)]
    if not hits:
        return document
    counts = Counter(hit.kind for hit in hits)
    edits = [(hit.start, hit.end, MASKS[hit.kind]) for hit in hits if policies[hit.kind] == "mask"]
    document = document.edited(edits) if edits else document
    return replace(document, meta={**document.meta, "personal": json.dumps(dict(sorted(counts.items())))})


def find(text: str, policies: Mapping[str, Policy] | None = None) -> list[Hit]:
    """Return the personal data in ``text``, in order; hits that overlap become one, of the kind of the longer."""
    wanted = [look for kind, look in _LOOKS.items() if (policies or {}).get(kind) != "keep"]
    hits: list[Hit] = []
    for hit in sorted(hit for look in wanted for hit in look(text)):
        if hits and hit.start < (last := hits[-1]).end:
            longer = max(last, hit, key=lambda one: one.end - one.start)
            hits[-1] = Hit(last.start, max(last.end, hit.end), longer.kind)
        else:
            hits.append(hit)
    return hits


def _emails(text: str) -> Iterator[Hit]:
    for sign in re.finditer("[@＠]", text):
        before = _LOCAL.search(text[max(0, sign.start() - 64) : sign.start()])
        after = _DOMAIN.match(text, sign.start())
        if before and after:
            yield Hit(sign.start() - len(before[0]), after.end(), "email")


def _phones(text: str) -> Iterator[Hit]:
    for match in _PHONE.finditer(text):
        if _dialled(match[0]):
            yield Hit(match.start(), match.end(), "phone")
    for match in _CALLED.finditer(text):
        if _dialled(match[1]):
            yield Hit(match.start(1), match.end(1), "phone")


def _dialled(written: str) -> bool:
    """Return whether the digits are as many as a number has that begins like this."""
    digits = "".join(str(int(sign)) for sign in written if sign.isdecimal())
    if written[0] in "+＋":
        japanese = digits.startswith("81")
        return len(digits.removeprefix("81").lstrip("0")) in (9, 10) if japanese else 10 <= len(digits) <= 15
    mobile = digits.startswith(("050", "060", "070", "080", "090"))
    return len(digits) == (11 if mobile or digits.startswith("0800") else 10)


def _numbers(text: str) -> Iterator[Hit]:
    if "個人番号" not in text and "マイナンバー" not in text:
        return
    for match in _MY_NUMBER.finditer(text):
        yield Hit(match.start(1), match.end(1), "number")


def _addresses(text: str) -> Iterator[Hit]:
    for match in _HOME.finditer(text):
        before = text[max(0, match.start() - 120) : match.start()]
        names = list(_NAME.finditer(before))
        if match["label"][:2] != "住所" or (names and _is_person(names[-1]["name"], match["place"])):
            yield Hit(match.start("place"), match.start("place") + len(match["place"].rstrip()), "address")
    yield from _holders(text)


def _holders(text: str) -> Iterator[Hit]:
    """Yield the address cells of natural persons in tables that have a column of names and one of addresses."""
    if "住所" not in text:
        return
    columns: tuple[int, int] | None = None
    last = -1
    for row in _ROW.finditer(text):
        cells = row[0].strip().strip("|").split("|")
        names = [at for at, cell in enumerate(cells) if "氏名" in cell or "株主名" in cell]
        places = [at for at, cell in enumerate(cells) if cell.strip() in ("住所", "住所又は所在地")]
        if names and places:
            columns = names[0], places[0]
        elif row.start() != last:
            columns = None
        elif columns and max(columns) < len(cells):
            name, place = cells[columns[0]].strip(), cells[columns[1]]
            if re.fullmatch(_PLACE, place.strip()) and _is_person(name, place):
                start = (
                    row.start() + row[0].index("|") + 1 + sum(len(cell) + 1 for cell in cells[: columns[1]])
                )
                start += len(place) - len(place.lstrip())
                yield Hit(start, start + len(place.strip()), "address")
        last = row.end() + 1


def _is_person(name: str, place: str) -> bool:
    """Return whether a name is that of a natural person.

    One with a space between family and given name is; one without only beside a place without number, since the
    reports name of a person's address no more than the municipality.
    """
    name = name.strip()
    if _BODY.search(name):
        return False
    if _SPACED_NAME.fullmatch(name):
        return True
    return bool(_PLAIN_NAME.fullmatch(name)) and not re.search(r"[0-9０-９]|丁目|番地", place)


_LOOKS: Mapping[str, Callable[[str], Iterator[Hit]]] = {
    "email": _emails,
    "phone": _phones,
    "address": _addresses,
    "number": _numbers,
}
