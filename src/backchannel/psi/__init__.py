"""Private comparison: which of our indicators another party holds too, without either showing the rest.

Diffie-Hellman private set intersection, in both directions at once (docs/formats/comparison.md). Judgement without
I/O: keys and random bytes are handed in or drawn here, nothing is kept. It bounds what a curious party can ask and
what a careless one can give away; a party that guesses and asks within these bounds is not stopped, and later proved.
"""
