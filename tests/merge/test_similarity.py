"""What is said of task vectors is what they are: numbers as torch has them, verdicts that follow from the numbers."""

import math
import re
from itertools import combinations
from pathlib import Path
from xml.etree.ElementTree import fromstring

import numpy as np
import pytest
import torch

from datacards import plugins
from datacards.merged import Alike, Merged, Similarity, read_similarity, to_lines
from datacards.render.similarity_plot import figure
from merge.papers import PAPERS
from merge.similarity.independence import sentences
from merge.similarity.record import similarity
from merge.similarity.storage import kept
from merge.similarity.summary import alike, expected, metrics, vectors
from merge.streaming.measured import Measured

PAIR = ("domain", "instruct")
Vectors = dict[str, torch.Tensor]


def measured(tensor: str, found: Vectors, base: torch.Tensor | None = None) -> Measured:
    """Return what a pass over ``tensor`` measures, by torch in float64."""
    some = next(iter(found.values()))
    rows = torch.stack([one.double().flatten() for one in found.values()])
    signs = torch.sign(rows)
    products = signs @ signs.T, signs.abs() @ signs.abs().T
    return Measured(
        tensor=tensor,
        shape=tuple(some.shape),
        n=some.numel(),
        roles=tuple(found),
        base=float((base.double() ** 2).sum()) if base is not None else 1.0,
        dots=(rows @ rows.T).numpy(),
        zeros=(rows == 0).sum(1).numpy(),
        agree=((products[1] + products[0]) / 2).numpy().astype(np.int64),
        differ=((products[1] - products[0]) / 2).numpy().astype(np.int64),
    )


def pair(cosine: float, *shape: int, seed: int, ratio: float = 1.0) -> Vectors:
    """Return two random vectors of about this cosine, the second ``ratio`` times as long as the first."""
    draw = torch.Generator().manual_seed(seed)
    one, other = (torch.randn(shape, generator=draw, dtype=torch.float64) for _ in PAIR)
    return {"domain": one, "instruct": ratio * (cosine * one + math.sqrt(1 - cosine**2) * other)}


def model(cosine: float, *, head: float | None = None, layers: int = 3, ratio: float = 1.0) -> list[Measured]:
    """Return what is measured of a small model: two types in every layer, a head and an embedding outside."""
    found = [
        measured(f"model.layers.{layer}.{kind}", pair(cosine, 64, 64, seed=7 * layer + place, ratio=ratio))
        for layer in range(layers)
        for place, kind in enumerate(("self_attn.q_proj.weight", "mlp.up_proj.weight"))
    ]
    ends = {"lm_head.weight": cosine if head is None else head, "model.embed_tokens.weight": cosine}
    return found + [
        measured(name, pair(value, 64, 64, seed=100 + place, ratio=ratio))
        for place, (name, value) in enumerate(ends.items())
    ]


def said(found: list[Measured]) -> str:
    rows = [similarity(one) for one in found]
    return " ".join(sentences(alike(found, rows), vectors(found), rows))


def test_a_tensor_is_recorded_as_torch_measures_it() -> None:
    draw = torch.Generator().manual_seed(0)
    base = torch.randn(6, 7, generator=draw)
    found = {
        role: torch.randn(6, 7, generator=draw) * (torch.rand(6, 7, generator=draw) > 0.3) for role in "abc"
    }
    row = similarity(measured("model.layers.11.mlp.up_proj.weight", found, base))
    assert (row.layer, row.type, row.n, row.shape) == (11, "mlp.up_proj.weight", 42, (6, 7))
    assert row.norm_base == pytest.approx(float(base.double().norm()))
    assert [one.roles for one in row.pairs] == list(combinations("abc", 2))
    for role, vector in found.items():
        assert row.norms[role] == pytest.approx(float(vector.double().norm()), rel=1e-12)
        assert row.unchanged[role] == int((vector == 0).sum()) / 42
    for one in row.pairs:
        a, b = (found[role].double().flatten() for role in one.roles)
        assert one.cosine == pytest.approx(
            float(torch.nn.functional.cosine_similarity(a, b, dim=0)), abs=1e-12
        )
        both = (a != 0) & (b != 0)
        assert one.moved == int(both.sum())
        assert one.signs_agree == pytest.approx(float((torch.sign(a) == torch.sign(b))[both].double().mean()))


