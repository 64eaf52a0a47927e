"""Japanese connectives as questions: definition, cause, entailment, contrast and paraphrase, answered by exact spans.

AdaptLLM (arXiv 2309.09530, section 3.1) mines English connectives; none of its patterns matches Japanese. What is
asked is what the text puts into relation, so a wrong choice, which stands in another relation of the same document, is
wrong because each relation is stated once.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise

from corpus.document import Document
from rephrase.facts.claim import Claim, Option, folded
from rephrase.facts.prose import RELATIVE, Sentence, about, connects, points_back, said

_TERM = r"[「『]?(?P<term>[^、。「」『』（(はがをに\s][^、。「」『』はがを\s]{1,24}?)[」』]?"
_DEFINITION = re.compile(
    rf"{_TERM}(?:[（(][^（()）]*[)）])?とは、?(?P<answer>[^。]{{8,150}}?)"
    r"(?:を(?:いう|いいます|言う|言います|指す|指します|意味する|意味します)|のこと(?:である|です|をいう|を指す|をいいます|を指します)|である|です)"
)
_CHANGED = (
    "増加|減少|上昇|低下|拡大|縮小|回復|悪化|改善|高騰|下落|進行|進展|進捗|影響|計上|こと|伸長|鈍化|不足|発生|寄与|円安|円高|減収|増収|変動|"
    "好調|低迷|堅調|実施|導入|強化|推進|向上|取得|売却|返済|支払|支払い|償却|高まり|落ち込み|効果|変更|解除|緩和|撤廃|統合|買収|開始|終了|普及"
)
_LINKS: Mapping[str, str] = {
    "により": "これにより", "によって": "これによって", "に伴い": "これに伴い", "を背景に": "これを背景に",
    "を背景として": "これを背景に", "を受けて": "これを受けて、", "を受け": "これを受けて、", "ことから": "このことから",
    "ため": "このため",
}  # fmt: skip
_TOPIC = r"(?:(?P<topic>[^、。「」]{2,40}?)は、?)?"
_CAUSE = re.compile(
    rf"{_TOPIC}(?P<cause>[^。]{{3,90}}?(?:(?:{_CHANGED})等?(?P<noun>により|によって|に伴い|を背景に|を背景として|を受けて|を受け)"
    r"|(?:た|ている|である|ない|なる|ます|です)(?P<clause>ことから|ため)))、(?P<effect>[^。]{15,120})"
)
_ABBREVIATION = re.compile(
    r"(?P<answer>(?:株式会社|合同会社|一般社団法人)[^、。（()）「」\sをはがにへで]{2,25})[（(]以下、?「(?P<term>[^「」]{2,20})」"
)
_SEVERAL = re.compile(r"[等各両]|^本|ら$|グループ|総称")
_RELATIONS = {
    "entailment": re.compile(
        r"(?:したがって|従って|よって|このため|そのため|この結果|その結果|このことから)、"
    ),
    "contrast": re.compile(r"(?:しかしながら|しかし|一方で?|他方で?|これに対して?|ところが)、"),
    "paraphrase": re.compile(r"(?:すなわち|つまり|言い換えれば|言い換えると|換言すれば)、"),
}


_CLAUSE = re.compile(r"(?:ます|です|した|する|される|れる|いる|ある|ない|った|なる|なった)$")
Part = tuple[str, tuple[int, int]]  # a stretch of a sentence and where it is


def _part(match: re.Match[str], name: str) -> Part:
    return match[name], match.span(name)


def claims(document: Document) -> list[Claim]:
    """Return what the connectives of a document tell, in order of their sentences, with wrong choices from elsewhere.

    Only sentences are used that can be understood alone. Nothing is asked about a document without a name.
    """
    name = about(document)
    if not name or document.language != "ja":
        return []
    every = said(document)
    found = [claim for one in every if one.alone for claim in _within(document, one, name)]
    found += [claim for one, other in pairwise(every) for claim in _between(document, one, other, name)]
    return _beside(found)


def _within(document: Document, one: Sentence, name: str) -> Iterator[Claim]:
    key = f"text|{document.id}|{one.start}"
    match = _DEFINITION.fullmatch(one.text)
    # Who is meant by 当社 changes with the document, which questions about terms do not name.
    if match and not points_back(match["term"]) and not RELATIVE.search(one.text):
        yield from _defined(match, one, f"term|{match['term']}")
    for match in _ABBREVIATION.finditer(one.text):
        if not _SEVERAL.search(match["term"]) and match["term"] not in match["answer"]:
            yield _claim(
                "abbreviation", key, {"about": name, "subject": match["term"]}, _part(match, "answer"), one
            )
    match = _CAUSE.fullmatch(one.text)
    if match and len(_CAUSE.findall(match["effect"])) == 0 and not points_back(match["effect"]):
        yield from _caused(match, one, key, name)


def _defined(match: re.Match[str], one: Sentence, key: str) -> Iterator[Claim]:
    word = match["term"]
    yield _claim("definition", key, {"subject": word}, _part(match, "answer"), one)
    if folded(word) not in folded(match["answer"]):
        yield _claim("headword", key, {"value": match["answer"]}, _part(match, "term"), one)


def _caused(match: re.Match[str], one: Sentence, key: str, name: str) -> Iterator[Claim]:
    link = match["noun"] or match["clause"]
    start, end = match.span("cause")
    end -= len(link) if match["noun"] else len("ため") if link == "ため" else len("ことから")
    cause = one.text[start:end]
    topic = f"{match['topic']}は、" if match["topic"] else ""
    if "は、" in cause or points_back(cause) or connects(cause) or cause in match["effect"]:
        return
    if not match["topic"] and not re.search("[はが]", match["effect"]):
        return  # nobody is said to whom it happened
    where = (one.start + start, one.start + end)
    effect = topic + match["effect"]
    words = {"about": name, "effect": effect}
    yield Claim(
        kind="cause", key=key, identity=f"{key}|cause", group=("cause",), words=words, answer=cause,
        places=(where,), subject=effect,
    )  # fmt: skip
    words = {"about": name, "cause": topic + cause, "link": _LINKS[link]}
    yield replace(
        _claim("effect", key, words, _part(match, "effect"), one), subject=topic + cause
    )  # fmt: skip


def _between(document: Document, one: Sentence, other: Sentence, name: str) -> Iterator[Claim]:
    """Yield what two sentences of one paragraph have to do with each other."""
    if one.line != other.line or not one.alone or other.loose:
        return
    for kind, pattern in _RELATIONS.items():
        if (match := pattern.match(other.text)) and not points_back(rest := other.text[match.end() :]):
            key = f"text|{document.id}|{one.start}"
            yield Claim(
                kind=kind, key=key, identity=f"{key}|{kind}", group=(kind,), words={"about": name, "premise": one.text},
                answer=rest, places=((other.start + match.end(), other.end), (one.start, one.end)), subject=one.text,
            )  # fmt: skip


def _claim(kind: str, key: str, words: Mapping[str, str], answer: Part, one: Sentence) -> Claim:
    said, (start, end) = answer
    return Claim(
        kind=kind, key=key, identity=f"{key}|{kind}|{one.start + start}", group=(kind,), words=words, answer=said,
        places=((one.start + start, one.start + end),), subject=words.get("subject", said),
    )  # fmt: skip


def _beside(found: list[Claim]) -> list[Claim]:
    """Return the claims with the answers of others of their kind as wrong choices, where those are of another matter."""
    by_kind: defaultdict[str, list[Claim]] = defaultdict(list)
    for claim in found:
        by_kind[claim.kind].append(claim)
    return [replace(claim, group=(), wrong=tuple(_apart(claim, by_kind[claim.kind]))) for claim in found]


def _apart(claim: Claim, others: list[Claim]) -> Iterator[Option]:
    mine = pairs(claim.answer) | pairs(claim.subject)
    for other in others:
        theirs = pairs(other.answer) | pairs(other.subject)
        # What shares much of its words may be about the same matter, and right.
        if (
            other.key != claim.key
            and is_clause(claim.answer) == is_clause(other.answer)
            and len(mine & theirs) <= 0.2 * min(len(mine), len(theirs))
        ):
            yield other.option()


def is_clause(text: str) -> bool:
    """Say whether a stretch of a sentence ends as one does, and not with a noun."""
    return bool(_CLAUSE.search(text))


def pairs(text: str) -> frozenset[str]:
    """Return the pairs of neighboring signs of a text that are no kana: what it is about."""
    return frozenset(a + b for a, b in pairwise(folded(text)) if not ("ぁ" <= a <= "ん" or "ぁ" <= b <= "ん"))
