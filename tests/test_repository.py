"""Rules about the repository itself: each names what breaks it and where."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from backchannel import errors

ROOT = Path(__file__).resolve().parent.parent
SRC = ROOT / "src" / "backchannel"
MODULES = sorted(path for path in SRC.rglob("*.py") if "vendored" not in path.parts)

MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 40
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "core", "misc", "manager"}

# Put together here, so that this file does not name them itself.
REGISTRIES = re.compile(
    "|".join(
        re.escape(".".join(parts))
        for parts in (
            ("pypi", "org"),
            ("files", "pythonhosted", "org"),
            ("registry", "npmjs", "org"),
            ("deb", "debian", "org"),
            ("proxy", "golang", "org"),
        )
    )
)
MACHINE_PATHS = re.compile(
    "|".join(
        (r"(?<![\w.])/wo" + r"rk/", r"(?<![\w.])/ro" + r"ot/", r"/op" + r"t/wheels", r"/ho" + r"me/\w+/")
    )
)


def tracked() -> list[Path]:
    """Every text file of the repository that is, or is about to be, committed."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        capture_output=True,
        check=False,
    )
    if listed.returncode == 0:
        names = [name for name in listed.stdout.decode().split("\0") if name]
        paths = [ROOT / name for name in names]
    else:  # an unpacked archive
        paths = [path for path in ROOT.rglob("*") if not {".git", ".venv", ".peers"} & set(path.parts)]
    return sorted(path for path in set(paths) if path.is_file())


def test_nothing_in_the_repository_is_a_link():
    """A link leads somewhere on the machine of whoever made it; checked out, it takes the place of what was there."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "--stage"], capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("this is no working tree of git")
    assert [line.partition("\t")[2] for line in listed.stdout.splitlines() if line.startswith("120000")] == []


def texts() -> Iterator[tuple[Path, str]]:
    for path in tracked():
        data = path.read_bytes()
        if b"\0" not in data[:8192]:
            yield path, data.decode("utf-8", "replace")


def places(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{number}: {match.group()}"
        for path, text in texts()
        if pattern.search(text)
        for number, line in enumerate(text.splitlines(), 1)
        if (match := pattern.search(line))
    ]


def test_no_file_names_the_host_of_a_package_registry():
    assert places(REGISTRIES) == []


def test_no_file_names_a_path_of_somebodys_machine():
    assert places(MACHINE_PATHS) == []


def test_requirement_files_pin_every_package_with_hashes_and_name_no_place_to_fetch_from():
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        text = path.read_text("utf-8")
        assert "://" not in text, path
        assert not re.search(r"^-", text, re.MULTILINE), f"{path}: an option line"
        for block in re.split(r"\n(?=\S)", text.strip()):
            assert "==" in block, f"{path}: not pinned: {block[:60]}"
            assert "--hash=sha256:" in block, f"{path}: no hash: {block[:60]}"


def test_requirement_files_hold_what_pyproject_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    asked = {re.split(r"[<>=\[; ]", line)[0].lower() for line in project["project"]["dependencies"]}
    for name in ("runtime", "dev"):
        pinned = re.findall(
            r"^([\w.-]+)==", (ROOT / "requirements" / f"{name}.txt").read_text("utf-8"), re.MULTILINE
        )
        assert asked <= set(pinned), name


def test_every_dependency_has_its_reason_written_down():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    lines = project["project"]["dependencies"] + [
        line for extra in project["project"]["optional-dependencies"].values() for line in extra
    ]
    text = (ROOT / "docs" / "dependencies.md").read_text("utf-8")
    for line in lines:
        name = re.split(r"[<>=\[; ]", line)[0]
        assert f"| {name} |" in text, f"docs/dependencies.md has no row for {name}"


def test_no_module_is_longer_than_it_can_be_read_in_one_go():
    long = {
        str(path.relative_to(ROOT)): n
        for path in MODULES
        if (n := len(path.read_text("utf-8").splitlines())) > MAX_MODULE_LINES
    }
    assert long == {}


def test_no_module_has_a_name_that_says_nothing():
    assert [
        str(p.relative_to(ROOT))
        for p in SRC.rglob("*")
        if p.stem in FORBIDDEN_NAMES and "vendored" not in p.parts
    ] == []


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_no_function_is_longer_than_a_screen():
    long = []
    for path in MODULES:
        for function in functions(ast.parse(path.read_text("utf-8"))):
            documented = ast.get_docstring(function) is not None
            first = function.body[1] if documented and len(function.body) > 1 else function.body[0]
            lines = (function.end_lineno or first.lineno) - first.lineno + 1
            if lines > MAX_FUNCTION_LINES:
                long.append(f"{path.relative_to(ROOT)}:{function.lineno} {function.name} ({lines} lines)")
    assert long == []


def test_every_public_method_is_documented_once_by_itself_or_by_its_protocol():
    documented: set[str] = set()
    bare: list[tuple[str, str]] = []
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.ClassDef) or node.name.startswith("_"):
                continue
            protocol = any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases)
            for method in node.body:
                if not isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef) or method.name.startswith(
                    "_"
                ):
                    continue
                if ast.get_docstring(method) is None:
                    bare.append(
                        (method.name, f"{path.relative_to(ROOT)}:{method.lineno} {node.name}.{method.name}")
                    )
                elif protocol:
                    documented.add(method.name)
    assert [place for name, place in bare if name not in documented] == []


def test_json_is_encoded_and_decoded_in_two_rooms_only():
    doors = {SRC / "codec.py", SRC / "stix" / "objects.py"}
    word = re.compile(
        r"msgspec\.(json|convert|to_builtins|msgpack|yaml|toml)\b|from msgspec import .*\bjson\b|^import json\b",
        re.MULTILINE,
    )
    assert [
        str(p.relative_to(ROOT)) for p in MODULES if p not in doors and word.search(p.read_text("utf-8"))
    ] == []


def test_no_unfinished_mark_is_left_in_the_code():
    # Raised, it marks what is not built; caught, it is what a library says.
    marks = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b|raise NotImplemented" + r"Error")
    assert [
        place
        for place in places(marks)
        if place.startswith(("src/", "tests/", "docs/", "README")) and "/vendored/" not in place
    ] == []


def exit_codes() -> set[int]:
    codes = {errors.EXIT_DONE, errors.EXIT_NEEDS_YOU, errors.EXIT_BUG, errors.EXIT_INTERRUPTED}
    kinds = [errors.BackchannelError]
    while kinds:
        kind = kinds.pop()
        codes.add(kind.exit_code)
        kinds += kind.__subclasses__()
    return codes


def test_the_documentation_names_every_exit_code():
    text = (ROOT / "docs" / "reference" / "exit-codes.md").read_text("utf-8")
    written = {int(code) for code in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)}
    assert written == exit_codes()


def test_the_licence_is_apache_2():
    assert "Apache License" in (ROOT / "LICENSE").read_text("utf-8")[:200]


@pytest.mark.parametrize(
    "page", sorted((ROOT / "docs").rglob("*.md")), ids=lambda p: str(p.relative_to(ROOT))
)
def test_every_link_between_pages_leads_somewhere(page: Path):
    for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), f"{page.relative_to(ROOT)}: {target}"
