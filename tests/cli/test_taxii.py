"""`taxii root|collection|token`: what is offered, in words and in documents; a secret is shown once."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.cli.running import Run
from tests.desk.made import a_file, indicator
from tests.test_reference import DOCUMENTS, first_column

URL = "http://127.0.0.1:8017/taxii2/sharing/"


def document(run: Run, *words: str) -> dict[str, object]:
    """What a command answers with `--json`: the document that the reference describes."""
    ran = run(*words, "--json")
    assert ran.code == 0, ran.err
    found = ran.document
    assert set(found) == first_column(DOCUMENTS[str(found["schema"])])
    return found


def offered(run: Run) -> dict[str, object]:
    root = document(run, "taxii", "root", "add", "sharing", "--title", "Sharing group")
    assert (root["id"], root["url"]) == ("sharing", URL)
    return document(run, "taxii", "collection", "add", "Indicators", "--root", "sharing", "--alias", "ind")


def test_what_is_offered_is_told_in_documents(run: Run):
    one = offered(run)
    assert one["url"] == f"{URL}collections/{one['id']}/"
    token = document(run, "taxii", "token", "add", "CERT Gamma", "--read", str(one["id"]), "--write", "ind")
    assert (token["party"], token["read"], token["write"]) == ("CERT Gamma", [one["id"]], [one["id"]])
    secret = str(token["token"])
    assert len(secret) == 43
    for words in (("root", "list"), ("collection", "list"), ("token", "list")):
        listed = document(run, "taxii", *words)
        assert secret not in str(listed)
    left = document(run, "taxii", "token", "remove", str(token["number"]))
    assert left["tokens"] == []
    assert document(run, "taxii", "collection", "remove", "ind")["collections"] == []
    assert document(run, "taxii", "root", "remove", "sharing")["roots"] == []


def test_what_is_offered_is_told_in_words(run: Run):
    assert run("taxii", "root", "add", "sharing").text == f"API root sharing: {URL}\n"
    added = run(
        "taxii", "collection", "add", "Odd", "--root", "sharing", "--id", "x-odd--1", "--anonymous-read"
    )
    assert "no UUIDv4" in added.text
    token = run("taxii", "token", "add", "CERT Gamma", "--read", "Odd", "--expires", "30d")
    assert len(token.text.strip()) == 43
    assert "valid for CERT Gamma until" in token.err
    assert "CERT Gamma" in run("taxii", "token", "list").text
    assert "anybody" in run("taxii", "collection", "list").text
    assert URL in run("taxii", "root", "list").text
    assert run("taxii", "root", "remove", "sharing").code == 2
    assert run("taxii", "token", "remove", "1").text == "Token 1 is removed.\n"


def test_an_import_and_a_batch_are_put_in(run: Run):
    offered(run)
    assert run("import", "beta.json", "--collection", "ind", "--json").document["collected"] == 7
    again = document(run, "taxii", "collection", "put", "Indicators", "--batch", "1")
    assert (again["added"], again["already"]) == (0, 7)
    assert run("taxii", "collection", "put", "ind").code == 2
    assert "in ind" not in run("import", "beta.json", "--collection", "nowhere").text
    assert run("import", "beta.json", "--collection", "nowhere").code == 2


def test_a_certificate_is_a_credential(run: Run, world: Path):
    offered(run)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=beta", "-keyout", "k.pem", "-out", "c.pem"],
        cwd=world, check=True, capture_output=True,
    )  # fmt: skip
    found = document(run, "taxii", "token", "add", "CERT Gamma", "--read", "ind", "--certificate", "c.pem")
    assert found["token"] is None
    assert run("taxii", "token", "add", "CERT Gamma", "--certificate", "c.pem").code == 2
    assert run("taxii", "token", "add", "CERT Gamma", "--certificate", "beta.json").code == 3


def test_doctor_says_what_nobody_can_read_and_what_has_ended(run: Run):
    offered(run)
    assert "nobody may read Indicators" in run("doctor").text
    assert "--read ind" in run("doctor").text
    run("taxii", "token", "add", "CERT Gamma", "--read", "ind")
    assert "collections offered: 1, credentials: 1" in run("doctor").text
    refused = run("taxii", "token", "add", "CERT Delta", "--read", "ind", "--expires", "2001-01-01")
    assert refused.code == 2


def test_a_party_and_the_status_say_what_is_offered(run: Run):
    offered(run)
    run("taxii", "token", "add", "CERT Gamma", "--read", "ind", "--write", "ind")
    party = document(run, "party", "show", "CERT Gamma")
    assert (party["reads"], party["writes"]) == (["Indicators"], ["Indicators"])
    status = document(run, "status")
    assert (status["collections"], status["credentials"]) == (1, 1)
    assert "1 collection with 1 credential" in run("status").text


def test_the_public_url_of_the_settings_is_in_every_url(run: Run, world: Path):
    offered(run)
    path = world / "home" / "settings.toml"
    path.write_text(path.read_text("utf-8") + 'public_url = "https://cti.example.org"\n', "utf-8")
    found = document(run, "taxii", "root", "list")
    assert found["roots"][0]["url"] == "https://cti.example.org/taxii2/sharing/"


def test_a_collection_is_taken_over_with_its_stamps(run: Run, tmp_path: Path):
    offered(run)
    one = indicator(1)
    told = tmp_path / "manifest.json"
    stamp = "2025-01-01T00:00:00.000001Z"
    record = {"id": one["id"], "date_added": stamp, "version": one["modified"]}
    told.write_text(json.dumps({"objects": [record, {**record, "version": "2026-02-01T00:00:00Z"}]}))
    refused = run("taxii", "import", "ind", str(a_file(tmp_path, one)), "--manifest", str(told))
    assert refused.code == 3
    assert "#/objects/1" in refused.err
    record2 = {**record, "version": "2026-02-01T00:00:00Z", "date_added": "2025-01-01T00:00:00.000002Z"}
    told.write_text(json.dumps({"objects": [record, record2]}))
    taken = run("taxii", "import", "ind", str(a_file(tmp_path, one)), "--manifest", str(told), "--json")
    assert taken.code == 0
    assert taken.document["collected"] == 1
    assert "1 record of the manifest had no object" in taken.err
