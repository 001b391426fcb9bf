"""What is wrong with a file that is no JSON, in words for whoever wrote it?"""

from __future__ import annotations

import json

import pytest

from doctor.gojson import slip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": tru}', "no value that JSON knows"),
        ('{"a": "b" "c": 1}', "a comma or a closing bracket is missing"),
        ('{"a" 1}', "a colon is missing"),
        ('{"a": "b\n"}', "a line end or a control character"),
        ("{a: 1}", "a name that is not in double quotes"),
        ('{"a": 1,}', "a comma after the last item"),
        ('{"a": [1,]}', "a comma after the last item"),
        ('{"a": 1}}', "something follows"),
        (r'{"a": "\x"}', "a backslash in a string"),
        ('{"a": "b', "a string without its closing quote"),
        ("// x\n{}", "a comment"),
        ('{"a": 1 # x\n}', "a comment"),
        ("{'a': 1}", "a quote that is no double quote"),
        ('{"a": "s3cret" x}', "a comma or a closing bracket is missing"),
    ],
)
def test_a_slip_is_named_and_nothing_of_the_text_is_told(text: str, said: str) -> None:
    with pytest.raises(json.JSONDecodeError) as found:
        json.loads(text)
    words = slip(found.value, text)
    assert words.startswith(said)
    assert "s3cret" not in words
