"""The rules that speak against acting on a value: withdrawn, ours, needed by all, out of date, ...

Each is a row of the table in `advise`, which says when it fits; here stands what it says.
"""

from __future__ import annotations

from backchannel.actions import sentences
from backchannel.actions.advice import Advice
from backchannel.actions.case import Case, Step, step_of
from backchannel.actions.sentences import said, sighted


def quarantined(case: Case) -> Advice:
    """It waits for a person: ask for a mended one."""
    return Advice(
        "ask",
        said(
            f"Ask {case.who} to send {case.indicator} again, mended",
            f"`backchannel show {case.indicator}` lists what is wrong",
        ),
        "validation put it in quarantine: nothing hunts for it or exports it until a person accepts it",
    )


def revoked(case: Case) -> Advice:
    """Its source took it back."""
    return Advice(
        "nothing",
        said(
            f"Nothing to do about {case.value}: {case.who} withdrew it",
            f"It was seen {sighted(case)}: undo what was done because of that" if case.seen else "",
        ),
        f"{case.indicator} is revoked",
    )


def disputed(case: Case) -> Advice:
    """We said it is a false alarm, and wait."""
    return Advice(
        "nothing",
        said(f"Nothing to do about {case.value} until {case.who} answers our dispute"),
        "we told its source that it is a false alarm",
    )


def benign(case: Case) -> Advice:
    """Its source calls it harmless."""
    seen = f", though it was seen {sighted(case)}" if case.seen else ""
    return Advice(
        "nothing",
        said(f"Nothing to do about {case.value}{seen}: {case.who} names it as harmless"),
        "its indicator type is `benign`",
    )


def own(case: Case) -> Advice:
    """It is ours: look at ourselves, or say so."""
    own = case.target.own if case.target else ""
    if _accuses(case):
        return Advice(
            "look",
            said(
                f"Look at {case.value} yourselves first: it is ours, and {case.who} accuses it",
                f"Either it was taken over, or it is a mistake: then `backchannel dispute {case.indicator}`",
                "Never block it",
            ),
            sentences.join(own, sentences.accusation(case)),
        )
    return Advice(
        "tell",
        said(
            f"Tell {case.who} that {case.value} is ours: `backchannel dispute {case.indicator}`",
            "Hits on it are our own traffic; never block it",
        ),
        sentences.join(own, "no kind of activity or phase is given against it"),
    )


def uncompiled(case: Case) -> Advice:
    """No part of it can be searched: ask for single values."""
    parts = "; ".join(case.uncompiled[:3]) or "no part of its pattern names a value we can look for"
    return Advice(
        "ask",
        said(
            f"We cannot tell whether {case.indicator} concerns us",
            f"Ask {case.who} for the single values behind it (addresses, names, URLs, hashes)",
            sentences.recommended(case),
        ),
        f"it cannot be searched yet: {parts}",
    )


def whole(case: Case) -> Advice:
    """It holds or does not as a whole: no single value of it is to be blocked."""
    why = "its pattern is judged as a whole, and no single value of it says anything alone"
    if case.seen is not None:
        where = case.seen.asset or "the machine in the log line"
        what = (
            f"a part of what {case.indicator} describes"
            if case.scope == "partial"
            else f"what {case.indicator} describes"
        )
        rest = "The log does not show the rest: look for that first" if case.scope == "partial" else ""
        return Advice(
            "look",
            said(f"Look at {where}: {what} was seen {sighted(case)}", rest, sentences.recommended(case)),
            why,
        )
    if case.hunt == "not hunted" or case.lacking:
        logs = f"logs that show {case.lacking}" if case.lacking else "your logs"
        text = said(
            f"Look for what {case.indicator} describes in {logs}: `backchannel hunt PATH`",
            sentences.recommended(case),
        )
        return Advice("look", text, why)
    return Advice(
        "tell",
        said(
            f"Tell {case.who} that it was not seen: `backchannel {sentences.answer(case)} {case.indicator}`",
            sentences.recommended(case),
        ),
        sentences.join("hunted and not seen", why),
    )


def infrastructure(case: Case) -> Advice:
    """Networks need it: a false alarm."""
    return Advice(
        "tell",
        said(
            f"The hits ({sighted(case)}) prove nothing" if case.seen else "",
            f"Tell {case.who} that {case.value} is a false alarm: `backchannel dispute {case.indicator}`",
            "Never block it",
        ),
        f"{_spoken_by(case, 'infrastructure')}: networks need it, so traffic to it is no sign of anything",
    )


