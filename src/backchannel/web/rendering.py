"""Pages out of documents: Jinja2 with escaping on, and nothing invisible let through.

Whatever a template prints passes `language.shown`: made visible, then escaped. Only what is already markup
of ours (a macro, `say`, `prose`) passes as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Literal
from urllib.parse import quote, urlencode

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse, Response

from backchannel import codec
from backchannel.parties.names import visible_name
from backchannel.stix.visible import visible
from backchannel.web import words
from backchannel.web.assets import Assets
from backchannel.web.language import say, say_count, shown

JSON = "application/json"
MAX_BODY_CHARS = 200_000
"""Of an object's bytes, what its page shows (characters); its JSON twin has all of them."""


class ProblemDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What a `.json` address answers where it cannot answer: the same facts as the error page."""

    schema: Literal["backchannel.problem/1"] = "backchannel.problem/1"
    status: int
    """HTTP status."""
    what: str
    hint: str


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around a page's content."""

    us: str
    """Name of our own party."""
    now: datetime
    section: str = ""
    """The entry of the navigation that is current: `inbox`, `hits`, `batches`, `channels`, `parties`."""
    twin: str = ""
    """Address of the JSON twin; "" where there is none."""


def item_url(stix_id: str, suffix: str = "") -> str:
    """Return the address of an object's page; `suffix` is `.json`, `/why.json`, ..."""
    return f"/item/{quote(stix_id, safe='')}{suffix}"


def channel_url(name: str) -> str:
    """Return the address of a channel's page."""
    return f"/channels/{quote(name, safe='')}"


def party_url(name: str, party_id: str) -> str:
    """Return the address of a party's page: by its name, or by its id where the name would not stand in an address."""
    fits = "/" not in name and not name.endswith(".json") and name not in {".", ".."}
    return f"/parties/{quote(name if fits else party_id, safe='')}"


def with_query(path: str, **query: str | int | None) -> str:
    """Return `path` with those parts of `query` that say something."""
    said = {key: str(value) for key, value in query.items() if value not in {None, ""}}
    return f"{path}?{urlencode(said)}" if said else path


def body_text(body: msgspec.Raw) -> Markup:
    """Return an object's bytes as text to read, line ends kept, everything else invisible shown."""
    text = bytes(memoryview(body)[: 4 * MAX_BODY_CHARS]).decode("utf-8", "backslashreplace")
    lines = (visible_line(line) for line in text[:MAX_BODY_CHARS].splitlines())
    return Markup("\n").join(lines)


def text_lines(text: str) -> Markup:
    """Return text that was made to be carried away in lines, with its line ends."""
    return Markup("\n").join(visible_line(line) for line in text.splitlines())


def visible_line(line: str) -> Markup:
    """Return one line with its indentation kept."""
    bare = line.lstrip(" \t")
    indent = line[: len(line) - len(bare)].replace("\t", "    ")
    return Markup("{}{}").format(indent, escape(visible(bare, max_chars=MAX_BODY_CHARS)))


class Renderer:
    """All templates, read once."""

    def __init__(self, assets: Assets) -> None:
        environment = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=shown,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        environment.globals |= {
            "_": say,
            "n_": say_count,
            "asset_url": assets.url,
            "item_url": item_url,
            "party_url": party_url,
            "with_query": with_query,
        }
        environment.filters |= {
            "age": words.age,
            "body_text": body_text,
            "breakable": words.breakable,
            "by_relation": words.by_relation,
            "defang": words.defang,
            "family": words.family_of,
            "icon": words.icon_of,
            "lacking": words.lacking,
            "prose": words.prose,
            "size": words.size,
            "text_lines": text_lines,
            "type_name": words.type_name,
            "utc": words.utc,
            "visible_name": visible_name,
        }
        self._environment = environment

    def page(self, template: str, frame: Frame, /, *, status: int = 200, **values: object) -> HTMLResponse:
        """Render `templates/{template}.html` inside its frame."""
        text = self._environment.get_template(f"{template}.html").render(frame=frame, **values)
        return HTMLResponse(text, status)

    def alone(self, template: str, status: int, /, **values: object) -> HTMLResponse:
        """Render a page that has no frame: the login page, a problem."""
        return HTMLResponse(self._environment.get_template(f"{template}.html").render(**values), status)

    def problem(self, path: str, status: int, what: str, hint: str) -> Response:
        """Answer that `path` cannot be answered: as JSON where JSON was asked for, else as a plain page."""
        headers = {"WWW-Authenticate": 'Cookie realm="backchannel"'} if status == 401 else None
        if path.endswith(".json"):
            body = codec.encode(ProblemDocument(status=status, what=what, hint=hint))
            return Response(body, status, headers, JSON)
        title = HTTPStatus(status).phrase
        page = self.alone("problem", status, title=title, what=what, hint=hint)
        page.headers.update(headers or {})
        return page


def document(value: msgspec.Struct) -> Response:
    """Answer with a document of the desk's, exactly as `--json` prints it."""
    return Response(codec.encode(value), media_type=JSON)
