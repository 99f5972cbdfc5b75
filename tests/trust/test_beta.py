"""The 10 % quantile of a Beta distribution, against its closed forms."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backchannel.trust.beta import cdf, quantile


@pytest.mark.parametrize("b", [1, 2, 4.5, 40, 1000])
def test_where_one_side_is_one_there_is_a_closed_form(b: float):
    assert quantile(0.1, 1, b) == pytest.approx(1 - 0.9 ** (1 / b), abs=1e-8)
    assert quantile(0.1, b, 1) == pytest.approx(0.1 ** (1 / b), abs=1e-8)


@given(st.integers(1, 40), st.integers(1, 40), st.floats(0.01, 0.99))
def test_whole_numbers_are_a_binomial_tail(a: int, b: int, x: float):
    n = a + b - 1
    tail = sum(math.comb(n, k) * x**k * (1 - x) ** (n - k) for k in range(a, n + 1))
    assert cdf(x, a, b) == pytest.approx(tail, abs=1e-9)


@given(st.floats(1, 5000), st.floats(1, 5000))
def test_quantile_and_cdf_undo_each_other(a: float, b: float):
    value = quantile(0.1, a, b)
    assert 0 < value < 1
    assert cdf(max(value - 1e-8, 0), a, b) <= 0.1 <= cdf(min(value + 1e-8, 1), a, b)
