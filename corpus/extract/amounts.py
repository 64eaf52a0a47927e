"""Tagged numbers of a filing -> facts: exact value, unit, period, and the name the filing prints beside it."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal, InvalidOperation

from corpus.document import Fact
from corpus.extract.ixbrl import Tagged
from corpus.extract.places import name_of
from corpus.extract.tables import Element, local

_EXACT = Context(prec=200)
_MAX_SCALE = 40  # of a power of ten; more is an attack on memory, not an amount
_FULL_WIDTH = str.maketrans("０１２３４５６７８９，．－", "0123456789,.-")
_ALONE = re.compile(
    r"[\s¥￥+]*(?P<sign>[△▲−(（-]?)[\s¥￥]*(?P<digits>\d+(?:[,\s]\d+)*(?:\.\d+)?|\.\d+)"
    r"[\s)）]*(?:[%％円株名人社件倍個回歳年月日]|パーセント)?[\s)）]*"
)
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_SIGNS = "△▲－−-"
_SENTENCE = 60  # characters before a number that can name it
_TOPIC = re.compile(
    r"(?:^|[、。\n]|における|に係る|[年期]度の|[期中]の)([^、。はがをに\s\d]{2,24})は、?[ \u3000]*(?:[△▲約]?)$"
)
#: Standard concepts that filings report in sentences, where no table names them.
_PROSE = {
    "CapitalExpendituresOverviewOfCapitalExpendituresEtc": "設備投資額",
    "NumberOfAssociatesAccountedForUsingEquityMethod": "持分法適用関連会社の数",
    "NumberOfConsolidatedSubsidiaries": "連結子会社の数",
    "NumberOfFemaleDirectorsAndOtherOfficers": "女性役員の数",
    "NumberOfMaleDirectorsAndOtherOfficers": "男性役員の数",
    "RatioOfFemaleDirectorsAndOtherOfficers": "役員のうち女性の比率",
    "ResearchAndDevelopmentExpensesResearchAndDevelopmentActivities": "研究開発費",
}
#: What stands in brackets behind another concept's number, so that the table names both by the first.
_IN_BRACKETS = {"AverageNumberOfTemporaryWorkers": "平均臨時雇用者数"}
_PERIOD = re.compile(
    "[前当次](?:連結)?(?:事業|会計|中間|四半期)?(?:連結)?(?:会計)?(?:年度|期)|[0-9０-９]年|現在$"
)
_LABEL_ROLE = "http://www.xbrl.org/2003/role/label"
_XLINK = "{http://www.w3.org/1999/xlink}"


@dataclass(slots=True)
class Terms:
    """What the contexts, units and label links of a filing define."""

    periods: dict[str, str] = field(default_factory=dict)  # context id -> YYYY-MM-DD or start/end
    units: dict[str, str] = field(default_factory=dict)  # unit id -> JPY, shares, pure, JPY/shares
    labels: dict[str, str] = field(default_factory=dict)  # local name of an element -> its Japanese label

    def read(self, root: Element) -> None:
        """Take over the contexts and units below ``root``."""
        for element in root.iter("{*}context"):
            self.periods[element.get("id", "")] = "/".join(
                _text(part) for part in element.iter("{*}startDate", "{*}endDate", "{*}instant")
            )
        for element in root.iter("{*}unit"):
            parts = [_text(part).rpartition(":")[2] for part in element.iter("{*}measure")]
            self.units[element.get("id", "")] = "/".join(parts)

    def read_labels(self, root: Element) -> None:
        """Take over the Japanese standard labels of a label linkbase (XBRL 2.1, section 5.2.2)."""
        concepts = {
            one.get(f"{_XLINK}label", ""): one.get(f"{_XLINK}href", "").rpartition("#")[2]
            for one in root.iter("{*}loc")
        }
        texts = {
            one.get(f"{_XLINK}label", ""): _text(one)
            for one in root.iter("{*}label")
            if one.get(f"{_XLINK}role") == _LABEL_ROLE
            and one.get("{http://www.w3.org/XML/1998/namespace}lang", "ja") == "ja"
        }
        for arc in root.iter("{*}labelArc"):
            concept = concepts.get(arc.get(f"{_XLINK}from", ""), "").rpartition("_")[2]
            if (text := texts.get(arc.get(f"{_XLINK}to", ""))) and concept:
                self.labels[concept] = text


def _text(element: Element) -> str:
    return "".join(str(part) for part in element.itertext()).strip()


def facts(text: str, tagged: Iterable[Tagged], terms: Terms, subject: str) -> list[Fact]:
    """Return the tagged numbers of a filing's text as facts, in the order of the text."""
    amounts = [one for one in tagged if local(one.element) == "nonfraction"]
    name = _namer(amounts, terms)
    found = []
    for one in amounts:
        element = one.element
        start, end = _with_sign(text, one)
        found.append(
            Fact(
                kind="amount",
                subject=subject,
                concept=concept_of(element),
                label=name(one) or _in_prose(concept_of(element), text[max(start - _SENTENCE, 0) : start]),
                value=text[start:end],
                start=start,
                end=end,
                number=number(text[one.start : one.end], element),
                unit=terms.units.get(element.get("unitRef", ""), ""),
                period=terms.periods.get(element.get("contextRef", ""), ""),
                decimals=element.get("decimals", ""),
                context=element.get("contextRef", ""),
            )
        )
    return found


