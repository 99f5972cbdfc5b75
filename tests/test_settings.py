"""Settings: what is written is read back, and a slip of the hand is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from backchannel.errors import UsageError
from backchannel.settings import (
    FILE_NAME,
    PRIVATE_NETWORKS,
    Settings,
    checked,
    checked_name,
    default_home,
    read_settings,
    write_settings,
)


def test_settings_are_read_back_as_they_were_written(tmp_path: Path):
    settings = checked(
        name='Zoë "Z" \\ CERT',
        own_networks=["203.0.113.7/24", "2001:DB8::/32"],
        own_domains=["Example.ORG.", "bücher.example"],
        host="::1",
        port=9000,
        public_url="https://CTI.example.org:8443/",
        phone_country="de",
        log_zone="Europe/Paris",
    )
    write_settings(tmp_path, settings)
    assert read_settings(tmp_path) == settings
    assert settings.own_networks == ("203.0.113.0/24", "2001:db8::/32")
    assert settings.phone_country == "DE"
    assert settings.public_url == "https://cti.example.org:8443"
    assert settings.own_domains == ("example.org", "xn--bcher-kva.example")


def test_without_networks_the_private_ones_are_ours():
    assert checked(name="A").own_networks == PRIVATE_NETWORKS


def test_a_network_named_twice_is_kept_once():
    assert checked(name="A", own_networks=["10.0.0.0/8", "10.1.2.3/8"]).own_networks == ("10.0.0.0/8",)


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"name": " "}, "name"),
        ({"name": "A", "log_zone": "Mars/Olympus"}, "no zone of time"),
        ({"name": "x" * 201}, "201 characters"),
        ({"name": "evil\u202egpj"}, "cannot be seen"),
        ({"name": "two\nlines"}, "cannot be seen"),
        ({"name": "A", "own_networks": ["10.0.0.0/33"]}, "10.0.0.0/33"),
        ({"name": "A", "own_networks": ["example.org"]}, "example.org"),
        ({"name": "A", "own_domains": ["not a name"]}, "not a name"),
        ({"name": "A", "phone_country": "XX"}, "phone_country XX is no country"),
        ({"name": "A", "port": 0}, "port 0"),
        ({"name": "A", "public_url": "cti.example.org"}, "public_url cti.example.org"),
        ({"name": "A", "public_url": "https://cti.example.org/taxii2"}, "public_url"),
        ({"name": "A", "public_url": "https://user:secret@cti.example.org"}, "public_url"),
        ({"name": "A", "public_url": "https://cti.example.org:99999"}, "public_url"),
    ],
)
def test_a_value_of_the_wrong_form_is_named(values: dict[str, object], word: str):
    with pytest.raises(UsageError, match=word):
        checked(**values)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("name = ", "no TOML"),
        ("port = 8017", "name is missing"),
        ('name = "A"\nport = "8017"', "port"),
        ('name = "A"\nport = true', "port"),
        ('name = "A"\nown_networks = "10.0.0.0/8"', "own_networks"),
        ('name = "A"\nown_domains = [1]', "own_domains"),
        ('name = "A"\nown_network = []', "own_network"),
        ('name = "A"\nown_networks = ["10.0.0.0/99"]', "10.0.0.0/99"),
    ],
)
def test_a_settings_file_that_a_hand_got_wrong_is_refused_with_its_name(tmp_path: Path, text: str, word: str):
    (tmp_path / FILE_NAME).write_text(text, "utf-8")
    with pytest.raises(UsageError, match=word) as caught:
        read_settings(tmp_path)
    assert FILE_NAME in caught.value.message


def test_a_settings_file_in_another_encoding_is_refused(tmp_path: Path):
    (tmp_path / FILE_NAME).write_bytes('name = "Zoë"'.encode("latin-1"))
    with pytest.raises(UsageError, match="no TOML"):
        read_settings(tmp_path)


def test_a_name_loses_the_blanks_around_it():
    assert checked_name("  CERT Alpha ") == "CERT Alpha"


def test_the_default_home_is_the_platforms_data_folder():
    assert default_home().name == "backchannel"


def test_what_is_not_said_has_its_documented_default():
    assert Settings(name="A") == Settings(
        name="A", own_networks=PRIVATE_NETWORKS, own_domains=(), host="127.0.0.1", port=8017
    )
