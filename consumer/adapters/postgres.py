"""What psycopg lacks: an end to waiting for an answer.

`statement_timeout` is the server's, and TCP's own time limits are content with a peer whose kernel
still acknowledges. A server that is frozen, or a pooler before it, would be waited for for ever.
"""

from collections.abc import Generator
from time import monotonic
from typing import Any, Final

from sqlalchemy import Engine, event

#: A little more than was asked for, so that a server that gives up by itself can say why.
_GRACE: Final = 1.1


def limit_answers(engine: Engine, seconds: float) -> None:
    """Let the engine's connections give up an answer that takes longer; they are closed then.

    The caller sees psycopg's OperationalError, as for a connection that broke.
    """
    import psycopg  # an extra; whoever has an engine of its dialect has it

    class Impatient(psycopg.Connection[Any]):
        def wait(self, gen: Any, *args: Any, **kwargs: Any) -> Any:
            return super().wait(_ending(gen, self, seconds * _GRACE), *args, **kwargs)

    def _ending(steps: Any, connection: Impatient, limit: float) -> Generator[Any, Any, Any]:
        """psycopg's own steps, which wait for the socket in between and are woken now and then."""
        deadline = monotonic() + limit
        ready = None
        while True:
            try:
                wanted = steps.send(ready)
            except StopIteration as end:
                return end.value
            ready = yield wanted
            if not ready and monotonic() > deadline:
                connection.pgconn.finish()
                raise psycopg.OperationalError(f"no answer within {limit:g} s")

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Any, _record: Any, args: Any, options: Any) -> psycopg.Connection[Any]:
        return Impatient.connect(*args, **options)
