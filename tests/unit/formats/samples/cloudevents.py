"""CloudEvents 1.0 around messages of other formats, in both of Kafka's modes."""

import base64
import json
from typing import Any

from tests.unit.formats.payloads import own, rackspace
from tests.unit.formats.samples import Sample
from tests.unit.formats.samples.alertmanager import alert, group
from tests.unit.formats.samples.monasca import transition

TYPE = "com.example.alarm"


def structured(**changes: Any) -> dict[str, Any]:
    """The envelope; `...` takes a field out."""
    envelope = {
        "specversion": "1.0",
        "id": "A234-1234-1234",
        "source": "https://monitoring.example/eu",
        "type": TYPE,
        "time": "2014-02-11T17:12:13.810Z",
        "subject": "web-1",
        "datacontenttype": "application/json",
        "partitionkey": "487000",
    }
    return {name: value for name, value in (envelope | changes).items() if value is not ...}


def headers(**changes: bytes) -> tuple[tuple[str, bytes], ...]:
    """The envelope of binary mode."""
    found = {
        "ce_specversion": b"1.0",
        "ce_id": b"A234-1234-1234",
        "ce_source": b"https://monitoring.example/eu",
        "ce_type": TYPE.encode(),
        "ce_time": b"2014-02-11T17:12:13.810Z",
    } | changes
    return (("content-type", b"application/json; charset=utf-8"), *found.items())


SAMPLES = {
    "structured, our own inside": Sample(structured(data=own())),
    "structured, our own without what the envelope says": Sample(
        structured(data=own(id=..., source=..., timestamp=...))
    ),
    "structured, in base64": Sample(
        structured(data_base64=base64.b64encode(json.dumps(transition()).encode()).decode())
    ),
    "structured, as a text": Sample(structured(data=json.dumps(rackspace()))),
    "structured, marked by a header": Sample(
        structured(data=group(alert())),
        (("content-type", b"application/cloudevents+json; charset=UTF-8"),),
    ),
    "binary, a group of alerts": Sample(group(alert()), headers()),
    "binary, our own": Sample(own(), headers()),
}
