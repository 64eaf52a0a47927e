"""Form: a question that asks, texts of a sensible length, nothing left of labels, prompts or broken characters."""

import re

from corpus.document import Drop
from rephrase.base import FORMATS
from rephrase.candidate import Candidate

NAME, VERSION = "form", 2

#: Characters of a question's asking line, of what may stand below it (a description, say), and of an answer.
QUESTION, BELOW, ANSWER = (8, 120), 400, (1, 300)
#: How long a rephrasing may be, as a multiple of its passage.
REPHRASED = (0.3, 2.0)
#: From this length of the longest choice on, the longest has at most three times the characters of the shortest.
UNEVEN = 16

_BROKEN = re.compile("[\ufffd\x00-\x08\x0b-\x1f\x7f]")
# か ends a question but not a word such as ほか, わずか, しか, 明らか.
_ASKS = re.compile(
    r"(?:(?<![なほずしばろ])(?<!明ら)(?<!確)か|[？?]"
    r"|(?:答え|述べ|説明し|挙げ|示し|選び|選ん|教え|求め|計算し|記し|書き|書い|まとめ)"
    r"(?:[てで](?:ください|下さい|ほしい)|なさい|ましょう|よ)"
    r"|何|どれ|いくら|いつ|どこ|誰|だれ|なぜ|どちら|いくつ|何[^\s、。]{1,4})[。．.]?[」』）)]?$"
)
_LABEL = re.compile(
    r"^\s*(?:[QAXＱＡＸ]\s*[:：]|[A-DＡ-Ｄ]\s*[.．:：)）]\s|(?:質問|問題|問|設問|回答|解答|答え?|正解?|誤|選択肢|文書|文章|本文)\s*\d*\s*[:：]|#{1,6}\s|```|---)",
    re.MULTILINE,
)
_PROMPT = re.compile(
    r"<\|[^|<>]{1,30}\|>|</?s>|\[/?INST\]|</?(?:CON|QUE|ANS|END)>|\{(?:passage|question|context|choices)\}"
    r"|(?:この|上の|上記の|次の|以下の|与えられた|提示された)(?:文書|文章|本文|テキスト|パッセージ)"
    r"|文書だけを根拠|(?:言い換え|書き換え|要約)(?:ます|ると|た文|文は)|^(?:はい、|もちろん|承知|以下[はに])[^。\n]{0,40}(?:[:：]|ます。|です。)",
    re.MULTILINE,
)


def check(candidate: Candidate) -> Drop | None:
    """Refuse what is no question, is too short or long, holds U+FFFD or control characters, a label or prompt words."""
    texts = (candidate.question, candidate.answer, *candidate.wrong)
    for text in texts:
        if found := _BROKEN.search(text):
            return Drop("broken_character", f"U+{ord(found[0]):04X}")
        if found := _LABEL.search(text):
            return Drop("label_residue", found[0].strip()[:40])
        if found := _PROMPT.search(text):
            return Drop("prompt_residue", found[0][:40])
    if FORMATS[candidate.style] == "markdown":
        return _rephrased(candidate)
    return _asked(candidate.question) or _answered(texts[1:])


def _rephrased(candidate: Candidate) -> Drop | None:
    own, passage = len(candidate.answer.strip()), len(candidate.chunk.passage.strip())
    if not REPHRASED[0] * passage <= own <= REPHRASED[1] * passage or not own:
        return Drop("rephrasing_length", f"{own} characters for {passage}")
    return None


def _asked(question: str) -> Drop | None:
    """Judge a question: one of its outer lines asks; the others hold what it asks about."""
    lines = question.strip().splitlines() or [""]
    asking = next((line for line in (lines[0], lines[-1]) if _ASKS.search(line.rstrip())), None)
    own = len(lines[0] if asking is None else asking)
    below = sum(map(len, lines)) - own
    if not QUESTION[0] <= own <= QUESTION[1] or below > BELOW:
        return Drop("question_length", f"{own} characters, {below} besides")
    return Drop("not_a_question", lines[-1][-20:]) if asking is None else None


def _answered(choices: tuple[str, ...]) -> Drop | None:
    lengths = [len(choice.strip()) for choice in choices]
    if not ANSWER[0] <= min(lengths) <= max(lengths) <= ANSWER[1]:
        return Drop("answer_length", f"{min(lengths)} to {max(lengths)} characters")
    if max(lengths) >= UNEVEN and max(lengths) > 3 * min(lengths):
        return Drop("uneven_choices", f"{min(lengths)} to {max(lengths)} characters")
    return None
