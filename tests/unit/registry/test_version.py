import pytest

from nnops.errors import InputError
from nnops.registry.version import Model, Reference, Version

MODEL = Model(
    "digits",
    {"champion": 2, "challenger": 3},
    tuple(Version("digits", number) for number in (3, 2, 1)),
    (1, 2),
)


@pytest.mark.parametrize(
    ("text", "number"), [("digits", 2), ("digits@champion", 2), ("digits@challenger", 3), ("digits/1", 1)]
)
def test_ways_to_name_a_version(text: str, number: int) -> None:
    assert MODEL.find(Reference.parse(text)).number == number


@pytest.mark.parametrize(
    "text", ["", "digits@", "digits/last", "digits@a@b", "di gits", "digits/3@champion", "@champion"]
)
def test_what_names_no_version_is_answered(text: str) -> None:
    with pytest.raises(InputError, match="named like"):
        Reference.parse(text)


@pytest.mark.parametrize(("text", "words"), [("digits@best", "alias 'best'"), ("digits/9", "version 9")])
def test_what_is_not_there_is_answered_with_what_is(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        MODEL.find(Reference.parse(text))
    for there in ("digits@champion (version 2)", "digits@challenger (version 3)", "versions 1, 2, 3"):
        assert there in str(caught.value)
