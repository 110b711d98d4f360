"""The calls of the suppression lists: bounces, complaints, unsubscribes, allowlist."""

import csv
import io
import json
from collections.abc import Iterable
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import JSONResponse

from consumer.sandbox.mailgun.account import Account
from consumer.sandbox.mailgun.addresses import parse_mailbox
from consumer.sandbox.mailgun.form import Form, parse_form, read_body
from consumer.sandbox.mailgun.guard import Refused, base_url, limit_of
from consumer.sandbox.mailgun.pivot import pivot_page
from consumer.sandbox.mailgun.suppressions import Entry, Full, Kind
from consumer.sandbox.mailgun.validation import delivery_time

MAX_LIMIT = 1000
DEFAULT_LIMIT = 100
MAX_BATCH = 1000
MAX_CSV_BYTES = 25 * 1024 * 1024

_ADDED: dict[Kind, str] = {
    "bounces": "{} addresses have been added to the bounces table",
    "complaints": "{} complaint addresses have been added to the complaints table",
    "unsubscribes": "{} addresses have been added to the unsubscribes table",
    "whitelists": "Address/Domain has been added to the allowlists table",
}
_MISSING: dict[Kind, str] = {
    "bounces": "Address not found in bounces table",
    "complaints": "No spam complaints found for this address",
    "unsubscribes": "Address not found in unsubscribers table",
    "whitelists": "Address/Domain not found in allowlist table",
}
_REMOVED: dict[Kind, str] = {
    "bounces": "Bounced addresses for this domain have been removed",
    "complaints": "Spam complaint has been removed",
    "unsubscribes": "Unsubscribe event has been removed",
    "whitelists": "Allowlist address/domain has been removed",
}
_CLEARED: dict[Kind, str] = {
    "bounces": "Bounced addresses for this domain have been removed",
    "complaints": "Complaint addresses for this domain have been removed",
    "unsubscribes": "Unsubscribe addresses for this domain have been removed",
    "whitelists": "Allowlist addresses/domains for this domain have been removed",
}


