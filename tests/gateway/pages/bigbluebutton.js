// Stands in for BigBlueButton's client: the names, attributes and order of its elements, and what a press does to them, as its public
// source has them for `scene.era`. Nothing of it is BigBlueButton's code.
"use strict";

const is3 = scene.era === "3.0";
const app = document.getElementById("app");
const modals = document.getElementById("modals-container");
let current = scene;
let dialog = null;
let isListOpen = false;
let chat = null;

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onClick") made.addEventListener("click", value);
    else if (value !== false && value !== null) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}
const test = (name, more = {}) => ({ "data-test": name, ...more });
const tell = (what) => fetch(`/say?${new URLSearchParams(what)}`);

// --- Screens ---
function loadingScreen() {
  return element("div", {}, element("div"), element("div"));
}

function guestWait() {
  const isWaiting = current.lobby === "waiting";
  const children = [element("h1", { id: "heading" }, "Salle d’attente")];
  if (isWaiting) children.push(element("div"));
  children.push(element("p", test("guestMessage"), isWaiting ? "Merci d’attendre" : "Accès refusé"));
  children.push(element("div", { id: "positionInWaitingQueue" }, element("p", {}, isWaiting ? "Vous êtes le premier" : "")));
  return element("div", {}, element("div", { id: "content" }, ...children));
}

function meetingEnded(title) {
  if (is3) return element("div", {}, element("div", test("meetingEndedModal"), element("div", {}, element("h1", {}, title))));
  // 2.6 here asks for feedback, 2.7 does not: the name is elsewhere.
  if (scene.era === "2.6") return element("div", {}, element("div", test("meetingEndedModal"), element("div", {}, element("h1", {}, title), element("div", test("rating")))));
  return element("div", {}, element("div", {}, element("div", {}, element("h1", test("meetingEndedModalTitle"), title))));
}

function errorScreen({ title, message, code }) {
  const children = [element("h1", test("errorScreenMessage"), title)];
  if (message) children.push(element("h1", {}, message));
  if (!is3) children.push(element("hr"), element("h1", {}, code));
  return element("div", {}, ...children, element("div"));
}

// --- The sound ---
function openDialog(...content) {
  closeDialog();
  dialog = element(
    "div",
    { class: "ReactModal__Overlay" },
    element("div", test("audioModal", { class: "ReactModal__Content", role: "dialog", "aria-modal": "true" }),
      element("header", {}, element("button", test("closeModal", { onClick: closeDialog }), "x")), ...content),
  );
  modals.append(dialog);
}

function closeDialog() {
  dialog?.remove();
  dialog = null;
}

function audioOptions() {
  const options = element("span", test("audioModalOptions"));
  if (scene.sound !== "forced") options.append(element("button", test("microphoneBtn", { "aria-label": "Microphone" })));
  if (scene.sound !== "microphone only") {
    options.append(element("button", test("listenOnlyBtn", { "aria-label": "Écoute seule", onClick: listenOnly })));
  }
  openDialog(options);
}

function listenOnly() {
  tell({ pressed: "listen only" });
  openDialog(element("div", { role: "alert" }, element("span", test("establishingAudioLabel"), "Connexion audio en cours")));
  if (scene.sound === "fails") setTimeout(() => openDialog(element("h2", {}, "Code 1010"), element("button", {}, "Retour")), 200);
  else if (scene.sound === "blocked") setTimeout(autoplayBlocked, 200);
  else setTimeout(soundJoined, 300);
}

function autoplayBlocked() {
  const play = () => { tell({ pressed: "play" }); soundJoined(); };
  const icon = element("i", { class: "icon-bbb-thumbs_up" });
  openDialog(element("span", {}, element("button", { "aria-label": "Lecture audio", onClick: play }, element("span", {}, icon), "Lecture audio")));
}

function soundJoined() {
  closeDialog();
  const context = new AudioContext();
  const destination = context.createMediaStreamDestination();
  const tone = new OscillatorNode(context, { frequency: 440 });
  tone.connect(destination);
  tone.start();
  document.getElementById("remote-media").srcObject = scene.sound === "out of sight" ? null : destination.stream;
  document.querySelector("[data-test='joinAudio']")?.replaceWith(element("button", test("leaveListenOnly")));
}

function startSound() {
  if (scene.sound === "forced") listenOnly();
  else if (scene.sound !== "not asked") audioOptions();
}

// --- The chat ---
// As React does: a field that is controlled takes a value only from an event that follows a change it has not made itself.
function controlled(field, onChange) {
  const native = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value");
  let tracked = "";
  Object.defineProperty(field, "value", {
    configurable: true,
    get: () => native.get.call(field),
    set(value) { tracked = value; native.set.call(field, value); },
  });
  field.addEventListener("input", () => {
    const value = native.get.call(field);
    if (value === tracked) return;
    tracked = value;
    Promise.resolve().then(() => { field.value = onChange(value); });
  });
}

function chatPanel() {
  const isLocked = current.chat === "locked";
  const field = element("textarea", { id: "message-input", "aria-label": "Message", disabled: isLocked });
  let message = "";
  controlled(field, (value) => { message = value.slice(0, scene.longest ?? 5000); return message; });
  const send = element("button", test("sendMessageButton", { type: "submit", disabled: isLocked, "aria-label": "Envoyer" }));
  const form = element("form", {}, field, send);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (current.chat === "stuck" || !message.trim()) return;
    tell({ text: message });
    message = "";
    field.value = "";
  });
  const header = element("header", test("chatTitle"), element("button", test("hidePublicChat", { onClick: () => openPanel("none") }), "Discussion publique"));
  const parts = [header, element("div", test("chatMessages")), form];
  return element("section", is3 ? {} : test("publicChat"), ...parts);
}

