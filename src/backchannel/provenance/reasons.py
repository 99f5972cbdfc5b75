"""Why something from outside is refused or shown with a warning: one closed list of codes.

    raise Rejected(Reason.BAD_SIGNATURE, "statement 9f3c… of issuer k7q2…")

Whoever needs another code adds a member here and its row in docs/reference/reasons.md. A code is never given
a second meaning, and never renamed once released: it stands in stores, in receipts and in other people's scripts.

A `Rejected` means that nothing of what was refused is used, and that its bytes stay in quarantine.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Self

from backchannel.errors import BackchannelError, InputError, PolicyError, SignatureError

KEY: Final = SignatureError
"""A key, a signature or a proof speaks against it."""
RULE: Final = PolicyError
"""A rule or a limit of ours does."""
FILE: Final = InputError
"""It is not whole, or not what was meant."""


class Reason(StrEnum):
    """Why; its value is the code."""

    family: type[BackchannelError]
    """Whose exit code and HTTP status a refusal for it has."""
    meaning: str
    """What is the matter: a sentence without its full stop."""
    mend: str
    """What whoever reads it can do."""

    def __new__(cls, code: str, family: type[BackchannelError], meaning: str, mend: str) -> Self:
        """Make a member of its code, its family, what it means and what mends it."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.family, member.meaning, member.mend = family, meaning, mend
        return member

    # fmt: off

    # --- Form: it cannot be read, or could be read in two ways ---
    TOO_LARGE = "too-large", RULE, "it is larger than its kind may be", \
        "Ask the sender to split it."
    TOO_MANY = "too-many", RULE, "it holds more parts than its kind may", \
        "Ask the sender to split it."
    TOO_DEEP = "too-deep", RULE, "it is nested more deeply than any real one", \
        "Ask the sender what made it: no tool of this field nests so deep."
    TOO_SLOW = "too-slow", RULE, "reading it took more time or memory than its size allows", \
        "Ask the sender to make it again, and tell them: it may be an attack."
    NOT_JSON = "not-json", RULE, "it is not JSON in UTF-8", \
        "Ask the sender to send it again: it was damaged or cut."
    DUPLICATE_KEY = "duplicate-key", RULE, "a key stands twice in one object, so two readers would see two things", \
        "Ask the sender to correct the program that wrote it."
    BAD_NUMBER = "bad-number", RULE, "it holds a number that not every reader keeps exactly", \
        "Ask the sender to write large numbers as text."
    BAD_TEXT = "bad-text", RULE, "it holds text that is no Unicode (half of a surrogate pair)", \
        "Ask the sender to correct the program that wrote it."
    NOT_CANONICAL = "not-canonical", RULE, "the signed bytes are not in canonical form (RFC 8785)", \
        "Ask the sender to sign it anew with a program that writes the canonical form."
    BAD_FORM = "bad-form", RULE, "a field is missing, of the wrong kind, or not known here", \
        "Ask the sender to correct what is named, or to say which version of the format they write."
    WRONG_TYPE = "wrong-type", KEY, "it is signed as another kind of thing than it is presented as", \
        "Do not use it, and ask whoever gave it to you where it comes from."

    # --- Signatures and keys ---
    UNKNOWN_KEY = "unknown-key", KEY, "it is signed by a key that belongs to no party here", \
        "Exchange contact cards with the sender: backchannel party invite, or party join."
    BAD_SIGNATURE = "bad-signature", KEY, "the signature does not belong to these bytes", \
        "Ask the sender to send it again; if it happens twice, call them."
    WRONG_USE = "wrong-use", KEY, "the key is one of the sender's, but not one for this use", \
        "Ask the sender to sign with the key that they have for it."
    KEY_NOT_CURRENT = "key-not-current", KEY, "it was signed outside the time in which the key was in use", \
        "Ask the sender for their newest key set."
    REVOKED_KEY = "revoked-key", KEY, "the sender revoked the key before this was signed", \
        "Ask the sender to sign it anew with a key that they still use."
    MAYBE_STOLEN_KEY = "maybe-stolen-key", KEY, "the key that signed it may have been stolen, and nothing proves it older", \
        "Ask the sender by phone, or for a proof from the ledger of before the theft."
    WEAK_KEY = "weak-key", KEY, "the key is one under which anybody can sign or read", \
        "Do not use it. Ask the party by phone who made this key."
    KEY_CLASH = "key-clash", KEY, "a key of this card already belongs to another party here", \
        "Ask both parties by phone whose key it is; nothing is imported until you decide."
    NAME_CLASH = "name-clash", KEY, "a party of this name, or of one that looks the same, has other keys here", \
        "Call the party on a number that you already had, and compare the safety number."
    KEYSET_ROLLBACK = "keyset-rollback", KEY, "the key set is older than the one that is here", \
        "Ask the party for their newest key set."
    KEYSET_FORK = "keyset-fork", KEY, "it does not follow the key set that is here: a version is missing or changed", \
        "Call the party: two people may be signing in its name."
    KEYSET_UNSIGNED = "keyset-unsigned", KEY, "the key set is not signed by every key that has to sign it", \
        "Ask the party to sign it with the old and the new root key."
    KEYSET_EXPIRED = "keyset-expired", KEY, "the key set has run out", \
        "Ask the party for their newest key set."
    WRONG_CODE = "wrong-code", KEY, "the other side used another invitation code", \
        "Compare the code with the other side and try again; a code is good for three tries."
    CODE_SPENT = "code-spent", KEY, "the invitation was used, was tried three times in vain, or is older than a day", \
        "Make a new invitation."
    NOT_VERIFIED = "not-verified", RULE, "nobody here has verified this party", \
        "Compare the safety number with them: backchannel party verify."
    PARTY_SUSPENDED = "party-suspended", RULE, "the exchange with this party is suspended", \
        "See backchannel party show for why, and decide."
    RECOVERED = "recovered", KEY, "the party came back with recovery keys instead of its root key", \
        "Call the party, compare the safety number anew, and confirm it."

    # --- For whom and when ---
    NOT_ADDRESSED = "not-addressed", RULE, "it is not addressed to us: somebody else passed it on", \
        "Tell the sender that a copy of theirs reached you."
    WRONG_CHANNEL = "wrong-channel", RULE, "it was made for another channel than the one it came by", \
        "Ask the sender by which way it was meant to come."
    EXPIRED = "expired", RULE, "its time is over", \
        "Ask for a newer one, or take it late: backchannel receive --late."
    NOT_YET_VALID = "not-yet-valid", RULE, "it is dated more than a day ahead", \
        "Compare clocks with the sender."
    REPLAY = "replay", RULE, "it was received before", \
        "Nothing is to be done: the first one counts."
    GAP = "gap", RULE, "drops between the last one and this one have not come", \
        "Ask the sender to send the numbers that are named again."
    OUT_OF_ORDER = "out-of-order", RULE, "a newer drop of this channel was received before it", \
        "Nothing is to be done, unless the sender says that they did not send it late."
    EQUIVOCATION = "equivocation", KEY, "the sender signed two different things under the same number", \
        "Keep both as evidence and ask the sender: backchannel ledger export."

    # --- What is said about objects ---
    ALTERED = "altered", KEY, "the object is not the one that was signed", \
        "See backchannel why for what differs from the original; ask the sender for the original."
    NO_ORIGIN = "no-origin", RULE, "no statement of its originator came with it", \
        "Ask the sender where they have it from."
    BAD_PROOF = "bad-proof", KEY, "the proof does not lead from the object to what was signed", \
        "Ask the sender to send the object with its proof again."
    FORGED_HOP = "forged-hop", KEY, "a party in the chain did not sign what is said in its name", \
        "Do not use it; tell the party in whose name it was said."
    BROKEN_CHAIN = "broken-chain", KEY, "a hop is missing, out of order, or taken from the chain of another object", \
        "Ask the relay for the whole chain."
    DOWNGRADED_MARKING = "downgraded-marking", RULE, "a relay widened the marking without the originator's permit", \
        "Do not pass it on; the originator is told."
    BAD_OPENING = "bad-opening", KEY, "the name that was given for a hidden party is not the one that was hidden", \
        "Ask the relay for the right opening."
    BAD_HANDLING = "bad-handling", RULE, "what a relay says it did is not what happened to the object", \
        "Ask the relay for the object as they received it."
    BAD_REDACTION = "bad-redaction", KEY, "a field was left out that may not be, or was added, changed or exchanged", \
        "Ask the relay for the object as the originator signed it."
    SAME_ID = "same-id", RULE, "another content under the same id and version is here already", \
        "See backchannel why for both; ask the originator which one holds."
    NOT_CREATOR = "not-creator", RULE, "a new version was made by another party than the one that made the object", \
        "Ask the sender to give it an id of its own, or for the creator's statement."
    NO_PERMIT = "no-permit", RULE, "the originator's permit for it is missing, has run out, or is for another", \
        "Ask the originator for a permit."
    WRONG_RECEIPT = "wrong-receipt", RULE, "the receipt is for something that we did not send to this party", \
        "Ask the party which drop they mean."

    # --- Requests and answers ---
    WRONG_ANSWER = "wrong-answer", RULE, "it answers something that we did not ask this party", \
        "Ask the party which request they mean."
    REQUEST_LOOP = "request-loop", RULE, "the request came back to who asked it, or went through too many parties", \
        "Answer the party that asked first, or ask one that was not asked yet."
    DUPLICATE_REQUEST = "duplicate-request", RULE, "this party asked the same before, and it is still open", \
        "Answer the first one: backchannel ask list."
    TOO_MANY_REQUESTS = "too-many-requests", RULE, "this party has too many requests open here, or asked too often today", \
        "Answer or decline what is open, and ask the party to ask less."
    UNKNOWN_OBJECT = "unknown-object", RULE, "it speaks of an object that is not here", \
        "Ask the party where they have the object from."
    NOT_THEIRS = "not-theirs", RULE, "it takes back what this party did not say", \
        "Ask the party which of their statements they mean."
    NAMES_PERSON = "names-person", RULE, "the hunt request names a mail address, a phone number, a SIP user or an account", \
        "Decline it, or name kind, party and purpose in the policy, and approve this run."
    OWN_ADDRESS = "own-address", RULE, "the hunt request names an address or a name of our own", \
        "Decline it, or name kind, party and purpose in the policy, and approve this run."
    HUNT_DONE = "hunt-done", RULE, "the hunt request was run before: each is run once", \
        "Ask the party for a new request."

    # --- The drop as a file ---
    NOT_A_DROP = "not-a-drop", FILE, "the file does not begin as a drop does, or something stands around it", \
        "Save the file or the text again as it came, nothing before it and nothing behind it."
    BAD_ARMOR = "bad-armor", FILE, "the text form is damaged or was rewritten on the way", \
        "Ask the sender to send it as a file."
    BAD_HEADER = "bad-header", RULE, "the head of the encrypted file is damaged or beyond the limits", \
        "Ask the sender to make it anew; at most 32 recipients are taken."
    WORK_FACTOR = "work-factor", RULE, "its passphrase costs more work than is allowed, or none was asked for", \
        "Ask the sender for one of work factor 18 at most, or one encrypted to your key."
    NOT_FOR_US = "not-for-us", KEY, "none of our keys opens it", \
        "Ask the sender to which key they encrypted; give them your newest contact card."
    DAMAGED = "damaged", KEY, "the encrypted file was changed or damaged on the way", \
        "Ask the sender to send it again, by another way if it happens twice."
    TRUNCATED = "truncated", FILE, "it ends too early", \
        "Fetch or copy it again; the sender's may be whole."
    BAD_FRAME = "bad-frame", RULE, "a part of the drop has a wrong length, kind or place", \
        "Ask the sender to make it anew with a newer program."
    UNLISTED_CHUNK = "unlisted-chunk", KEY, "it holds a part that its signed manifest does not list, or one twice", \
        "Do not use it; tell the sender."
    MISSING_CHUNK = "missing-chunk", RULE, "a part that its signed manifest lists is missing", \
        "Ask the sender to send it again."
    CHUNK_MISMATCH = "chunk-mismatch", KEY, "a part is not the one that the signed manifest lists", \
        "Ask the sender to send it again."
    BAD_PACKING = "bad-packing", RULE, "a packed part unpacks to more than it says or than is allowed", \
        "Ask the sender to make it anew, and tell them: it may be an attack."
    BAD_NAME = "bad-name", RULE, "the name of an attachment leads out of its folder, or cannot be shown", \
        "Ask the sender to give it a plain name."
    MISSING_PART = "missing-part", FILE, "not all numbered parts are here", \
        "Ask the sender for the numbers that are named."
    MIXED_PARTS = "mixed-parts", FILE, "parts of different drops are mixed, or two of one number differ", \
        "Sort them by the name of the drop, and try each on its own."

    # --- The ledger ---
    BAD_CHECKPOINT = "bad-checkpoint", KEY, "the checkpoint is not of the right form, or not signed by the ledger's key", \
        "Ask the party for their newest checkpoint."
    WRONG_LEDGER = "wrong-ledger", KEY, "the checkpoint is of another ledger than the one known for this party", \
        "Ask the party whether they began a new ledger."
    LEDGER_ROLLBACK = "ledger-rollback", KEY, "the ledger is shorter than it was", \
        "The exchange is suspended. Ask the party; the evidence is kept: backchannel ledger export."
    LEDGER_FORK = "ledger-fork", KEY, "the party showed two ledgers that cannot both be true", \
        "The exchange is suspended. Ask the party; the evidence is kept: backchannel ledger export."
    BAD_INCLUSION = "bad-inclusion", KEY, "the proof does not show that the ledger holds it", \
        "Ask the party for a proof against their newest checkpoint."
    BAD_CONSISTENCY = "bad-consistency", KEY, "the proof does not show that the ledger only grew", \
        "Ask the party for another proof; if there is none, the ledger was forked."
    BAD_COSIGNATURE = "bad-cosignature", KEY, "the signature of a witness does not belong to the checkpoint", \
        "Ask the party for the checkpoint with its cosignatures again."
    TOO_FEW_WITNESSES = "too-few-witnesses", RULE, "fewer witnesses cosigned the checkpoint than the policy asks for", \
        "Ask the party for the checkpoint with more cosignatures, or change the policy."
    BAD_TILE = "bad-tile", KEY, "a file of the ledger is damaged, or is not what the checkpoint stands for", \
        "Restore the ledger's folder from a backup, or ask the party for theirs."
    MISSING_TILE = "missing-tile", FILE, "a file of the ledger is missing", \
        "Restore the ledger's folder from a backup, or ask the party for theirs."

    # --- Private comparison ---
    GUESSABLE = "guessable", RULE, "values of this sort can all be tried: comparing them would give ours away", \
        "Compare other sorts, or override it with a reason: backchannel compare PARTY --override SORT --because TEXT."
    OVER_BUDGET = "over-budget", RULE, "the party would compare more than it may within a day", \
        "Wait until tomorrow, or ask the party why it compares so much."
    OUT_OF_TURN = "out-of-turn", RULE, "the message is not the one that comes next in its session", \
        "See backchannel compare show for whose turn it is."
    BAD_ELEMENT = "bad-element", KEY, "an element is no member of its group, or stands twice", \
        "Do not go on. Tell the party: their program is broken, or it is an attack on our key."
    WRONG_LENGTH = "wrong-length", KEY, "the answer has more or fewer elements than were asked about", \
        "Do not go on. The party hides matches, or their program is broken."
    NOT_SORTED = "not-sorted", KEY, "the elements do not stand in the order that tells nothing", \
        "Do not go on. Tell the party: their program is broken, or it marks our items."
    CANARY_MISSING = "canary-missing", KEY, "items that are known to be common are missing from the answer", \
        "Do not go on. The party hides matches, or their program is broken."
    BROKEN_SEAL = "broken-seal", KEY, "what is shown now is not what was sealed before", \
        "Do not use the result. The party changed its answer after it had seen ours."
    OTHER_RESULT = "other-result", KEY, "the two sides did not come to the same items", \
        "Do not use the result; ask the party to open its inputs: backchannel compare open."
    NOT_LOGGED = "not-logged", KEY, "an input is no object that the party's ledger holds", \
        "The party asked about what it did not have: it guessed. Suspend the exchange, and ask them."
    BACKDATED = "backdated", KEY, "the object behind an input came into the party's ledger after the comparison began", \
        "The party asked about what it did not have then: it guessed. Suspend the exchange, and ask them."

    # fmt: on


REASONS: Final[Mapping[str, Reason]] = MappingProxyType({reason.value: reason for reason in Reason})
"""By code."""


class Rejected(BackchannelError):  # noqa: N818 - a verdict, which is an error only to whoever asked for the content
    """Something from outside is refused, for one reason of the closed list."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        where = f" ({detail})" if detail else ""
        super().__init__(f"{reason}: {reason.meaning}{where}", hint=reason.mend)
        self.reason = reason
        self.detail = detail
        """Which one, and where: no secret, and nothing of its content that is TLP:RED."""
        self.exit_code, self.http_status = reason.family.exit_code, reason.family.http_status
