// layout/context.jsx and layout/enums.js: one reducer says what is open, and the page is drawn from it.
const PANEL = is3 ? "setSidebarContentPanel" : "setSidebarcontentPanel";
const ACTIONS = {
  setSidebarNavigationIsOpen: (state, isOpen) => input(state, "sidebarNavigation", { isOpen }),
  setSidebarContentIsOpen: (state, isOpen) => input(state, "sidebarContent", { isOpen }),
  [PANEL]: (state, sidebarContentPanel) => input(state, "sidebarContent", { sidebarContentPanel }),
  setIdChatOpen: (state, idChatOpen) => ({ ...state, idChatOpen }),
  setPresentationIsOpen: (state, isOpen) => input(state, "presentation", { isOpen }),
  setNumCameras: (state, numCameras) => input(state, "cameraDock", { numCameras }),
};
const input = (state, part, change) => ({ ...state, input: { ...state.input, [part]: { ...state.input[part], ...change } } });

function reduce(state, { type, value }) {
  if (!Object.hasOwn(ACTIONS, type)) throw new Error("Unexpected action");
  return ACTIONS[type](state, value);
}

const PUBLIC = is3 ? "MAIN-PUBLIC-GROUP-CHAT" : "public";
let layout = null;

function makeLayout(root) {
  const isFull = scene.view === "full";
  const state = {
    idChatOpen: isFull ? PUBLIC : "",
    input: {
      sidebarNavigation: { isOpen: isFull || is4 },
      sidebarContent: { isOpen: isFull, sidebarContentPanel: isFull ? "chat" : "none" },
      presentation: { isOpen: !scene.noSlides },
      cameraDock: { numCameras: scene.cameras ?? 0 },
    },
  };
  const dispatch = (...args) => layout.dispatch(...args);
  const hook = { memoizedState: state, next: null, queue: { lastRenderedReducer: reduce, lastRenderedState: state, dispatch } };
  layout = {
    get state() { return hook.memoizedState; },
    dispatch(action) {
      hook.memoizedState = hook.queue.lastRenderedState = reduce(hook.memoizedState, action);
      // React 18 draws later, 17 at once where no event of its own is going on.
      if (is3) queueMicrotask(draw);
      else draw();
    },
  };
  // What React keeps next to the elements.
  const effect = { memoizedState: {}, queue: null, next: hook };
  root.__reactFiber$standin = { memoizedState: null, return: { memoizedState: { some: "class" }, return: { memoizedState: effect, return: null } } };
}

function change(...actions) {
  for (const [type, value] of actions) layout.dispatch({ type, value });
}
const openChat = () => change(["setSidebarContentIsOpen", true], [PANEL, "chat"], ["setIdChatOpen", PUBLIC]);
const closeContent = () => change(["setSidebarContentIsOpen", false], [PANEL, "none"], ["setIdChatOpen", ""]);

// user-list/…/chat-list-item (2.x, 3.0); sidebar-navigation/chat-list-item/component.tsx (4.0)
function toggleChat() {
  const { isOpen, sidebarContentPanel } = layout.state.input.sidebarContent;
  if (isOpen && sidebarContentPanel === "chat") closeContent();
  else openChat();
}

// nav-bar/component.jsx: the list takes what is open next to it along.
function toggleList() {
  const { isOpen } = layout.state.input.sidebarNavigation;
  if (isOpen) closeContent();
  change(["setSidebarNavigationIsOpen", !isOpen]);
}

function draw() {
  drawMedia();
  drawSides();
}