def not_yet(case: Case) -> Advice:
    """Not seen, and not valid before a day to come."""
    start = sentences.day(case.standing.valid_from)
    return Advice(
        "nothing",
        said(f"Nothing to do about {case.value} yet: {case.who} dates it from {start}"),
        f"it becomes valid on {start}; exports take it from then on; hunts search for it now already, and call a hit "
        "from earlier `before`",
    )


def late(case: Case) -> Advice:
    """Seen after its source stopped vouching for it."""
    end = sentences.day(case.standing.valid_until)
    return Advice(
        "ask",
        said(
            f"Ask {case.who} whether {case.value} still deserves a warning: it was seen {sighted(case)}, "
            f"after their word ran out on {end}",
            "Do not block it on that word",
        ),
        f"the hit lies after `valid_until` ({end}); addresses and names change hands",
    )


def expired(case: Case) -> Advice:
    """Not seen, and out of date."""
    end = sentences.day(case.standing.valid_until)
    looked = "and a hunt did not see it" if case.hunt == "not seen" else "and no hunt is needed any more"
    return Advice(
        "nothing",
        said(f"Nothing to do about {case.value}: it expired on {end}, {looked}"),
        f"`valid_until` of {case.indicator} is past",
    )


def popular(case: Case) -> Advice:
    """Too many people use it to tell from the value alone."""
    why = f"{_spoken_by(case, 'popular')}: very many people use it for honest things"
    if case.seen:
        return Advice(
            "ask",
            said(
                f"We cannot tell from {case.value} alone, seen {sighted(case)}",
                f"Ask {case.who} for the exact URL, the file hash or the time",
                "Do not block it",
            ),
            why,
        )
    if case.hunt == "not seen":
        return Advice("tell", said(sentences.not_seen(case), "It would be too broad to block"), why)
    return Advice(
        "look",
        said(
            f"Hunt before you trust it: `backchannel hunt PATH` shows how many hosts use {case.value}",
            "Do not block it",
        ),
        why,
    )


def contested(case: Case) -> Advice:
    """What we hold about it contradicts itself."""
    why = "what we hold about it contradicts itself: two contents under one version, or somebody disputes it"
    if case.seen:
        unsettled = f"Block nothing until `backchannel why {case.indicator}` is settled"
        return Advice("look", said(sentences.look(case), unsettled), why)
    return Advice(
        "ask",
        said(
            f"Ask {case.who} which of the contradicting statements about {case.value} holds",
            f"`backchannel why {case.indicator}` shows them side by side",
        ),
        sentences.join(why, sentences.hunted(case)),
    )


def victim(case: Case) -> Advice:
    """It belongs to somebody who was attacked."""
    why = (
        "the pattern names it as a recipient: the side that was attacked"
        if case.role == "recipient"
        else "its indicator type is `compromised`: a victim's machine, used by the attacker"
    )
    if case.seen:
        tell = f"tell {case.who} rather than cut them off: `backchannel sight {case.indicator}`"
        return Advice("look", said(sentences.look(case), f"Its owner is a victim too; {tell}"), why)
    return Advice(
        "nothing",
        said(
            f"Nothing to block at {case.value}: it is a victim's, not the attacker's",
            "Warn its owner if you know them",
        ),
        sentences.join(why, sentences.hunted(case)),
    )


def anonymiser(case: Case) -> Advice:
    """Anyone may come through it."""
    why = "its indicator type is `anonymization` only: anyone may come through it, most of them harmless"
    if case.seen:
        alone = "By itself the way out of an anonymiser is no attack"
        return Advice("look", said(sentences.look(case), alone), why)
    return Advice(
        "nothing",
        said(f"Nothing to do about {case.value} by itself: it is the way out of an anonymiser"),
        sentences.join(why, sentences.hunted(case)),
    )


def _accuses(case: Case) -> bool:
    accusing = {"malicious-activity", "compromised", "anomalous-activity", "attribution"}
    return bool(accusing & set(case.indicator_types)) or step_of(case.phases) is not Step.UNKNOWN


def _spoken_by(case: Case, cls: str) -> str:
    label = case.target.labelled(cls) if case.target else None
    return label.why if label else case.value
