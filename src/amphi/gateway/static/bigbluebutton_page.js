// BigBlueButton's HTML5 client, 2.6 to 3.0, by the names that its source gives to things: docs/gateway.md says where.
// The join parameters ask for sound without questions; what is pressed here is for joins that could not carry them.

const NAMES = {
  app: "#layout, #ActionsBar, #Navbar",
  content:
    "[data-test='presentationContainer'], [data-test='presentationPlaceholder'], #presentationInnerWrapper, #cameraDock, " +
    "#screenshareVideo, [data-test='videoPlayer'], [data-test='chatMessages']",
  ended: "[data-test='meetingEndedModalTitle'], [data-test='meetingEndedModal']",
  error: "[data-test='errorScreenMessage']",
  lobby: "[data-test='guestMessage']",
  position: "#positionInWaitingQueue",
  soundDialog: "[data-test='audioModal']",
  banner: "[data-test='notificationBannerBar']",
};

// Not for the audience. It is made invisible, not removed, where it is looked at here.
const UNFILMED =
  ".ReactModal__Overlay, [data-test='notificationBannerBar'], [data-test='talkingIndicator'] { visibility: hidden !important }" +
  ".Toastify, [data-test='pollingContainer'] { display: none !important }";

const DRAWN_MS = 5000; // a room without slides, cameras or chat shows nothing else than its frame
const SOUND_MS = 15000; // then it goes without
const UNASKED_MS = 3000; // the client asks by itself how one wants to hear, in most meetings
const ANSWERED_MS = 5000; // who is let in leaves the lobby within three seconds

const SESSION_EXPIRED = { state: "refused", reason: "session_expired" };
// What screens say that have no other sign of it, in the bot's language and in English. The first comes first: it may hold a name.
const SAID = [
  [/has ended|ended by|is over|a clos |est (close|terminée)/i, { state: "ended" }],
  [/maximum (number of )?participants|nombre maximum de participants/i, { state: "refused", reason: "meeting_full" }],
  [/token|jeton|another window|autre fenêtre|duplicate|déjà connecté|logged out|été déconnecté/i, SESSION_EXPIRED],
  [/been removed|ejected|banned|inactive|exclu de|écarté|expulsé|banni|inactif/i, { state: "removed" }],
  [/not found|introuvable|non trouvée?/i, { state: "refused", reason: "meeting_not_found" }],
];
const CODES = {
  401: SESSION_EXPIRED,
  403: { state: "removed" },
  404: { state: "refused", reason: "meeting_not_found" },
  408: SESSION_EXPIRED,
  409: SESSION_EXPIRED,
  410: { state: "ended" },
};
const DISCONNECTED = /\b(re)?connecting|reconnect|disconnected|trouble connecting|connexion|déconnecté/i;

const seen = { appMs: null, answeredMs: null, silentMs: null, isIn: false, soundDialog: false, liveSound: false };

function meant(text) {
  return SAID.find(([pattern]) => pattern.test(text))?.[1];
}

function isClient() {
  return location.pathname.includes("html5client") || isVisible(find(NAMES.lobby));
}

function ending() {
  const screen = find(NAMES.ended);
  if (!screen) return null;
  const text = textOf(find("h1", screen) ?? screen);
  return { ...(meant(text) ?? { state: "ended" }), detail: `the client says: ${text}` };
}

function errorScreen() {
  const title = find(NAMES.error);
  if (!title) return null;
  // 2.x writes the code next to the title; 3.0 has words only.
  const parts = [...title.parentElement.children].map(textOf);
  const text = parts.filter(Boolean).join(" ");
  const code = parts.find((part) => /^[45]\d\d$/.test(part));
  const what = CODES[code] ?? meant(text) ?? { state: "refused", reason: "client_error" };
  return { ...what, detail: `the client shows an error: ${text}` };
}

function lobby() {
  const message = find(NAMES.lobby);
  if (!isVisible(message)) return null;
  const position = find(NAMES.position);
  if (!position || textOf(position)) {
    seen.answeredMs = null;
    return { state: "joining", reason: "waiting_for_approval", detail: "a moderator has to let the bot in" };
  }
  seen.answeredMs ??= performance.now();
  if (performance.now() - seen.answeredMs < ANSWERED_MS) return { state: "joining", detail: "a moderator has answered" };
  return { state: "refused", detail: `no moderator let the bot in: ${textOf(message)}` };
}

