// BigBlueButton's HTML5 client, 2.6 to 4.0, by the names that its source gives to things: docs/gateway.md says where.
// The join parameters ask for sound without questions; what is pressed here is for joins that could not carry them.

const NAMES = {
  app: "#layout, #ActionsBar, #Navbar",
  content:
    `${named("presentationContainer", "presentationPlaceholder", "videoPlayer", "chatMessages")}, ` +
    "#presentationInnerWrapper, #cameraDock, #screenshareVideo",
  ended: named("meetingEndedModalTitle", "meetingEndedModal"),
  error: named("errorScreenMessage"),
  lobby: named("guestMessage"),
  position: "#positionInWaitingQueue",
  preFlight: named("preFlight"),
  notices: `${named("notificationBannerBar")}, #connection-error-notification`, // a bar, or a toast of the latest 3.0
};

// Not for the audience. It is made invisible, not removed, where it is looked at here.
const UNFILMED =
  `.ReactModal__Overlay, ${named("notificationBannerBar", "talkingIndicator", "whiteboardOptionsButton")} { visibility: hidden !important }` +
  `.Toastify, ${named("pollingContainer")} { display: none !important }`;

const DRAWN_MS = 5000; // a room without slides, cameras or chat shows nothing else than its frame
const ANSWERED_MS = 5000; // who is let in leaves the lobby within three seconds

const seen = { appMs: null, answeredMs: null, silentMs: null, isIn: false };

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
  // 2.x writes the code next to the title; 3.0 has words only, and for a token that is used up no more than "oops".
  const parts = [...title.parentElement.children].map(textOf).filter(Boolean);
  const text = parts.join(" ");
  const code = parts.find((part) => /^[45]\d\d$/.test(part));
  const unexplained = { state: "failing", reason: parts.length === 1 ? "session_expired" : "client_error" };
  return { ...(CODES[code] ?? meant(text) ?? unexplained), detail: `the client shows an error: ${text}` };
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

function preFlight() {
  if (!isVisible(find(NAMES.preFlight))) return null;
  press("join", find(named("preFlightJoinButton")), { most: AS_OFTEN_AS_ASKED });
  return { state: "joining", detail: "the client wants to check microphone and camera: passed over" };
}

function loading() {
  if (isVisible(find(NAMES.app))) return null;
  seen.appMs = null;
  return { state: "joining", detail: "the meeting’s client is loading" };
}

// What the client says of its connection while it has none, or what its sockets say.
function lostConnection() {
  const notices = [...document.querySelectorAll(NAMES.notices)].map(textOf);
  return notices.find(speaksOfLostConnection) ?? (isDataLost() ? "its data connection is gone" : undefined);
}

function meeting() {
  const now = performance.now();
  seen.appMs ??= now;
  const lost = lostConnection();
  if (lost) {
    const detail = `the client has lost the meeting and reconnects: ${lost}`;
    return { state: seen.isIn ? "reconnecting" : "joining", reason: "disconnected", detail };
  }
  const answered = answerDialogs();
  const step = hasSound() ? "" : answered || askForSound(seen.appMs);
  if (!step && !answered) presses.clear();
  seen.silentMs = step ? (seen.silentMs ?? now) : null;
  const isSilent = Boolean(step) && now - seen.silentMs > SOUND_MS;
  if (!seen.isIn) {
    if (step && !isSilent) return { state: "joining", detail: step };
    const isDrawn = findVisible(NAMES.content) || now - seen.appMs > DRAWN_MS;
    if (!isDrawn) return { state: "joining", detail: "the meeting is being drawn" };
    seen.isIn = true;
  }
  if (!isSilent) return { state: "joined" };
  if (sound.hasPlayed) return { state: "reconnecting", reason: "no_sound", detail: `the sound is lost: ${step}` };
  closeSoundDialog();
  return { state: "joined", reason: "no_sound", detail: `in the meeting without its sound: ${step}` };
}

function hideUnfilmed() {
  if (seen.sheet) return;
  seen.sheet = new CSSStyleSheet();
  seen.sheet.replaceSync(UNFILMED);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, seen.sheet];
}

// Which of the names that all this rests on are there: what a new version of the client has changed is found here first.
function report() {
  const settings = window.meetingClientSettings?.public ?? window.__meteor_runtime_config__?.PUBLIC_SETTINGS;
  const isOf3 = Boolean(window.meetingClientSettings);
  const found = {
    "the meeting’s frame": isVisible(find("#layout")),
    "slides, cameras or screen": Boolean(findVisible(NAMES.content)),
    "the element that plays its sound": Boolean(find("#remote-media")),
    "the state of its layout": Boolean(layoutHook()),
    "the action that opens its chat": canOpenChat(),
    "the actions that choose slides or cameras": canArrange(),
  };
  if (isOf3) found["the public chat’s name"] = Boolean(window.meetingClientSettings?.public?.chat?.public_group_id);
  if (isOf3) found["its data connection"] = data.hasBeenOpen;
  return { version: String(settings?.app?.bbbServerVersion ?? ""), found };
}

const bigbluebutton = {
  observe({ layout }) {
    if (!isClient()) return null;
    hideUnfilmed();
    watchSoundDialog();
    const said = ending() ?? errorScreen() ?? lobby() ?? preFlight() ?? loading() ?? meeting();
    return said.state === "joined" && layout ? { ...said, layout: arrange(layout) } : said;
  },
  isChatShown,
  showChat,
  showLayout: showMedia,
  sendChat: writeChat,
  isWritingSeen: () => !isChatShown(),
  report,
};

watchDataSockets();
