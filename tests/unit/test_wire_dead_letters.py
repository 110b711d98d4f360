"""Dead letters, redriven records and notes: what their headers say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.domain.errors import InvalidMessage
from consumer.domain.record import DeadLetter, Record, Undelivered
from consumer.wire import (
    DEAD_LETTER_HEADERS,
    LETTER_HEADER,
    ORIGIN_HEADER,
    REDRIVEN_HEADER,
    UNDELIVERED_HEADER,
    dead_letter_headers,
    decode_dead_letter,
    decode_note,
    left_undelivered,
    origin,
    redriven_at,
    redriven_headers,
    redriven_note,
    written_at,
)


class TestDeadLetter:
    @given(
        st.builds(
            Record,
            topic=st.text(),
            partition=st.integers(0),
            offset=st.integers(0),
            key=st.none() | st.binary(),
            value=st.none() | st.binary(),
            headers=st.lists(st.tuples(st.sampled_from(["a", "ce_id", "ä"]), st.binary())),
            timestamp=st.integers(-1),
        ),
        st.text(),
        st.text(),
        st.integers(0),
        st.lists(st.builds(Undelivered, st.text(), st.text()), max_size=3).map(tuple),
    )
    def test_it_comes_back_as_it_was(
        self,
        record: Record,
        reason: str,
        error: str,
        first_seen: int,
        undelivered: tuple[Undelivered, ...],
    ) -> None:
        letter = DeadLetter(
            record=record,
            reason=reason,
            error=error,
            first_seen=first_seen,
            undelivered=undelivered,
        )
        headers = dead_letter_headers(letter)
        read = Record("dead", 5, 99, record.key, record.value, headers, 1)
        assert decode_dead_letter(read) == letter

    def test_its_own_headers_stay_and_an_earlier_letters_are_replaced(self) -> None:
        record = Record("t", 0, 1, None, b"", [("trace", b"1"), ("messenger-reason", b"old")])
        letter = DeadLetter(record=record, reason="not_json", error="message: odd", first_seen=5)
        headers = dead_letter_headers(letter)
        assert headers[0] == ("trace", b"1")
        assert tuple(name for name, _ in headers[1:]) == DEAD_LETTER_HEADERS
        assert ("messenger-reason", b"old") not in headers

    @pytest.mark.parametrize("name", DEAD_LETTER_HEADERS)
    def test_a_missing_header_is_named(self, name: str) -> None:
        letter = DeadLetter(
            record=Record("t", 0, 1, None, b""), reason="r", error="e", first_seen=5
        )
        headers = [header for header in dead_letter_headers(letter) if header[0] != name]
        with pytest.raises(InvalidMessage, match=f"no header {name}"):
            decode_dead_letter(Record("dead", 0, 0, None, b"", headers))

    @pytest.mark.parametrize("value", [b"x", b"\xff", b""])
    def test_an_unreadable_header_is_refused(self, value: bytes) -> None:
        letter = DeadLetter(
            record=Record("t", 0, 1, None, b""), reason="r", error="e", first_seen=5
        )
        headers = [*dead_letter_headers(letter), ("messenger-source-offset", value)]
        with pytest.raises(InvalidMessage, match="unreadable header"):
            decode_dead_letter(Record("dead", 0, 0, None, b"", headers))

    @pytest.mark.parametrize("value", [b"", b"x", b"{}", b'[{"uid": 1}]'])
    def test_whom_it_was_for_may_be_missing(self, value: bytes) -> None:
        letter = DeadLetter(
            record=Record("t", 0, 1, None, b""), reason="r", error="e", first_seen=5
        )
        headers = [*dead_letter_headers(letter), (UNDELIVERED_HEADER, value)]
        assert not decode_dead_letter(Record("dead", 0, 0, None, b"", headers)).undelivered


class TestRedriven:
    def test_a_record_carries_its_own_headers_and_when_it_was_redriven(self) -> None:
        record = Record("t", 0, 1, None, b"", [("trace", b"1"), ("messenger-reason", b"old")])
        headers = redriven_headers(record, 1_392_138_740_000)
        assert headers == [
            ("trace", b"1"),
            (REDRIVEN_HEADER, b"1392138740000"),
            (ORIGIN_HEADER, b"t/0/1"),
        ]
        assert redriven_at(headers) == 1_392_138_740_000

    def test_a_record_keeps_the_time_at_which_it_was_written_first(self) -> None:
        once = Record(
            "t", 0, 5, None, b"", redriven_headers(Record("t", 0, 1, None, b"", (), 7), 8), 9
        )
        twice = Record("t", 0, 6, None, b"", redriven_headers(once, 10), 11)
        assert [written_at(each) for each in (once, twice)] == [7, 7]

    def test_nobody_knows_the_time_of_a_record_that_had_none(self) -> None:
        silent = Record("t", 0, 1, None, b"", (), -1)
        again = Record("t", 0, 5, None, b"", redriven_headers(silent, 8), 9)
        assert [written_at(each) for each in (silent, again)] == [0, 0]

    def test_a_record_says_who_of_its_event_had_no_address(self) -> None:
        """The record may hold several events; of who has a row, the ledger knows."""
        gone = Undelivered("", "", "ntGone", "e1")
        others = [Undelivered("u1", "ops@example.com"), Undelivered("", "", "ntGone", "e2")]
        record = Record("t", 0, 1, None, b"")
        headers = redriven_headers(record, 10, [gone, *others])
        assert left_undelivered(Record("t", 0, 2, None, b"", headers), "e1") == [gone]
        assert not left_undelivered(record, "e1")

    def test_nobody_is_believed_about_who_was_not_told_of_a_record_that_was_not_redriven(
        self,
    ) -> None:
        headers = redriven_headers(
            Record("t", 0, 1, None, b""), 10, [Undelivered("", "", "ntGone", "e1")]
        )
        forged = [header for header in headers if header[0] != REDRIVEN_HEADER]
        assert not left_undelivered(Record("t", 0, 2, None, b"", forged), "e1")

    def test_headers_do_not_pile_up_over_many_failures(self) -> None:
        """Dead, redriven and dead again: the last time counts, and nothing is there twice."""
        record = Record("t", 0, 1, None, b"", [("trace", b"1")])
        for at in (10, 20, 30):
            letter = DeadLetter(
                record=record,
                reason="r",
                error="e",
                first_seen=at,
                undelivered=[Undelivered("", "", "ntGone", f"e{at}")],
            )
            read = Record("dead", 0, at, None, b"", dead_letter_headers(letter))
            letter = decode_dead_letter(read)
            assert letter.first_seen == at
            record = Record(
                "t", 0, at, None, b"", redriven_headers(letter.record, at + 1, letter.undelivered)
            )
        own = [("trace", b"1"), (REDRIVEN_HEADER, b"31"), (ORIGIN_HEADER, b"t/0/1")]
        told = b'[{"uid":"","destination":"","target_id":"ntGone","event_id":"e30"}]'
        assert list(record.headers) == [*own, (UNDELIVERED_HEADER, told)]
        assert origin(record) == ("t", 0, 1)

    @pytest.mark.parametrize(
        "told", [b"", b"t/0", b"t/0/1/2", b"t/-1/2", b"\xff/0/1", b"t/0/9" * 99]
    )
    def test_what_is_no_place_leaves_a_record_where_it_is(self, told: bytes) -> None:
        assert origin(Record("t", 0, 7, None, b"", [(ORIGIN_HEADER, told)])) == ("t", 0, 7)

    def test_a_note_says_which_letter_was_redriven_and_when(self) -> None:
        note = Record("dead", 1, 2, None, b"", redriven_note(3, 42, 1_392_138_740_000))
        assert decode_note(note) == ((3, 42), 1_392_138_740_000)
        with pytest.raises(InvalidMessage):
            decode_dead_letter(note)
        for headers in ((), [(LETTER_HEADER, b"3")], [(LETTER_HEADER, b"3/42")]):
            assert decode_note(Record("dead", 1, 2, None, b"", headers)) is None

    @pytest.mark.parametrize("told", [b"", b"soon", b"-1", b"1.5", b"\xff", b"9" * 5000])
    def test_what_is_no_time_of_ours_counts_as_none(self, told: bytes) -> None:
        """Producers may write what they like: it never stops the consumer."""
        assert redriven_at([(REDRIVEN_HEADER, told)]) is None

    def test_other_records_were_not_redriven(self) -> None:
        assert redriven_at([("trace", b"1")]) is None
