"""What the adapter says of each situation, in each era of BigBlueButton's client and in both languages: one table, each line timed."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio

from .client_stand_in import ERAS, LANGUAGES
from .visits import LOOK_EVERY_S, Visit, context  # noqa: F401 -- a fixture

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SFU = ("2.6", "2.7", "3.0")
OF_2 = ("2.6", "2.7")
OF_3 = ("3.0", "3.0 livekit", "4.0")
CLEAN = {"view": "clean", "sound": "forced"}


@dataclass(frozen=True)
class Entry:
    """A way into the meeting.

    Attributes:
        scene: what the client does.
        pressed: what the bot pressed on the way, in this order.
        eras: of the client.
        steps: details that were said on the way.
        change: what happens once it waits for somebody.
        within_s: from the join to `joined`, on a machine that is busy.
    """

    scene: dict[str, Any]
    pressed: tuple[str, ...]
    eras: tuple[str, ...] = ERAS
    steps: tuple[str, ...] = ()
    change: dict[str, Any] = field(default_factory=dict)
    within_s: float = 8


RECORDED_STEP = "a recording is announced: continue"
HELP_STEP = "the client finds no microphone: listen only"
LOBBY_STEP = "a moderator has to let the bot in"
PRE_FLIGHT_STEP = "the client wants to check microphone and camera: passed over"

ENTRIES = {
    "a clean view": Entry(CLEAN, ("listen only",)),
    "asked how to hear": Entry({}, ("listen only",)),
    "the whole view": Entry({"view": "full"}, ("listen only",)),
    "no listening offered": Entry({"sound": "help"}, ("listen only",), OF_3, (HELP_STEP,)),
    "sound that is blocked": Entry({"sound": "blocked"}, ("listen only", "play")),
    "a recorded meeting": Entry({"recorded": True}, ("continue", "listen only"), steps=(RECORDED_STEP,)),
    "a recorded meeting, clean": Entry(
        CLEAN | {"recorded": True}, ("continue", "listen only"), steps=(RECORDED_STEP,)
    ),
    "details of the session": Entry({"details": True}, ("listen only",), OF_3),
    "a lobby": Entry(
        {"screen": "lobby", "lobby": "waiting"},
        ("listen only",),
        steps=(LOBBY_STEP,),
        change={"screen": "meeting", "lobby": "allowed"},
    ),
    "a pre-flight screen": Entry(
        {"screen": "pre-flight"}, ("join", "listen only"), ("4.0",), (PRE_FLIGHT_STEP,)
    ),
}


@pytest.mark.parametrize(
    ("name", "era", "language"),
    # Each line in each era, in one language after the other: what differs by language alone is in the tables below.
    [
        (name, era, LANGUAGES[(line + column) % 2])
        for line, (name, entry) in enumerate(ENTRIES.items())
        for column, era in enumerate(ERAS)
        if era in entry.eras
    ],
)
async def test_entry(context, name, era, language):  # noqa: F811
    entry = ENTRIES[name]
    visit = await Visit.begin(context, era, language=language, **entry.scene)
    try:
        if entry.change:
            await visit.until_state("joining", reason="waiting_for_approval")
            visit.client.change(**entry.change)
        await visit.until_state("joined", reason="", within_s=entry.within_s)
        await visit.until_said("pressed", *entry.pressed)
        assert set(entry.steps) <= set(visit.steps)
    finally:
        await visit.end()


@dataclass(frozen=True)
class Situation:
    """Something that befalls a bot that is in the meeting.

    Attributes:
        change: of the client, once joined.
        said: state, reason, and what the detail begins with.
        eras: of the client.
        languages: of the client.
        within_s: until it is said; 0 where the first look must say it.
    """

    change: dict[str, Any]
    said: tuple[str, str, str]
    eras: tuple[str, ...] = ERAS
    languages: tuple[str, ...] = LANGUAGES
    within_s: float = 0


def ended(title, state, reason="", *, eras=ERAS, language):
    said = (state, reason, f"the client says: {title}")
    return Situation({"screen": "ended", "title": title}, said, eras, (language,))


def error(words, state, reason="", *, eras=OF_3, language):
    title, message = words if isinstance(words, tuple) else (words, None)
    screen = {"title": title, "message": message}
    said = (state, reason, f"the client shows an error: {title}")
    return Situation({"screen": "error", "error": screen}, said, eras, (language,))


def code(number, state, reason="", *, title="Oups"):
    said = (state, reason, f"the client shows an error: {title} {number}")
    return Situation({"screen": "error", "error": {"title": title, "code": str(number)}}, said, OF_2)


def notice(text, *, eras, language):
    said = ("reconnecting", "disconnected", f"the client has lost the meeting and reconnects: {text}")
    return Situation({"banner": text}, said, eras, (language,))


def no_notice(text, *, eras=ERAS, language):
    return Situation({"banner": text}, ("joined", "", ""), eras, (language,))


FR, EN = LANGUAGES
OOPS = {FR: "Oups, quelque chose s'est mal passé", EN: "Oops, something went wrong"}
# public/locales/fr.json and en.json, of the branches of 2.6, 2.7 and 3.0.
SITUATIONS = {
    "ended": ended("Cette séance est terminée", "ended", language=FR),
    "ended by the system": ended("La séance est terminée - close par le système", "ended", language=FR),
    "ended by somebody called Banned": ended("Ada Banned a clos la séance", "ended", language=FR),
    "ended by somebody, in 2.6": ended("Ada a mis fin à la réunion", "ended", eras=OF_2, language=FR),
    "ended by itself, in 2.6": ended("La réunion a pris fin", "ended", eras=OF_2, language=FR),
    "ended for want of users": ended(
        "La séance a été fermée car le dernier participant l'a quittée", "ended", language=FR
    ),
    "ended for want of members": ended(
        "La séance a été interrompue faute d'utilisateur dûment authentifié dans la salle",
        "ended",
        language=FR,
    ),
    "ended after its time": ended(
        "La séance est close car sa durée maximale est atteinte", "ended", language=FR
    ),
    "ended, in English": ended("This session has ended", "ended", language=EN),
    "ended by somebody, in English": ended("Ada Banned has ended the meeting", "ended", language=EN),
    "ended for want of users, in English": ended(
        "Meeting ended because the last user left", "ended", language=EN
    ),
    "removed": ended("Vous avez été exclu de la séance", "removed", language=FR),
    "removed, in 2.6": ended("Vous avez été retiré de la réunion", "removed", eras=OF_2, language=FR),
    "removed, by another word": ended("Vous avez été écarté de la réunion", "removed", language=FR),
    "removed for a rule": ended("Expulsé en raison d'une violation de permission", "removed", language=FR),
    "inactive": ended("Utilisateur trop longtemps inactif", "removed", language=FR),
    "removed, in English": ended("You have been removed from the meeting", "removed", language=EN),
    "inactive, in English": ended("User inactive for too long", "removed", language=EN),
    "logged out": ended("Vous avez été déconnecté de la réunion", "refused", "session_expired", language=FR),
    "full": ended(
        "Le nombre maximum de participants pour cette séance a été atteint.",
        "refused",
        "meeting_full",
        language=FR,
    ),
    "full, in English": ended(
        "The maximum number of participants allowed for this meeting has been reached.",
        "refused",
        "meeting_full",
        language=EN,
    ),
    "token not valid": ended(
        "Le jeton d'autorisation n'a pas pu être validé", "refused", "session_expired", language=FR
    ),
    "no such meeting": error(
        (OOPS[FR], "La réunion n'a pas été trouvée"), "refused", "meeting_not_found", language=FR
    ),
    "no such meeting, shorter": error(
        (OOPS[FR], "Réunion non trouvée."), "refused", "meeting_not_found", language=FR
    ),
    "no such meeting, in English": error(
        (OOPS[EN], "Meeting not found"), "refused", "meeting_not_found", language=EN
    ),
    "no such user": error(
        (OOPS[FR], "L'utilisateur n'a pas été trouvé."), "refused", "session_expired", language=FR
    ),
    "no such participant": error(
        (OOPS[FR], "Participant non trouvé"), "refused", "session_expired", language=FR
    ),
    "no such user, in English": error(
        (OOPS[EN], "User not found."), "refused", "session_expired", language=EN
    ),
    "token of who was removed": error(
        (OOPS[FR], "Le jeton de séance n'est plus valide car l'utilisateur a été exclu"),
        "removed",
        language=FR,
    ),
    "token of who left": error(
        (OOPS[FR], "Le jeton de séance n'est plus valide car l'utilisateur est déconnecté"),
        "refused",
        "session_expired",
        language=FR,
    ),
    "banned": error((OOPS[FR], "L'utilisateur a été banni"), "removed", language=FR),
    "nothing but oops": error(OOPS[FR], "failing", "session_expired", language=FR),
    "nothing but oops, in English": error(OOPS[EN], "failing", "session_expired", language=EN),
    "an error of the server": error(
        (OOPS[FR], "Erreur interne du serveur."), "failing", "client_error", language=FR
    ),
    "an error of the server, in English": error(
        (OOPS[EN], "Server internal error."), "failing", "client_error", language=EN
    ),
    "a connection that the server closed": error(
        (OOPS[FR], "Le serveur a fermé la connexion."), "failing", "client_error", language=FR
    ),
    "an error in control characters": error(
        ("Oops\x1b[2J", "Red\u202eder"), "failing", "client_error", language=EN
    ),
    "401": code(401, "refused", "session_expired", title="Non autorisé"),
    "403": code(403, "removed", title="Vous avez été exclu"),
    "404": code(404, "refused", "meeting_not_found", title="Non trouvé"),
    "408": code(408, "refused", "session_expired"),
    "410": code(410, "ended", title="Cette réunion est close"),
    "500": code(500, "failing", "client_error"),
    "503": code(503, "refused", "session_expired", title="Vous avez été déconnecté"),
    "connecting": notice("Connexion en cours…", eras=OF_2, language=FR),
    "connecting, in English": notice("Connecting ...", eras=OF_2, language=EN),
    "waiting to connect": notice(
        "Disconnected. Trying to reconnect in 5 seconds ...", eras=OF_2, language=EN
    ),
    "notice 3002": notice(
        "La connexion est perdue. Veuillez vérifier votre connexion internet (code 3002)",
        eras=OF_3,
        language=FR,
    ),
    "notice 3003": notice(
        "Le serveur ne répond pas. Reconnexion en cours (code3003)", eras=OF_3, language=FR
    ),
    "notice 3004": notice(
        "La connexion est instable. Veuillez vérifier votre connexion internet (code 3004)",
        eras=OF_3,
        language=FR,
    ),
    "notice 3002, in English": notice(
        "Connection lost. Please check your internet connection (code 3002)", eras=OF_3, language=EN
    ),
    "notice 3004, in English": notice(
        "Your network is unstable. Please check your internet (code 3004)", eras=OF_3, language=EN
    ),
    "notice 3006": notice(
        "Certaines données n'ont pas pu être chargées. Veuillez actualiser votre client (code 3006)",
        eras=OF_3,
        language=FR,
    ),
    "notice 3005, of slowness": no_notice(
        "Des ralentissements sont observés. Reconnexion en cours (code 3005)", eras=OF_3, language=FR
    ),
    "time that is left": no_notice("Temps restant pour la séance : 12:00", language=FR),
    "trouble of others": no_notice("Nous constatons des problèmes de connectivité.", language=FR),
    "somebody is asked whether they are there": Situation({"inactive": True}, ("joined", "", "")),
    "a recording that begins now": Situation({"asked": True}, ("joined", "", "")),
    "another room is offered": Situation({"invited": True}, ("joined", "", "")),
    # Last: its socket is gone for good.
    "data that is lost": Situation(
        {}, ("reconnecting", "disconnected", "the client has lost the meeting"), OF_3, within_s=10
    ),
}
ANSWERS = {
    "somebody is asked whether they are there": ["here"],
    "a recording that begins now": ["continue"],
    "another room is offered": [],
}


@pytest_asyncio.fixture(loop_scope="session")
async def in_meeting(context):  # noqa: F811
    """Enters the client of an era; its page is gone again after the test, and costs the next ones nothing."""
    visits = {}

    async def entered(era, language):
        if (era, language) not in visits:
            visits[era, language] = await Visit.begin(context, era, language=language, **CLEAN)
            await visits[era, language].until_state("joined", reason="")
        return visits[era, language]

    yield entered
    for visit in visits.values():
        await visit.end()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("era", ERAS)
async def test_each_situation_is_named_in_time(in_meeting, era, language, record_property):
    visit = await in_meeting(era, language)
    wrong = {}
    for name, situation in SITUATIONS.items():
        if era not in situation.eras or language not in situation.languages:
            continue
        if "screen" not in situation.change and visit.client.scene["screen"] != "meeting":
            await visit.show(screen="meeting")
            await visit.until_state("joined", reason="")
            await visit.page.wait_for_function("() => !drawn")
        begun = time.monotonic()
        seen = await befall(visit, name, situation)
        took_s = time.monotonic() - begun
        record_property(name, f"{seen.state} {seen.reason} after {took_s:.2f} s")
        state, reason, detail = situation.said
        if (seen.state, seen.reason) != (state, reason) or not seen.detail.startswith(
            detail.split("\x1b")[0]
        ):
            wrong[name] = seen
        await visit.show(banner="", inactive=False, asked=False, invited=False)
    assert wrong == {}


async def befall(visit, name, situation):
    """What the bot says of it, by the end of its time at the latest."""
    await visit.page.evaluate("told")  # all that was said before has been heard
    visit.client.said.clear()
    await visit.show(**situation.change)
    if name == "data that is lost":
        visit.client.data.lose()
    seen = await visit.look()
    for _ in range(round(situation.within_s / LOOK_EVERY_S)):
        if (seen.state, seen.reason) == situation.said[:2]:
            break
        await asyncio.sleep(LOOK_EVERY_S)
        seen = await visit.look()
    if name in ANSWERS:
        await visit.until(lambda _: visit.client.heard("pressed") == ANSWERS[name], within_s=8)
        assert not await visit.page.query_selector(".ReactModal__Overlay"), name
    return seen
