"""The command line: one file for each group of commands.

A command turns its words into a call of the desk and the desk's answer into text or JSON. It decides nothing.
Modules here import click and nothing heavy: what a command needs beyond that it imports when it runs, so that
`backchannel --help` costs the start of Python and little more.
"""
