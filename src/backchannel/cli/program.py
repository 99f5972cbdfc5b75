"""The program `backchannel`: its commands, in the order in which a newcomer meets them."""

from __future__ import annotations

import click

from backchannel import __version__
from backchannel.cli.acting import advice, export
from backchannel.cli.answering import ack, decline, dispute, sight
from backchannel.cli.approving import release
from backchannel.cli.asking import ask
from backchannel.cli.batches import batch
from backchannel.cli.boxes import channel
from backchannel.cli.coming import receive
from backchannel.cli.command import Group, global_options
from backchannel.cli.comparing import compare
from backchannel.cli.hit_book import hits
from backchannel.cli.hubs import hub
from backchannel.cli.hunting import hunt, rehunt
from backchannel.cli.judging import grade, outcome, union
from backchannel.cli.key_changes import key
from backchannel.cli.ledger import ledger
from backchannel.cli.meeting import party
from backchannel.cli.node import doctor, init, status
from backchannel.cli.patterns import pattern
from backchannel.cli.policy import policy
from backchannel.cli.reading import inbox, show, why
from backchannel.cli.receiving import import_, validate
from backchannel.cli.refused import refused
from backchannel.cli.replying import answer
from backchannel.cli.retracting import retract
from backchannel.cli.serving import demo, serve
from backchannel.cli.tallying import tally as _tally  # noqa: F401  # into the group `party`
from backchannel.cli.taxii import taxii
from backchannel.cli.warninglists import warninglist
from backchannel.cli.watching import watch


@click.group(
    cls=Group,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 something needs you, 2 usage, 3 input, 4 policy, 5 key, 6 network, 7 store.",
)
@click.version_option(__version__, prog_name="backchannel")
@global_options
def backchannel() -> None:
    """Exchange threat intelligence with parties you only half trust, and find it at home.

    Begin with `backchannel demo`, or with `backchannel init --name NAME`.
    """


for _command in (
    demo,
    init,
    doctor,
    status,
    import_,
    validate,
    pattern,
    batch,
    channel,
    party,
    key,
    release,
    policy,
    receive,
    refused,
    inbox,
    show,
    why,
    hunt,
    watch,
    rehunt,
    hits,
    hub,
    advice,
    export,
    ack,
    decline,
    sight,
    dispute,
    retract,
    ask,
    answer,
    compare,
    outcome,
    grade,
    union,
    warninglist,
    ledger,
    taxii,
    serve,
):
    backchannel.add_command(_command)
