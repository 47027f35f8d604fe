"""What others have said, within a sentence of ours."""

from mmagic_mikd.utils.checks import quoted


def test_what_is_quoted_is_one_line_of_plain_text():
    assert (
        quoted('Failed.\n\x1b[96mThis is step 2/3\x1b[0m of\texporting')
        == 'Failed. This is step 2/3 of exporting'
    )
    assert quoted('a' * 300, 10) == 'aaaaaaa...'
