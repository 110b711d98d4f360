"""Which events are meant: a few simple options, and a condition in the Common Expression Language.

CEL is what Kubernetes writes its rules in. It has no loop without an end, no way to Python's
objects, and regular expressions that take linear time; a condition sees the names in `fields` and
nothing else.
"""

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final

import msgspec

from consumer.domain.alarm import State
from consumer.domain.record import Record
from consumer.experiments.fields import FIELDS, Field
from consumer.experiments.seen import Seen

#: Characters of a condition.
_LONGEST: Final = 2_000
#: Loops over an event's own lists, one inside the other at the most.
_LOOPS: Final = 2

_TIME_PARTS: Final = (
    *("getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear"),
    *("getHours", "getMinutes", "getSeconds", "getMilliseconds"),
)
FUNCTIONS: Final = frozenset(
    {
        *("size", "contains", "startsWith", "endsWith", "matches"),
        *("timestamp", "duration", "string", "int", "uint", "double"),
        *_TIME_PARTS,
    }
)
_LOOP: Final = re.compile(r"\.\s*(?:all|exists|exists_one|map|filter)\s*\(\s*([A-Za-z_]\w*)\s*,")
_SYNTAX: Final = re.compile(r"<input>:(\d+):(\d+): (?:Syntax error: )?(.*)")
#: What people write who know other languages, as the parser quotes it.
_MEANT: Final = {"'and'": "&&", "'or'": "||", "'= '": "=="}
_UNDEFINED: Final = re.compile(r"Undefined variable or function: '([^']*)'")
#: What the library raises where a condition has no answer.
_UNANSWERED: Final = (KeyError, TypeError, ValueError, RuntimeError, ArithmeticError)
#: A state held against a text.
_STATE: Final = re.compile(r"(?<![.\w])(?:previous_)?state\s*[=!]=\s*([\"'])(.*?)\1")
#: Fields whose content is the event's own: what is in them is known with each event only.
_OPEN: Final = frozenset({"labels", "metrics", "entity", "check", "alarm", "headers"})
#: What a condition is tried on before the first event.
_BLANK: Final = Seen(record=Record("topic", 0, 0, None, None))


