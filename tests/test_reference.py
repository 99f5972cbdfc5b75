"""The reference says what there is: every command and option, every document and field, every setting."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
import msgspec.inspect
import pytest

import backchannel
from backchannel.cli.command import Command
from backchannel.cli.program import backchannel as program
from backchannel.cli.session import DEBUG_VARIABLE, HOME_VARIABLE
from backchannel.settings import Settings

REFERENCE = Path(__file__).resolve().parent.parent / "docs" / "reference"


def sections(page: str) -> dict[str, str]:
    """Heading, without its backticks, to what stands below it up to the next one."""
    text = (REFERENCE / page).read_text("utf-8")
    parts = re.split(r"^#{2,3} (.+)$", text, flags=re.MULTILINE)
    return {heading.strip("`"): body for heading, body in zip(parts[1::2], parts[2::2], strict=True)}


def first_column(section: str) -> set[str]:
    """What the table in a section lists, its words between backticks taken apart."""
    rows = re.findall(r"^\| (`.+?`) \|", section, re.MULTILINE)
    return {word.split(" ")[0] for row in rows for word in re.findall(r"`([^`]+)`", row)}


# --- Commands ------------------------------------------------------------------------------------

COMMANDS = sections("commands.md")
SHARED = first_column(COMMANDS["Options of every command"])


def commands(group: click.Group, path: str) -> Iterator[tuple[str, Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        else:
            assert isinstance(command, Command), name
            yield f"{path} {name}", command


ALL = dict(commands(program, "backchannel"))


def options(command: click.Command) -> set[str]:
    return {
        name
        for option in command.params
        if isinstance(option, click.Option)
        for name in (*option.opts, *option.secondary_opts)
    }


def test_the_reference_has_every_command_and_no_other():
    assert set(COMMANDS) - {"Options of every command"} == set(ALL)


def test_the_options_of_every_command_are_those_of_the_program():
    assert options(program) | {"--version", "--help", "-h"} == SHARED


@pytest.mark.parametrize("path", ALL)
def test_the_reference_has_every_option_of_a_command_and_no_other(path: str):
    own = options(ALL[path]) - (SHARED if ALL[path].writes_file else SHARED - {"-o", "--output"})
    assert first_column(COMMANDS[path]) == own


@pytest.mark.parametrize("path", ALL)
def test_the_reference_says_in_which_forms_a_command_answers_and_how_it_ends(path: str):
    answers = re.search(r"^Answers in .+\.$", COMMANDS[path], re.MULTILINE)
    assert answers is not None
    for form in ("json", "jsonl"):
        assert (f"`--{form}`" in answers.group()) == (form in ALL[path].forms), form
    assert ("`-o`" in answers.group()) == ALL[path].writes_file
    assert re.search(r"^Exit codes: 0\b.*\.$", COMMANDS[path], re.MULTILINE)


@pytest.mark.parametrize("path", ALL)
def test_every_document_that_a_command_names_is_described(path: str):
    for name in re.findall(r"backchannel\.[a-z-]+/\d+", COMMANDS[path]):
        assert name in DOCUMENTS, name


@pytest.mark.parametrize("path", ALL)
def test_every_command_has_an_example_in_its_help(path: str):
    lines = [line.strip() for line in ALL[path].example.strip().splitlines()]
    assert any(line.startswith(path) for line in lines)


# --- Documents -----------------------------------------------------------------------------------

DOCUMENTS = sections("json.md")


def every_struct(kind: type = msgspec.Struct) -> Iterator[type[msgspec.Struct]]:
    for one in kind.__subclasses__():
        yield one
        yield from every_struct(one)


def documents() -> dict[str, msgspec.inspect.StructType]:
    """Name to what is in it, for every document that any room of the house makes."""
    for module in pkgutil.walk_packages(backchannel.__path__, "backchannel."):
        if not module.name.endswith("__main__") and ".vendored" not in module.name:
            importlib.import_module(module.name)
    found = {}
    for one in every_struct():
        if one.__module__.startswith("backchannel.") and "schema" in one.__struct_fields__:
            info = msgspec.inspect.type_info(one)
            assert isinstance(info, msgspec.inspect.StructType)
            found[str(info.fields[0].default)] = info
    return found


def parts(kind: object) -> Iterator[msgspec.inspect.StructType]:
    """The values with fields of their own that a type holds, however deep."""
    if isinstance(kind, msgspec.inspect.StructType):
        if kind.fields[0].name != "schema":
            yield kind
        for field in kind.fields:
            yield from parts(field.type)
    elif isinstance(kind, msgspec.inspect.UnionType):
        for one in kind.types:
            yield from parts(one)
    elif isinstance(kind, msgspec.inspect.VarTupleType | msgspec.inspect.ListType):
        yield from parts(kind.item_type)


def fields(info: msgspec.inspect.StructType) -> set[str]:
    return {field.encode_name for field in info.fields}


def test_the_reference_has_every_document_with_every_field_and_no_other():
    made = documents()
    described = {heading for heading in DOCUMENTS if heading.startswith("backchannel.")}
    assert described == set(made)
    for name, info in made.items():
        assert first_column(DOCUMENTS[name]) == fields(info), name


def test_the_reference_has_every_part_of_a_document_with_every_field():
    found = {one.cls.__name__: one for info in documents().values() for one in parts(info)}
    described = {heading for heading in DOCUMENTS if not heading.startswith("backchannel.")} - {"Parts"}
    assert described == set(found)
    for name, info in found.items():
        assert first_column(DOCUMENTS[name]) == fields(info), name


# --- Settings ------------------------------------------------------------------------------------


def test_the_reference_has_every_setting_and_every_variable():
    text = (REFERENCE / "settings.md").read_text("utf-8")
    names = first_column(text)
    assert names == {*Settings.__struct_fields__, HOME_VARIABLE, DEBUG_VARIABLE, "NO_COLOR"}
