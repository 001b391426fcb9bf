"""What does each command of `doctor` do? What was typed -> what is looked at, and how its report
leaves.

A module a command, and what several of them share: `parsers` and `options` (what can be typed),
`intake` (what is to be looked at), `output` and `delivery` (how a report leaves).
"""