def concept_of(element: Element) -> str:
    """Return the local name of the concept an inline element reports: filers copy standard ones."""
    return element.get("name", "").rpartition(":")[2]


def number(shown: str, element: Element) -> str:
    """Return the exact value of a tagged number as decimal text, or "" if it shows none.

    Applies the format, scale and sign of inline XBRL (Inline XBRL 1.1, part 1, section 10; the transformation
    registries' numdotdecimal, numcommadecimal, numunitdecimal and zerodash). Takes in its stride what filers put
    inside of the tag though it belongs outside: the sign of a loss, a unit that is no power of ten.
    """
    form = element.get("format", "").rpartition(":")[2].replace("-", "").lower()
    digits = shown.translate(_FULL_WIDTH)
    if "zero" in form or form == "numdash":
        digits = "0"
    elif "unitdecimal" in form:
        whole = re.findall(r"\d[\d,.]*", digits)
        digits = ".".join(re.sub("[,.]", "", part) for part in whole[:2])
    elif "comma" in form:
        digits = digits.replace(".", "").replace(",", ".")
    found = _ALONE.fullmatch(digits)
    if not found or element.get(f"{_XSI}nil") in ("true", "1"):
        return ""
    try:
        value = Decimal(re.sub(r"[,\s]", "", found["digits"]))
        scale = int(element.get("scale", "0"))
    except (InvalidOperation, ValueError):
        return ""
    if abs(scale) > _MAX_SCALE or not value.is_finite() or len(digits) > 100:
        return ""
    value = value.scaleb(scale, context=_EXACT)
    negative = element.get("sign") == "-" or found["sign"]
    return format(-value if negative and value else value, "f")


def _with_sign(text: str, one: Tagged) -> tuple[int, int]:
    """Return the span with the minus sign that filers print before the tag (or the brackets around it)."""
    start, end = one.start, one.end
    if one.element.get("sign") != "-":
        return start, end
    before = text[max(start - 3, 0) : start]
    bare = before.rstrip(" \u3000")
    if bare and bare[-1] in _SIGNS:
        return start - len(before) + len(bare) - 1, end
    if bare.endswith(("(", "（")) and text[end : end + 1] in (")", "）"):
        return start - len(before) + len(bare) - 1, end + 1
    return start, end


def _namer(amounts: list[Tagged], terms: Terms) -> Callable[[Tagged], str]:
    """Return what gives each tagged number the Japanese name of its concept.

    The filing's own label of a concept that it defines itself comes first. Otherwise the table names it: by
    the row where a row holds one concept, by the column where a column does (lists of holders, of officers),
    else by both; a number in prose gets the name that tables most often give its concept.
    """
    in_row: defaultdict[tuple[int, int], set[str]] = defaultdict(set)
    in_column: defaultdict[tuple[int, int], set[str]] = defaultdict(set)
    rows_of: defaultdict[tuple[int, int, str, str], set[int]] = defaultdict(set)
    for one in amounts:
        if place := one.place:
            concept = concept_of(one.element)
            period = terms.periods.get(one.element.get("contextRef", ""), "")
            in_row[place.table, place.row].add(concept)
            in_column[place.table, place.column].add(concept)
            rows_of[place.table, place.column, concept, period].add(place.row)

    def by_table(one: Tagged) -> str:
        place, concept = one.place, concept_of(one.element)
        if not place:
            return ""
        period = terms.periods.get(one.element.get("contextRef", ""), "")
        row, column = place.row_label, place.column_label
        column = "" if _PERIOD.search(column) else column
        one_column = len(in_column[place.table, place.column]) == 1
        listed = len(rows_of[place.table, place.column, concept, period]) > 1
        if len(in_row[place.table, place.row]) == 1 and not (one_column and listed):
            return row or column
        if one_column:
            return column or row
        return f"{row}（{column}）" if row and column else row or column

    usual: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for one in amounts:
        if found := by_table(one):
            usual[concept_of(one.element)][found] += 1

    def name(one: Tagged) -> str:
        concept = concept_of(one.element)
        own = name_of(terms.labels.get(concept, "")) or _IN_BRACKETS.get(concept, "")
        return own or by_table(one) or _most(usual[concept])

    return name


def _in_prose(concept: str, text: str) -> str:
    """Return the name of a number in prose: a known one, or the words between the last mark or particle and は."""
    if concept in _PROSE:
        return _PROSE[concept]
    found = _TOPIC.search(text)
    return found[1] if found and not found[1].startswith(("当", "同", "これ", "それ", "以下")) else ""


def _most(counts: Mapping[str, int]) -> str:
    return max(counts, key=lambda text: (counts[text], text), default="")
