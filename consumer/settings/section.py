"""What all sections have in common: no key beside the known ones, secrets from files, seconds."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from consumer.domain.errors import SettingsError

Seconds = Annotated[float, Field(gt=0)]


class Section(BaseModel):
    """One table of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


_S = TypeVar("_S", bound=Section)


def with_secret(section: _S, name: str, *, required: bool = False) -> _S:
    """Fill a secret from its file twin."""
    file: Path | None = getattr(section, f"{name}_file")
    value: SecretStr | None = getattr(section, name)
    if file is not None:
        try:
            text = file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ValueError(f"{name}_file {file}: cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise ValueError(f"{name}_file {file}: is not text") from None
        if not text:
            raise ValueError(f"{name}_file {file}: is empty")
        return section.model_copy(update={name: SecretStr(text)})
    if value is not None and not value.get_secret_value():
        # Taken back by whoever set it to nothing, in the environment say.
        section = section.model_copy(update={name: None})
    if required and (value is None or not value.get_secret_value()):
        raise ValueError(f"give {name} or {name}_file")
    return section


def told(check: Callable[[], str]) -> str:
    """An adapter's own check as a validator."""
    try:
        return check()
    except SettingsError as error:
        raise ValueError(str(error)) from None
