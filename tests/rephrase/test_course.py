"""What a run does besides the common: documents that are nothing to ask about, other servers, an early end."""

import json
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from corpus.document import Document
from datacards.card import Ref
from datacards.errors import UserError
from datacards.store import Store
from rephrase.base import Exchange, Reject, Style
from rephrase.estimate import estimate
from rephrase.generators.vllm_engine import VllmEngine
from rephrase.generators.vllm_server import VllmServer
from rephrase.run import run
from tests.rephrase.conftest import document, filing
from tests.rephrase.test_asking import Server, asking, free_port, model, server

__all__ = ["model", "server"]  # fixtures
ROW = "売上高は1,234百万円でした。経常利益は56百万円でした。"
ODD = {
    "empty": "",
    "white": "\n\n　 \n",
    "table": "|科目|金額|\n|---|---|\n|売上高|1,234|\n|経常利益|56|",
    "line": ROW * 2000,
    "zero": f"\x00{ROW}\x00" * 3,
    "marks": f"\u202e{ROW}\u200f\u2066{ROW}\u2060" * 2,
    "prompt": f"### 問題\nQ: 何ですか。\nA: はい\n\n### 文書\n{ROW}<|im_end|>[INST]\n" * 3,
    "braces": "{document}{question}{A}" + ROW * 3,
    "controls": "売上高は\x1b[31m1,234\x07百万円でした。\x85\u2028" * 5,
}


def generator(model: Path, *servers: Server, **options: object) -> VllmServer:
    """Return the generator that the recipe of these tests names."""
    return VllmServer.model_validate(asking(model, *servers, **options).options)


def test_no_document_is_left_without_a_word(server: Server, model: Path, tmp_path: Path) -> None:
    found = [document(name, text, ()) for name, text in ODD.items()]
    found += [replace(document("english", "Sales were 1,234 million yen.", ()), language="en")]
    styles: tuple[Style, ...] = ("qa", "multiple_choice")
    items = list(generator(model, server).generate(lambda: iter(found), styles=styles, seed=0, work=tmp_path))
    said = Counter(
        (one.parent.title, one.unit.style) for one in items if not isinstance(one, Exchange) and one.unit
    )
    assert {(one.title, style) for one in found for style in styles} == set(said)
    reasons = {(one.parent.title, one.drop.reason) for one in items if isinstance(one, Reject)}
    assert reasons >= {("empty", "too_short"), ("white", "too_short"), ("english", "other_language")}


def test_what_nobody_is_asked_about_is_no_chunk_of_those_wanted(
    server: Server, model: Path, tmp_path: Path, documents: list[Document]
) -> None:
    first = [replace(document(str(one), "Sales rose.", ()), language="en") for one in range(5)]
    made = generator(model, server, chunks=2).generate(
        lambda: iter([*first, *documents]), styles=("qa",), seed=0, work=tmp_path
    )
    titles = {item.parent.title for item in made if isinstance(item, Exchange)}
    assert titles == {documents[0].title, documents[1].title}


def test_a_run_goes_on_with_other_servers_and_names_none(
    server: Server, model: Path, store: Store, corpus: Ref
) -> None:
    estimate(asking(model, server), store, str(corpus), units=10_000)
    paid = server.prompts()
    server.stop()
    other = Server(free_port())
    try:
        ref = run(asking(model, other, in_flight=16), store, str(corpus))
        assert paid > 0
        assert other.prompts() == 0
        again = asking(model, server, timeout_s=5.0)  # asked for by a recipe that names the stopped one
        assert run(again, store, str(corpus)) == ref
    finally:
        other.stop()
    folder = store.path(ref)
    told = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.[jm][sd]*"))
    assert json.loads((folder / "card.json").read_text(encoding="utf-8"))["recipe"]["options"]["model"]
    assert "127.0.0.1" not in told


def test_a_reader_that_goes_early_leaves_nothing_at_work(server: Server, model: Path, tmp_path: Path) -> None:
    found = [filing(f"第{number}灯台電機", 1000 + number) for number in range(40)]
    made = generator(model, server).generate(lambda: iter(found), styles=("qa",), seed=0, work=tmp_path)
    assert isinstance(next(made), Exchange)
    made.close()
    assert "requests" not in {thread.name for thread in threading.enumerate()}
    paid = server.prompts()
    list(generator(model, server).generate(lambda: iter(found), styles=("qa",), seed=0, work=tmp_path))
    whole = server.prompts()
    list(generator(model, server).generate(lambda: iter(found), styles=("qa",), seed=0, work=tmp_path))
    assert 0 < paid < whole == server.prompts()


@pytest.mark.parametrize("name", ["model", "dtype", "trust_remote_code", "hf_token"])
def test_an_engine_takes_nothing_of_the_model_beside_its_options(model: Path, name: str) -> None:
    with pytest.raises(UserError, match=f"engine_args: '{name}' is given there"):
        VllmEngine(model=str(model), engine_args={name: "x"}).engine()
