"""The page of a merged checkpoint: how it was merged, how alike its vectors are, and what the hub reads of it."""

import json
import re
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest
import yaml

from datacards.card import Ref, Rights
from datacards.merged import MERGED, SIMILARITY, Alike, Merged, Method, Similarity, Spread, Vector, to_lines
from datacards.render.report import report
from datacards.site.readme import readme
from datacards.store import Store

VERSION = "2026.11.26"
PAIR = ("domain", "instruct")
COMMIT = "0123456789abcdef0123456789abcdef01234567"
INPUTS = {
    "base": Ref(name="hf:rinna/nekomata-14b", version=COMMIT, digest="a" * 64),
    "domain": Ref(name="local:継続学習", version="abc", digest="b" * 64),
    "instruct": Ref(name="hf:rinna/nekomata-14b-instruction", version=COMMIT, digest="c" * 64),
}
TYPES = ("self_attn.q_proj.weight", "mlp.up_proj.weight")


def rows() -> list[Similarity]:
    names = [(layer, kind) for layer in range(3) for kind in TYPES] + [(None, "lm_head.weight")]
    return [
        Similarity.model_validate(
            {"tensor": f"model.layers.{layer}.{kind}" if layer is not None else kind, "layer": layer, "type": kind,
             "n": 64, "norms": {"domain": 0.5, "instruct": 2}, "pairs": [{"roles": PAIR, "cosine": 0.25}]}
        )
        for layer, kind in names
    ]  # fmt: skip


def told(**more: Any) -> Merged:
    spread = {"tensors": 7, "mean": 0.0312, "std": 0.02, "max": 0.206055, "min": -0.104004}
    pair = Alike(
        roles=PAIR, tensors=7, spread=Spread(**spread), types=(Spread(type="mlp.up_proj.weight", **spread),),
        mean_abs=0.04, chance=0.0004, whole=0.0288, signs_agree=0.511,
    )  # fmt: skip
    return Merged.model_validate(
        {
            "methods": [Method(name="ties", title="TIES-Merging", link="https://arxiv.org/abs/2306.01708")],
            "models": INPUTS,
            "notes": ["Two rows were added to the embedding: <fin>, </fin>."],
            "independence": [
                "The assumption nearly holds: mean |cosine| 0.04.",
                "Mind the storage: 73 % stayed.",
            ],
            "vectors": [Vector(role="domain", norm=1.25, relative=0.0176, unchanged=0.73, kept=0.69)],
            "pairs": [pair],
        }
        | more
    )


def merged(store: Store, said: Merged | str, **more: Any) -> str:
    """Make a merged checkpoint and return its page."""
    recipe = {"merger": "ties", "options": {"density": 0.2}, "output": "model"} | more.pop("recipe", {})
    made_from = more.pop("made_from", list(INPUTS.values()))
    with store.write(
        name="fin-inst", version=VERSION, kind="checkpoint", recipe=recipe, made_from=made_from
    ) as draft:
        (draft.path / SIMILARITY).write_text(to_lines(rows()), encoding="utf-8")
        text = said if isinstance(said, str) else said.model_dump_json()
        (draft.path / MERGED).write_text(text, encoding="utf-8")
        for name, content in more.pop("files", {}).items():
            (draft.path / name).write_text(content, encoding="utf-8")
        draft.rights.extend(more.pop("rights", []))
    return (folder(store) / "README.md").read_text(encoding="utf-8")


def folder(store: Store) -> Path:
    return store.path(store.resolve("fin-inst"))


def head(page: str) -> dict[str, Any]:
    found = yaml.safe_load(page.split("---\n")[1])
    assert isinstance(found, dict)
    return found


