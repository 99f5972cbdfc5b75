"""The ledger: a party's append-only Merkle log of what it received, released and decided, on plain files.

It follows C2SP tlog-tiles, tlog-checkpoint, signed-note, tlog-cosignature, tlog-witness, tlog-proof and
tlog-policy, over the tree of RFC 6962; docs/formats/ledger.md says what we add (blinded leaves, evidence).

    with open_ledger(folder, key, sign) as ledger:             # writer: one at a time
        appended = ledger.append([make_leaf(kind, statement, day, r32)])
    tiles = Tiles(files_in(folder), checkpoint.size)           # tiles: read what was written
    entry, hashes = prove_inclusion(tiles, index, checkpoint)  # proving: each proof is checked before it is given
    audit(files_in(folder), key)                               # audit: from the files alone
    compare(key, known, shown, at=now, proof=hashes)           # evidence: did a counterparty rewrite its own?
    add_checkpoint(seen, keys, request, key, sign, at=now)     # witness: cosign a counterparty's checkpoint

Nothing here reads a clock or the store; only `writer` and `tiles.files_in` touch files, and those they are handed.
What comes from outside and is wrong is a `Rejected` with its reason code; what is wrong with our own files while
they are written is a `StoreError`.
"""
