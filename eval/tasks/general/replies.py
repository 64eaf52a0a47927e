"""What tasks that are answered in words share: worked examples in front of the question, an answer read out of a reply."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from eval.items import Kind, Question, Reply
from eval.tasks.base import Measured, Task, weighted


class ReplyTask(Task):
    """A task whose items are Questions; a reply in which no answer is found is wrong, and is counted.

    The second figure, ``answered``, is the share of replies in which an answer was found at all: it tells a model that does
    not know from one that does not keep to the form.
    """

    kind: ClassVar[Kind] = "reply"

    @abstractmethod
    def found(self, reply: Reply) -> str | None:
        """Return the answer that ``reply`` gives, None where there is none."""

    @abstractmethod
    def worth(self, answer: str, question: Question) -> float:
        """Return what ``answer`` is worth, from 0 to 1."""

    def value(self, result: object) -> tuple[float, float]:
        """Return the worth of the answer found in a Reply, 0 where none was found, and the weight 1."""
        if not isinstance(result, Reply):
            raise TypeError(f"{self.task} is answered by replies, not by {type(result).__name__}")
        answer = self.found(result)
        return (0.0 if answer is None else self.worth(answer, result.item)), 1.0

    def measure(self, results: Sequence[Reply]) -> list[Measured]:
        """Return the mean worth, and the share of replies in which an answer was found."""
        answered = [(float(self.found(reply) is not None), 1.0) for reply in results]
        return [
            weighted(self.metric, [self.value(reply) for reply in results]),
            weighted("answered", answered),
        ]


def first_line(text: str) -> str | None:
    """Return the first line of ``text`` that holds more than white space, None where there is none."""
    return next((line.strip() for line in text.splitlines() if line.strip()), None)


def prompt(description: str, examples: Sequence[str], question: str) -> str:
    """Return description, worked examples and question, with an empty line between each; ends as ``question`` does."""
    return "\n\n".join([description, *examples, question])
