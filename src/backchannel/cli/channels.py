"""`channel add|list|show|poll|push|pause|resume|remove`: where we fetch intelligence and send it by ourselves."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from backchannel.cli.channel_texts import detail_text, list_text, polled_text, pushed_text
from backchannel.cli.command import Group, pass_session
from backchannel.cli.late_hits import tell_late_hits
from backchannel.cli.layout import counted
from backchannel.cli.passphrases import passphrase_option, unseal_of
from backchannel.cli.session import Session
from backchannel.errors import EXIT_DONE, EXIT_NEEDS_YOU, NetworkError, UsageError

if TYPE_CHECKING:
    from backchannel.desk.channel import Kind

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@click.group(cls=Group)
def channel() -> None:
    """Servers, feeds and folders that we fetch from and send to: TAXII, MISP feeds, lists, tables, drops."""


@channel.group("add")
def add() -> None:
    """Add a channel. Nothing is fetched yet; secrets stay in the files that you name."""


def _file_option(name: str, text: str) -> Callable[[Callable[..., object]], Callable[..., object]]:
    return click.option(name, type=click.Path(path_type=Path), metavar="FILE", help=text)


_COMMON = (
    click.option("--name", help="How we call it. Default: its host."),
    click.option(
        "--from", "party", metavar="PARTY", help="Whom what comes is credited to. Default: the name."
    ),
    click.option("--user", help="User name (HTTP Basic), with --password-file."),
    _file_option("--password-file", "File of the password."),
    _file_option(
        "--token-file", "File of a token, sent as `Authorization: Bearer`, or with the scheme it names."
    ),
    click.option("--header", metavar="NAME", help="Header of a key, such as Auth-Key, with --header-file."),
    _file_option("--header-file", "File of what that header says."),
    _file_option("--client-cert", "Our certificate (PEM); may stand beside a password."),
    _file_option("--client-key", "Its private key (PEM)."),
    _file_option("--ca", "Certificates (PEM) that alone are trusted. Default: the system's."),
    click.option(
        "--proxy", metavar="URL", help="HTTP proxy: http://HOST:PORT. The environment's is not used."
    ),
    _file_option("--proxy-auth-file", "File of `user:password` for the proxy."),
    click.option(
        "--tlp", metavar="LABEL", help="The marking of what comes unmarked. Default: TLP:AMBER+STRICT."
    ),
    click.option("--every", metavar="TIME", help="How often `serve` polls it: 15m, 2h, 1d; 0: by hand only."),
    click.option(
        "--allow-private", is_flag=True, help="It may lead to loopback, link-local and private addresses."
    ),
)


_no_receipts = click.option(
    "--no-receipts",
    "receipts",
    flag_value=False,
    default=True,
    help="Let receipts wait for another way instead.",
)


def _with_common(function: Callable[..., object]) -> Callable[..., object]:
    for option in reversed(_COMMON):
        function = option(function)
    return function


@add.command(
    "taxii",
    example="""
    backchannel channel add taxii https://taxii.example.org/taxii2/ --user alpha --password-file beta.password
    backchannel channel add taxii https://beta.example/api/collections/107/ --token-file beta.token --from 'CERT Beta'
    """,
)
@click.argument("url")
@click.option("--collection", "collections", multiple=True, metavar="ID", help="Id, alias or title; repeats.")
@_no_receipts
@_with_common
@pass_session
def add_taxii(session: Session, /, url: str, **given: object) -> None:
    """Add a TAXII server (2.1 or 2.0): its discovery, an API root or one collection.

    By default all collections of its default API root that we may read are polled.
    """
    _add(session, "taxii", url, given)


@add.command(
    "misp-feed",
    example="""
    backchannel channel add misp-feed https://misp.example/feed/ --every 1h
    backchannel channel add misp-feed ./feed-folder
    """,
)
@click.argument("url", metavar="URL|FOLDER")
@_with_common
@pass_session
def add_misp_feed(session: Session, /, url: str, **given: object) -> None:
    """Add a MISP feed: a manifest and one file for each event, over HTTP or in a folder."""
    _add(session, "misp-feed", url, given)


@add.command(
    "feed",
    example="""
    backchannel channel add feed https://lists.example/c2.csv --every 1h --tlp green
    backchannel channel add feed https://lists.example/urls/ --header Auth-Key --header-file lists.key
    """,
)
@click.argument("url", metavar="URL|FILE")
@_with_common
@pass_session
def add_feed(session: Session, /, url: str, **given: object) -> None:
    """Add a list, table or bundle that is fetched as a whole: text, CSV, JSON, gzip, zip."""
    _add(session, "feed", url, given)


@add.command(
    "drop",
    example="""
    backchannel channel add drop /media/shared/exchange --party 'CERT Beta'
    backchannel channel add drop https://beta.example/drop --name beta-box
    """,
)
@click.argument("url", metavar="FOLDER|URL")
@click.option("--party", "other", metavar="PARTY", help="How the other side is called. Default: the name.")
@_no_receipts
@_with_common
@pass_session
def add_drop(session: Session, /, url: str, other: str | None, **given: object) -> None:
    """Add a folder that is watched for drops, or the drop box of another node.

    What is new in a folder is taken, each drop credited to who signed it; nothing in it is changed. Drops go into
    either by `release send --channel NAME`.
    """
    if other is not None and given["party"] is not None:
        raise UsageError("--party and --from name the same", hint="Give one of them.")
    _add(session, "drop", url, given | {"party": other or given["party"]})


def _add(session: Session, kind: Kind, url: str, given: dict[str, object]) -> None:
    from backchannel.desk.channel import Terms  # noqa: PLC0415
    from backchannel.desk.channels import add_channel  # noqa: PLC0415

    every = given.pop("every")
    how = {name: given.pop(name) for name in ("name", "party", "tlp")}
    terms = {
        name: str(value.absolute()) if isinstance(value, Path) else value for name, value in given.items()
    }
    if kind != "taxii" and "://" not in url:
        url = str(Path(url).absolute())
    with session.node() as node:
        found = add_channel(
            node,
            session.clock,
            kind,
            Terms(url=url, **terms),  # type: ignore[arg-type]  # click has checked what each is
            every_s=None if every is None else _seconds(str(every)),
            **how,  # type: ignore[arg-type]
        )
    if session.form == "json":
        session.document(found)
    else:
        session.text(detail_text(found))
    session.tell(f"Next: backchannel channel poll {found.channel.name}")


def _seconds(text: str) -> int:
    match = re.fullmatch(r"(\d{1,7})([smhd]?)", text.strip())
    if match is None or (match[2] == "" and int(match[1]) != 0):
        raise UsageError(
            f"{text[:40]!r} is no time", hint="Write a number with s, m, h or d: 15m. 0: by hand only."
        )
    return int(match[1]) * _UNITS.get(match[2], 1)


@channel.command("list", example="backchannel channel list")
@pass_session
def list_(session: Session) -> None:
    """List the channels and how each stands."""
    from backchannel.desk.channels import list_channels  # noqa: PLC0415

    with session.node() as node:
        found = list_channels(node)
    if session.form == "json":
        session.document(found)
        return
    if found.channels:
        session.text(list_text(found))
    session.tell(f"{counted(len(found.channels), 'channel')}. Next: backchannel channel add taxii URL")


@channel.command("show", example="backchannel channel show taxii.example.org")
@click.argument("name")
@pass_session
def show(session: Session, name: str) -> None:
    """Show one channel: its collections, what they brought, what was rejected and why."""
    from backchannel.desk.channels import show_channel  # noqa: PLC0415

    with session.node() as node:
        found = show_channel(node, name)
    if session.form == "json":
        session.document(found)
    else:
        session.text(detail_text(found))


@channel.command(
    "poll",
    example="""
    backchannel channel poll taxii.example.org
    backchannel channel poll --all
    """,
)
@click.argument("names", nargs=-1, metavar="[NAME...]")
@click.option("--all", "everything", is_flag=True, help="All channels; the same as naming none.")
@click.option(
    "--again", is_flag=True, help="Read everything from the beginning; what is here already is known."
)
@passphrase_option
@pass_session
@click.pass_context
def poll(
    ctx: click.Context,
    session: Session,
    names: tuple[str, ...],
    everything: bool,
    again: bool,
    passphrase_file: Path | None,
) -> None:
    """Fetch what is new. What a poll brought is kept even where it does not get to the end.

    Exit code 1: something was refused, quarantined or contradicts what is here; 6: a channel failed.
    """
    if names and everything:
        raise UsageError("names and --all contradict each other", hint="Give one of them.")
    import time  # noqa: PLC0415

    from backchannel.channels.opening import open_channel  # noqa: PLC0415
    from backchannel.cli.progress import progress  # noqa: PLC0415
    from backchannel.desk.channels import brings_drops  # noqa: PLC0415
    from backchannel.desk.polling import poll as run  # noqa: PLC0415

    with session.node() as node:
        unseal = unseal_of(node, passphrase_file) if brings_drops(node, names) else None
        with progress(session) as tell:
            polled = run(
                node,
                session.clock,
                list(names),
                open_channel,
                pause=time.sleep,
                again=again,
                tell=lambda title, objects: tell(title, 0, None, counted(objects, "object")),
                unseal=unseal,
            )
        has_hits = tell_late_hits(session, node)
    if session.form == "json":
        session.document(polled)
    else:
        session.text(polled_text(polled))
    if any(one.state == "failed" for one in polled.channels):
        ctx.exit(NetworkError.exit_code)
    counts = [found.counts for one in polled.channels for found in one.collections]
    needs_you = (
        has_hits
        or any(one.refused or one.quarantined or one.conflict for one in counts)
        or any(file.state == "refused" for one in polled.channels for file in one.files)
    )
    ctx.exit(EXIT_NEEDS_YOU if needs_you else EXIT_DONE)


@channel.command(
    "push",
    example="""
    backchannel channel push beta --batch 12
    backchannel channel push beta indicator--1d0e1f6a-7f2c-4c59-9a4f-0f7b6c5d4e3a
    backchannel channel push beta --waiting
    """,
)
@click.argument("name")
@click.argument("ids", nargs=-1, metavar="[ID...]")
@click.option("--batch", type=click.IntRange(1), metavar="N", help="Everything that this batch brought.")
@click.option(
    "--waiting", is_flag=True, help="What waits to be told to its party: receipts and other answers."
)
@pass_session
@click.pass_context
def push(
    ctx: click.Context, session: Session, name: str, ids: tuple[str, ...], batch: int | None, waiting: bool
) -> None:
    """Send objects to the collection of a TAXII channel, as far as their markings let them go.

    With `--waiting` what waits for the channel's party goes: each signed statement in a note.

    Exit code 1: something was withheld or not accepted; 4: everything was withheld; 6: sending failed.
    """
    import time  # noqa: PLC0415

    from backchannel.channels.opening import open_channel  # noqa: PLC0415
    from backchannel.desk.pushing import push as run  # noqa: PLC0415
    from backchannel.desk.told_by_push import push_waiting  # noqa: PLC0415
    from backchannel.errors import PolicyError  # noqa: PLC0415
    from backchannel.ids import BatchId  # noqa: PLC0415

    if waiting and (ids or batch is not None):
        raise UsageError("--waiting goes by itself", hint="Push objects with another command.")
    with session.node() as node:
        number = BatchId(batch) if batch is not None else None
        if waiting:
            pushed = push_waiting(node, session.clock, name, open_channel, pause=time.sleep)
        else:
            pushed = run(node, session.clock, name, ids, open_channel, batch=number, pause=time.sleep)
    if session.form == "json":
        session.document(pushed)
    else:
        session.text(pushed_text(pushed))
    if pushed.error:
        ctx.exit(NetworkError.exit_code)
    if pushed.objects and pushed.withheld == len(pushed.objects):
        ctx.exit(PolicyError.exit_code)
    ctx.exit(EXIT_DONE if pushed.accepted == len(pushed.objects) else EXIT_NEEDS_YOU)


@channel.command("pause", example="backchannel channel pause taxii.example.org")
@click.argument("name")
@pass_session
def pause(session: Session, name: str) -> None:
    """Let a channel rest: `serve` polls it no more. By hand it still can be polled and pushed to."""
    from backchannel.desk.channels import pause_channel  # noqa: PLC0415

    with session.node() as node:
        found = pause_channel(node, session.clock, name)
    if session.form == "json":
        session.document(found)
    session.tell(f"Paused {found.channel.name}. Next: backchannel channel resume {found.channel.name}")


@channel.command("resume", example="backchannel channel resume taxii.example.org")
@click.argument("name")
@pass_session
def resume(session: Session, name: str) -> None:
    """Let `serve` poll a channel again as before, beginning at once."""
    from backchannel.desk.channels import resume_channel  # noqa: PLC0415

    with session.node() as node:
        found = resume_channel(node, name)
    if session.form == "json":
        session.document(found)
    session.tell(f"Resumed {found.channel.name}.")


@channel.command(
    "remove", forms=(), writes_file=False, example="backchannel channel remove taxii.example.org"
)
@click.argument("name")
@pass_session
def remove(session: Session, name: str) -> None:
    """Remove a channel. What came by it stays; `batch undo` takes that back."""
    from backchannel.desk.channels import remove_channel  # noqa: PLC0415

    with session.node() as node:
        remove_channel(node, name)
    session.tell(f"Removed {name}.")
