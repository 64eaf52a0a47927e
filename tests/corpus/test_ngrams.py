"""Facts about the search for n-grams."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.contamination.ngrams import candidates, candidates_plain, hashes, sieve
from corpus.folding import fold

TEXTS = st.text(st.sampled_from("売上高利益増減は1"), max_size=200)


@settings(deadline=None)  # the first call compiles
@given(TEXTS, TEXTS, st.integers(1, 20))
def test_every_shared_ngram_is_found(text: str, wanted: str, n: int) -> None:
    codes = fold(text).codes
    table = sieve(np.unique(hashes(fold(wanted).codes, n)))
    places, keys = candidates(codes, n, table)
    grams = {wanted[at : at + n] for at in range(len(wanted) - n + 1)}
    shared = [at for at in range(len(text) - n + 1) if text[at : at + n] in grams]
    assert set(shared) <= set(places.tolist())
    assert keys.tolist() == hashes(codes, n)[places].tolist()


@settings(deadline=None)  # the first call compiles
@given(TEXTS, TEXTS, st.integers(1, 20))
def test_the_compiled_search_finds_what_numpy_finds(text: str, wanted: str, n: int) -> None:
    codes, table = fold(text).codes, sieve(np.unique(hashes(fold(wanted).codes, n)))
    for one, other in zip(candidates(codes, n, table), candidates_plain(codes, n, table), strict=True):
        assert one.tolist() == other.tolist()


def test_equal_ngrams_have_equal_hashes_and_others_do_not_here() -> None:
    codes = fold("売上高は増加し、売上高は減少した").codes
    found = hashes(codes, 4)
    assert found[0] == found[7]
    assert len(set(found.tolist())) == len(found) - 1