class SuppressionCalls:
    """The calls of one kind."""

    def __init__(self, account: Account, kind: Kind) -> None:
        self._account = account
        self._lists = account.world.suppressions
        self._kind: Kind = kind

    async def index(self, request: Request) -> object:
        """Pages go by a pivot: the address before or after which the next page is."""
        domain, parameters = request.path_params["domain"], request.query_params
        limit = limit_of(request, DEFAULT_LIMIT, MAX_LIMIT)
        entries = self._lists.ordered(domain, self._kind, parameters.get("term", ""))
        page, paging = pivot_page(
            entries,
            key=lambda entry: entry.value.lower(),
            url=f"{base_url(request)}/v3/{domain}/{self._kind}",
            name="address",
            pivot=parameters.get("address", "").lower(),
            page=parameters.get("page", ""),
            limit=limit,
            more={"term": parameters["term"]} if parameters.get("term") else {},
        )
        return {"items": [entry.as_json(self._kind) for entry in page], "paging": paging}

    async def get(self, request: Request) -> object:
        entry = self._lists.get(request.path_params["domain"], self._kind, _value(request))
        if entry is None:
            raise Refused(404, _MISSING[self._kind])
        return entry.as_json(self._kind)

    async def add(self, request: Request) -> object:
        """A JSON array, or a form for one."""
        body = await read_body(request.stream())
        content_type = request.headers.get("content-type", "")
        records: Iterable[dict[str, Any]]
        if content_type.startswith("application/json"):
            records = _records_of_json(body)
        else:
            encoding = request.headers.get("content-encoding", "")
            records = [_record_of_form(parse_form(body, content_type, encoding))]
        entries = [self._entry(record) for record in records]
        number = self._add(request, entries)
        message = _ADDED[self._kind].format(number)
        if self._kind != "whitelists":
            return {"message": message}
        added = entries[0].as_json(self._kind)
        return {"message": message, "type": added["type"], "value": added["value"]}

    async def remove(self, request: Request) -> object:
        domain, value = request.path_params["domain"], _value(request)
        tag = request.query_params.get("tag", "")
        if self._kind == "unsubscribes" and tag:
            self._remove_tag(domain, value, tag)
        elif not self._lists.remove(domain, self._kind, value):
            raise Refused(404, _MISSING[self._kind])
        name = "value" if self._kind == "whitelists" else "address"
        return {"message": _REMOVED[self._kind], name: value}

    def _remove_tag(self, domain: str, value: str, tag: str) -> None:
        entry = self._lists.get(domain, self._kind, value)
        if entry is None or tag not in entry.tags:
            raise Refused(404, "Unsubscribe event for this tag does not exist")
        self._lists.remove(domain, self._kind, value)
        if left := tuple(known for known in entry.tags if known != tag):
            self._lists.add(
                domain, self._kind, [Entry(value=value, created_at=entry.created_at, tags=left)]
            )

    async def clear(self, request: Request) -> object:
        self._lists.clear(request.path_params["domain"], self._kind)
        return {"message": _CLEARED[self._kind]}

    async def load(self, request: Request) -> object:
        """A CSV file whose first line names the columns."""
        body = await read_body(request.stream())
        form = parse_form(
            body,
            request.headers.get("content-type", ""),
            request.headers.get("content-encoding", ""),
        )
        uploads = form.files.get("file")
        if not uploads:
            raise Refused(400, "file parameter is missing")
        if len(uploads[0].content) > MAX_CSV_BYTES:
            raise Refused(413, "file size exceeds 25MB limit")
        text = uploads[0].content.decode("utf-8-sig", "replace")
        rows = csv.DictReader(io.StringIO(text, newline=""))
        columns = {(name or "").strip().lower() for name in rows.fieldnames or ()}
        if columns.isdisjoint(("address", "domain")):
            raise Refused(400, "while reading csv header")
        records = ({(name or "").strip().lower(): row[name] for name in row} for row in rows)
        self._add(request, [self._entry(record) for record in records])
        text = "file uploaded successfully for processing. standby..."
        return JSONResponse({"message": text}, 202)

    def _add(self, request: Request, entries: list[Entry]) -> int:
        try:
            return self._lists.add(request.path_params["domain"], self._kind, entries)
        except Full:
            raise Refused(400, "too many suppressions") from None

    def _entry(self, record: dict[str, Any]) -> Entry:
        value = str(record.get("address") or "")
        if self._kind == "whitelists":
            value = value or str(record.get("domain") or "")
            if not value:
                raise Refused(400, "Missing mandatory parameter: address/domain")
        else:
            mailbox = parse_mailbox(value)
            if mailbox is None:
                raise Refused(400, f"Invalid address: {value!r}" if value else "Missing address")
            value = mailbox.address
        created = delivery_time(str(record.get("created_at") or record.get("createdat") or ""))
        return Entry(
            value=value,
            created_at=self._account.options.now() if created is None else created,
            code=str(record.get("code") or "550"),
            error=str(record.get("error") or ""),
            tags=_tags(record),
            reason=str(record.get("reason") or ""),
        )


def _value(request: Request) -> str:
    return str(request.path_params["value"])


def _records_of_json(body: bytes) -> list[dict[str, Any]]:
    try:
        records = json.loads(body)
    except ValueError:
        raise Refused(400, "Invalid JSON") from None
    if isinstance(records, dict):
        records = [records]
    if not isinstance(records, list) or not all(isinstance(one, dict) for one in records):
        raise Refused(400, "Invalid JSON")
    if len(records) > MAX_BATCH:
        raise Refused(400, "Batch size should be less than 1000")
    return cast(list[dict[str, Any]], records)


def _record_of_form(form: Form) -> dict[str, Any]:
    tags = [*form.all("tag"), *form.all("tags")]
    return {name: values[0] for name, values in form.fields.items()} | {"tags": tags}


def _tags(record: dict[str, Any]) -> tuple[str, ...]:
    tags = record.get("tags") or record.get("tag") or ()
    tags = [tags] if isinstance(tags, str) else tags
    return tuple(str(tag).strip() for tag in tags) or ("*",)
