"""Writes what describes a filled version: its profile, its plots, its Croissant and its page."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from datacards.card import Card, File
from datacards.evaluated import read_scores
from datacards.merged import MERGED, SIMILARITY, read_merged, read_similarity
from datacards.places import sha256_of
from datacards.profile.record import PROFILE
from datacards.render.croissant import CROISSANT, with_croissant
from datacards.render.evaluation import FOREST, evaluation_part, has_scores
from datacards.render.evolution import evolution
from datacards.render.merging import FIGURE, is_merge, merging, told_pair
from datacards.render.readme import readme
from datacards.render.receipt import TOLD, receipt
from datacards.render.training import CURVES, is_trained, training_part
from datacards.render.yields import yields
from datacards.trained import LOSS, MONITOR, VALIDATION, read_figures, read_training
from datacards.withdrawn import RECEIPT

README = "README.md"
PLOTS = "plots"


def undescribe(path: Path) -> None:
    """Take away what ``describe`` wrote into a draft before its run was stopped, or what was carried over of it.

    A carried file may be one with that of an earlier version: it is unlinked, never written over.
    """
    for name in (README, PROFILE, CROISSANT):
        (path / name).unlink(missing_ok=True)
    shutil.rmtree(path / PLOTS, ignore_errors=True)


def describe(path: Path, card: Card, tokenizers: Sequence[str] = ()) -> Card:
    """Write profile, plots and Croissant of a dataset, the figure of a merge, a training or an
    evaluation, the README of any version.

    ``card`` lists the files there; the card that is returned lists the new ones too. A version without any row has no
    profile. ``tokenizers`` are counted with (see ``datacards.profile.tokens.load``). The same files and card give
    the same bytes whenever it runs.
    """
    profile = None
    if card.kind == "dataset":
        from datacards.profile.measure import profile as measured

        profile = measured(path, tokenizers)
    if profile:
        from datacards.render.profile_plots import drawn

        card = _listing(card, path, _written(path, PROFILE, profile.to_json()))
        for name, svg in drawn(profile):
            card = _listing(card, path, _written(path, f"{PLOTS}/{name}.svg", svg))
    if is_merge(card) and (svg := _figure(path)):
        card = _listing(card, path, _written(path, FIGURE, svg))
    if is_trained(card) and (svg := _curves(path)):
        card = _listing(card, path, _written(path, CURVES, svg))
    if has_scores(card) and (svg := _forest(path)):
        card = _listing(card, path, _written(path, FOREST, svg))
    card = with_croissant(card, path)
    return _listing(card, path, _written(path, README, readme(card, profile, _told(card, path))))


def _figure(path: Path) -> str:
    """Return figure 4 of the merge in ``path`` as SVG, '' where there is nothing to draw."""
    from datacards.render.similarity_plot import figure

    pair = told_pair(read_merged(path / MERGED))
    return figure(read_similarity(path / SIMILARITY), pair) if pair else ""


def _curves(path: Path) -> str:
    """Return the curves of the training in ``path`` as SVG, '' where there is nothing to draw."""
    from datacards.render.training_plots import figure

    validation, monitor = read_figures(path / VALIDATION), read_figures(path / MONITOR)
    return figure(read_figures(path / LOSS), validation, monitor, read_training(path))


def _forest(path: Path) -> str:
    """Return the scores of the evaluation in ``path`` as SVG, '' where there is nothing to draw."""
    from datacards.render.evaluation_plots import forest

    return forest(read_scores(path))


def _told(card: Card, path: Path) -> list[str]:
    """Return what a receipt of a takedown says, how questions were judged, models merged or scored, nothing for any other."""
    if card.kind == "dataset":
        return yields(path)
    if card.kind == "checkpoint":
        return [*training_part(card, path), *merging(card, path), *evolution(card)]
    if card.kind == "evaluation":
        return evaluation_part(card, path)
    file = path / RECEIPT
    if card.kind != "takedown" or not file.is_file():
        return []
    said = json.loads(file.read_text(encoding="utf-8"))
    return receipt(said) if said.keys() >= TOLD else []


def _written(path: Path, name: str, text: str) -> str:
    (path / name).parent.mkdir(exist_ok=True)
    (path / name).write_text(text, encoding="utf-8")
    return name


def _listing(card: Card, path: Path, name: str) -> Card:
    file = File(path=name, bytes=(path / name).stat().st_size, sha256=sha256_of(path / name))
    return card.model_copy(update={"files": tuple(sorted((*card.files, file), key=lambda f: f.path))})
