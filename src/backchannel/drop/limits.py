"""The limits of a drop. They are part of its format: what is beyond one is refused, whoever signed it.

Source: docs/formats/drop.md; the reasons stand beside each.
"""

from __future__ import annotations

from typing import Final

KIB: Final = 2**10
MIB: Final = 2**20

# --- The file -------------------------------------------------------------------------------------------

MAX_FILE_BYTES: Final = 2 * 2**30
"""Largest drop (bytes): what a stick and a mail gateway still carry, and a disk has room for twice."""
MAX_PASSPHRASE_FILE_BYTES: Final = 16 * MIB
"""Largest drop under a passphrase (bytes): it is opened in memory, beside the 256 MiB of the passphrase."""
MAX_HEADER_BYTES: Final = 16 * KIB
"""Longest age header: 32 recipients need about 4 KiB."""
MAX_STANZAS: Final = 32
"""Most recipients of one file. Each costs a reader work before it knows whether the file is for it; whoever has
more recipients makes two files."""
MAX_WORK_FACTOR: Final = 18
"""Largest scrypt work factor, as a power of two: 2^18 takes 256 MiB and a second."""
MAX_BLANKS: Final = KIB
"""Most white space before and behind an armoured file (characters)."""

# --- The frames -----------------------------------------------------------------------------------------

MAX_MANIFEST_BYTES: Final = MIB
MAX_STATEMENT_BYTES: Final = 256 * KIB
MAX_CHUNK_BYTES: Final = MIB
"""Longest chunk as it stands in the file, packed or not (bytes): what is held in memory before its hash is known."""
MAX_CHUNKS: Final = 8192
"""Most chunks: their list has to fit into the manifest."""

# --- The objects ----------------------------------------------------------------------------------------

MAX_CHUNK_OBJECTS: Final = 5000
MAX_OBJECTS: Final = 5_000_000
"""Most objects of a drop, as of any document that is read (stix.split)."""
MAX_UNPACKED_BYTES: Final = 8 * MIB
"""Largest unpacked chunk, and largest zstd window (bytes)."""
MAX_RATIO: Final = 20
"""Most bytes that one packed byte may stand for: the random salts keep real chunks below it."""
MAX_VALUES: Final = 1_000_000
"""Most values in one object, as in `stix.limits`."""

# --- Attachments ----------------------------------------------------------------------------------------

MAX_FILES: Final = 100
MAX_NAME_BYTES: Final = 200
"""Longest name of an attachment in UTF-8: file systems take 255, and a number may have to be added."""

# --- Time -----------------------------------------------------------------------------------------------

DEFAULT_DAYS: Final = 30
"""How long a drop is good for, where nothing else is said."""
REPLAY_DAYS: Final = 30
"""How long a drop is remembered after it expired."""

# --- The worker -----------------------------------------------------------------------------------------

WORKER_CPU_S: Final = 10
WORKER_BYTES_PER_CPU_S: Final = 50 * MIB
"""The worker may use 10 s, and 1 s more for each 50 MiB of the file."""
WORKER_OBJECTS_PER_CPU_S: Final = 10_000
"""And, once the manifest is verified, 1 s more for each 10,000 objects that it lists."""
WORKER_WALL_S: Final = 3600
"""How long it may take by the clock (seconds): one that waits uses no CPU time."""
WORKER_MEMORY_BYTES: Final = 200 * MIB
WORKER_PASSPHRASE_MEMORY_BYTES: Final = 320 * MIB
MAX_LEADING: Final = 20
"""Statements at the beginning of a drop among which key sets are looked for before its manifest is verified: a
sender that changes keys each month reaches readers of one and a half years ago."""

# --- Text and pictures ----------------------------------------------------------------------------------

MAX_PARTS: Final = 1000
MAX_PART_BYTES: Final = MIB
MAX_TEXT_FILE_BYTES: Final = 64 * MIB
"""Largest file that is put together from parts (bytes): it is held in memory."""
MAX_QR_FRAMES: Final = 60
QR_FRAME_BYTES: Final = 700
"""Bytes of a QR code: version 18, which a telephone reads from a screen."""
