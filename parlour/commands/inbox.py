"""``parlour inbox``"""

from __future__ import annotations

import click
import orjson

from parlour.channels import actions, queries, registry
from parlour.channels.contract import ChannelError
from parlour.channels.models import Inbox
from parlour.commands.migrate import migrate


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Connect and list inboxes."""


@command.command()
@click.argument("channel")
@click.option("--brand", required=True, help="The brand it belongs to; made if it is new.")
@click.option("--name", required=True, help="How agents will know it.")
@click.option("--set", "pairs", multiple=True, metavar="KEY=VALUE", help="A setting of the channel; may be repeated.")
def add(channel: str, brand: str, name: str, pairs: tuple[str, ...]) -> None:
    """Connect an inbox on CHANNEL and print it as one JSON object: id, key, webhook_path."""
    migrate()
    try:
        inbox = actions.connect_inbox(channel, brand, name, _settings(pairs))
    except (ValueError, LookupError) as error:
        raise click.ClickException(str(error)) from error
    told = {"id": inbox.pk, "key": inbox.key, "webhook_path": inbox.webhook_path}
    click.echo(orjson.dumps(told).decode())


def _settings(pairs: tuple[str, ...]) -> dict[str, str]:
    settings: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise click.ClickException(f"--set takes KEY=VALUE, not {pair!r}.")
        settings[key] = value
    return settings


@command.command("set")
@click.argument("inbox_id", type=int)
@click.option("--set", "pairs", multiple=True, required=True, metavar="KEY=VALUE", help="A setting; may be repeated.")
def set_(inbox_id: int, pairs: tuple[str, ...]) -> None:
    """Change settings of an inbox, a renewed token for instance; the others stay."""
    migrate()
    try:
        actions.update_settings(inbox_id, _settings(pairs))
    except (ValueError, Inbox.DoesNotExist) as error:
        raise click.ClickException(_words(error)) from error
    actions.note_health(inbox_id, Inbox.Health.OK)
    click.echo("Changed.")


@command.command()
@click.argument("inbox_id", type=int)
def check(inbox_id: int) -> None:
    """Ask the platform whether the credentials of an inbox work."""
    migrate()
    try:
        inbox = queries.inboxes().get(pk=inbox_id)
        click.echo(registry.get(inbox.channel).check(queries.config(inbox)))
    except (ChannelError, Inbox.DoesNotExist) as error:
        raise click.ClickException(_words(error)) from error


def _words(error: Exception) -> str:
    return "There is no such inbox." if isinstance(error, Inbox.DoesNotExist) else str(error)


@command.command("list")
def list_() -> None:
    """Print every inbox as one JSON object a line, without credentials."""
    migrate()
    for inbox in queries.inboxes():
        told = {
            "id": inbox.pk,
            "channel": inbox.channel,
            "brand": inbox.brand.name,
            "name": inbox.name,
            "webhook_path": inbox.webhook_path,
            "health": inbox.health,
        }
        click.echo(orjson.dumps(told).decode())


@command.command()
def channels() -> None:
    """Print the channels there are and the settings each takes."""
    for channel in registry.CHANNELS.values():
        click.echo(f"{channel.name} ({channel.label})")
        for setting in channel.settings:
            needed = "required" if setting.required and not setting.default else "optional"
            if setting.when:
                needed += f" with {setting.when[0]}={'|'.join(setting.when[1:])}"
            click.echo(f"  {setting.name}: {setting.label}, {needed}. {setting.help}".rstrip())
