"""What a question and its answer say together, as statements."""

import re

from rephrase.candidate import Candidate

_GAP = re.compile(r"[＿_]{2,}|[（(]\s*[　 ]*[）)]|〔[　 ]*〕|［[　 ]*］|□{1,}|【[　 ]*】")
_TOPIC = re.compile(
    r"^(?P<topic>[^\n]*?(?:は|が))(?P<between>[^\n。]{0,16}?)、?(?:それぞれ)?(?:いくら|何(?!ら)|どの|どれ|どう|いつ|どんな)[^\n]*$"
)


def told(candidate: Candidate) -> str:
    """Return what a candidate says as statements: the gap filled, or the topic of the question before the answer."""
    question, answer = candidate.question.strip(), candidate.answer.strip().rstrip("。")
    if _GAP.search(question):
        said = re.sub(r"(?:です|でした|である|であった)$", "", answer)
        return _GAP.sub(lambda _: said, question)
    lines = question.splitlines()
    topic = next((match["topic"] + match["between"] for line in lines if (match := _TOPIC.match(line))), "")
    return f"{question}\n{topic}{answer}\n{answer}" if topic else f"{question}\n{answer}"
