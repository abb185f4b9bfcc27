// The room. For programs that drive this page: `data-meeting-state` and `data-audio-state` on the root element, and
// `window.amphiClassroom`; both are described in docs/classroom.md.
import { DeviceError, openCamera, openMicrophone, openScreen } from "./devices.js";
import { Mesh } from "./mesh.js";
import { Panel, notify, setPressed } from "./panel.js";
import { Signalling } from "./signalling.js";
import { Stage } from "./stage.js";
import { has, onLanguage, setLanguage, setText, t } from "./strings.js";

const root = document.documentElement;
const $ = (id) => document.getElementById(id);
const settings = JSON.parse($("settings").content);
const sessionToken = new URLSearchParams(location.search).get("sessionToken") ?? "";
const asked = (name) => settings.userdata[name]?.toLowerCase() === "true";
const REDIRECT_DELAY_MS = 4000;
const REFUSED = {
  maxParticipantsReached: "refused_full",
  meetingForciblyEnded: "refused_ended",
  sessionNotFound: "refused_session",
};

const signalling = new Signalling(sessionToken);
const mesh = new Mesh(signalling);
const panel = new Panel();
const stage = new Stage(mesh, sessionToken);
const state = { participants: new Map(), slides: { documents: [], current: "", page: 1, hidden: false }, self: "", welcomed: false };
const me = () => state.participants.get(state.self);

root.dataset.moderator = String(settings.moderator);
root.dataset.chat = settings.chatDisabled ? "disabled" : "enabled";

function setMeetingState(value) {
  root.dataset.meetingState = value;
}

function render() {
  const participants = [...state.participants.values()];
  const listening = root.dataset.audioState === "joined";
  stage.update({ participants, slides: state.slides, selfId: state.self, listening });
  panel.setParticipants(participants, state.self);
  renderButtons();
}

function renderButtons() {
  const speaking = Boolean(mesh.track("microphone")) && mesh.track("microphone").enabled;
  setPressed("microphone-button", speaking, speaking ? "mic-fill" : "mic-mute-fill");
  const camera = Boolean(mesh.track("camera"));
  setPressed("camera-button", camera, camera ? "camera-video-fill" : "camera-video-off-fill");
  setPressed("screen-button", Boolean(mesh.track("screen")), "display");
  const hand = Boolean(me()?.hand);
  setPressed("raise-hand", hand, hand ? "hand-index-thumb-fill" : "hand-index-thumb");
  const hidden = state.slides.hidden;
  setPressed("slides-hide", hidden, hidden ? "eye" : "eye-slash", hidden ? "slides_show" : "slides_hide");
}

// --- what the server tells ---

function setParticipants() {
  mesh.setParticipants([...state.participants.values()]);
  const audio = me()?.audio ?? "none";
  root.dataset.audioState = audio === "none" ? "none" : "joined";
  render();
}

function welcome({ self, participants, chat, slides }) {
  const first = !state.welcomed;
  Object.assign(state, { self, slides, welcomed: true, participants: new Map(participants.map((one) => [one.id, one])) });
  mesh.selfId = panel.selfId = self;
  setParticipants();
  for (const message of chat) panel.addMessage(message);
  setMeetingState("joined");
  notify("");
  if (first) begin();
  else restore();
}

/** The server forgot what this page publishes, if it took it for gone: tell it again. */
function restore() {
  if (mesh.track("microphone")) sendMicrophone();
  if (mesh.track("camera")) signalling.send({ type: "camera", on: true });
  if (mesh.track("screen")) signalling.send({ type: "screen", on: true });
}

const UNDO = { camera: ["camera"], screen: ["screen", "screenAudio"], audio: ["microphone"] };

function refuseAct({ act, reason }) {
  for (const kind of UNDO[act] ?? []) mesh.setTrack(kind, null);
  notify(t(reason), { urgent: true });
  render();
}

const HANDLERS = {
  welcome,
  participant: ({ participant }) => {
    state.participants.set(participant.id, participant);
    setParticipants();
  },
  left: ({ id }) => {
    state.participants.delete(id);
    setParticipants();
  },
  chat: ({ message }) => panel.addMessage(message),
  slides: ({ slides }) => {
    state.slides = slides;
    render();
  },
  signal: (message) => mesh.receive(message),
  error: refuseAct,
  ended: ({ url }) => close("ended", "ended_title", url ? "ended_going" : "ended_text", url),
  replaced: () => close("refused", "replaced_title", "replaced_text"),
  refused: ({ key }) => {
    if (key === "meetingForciblyEnded") close("ended", "ended_title", "ended_text");
    else close("refused", "refused_title", REFUSED[key] ?? "refused_other");
  },
};

