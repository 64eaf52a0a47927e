"""A report shows a task under all its prompts in rows that fit, and folds what else was made of the same answers."""

from datacards.store import Store
from eval.report.blocks import Cell, Grid
from eval.report.build import document
from eval.report.figures import look, spans
from eval.report.matter import Matter, collect
from eval.report.prompts import MANY, prompt_blocks
from eval.report.tables import other_table, score_table
from eval.tasks.chabsa import Chabsa
from tests.eval.evaluated import checkpoint, evaluate

ALL = ("0.6", "0.1", "default", "0.2", "0.1.2")  # as versions may be named in any order


def asked_in(store: Store, prompts: tuple[str, ...]) -> Matter:
    """Return a report's matter on a model that was asked under ``prompts``."""
    model = checkpoint(store, "base")
    return collect(
        store,
        [
            evaluate(store, model, f"fin-{prompt}", [Chabsa(subset=20, prompt=prompt)])  # type: ignore[arg-type]
            for prompt in prompts
        ],
    )


def table_of(matter: Matter) -> Grid:
    (records,) = matter.found.tasks.values()
    return next(one for one in prompt_blocks(matter.found, "fin-harness", records) if isinstance(one, Grid))


def test_mean_and_range_come_first_and_the_prompts_in_order_without_intervals_where_they_are_many(
    store: Store,
) -> None:
    matter = asked_in(store, ALL)
    assert len(ALL) > MANY
    table = table_of(matter)
    assert table.head[2:] == ("mean", "range", "default", "0.1", "0.1.2", "0.2", "0.6")
    (row,) = table.rows
    cells = [cell for cell in row[4:] if isinstance(cell, Cell)]
    assert len(cells) == len(ALL)
    assert {cell.more for cell in cells} == {""}
    assert len({cell.trails for cell in cells}) == len(ALL)


def test_few_prompts_stand_with_their_intervals(store: Store) -> None:
    (row,) = table_of(asked_in(store, ("default", "0.2"))).rows
    assert all("[" in cell.more for cell in row[4:] if isinstance(cell, Cell))
    assert len(row) == 6


def test_the_first_figure_of_a_task_stands_alone_and_the_others_are_folded(store: Store) -> None:
    matter = asked_in(store, ("default",))
    (records,) = matter.found.tasks.values()
    assert [row[1] for row in score_table(matter.found, "fin-harness", records).rows] == ["f1"]
    (others,) = other_table(matter.found, "fin-harness", records)
    assert others.folded
    assert [row[1] for row in others.rows] == ["acc", "f1_norm", "acc_norm"]
    assert others in [block for part in document(matter).parts for block in part.blocks]


def test_a_ninth_series_has_a_shape_of_its_own() -> None:
    drawn = spans([("chabsa", [(0.5, 0.4, 0.6)] * 9, None)], [f"prompt {n}" for n in range(9)])
    shapes = {look(n) for n in range(9)}
    assert "prompt 8" in drawn
    assert len(shapes) == 9