def test_very_small_vectors_have_a_cosine_and_a_zero_one_has_none() -> None:
    small = torch.full((8,), 1e-100, dtype=torch.float64)
    row = similarity(measured("w", {"domain": small, "instruct": -small}))
    assert row.cosine(PAIR) == pytest.approx(-1)
    still = similarity(measured("w", {"domain": small, "instruct": 0 * small}))
    assert (still.cosine(PAIR), still.unchanged["instruct"], still.pairs[0].signs_agree) == (None, 1.0, None)


def test_a_buffer_without_elements_or_a_model_alone_is_recorded_too() -> None:
    row = similarity(measured("empty", {"only": torch.zeros(0)}))
    assert (row.n, row.pairs, row.norms) == (0, (), {"only": 0.0})


def test_the_file_has_a_tensor_a_line_and_gives_the_records_back(tmp_path: Path) -> None:
    rows = [similarity(one) for one in model(0.2)]
    (tmp_path / "similarity.json").write_text(to_lines(rows), encoding="utf-8")
    assert len(to_lines(rows).splitlines()) == len(rows) + 2
    assert read_similarity(tmp_path / "similarity.json") == rows


def test_the_form_of_earlier_versions_is_read_and_anything_else_is_no_similarity(tmp_path: Path) -> None:
    path = tmp_path / "similarity.json"
    old = '{"tensor": "lm_head.weight", "layer": null, "type": "lm_head.weight", "cosine": 0.25, "n": 64,'
    path.write_text(
        f'[{old} "norm_domain": 1.5, "norm_instruct": 2.5, "signs_agree": 0.5}}]', encoding="utf-8"
    )
    [row] = read_similarity(path)
    assert (row.cosine(PAIR), row.norms) == (0.25, {"domain": 1.5, "instruct": 2.5})
    for other in ("{}", "[1]", "[", f'[{old} "norm_domain": NaN, "norm_instruct": 1}}]'):
        path.write_text(other, encoding="utf-8")
        assert read_similarity(path) == []


def test_the_table_is_that_of_all_cosines_and_the_whole_cosine_that_of_one_long_vector() -> None:
    parts = [
        pair(value, *shape, seed=seed) for seed, (value, shape) in enumerate([(0.5, (40,)), (-0.2, (9, 30))])
    ]
    found = [measured(f"model.layers.{at}.w", one) for at, one in enumerate(parts)]
    [told] = alike(found, [similarity(one) for one in found])
    cosines = torch.tensor(
        [torch.nn.functional.cosine_similarity(*(v.flatten() for v in p.values()), dim=0) for p in parts]
    )
    assert told.spread is not None
    assert (told.spread.mean, told.spread.std) == pytest.approx(
        (float(cosines.mean()), float(cosines.std(correction=0)))
    )
    assert (told.spread.max, told.spread.min) == pytest.approx((float(cosines.max()), float(cosines.min())))
    one, other = (torch.cat([part[role].flatten() for part in parts]) for role in PAIR)
    assert told.whole == pytest.approx(float(torch.nn.functional.cosine_similarity(one, other, dim=0)))
    assert told.along["domain"] == pytest.approx(float(one @ other / (one @ one)))
    assert [(spread.type, spread.tensors) for spread in told.types] == [("w", 2)]


def test_the_experts_of_a_layer_are_of_one_type() -> None:
    found = [
        measured(f"model.layers.0.mlp.experts.{at}.up_proj.weight", pair(0.1, 9, 9, seed=at))
        for at in range(3)
    ]
    [told] = alike(found, [similarity(one) for one in found])
    assert [(spread.type, spread.tensors) for spread in told.types] == [("mlp.experts.*.up_proj.weight", 3)]


def test_the_card_has_the_plain_names_for_the_pair_of_the_paper_or_the_only_one() -> None:
    names = [f"cosine_{what}" for what in ("mean", "std", "max", "min", "whole")]
    draw = torch.Generator().manual_seed(0)

    def held(*roles: str) -> list[str]:
        found = [measured("w", {role: torch.randn(30, generator=draw) for role in roles})]
        return list(metrics(alike(found, [similarity(one) for one in found])))

    assert held(*PAIR) == held("boj", "edinet") == names
    assert held("boj", *PAIR) == names + [f"{n}/boj/{role}" for role in PAIR for n in names]
    assert held(*"abcdefgh") == []
    assert held(*"abcdef", *PAIR) == names


@pytest.mark.parametrize("n", [16, 400])
def test_chance_is_what_random_directions_give(n: int) -> None:
    draw = torch.Generator().manual_seed(0)
    one, other = (torch.randn(20_000, n, generator=draw) for _ in PAIR)
    sizes = torch.nn.functional.cosine_similarity(one, other).abs()
    assert expected(n) == pytest.approx(float(sizes.mean()), rel=0.03)


