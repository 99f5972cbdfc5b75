"""`taxii root|collection|token`: what our own server offers, and to whom."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from backchannel.cli.command import Group, pass_session
from backchannel.cli.layout import day_and_minute, facts, heading, table
from backchannel.cli.migrating import import_
from backchannel.cli.session import Session
from backchannel.cli.wording import who

if TYPE_CHECKING:
    from backchannel.desk.node import Node
    from backchannel.desk.offered import TaxiiCollection, TaxiiOffer

_BASE = click.option(
    "--public-url",
    metavar="URL",
    help="How clients reach the server. Default: the setting `public_url`, else `host` and `port`.",
)


@click.group(cls=Group)
def taxii() -> None:
    """Offer collections over TAXII 2.1: API roots, collections, and the tokens of parties."""


@taxii.group("root", cls=Group)
def root() -> None:
    """API roots: groups of collections with a URL of their own."""


@taxii.group("collection", cls=Group)
def collection() -> None:
    """Collections: what is offered, and what is put in them."""


taxii.add_command(import_)


@taxii.group("token", cls=Group)
def token() -> None:
    """Credentials of parties: secrets and certificates."""


@root.command("add", example="backchannel taxii root add sharing --title 'Sharing group'")
@click.argument("name")
@click.option("--title", default="", help="For people. Default: the name.")
@click.option("--description", default="", help="For people.")
@_BASE
@pass_session
def add_root(session: Session, name: str, title: str, description: str, public_url: str | None) -> None:
    """Add an API root; NAME is its place in the URL."""
    from backchannel.desk.publishing import add_root as add  # noqa: PLC0415

    with session.node() as node:
        found = add(
            node,
            session.clock,
            name,
            title=title,
            description=description,
            base_url=_base_url(node, public_url),
        )
    if session.form == "json":
        session.document(found)
        return
    session.text(f"API root {found.id}: {found.url}")
    session.tell(f"Next: backchannel taxii collection add TITLE --root {found.id}")


@root.command("list", example="backchannel taxii root list")
@_BASE
@pass_session
def list_roots(session: Session, public_url: str | None) -> None:
    """List the API roots."""
    found = _offer(session, public_url)
    rows = [(one.id, one.title, one.url) for one in found.roots]
    session.either(found, lambda: table(("root", "title", "url"), rows, keep=("url",)))


@root.command("remove", example="backchannel taxii root remove sharing")
@click.argument("name")
@pass_session
def remove_root(session: Session, name: str) -> None:
    """Remove an API root that has no collection any more."""
    from backchannel.desk.publishing import remove_root as remove  # noqa: PLC0415

    _take_away(session, f"The API root {name}", lambda node: remove(node, session.clock, name))


@collection.command(
    "add", example="backchannel taxii collection add 'Indicators' --root sharing --alias indicators --gather"
)
@click.argument("title")
@click.option("--root", "root_id", required=True, metavar="NAME", help="The API root it belongs to.")
@click.option(
    "--id", "collection_id", metavar="ID", help="An id that clients know already. Default: a new UUID."
)
@click.option("--alias", metavar="NAME", help="Another name in its URL.")
@click.option("--description", default="", help="For people.")
@click.option(
    "--default-tlp", metavar="LABEL", help="Marking of what is put in unmarked. Default: TLP:AMBER+STRICT."
)
@click.option("--anonymous-read", is_flag=True, help="Anybody may read what is TLP:CLEAR in it.")
@click.option("--gather", is_flag=True, help="Everything that arrives from now on is put in.")
@_BASE
@pass_session
def add_collection(session: Session, /, public_url: str | None, **offered: str | bool | None) -> None:
    """Add a collection. What a party sees of it is decided by markings, object by object."""
    from backchannel.desk.publishing import NewOffer  # noqa: PLC0415
    from backchannel.desk.publishing import add_collection as add  # noqa: PLC0415

    offer = NewOffer(**offered)  # type: ignore[arg-type]  # click has seen to the types
    with session.node() as node:
        found = add(node, session.clock, offer, base_url=_base_url(node, public_url))
    if session.form == "json":
        session.document(found)
        return
    session.text(_collection_text(found))
    session.tell(f"Next: backchannel taxii token add PARTY --read {found.alias or found.id}")


@collection.command("list", example="backchannel taxii collection list")
@_BASE
@pass_session
def list_collections(session: Session, public_url: str | None) -> None:
    """List the collections with how many objects are in each."""
    found = _offer(session, public_url)
    rows = [
        (
            one.root,
            one.title,
            one.alias or "",
            one.id,
            f"{one.objects:,}",
            "anybody" if one.anonymous_read else "",
        )
        for one in found.collections
    ]
    heads = ("root", "title", "alias", "id", "objects", "open to")
    session.either(found, lambda: table(heads, rows, numbers=("objects",), keep=("id",)))


@collection.command("remove", example="backchannel taxii collection remove indicators")
@click.argument("name")
@pass_session
def remove_collection(session: Session, name: str) -> None:
    """Remove a collection, by id, alias or title; its objects stay in the node."""
    from backchannel.desk.publishing import remove_collection as remove  # noqa: PLC0415

    _take_away(session, f"The collection {name}", lambda node: remove(node, session.clock, name))


@collection.command("put", example="backchannel taxii collection put indicators --batch 3")
@click.argument("name")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--batch", type=click.IntRange(1), help="Everything that this batch brought.")
@pass_session
def put(session: Session, name: str, ids: tuple[str, ...], batch: int | None) -> None:
    """Put objects in a collection: those named, or all of a batch."""
    from backchannel.desk.publishing import put_batch, put_objects  # noqa: PLC0415
    from backchannel.ids import BatchId  # noqa: PLC0415

    if bool(ids) == (batch is not None):
        raise click.UsageError("Name objects, or a batch with --batch.")
    with session.node() as node:
        if batch is not None:
            found = put_batch(node, session.clock, name, BatchId(batch))
        else:
            found = put_objects(node, session.clock, name, ids)
    if session.form == "json":
        session.document(found)
        return
    said = f"{found.added:,} put in {found.collection}"
    said += f", {found.already:,} there already" if found.already else ""
    session.text(said + (f", {found.conflict:,} in conflict" if found.conflict else "") + ".")


@token.command(
    "add",
    example="""
    backchannel taxii token add 'CERT Beta' --read indicators --write inbox --expires 365d
    backchannel taxii token add 'CERT Beta' --read indicators --certificate beta.pem
    """,
)
@click.argument("party")
@click.option("--read", multiple=True, metavar="COLLECTION", help="May read it. Can be given several times.")
@click.option(
    "--write", multiple=True, metavar="COLLECTION", help="May add to it. Can be given several times."
)
@click.option("--expires", metavar="WHEN", help="A day, a time in UTC, or 90d. Default: never.")
@click.option(
    "--compat", multiple=True, metavar="WORD", help="`empty-objects`: for clients that need an empty list."
)
@click.option(
    "--certificate",
    type=click.Path(path_type=Path),
    help="Its client certificate (PEM), instead of a secret.",
)
@pass_session
def add_token(
    session: Session,
    party: str,
    read: tuple[str, ...],
    write: tuple[str, ...],
    expires: str | None,
    compat: tuple[str, ...],
    certificate: Path | None,
) -> None:
    """Give PARTY a credential. The secret is shown once; it is also the password of the party's name."""
    from backchannel.desk.credentials import NewCredential  # noqa: PLC0415
    from backchannel.desk.credentials import add_token as add  # noqa: PLC0415

    new = NewCredential(
        party=party,
        read=read,
        write=write,
        expires=expires,
        compat=compat,
        certificate=_certificate(certificate) if certificate else None,
    )
    with session.node() as node:
        found = add(node, session.clock, new)
    if session.form == "json":
        session.document(found)
        return
    if found.token:
        session.text(found.token)
    until = f"until {day_and_minute(found.expires_at)}" if found.expires_at else "until it is removed"
    what = "The secret is shown this once" if found.token else f"Certificate {found.number} is known"
    session.tell(f"{what}; it is valid for {found.party} {until}.")
    session.tell(f"Take it away: backchannel taxii token remove {found.number}")


