"""What presenter and listeners say at the webinar that is on the air with ``make demo ARGS=--alive``."""

TITLE = "Comprendre l’intelligence artificielle sans équations"
DESCRIPTION = (
    "Ce webinaire est donné par un robot devant douze auditrices et auditeurs simulés\u202f: ouvrez la page, écrivez, votez, levez la main. "
    "Connectez-vous avec le compte de présentation pour voir la même séance du côté de l’équipe."
)
SPEAKERS = "Camille Martin"
SLIDES = (
    ("Comprendre l’intelligence artificielle", "sans équations"),
    ("Apprendre par l’exemple", "Dix mille photos de chats valent mieux qu’une définition du chat"),
    ("Prédire le mot suivant", "«\u00a0Il pleut, je prends mon…\u00a0»\u00a0: parapluie, 92\u202f%"),
    ("Se tromper avec assurance", "Un modèle complète\u202f; il ne vérifie pas"),
    ("Évaluer un travail rendu", "Demander le brouillon, la source, l’oral"),
    ("Ce que la loi demande", "Informer, documenter, garder une décision humaine"),
    ("Vos questions", "Onglet Questions\u00a0: votez pour celles qui vous intéressent"),
)
WELCOME = "Bonjour à toutes et à tous\u202f! Posez vos questions dans l’onglet Questions, les plus soutenues d’abord."
ARRIVALS = (
    "Bonjour\u202f!",
    "Bonjour à tous depuis Nantes.",
    "Son et image parfaits ici.",
    "Bonjour, c’est mon premier webinaire sur Amphi.",
    "Bonsoir, enfin bonjour\u202f!",
)
MESSAGES = (
    "L’exemple du parapluie est très clair.",
    "Je le garde pour mes élèves de terminale.",
    "Donc le modèle ne «\u00a0sait\u00a0» rien, il complète\u202f?",
    "C’est exactement ce que j’avais compris de travers.",
    "On peut avoir la référence de l’étude citée\u202f?",
    "Merci, c’est enfin expliqué simplement.",
    "Dans notre UFR, on demande maintenant le brouillon avec la copie.",
    "Chez nous, l’oral a repris toute sa place.",
    "Petite coupure de mon côté, c’est revenu.",
    "Les diapositives seront-elles disponibles après\u202f?",
    "La partie sur le droit est très utile pour nos chartes.",
    "Est-ce que cela vaut aussi pour la traduction\u202f?",
    "Oui, et pour la transcription aussi, je crois.",
    "J’ai essayé hier\u00a0: trois sources sur cinq étaient inventées.",
    "Même expérience ici, il faut tout vérifier.",
    "Très bonne idée, le carnet de bord des requêtes.",
    "Bravo pour le rythme, on suit bien.",
    "Je partage le lien à mes collègues de la bibliothèque.",
    "Et l’impact énergétique, on en parlera\u202f?",
    "Le sondage m’a fait réfléchir.",
    "On dirait mon premier mémoire\u00a0: sûr de lui et faux.",
    "Quelqu’un a-t-il testé avec des données de laboratoire\u202f?",
    "Oui, avec un modèle installé sur nos serveurs.",
    "Cela répond à la question que je n’osais pas poser.",
)
QUESTIONS = (
    (
        "Comment citer un assistant d’écriture dans un mémoire\u202f?",
        "Comme un outil\u00a0: nom, version, date, et ce que vous lui avez demandé. Il n’est jamais un auteur.",
    ),
    (
        "Peut-on lui confier des données d’enquête avec des noms\u202f?",
        "Non, pas à un service extérieur. Anonymisez d’abord, ou utilisez un modèle hébergé par l’établissement.",
    ),
    (
        "Les détecteurs de textes générés sont-ils fiables\u202f?",
        "Non\u00a0: trop de faux positifs pour fonder une sanction. Parlez-en avec la personne, et demandez le brouillon.",
    ),
    (
        "Quelle est la consommation d’une requête, en ordre de grandeur\u202f?",
        "Quelques dixièmes de wattheure pour un texte court\u202f; l’image et la vidéo coûtent bien davantage.",
    ),
    (
        "Existe-t-il des modèles libres utilisables en travaux pratiques\u202f?",
        "Oui, plusieurs tournent sur un ordinateur portable. La liste est dans l’espace du cours.",
    ),
    (
        "Un modèle peut-il désapprendre une donnée personnelle\u202f?",
        "C’est un sujet de recherche\u00a0: aujourd’hui, on filtre ou on réentraîne.",
    ),
    (
        "Que faire si un relecteur a utilisé un assistant sans le dire\u202f?",
        "Saisir la revue\u00a0: presque toutes l’interdisent désormais pour les manuscrits confidentiels.",
    ),
    (
        "Comment former les collègues qui n’osent pas essayer\u202f?",
        "En petits groupes, sur un exemple de leur discipline, avec le droit de se tromper.",
    ),
)
"""Questions, each with its written answer."""
POLLS = (
    (
        "Avez-vous déjà utilisé un assistant d’écriture pour un cours\u202f?",
        ("Souvent", "Une fois ou deux", "Jamais", "Je préfère ne pas le dire"),
    ),
    ("Votre composante a-t-elle une charte\u202f?", ("Oui", "En préparation", "Non", "Je ne sais pas")),
    (
        "Quelle évaluation vous paraît la plus robuste\u202f?",
        ("L’examen sur table", "L’oral", "Le projet suivi", "Le contrôle continu"),
    ),
)
HANDS = ("Un exemple en droit", "À propos des sources", "Retour d’expérience en IUT", "")