class FilterError(ValueError):
    """The condition cannot be used; the text is one line that says what to do."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """The simple options. Of one option any value may fit; all options that are given must."""

    tenants: frozenset[str] = frozenset()
    entities: frozenset[str] = frozenset()
    alarms: frozenset[str] = frozenset()
    states: frozenset[State] = frozenset()

    def fits(self, seen: Seen) -> bool:
        of = seen.event or seen.known
        return (
            (not self.tenants or of.tenant_id in self.tenants)
            and (not self.entities or of.entity_id in self.entities)
            and (not self.alarms or of.alarm_id in self.alarms)
            and (not self.states or of.state in self.states)
        )


class Filter:
    """Says of each event whether it is meant. Raises FilterError for a condition that is wrong.

    An event that the condition cannot be asked of (a label that it has not, say) is not meant;
    `failures` counts those, `first_failure` says what happened.
    """

    def __init__(self, condition: str | None = None, wanted: Wanted | None = None) -> None:
        self._wanted = wanted or Wanted()
        self._program = None if condition is None else _compiled(condition)
        names = () if self._program is None else self._program.variables()
        self._fields: Mapping[str, Field] = {n: FIELDS[n] for n in names if n in FIELDS}
        self.failures = 0
        self.first_failure: str | None = None

    def matches(self, seen: Seen) -> bool:
        if not self._wanted.fits(seen):
            return False
        if self._program is None:
            return True
        try:
            answer = self._program.execute({n: read(seen) for n, read in self._fields.items()})
        except _UNANSWERED as error:
            return self._failed(seen, _plain(error))
        if not isinstance(answer, bool):
            return self._failed(seen, f"the answer is {type(answer).__name__}, not true or false")
        return answer

    def _failed(self, seen: Seen, why: str) -> bool:
        self.failures += 1
        if self.first_failure is None:
            topic, partition, offset = seen.record.position
            self.first_failure = f"{topic} {partition}/{offset}: {why}"
        return False


def parse_states(names: Sequence[str]) -> frozenset[State]:
    """States as a person writes them, in any case. Raises FilterError."""
    unknown = [name for name in names if name.upper() not in State.__members__]
    if unknown:
        raise FilterError(f"{unknown[0]!r} is no state: write {', '.join(State)}")
    return frozenset(State(name.upper()) for name in names)


def _compiled(condition: str) -> Any:
    # Imported here: it brings a terminal program of its own, which costs a quarter of a second.
    import cel

    if len(condition) > _LONGEST:
        raise FilterError(f"{len(condition)} characters, at most {_LONGEST}")
    try:
        program = cel.compile(condition)
    except ValueError as error:
        raise FilterError(_syntax(condition, str(error))) from None
    bound = _LOOP.findall(condition)
    if len(bound) > _LOOPS:
        raise FilterError(f"{len(bound)} loops, at most {_LOOPS}")
    _check_names("name", program.variables(), [*FIELDS, *bound], condition)
    functions = [name for name in program.functions() if name[:1].isalpha()]
    _check_names("function", functions, sorted(FUNCTIONS), condition)
    _check_states(condition)
    _try(program)
    return program


def _check_names(what: str, used: Sequence[str], there: Sequence[str], condition: str) -> None:
    for name in used:
        if name not in there:
            near = get_close_matches(name, there, 1)
            hint = f"; did you mean {near[0]}?" if near else "."
            place = re.search(rf"\b{re.escape(name)}\b", condition)
            at = f" at character {place.start() + 1}" if place else ""
            raise FilterError(f"no {what} {name!r}{at}{hint} There are: {', '.join(there)}")


def _check_states(condition: str) -> None:
    """`state == 'critical'` is no error in CEL, and never true."""
    for _, name in _STATE.findall(condition):
        if name and name not in State.__members__:
            raise FilterError(f"no state {name!r}; there are: {', '.join(State)}")


def _try(program: Any) -> None:
    """Ask it once of nothing: what can never be answered is told now."""
    names = [name for name in program.variables() if name in FIELDS]
    try:
        answer = program.execute({name: FIELDS[name](_BLANK) for name in names})
    except KeyError:
        return
    except _UNANSWERED as error:
        if isinstance(error, TypeError) and _OPEN & set(program.variables()):
            return  # each event may have another type there
        raise FilterError(_plain(error)) from None
    if not isinstance(answer, bool):
        raise FilterError("is no condition: its answer is not true or false")


def _syntax(condition: str, told: str) -> str:
    found = _SYNTAX.search(told)
    if found is None:
        return "cannot be read as a condition"
    line, column, what = int(found[1]), int(found[2]), found[3]
    lines = condition.splitlines() or [""]
    rest = lines[line - 1][column - 1 :] if line <= len(lines) else ""
    near = f" before {rest[:20]!r}" if rest else " at the end"
    return f"wrong{near} (line {line}, character {column}): {_shortened(what)}"


def _shortened(what: str) -> str:
    """Without the list of all that might stand there."""
    head = what.split(" expecting ")[0]
    hint = next((sign for word, sign in _MEANT.items() if word in head), None)
    return f"{head}; write {hint}" if hint else head


def _plain(error: Exception) -> str:
    """What the library says, without its advice."""
    text = str(error.args[0] if error.args else error)
    if isinstance(error, KeyError):
        return f"there is no {text!r}; has(…) asks whether there is"
    if isinstance(error, TypeError):
        return "two values of different types cannot be compared, or a function got a wrong one"
    if undefined := _UNDEFINED.search(text):
        return f"there is no name or function {undefined[1]!r}"
    return " ".join(text.split("Check function arguments")[0].split())