def test_the_page_says_how_it_was_merged_and_how_alike_the_vectors_are(store: Store) -> None:
    page = merged(store, told())
    for part in (
        "Merged by `ties` ([TIES-Merging](https://arxiv.org/abs/2306.01708))",
        f"| `base` | [hf:rinna/nekomata-14b@{COMMIT}](https://huggingface.co/rinna/nekomata-14b/tree/{COMMIT}) | `{'a' * 16}`",
        f"| `domain` | local:継続学習@abc | `{'b' * 16}` | 1.25 | 1.76 % | 73 % |",
        "- Two rows were added to the embedding: &lt;fin&gt;, &lt;/fin&gt;.",
        "**The assumption nearly holds: mean \\|cosine\\| 0.04.**\n\nMind the storage: 73 % stayed.",
        "| `domain` and `instruct` | 7 | +0.0312 | 0.0200 | +0.2061 | -0.1040 | 0.0400 | 0.0004 | +0.0288 | 51.1 % |",
        "| `mlp.up_proj.weight` | 7 | +0.0312 |",
        "](plots/similarity.svg)",
        "density: 0.2",
        "licenses of [rinna/nekomata-14b](https://huggingface.co/rinna/nekomata-14b), ",
    ):
        assert part in page
    assert store.verify(store.resolve("fin-inst")) == []


def test_the_hub_reads_what_it_was_merged_from(store: Store) -> None:
    rights = [Rights(license="PDL-1.0", attribution="出典", redistribution=True)]
    found = head(merged(store, told(), rights=rights))
    assert found["base_model"] == ["rinna/nekomata-14b", "rinna/nekomata-14b-instruction"]
    assert found["base_model_relation"] == "merge"
    assert (found["library_name"], found["pipeline_tag"], found["language"]) == (
        "transformers", "text-generation", ["ja"],
    )  # fmt: skip
    assert {"merge", "ties", "kanagura"} <= set(found["tags"])
    assert found["license"] == "other"


def test_the_page_of_an_evolved_merge_says_where_its_numbers_stand(store: Store) -> None:
    """What it was merged by stands in the part of the recipe that is the merge's."""
    names = ("best.yaml", "evolution.svg", "trials.parquet")
    recipe = {"merge": {"merger": "ties", "output": "model"}, "objective": {"plugin": "likelihood"}}
    page = merged(store, told(), recipe={"merger": None, **recipe}, files=dict.fromkeys(names, ""))
    assert "ties" in head(page)["tags"]
    assert "nothing was trained. Its numbers stand in `best.yaml`." in page
    assert "The objective `likelihood` scores the best of them" in page


def test_one_vector_alone_is_like_no_other(store: Store) -> None:
    page = merged(store, told(pairs=[]), recipe={"output": "vector"})
    assert "## The task vector\n" in page and "## Similarity" not in page
    assert "It is no model" in page


def test_what_the_hub_would_not_know_is_not_named_as_a_base(store: Store) -> None:
    names = ["hf:../../etc", "hf:a/b/c", "hf:x", "hf:a/b\n- c", "local:a/b", "texts"]
    refs = [Ref(name=name, version="1", digest="d" * 64) for name in names]
    page = merged(store, told(models={}), made_from=refs, recipe={"merger": "x\ny"})
    assert "base_model" not in head(page)
    assert head(page)["tags"] == ["finance", "kanagura", "checkpoint", "merge"]
    assert "## Licenses of the models" not in page


def test_the_figure_describes_and_is_no_content(store: Store) -> None:
    """Another release of the drawing library must not make another content."""
    merged(store, told())
    svg = (folder(store) / "plots" / "similarity.svg").read_text(encoding="utf-8")
    assert fromstring(svg.encode()).tag.endswith("svg")  # noqa: S314  our own text
    assert "<!-- q_proj -->" in svg
    card = store.card(store.resolve("fin-inst"))
    without = card.model_copy(
        update={"files": tuple(f for f in card.files if not f.path.startswith("plots/"))}
    )
    assert card.content_digest == without.content_digest


