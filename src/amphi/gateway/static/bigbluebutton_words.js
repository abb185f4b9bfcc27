// What BigBlueButton's screens say that have no other sign of it, in the bot's language and in English.

const SESSION_EXPIRED = { state: "refused", reason: "session_expired" };
const MEETING_NOT_FOUND = { state: "refused", reason: "meeting_not_found" };

// The first that fits counts: a screen may hold somebody's name.
const SAID = [
  [/\b(meeting|session|conference)\b.*\bended\b|\bended (by|the)\b|has ended|is over/i, { state: "ended" }],
  [/\ba (clos|mis fin|pris fin)\b|\b(est|été) (close|terminée|fermée|interrompue)|(séance|réunion) close/i, { state: "ended" }],
  [/maxim(um|al) (number of )?participants|nombre maxim(um|al) de participants/i, { state: "refused", reason: "meeting_full" }],
  [/been removed|ejected|banned|inactiv|inactif|(exclu|écarté|expulsé|retiré|banni)e?(?=\P{L}|$)/iu, { state: "removed" }],
  [/token|jeton|another window|autre fenêtre|duplicate|déjà connecté|logged out|été déconnecté/i, SESSION_EXPIRED],
  // Whoever the token spoke of is not in the meeting any more: the meeting itself may well be there.
  [/\b(user|participant|utilisateur|utilisatrice)\b.*(not found|non trouvée?|introuvable|pas été trouvée?)/i, SESSION_EXPIRED],
  [/not found|(does not|doesn['’]t) exist|non trouvée?|introuvable|pas été trouvée?|n['’]existe pas/i, MEETING_NOT_FOUND],
];

// 2.x writes a code next to the words.
const CODES = {
  401: SESSION_EXPIRED,
  403: { state: "removed" },
  404: MEETING_NOT_FOUND,
  408: SESSION_EXPIRED,
  409: SESSION_EXPIRED,
  410: { state: "ended" },
};

// Since 3.0 notices of the connection have numbers: 3001 to 3004 speak of a lost one, 3006 of data that only a new page gets; 3005 is slow.
const NOTICE = /\(code ?(\d{4})\)/i;
const LOST_NOTICES = new Set(["3001", "3002", "3003", "3004", "3006"]);
const DISCONNECTED = /\b(re)?connecting|reconnect|disconnected|connection (is |was )?lost|trouble connecting|connexion|déconnecté/i;

function meant(text) {
  return SAID.find(([pattern]) => pattern.test(text))?.[1];
}

function speaksOfLostConnection(text) {
  const code = NOTICE.exec(text)?.[1];
  return code ? LOST_NOTICES.has(code) : DISCONNECTED.test(text);
}
