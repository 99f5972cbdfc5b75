"""Kinds that can point to a person are off in every log that the operator does not name."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from backchannel.errors import UsageError
from backchannel.logs.personal import Switch, allowed, covers, starts_somewhere
from backchannel.observables.kinds import Kind
from backchannel.settings import FILE_NAME, checked, read_settings, write_settings

SECTION = '[[personal]]\nlogs = "/var/log/mail/**"\nkinds = ["email", "sip"]\npurpose = "phishing"\n'


def settings_of(folder: Path, *sections: str) -> Path:
    (folder / FILE_NAME).write_text("\n".join(['name = "A"', *sections]), "utf-8")
    return folder


def test_a_section_written_by_hand_is_read_and_written_back(tmp_path: Path):
    found = read_settings(settings_of(tmp_path, SECTION))
    assert found.personal == (
        Switch(logs=("/var/log/mail/**",), kinds=("email", "sip"), purposes=("phishing",)),
    )
    write_settings(tmp_path, found)
    assert read_settings(tmp_path) == found


def test_without_a_section_nothing_is_on(tmp_path: Path):
    switches = read_settings(settings_of(tmp_path)).personal
    assert switches == ()
    assert allowed(switches, "/var/log/mail/mail.log") == frozenset()


@pytest.mark.parametrize(
    ("section", "word"),
    [
        ('[personal]\nlogs = "/a"\nkinds = "email"\npurpose = "fraud"', r"\[\[personal\]\]"),
        ('personal = ["email"]', r"\[\[personal\]\]"),
        ('[[personal]]\nkinds = "email"\npurpose = "fraud"', "logs must be"),
        ('[[personal]]\nlogs = []\nkinds = "email"\npurpose = "fraud"', "logs must be"),
        ('[[personal]]\nlogs = "mail.log"\nkinds = "email"\npurpose = "fraud"', "mail.log in logs is no absolute"),
        ('[[personal]]\nlogs = "/var/log/../x"\nkinds = "email"\npurpose = "fraud"', "no absolute path"),
        ('[[personal]]\nlogs = "/a"\nkinds = "faces"\npurpose = "fraud"', "kinds cannot be faces"),
        ('[[personal]]\nlogs = "/a"\nkinds = "email"', "purpose must be"),
        ('[[personal]]\nlogs = "/a"\nkinds = "email"\npurpose = "curiosity"', "purpose cannot be curiosity"),
        ('[[personal]]\nlogs = "/a"\nkinds = "email"\npurpose = 7', "purpose must be"),
        ('[[personal]]\nlog = "/a"\nkinds = "email"\npurpose = "fraud"', "nothing is known of log"),
    ],
)  # fmt: skip
def test_a_section_that_a_hand_got_wrong_is_named(tmp_path: Path, section: str, word: str):
    with pytest.raises(UsageError, match=word) as refused:
        read_settings(settings_of(tmp_path, section))
    assert FILE_NAME in refused.value.message


@pytest.mark.parametrize(
    ("pattern", "log", "is_covered"),
    [
        ("/var/log/mail.log", "/var/log/mail.log", True),
        ("/var/log/mail.log", "/var/log/mail.log.1", False),
        ("/var/log/mail.log*", "/var/log/mail.log.1.gz", True),
        ("/var/log/asterisk", "/var/log/asterisk/cdr/a.csv", True),
        ("/var/log/asterisk/", "/var/log/asterisk/a.csv", True),
        ("/var/log/asterisk", "/var/log/asterisk2/a.csv", False),
        ("/var/log/asterisk/**", "/var/log/asterisk/a/b/c.csv", True),
        ("/var/log/**/smtp.log", "/var/log/smtp.log", True),
        ("/var/log/**/smtp.log", "/var/log/a/b/smtp.log", True),
        ("/var/log/**/smtp.log", "/var/log/a/b/smtp.log.gz", False),
        ("/var/log/*/smtp.log", "/var/log/a/b/smtp.log", False),
        ("/var/log/*.log", "/var/log/a/b.log", False),
        ("/**", "/any/where.log", True),
        ("-", "-", True),
        ("/**", "-", False),
        ("-", "/var/log/-", False),
    ],
)
def test_which_logs_a_path_in_a_section_covers(pattern: str, log: str, is_covered: bool):
    assert covers(pattern, log) is is_covered


def test_a_path_of_many_wildcards_costs_no_more_than_its_length():
    pattern, log = "/" + "/".join(["**", "a"] * 60), "/" + "/".join(["a"] * 120 + ["b"])
    began = time.process_time()
    assert covers(pattern, log)  # the folder of a hundred and twenty is above it
    assert not covers(pattern + "/c", log)
    assert time.process_time() - began < 1


def test_a_hunt_request_needs_its_purpose_in_the_section_too():
    (switch,) = checked(
        name="A", personal=[{"logs": "/m", "kinds": ["email"], "purpose": ["phishing", "fraud"]}]
    ).personal
    assert allowed([switch], "/m") == {Kind.EMAIL}
    assert allowed([switch], "/m", purpose="fraud") == {Kind.EMAIL}
    assert allowed([switch], "/m", purpose="intrusion") == frozenset()
    assert allowed([switch], "/other") == frozenset()


def test_whether_a_path_of_a_section_leads_anywhere(tmp_path: Path):
    (tmp_path / "smtp.log").touch()
    for there in ("", "smtp.log", "*.log", "**/smtp.log"):
        assert starts_somewhere(str(tmp_path / there))
    for not_there in ("smtp.log.1", "mail/*.log"):
        assert not starts_somewhere(str(tmp_path / not_there))
    assert starts_somewhere("-")
