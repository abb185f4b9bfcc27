// The chat of BigBlueButton's client: its panel, and its box.

const PANEL_MS = 1000;
const OPENING_MS = 600;
const SENT_MS = 1500;

function isChatShown() {
  return Boolean(findVisible("[data-test='publicChat'], [data-test='hidePublicChat']"));
}

// Private chats have buttons of the same name after it.
const chatButton = () => findVisible("[data-test='chatButton']");
const userListButton = () => findVisible("[data-test='toggleUserList']");

// Brings the panel to the state asked for; says which it has then.
async function showChat(shown) {
  if (isChatShown() === shown) return shown;
  await (shown ? openChat() : hideChat());
  return isChatShown();
}

// From what a person would press to what a clean view leaves: it has neither the list of participants, which holds the chat's button,
// nor the bar that opens the list.
const OPENERS = [
  () => click(chatButton()),
  () => Boolean(window.meetingClientSettings) && window.dispatchEvent(new Event("OPEN_CHAT_FORM_COMMAND")), // 3.0 lets plugins
  async () => click(userListButton()) && click(await until(chatButton, PANEL_MS)),
  () => changeLayout(["setSidebarContentIsOpen", true], ["setSidebarContentPanel", "chat"], ["setIdChatOpen", "public"]),
];

function click(element) {
  element?.click();
  return Boolean(element);
}

async function openChat() {
  for (const open of OPENERS) {
    if ((await open()) && (await until(isChatShown, OPENING_MS))) return;
  }
}

async function hideChat() {
  click(findVisible("[data-test='hidePublicChat']") ?? chatButton());
  await until(() => !isChatShown(), PANEL_MS);
  // Without the chat, the list of participants next to it is in the way.
  const isListShown = () => findVisible("[data-test='userListContent']");
  if (!isListShown()) return;
  if (!click(userListButton())) changeLayout(["setSidebarNavigationIsOpen", false]);
  await until(() => !isListShown(), PANEL_MS);
}

// Where a clean view of 2.x has no button left to press: React keeps each component's state next to the page's elements, and the
// layout's can be told to change. An action that this version does not know would end the client, so each is first tried on the
// layout's own reducer, which has no effects.
function changeLayout(...changes) {
  const layout = layoutState(find("#layout") ?? find("#app")?.firstElementChild);
  if (!layout) return false;
  // One of the names is spelled in two ways.
  const spellings = ([name, value]) => [name, name.replace("ContentPanel", "contentPanel")].map((type) => ({ type, value }));
  const actions = changes.map((change) => spellings(change).find((action) => isKnown(layout, action)));
  if (!actions.every(Boolean)) return false;
  actions.forEach((action) => layout.queue.dispatch(action));
  return true;
}

function isKnown({ memoizedState, queue }, action) {
  try {
    return Boolean(queue.lastRenderedReducer(queue.lastRenderedState ?? memoizedState, action)?.input);
  } catch {
    return false;
  }
}

function layoutState(element) {
  const key = Object.keys(element ?? {}).find((name) => /^__react(Fiber|InternalInstance)\$/.test(name));
  for (let fiber = element?.[key]; fiber; fiber = fiber.return) {
    for (let hook = fiber.memoizedState; hook && typeof hook === "object" && "queue" in hook; hook = hook.next) {
      if (hook.queue?.lastRenderedReducer && hook.memoizedState?.input?.sidebarContent) return hook;
    }
  }
  return null;
}

// Writes a message; says why it could not, or nothing. A hidden panel is shown for as long as that takes.
async function writeChat(text) {
  const wasShown = isChatShown();
  if (!wasShown && !(await showChat(true))) return "the meeting’s chat can’t be opened";
  try {
    return await typeIntoBox(text);
  } finally {
    if (!wasShown) await showChat(false);
  }
}

async function typeIntoBox(text) {
  const box = () => findVisible("#message-input");
  if (!(await until(box, PANEL_MS))) return "the meeting’s chat has no box to write in";
  if (box().disabled) return lostConnection() ? "the client has lost the meeting" : "the meeting’s chat is locked";
  fill(box(), text);
  await until(() => box()?.value !== text, 100);
  const taken = box()?.value ?? "";
  if (taken !== text && text.startsWith(taken)) {
    fill(box(), "");
    return taken ? "the message is longer than the meeting’s chat takes" : "the meeting’s chat does not take text";
  }
  findVisible("[data-test='sendMessageButton']")?.click();
  if (await until(() => box()?.value === "", SENT_MS)) return "";
  if (box()) fill(box(), "");
  return "the meeting’s chat did not send the message";
}