// layout-manager/smartLayout.jsx: slides have what cameras leave, and cameras all when the presentation is closed. webcam/component.tsx draws
// cameras that have no place until 3.0, and not since 4.0.
function drawMedia() {
  const { presentation, cameraDock } = layout.state.input;
  const root = document.getElementById("layout");
  const hasPlace = cameraDock.numCameras > 0;
  root.querySelector(".slides").hidden = !presentation.isOpen;
  root.dataset.arranged = [presentation.isOpen && "slides", hasPlace && "cameras"].filter(Boolean).join(" ");
  const isDrawn = (current.cameras ?? 0) > 0 && (hasPlace || !is4);
  const dock = document.getElementById("cameraDock");
  if (isDrawn && !dock) root.append(element("div", { id: "cameraDock" }));
  if (!isDrawn) dock?.remove();
}

let drawnSides = "";
function drawSides() {
  const { input: { sidebarNavigation, sidebarContent }, idChatOpen } = layout.state;
  const isChat = sidebarContent.isOpen && sidebarContent.sidebarContentPanel === "chat";
  // In 4.0 the list of participants is a panel like the chat: sidebar-navigation/users-list-item/component.tsx.
  const isList = is4 && sidebarContent.isOpen && sidebarContent.sidebarContentPanel === "userlist";
  const drawnNow = JSON.stringify([sidebarNavigation.isOpen, isChat, isList, idChatOpen]);
  if (drawnNow === drawnSides) return;
  drawnSides = drawnNow;
  const root = document.getElementById("layout");
  root.querySelectorAll("nav, section.chat, section.list").forEach((old) => old.remove());
  if (sidebarNavigation.isOpen) root.prepend(navigation(isChat));
  if (isChat) root.prepend(chatPanel(idChatOpen));
  if (isList) root.prepend(element("section", test("userListContent", { class: "list" }), "Ada Lovelace"));
  tell({ shown: isChat && idChatOpen === PUBLIC, listed: is4 ? isList : sidebarNavigation.isOpen });
}

function navigation(isChat) {
  const more = { id: "chat-toggle-button", role: "button", "aria-expanded": String(isChat), onClick: toggleChat };
  if (is4) return element("nav", test("navigationSidebarContainer"), element("div", test("messagesSidebarButton", more)));
  const button = element(is3 ? "button" : "div", test("chatButton", more), words.chat);
  return element("nav", {}, element("div", test("userListContent"), element("p", {}, "Ada Lovelace"), button));
}

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

// chat/component.jsx (2.x); chat/chat-graphql/chat-header/component.tsx: any other id than the public chat's is a private chat's, and
// without one there is nothing but a spinner.
function chatPanel(id) {
  const panel = element("section", { class: "chat" });
  if (is3 && !id) panel.append(element("div", { class: "spinner" }));
  else if (id === PUBLIC) panel.append(...publicChat());
  else panel.append(element("header", test("chatTitle"), element("button", test("hidePrivateChat", { onClick: closeContent }), words.privateChat)));
  if (!is3) panel.setAttribute(NAME, id === PUBLIC ? "publicChat" : "privateChat");
  return panel;
}

function publicChat() {
  const isLocked = current.chat === "locked";
  const field = element("textarea", { id: "message-input", "aria-label": "Message", disabled: isLocked });
  let message = "";
  controlled(field, (value) => { message = value.slice(0, scene.longest ?? 5000); return message; });
  const send = element("button", test("sendMessageButton", { type: "submit", disabled: isLocked, "aria-label": words.send }));
  const form = element("form", {}, field, send);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (current.chat === "stuck" || !message.trim()) return;
    tell({ text: message });
    message = "";
    field.value = "";
  });
  const header = element("header", test("chatTitle"), element("button", test("hidePublicChat", { onClick: closeContent }), words.chat));
  return [header, element("div", test("chatMessages")), form];
}

// plugins-engine/ui-commands/chat/handler.tsx: until 4.0 what plugins ask for opens the panel, and no chat in it.
function listenToPlugins() {
  window.addEventListener("OPEN_CHAT_FORM_COMMAND", () => {
    change(["setSidebarContentIsOpen", true], [PANEL, "chat"]);
    if (is4) change(["setIdChatOpen", PUBLIC]);
  });
}
