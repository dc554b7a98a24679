"""The commands of tokens: `account token make`, `list`, `revoke`; and `account` as the group of both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from monitor import printable
from monitor.lazily import Lazily
from monitor.reviewcli import STORE, Config, LedgerKey, Namespace, Store, account

if TYPE_CHECKING:
    from monitor import reviewing
    from monitor.review import clocks
    from monitor.web import tokens
else:
    reviewing, tokens = Lazily("monitor.reviewing"), Lazily("monitor.web.tokens")
    clocks = Lazily("monitor.review.clocks")

BY = "privwatch account token"
"""Who made or revoked it, where it was done here."""


class Keeping(TyperGroup):
    """`account NAME --role …` is `account keep NAME --role …`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - of whichever click typer has
        """Put the word in where none is said."""
        known = {*self.commands, "--help", "-h"}
        return super().parse_args(ctx, args if not args or args[0] in known else ["keep", *args])


accounts = typer.Typer(
    cls=Keeping,
    no_args_is_help=True,
    help="Keep accounts for the review, and tokens for programs. `account NAME` is `account keep NAME`.",
)
tokens_app = typer.Typer(
    no_args_is_help=True, help="Tokens with which programs ask the API in an account's name."
)
accounts.command("keep")(account)
accounts.add_typer(tokens_app, name="token")


@tokens_app.command()
def make(
    name: Annotated[str, typer.Argument(help="Account in whose name the program asks.")],
    scope: Annotated[
        list[str],
        typer.Option(
            help="What it is good for: read, evidence, decide, incident, register, ledger, report; "
            "may be given again."
        ),
    ],
    label: Annotated[str, typer.Option(help="What it is for, as people call it.")],
    days: Annotated[int, typer.Option(help="Until it ends.")] = 90,
    config: Config = None,
    store: Store = STORE,
    namespace: Namespace = "replay",
    ledger_key: LedgerKey = None,
) -> None:
    """Make a token and print it; it is shown this once, and kept as a hash."""
    here = reviewing.where(config, store, namespace, ledger_key=ledger_key)
    with reviewing.desk(here) as (desk, _):
        known = desk.book.account(name)
        text, token, record = tokens.made(known, label, scope, days, by=BY, now=desk.now())
        desk.book.keep_token(token, record, desk.now())
    typer.echo(text)
    end = clocks.moment(token.expires)
    typer.echo(f"token {token.id} of {name}, for {', '.join(token.scopes)}, ends {end:%Y-%m-%d}", err=True)


@tokens_app.command("list")
def list_(
    config: Config = None,
    store: Store = STORE,
    namespace: Namespace = "replay",
    ledger_key: LedgerKey = None,
) -> None:
    """List the tokens there are, without what nobody can know of them any more: themselves."""
    here = reviewing.where(config, store, namespace, ledger_key=ledger_key)
    with reviewing.desk(here) as (desk, _):
        for one in desk.book.tokens():
            state = tokens.standing(one, desk.book.account(one.account), desk.now())
            used = f"last used {clocks.moment(one.used):%Y-%m-%d}" if one.used else "never used"
            end = f"ends {clocks.moment(one.expires):%Y-%m-%d}"
            said = f"{one.id}  {state}  {one.account}  {','.join(one.scopes)}  {end}  {used}  {one.label}"
            typer.echo(printable.line(said))


@tokens_app.command()
def revoke(
    token: Annotated[str, typer.Argument(help="Id of the token, as `list` has it.")],
    config: Config = None,
    store: Store = STORE,
    namespace: Namespace = "replay",
    ledger_key: LedgerKey = None,
) -> None:
    """End a token at once."""
    here = reviewing.where(config, store, namespace, ledger_key=ledger_key)
    with reviewing.desk(here) as (desk, _):
        ended, record = tokens.revoked(desk.book.token(token), BY, desk.now())
        desk.book.keep_token(ended, record, desk.now())
    typer.echo(f"token {token} is revoked")
