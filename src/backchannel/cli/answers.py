"""Documents that only the command line answers with."""

from __future__ import annotations

from typing import Literal

import msgspec

from backchannel.desk.hitting import Hit, HuntSummary, RehuntSummary
from backchannel.stix.findings import Finding


class Validated(msgspec.Struct, frozen=True, kw_only=True):
    """`validate --json`: the findings of all files in one document."""

    schema: Literal["backchannel.validated/1"] = "backchannel.validated/1"
    objects: int
    clean: int
    """Objects without a finding; the four counts add up to `objects`."""
    noted: int
    quarantined: int
    refused: int
    findings: tuple[Finding, ...]
    """In the order of the input, at most 10,000."""


class Advised(msgspec.Struct, frozen=True, kw_only=True):
    """`advice ID --json`."""

    schema: Literal["backchannel.advice/1"] = "backchannel.advice/1"
    id: str
    says: str
    do: Literal["block", "look", "tell", "nothing", "ask"] | None
    """Null for an object that asks for nothing: a marking, an identity, ..."""
    text: str
    why: str


class Hunted(msgspec.Struct, frozen=True, kw_only=True):
    """`hunt --json`: how the hunt ended, and the first hit of each indicator at each asset."""

    schema: Literal["backchannel.hunted/1"] = "backchannel.hunted/1"
    summary: HuntSummary
    first_hits: tuple[Hit, ...]
    """`--jsonl` has them all."""


class Rehunted(msgspec.Struct, frozen=True, kw_only=True):
    """`rehunt --json`: how the rehunt ended, and the first hit of each indicator at each asset."""

    schema: Literal["backchannel.rehunted/1"] = "backchannel.rehunted/1"
    summary: RehuntSummary
    first_hits: tuple[Hit, ...]
    """`--jsonl` has them all."""
