"""IntelMQ: its HTTP collector and parsers on a text and a CSV feed, in library mode.

`--url` is the feed; `--mode` says which parser: "csv:COLUMNS" is the generic CSV parser with IntelMQ's names for
the columns behind a header, "list:COLUMN" the same without a header, "text" the OpenPhish parser (one URL a line).
"""

from __future__ import annotations

import os
import sys

from driving import arguments, need, report
from intelmq.bots.collectors.http.collector_http import HTTPCollectorBot
from intelmq.bots.parsers.generic.parser_csv import GenericCsvParserBot
from intelmq.bots.parsers.openphish.parser import OpenPhishParserBot
from intelmq.lib.bot import BotLibSettings

asked = arguments()
settings = {"http_url": asked.url, "name": "a feed", "provider": "a party", "http_timeout_sec": 30}
if asked.user:
    settings |= {"http_username": asked.user, "http_password": asked.password}
collector = HTTPCollectorBot("collector", settings=BotLibSettings | settings)
collector.process_message()  # from here on it hands over objects, not text
collector.process()  # in library mode nobody calls a collector's
reports = collector.process_message()["output"]
need(reports, "nothing was collected")
kind, _, columns = asked.mode.partition(":")
if columns:
    wanted = {"columns": columns.split(","), "default_fields": {"classification.type": "blacklist"}}
    parser = GenericCsvParserBot("parser", settings=BotLibSettings | wanted | {"skip_header": kind == "csv"})
else:
    parser = OpenPhishParserBot("parser", settings=BotLibSettings)
events = parser.process_message(*reports)
parsed = events["output"]
need(not events.get("error"), f"the parser refused lines: {str(events.get('error'))[:300]}")
fields = ("source.url", "source.fqdn", "source.ip", "malware.hash.sha256", "malware.hash.md5")
values = sorted(str(one[field]) for one in parsed for field in fields if field in one)
report("intelmq", count=len(parsed), values=values)
sys.stdout.flush()
os._exit(0)  # its bots wait a quarter of a minute when they are stopped