function openPanel(name) {
  chat?.remove();
  chat = name === "chat" ? chatPanel() : null;
  if (chat) document.getElementById("layout").prepend(chat);
  document.querySelector("[data-test='chatButton']")?.setAttribute("aria-expanded", String(Boolean(chat)));
  tell({ shown: Boolean(chat) });
}

function openList(isOpen) {
  isListOpen = isOpen;
  document.querySelector("nav")?.remove();
  if (!isOpen) {
    if (chat) openPanel("none");
    return;
  }
  const toggle = () => openPanel(chat ? "none" : "chat");
  const more = { id: "chat-toggle-button", role: "button", "aria-expanded": String(Boolean(chat)), onClick: toggle };
  const button = element(is3 ? "button" : "div", test("chatButton", more), "Discussion publique");
  document.getElementById("layout").prepend(element("nav", {}, element("div", test("userListContent"), button)));
}

// What React keeps next to the elements, as far as the layout goes.
const ACTIONS = {
  setSidebarContentIsOpen: (input, isOpen) => ({ ...input, sidebarContent: { ...input.sidebarContent, isOpen } }),
  setSidebarcontentPanel: (input, panel) => ({ ...input, sidebarContent: { ...input.sidebarContent, panel } }),
  setSidebarNavigationIsOpen: (input, isOpen) => ({ ...input, sidebarNavigation: { isOpen } }),
  setIdChatOpen: (input) => input,
};
function keepLayoutState(layout) {
  const initial = { input: { sidebarContent: { isOpen: false, panel: "none" }, sidebarNavigation: { isOpen: false } } };
  const reduce = (state, { type, value }) => {
    if (!(type in ACTIONS)) throw new Error("Unexpected action");
    return { ...state, input: ACTIONS[type](state.input, value) };
  };
  const hook = { memoizedState: initial, next: null, queue: { lastRenderedReducer: reduce, lastRenderedState: initial, dispatch } };
  function dispatch(action) {
    hook.memoizedState = hook.queue.lastRenderedState = reduce(hook.memoizedState, action);
    const { sidebarContent, sidebarNavigation } = hook.memoizedState.input;
    const isShown = sidebarContent.isOpen && sidebarContent.panel === "chat";
    if (isShown !== Boolean(chat)) openPanel(isShown ? "chat" : "none");
    if (sidebarNavigation.isOpen !== isListOpen) openList(sidebarNavigation.isOpen);
  }
  const effect = { memoizedState: {}, queue: null, next: hook };
  layout.__reactFiber$standin = { memoizedState: null, return: { memoizedState: { some: "class" }, return: { memoizedState: effect, return: null } } };
}

// --- The meeting ---
function meeting() {
  const layout = element("div", { id: "layout" });
  if (scene.view !== "clean") {
    layout.append(element("header", { id: "Navbar" },
      element("button", test("toggleUserList", { onClick: () => openList(!isListOpen) })),
      element("div", test("talkingIndicator"), "Ada parle")));
  }
  layout.append(element("div", test("presentationContainer")));
  if (scene.view !== "clean") {
    layout.append(element("section", { id: "ActionsBar" }, element("button", test("joinAudio", { onClick: audioOptions }))));
  }
  layout.append(element("div", { class: "Toastify" }, element("div", test("toastContainer"), "Ada a rejoint la réunion")));
  app.replaceChildren(layout);
  keepLayoutState(layout);
  if (is3) {
    window.meetingClientSettings = { public: {} };
    window.addEventListener("OPEN_CHAT_FORM_COMMAND", () => openPanel("chat"));
  }
  if (scene.view === "full") { openList(true); openPanel("chat"); }
  if (scene.details) {
    const details = element("div", { class: "ReactModal__Overlay" },
      element("div", test("sessionDetailsModal"), element("button", test("closeModal", { onClick: () => details.remove() }))));
    modals.append(details);
  }
  startSound();
}

const SCREENS = {
  loading: () => app.replaceChildren(loadingScreen()),
  lobby: () => app.replaceChildren(guestWait()),
  meeting,
  ended: () => app.replaceChildren(meetingEnded(current.title)),
  error: () => app.replaceChildren(errorScreen(current.error)),
};

function show(next) {
  if (next.version < current.version) return;
  const hasChanged = ["screen", "lobby", "title", "error"].some((name) => JSON.stringify(next[name]) !== JSON.stringify(current[name]));
  if (next.version !== current.version) tell({ version: next.version });
  current = next;
  if (hasChanged) {
    closeDialog();
    SCREENS[next.screen]();
  }
  const bar = document.querySelector("[data-test='notificationBannerBar']");
  if (bar?.textContent !== next.banner) {
    bar?.remove();
    if (next.banner) app.prepend(element("div", test("notificationBannerBar"), next.banner));
  }
  if (next.sound === "lost") document.getElementById("remote-media").srcObject = null;
}

SCREENS[scene.screen]();
show(scene);
setInterval(async () => show(await (await fetch("/scene")).json()), 100);
