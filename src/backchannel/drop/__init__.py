"""Drops: signed and encrypted files for named parties, carried by any medium (docs/formats/drop.md).

    writer.write_drop(target, Contents(objects), draft, seal=..., to=Recipients(("age1...",)), private=folder)
    opening.open_drop(file, keys=Keys(("AGE-SECRET-KEY-1...",)), verify=..., private=folder) -> Opened
    sequence.place            where a verified drop stands on its channel, purely
    parts.split, parts.join   qr.to_frames, qr.Gathering   text and pictures
    guard.check               the head of a file, before anything else looks at it

The manifest is a `provenance.predicates.Release`; `seal` and `verify` turn it into the bytes of a signed
statement (or, in deniable mode, of one with a MAC) and back, so this room knows no signature.
"""
