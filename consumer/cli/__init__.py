"""The command line, one file per command.

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 a dependency cannot be reached.
Errors are one clear line on stderr; a traceback is a bug.
"""

import sys

import typer

from consumer.cli.bench import bench
from consumer.cli.catalog import catalog
from consumer.cli.check_config import check_config
from consumer.cli.common import complain
from consumer.cli.dead_letters import dead_letters
from consumer.cli.demo import demo
from consumer.cli.feedback import feedback
from consumer.cli.ingest import ingest
from consumer.cli.ledger import ledger
from consumer.cli.offsets import offsets
from consumer.cli.preview import preview
from consumer.cli.produce import produce
from consumer.cli.replay import replay
from consumer.cli.rollout import rollout
from consumer.cli.run import run
from consumer.cli.sandbox import sandbox
from consumer.cli.send_test import send_test
from consumer.cli.shadow import shadow
from consumer.cli.stats import stats
from consumer.cli.suppressions import suppressions
from consumer.cli.tap import tap
from consumer.cli.topics import topics
from consumer.cli.trace import trace
from consumer.cli.version import version
from consumer.domain.errors import DependencyError, MessengerError, SettingsError

app = typer.Typer(
    name="messenger",
    help="Alarm-state events from Kafka become tracked emails.",
    no_args_is_help=True,
    add_completion=False,
    # Help texts are plain: brackets in them mean themselves.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    demo,
    run,
    check_config,
    produce,
    send_test,
    preview,
    trace,
    replay,
    tap,
    shadow,
    feedback,
    ingest,
    stats,
    version,
):
    app.command(command.__name__.replace("_", "-"))(command)
for group in (
    topics,
    offsets,
    ledger,
    dead_letters,
    rollout,
    suppressions,
    catalog,
    sandbox,
    bench,
):
    app.add_typer(group)


def main() -> int:
    """Run the command line; returns the exit code."""
    try:
        app(standalone_mode=True)
    except SettingsError as error:
        for problem in error.problems:
            complain(problem)
        return 2
    except DependencyError as error:
        complain(str(error))
        return 3
    except MessengerError as error:
        complain(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output has seen enough.
        sys.stderr.close()
        return 0
    return 0