@token.command("list", example="backchannel taxii token list")
@pass_session
def list_tokens(session: Session) -> None:
    """List the credentials, without their secrets."""
    found = _offer(session, None)
    names = {one.id: one.alias or one.title for one in found.collections}
    rows = [
        (
            str(one.number),
            who(one.party),
            one.kind,
            ", ".join(names[each] for each in one.read),
            ", ".join(names[each] for each in one.write),
            "expired" if one.expired else day_and_minute(one.expires_at) or "never",
        )
        for one in found.tokens
    ]
    heads = ("number", "party", "kind", "reads", "writes", "expires")
    session.either(found, lambda: table(heads, rows, keep=("number",)))


@token.command("remove", example="backchannel taxii token remove 3")
@click.argument("number", type=click.IntRange(1))
@pass_session
def remove_token(session: Session, number: int) -> None:
    """Take a credential away; it is refused from now on."""
    from backchannel.desk.credentials import remove_token as remove  # noqa: PLC0415

    _take_away(session, f"Token {number}", lambda node: remove(node, session.clock, number))


def _take_away(session: Session, what: str, remove: Callable[[Node], object]) -> None:
    """Remove something, and tell what is still offered."""
    with session.node() as node:
        remove(node)
        found = _offered(session, node, None)
    session.either(found, lambda: f"{what} is removed.")


def _offer(session: Session, public_url: str | None) -> TaxiiOffer:
    with session.node() as node:
        return _offered(session, node, public_url)


def _offered(session: Session, node: Node, public_url: str | None) -> TaxiiOffer:
    from backchannel.desk.offered import offer  # noqa: PLC0415

    return offer(node, session.clock, base_url=_base_url(node, public_url))


def _base_url(node: Node, public_url: str | None) -> str:
    if public_url:
        return public_url.rstrip("/")
    settings = node.settings
    if settings.public_url is not None:
        return settings.public_url
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{settings.port}"


def _collection_text(found: TaxiiCollection) -> str:
    about = facts(
        [
            ("id", found.id),
            ("url", found.url),
            ("alias", found.alias or ""),
            ("unmarked", found.default_tlp or "TLP:AMBER+STRICT"),
            ("note", found.note or ""),
        ],
        indent=2,
    )
    return f"{heading(found.title)}\n{about}"


def _certificate(path: Path) -> bytes:
    """Read a certificate (PEM) as DER."""
    import ssl  # noqa: PLC0415

    from backchannel.errors import InputError  # noqa: PLC0415

    try:
        with path.open(encoding="ascii") as file:
            text = file.read(2**16)
        return ssl.PEM_cert_to_DER_cert(text.strip())
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no certificate in PEM"
        raise InputError(f"{path} cannot be read: {why}", hint="Name a file with one certificate.") from error