def rounded(move: float, cosine: float = 0.3, n: int = 200_000) -> Measured:
    """Return what is measured of a small and a large move of bfloat16 weights, stored in bfloat16 again."""
    draw = torch.Generator().manual_seed(1)
    base = (0.02 * torch.randn(n // 100, 100, generator=draw)).bfloat16().double()
    exact = pair(cosine, n // 100, 100, seed=5)
    moved = {"domain": move * exact["domain"], "instruct": 6e-4 * exact["instruct"]}
    return measured(
        "model.layers.0.w",
        {role: (base + one).bfloat16().double() - base for role, one in moved.items()},
        base,
    )


@pytest.mark.parametrize("move", [5e-6, 1e-5, 5.6e-5, 1e-4, 4e-4])
def test_what_storage_left_of_a_cosine_is_read_off_the_weights_that_stayed(move: float) -> None:
    """The estimate is right where its assumption holds: a true cosine of 0.30 comes back from what is stored."""
    row = similarity(rounded(move))
    assert row.cosine(PAIR) == pytest.approx(0.3 * kept(row.unchanged["domain"]), abs=0.012)


def test_vectors_without_anything_in_common_are_called_independent() -> None:
    told = said(model(0.0))
    assert told.startswith("The independence assumption holds for the task vectors of domain and instruct: ")
    assert re.search(
        r"mean \|cosine\| is 0\.01\d over 8 tensors, where random directions would give 0\.012", told
    )
    assert re.search(r"Of the weights that both move, (49|50|51) % are pulled in opposite directions", told)
    assert "Storage has hardly touched the vectors: at most 0 %" in told


def test_a_small_cosine_beyond_chance_is_called_nearly_independent() -> None:
    told = said(model(0.07))
    assert "assumption nearly holds" in told
    assert re.search(
        r"over all weights the cosine is \+0\.0\d+, so that 0\.\d+ % of the squared length", told
    )


def test_half_of_a_vector_in_common_is_called_dependent() -> None:
    told = said(model(0.7))
    assert "The independence assumption does not hold for" in told
    assert re.search(
        r"The most dependent tensor, of those beyond chance, is \S+ with \+0\.7\d+ \(\d\d %\); 8 tensors are beyond 0\.3\.",
        told,
    )
    assert "(49 %)" in told or "(50 %)" in told


def test_a_head_that_stands_out_is_named() -> None:
    told = said(model(0.05, head=-0.6))
    assert "The most dependent tensor, of those beyond chance, is lm_head.weight with -0.5" in told
    assert re.search(r"lm_head\.weight \(-0\.5\d+\) stands out; a rule can merge that in another way", told)
    assert "nothing stands out: lm_head.weight (+0." in said(model(0.2))


def test_what_a_long_vector_does_to_a_short_one_is_told_though_the_cosine_is_small() -> None:
    told = said(model(0.09, ratio=8.0))
    assert "nearly holds" in told
    assert re.search(
        r"instruct is 8(\.\d)? times as long as that of domain: added whole, it adds 6\d %", told
    )


def test_a_vector_that_storage_has_eaten_is_not_called_orthogonal() -> None:
    told = said([rounded(1e-5)])
    assert re.search(
        r"Mind the storage: 8\d % of the weights of domain are bit for bit those of the base", told
    )
    assert "towards zero, to about 0.4" in told
    found = re.search(r"cosine over all weights about \+(0\.\d+)", told)
    assert found
    assert float(found[1]) == pytest.approx(0.3, abs=0.03)
    eaten = said([rounded(1e-5, cosine=0.15)])
    assert "assumption nearly holds" in eaten
    assert "the assumption would hold only in part" in eaten


def test_a_tensor_that_was_not_trained_is_no_sign_of_rounding() -> None:
    still = measured("model.layers.3.w", {role: torch.zeros(64, 64) for role in PAIR})
    words = pair(0.0, 500, 8, seed=3)
    words["domain"][:450] = 0  # words that never came
    found = [*model(0.0), still, measured("transformer.wte.weight", words)]
    assert [one.unchanged for one in vectors(found)] == [0.0, 0.0]
    assert "Storage has hardly touched" in said(found)


def test_of_a_vector_of_zeros_nothing_is_said() -> None:
    told = said([measured("w", {"domain": torch.zeros(9), "instruct": torch.ones(9)})])
    assert told.startswith(
        "Nothing can be said on the independence of the task vectors of domain and instruct"
    )
    assert "the vector of domain is zero everywhere" in told
    assert said([]) == ""


def test_of_many_vectors_the_pair_most_alike_is_told() -> None:
    draw = torch.Generator().manual_seed(0)
    found = {role: torch.randn(40, 40, generator=draw) for role in ("boj", "edinet", "wikipedia")}
    found["wikipedia"] = found["wikipedia"] + found["edinet"]
    told = said([measured("w", found)])
    assert "does not hold for the task vectors of edinet and wikipedia" in told
    assert "Of the other 2 pairs, boj and " in told


def cosines(types: dict[str, int], layers: int = 40) -> list[Similarity]:
    return [
        Similarity.model_validate(
            {"tensor": f"model.layers.{layer}.{name}", "layer": layer, "type": name, "n": n,
             "pairs": [{"roles": PAIR, "cosine": 0.1 * math.sin(layer + place)}]}
        )
        for layer in range(layers)
        for place, (name, n) in enumerate(types.items())
    ]  # fmt: skip


QWEN = {
    "ln_1.weight": 5120, "attn.c_attn.weight": 5120**2 * 3, "attn.c_attn.bias": 5120 * 3, "attn.c_proj.weight": 5120**2,
    "ln_2.weight": 5120, "mlp.w1.weight": 5120 * 13696, "mlp.w2.weight": 5120 * 13696, "mlp.c_proj.weight": 5120 * 13696,
}  # fmt: skip


def outside(name: str, cosine: float | None) -> Similarity:
    pairs = [{"roles": PAIR, "cosine": cosine}]
    return Similarity.model_validate({"tensor": name, "layer": None, "type": name, "n": 5120, "pairs": pairs})


def test_the_figure_has_every_type_and_the_same_bytes_twice() -> None:
    rows = [*cosines(QWEN), outside("lm_head.weight", 0.206), outside("transformer.ln_f.weight", -0.104)]
    svg = figure(rows, PAIR)
    assert fromstring(svg.encode()).tag.endswith("svg")  # noqa: S314  our own text
    words = re.findall("<!-- (.*) -->", svg)  # text is drawn as paths, and stands beside them
    for name in ("c_attn", "c_proj", "w1", "w2", "ln_1", "ln_2", "lm_head.weight", "transformer.ln_f.weight", "+0.2060",
                 "attention", "MLP", "biases", "norms", "layer", "chance (n = 5,120)", "cosine of domain and instruct"):  # fmt: skip
        assert name in words
    assert words.count("c_proj") == 2
    assert figure(rows, PAIR) == svg


def test_a_model_without_layers_has_bars_and_one_without_cosines_has_no_figure() -> None:
    assert "<!-- lm_head.weight -->" in figure(
        [outside("lm_head.weight", 0.2), outside("norm.weight", None)], PAIR
    )
    assert figure([outside("norm.weight", None)], PAIR) == figure([], PAIR) == ""


def test_more_types_than_can_be_told_apart_are_cut_and_that_is_said() -> None:
    svg = figure(cosines({f"mlp.path{at}.up{at}.weight": 64 for at in range(12)}, layers=3), PAIR)
    assert "MLP, the 8 of 12 types farthest from 0" in svg


def test_names_that_mean_something_to_a_program_are_only_drawn() -> None:
    """A formula, a hidden label, a tag, a comment's end, a sign that no font has: each is a warning or worse."""
    names = [
        "attn.$x$_{",
        "attn._hidden",
        "attn.<script>",
        "attn.-->",
        "mlp.\U0001f4a3",
        "mlp." + "w" * 500,
        "n.\x00\n",
    ]
    svg = figure([*cosines(dict.fromkeys(names, 64), layers=2), outside("_$\\frac$", 0.1)], PAIR)
    assert fromstring(svg.encode()).tag.endswith("svg")  # noqa: S314
    assert "<script" not in re.sub("<!--.*?-->", "", svg)
    assert "w" * 60 not in svg


def test_every_method_that_can_be_asked_for_has_its_paper() -> None:
    ours = set(plugins.names("kanagura.mergers"))
    assert ours <= PAPERS.keys()
    assert all(method.link.startswith("https://") and method.title for method in PAPERS.values())


def test_what_is_told_can_be_read_again() -> None:
    found = model(0.1)
    pairs: list[Alike] = alike(found, [similarity(one) for one in found])
    told = Merged(pairs=tuple(pairs), vectors=tuple(vectors(found)))
    assert Merged.model_validate_json(told.model_dump_json()) == told
