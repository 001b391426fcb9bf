"""How does a diagnosis reach its reader? A Report becomes one JSON document; every format is a pure
function of that document.

So a report that was saved can be shown in every format like a fresh one, and no format knows more
than the JSON does.
"""
