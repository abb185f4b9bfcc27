import pytest

from amphi.gateway.chat import Allowance, one_line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("(Ada) ça va ?", "(Ada) ça va ?"),
        ("  two\r\nlines\t\u2028three ", "two lines three"),
        ("e\u0301t\u00e9", "\u00e9t\u00e9"),
        ("a\x00b\x1b[31m\u202ec\u2066d\ufeff", "a b [31m c d"),
        ("\U0001f468\u200d\U0001f469", "\U0001f468\u200d\U0001f469"),
        ("\u202e\n", ""),
    ],
)
def test_one_line(text, line):
    assert one_line(text) == line


def test_allowance_fills_steadily_and_no_further_than_its_burst():
    now = [100.0]
    allowance = Allowance(per_s=2, burst=3, clock=lambda: now[0])
    assert [allowance.take() for _ in range(4)] == [True, True, True, False]
    now[0] += 0.4
    assert not allowance.take()
    now[0] += 0.1
    assert [allowance.take() for _ in range(2)] == [True, False]
    now[0] += 3600
    assert [allowance.take() for _ in range(4)] == [True, True, True, False]
