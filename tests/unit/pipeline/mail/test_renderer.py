"""Accounts' own templates: what they may do, and that there always is a mail."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from consumer.domain.catalog import Account
from consumer.domain.errors import SettingsError
from consumer.domain.notification import Email
from consumer.pipeline.create_email import Draft, create_email
from consumer.pipeline.mail.renderer import Renderer
from consumer.pipeline.mail.view import recipient_values
from tests.support.factories import make_context, make_event, make_notification

BUILT_IN = Path(__file__).parents[4] / "consumer" / "pipeline" / "templates"
SENDER = "Alarms <alarms@alerts.example.com>"
BUILT_IN_SUBJECT = "** CRITICAL: shop front page on shop-load-balancer **"

Mail = Callable[..., Email]


@pytest.fixture
def mail(tmp_path: Path) -> Mail:
    """Renders with the account template `acme`, whose files are given."""
    renderer = Renderer("alerts.example.com", SENDER, template_directory=tmp_path)

    def render(
        files: dict[str, str] | None = None, template: str = "acme", status: str = "broken"
    ) -> Email:
        for name, content in (files or {}).items():
            file = tmp_path / "acme" / name
            file.parent.mkdir(exist_ok=True)
            file.write_text(content, encoding="utf-8")
        account = Account(id="ac1", label="Example Shop", template=template)
        draft = Draft(
            notification=make_notification(event=make_event(status=status)),
            context=make_context(account=account),
        )
        return create_email([draft], renderer, 1_392_138_738_000)[0]

    return render


def assert_built_in_with_note(email: Email, problem: str) -> None:
    assert email.template_error is not None
    assert problem in email.template_error
    assert len(email.template_error.splitlines()) == 1
    assert email.subject == BUILT_IN_SUBJECT
    for body in (email.text, email.html):
        assert "mail template could not be used" in body
        assert "shop-load-balancer (198.51.100.14)" in body


def test_own_templates_make_the_whole_mail(mail: Mail) -> None:
    email = mail(
        {
            "subject.txt": "ACME {{ state }}:\n {{ check.label }}",
            "body.txt": "{{ entity.label|upper }} {% if test %}no{% else %}yes{% endif %}",
            "body.html": "<p>{{ status }}</p>",
        },
        status="<b>",
    )
    assert email.template_error is None
    assert email.subject == "ACME CRITICAL: shop front page"
    assert email.text == "SHOP-LOAD-BALANCER yes"
    assert email.html == "<p>&lt;b&gt;</p>"


@pytest.mark.parametrize("name", ["subject.txt", "body.txt", "body.html"])
def test_missing_files_are_the_built_in_ones(mail: Mail, name: str) -> None:
    email = mail({name: "own"})
    assert email.template_error is None
    assert (email.subject == "own") is (name == "subject.txt")
    assert (email.text == "own") is (name == "body.txt")
    assert (email.html == "own") is (name == "body.html")


def test_copy_of_the_built_in_templates_is_the_built_in_mail(mail: Mail) -> None:
    names = ("subject.txt", "body.txt", "body.html")
    copy = mail({name: (BUILT_IN / name).read_text(encoding="utf-8") for name in names})
    draft = Draft(
        notification=make_notification(event=make_event(status="broken")), context=make_context()
    )
    built_in = create_email([draft], Renderer("alerts.example.com", SENDER), 1_392_138_738_000)[0]
    assert copy.template_error is None
    assert (copy.subject, copy.text, copy.html) == (
        built_in.subject,
        built_in.text,
        built_in.html,
    )


BROKEN = {
    "syntax": ("{{ state }}\n{% if %}", "body.txt line 2: Expected an expression"),
    "unknown name": ("{{ entiti.label }}", "'entiti' is undefined"),
    "unknown field": ("{{ entity.lable }}", "lable"),
    "empty": ("   \n", "it writes nothing"),
    "macro": ("{% macro f() %}{{ f() }}{% endmacro %}x", "macro is not part"),
    "call": ("{{ status.upper() }}", "call is not part"),
    "range": ("{% for i in range(9) %}x{% endfor %}", "call is not part"),
    "include": ("{% include '../../etc/passwd' %}", "include is not part"),
    "extends": ("{% extends 'body.txt' %}", "extends is not part"),
    "import": ("{% import 'x' as x %}y", "import is not part"),
    "block set": ("{% set x %}{{ status }}{% endset %}y", "assignblock is not part"),
    "multiplication": ("{{ 'x' * 1000000000 }}", "mul is not part"),
    "power": ("{{ 9 ** 9 ** 9 }}", "pow is not part"),
    "addition": ("{% set x = status + status %}y", "add is not part"),
    "concatenation": ("{% set x = status ~ status %}y", "concat is not part"),
    "formatting": ("{{ '%1000000000d' % 1 }}", "mod is not part"),
    "nested lists": ("{% set x = [[1], [1]] %}y", "constants only"),
    "growing lists": ("{% set x = [1] %}{% set x = [x, x] %}y", "constants only"),
    "escape switched off": ("{% autoescape false %}x{% endautoescape %}", "is not part"),
    "reserved name": ("{{ _budget }}", "reserved"),
    "reserved name set": ("{% set _budget = 1 %}y", "reserved"),
    "private attribute": ("{{ status.__class__.__mro__ }}", "unsafe"),
    "private item": ("{{ status['__class__'] }}", "unsafe"),
    "method printed": ("{{ status.upper }}", "it prints a"),
    "format method": ("{{ status.format }}", "it prints a"),
    "list printed": ("{{ facts }}", "it prints a list"),
    "filter not offered": ("{{ status|tojson }}", "No filter named 'tojson'"),
    "markup trusted": ("{{ status|safe }}", "No filter named 'safe'"),
    "endless loops": (
        "{% for a in ids %}" * 9 + "{% set x = a %}" + "{% endfor %}" * 9 + "y",
        "more than 10000 rounds",
    ),
    "much output": (
        "{% for a in status %}" * 2 + "x" * 100 + "{% endfor %}" * 2,
        "more than 200000 characters",
    ),
    "much joined": ("{{ status|join(status)|join(status)|join(status)|length }}", "joins too much"),
    "deep nesting": ("{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}", "recursion"),
    "not UTF-8": ("\udcff", "utf-8"),
}


@pytest.mark.parametrize(("source", "problem"), BROKEN.values(), ids=BROKEN.keys())
def test_template_that_fails_gives_the_built_in_mail_with_a_note(
    mail: Mail, tmp_path: Path, source: str, problem: str
) -> None:
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "body.txt").write_bytes(source.encode("utf-8", "surrogateescape"))
    # Long enough for loops and joins over it to matter.
    email = mail({"body.html": "own"}, status="broken " * 10)
    assert_built_in_with_note(email, problem)


@pytest.mark.parametrize(
    "template",
    ["../acme", "..", ".", "acme/../acme", "/etc", "a\\b", "", ".hidden", "a\x00b", "x" * 65, "no"],
)
def test_template_names_lead_nowhere_else(mail: Mail, template: str) -> None:
    mail({"body.txt": "own"})
    assert_built_in_with_note(mail(template=template), "folder")


def test_value_is_never_run_as_a_template(mail: Mail) -> None:
    email = mail({"body.txt": "{{ status }}"}, status="{{ 7*7 }}{% endif %}")
    assert email.text == "{{ 7*7 }}{% endif %}"


def test_subject_stays_one_line_of_200(mail: Mail) -> None:
    email = mail({"subject.txt": "a\r\nBcc: x" + "{{ status }}" * 100}, status="y" * 50)
    assert email.subject.startswith("a Bcc: xyyy")
    assert len(email.subject) == 200


def test_edited_template_is_seen_at_once(mail: Mail, tmp_path: Path) -> None:
    assert mail({"body.txt": "one"}).text == "one"
    assert mail({"body.txt": "{{ oops"}).template_error is not None
    file = tmp_path / "acme" / "body.txt"
    file.write_text("two", encoding="utf-8")
    os.utime(file, (1, 1))
    assert mail().text == "two"


def test_without_a_directory_all_mails_are_built_in() -> None:
    account = Account(id="ac1", template="acme")
    draft = Draft(notification=make_notification(), context=make_context(account=account))
    email = create_email([draft], Renderer("alerts.example.com", SENDER), 0)[0]
    assert email.template_error is None
    assert email.subject == BUILT_IN_SUBJECT


def test_product_name_and_zone_are_the_operators() -> None:
    renderer = Renderer(
        "alerts.example.com", SENDER, product_name="Example Watch", display_zone="Europe/London"
    )
    draft = Draft(notification=make_notification(), context=make_context())
    email = create_email([draft], renderer, 1_392_138_738_000)[0]
    assert " Example Watch notification " in email.text
    assert "Sent automatically by Example Watch to" in email.html
    assert "17:12:13 GMT" in email.text


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd", "a\x00b"])
def test_unknown_zone_is_a_settings_error(zone: str) -> None:
    with pytest.raises(SettingsError, match="time zone"):
        Renderer("alerts.example.com", SENDER, display_zone=zone)


def test_missing_template_directory_is_a_settings_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="does not exist"):
        Renderer("alerts.example.com", SENDER, template_directory=tmp_path / "none")


def test_documented_values_are_the_values() -> None:
    """README.md names every value that templates see, and no other."""
    readme = (BUILT_IN / "README.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in readme.splitlines() if line.startswith("| `")]
    documented = {name.strip().strip("`") for row in rows for name in row.split(",")}
    renderer = Renderer("alerts.example.com", SENDER)
    notification = make_notification()
    shared = renderer.shared_values(notification.event, make_context(), None, 0)
    values = recipient_values(shared, notification, None)
    flat = set()
    for name, value in values.items():
        flat |= {f"{name}.{key}" for key in value} if isinstance(value, dict) else {name}
    assert documented == flat