function loading() {
  if (isVisible(find(NAMES.app))) return null;
  seen.appMs = null;
  return { state: "joining", detail: "the meeting’s client is loading" };
}

// --- The sound -------------------------------------------------------------------------------------------------------------------

function hasLiveSound() {
  const isLive = [...document.querySelectorAll("audio")].some((audio) => audio.srcObject?.active && !audio.paused);
  seen.liveSound ||= isLive;
  return isLive;
}

function hasSound() {
  if (hasLiveSound() || isVisible(find("[data-test='leaveListenOnly']"))) return true;
  if (isVisible(find(NAMES.soundDialog))) {
    seen.soundDialog = true;
    return false;
  }
  // A dialog that closed by itself has done its work, where no element and no button can tell.
  return seen.soundDialog && !seen.liveSound && !isVisible(find("[data-test='joinAudio']"));
}

// Takes the next step towards “listen only”, and says which.
function askForSound() {
  const dialog = findVisible(NAMES.soundDialog);
  if (!dialog) {
    const isTime = performance.now() - seen.appMs > UNASKED_MS;
    if (isTime && press("join audio", find("[data-test='joinAudio']"))) return "the sound is asked for";
    return "the client has not asked yet how to hear the meeting";
  }
  if (press("listen only", find("[data-test='listenOnlyBtn']", dialog))) return "the client asks how to hear the meeting: listen only";
  if (press("play", playButton(dialog))) return "the browser blocks the sound: told to play it";
  if (press("echo test", find("[data-test='echoYesBtn'], [data-test='joinEchoTestButton']", dialog))) {
    return "the client wants an echo test: passed over";
  }
  if (isVisible(find("[data-test='microphoneBtn']", dialog))) return "the meeting offers no listening without a microphone";
  if (find("[data-test='establishingAudioLabel']", dialog)) return "the sound is being connected";
  return `the client can’t connect the sound: ${textOf(dialog)}`;
}

// It has no name of its own, but is the only thumb in this dialog that has none.
function playButton(dialog) {
  return find("button:not([data-test]) .icon-bbb-thumbs_up", dialog)?.closest("button");
}

function closeSoundDialog() {
  const dialog = findVisible(NAMES.soundDialog);
  if (!dialog) return;
  press("close the sound’s dialog", find("[data-test='closeModal']", dialog.closest("[role='dialog']") ?? dialog));
  seen.soundDialog = false;
}

// --- The meeting -----------------------------------------------------------------------------------------------------------------

// What the client says of its connection while it has none.
function lostConnection() {
  return [...document.querySelectorAll(NAMES.banner)].map(textOf).find((text) => DISCONNECTED.test(text));
}

function meeting() {
  const now = performance.now();
  seen.appMs ??= now;
  press("session details", find("[data-test='sessionDetailsModal'] [data-test='closeModal']"));
  const banner = lostConnection();
  if (banner) {
    const detail = `the client has lost the meeting and reconnects: ${banner}`;
    return { state: seen.isIn ? "reconnecting" : "joining", reason: "disconnected", detail };
  }
  const step = hasSound() ? "" : askForSound();
  if (!step) presses.clear();
  seen.silentMs = step ? (seen.silentMs ?? now) : null;
  const isSilent = Boolean(step) && now - seen.silentMs > SOUND_MS;
  if (!seen.isIn) {
    if (step && !isSilent) return { state: "joining", detail: step };
    const isDrawn = findVisible(NAMES.content) || now - seen.appMs > DRAWN_MS;
    if (!isDrawn) return { state: "joining", detail: "the meeting is being drawn" };
    seen.isIn = true;
  }
  if (!isSilent) return { state: "joined" };
  if (seen.liveSound) return { state: "reconnecting", reason: "no_sound", detail: `the sound is lost: ${step}` };
  closeSoundDialog();
  return { state: "joined", reason: "no_sound", detail: `in the meeting without its sound: ${step}` };
}

function hideUnfilmed() {
  if (seen.sheet) return;
  seen.sheet = new CSSStyleSheet();
  seen.sheet.replaceSync(UNFILMED);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, seen.sheet];
}

const bigbluebutton = {
  observe() {
    if (!isClient()) return null;
    hideUnfilmed();
    return ending() ?? errorScreen() ?? lobby() ?? loading() ?? meeting();
  },
  isChatShown,
  showChat,
  sendChat: writeChat,
  isWritingSeen: () => !isChatShown(),
};
