"""Worlds in which some tell the truth, some make things up, and some copy: what the judgement of belief is tried on.

The ranges and the seeds below were fixed before anything was tuned on them. A world is drawn from them by its seed
alone. What is judged sees only `Heard` without its last three fields: those are the truth, kept for the scoring.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

SEEDS: Final = tuple(range(1, 25))
"""Worlds with 0 to 6 copiers."""
SEEDS_WITHOUT_COPIERS: Final = tuple(range(101, 113))
"""Worlds in which nobody copies, else drawn from the same ranges."""

HONEST: Final = (2, 6)
"""Sources that look for themselves."""
HONEST_ACCURACY: Final = (0.70, 0.95)
"""Chance that what such a one says is right."""
FABRICATORS: Final = (1, 3)
FABRICATOR_ACCURACY: Final = (0.20, 0.55)
COPIERS: Final = (0, 6)
COPYING: Final = (0.0, 0.95)
"""Chance that a copier repeats what the source it copies said, where that said something; else it looks for itself."""
COPIES_A_FABRICATOR: Final = 0.6
"""Chance that the source it copies is a fabricator; else it is an honest one, or another copier."""
COPIER_ACCURACY: Final = (0.50, 0.85)
"""Of what it finds by itself."""
REWORDING: Final = (0.0, 0.5)
"""Share of the words that a copier changes."""
COPY_DELAY_DAYS: Final = (0.1, 10.0)
"""Its usual delay; each copy takes between half and twice that."""
OWN_DELAY_DAYS: Final = (0.1, 5.0)
"""Mean time in which a source finds something by itself (exponential): some are always quicker than others."""
SAYS_SO: Final = (0.0, 0.5)
"""Share of its copies that say what they were made of."""
KEEPS_ID: Final = (0.0, 0.5)
"""Share of its copies that keep the STIX id."""
UNDISCLOSED: Final = (0.0, 0.5)
"""Share of all reports whose origin the one who passes them on does not disclose."""
COVERAGE: Final = (0.3, 0.9)
"""Chance that a source that looks for itself says anything on a claim."""
SILENT_ON_BENIGN: Final = (0.0, 1.0)
"""Chance that a source which finds something harmless says nothing, in place of saying so: feeds do that."""
WITHOUT_TEXT: Final = (0.0, 0.8)
"""Share of the originals that bear no text."""
TRAPS: Final = (0.0, 0.10)
"""Share of harmless things that look malicious to everybody: honest sources err there alike, without copying."""
TRAP_ERROR: Final = 0.6
"""Chance that a source which looks for itself calls a trap malicious."""
MALICIOUS: Final = (0.3, 0.7)
"""Share of claims that are true."""
JUDGED_CLAIMS: Final = (60, 400)
"""Claims whose outcome is known to the judge, over half a year."""
OPEN_CLAIMS: Final = 300
"""Claims that are judged and scored."""

NOW: Final = datetime(2026, 11, 30, 12, tzinfo=UTC)
_HISTORY_DAYS: Final = 180
_TEXT_WORDS: Final = (25, 80)
_TEMPLATE_WORDS: Final = 10
"""Words at the beginning of each text of a source, always the same."""
_VOCABULARY: Final = 3_000


@dataclass(frozen=True, slots=True)
class Heard:
    """One report of one claim, as it came."""

    key: str
    claim: int
    voice: str
    is_disclosed: bool
    says_malicious: bool
    at: datetime
    text: str
    stix_id: str
    made_of: str
    """Key of the report that it says it was made of; empty: it says nothing."""
    is_copy: bool = field(default=False)
    """The truth: it repeats another report."""
    root: str = field(default="")
    """The truth: key of the report that it comes from in the end."""
    copied_from: str = field(default="")
    """The truth: key of the report that it repeats."""


@dataclass(slots=True)
class Source:
    """Somebody who says things."""

    name: str
    accuracy: float
    coverage: float
    delay_days: float
    template: list[str]
    copies: str = ""
    copying: float = 0.0
    rewording: float = 0.0
    says_so: float = 0.0
    keeps_id: float = 0.0
    copy_delay_days: float = 0.0


@dataclass(frozen=True, slots=True)
class World:
    """Everything that is so in one world, and what is heard of it."""

    seed: int
    sources: list[Source]
    judged: list[list[Heard]]
    """Of claims whose outcome is known."""
    judged_truth: list[bool]
    open: list[list[Heard]]
    open_truth: list[bool]
    undisclosed: float
    silent_on_benign: float
    traps: float

    @property
    def n_copiers(self) -> int:
        """Return the number of sources that copy."""
        return sum(bool(source.copies) for source in self.sources)

    @property
    def copying(self) -> float:
        """Return how much copiers copy, on average."""
        shares = [source.copying for source in self.sources if source.copies]
        return sum(shares) / len(shares) if shares else 0.0


def draw_world(seed: int, *, with_copiers: bool = True) -> World:
    """Draw a world from the ranges."""
    chance = random.Random(seed)
    sources = _draw_sources(chance, with_copiers=with_copiers)
    undisclosed = chance.uniform(*UNDISCLOSED)
    silent = chance.uniform(*SILENT_ON_BENIGN)
    without_text = chance.uniform(*WITHOUT_TEXT)
    traps = chance.uniform(*TRAPS)
    malicious = chance.uniform(*MALICIOUS)
    n_judged = chance.randint(*JUDGED_CLAIMS)

    truths, heard = [], []
    for number in range(n_judged + OPEN_CLAIMS):
        is_malicious = chance.random() < malicious
        is_trap = not is_malicious and chance.random() < traps
        is_judged = number < n_judged
        start = NOW - timedelta(days=_HISTORY_DAYS * (1 - number / n_judged) + 30 if is_judged else 25)
        truths.append(is_malicious)
        heard.append(
            _hear(
                chance,
                number,
                sources,
                start,
                is_malicious=is_malicious,
                is_trap=is_trap,
                undisclosed=undisclosed,
                silent=silent,
                without_text=without_text,
            )
        )
    return World(
        seed=seed,
        sources=sources,
        judged=heard[:n_judged],
        judged_truth=truths[:n_judged],
        open=heard[n_judged:],
        open_truth=truths[n_judged:],
        undisclosed=undisclosed,
        silent_on_benign=silent,
        traps=traps,
    )


def _words(chance: random.Random, n: int) -> list[str]:
    """Return words as languages have them: a few often, most seldom."""
    return [f"w{int(_VOCABULARY ** chance.random())}" for _ in range(n)]


def _draw_sources(chance: random.Random, *, with_copiers: bool) -> list[Source]:
    def source(name: str, accuracy: tuple[float, float]) -> Source:
        return Source(
            name=name,
            accuracy=chance.uniform(*accuracy),
            coverage=chance.uniform(*COVERAGE),
            delay_days=chance.uniform(*OWN_DELAY_DAYS),
            template=_words(chance, _TEMPLATE_WORDS),
        )

    honest = [source(f"honest-{n}", HONEST_ACCURACY) for n in range(chance.randint(*HONEST))]
    fabricators = [
        source(f"fabricator-{n}", FABRICATOR_ACCURACY) for n in range(chance.randint(*FABRICATORS))
    ]
    copiers: list[Source] = []
    for n in range(chance.randint(*COPIERS) if with_copiers else 0):
        copier = source(f"copier-{n}", COPIER_ACCURACY)
        models = fabricators if chance.random() < COPIES_A_FABRICATOR else honest + copiers
        copier.copies = chance.choice(models).name
        copier.copying = chance.uniform(*COPYING)
        copier.rewording = chance.uniform(*REWORDING)
        copier.says_so = chance.uniform(*SAYS_SO)
        copier.keeps_id = chance.uniform(*KEEPS_ID)
        copier.copy_delay_days = chance.uniform(*COPY_DELAY_DAYS)
        copiers.append(copier)
    sources = honest + fabricators + copiers
    names = chance.sample(range(100, 1000), len(sources))  # so that no name tells what its bearer is
    new = {one.name: f"party-{number}" for one, number in zip(sources, names, strict=True)}
    for one in sources:
        one.name, one.copies = new[one.name], new.get(one.copies, "")
    return sources


def _hear(
    chance: random.Random,
    claim: int,
    sources: list[Source],
    start: datetime,
    *,
    is_malicious: bool,
    is_trap: bool,
    undisclosed: float,
    silent: float,
    without_text: float,
) -> list[Heard]:
    """Let every source speak on one claim, or not."""
    said: dict[str, Heard] = {}
    for source in sources:  # copiers come after those they copy
        original = said.get(source.copies)
        key = f"{claim}-{source.name}"
        is_disclosed = chance.random() >= undisclosed
        new_id = f"indicator--{_uuid(chance)}"
        if original is not None and chance.random() < source.copying:
            said[source.name] = Heard(
                key=key,
                claim=claim,
                voice=source.name,
                is_disclosed=is_disclosed,
                says_malicious=original.says_malicious,
                at=original.at + timedelta(days=source.copy_delay_days * chance.uniform(0.5, 2)),
                text=_reworded(chance, original.text, source.rewording),
                stix_id=original.stix_id if chance.random() < source.keeps_id else new_id,
                made_of=original.key if chance.random() < source.says_so else "",
                is_copy=True,
                root=original.root,
                copied_from=original.key,
            )
            continue
        if chance.random() >= source.coverage:
            continue
        is_right = chance.random() < (1 - TRAP_ERROR if is_trap else source.accuracy)
        says_malicious = is_malicious if is_right else not is_malicious
        if not says_malicious and chance.random() < silent:
            continue
        text = [*source.template, *_words(chance, chance.randint(*_TEXT_WORDS))]
        said[source.name] = Heard(
            key=key,
            claim=claim,
            voice=source.name,
            is_disclosed=is_disclosed,
            says_malicious=says_malicious,
            at=start + timedelta(days=chance.expovariate(1 / source.delay_days)),
            text="" if chance.random() < without_text else " ".join(text),
            stix_id=new_id,
            made_of="",
            root=key,
        )
    return list(said.values())


def _uuid(chance: random.Random) -> str:
    digits = f"{chance.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"


def _reworded(chance: random.Random, text: str, share: float) -> str:
    return " ".join(_words(chance, 1)[0] if chance.random() < share else word for word in text.split())
