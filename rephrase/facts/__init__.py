"""The embedded default generator: what documents say becomes questions without a model.

A file for each family of statements: ``amounts`` and ``computed`` (XBRL), ``terms``, ``companies``, ``mined`` and ``cloze``
(prose); ``agreement`` leaves out what two documents tell differently, ``wrong`` chooses what stands beside an answer.
"""

from rephrase.facts.generator import Facts, claims

__all__ = ["Facts", "claims"]