signalling.addEventListener("message", ({ detail }) => HANDLERS[detail.type]?.(detail));
signalling.addEventListener("lost", () => {
  if (state.welcomed) setMeetingState("reconnecting");
  notify(t(state.welcomed ? "reconnecting" : "connecting"), { seconds: 0, urgent: true });
});

/** The meeting is over for this page. */
function close(value, title, text, url = "") {
  signalling.close();
  mesh.close();
  setMeetingState(value);
  root.dataset.audioState = "none";
  if ($("audio-dialog").open) $("audio-dialog").close();
  $("app").hidden = true;
  setText($("closing-title"), title);
  setText($("closing-text"), text);
  $("closing-icon").className = `bi bi-${value === "ended" ? "check-circle" : "door-closed"}`;
  $("closing").hidden = false;
  if (url) setTimeout(() => location.assign(url), REDIRECT_DELAY_MS);
}

// --- audio, camera, screen ---

function sendMicrophone() {
  signalling.send({ type: "audio", mode: "microphone", muted: !mesh.track("microphone").enabled });
}

/** Run what opens a device, and say in plain words what went wrong. */
async function withDevice(open) {
  try {
    await open();
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    notify(t(error.message), { urgent: true });
  }
  render();
}

const listen = () => signalling.send({ type: "audio", mode: "listen" });

async function joinMicrophone({ muted = settings.muteOnStart } = {}) {
  if (asked("bbb_force_listen_only") && !settings.moderator) return listen();
  await withDevice(async () => {
    const track = await openMicrophone();
    track.enabled = !muted;
    track.onended = () => { mesh.setTrack("microphone", null); listen(); };
    mesh.setTrack("microphone", track);
    sendMicrophone();
  });
  if (!mesh.track("microphone")) listen();  // without a microphone one still hears
}

function toggleMicrophone() {
  const track = mesh.track("microphone");
  if (!track) return joinMicrophone({ muted: false });
  track.enabled = !track.enabled;
  sendMicrophone();
  return renderButtons();
}

function stopCamera() {
  mesh.setTrack("camera", null);
  signalling.send({ type: "camera", on: false });
  render();
}

function toggleCamera() {
  if (mesh.track("camera")) return stopCamera();
  return withDevice(async () => {
    const track = await openCamera();
    track.onended = stopCamera;
    mesh.setTrack("camera", track);
    signalling.send({ type: "camera", on: true });
  });
}

function stopScreen() {
  mesh.setTrack("screen", null);
  mesh.setTrack("screenAudio", null);
  signalling.send({ type: "screen", on: false });
  render();
}

function toggleScreen() {
  if (mesh.track("screen")) return stopScreen();
  return withDevice(async () => {
    const { video, audio } = await openScreen();
    video.onended = stopScreen;
    mesh.setTrack("screen", video);
    mesh.setTrack("screenAudio", audio);
    signalling.send({ type: "screen", on: true });
  });
}

// --- joining ---

function begin() {
  if (asked("bbb_auto_share_webcam")) toggleCamera();
  const listenOnly = asked("bbb_listen_only_mode") || asked("bbb_force_listen_only");
  if (settings.clean) return listen();
  if (asked("bbb_auto_join_audio")) return listenOnly ? listen() : joinMicrophone();
  $("join-microphone").hidden = asked("bbb_force_listen_only") && !settings.moderator;
  return $("audio-dialog").showModal();
}

function choose(id, act) {
  $(id).addEventListener("click", () => {
    $("audio-dialog").close();
    act();
  });
}

choose("join-microphone", () => joinMicrophone());
choose("join-listen", listen);
choose("join-none", () => {});

// --- slides ---

function turn(step) {
  const { current, page } = state.slides;
  const pages = state.slides.documents.find(({ id }) => id === current)?.pages ?? 0;
  const next = Math.min(Math.max(page + step, 1), pages);
  if (next !== page) signalling.send({ type: "slides", document: current, page: next });
}