def test_what_is_said_cannot_break_out_of_the_page(store: Store) -> None:
    evil = "</td><script>alert(1)</script> | `x` [a](javascript:alert(1)) ![b](http://e.example/p.png)\n# Title\u202e"
    method = Method(name=evil, title=evil, link="javascript:alert(1)")
    pair = (
        told()
        .pairs[0]
        .model_copy(update={"types": (Spread(type=evil, tensors=1, mean=0, std=0, max=0, min=0),)})
    )
    said = told(
        notes=[evil], independence=[evil, evil], methods=[method], pairs=[pair],
        models={evil: Ref(name=evil, version="1")},
    )  # fmt: skip
    rules = [{"match": evil, "merger": evil, "options": {evil: 1}}, "no rule"]
    page = merged(store, said, recipe={"rules": rules}).partition("## Made from")[0]
    html, parts = readme(page, pages=lambda _: "", picture=lambda _: None)
    assert "<script" not in html
    assert "javascript:" not in re.sub(r">[^<]*<", "><", html)
    assert "<img" not in html
    assert "Title" not in [title for _, title in parts]
    assert "\u202e" not in page


@pytest.mark.parametrize(
    "text", ["", "[]", '{"notes": 1}', '{"independence": ["a"], "more": 1}', '{"pairs": [{}]}']
)
def test_a_file_of_that_name_that_others_wrote_is_left_alone(store: Store, text: str) -> None:
    page = merged(store, text)
    assert "How it was merged" not in page
    assert "plots/similarity.svg" not in page
    assert "AutoModelForCausalLM" in page


def test_rules_stand_in_a_table(store: Store) -> None:
    rules = [{"match": "lm_head.*", "merger": "ties", "options": {"density": 0.5}}, {"match": "*.norm.*"}]
    page = merged(store, told(), recipe={"rules": rules})
    assert '| `lm_head.*` | `ties` | `{"density": 0.5}` |' in page
    assert "| `*.norm.*` | that of the others |  |" in page


def test_a_vector_is_not_opened_as_a_model(store: Store) -> None:
    page = merged(store, told(), recipe={"output": "vector"}, files={"chat_template.jinja": "{{ x }}"})
    assert "AutoModelForCausalLM" not in page
    assert f"fin-inst@{VERSION}" in page
    assert "library_name" not in head(page)
    assert "task-vector" in head(page)["tags"]


@pytest.mark.parametrize(
    "files", [{"chat_template.jinja": "{{ x }}"}, {"tokenizer_config.json": '{"chat_template": "{{ x }}"}'}]
)
def test_a_model_with_a_chat_template_is_asked_in_its_form(store: Store, files: dict[str, str]) -> None:
    assert "apply_chat_template" in merged(store, told(), files=files)


def test_a_model_without_one_is_not(store: Store) -> None:
    assert "apply_chat_template" not in merged(store, told())


def test_of_many_pairs_the_farthest_are_shown(store: Store) -> None:
    spread = Spread(tensors=1, mean=0.1, std=0, max=0.1, min=0.1)
    pairs = [Alike(roles=(f"a{at}", f"b{at}"), tensors=1, spread=spread, whole=at / 100) for at in range(30)]
    page = merged(store, told(pairs=pairs))
    assert page.index("`a29` and `b29`") < page.index("`a28` and `b28`")
    assert "`a9` and `b9`" not in page
    assert "Of 30 pairs these are the farthest from zero; `merge.json` has all." in page


def test_the_report_says_whether_the_vectors_are_independent(store: Store, tmp_path: Path) -> None:
    merged(store, told())
    model = store.resolve("fin-inst")
    with store.write(
        name="scores", version=VERSION, kind="evaluation", recipe={}, made_from=[model]
    ) as draft:
        score = {"task": "t", "metric": "acc", "value": 0.5, "stderr": None, "samples": 4}
        (draft.path / "scores.json").write_text(json.dumps([score]), encoding="utf-8")
    report(store, [store.resolve("scores")], tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    for part in ("The assumption nearly holds: mean |cosine| 0.04.", "Mind the storage", "domain and instruct",
                 "+0.2061", "norm, domain", "similarity of the task vectors of fin-inst"):  # fmt: skip
        assert part in page
