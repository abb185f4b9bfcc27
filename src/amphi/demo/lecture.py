"""What was said at the demo's past webinar, and who listens in the demo. Times are minutes since the beginning."""

from dataclasses import dataclass, field

CROWD = (
    ("ines.moreau", "Inès", "Moreau"),
    ("yanis.benali", "Yanis", "Benali"),
    ("chloe.dubois", "Chloé", "Dubois"),
    ("mathis.leroy", "Mathis", "Leroy"),
    ("aissatou.diop", "Aïssatou", "Diop"),
    ("lucas.girard", "Lucas", "Girard"),
    ("manon.fournier", "Manon", "Fournier"),
    ("thomas.nguyen", "Thomas", "Nguyen"),
    ("sarah.cohen", "Sarah", "Cohen"),
    ("paul.lefebvre", "Paul", "Lefebvre"),
    ("jade.rousseau", "Jade", "Rousseau"),
    ("adrien.marchand", "Adrien", "Marchand"),
)
"""Students without a password: username, first name, last name."""

TITLE = "Lire le climat dans les glaces"
DESCRIPTION = (
    "Une carotte de glace garde, couche après couche, l’air et la poussière du jour où la neige est tombée. Comment la "
    "fore-t-on, comment la date-t-on, et que dit-elle de notre siècle\u202f? Une conférence du cycle «\u00a0Sciences de la Terre pour tous\u00a0»."
)
SPEAKERS = "Camille Martin, Amina Diallo (laboratoire de glaciologie)"
GUEST_SPEAKER = "Amina Diallo"
MINUTES = 74
WITHOUT_ACCOUNT = 79
"""How many watched without an account."""


def listeners(minute: int) -> int:
    """How many listened in a minute: they come in ten minutes, and the last ones leave after the questions."""
    arrived = 21 + 64 * min(minute, 10) // 10
    return arrived - (minute * 7 % 5) - max(0, minute - 52) * 3 // 2


@dataclass(frozen=True, slots=True)
class Said:
    """One message. Without `by` it is the guest speaker's, from the meeting."""

    minute: float
    by: str
    text: str
    reply_to: int | None = None
    reactions: dict[str, int] = field(default_factory=dict)


MESSAGES = (
    Said(
        -2,
        "camille",
        "Bonjour à toutes et à tous\u202f! Nous commençons dans deux minutes.",
        None,
        {"heart": 4},
    ),
    Said(-1.2, "lea", "Bonjour, on vous entend très bien."),
    Said(-0.8, "yanis.benali", "Bonjour depuis Brest\u202f!"),
    Said(-0.5, "aissatou.diop", "Bonjour\u202f! Le son est parfait ici aussi."),
    Said(
        0.4,
        "camille",
        "Le plan de la séance\u00a0: le forage, la datation, les gaz piégés, puis vos questions. Posez-les dans l’onglet Questions.",
        None,
        {"thumb": 7},
    ),
    Said(6, "chloe.dubois", "Les photos du camp de base sont magnifiques.", None, {"heart": 3}),
    Said(
        9.5,
        "mathis.leroy",
        "Moins 54 degrés… et nous nous plaignons de l’amphi du bâtiment B.",
        None,
        {"laugh": 9},
    ),
    Said(10.2, "", "Le matin, on réchauffe d’abord le foret, ensuite le café.", 6, {"laugh": 11, "heart": 2}),
    Said(17, "manon.fournier", "Est-ce que les diapositives seront déposées sur Moodle\u202f?"),
    Said(17.6, "camille", "Oui, dès ce soir, dans l’espace du cours.", 8, {"thumb": 6}),
    Said(
        23,
        "thomas.nguyen",
        "La comparaison avec les cernes des arbres est très parlante.",
        None,
        {"thumb": 4},
    ),
    Said(
        31,
        "sarah.cohen",
        "Je n’avais jamais compris le delta 18O avant ce schéma, merci\u202f!",
        None,
        {"clap": 8},
    ),
    Said(36, "camille", "Petit sondage dans l’onglet Sondages\u00a0: à vous de jouer, sans tricher."),
    Said(38, "paul.lefebvre", "J’avais répondu 100\u202f000 ans. Raté.", None, {"laugh": 5}),
    Said(38.4, "jade.rousseau", "Pareil\u202f!", 13),
    Said(47, "hugo", "L’image s’est figée deux secondes chez moi, c’est revenu tout seul."),
    Said(
        55,
        "",
        "L’article de synthèse dont je parlais est en accès ouvert\u00a0: https://cp.copernicus.org",
        None,
        {"thumb": 9},
    ),
    Said(61, "adrien.marchand", "On peut visiter la chambre froide du laboratoire\u202f?"),
    Said(
        61.9,
        "camille",
        "Oui, pendant la Fête de la science\u00a0: inscription auprès du département.",
        17,
        {"heart": 6},
    ),
    Said(72, "ines.moreau", "Merci pour cette conférence passionnante\u202f!", None, {"clap": 12}),
    Said(72.3, "lucas.girard", "Bravo et merci à vous deux.", None, {"clap": 7}),
    Said(
        73,
        "camille",
        "Merci à vous. La prochaine séance portera sur les sédiments marins.",
        None,
        {"clap": 10},
    ),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One question, with the number of its votes; an empty `answer` was given aloud, and None not at all."""

    minute: float
    by: str
    text: str
    votes: int
    answer: str | None
    is_anonymous: bool = False


QUESTIONS = (
    Asked(
        12,
        "aissatou.diop",
        "Comment sait-on qu’une couche correspond bien à une année, quand la neige fond ou que le vent l’emporte\u202f?",
        24,
        "On recoupe plusieurs horloges\u00a0: les couches annuelles visibles, les poussières d’éruptions datées et les pics de béryllium 10. "
        "Là où il fond chaque été, on ne fore pas.",
    ),
    Asked(
        19,
        "thomas.nguyen",
        "Le CO₂ mesuré dans les bulles peut-il s’échapper ou se mélanger entre les couches\u202f?",
        19,
        "Très peu, une fois la bulle fermée. C’est avant, dans le névé, que l’air circule\u00a0: il est donc plus jeune que la glace qui l’entoure, "
        "de quelques siècles à quelques millénaires.",
    ),
    Asked(
        28,
        "jade.rousseau",
        "Je débute\u00a0: que veut dire exactement «\u00a0avant le présent\u00a0»\u202f?",
        11,
        "Avant 1950, par convention.",
        is_anonymous=True,
    ),
    Asked(
        41, "paul.lefebvre", "Quel est l’effet d’une panne de foret à 3\u202f000 mètres de fond\u202f?", 8, ""
    ),
    Asked(
        58,
        "chloe.dubois",
        "Quels parcours de master mènent à la glaciologie\u202f?",
        15,
        "Sciences de la Terre ou physique, puis un stage en laboratoire. Écrivez-nous\u00a0: nous accueillons chaque année deux stagiaires.",
    ),
    Asked(
        69, "mathis.leroy", "Trouve-t-on des traces de l’Antiquité romaine dans ces glaces\u202f?", 6, None
    ),
)

POLL = "Jusqu’où remonte aujourd’hui la plus longue carotte de glace continue\u202f?"
CHOICES = (
    ("10\u202f000 ans", 3),
    ("100\u202f000 ans", 17),
    ("Plus d’un million d’années", 25),
    ("10 millions d’années", 4),
)
"""The answers of the poll, and how many chose each."""
POLL_MINUTE = 36
