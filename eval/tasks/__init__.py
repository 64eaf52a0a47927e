"""The tasks a recipe may ask for: one line each."""

from typing import Annotated

from pydantic import Field

from eval.tasks.chabsa import Chabsa
from eval.tasks.corpus_questions import CorpusQuestions
from eval.tasks.cpa_audit import CpaAudit

AnyTask = Annotated[Chabsa | CorpusQuestions | CpaAudit, Field(discriminator="task")]

__all__ = ["AnyTask", "Chabsa", "CorpusQuestions", "CpaAudit"]
