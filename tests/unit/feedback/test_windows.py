"""What is read next: at once, and once more when it has settled."""

from consumer.feedback.windows import PollRules, Window, windows

RULES = PollRules(interval=60.0, overlap=300.0, settle=1_800.0)
NOW = 1_767_225_600.0


def test_the_first_time_a_day_is_looked_back() -> None:
    settled, fresh = windows(RULES, None, None, NOW)
    assert settled == Window(NOW - 1_800 - 86_400 - 300, NOW - 1_800, settled=True)
    assert fresh == Window(NOW - 1_800 - 300, NOW, settled=False)


def test_after_a_restart_all_that_had_not_settled_is_read_again() -> None:
    (fresh,) = windows(RULES, NOW - 1_830, None, NOW)
    assert fresh == Window(NOW - 1_830 - 300, NOW, settled=False)


def test_a_running_process_reads_on_from_where_it_was_with_an_overlap() -> None:
    (fresh,) = windows(RULES, NOW - 1_830, NOW - 60, NOW)
    assert fresh == Window(NOW - 60 - 300, NOW, settled=False)


def test_what_has_settled_is_read_in_steps() -> None:
    assert len(windows(RULES, NOW - 1_800 - 299, NOW, NOW)) == 1
    settled, _ = windows(RULES, NOW - 1_800 - 300, NOW, NOW)
    assert settled == Window(NOW - 1_800 - 300 - 300, NOW - 1_800, settled=True)


def test_after_a_long_time_away_everything_is_read_from_the_place() -> None:
    settled, fresh = windows(RULES, NOW - 500_000, None, NOW)
    assert settled == Window(NOW - 500_000 - 300, NOW - 1_800, settled=True)
    assert fresh.begin == NOW - 1_800 - 300


def test_a_clock_that_was_set_back_reads_the_overlap() -> None:
    (fresh,) = windows(RULES, NOW + 500, NOW + 1_000, NOW)
    assert fresh == Window(NOW - 300, NOW, settled=False)
