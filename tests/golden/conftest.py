"""The golden set is held on a node like that of the desk's tests."""

from __future__ import annotations

from tests.desk import conftest

node = conftest.node
