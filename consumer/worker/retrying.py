"""When a deferred send is tried again: the one retry policy of the project.

tenacity says how long to wait. Nobody sleeps here: the sender gets its thread back, and the
lanes bring the send back when its time has come, or earlier when it is superseded. Before each
attempt its lock, its age and the alarm's state are looked at anew, and it ends when the event is
older than its state's age limit: never because a counter ran out. It does not wait out its pause
where another way is open, nor while its attempts are what shows whether a way is broken.
"""

from typing import Final

from tenacity import RetryCallState, Retrying, wait_exponential_jitter

from consumer.domain.notification import SendResult
from consumer.domain.reasons import Reason
from consumer.worker.ways import Ways
from consumer.worker.work import Sending

#: Seconds: about 1, 2, 4, … up to a minute, plus up to one at random so that sends that failed
#: together do not come back together.
_WAIT: Final = wait_exponential_jitter(initial=1.0, max=60.0, exp_base=2.0, jitter=1.0)


def seconds_until_next(sending: Sending, result: SendResult, ways: Ways, now: float) -> float:
    """Seconds to the next attempt of what surely was not accepted."""
    if result.reason is Reason.NOT_FOUND:
        # It has waited long enough.
        return 0.0
    enough = ways.again_in(
        sending.options, result, sending.tries, may_fall_back=sending.may_fall_back
    )
    return min(pause_seconds(result, sending.tries, now), enough)


def pause_seconds(result: SendResult, tries: int, now: float) -> float:
    """What the provider said counts; else it grows with the `tries` of this process."""
    if result.retry_at is not None:
        return max(0.0, result.retry_at - now)
    state = RetryCallState(Retrying(), None, (), {})
    state.attempt_number = max(tries, 1)
    return float(_WAIT(state))
