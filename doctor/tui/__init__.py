"""How does a diagnosis look while one sits in front of it?

The only room that imports textual, and only the command that opens it imports this one. What is
shown is the document (`doctor.report.document`), so that a live run, a saved report and a bundle
look the same; while a run lasts, its events. The screens hold no knowledge of a check: they draw
what a finding's evidence holds.
"""
