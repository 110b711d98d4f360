"""Handlers of `/_fake/` for one book of rules: list, add, forget."""

from typing import Any, Generic

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from consumer.sandbox.mailgun.rules import R, RuleBook, parse_rules


class RuleControl(Generic[R]):
    """GET, POST and DELETE of one path. A wrong rule is refused together with its list."""

    def __init__(self, book: RuleBook[R], kind: type[R]) -> None:
        self._book = book
        self._kind = kind

    async def index(self, _: Request) -> Response:
        return self._answer()

    async def add(self, request: Request) -> Response:
        try:
            self._book.add(parse_rules(self._kind, await request.json()))
        except ValueError as problem:
            return JSONResponse({"message": str(problem)}, 400)
        return self._answer()

    async def forget(self, _: Request) -> Response:
        self._book.clear()
        return self._answer()

    def _answer(self) -> Response:
        items: list[dict[str, Any]] = self._book.remaining()
        return JSONResponse({"items": items})
