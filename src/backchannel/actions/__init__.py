"""What to do: the advice in words, the gates before every export, and one exporter for each control."""
