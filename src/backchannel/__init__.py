"""Backchannel: exchange threat intelligence with parties you only half trust, and find it at home."""

from __future__ import annotations

__version__ = "0.1.0"
