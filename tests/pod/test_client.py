"""The client of Esup-Pod against a stand-in on a real socket."""

import http.server  # noqa: F401 -- the stand-in's: these tests leave the process

import pytest

from amphi.pod import exceptions
from amphi.pod.client import Draft, Pod
from tests.pod.stand_in import STUDENT_TOKEN, TOKEN, running_pod

DRAFT = Draft("Les quanta", "Un cours.\n\nhttps://amphi.example/live/x/replay/7/", "2026-11-26", "fr")
MARK = "https://amphi.example/live/x/replay/7/"


@pytest.fixture
def stand_in():
    with running_pod() as pod:
        yield pod


@pytest.fixture
def pod(stand_in):
    client = Pod(stand_in.url + "/", TOKEN, type_id=1, site_id=1)
    yield client
    client.close()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "replay.mp4"
    path.write_bytes(bytes(range(256)) * 4000)
    return path


def test_file_becomes_a_draft_of_its_owner_and_is_encoded_once(stand_in, pod, file):
    owner = pod.owner("owner")
    assert pod.find(owner, MARK) is None
    video = pod.upload(owner, DRAFT, file)
    assert pod.page_of(video) == f"{stand_in.url}/video/0001-les-quanta/"
    (row,) = stand_in.videos
    assert (row["is_draft"], row["owner"], row["main_lang"], row["date_evt"]) == (
        True,
        f"{stand_in.url}/rest/users/2/",
        "fr",
        "2026-11-26",
    )
    assert stand_in.uploaded == [file.read_bytes()]
    pod.encode(video)
    found = pod.find(owner, MARK)
    assert (found.slug, found.needs_encoding, stand_in.encodings) == (video.slug, False, [video.slug])


@pytest.mark.parametrize("filters", [True, False])
def test_rows_are_found_on_later_pages_and_where_filters_are_not_known(stand_in, pod, filters, file):
    stand_in.filters = filters
    stand_in.users += [f"user{number}" for number in range(7)]
    owner = pod.owner("owner")
    pod.upload(owner, DRAFT, file)
    for number in range(14):
        pod.upload(owner, Draft(f"Autre {number}", "", "2026-11-26", "fr"), file)
    assert pod.find(owner, MARK).slug == "0001-les-quanta"


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("500", exceptions.PodFailedError),
        ("429", exceptions.PodFailedError),
        ("413", exceptions.PodFileTooLargeError),
        ("no answer", exceptions.PodUnreachableError),
    ],
)
def test_answers_to_an_upload(stand_in, pod, file, fault, kind):
    owner = pod.owner("owner")
    stand_in.faults = [fault]
    with pytest.raises(kind):
        pod.upload(owner, DRAFT, file)


def test_what_it_refuses(stand_in, pod, file):
    with pytest.raises(exceptions.UnknownOwnerError):
        pod.owner("stranger")
    other = Pod(stand_in.url, TOKEN, type_id=9, site_id=1)
    with pytest.raises(exceptions.PodRejectedError, match="Invalid hyperlink"):
        other.upload(pod.owner("owner"), DRAFT, file)
    for token in ("wrong", STUDENT_TOKEN):
        with pytest.raises(exceptions.PodUnauthorizedError) as caught:
            Pod(stand_in.url, token, type_id=1, site_id=1).owner("owner")
        assert token not in str(caught.value)
    with pytest.raises(exceptions.PodRejectedError):
        Pod(stand_in.url + "/elsewhere", TOKEN, type_id=1, site_id=1).owner("owner")
