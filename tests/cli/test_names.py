"""T28: a party's name from outside is shown, wherever it is shown, so that it passes for no other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.running import run_in
from tests.desk.drops import indicator

CYRILLIC = "CERT B\u0435ta"
"""With a Cyrillic letter that looks like an e."""
TURNED = "CERT ateB \u202e"
"""Its end turns the line round."""


@pytest.mark.parametrize("name", [CYRILLIC, TURNED], ids=["look-alike", "bidirectional"])
def test_t28_no_answer_shows_a_name_as_what_it_is_not(tmp_path: Path, name: str):
    home = tmp_path / "home"
    bundle = {
        "type": "bundle",
        "id": "bundle--8e2e2d2b-17d4-4cbf-938f-4cbf938f4cbf",
        "objects": [indicator(1)],
    }
    (tmp_path / "made.json").write_text(json.dumps(bundle))
    log = {"ts": 1767225600, "uid": "D1", "id.orig_h": "10.0.0.5", "id.orig_p": 5, "id.resp_h": "10.0.0.1",
           "id.resp_p": 53, "proto": "udp", "query": "h1.example.net"}  # fmt: skip
    (tmp_path / "dns.log").write_text(json.dumps(log) + "\n")
    given = name.strip("\u202e ")
    assert run_in(home, "init", "--name", "CERT Alpha", cwd=tmp_path).code == 0
    came = run_in(home, "import", "made.json", "--from", name, cwd=tmp_path)
    if came.code == 2:  # a name with what cannot be seen in it is not taken at all
        assert "\u202e" not in came.err
        return
    stix_id = str(indicator(1)["id"])
    answers = [
        came,
        *(
            run_in(home, *words, cwd=tmp_path)
            for words in (
                ("party", "list"),
                ("party", "show", name),
                ("batch", "list"),
                ("batch", "show", "1"),
                ("inbox",),
                ("show", stix_id),
                ("why", stix_id),
                ("hunt", "dns.log"),
                ("hits",),
                ("advice", stix_id),
                ("taxii", "token", "list"),
                ("party", "verify", name),
                ("release", "list"),
            )
        ),
    ]
    for ran in answers:
        assert ran.code in {0, 1, 2, 4}, ran.err
        assert "No such" not in ran.err
        assert given not in ran.text + ran.err
    assert sum("CERT B\\u{435}ta" in ran.text + ran.err for ran in answers) >= 9
