"""`doctor`: look at the node and the machine under it, and say for each thing what is found and what mends it.

It changes nothing. A check that fails never keeps the next one from being made.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal

import msgspec

from backchannel.clock import Clock, format_time, parse_time
from backchannel.desk.carriers import carriers
from backchannel.desk.channels import list_channels, secret_files
from backchannel.desk.log_health import own_networks_health, personal_health
from backchannel.desk.node import KEY_FILE, STORE_FILE, Node, open_node
from backchannel.desk.offered import offer
from backchannel.desk.own_keys import own_root
from backchannel.desk.policy_checking import policy_health
from backchannel.desk.sent_drops import unanswered
from backchannel.desk.watched import ledger_health
from backchannel.errors import BackchannelError
from backchannel.parties.at_rest import SEALED_SUFFIX
from backchannel.parties.keyring import KEYS_FILE
from backchannel.parties.keys import fingerprint, read_key
from backchannel.stix.sentences import counted
from backchannel.stix.visible import visible

LOW_DISK_BYTES = 2**30
"""Free space below which an import of some size could fill the disk."""
MIN_DISK_BYTES = 64 * 2**20
"""Free space below which even the write-ahead log may not fit."""
MAX_QUICK_CHECK_BYTES = 2 * 2**30
"""Store size up to which SQLite's own check of every page is run: some seconds."""
MIN_SQLITE: Final = (3, 37)
"""STRICT tables (SQLite 3.37.0, 2021)."""
RELEASED: Final = datetime(2026, 11, 1, tzinfo=UTC)
"""A clock before this release is wrong: validity, expiry and sessions all hang on it."""
CLOCK_SLACK = timedelta(minutes=5)
LONG_SILENCE_DAYS: Final = 7
"""Days after which a drop that nobody answered may not have come at all."""
MAX_TOLD = 5
"""Carriers of drops of which it is said how they stand."""
State = Literal["fine", "look", "broken"]


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing looked at."""

    name: str
    state: State
    """`look`: works, and somebody should know; `broken`: something that needs it will fail."""
    found: str
    mend: str = ""
    """The next command or step; empty where there is nothing to do."""
    optional: bool = False
    """Nothing of Backchannel needs it: a tool that only checks or serves what we write."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """`doctor --json`."""

    schema: Literal["backchannel.doctor/1"] = "backchannel.doctor/1"
    home: str
    checks: tuple[Check, ...]


def examine(home: Path, clock: Clock) -> Report:
    """Look at the node in `home` and at this machine."""
    return Report(home=str(home), checks=tuple(_checks(home, clock)))


def _checks(home: Path, clock: Clock) -> Iterator[Check]:
    yield _clock(clock)
    try:
        node = open_node(home)
    except BackchannelError as error:
        yield _check("node", "broken", error.message, error.hint)
    else:
        with node:
            yield _check("node", "fine", f"{node.settings.name}, in {home}")
            yield _folder(home)
            yield _check("policy", *policy_health(node))
            yield _key(node)
            for look in _OF_NODE:
                yield _told(look, node, clock)
    yield _disk(home)
    for program, what in _TOOLS:
        yield _tool(program, what)


def _told(look: Callable[[Node, Clock], Check], node: Node, clock: Clock) -> Check:
    """Make one check; an error that it meets is what it found."""
    try:
        return look(node, clock)
    except BackchannelError as error:
        return _check(look.__name__.strip("_").replace("_", " "), "broken", error.message, error.hint)


def _clock(clock: Clock) -> Check:
    now = clock.now()
    if now < RELEASED:
        return _check(
            "clock",
            "broken",
            f"this machine says it is {format_time(now)}, which is before this version was released",
            "Set the machine's clock, for example with chrony or systemd-timesyncd.",
        )
    return _check("clock", "fine", format_time(now))


def _folder(home: Path) -> Check:
    mode = stat.S_IMODE(home.stat().st_mode)
    if mode & 0o077:
        return _check("folder", "look", f"others on this machine may look into {home}", f"chmod 700 {home}")
    return _check("folder", "fine", "only its owner may look into it")


def _key(node: Node) -> Check:
    path = node.home / KEY_FILE
    sealed = path.with_name(path.name + SEALED_SUFFIX)
    if not path.exists() and sealed.exists():
        return _check("key", "fine", f"under a passphrase in {sealed.name}")
    if not path.exists() and any((node.home / (KEYS_FILE + end)).exists() for end in ("", SEALED_SUFFIX)):
        return _check("key", "fine", "the root key is kept away from this node")
    try:
        keys = read_key(path)
    except BackchannelError as error:
        return _check("key", "broken", error.message, error.hint)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        return _check("key", "broken", "others on this machine may read the private key", f"chmod 600 {path}")
    if own_root(node) != keys.public:
        return _check(
            "key",
            "broken",
            f"{path} is not the root key that this node has",
            "Restore key.pem from the backup of this folder.",
        )
    return _check(
        "key", "fine", f"Ed25519, SHA-256 {fingerprint(keys.public)[:16]}…, only its owner may read it"
    )


def _sqlite(node: Node, _: Clock) -> Check:
    ask = node.store.database.execute
    version = str(ask("SELECT sqlite_version()").fetchone()[0])
    found = tuple(int(part) for part in version.split(".")[:2])
    mend = "Use a Python whose sqlite3 module is newer."
    if found < MIN_SQLITE:
        return _check("sqlite", "broken", f"SQLite {version} has no STRICT tables", mend)
    if not ask("SELECT sqlite_compileoption_used('ENABLE_FTS5')").fetchone()[0]:
        return _check("sqlite", "look", f"SQLite {version} has no full-text search (FTS5)", mend)
    return _check("sqlite", "fine", f"SQLite {version}, with STRICT tables and FTS5")


def _store(node: Node, _: Clock) -> Check:
    size = node.store.bytes_used()
    path = node.home / STORE_FILE
    if size > MAX_QUICK_CHECK_BYTES:
        return _check(
            "store", "fine", f"form {node.store.version}; {size:,} bytes, too many to read through here"
        )
    problem = str(node.store.database.execute("PRAGMA quick_check(1)").fetchone()[0])
    if problem != "ok":
        return _check(
            "store",
            "broken",
            f"{path} is damaged: {problem}",
            "Copy the folder away before anything else, then restore the last backup.",
        )
    return _check("store", "fine", f"form {node.store.version}, {size:,} bytes, every page in order")


def _imports(node: Node, clock: Clock) -> Check:
    last = node.store.batches.last_complete()
    if last and last.completed_at and parse_time(last.completed_at) > clock.now() + CLOCK_SLACK:
        return _check(
            "imports",
            "look",
            f"batch {last.batch_id} came at {last.completed_at}, which is still to come",
            "Set the machine's clock.",
        )
    if abandoned := node.store.batches.abandoned():
        return _check(
            "imports",
            "look",
            f"{len(abandoned)} import(s) still run or were killed; nothing of them is in sight",
            "The next import removes what is left of them.",
        )
    return _check("imports", "fine", f"{node.store.batches.completed():,} complete, none left open")


def _ledger(node: Node, clock: Clock) -> Check:
    found = ledger_health(node, clock)
    return _check("ledger", "fine" if found.fine else "look", found.says, found.mend)


def _own_networks(node: Node, _: Clock) -> Check:
    return _check("own networks", *own_networks_health(node))


def _personal_kinds(node: Node, _: Clock) -> Check:
    return _check("personal kinds", *personal_health(node))


def _channels(node: Node, _: Clock) -> Check:
    found = list_channels(node).channels
    failing = [one for one in found if one.state == "failing"]
    if failing:
        first, others = failing[0], len(failing) - 1
        more = f"; so do {others} more" if others else ""
        return _check(
            "channels",
            "look",
            f"{first.name} fails ({first.failures} polls in a row): {first.error}{more}",
            f"backchannel channel show {first.name}",
        )
    pushes = [(one, one.last_push) for one in found if one.last_push is not None]
    lost = [(one, push) for one, push in pushes if push.error or push.refused or push.unknown]
    if lost:
        one, push = lost[0]
        why = push.error or next((reason.why for reason in push.problems if reason.state != "withheld"), "")
        count = push.refused + push.unknown
        return _check(
            "channels",
            "look",
            f"of the last push by {one.name} ({push.pushed_at}) {counted(count, 'object')} may not have arrived"
            f"{f': {why}' if why else ''}",
            f"backchannel channel show {one.name}",
        )
    return _check("channels", "fine", f"{len(found)}, none of them failing" if found else "none")


def _carriers(node: Node, _: Clock) -> Check:
    """Look at what carries drops: what was refused, which parts are missing, what waits."""
    found = carriers(node)
    if not found:
        return _check("carriers", "fine", "none carries drops")
    said = [f"{one.name}: {words}" for one in found for words in one.troubles]
    if said:
        first = next(one for one in found if one.troubles)
        mend = f"backchannel channel show {first.name}" if first.is_channel else "backchannel refused list"
        return _check("carriers", "look", _and_more(said[0], len(said) - 1), mend)
    return _check("carriers", "fine", "; ".join(f"{one.name}: {one.says}" for one in found[:MAX_TOLD]))


def _secrets(node: Node, _: Clock) -> Check:
    """Look at the files that hold what channels say who we are."""
    files = sorted(set(secret_files(node)))
    missing = [path for path in files if not os.access(path, os.R_OK)]
    if missing:
        return _check(
            "secrets", "broken", f"{missing[0]} cannot be read", "Put it back, or make the channel anew."
        )
    if wide := [path for path in files if stat.S_IMODE(Path(path).stat().st_mode) & 0o077]:
        return _check("secrets", "look", f"others on this machine may read {wide[0]}", f"chmod 600 {wide[0]}")
    told = f"{counted(len(files), 'file')} that only the owner may read"
    return _check("secrets", "fine", told if files else "none")


def _taxii(node: Node, clock: Clock) -> Check:
    """Look at what is offered to others: whether somebody can read it, and whose credentials have ended."""
    offered = offer(node, clock, base_url="")
    expired = [one for one in offered.tokens if one.expired]
    read = {each for one in offered.tokens if not one.expired for each in one.read}
    unread = [one for one in offered.collections if not (one.anonymous_read or one.id in read)]
    if unread:
        name = unread[0].alias or unread[0].id
        return _check(
            "taxii",
            "look",
            f"nobody may read {_and_more(unread[0].title, len(unread) - 1)}",
            f"Give a party the right: `backchannel taxii token add PARTY --read {name}`.",
        )
    if expired:
        whose = _and_more(expired[0].party, len(expired) - 1)
        return _check(
            "taxii",
            "look",
            f"the credentials of {whose} have expired",
            f"Give a new one, and remove the old: `backchannel taxii token remove {expired[0].number}`.",
        )
    if not offered.collections:
        return _check("taxii", "fine", "nothing is offered to others")
    return _check(
        "taxii",
        "fine",
        f"collections offered: {len(offered.collections)}, credentials: {len(offered.tokens)}",
    )


def _and_more(first: str, others: int) -> str:
    return f"{visible(first)} and {others} more" if others else visible(first)


def _answers(node: Node, clock: Clock) -> Check:
    """Look at who does not answer what was sent."""
    silent = unanswered(node, clock)
    if not silent.drops:
        return _check("answers", "fine", "nobody is asked who has not answered")
    says = f"{silent.drops:,} drops that we sent are unanswered, the longest for {silent.longest_days:,} days"
    if silent.longest_days < LONG_SILENCE_DAYS:
        return _check("answers", "fine", says)
    next_ = "Ask by another way whether they came: `backchannel release list` says who is silent."
    return _check("answers", "look", says, next_)


def _drops(node: Node, clock: Clock) -> Check:  # noqa: ARG001 - every check is asked alike
    """Look at what was refused, at alarms about keys, and at what waits to be said."""
    membership = node.store.membership
    if alarms := membership.alarms():
        return _check(
            "drops",
            "look",
            f"an alarm about keys stands: {_and_more(alarms[0].sentence, len(alarms) - 1)}",
            "Ask the party by another way: `backchannel party list` shows it.",
        )
    if count := node.store.statements.open_refused():
        newest = node.store.statements.refused(before=None, rows=1, is_open=True)[0]
        return _check(
            "drops",
            "look",
            f"{count:,} refused and kept as they came, the newest for {newest.reason}",
            "backchannel refused list",
        )
    waiting = node.store.statements.waiting_parties()
    if waiting:
        statements = sum(number for _, number in waiting)
        return _check(
            "drops",
            "fine",
            f"{statements:,} statements wait to be told to {_and_more(waiting[0][0], len(waiting) - 1)}",
        )
    return _check("drops", "fine", "nothing was refused, nothing waits")


_OF_NODE: Final = (
    _sqlite,
    _store,
    _imports,
    _own_networks,
    _personal_kinds,
    _channels,
    _carriers,
    _secrets,
    _taxii,
    _drops,
    _answers,
    _ledger,
)


def _disk(home: Path) -> Check:
    place = next(folder for folder in (home, *home.absolute().parents) if folder.exists())
    free = shutil.disk_usage(place).free
    if free < LOW_DISK_BYTES:
        state: State = "broken" if free < MIN_DISK_BYTES else "look"
        return _check(
            "disk", state, f"{free / 2**20:,.0f} MiB are free where {home} lies", "Make room on that disk."
        )
    return _check("disk", "fine", f"{free / 2**30:,.0f} GiB free")


_TOOLS: Final = (
    ("suricata", "it tries out the rules of `export suricata` (suricata -T)"),
    ("named-checkzone", "it tries out the zone of `export rpz`"),
    ("rg", "it is the peer in the benchmark of hunting"),
)


def _tool(program: str, what: str) -> Check:
    path = shutil.which(program)
    if path is None:
        return Check(name=program, state="look", found=f"not installed; {what}", optional=True)
    return Check(name=program, state="fine", found=path, optional=True)


def _check(name: str, state: State, found: str, mend: str = "") -> Check:
    return Check(name=name, state=state, found=found, mend=mend)