async function upload(file) {
  notify(t("slides_uploading"), { seconds: 0 });
  const form = new FormData();
  form.append("file", file);
  try {
    const address = `/html5client/slides?sessionToken=${encodeURIComponent(sessionToken)}`;
    const response = await fetch(address, { method: "POST", body: form });
    const { error } = await response.json();
    notify(error ? t(has(error) ? error : "slides_failed") : "", { urgent: Boolean(error) });
  } catch {
    notify(t("slides_failed"), { urgent: true });
  }
}

// --- chat ---

function sendChat(text) {
  const trimmed = String(text).trim();
  if (!trimmed || settings.chatDisabled) return false;
  signalling.send({ type: "chat", text: trimmed });
  return true;
}

/** What this participant says, as whoever hears them took it down; told again, with the same id, as it grows. */
function transcribe(id, text, final) {
  signalling.send({ type: "transcript", id: String(id), text: String(text), final: Boolean(final) });
}

function submitChat() {
  if (sendChat($("chat-input").value)) $("chat-input").value = "";
  resizeInput();
}

function resizeInput() {
  const input = $("chat-input");
  input.style.height = "auto";
  input.style.height = `${Math.min(input.scrollHeight + 2, 120)}px`;
}

$("chat-form").addEventListener("submit", (event) => {
  event.preventDefault();
  submitChat();
});
$("chat-input").addEventListener("input", resizeInput);
$("chat-input").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  submitChat();
});

// --- buttons ---

function leave() {
  signalling.send({ type: "leave" });
  close("ended", "left_title", "left_text");
  $("closing-return").href = location.href;
  $("closing-return").hidden = false;
  if (settings.logoutUrl) location.assign(settings.logoutUrl);
}

const CLICKS = {
  "microphone-button": toggleMicrophone,
  "camera-button": toggleCamera,
  "screen-button": toggleScreen,
  "raise-hand": () => signalling.send({ type: "hand", raised: !me()?.hand }),
  "upload-button": () => $("upload-file").click(),
  "slides-previous": () => turn(-1),
  "slides-next": () => turn(1),
  "slides-hide": () => {
    const { current, page, hidden } = state.slides;
    signalling.send({ type: "slides", document: current, page, hidden: !hidden });
  },
  "leave-button": leave,
  "end-button": () => signalling.send({ type: "end" }),
  "language-button": () => setLanguage(root.lang === "fr" ? "en" : "fr"),
};
for (const [id, act] of Object.entries(CLICKS)) $(id).addEventListener("click", act);

$("upload-file").addEventListener("change", ({ target }) => {
  if (target.files.length) upload(target.files[0]);
  target.value = "";
});
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, [role=tablist], dialog");
  if (typing || !settings.moderator || !state.slides.current || event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.key === "ArrowRight" || event.key === "PageDown") turn(1);
  if (event.key === "ArrowLeft" || event.key === "PageUp") turn(-1);
});
document.addEventListener("click", () => {
  for (const sound of document.querySelectorAll("audio")) if (sound.paused && sound.srcObject) sound.play().catch(() => {});
});
function nameLanguage() {
  $("language-button").lang = root.lang === "fr" ? "en" : "fr";
}
onLanguage(nameLanguage);
onLanguage(renderButtons);

// --- at the start ---

function applyCustomStyle() {
  if (!settings.userdata.bbb_custom_style) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(settings.userdata.bbb_custom_style);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
}

function showWelcome() {
  if (!settings.welcome) return;
  const text = new DOMParser().parseFromString(settings.welcome, "text/html").body.textContent;
  panel.addMessage({ id: "welcome", text, name: t("system"), sender: "system", at: Date.now() });
}

function showPanelAtStart() {
  const chat = settings.userdata.bbb_show_public_chat_on_login?.toLowerCase();
  if (settings.clean) return panel.show(chat === "true");
  const participants = settings.userdata.bbb_show_participants_on_login?.toLowerCase();
  const wide = matchMedia("(min-width: 62rem)").matches;
  return panel.show(wide && !(chat === "false" && participants !== "true"));
}

/** Show or hide the chat; what it now is. */
function setChatPanel(shown) {
  panel.select($("tab-chat"));
  return panel.show(Boolean(shown));
}

/** What of slides and cameras this page shows: the one asked for, where there is something of it; what it now is. */
function setLayout(layout) {
  return stage.setLayout(layout);
}

window.amphiClassroom = { setChatPanel, setLayout, sendChat, transcribe };
nameLanguage();
applyCustomStyle();
showPanelAtStart();
showWelcome();
render();
signalling.connect();
