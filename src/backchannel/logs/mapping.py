"""A table of the operator's own, for logs with a first line of names: a TOML file as the tables in `formats/` are."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final

import msgspec

from backchannel import codec
from backchannel.logs.tables import MAPPED, ColumnTable, Reading, Side, column_table_of
from backchannel.logs.times import PLAIN, check_form

MAX_BYTES: Final = 2**20
MAX_FIELDS: Final = 1_000


class MappedField(msgspec.Struct, forbid_unknown_fields=True):
    """A section `[[field]]`: columns that are read alike."""

    reading: Reading
    names: tuple[str, ...]
    side: Side = ""
    is_list: bool = msgspec.field(default=False, name="list")
    shows: tuple[str, ...] = ()


class MappedUrl(msgspec.Struct, forbid_unknown_fields=True):
    """A section `[[url]]`: a URL that stands in several columns."""

    name: str
    host: str
    target: str
    port: str = ""


class Mapping(msgspec.Struct, forbid_unknown_fields=True):
    """The whole file."""

    field: tuple[MappedField, ...]
    url: tuple[MappedUrl, ...] = ()
    separator: str = ","
    utc: bool = False
    time: tuple[str, ...] = ()
    times: tuple[str, ...] = PLAIN
    source: tuple[str, ...] = ()
    destination: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()


def read_mapping(path: Path) -> ColumnTable:
    """Read a mapping.

    Raises:
        ValueError: the file cannot be read, or is not of its form; a sentence names what.
    """
    try:
        with path.open("rb") as stream:
            text = stream.read(MAX_BYTES + 1)
        if len(text) > MAX_BYTES:
            raise ValueError(f"it is longer than {MAX_BYTES:,} bytes")
        value = tomllib.loads(text.decode("utf-8"))
    except OSError as error:
        raise ValueError(f"it cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ValueError("it is no text in UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"it is no TOML: {error}") from None
    mapping = codec.into(value, Mapping)
    for form in mapping.times:
        check_form(form)
    if len(mapping.separator) != 1:
        raise ValueError('separator must be one character, for example "," or "\\t"')
    if not 0 < len(mapping.field) + len(mapping.url) <= MAX_FIELDS:
        raise ValueError(f"it needs sections [[field]], at most {MAX_FIELDS:,}")
    return column_table_of(MAPPED, value)
