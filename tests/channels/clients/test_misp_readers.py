"""PyMISP, IntelMQ and a reader that asks as MISP does, on what `serve` publishes beside TAXII."""

from __future__ import annotations

import pytest
from benchmarks.taxii_servers import Served
from tests.channels.clients.offered import HELD, phishing
from tests.channels.clients.running import drive

URLS = sorted(str(one["pattern"]).split("'")[1] for one in phishing(12))
DOMAINS = {str(one["pattern"]).split("'")[1] for one in HELD.latest if one["type"] == "indicator"}
COLUMNS = (
    "csv:source.url,__IGNORE__,__IGNORE__,event_description.text,time.source,__IGNORE__,__IGNORE__,__IGNORE__"
)


def base(served: Served) -> str:
    return served.url.removesuffix("taxii2/")


@pytest.mark.peer("misp")
def test_pymisp_makes_its_calls_as_with_a_misp(reader: Served):
    told = drive("misp", "drive_pymisp", reader, url=f"{base(reader)}misp/", token=reader.password)
    assert told["values"] == URLS


@pytest.mark.peer("taxii-clients")
def test_a_reader_that_asks_as_misp_does_has_the_whole_feed(reader: Served):
    told = drive("taxii-clients", "emulate_misp_feed", reader, url=f"{base(reader)}feeds/phishing/")
    assert told["values"] == URLS


@pytest.mark.peer("intelmq")
@pytest.mark.parametrize(("file", "mode"), [("phishing.txt", "text"), ("phishing.csv", COLUMNS)])
def test_intelmq_parses_every_line_of_what_we_publish(reader: Served, file: str, mode: str):
    told = drive("intelmq", "drive_intelmq", reader, url=f"{base(reader)}feeds/{file}", mode=mode)
    assert told["values"] == URLS
    assert told["count"] == len(URLS)


@pytest.mark.peer("intelmq")
def test_intelmq_parses_a_list_of_domains(served: Served):
    url = f"{base(served)}feeds/{served.read}.txt"
    told = drive("intelmq", "drive_intelmq", served, url=url, mode="list:source.fqdn")
    assert set(told["values"]) == DOMAINS
