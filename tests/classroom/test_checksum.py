import pytest

from amphi.classroom import checksum
from amphi.classroom.exceptions import ApiError

# The example of BBB's documentation, and the same call in the other hashes (`printf %s … | sha256sum`).
SECRET = "639259d4-9dd8-4b25-bf01-95f9567eaf4b"
QUERY = "name=Test+Meeting&meetingID=abc123&attendeePW=111222&moderatorPW=333444"
VECTORS = {
    "sha1": "1fcbb0c4fc1f039f73aa6d697d2db9ba7f803f17",
    "sha256": "da9185f7f333cfdfcd6eeac32dca3777510c4c436020d8b887ba5515bd1d189e",
    "sha384": "891ac633df39d0a1b4f8d597f3e190833216c4b29c4fb51ea3ca72757eeb958d6e7b49a845cf29f5c6019c7d29d029d1",
    "sha512": "de73ad61d11a5c801b68d4bd6ec5248546085cefb0b25c85f3c46249ea93a3a4b120f92c0a8a58d7512cb77821884951a3b01245f3435dbbef49fff3cc3988b4",
}


@pytest.mark.parametrize("algorithm", VECTORS)
def test_checksum_vectors(algorithm):
    assert checksum.digest(algorithm, f"create{QUERY}{SECRET}") == VECTORS[algorithm]
    found = checksum.verify("create", f"{QUERY}&checksum={VECTORS[algorithm]}", {}, secret=SECRET)
    assert found == {
        "name": "Test Meeting",
        "meetingID": "abc123",
        "attendeePW": "111222",
        "moderatorPW": "333444",
    }


@pytest.mark.parametrize("place", [0, 2, 4])
def test_checksum_may_stand_anywhere(place):
    pairs = QUERY.split("&")
    pairs.insert(place, f"checksum={VECTORS['sha256']}")
    assert checksum.verify("create", "&".join(pairs), {}, secret=SECRET)["meetingID"] == "abc123"


@pytest.mark.parametrize(
    "query",
    [
        QUERY,
        f"{QUERY}&checksum=",
        f"{QUERY}&checksum={'0' * 40}",
        f"{QUERY}&checksum={'é' * 20}",
        f"{QUERY}&checksum={VECTORS['sha1']}&checksum={VECTORS['sha1']}",
        f"{QUERY.replace('+', '%20')}&checksum={VECTORS['sha1']}",
        f"{QUERY}&record=true&checksum={VECTORS['sha1']}",
    ],
)
def test_checksum_refused(query):
    with pytest.raises(ApiError, match="checksumError"):
        checksum.verify("create", query, {}, secret=SECRET)


def test_checksum_of_a_hash_that_is_not_accepted():
    with pytest.raises(ApiError, match="checksumError"):
        checksum.verify(
            "create", f"{QUERY}&checksum={VECTORS['sha256']}", {}, secret=SECRET, digests=("sha1",)
        )


def test_form_signs_the_empty_query():
    signature = checksum.digest("sha1", f"create{SECRET}")
    form = {"name": "Physics", "meetingID": "physics", "checksum": signature}
    assert checksum.verify("create", "", form, secret=SECRET) == {"name": "Physics", "meetingID": "physics"}


def test_parameter_in_query_and_form():
    signature = checksum.digest("sha1", f"createname=a{SECRET}")
    with pytest.raises(ApiError, match="checksumError"):
        checksum.verify("create", f"name=a&checksum={signature}", {"name": "b"}, secret=SECRET)
