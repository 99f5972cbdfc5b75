"""A node: one home folder with settings, a key and a store, belonging to one party."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from backchannel.clock import Clock, format_time
from backchannel.errors import StoreError, UsageError
from backchannel.ids import PartyId, new_id
from backchannel.settings import FILE_NAME, Settings, checked, read_settings, write_settings

if TYPE_CHECKING:
    from types import TracebackType

    from backchannel.codec import JsonObject
    from backchannel.desk.deciding import Classes
    from backchannel.desk.policy_file import BrokenPolicyError, InForce
    from backchannel.desk.standing import Status
    from backchannel.parties.keys import KeyPair
    from backchannel.store.interface import Store
    from backchannel.store.rows import PartyRow
    from backchannel.store.sqlite.store import SqliteStore

KEY_FILE = "key.pem"
STORE_FILE = "store.sqlite"


@dataclass(frozen=True, slots=True)
class Node:
    """An open node. Use it in a `with`: leaving closes the store."""

    home: Path
    settings: Settings
    store: SqliteStore
    party: PartyRow
    """Ourselves."""
    policies: dict[str, tuple[object, InForce | BrokenPolicyError]] = field(
        default_factory=dict, compare=False
    )
    """The policy as it was read last (`policy_file.in_force`)."""
    allowed: dict[tuple[object, ...], Classes] = field(default_factory=dict, compare=False)
    """What `deciding.sight` answered, for as long as the node is open and nothing has changed."""

    def close(self) -> None:
        """Close the store."""
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def init_node(
    home: Path,
    *,
    name: str,
    own_networks: Sequence[str] = (),
    own_domains: Sequence[str] = (),
    personal: Sequence[JsonObject] = (),
    clock: Clock,
) -> Node:
    """Make a node in `home` and open it. What a killed `init` left is taken up again.

    Args:
        home: its folder; made, for its owner only, where it is missing.
        name: the party it belongs to.
        own_networks: CIDR; none means the private and link-local ranges.
        own_domains: names that are ours, with what lies below them.
        personal: sections `[[personal]]` of the settings.
        clock: gives the time at which the party is added.

    Raises:
        UsageError: there is a node already, or a value is not of its form.
        StoreError: the folder cannot be written.
    """
    from backchannel.store.sqlite.store import SqliteStore  # noqa: PLC0415  # 20 ms that `--help` need not pay

    settings = checked(name=name, own_networks=own_networks, own_domains=own_domains, personal=list(personal))
    if (home / FILE_NAME).exists():
        raise UsageError(
            f"there is a node in {home} already",
            hint=f"Change its settings in {home / FILE_NAME}, or name another folder with --home.",
        )
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        keys = _own_keys(home)
        store = SqliteStore(home / STORE_FILE, make=True)
        try:
            party = _ourselves(store, settings.name, keys, clock)
            write_settings(home, settings)  # last: a folder with settings is a whole node
        except BaseException:
            store.close()
            raise
    except OSError as error:
        raise StoreError(
            f"no node can be made in {home}: {error.strerror}", hint="Name another folder with --home."
        ) from error
    return Node(home, settings, store, party)


def open_node(home: Path) -> Node:
    """Open the node in `home`.

    Raises:
        UsageError: there is none, or its settings are not of their form.
        StoreError: its store is missing, damaged, or from a newer version.
    """
    from backchannel.store.sqlite.store import SqliteStore  # noqa: PLC0415

    if not (home / FILE_NAME).exists():
        raise UsageError(
            f"there is no node in {home}",
            hint="Make one with `backchannel init --name NAME`, or name its folder with --home.",
        )
    settings = read_settings(home)
    store = SqliteStore(home / STORE_FILE)
    party = store.parties.ourselves()
    if party is None:
        store.close()
        raise StoreError(
            f"the store in {home} does not say whose it is",
            hint="Restore the folder from a backup.",
        )
    return Node(home, settings, store, party)


def status(node: Node, clock: Clock) -> Status:
    """Say how the node stands: counts, the last batch and hunt, the store's size."""
    from backchannel.desk.standing import standing  # noqa: PLC0415

    return standing(node, clock)


def _own_keys(home: Path) -> KeyPair:
    from backchannel.parties.keys import make_key, read_key  # noqa: PLC0415

    path = home / KEY_FILE
    return read_key(path) if path.exists() else make_key(path)


def _ourselves(store: Store, name: str, keys: KeyPair, clock: Clock) -> PartyRow:
    with store.transaction():
        known = store.parties.ourselves()
        if known is not None:
            return known
        at = format_time(clock.now())
        return store.parties.add(
            PartyId(new_id("identity")), name, at=at, is_self=True, public_key=keys.public
        )
