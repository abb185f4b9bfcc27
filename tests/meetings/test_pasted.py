"""Addresses as mail programs, spreadsheets and people write them."""

import time

import pytest

from amphi.pages.meetings.pasted import addresses_in

JEAN, LEA, ZOE = "jean@example.org", "lea@example.org", "zoe.martin@example.org"


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        # Outlook: last name first, semicolons, with or without quotes
        ("Dupont, Jean <jean@example.org>; Martin, Zoé <zoe.martin@example.org>", [JEAN, ZOE]),
        ("Dupont, Jean <jean@example.org>; Martin, Zoé <zoe.martin@example.org>;", [JEAN, ZOE]),
        ('"Dupont, Jean (DSI)" <jean@example.org>, "Petit, Léa" <lea@example.org>;', [JEAN, LEA]),
        ("“Dupont, Jean” <jean@example.org>; «\u00a0Petit, Léa\u00a0» <lea@example.org>", [JEAN, LEA]),
        ("DUPONT Jean (DSI) <jean@example.org>; PETIT, Léa [ext] <lea@example.org>", [JEAN, LEA]),
        ("jean@example.org <jean@example.org>; 'lea@example.org' <lea@example.org>", [JEAN, LEA]),
        ("Dupont, Jean <mailto:jean@example.org>", [JEAN]),
        ("'jean@example.org'; lea@example.org", [JEAN, LEA]),
        # Thunderbird, Gmail, Apple Mail
        ("Jean Dupont <jean@example.org>, Léa Petit <lea@example.org>", [JEAN, LEA]),
        ("Jean Dupont <jean@example.org>\r\nLéa Petit <lea@example.org>\r\n", [JEAN, LEA]),
        ("<jean@example.org>,<lea@example.org>", [JEAN, LEA]),
        ("<jean@example.org> <lea@example.org>", [JEAN, LEA]),
        ("zoe.martin@example.org, Dupont, Jean <jean@example.org>, lea@example.org", [ZOE, JEAN, LEA]),
        ('"Ancienne adresse lea@old.example" <lea@example.org>', [LEA]),
        ('"jean@example.org"; "lea@example.org"', [JEAN, LEA]),
        # spreadsheets: a column, rows of cells, headings
        ("jean@example.org\nlea@example.org\n\n", [JEAN, LEA]),
        ("Dupont\tJean\tjean@example.org\nPetit\tLéa\tlea@example.org", [JEAN, LEA]),
        (
            "Nom\tAdresse\tGroupe\nDupont, J.\tjean@example.org\tL1\nPetit; L.\tlea@example.org\tL2",
            [JEAN, LEA],
        ),
        ("jean@example.org\tlea@example.org", [JEAN, LEA]),
        # texts
        ("jean@example.org (Jean Dupont), Léa Petit (lea@example.org)", [JEAN, LEA]),
        ("Jean Dupont jean@example.org\nLéa Petit : lea@example.org.", [JEAN, LEA]),
        ("jean@example.org lea@example.org", [JEAN, LEA]),
        ("- jean@example.org\n• lea@example.org", [JEAN, LEA]),
        ("mailto:jean@example.org?subject=Cours", [JEAN]),
        # once each, whatever the case; invisible and foreign marks
        ("jean@example.org, JEAN@Example.org", [JEAN]),
        ("\ufeffjean@example.org\u200b；lea@example.org，zoe.martin@example.org", [JEAN, LEA, ZOE]),
        ("jean@example.org\u00a0; lea@example.org\u202f;", [JEAN, LEA]),
        (
            "o'brien@example.org, a+b@example.org, x_y-z@sub.example.org",
            ["o'brien@example.org", "a+b@example.org", "x_y-z@sub.example.org"],
        ),
        (
            "zoe@example.org, jean@bücher.example",
            ["zoe@example.org", "jean@bücher.example"],
        ),
    ],
)
def test_addresses_are_found(text, addresses):
    found = addresses_in(text)
    assert (found.addresses, found.wrong) == (addresses, [])


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("jean@example.org, pierre, @univ.fr", ["pierre", "@univ.fr"]),
        ("jean@example.org pierre", ["pierre"]),
        ("Pierre <pierre>", ["pierre"]),
        ("Pierre <>", ["<>"]),
        ("Dupont, Jean <jean@example.org>; Martin, Zoé", ["Martin", "Zoé"]),
        ("jean@@example.org", ["jean@@example.org"]),
        ("jean@example", ["jean@example"]),
        ("jean@example.org/lea@example.org", ["jean@example.org/lea@example.org"]),
        ("Nom\tAdresse\nDupont\t", ["Dupont"]),
        ("x" * 250 + "@example.org", ["x" * 250 + "@example.org"]),
    ],
)
def test_what_is_no_address_is_told(text, wrong):
    assert addresses_in(text).wrong == wrong


@pytest.mark.parametrize("text", ["", " ;,\n\t ; ", "\u200b"])
def test_nothing(text):
    assert addresses_in(text).addresses == addresses_in(text).wrong == []


@pytest.mark.parametrize("part", ['"', "<", "(", "“", "@", "<a@b", "a@b,", ">", "((", "\t@"])
def test_time_grows_with_the_length_and_not_with_its_square(part):
    def effort(count: int) -> float:
        begin = time.process_time()
        addresses_in(part * count)
        return time.process_time() - begin

    assert min(effort(20_000) for _ in range(3)) < 1
