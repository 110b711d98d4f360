"""The webhook of Rackspace Cloud Monitoring."""

from tests.unit.formats.payloads import rackspace
from tests.unit.formats.samples import Sample

SAMPLES = {
    "with everything": Sample(rackspace()),
    "test button": Sample(rackspace(event_id="test_check", log_entry_id="ntExAmPl02")),
    "without snapshots": Sample(rackspace(entity=None, check=..., alarm=None)),
}
