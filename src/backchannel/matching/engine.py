"""DuckDB's engine, without the Python package around it.

The package takes 80 ms of CPU to load, for ways of asking (data frames, expressions, Arrow) that nothing
here uses; the extension module inside it is all that a hunt needs, and has the same names.
"""

from __future__ import annotations

try:
    from _duckdb import DuckDBPyConnection as Connection
    from _duckdb import Error, connect
except ImportError:  # the module inside is the package's own affair
    from duckdb import DuckDBPyConnection as Connection
    from duckdb import Error, connect

__all__ = ["Connection", "Error", "connect"]
