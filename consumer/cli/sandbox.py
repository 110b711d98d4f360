"""`messenger sandbox`: the embedded parts, one by one."""

import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from consumer.adapters.clock import SystemClock
from consumer.cli.common import console, end_in_order, fail

sandbox = typer.Typer(
    name="sandbox",
    help="Embedded parts: fake Mailgun, broker, traffic. Install alarm-messenger[sandbox].",
    no_args_is_help=True,
)

_KEY = "key-sandbox"


@sandbox.command("mailgun")
def mailgun(
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0: a free one.")] = 8025,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    api_key: Annotated[str, typer.Option(help="The key that clients must give.")] = _KEY,
    domain: Annotated[
        list[str] | None, typer.Option(help="Accepted sending domains; default: any.")
    ] = None,
    latency: Annotated[float, typer.Option(min=0, help="Seconds before each answer.")] = 0.0,
    state: Annotated[
        Path | None, typer.Option(help="File that keeps all from one start to the next.")
    ] = None,
) -> None:
    """A fake Mailgun, with an inbox page at its root. Ends on Ctrl-C."""
    try:
        from consumer.sandbox.mailgun import Options, serve
    except ImportError as error:
        raise _not_installed() from error
    options = Options(
        api_keys={api_key: "full"},
        domains=frozenset(domain) if domain else None,
        latency_seconds=latency,
        state_file=state,
    )
    try:
        serve(options, host=host, port=port, on_ready=lambda url: console.print(f"inbox: {url}"))
    except ValueError as error:  # the state file
        raise fail(str(error), 2) from error
    except OSError as error:
        raise fail(f"cannot listen on {host}:{port}: {error.strerror}; try --port 0", 1) from error


@sandbox.command("broker")
def broker(
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0: a free one.")] = 9092,
) -> None:
    """The embedded Kafka broker, in memory: for trying things out. Ends on Ctrl-C."""
    from consumer.sandbox.broker import EmbeddedBroker

    end_in_order()
    with EmbeddedBroker(port=port) as started:
        console.print(f"bootstrap_servers: {started.bootstrap}")
        threading.Event().wait()


@sandbox.command("traffic")
def traffic(
    count: Annotated[int, typer.Option(min=1, help="How many events.")] = 300,
    seed: Annotated[int, typer.Option(help="The same seed gives the same events.")] = 1,
    catalog: Annotated[
        Path | None, typer.Option(help="Also write the matching sample catalog here.")
    ] = None,
) -> None:
    """Alarm-state events of realistic shape as NDJSON on stdout, for `messenger produce`."""
    from consumer.sandbox.catalog import write_sample_catalog
    from consumer.sandbox.traffic import generate

    if catalog is not None:
        write_sample_catalog(catalog, with_mistake=False)
    for record in generate(count, seed, int(SystemClock().now() * 1000)):
        sys.stdout.buffer.write(record.value + b"\n")


def _not_installed() -> typer.Exit:
    return fail("the sandbox is not installed: pip install 'alarm-messenger[sandbox]'", 2)
