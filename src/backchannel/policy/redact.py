"""Make the object that goes instead of one that may not go as it is.

STIX 2.1 §3.6 lets only the creator of an object make versions of it, and takes two contents under one id and version
for a conflict. So what was changed is another object: its id is new, and its creator is whoever changed it. The new id
is the same for each version of the old one as long as the policy stays as it is, so that a revision at the source is a
revision at the recipient; only we can tell which object it was made of. It names nothing of the old one: a
`derived-from` to an object that is withheld would tell that there is one. An observable gets the id that its new
content gives it (§2.9).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from backchannel import codec
from backchannel.clock import parse_time
from backchannel.codec import JsonObject, JsonValue
from backchannel.policy.references import named_in
from backchannel.policy.transforms import Hand, Transform, UnfitError, apply
from backchannel.stix.markings import marked, pap_of
from backchannel.stix.sco_ids import observable_id
from backchannel.stix.validate import validate
from backchannel.stix.vocabulary import OBSERVABLES


def redact(value: JsonObject, transforms: Iterable[Transform], hand: Hand, policy: str) -> JsonObject:
    """Return what goes instead of an object; the object itself where no transform finds anything to change.

    Args:
        value: the object, as STIX 2.1.
        transforms: in their order.
        hand: whose secret makes the new id, and for whom.
        policy: its version.

    Raises:
        UnfitError: the result could be read wider than the object, names what it was made of, or is no STIX any more.
    """
    made = value
    for transform in transforms:
        made = apply(made, transform, hand)
    return value if made == value else as_new(value, made, hand, policy)


def as_new(value: JsonObject, made: JsonObject, hand: Hand, policy: str) -> JsonObject:
    """Return what was made of an object, as an object of its own.

    Raises:
        UnfitError: as `redact`.
    """
    made = {**made, "id": new_id(value, made, hand, policy)}
    if "created_by_ref" in made:
        made["created_by_ref"] = hand.own_identity
    _check(value, made)
    return made


def says_same(value: JsonObject, made: JsonObject) -> bool:
    """Whether what was made of an object claims what the object claims.

    It does where it differs by what was left out, by times, and by which objects it names: who confirms or refutes it
    confirms or refutes the object. Of an address that was generalised, or a name that was changed, it does not.
    """
    return all(
        value.get(name) == held
        or name == "id"
        or name.endswith(("_ref", "_refs"))
        or _are_times(value.get(name), held)
        for name, held in made.items()
    )


def _are_times(*held: JsonValue) -> bool:
    try:
        return all(isinstance(one, str) and parse_time(one) for one in held)
    except ValueError:
        return False


def new_id(value: JsonObject, made: JsonObject, hand: Hand, policy: str) -> str:
    """Return the id of what was made of an object."""
    kind = str(value.get("type"))
    if kind in OBSERVABLES:
        try:
            found = observable_id(made)
        except ValueError:
            found = None
        if found is not None:
            return found
    code = hand.code("id", str(value.get("id")), policy)
    return f"{kind}--{uuid.UUID(bytes=code[:16], version=4)}"


def _check(value: JsonObject, made: JsonObject) -> None:
    """Check the result again: a transform may not widen, and may not leave what it took away elsewhere."""
    before, refs = marked(value)
    after, refs_after = marked(made)
    is_wider = before is not None and (after is None or after.strictness < before.strictness)
    if is_wider or set(refs) - set(refs_after):
        raise UnfitError("what was left out said how far it may go (TLP)")
    pap, pap_after = pap_of(value), pap_of(made)
    if pap is not None and (pap_after is None or pap_after.strictness < pap.strictness):
        raise UnfitError("what was left out said what may be done with it (PAP)")
    changed = {key for key in {*value, *made} if value.get(key) != made.get(key)} - {"id"}
    was, left = ({key: held for key, held in one.items() if key in changed} for one in (value, made))
    gone = (named_in(was) - named_in(left)) | {str(value.get("id")).lower()}
    if named_in(made) & gone:
        raise UnfitError("an id that was taken out still stands in one of its texts")
    wrong = [
        one
        for one in validate(made, spec_version="2.1", place="", body=codec.encode(made))
        if one.level != "note"
    ]
    if wrong:
        raise UnfitError(f"it would be no STIX any more: {wrong[0].what}")
