"""`serve` and `demo`: the pages, and the whole story in one go."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from backchannel.cli.command import Command, pass_session
from backchannel.cli.passphrases import given_unseal, passphrase_option
from backchannel.cli.session import Session
from backchannel.clock import FixedClock
from backchannel.errors import UsageError

if TYPE_CHECKING:
    from backchannel.desk.node import Node
    from backchannel.parties.at_rest import Unseal


@click.command(
    cls=Command,
    forms=(),
    writes_file=False,
    example="""
    backchannel serve
    backchannel serve --port 8443 --tls-cert chain.pem --tls-key key.pem --host 192.0.2.10
    backchannel serve --public-url https://cti.example.org --trusted-proxy 127.0.0.1
    """,
)
@click.option("--host", help="Where to listen. Default: the setting `host` (127.0.0.1).")
@click.option(
    "--port", type=click.IntRange(0, 65_535), help="Default: the setting `port` (8017); 0 takes a free one."
)
@click.option(
    "--public-url",
    metavar="URL",
    help="How browsers and TAXII clients reach it, where a proxy stands in front.",
)
@click.option(
    "--trusted-proxy",
    "trusted_proxies",
    multiple=True,
    metavar="CIDR",
    help="A proxy whose X-Forwarded-For is believed; repeats. Default: nobody's.",
)
@click.option("--tls-cert", type=click.Path(path_type=Path), help="Certificate chain (PEM).")
@click.option("--tls-key", type=click.Path(path_type=Path), help="Its private key (PEM).")
@click.option(
    "--drop-box/--no-drop-box",
    "has_box",
    default=False,
    help="Let anybody leave drops at /drop. Default: not.",
)
@passphrase_option
@pass_session
def serve(
    session: Session,
    host: str | None,
    port: int | None,
    public_url: str | None,
    trusted_proxies: tuple[str, ...],
    tls_cert: Path | None,
    tls_key: Path | None,
    has_box: bool,
    passphrase_file: Path | None,
) -> None:
    """Serve the pages and TAXII on this machine, and poll the channels, until Ctrl-C.

    A one-time link on stderr signs you in.
    """
    if (tls_cert is None) != (tls_key is None):
        raise UsageError(
            "a certificate and its key belong together", hint="Give both --tls-cert and --tls-key."
        )
    with session.node() as node:
        settings = node.settings
        unseal = _opened(session, node, passphrase_file)
    public_url = public_url or settings.public_url
    # These load much that other commands need not.
    from backchannel.channels.forwarded import trusted_networks  # noqa: PLC0415
    from backchannel.channels.front import open_channels  # noqa: PLC0415
    from backchannel.cli.box_keeping import keeping_box  # noqa: PLC0415
    from backchannel.cli.ledger_keeping import keeping_ledger  # noqa: PLC0415
    from backchannel.cli.schedule import polling  # noqa: PLC0415
    from backchannel.web.serve import serve as run  # noqa: PLC0415
    from backchannel.web.tls import Tls  # noqa: PLC0415

    trusted = trusted_networks(trusted_proxies)
    home, clock = session.home, session.clock
    with (
        open_channels(home, clock, public_url=public_url, trusted_proxies=trusted, unseal=unseal) as channels,
        polling(home, clock, unseal),
        keeping_box(home, clock, unseal) if has_box else nullcontext() as box,
        keeping_ledger(home, clock, unseal),
    ):
        run(
            home,
            host or settings.host,
            settings.port if port is None else port,
            public_url=public_url,
            tls=Tls(tls_cert, tls_key) if tls_cert and tls_key else None,
            channels=channels,
            box=box,
            unseal=unseal,
            clock=clock,
        )


def _opened(session: Session, node: Node, passphrase_file: Path | None) -> Unseal | None:
    """Return what opens the node's keys, which is tried here; without it, say what waits."""
    from backchannel.desk.own_keys import is_sealed, own_keys  # noqa: PLC0415

    unseal = given_unseal(node, passphrase_file)
    if unseal is not None:
        own_keys(node, session.clock, unseal)
    elif is_sealed(node):
        session.tell(
            "The keys are under a passphrase: drops that come, pages that sign and the ledger wait for it. "
            "Give it with --passphrase-file FILE."
        )
    return unseal


@click.command(cls=Command, forms=(), writes_file=False, example="backchannel demo --keep ./demo")
@click.option(
    "--keep", type=click.Path(path_type=Path), metavar="DIR", help="Keep the node and exports there."
)
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=0, help="Port of the page; 0 takes a free one."
)
@pass_session
def demo(session: Session, keep: Path | None, port: int) -> None:
    """Three pretend parties, sample intelligence and logs, the whole story in one go.

    On a terminal it then serves the page until Ctrl-C. Nothing stays behind but what --keep asks for.
    """
    from backchannel.demo.story import DAY, tell  # noqa: PLC0415

    with TemporaryDirectory(prefix="backchannel-demo-") as scratch:
        folder = keep or Path(scratch)
        tell(folder, FixedClock(DAY), click.echo)
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            return
        from backchannel.web.serve import serve as run  # noqa: PLC0415  # the pages load much

        run(folder / "home", "127.0.0.1", port, clock=session.clock)
