"""From values to subject, text and HTML: the account's own templates, or the built-in ones."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from jinja2 import (
    FileSystemLoader,
    Template,
    TemplateNotFound,
    TemplateSyntaxError,
)

from consumer.domain.alarm import AlarmEvent, State
from consumer.domain.errors import SettingsError
from consumer.domain.notification import Context, Notification
from consumer.domain.rate_limit import Summary
from consumer.pipeline.mail.built_in import BuiltInEnvironment, write
from consumer.pipeline.mail.clean import header_line, one_line
from consumer.pipeline.mail.language import (
    MailEnvironment,
    bounded,
    values_with_budget,
)
from consumer.pipeline.mail.summary import summary_values
from consumer.pipeline.mail.view import event_values

SUBJECT: Final = "subject.txt"
TEXT: Final = "body.txt"
HTML: Final = "body.html"
_PARTS: Final = (SUBJECT, TEXT, HTML)
#: Of the mail that tells what was held back; no account has its own.
_SUMMARY_PARTS: Final = ("summary_subject.txt", "summary.txt", "summary.html")
_SUBJECT_LIMIT: Final = 200
_ERROR_LIMIT: Final = 200
#: A plain folder name: nothing that leads out of the template directory.
_FOLDER_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Rendered(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of one mail, and why the account's own templates were not used, if so."""

    subject: str
    text: str
    html: str
    template_error: str | None = None


class TemplateProblem(Exception):
    """An account's template cannot be used."""


class Renderer:
    """Renders mails. Built once: the built-in templates are loaded and compiled here.

    `template_directory` holds a folder for each account that brings its own templates; they are
    read when first needed and again when a file changes. `display_zone` is an IANA name.
    Raises SettingsError when the zone or the directory does not exist.
    """

    def __init__(
        self,
        mail_domain: str,
        sender: str,
        template_directory: Path | None = None,
        product_name: str = "Messenger",
        display_zone: str = "UTC",
        installation: str = "",
    ) -> None:
        self.mail_domain = mail_domain
        self.sender = sender
        #: Carried by each mail, to tell it from those of others who send by the same domain.
        self.installation = installation
        self._product_name = product_name
        self._zone = _zone(display_zone)
        built_in = BuiltInEnvironment()
        self._built_in = {part: built_in.get_template(part) for part in _PARTS}
        self._summary = [built_in.get_template(part) for part in _SUMMARY_PARTS]
        self._own: MailEnvironment | None = None
        if template_directory is not None:
            if not template_directory.is_dir():
                raise SettingsError([f"template directory {template_directory} does not exist"])
            self._own = MailEnvironment(FileSystemLoader(template_directory), auto_reload=True)

    def shared_values(
        self, event: AlarmEvent, context: Context, previous_state: State | None, now_ms: int
    ) -> dict[str, Any]:
        """What the mails of one event have in common."""
        return event_values(
            event,
            context,
            previous_state=previous_state,
            now_ms=now_ms,
            product_name=self._product_name,
            zone=self._zone,
        )

    def render(self, values: Mapping[str, Any], template: str | None) -> Rendered:
        """The parts of one mail, in the account's `template` if it has one that works.

        It is all or nothing: where one part fails, all are the built-in ones, and their bodies
        say so. There is always a mail.
        """
        if template is None or self._own is None:
            return self._render_built_in(values)
        try:
            return self._render_own(self._own, values, template)
        except Exception as error:  # noqa: BLE001 - whatever a template does, the mail leaves
            problem = one_line(f"{error}" or type(error).__name__, _ERROR_LIMIT)
        name = one_line(template, _ERROR_LIMIT)
        note = f"The account's own mail template could not be used: {problem}"
        noted = {**values, "notes": [*values["notes"], note]}
        rendered = self._render_built_in(noted)
        return msgspec.structs.replace(rendered, template_error=f"{name}: {problem}")

    def render_summary(
        self, notification: Notification, summary: Summary, context: Context, now_ms: int
    ) -> Rendered:
        """The parts of the mail that tells what was held back from one recipient."""
        values = summary_values(
            notification,
            summary,
            context,
            now_ms=now_ms,
            product_name=self._product_name,
            zone=self._zone,
        )
        subject, text, html = write(self._summary, values)
        return Rendered(subject=header_line(subject, _SUBJECT_LIMIT), text=text, html=html)

    def _render_built_in(self, values: Mapping[str, Any]) -> Rendered:
        subject, text, html = write(self._built_in.values(), values)
        return Rendered(subject=header_line(subject, _SUBJECT_LIMIT), text=text, html=html)

    def _render_own(
        self, environment: MailEnvironment, values: Mapping[str, Any], folder: str
    ) -> Rendered:
        if not _FOLDER_NAME.fullmatch(folder):
            raise TemplateProblem("its name is not a plain folder name")
        templates = {part: _load(environment, folder, part) for part in _PARTS}
        if not any(templates.values()):
            raise TemplateProblem(f"its folder has none of {', '.join(_PARTS)}")
        subject, text, html = (
            _write(part, templates[part] or self._built_in[part], values) for part in _PARTS
        )
        return Rendered(subject=header_line(subject, _SUBJECT_LIMIT), text=text, html=html)


def _load(environment: MailEnvironment, folder: str, part: str) -> Template | None:
    """The account's template for `part`; None if it has none."""
    try:
        return environment.get_template(f"{folder}/{part}")
    except TemplateNotFound:
        return None
    except TemplateSyntaxError as error:
        raise TemplateProblem(f"{part} line {error.lineno}: {error.message}") from error
    except Exception as error:
        raise TemplateProblem(f"{part}: {error}") from error


def _write(part: str, template: Template, values: Mapping[str, Any]) -> str:
    try:
        written = bounded(template.generate(values_with_budget(values)))
    except Exception as error:
        raise TemplateProblem(f"{part}: {error}") from error
    if not written.strip():
        raise TemplateProblem(f"{part}: it writes nothing")
    return written


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise SettingsError([f"time zone {name} is not known"]) from None
