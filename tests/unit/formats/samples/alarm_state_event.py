"""Our own events."""

from tests.unit.formats.payloads import own
from tests.unit.formats.samples import Sample

SAMPLES = {
    "smallest": Sample(own()),
    "with a snapshot": Sample(own(entity={"id": "web-1"}, check={"id": "disk"}, alerts=[])),
}
