"""Whom to believe, what to believe, and for how long: judgements with reasons, from evidence that is handed in.

The letter is about a source and comes from outcomes (`reliability`); the number is about a claim and comes from
independent origins (`credibility`). They are formed apart and never averaged. F and 6 mean *not judged*: they are
no number anywhere, and never *bad*.
"""
