"""The body of a batch, read back by another's parser."""

from email.parser import BytesParser
from email.policy import HTTP

from consumer.adapters.mailgun.multipart import content_type, encode_multipart


def test_the_fields_come_out_as_they_went_in() -> None:
    fields = [
        ("to", b"a@example.com"),
        ("text", "Höhe\r\n\r\n--x\r\n 90 % \U0001f525".encode()),
        ("h:X-Alarm-Id", b""),
        ("o:tag", b"one"),
        ("o:tag", b"two"),
    ]
    head = f"Content-Type: {content_type('b0undary')}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + encode_multipart(fields, "b0undary"))
    parts = list(message.iter_parts())
    assert not message.defects
    assert [
        (part.get_param("name", header="content-disposition"), part.get_payload(decode=True))
        for part in parts
    ] == fields


def test_a_name_cannot_end_its_header() -> None:
    body = encode_multipart([('h:a"\r\nX: b', b"v")], "b0undary")
    assert b'form-data; name="h:a%22%0D%0AX: b"\r\n\r\nv' in body
