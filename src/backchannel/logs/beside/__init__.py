"""What records say beside their observables: one table for each family of formats, read by `logs.observing`."""
