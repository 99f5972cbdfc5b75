"""Names under which strangers register names of their own."""

from __future__ import annotations

from pathlib import Path

import publicsuffixlist
import pytest
from publicsuffixlist import PublicSuffixList

from backchannel.observables.suffixes import RESERVED_SUFFIXES, has_known_suffix, is_public_suffix


@pytest.fixture(scope="module")
def whole() -> PublicSuffixList:
    """Return the list as its package reads it, with everything it can."""
    return PublicSuffixList()


def test_each_name_in_the_list_is_what_the_whole_list_says(whole: PublicSuffixList) -> None:
    """Whether it is in ASCII, has A-labels, is a wildcard or an exception, and with a label more or less."""
    rules = [
        line.split()[0].lstrip("!*.")
        for line in Path(publicsuffixlist.PSLFILE).read_text("utf-8").splitlines()
        if line.strip() and not line.startswith("//")
    ]
    assert len(rules) > 9_000
    told = 0
    for rule in rules:
        suffix = rule.encode("idna").decode()
        for name in (suffix, f"evil.{suffix}", f"deep.evil.{suffix}", f"xn--bcher-kva.{suffix}"):
            assert is_public_suffix(name) == whole.is_public(name), name
            told += is_public_suffix(name)
            found = whole.publicsuffix(name, accept_unknown=False)
            is_below = found not in {None, name} or name.rpartition(".")[2] in RESERVED_SUFFIXES
            assert has_known_suffix(name) == is_below, name
    assert told > 9_000


@pytest.mark.parametrize("name", ["com", "co.uk", "github.io", "xn--p1ai", "xn--55qx5d.cn", "unknown"])
def test_a_suffix(name: str) -> None:
    assert is_public_suffix(name)


@pytest.mark.parametrize("name", ["evil.com", "evil.co.uk", "a.github.io", "evil.xn--p1ai", "city.kobe.jp"])
def test_a_name(name: str) -> None:
    assert not is_public_suffix(name)
    assert has_known_suffix(name)
