"""A send with a stored template: what the template brings, and the mails rendered. Pure."""

import json
import re
from dataclasses import dataclass, replace
from html import unescape
from typing import Any

from consumer.sandbox.mailgun.form import Form
from consumer.sandbox.mailgun.handlebars import render
from consumer.sandbox.mailgun.mail import Mail
from consumer.sandbox.mailgun.stored_templates import Templates, Version

_BREAK = re.compile(r"<(?:br|/p|/div|/h\d|/tr|/li)\b[^>]*>", re.IGNORECASE)
_MARKUP = re.compile(r"<[^>]*>")
_TRUE = ("yes", "true")


class BadTemplateCall(ValueError):
    """Mailgun refuses the call; the text is what it says."""


@dataclass(frozen=True, slots=True)
class Applied:
    """The version that a call names, and the variables of the call."""

    name: str
    version: Version
    variables: dict[str, Any]
    text_too: bool

    def rendered(self, mail: Mail) -> Mail:
        """The variables of the call win over the mail's `v:`."""
        variables = {name: _value(text) for name, text in mail.variables.items()} | self.variables
        html = render(self.version.template, variables)
        text = mail.text or (_plain(html) if self.text_too else "")
        return replace(mail, html=html, text=text, template=self.name)


def applied(form: Form, domain: str, templates: Templates) -> tuple[Form, Applied | None]:
    """The form with what the template's headers add to it. Raises BadTemplateCall."""
    name = form.first("template")
    if not name:
        return form, None
    template = templates.get(domain, name)
    version = template.version(form.first("t:version").lower()) if template else None
    if version is None:
        raise BadTemplateCall(f"template '{name.lower()}' not found")
    variables = _variables(form)
    # Placeholders in them are filled in later, for each recipient.
    known = {name: _value(text) for name, text in form.prefixed("v:")} | variables
    fields = dict(form.fields)
    for header, value in version.headers.items():
        field = header.lower() if header.lower() in ("from", "subject") else f"h:{header}"
        if not form.first(field):
            fields[field] = [unescape(render(value, known))]
    text_too = form.first("t:text").lower() in _TRUE
    return Form(fields, form.files), Applied(name.lower(), version, variables, text_too)


def _variables(form: Form) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for name in ("h:X-Mailgun-Variables", "t:variables"):
        if text := form.first(name):
            try:
                merged |= json.loads(text)
            except (ValueError, TypeError):
                raise BadTemplateCall(f"'{name}' parameter is not a valid JSON") from None
    return merged


def _value(text: str) -> Any:
    """A variable that is a JSON object or list is one to the template too."""
    if text[:1] not in "[{":
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _plain(html: str) -> str:
    return unescape(_MARKUP.sub("", _BREAK.sub("\n", html))).strip()
