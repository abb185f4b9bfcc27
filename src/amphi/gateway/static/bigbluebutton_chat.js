// The chat of BigBlueButton's client: its panel, and its box.

const PANEL_MS = 3000;
const OPENING_MS = 1500;
const SENT_MS = 4000; // whoever is told that nothing was sent will send it again

function isChatShown() {
  return Boolean(findVisible(named("publicChat", "hidePublicChat")));
}

// Private chats have buttons of the same name after it.
const chatButton = () => findVisible(named("chatButton", "messagesSidebarButton"));
const listButton = () => findVisible(named("toggleUserList", "toggleSidebarNavigation"));
const isListShown = () => Boolean(findVisible(named("userListContent")));

// Brings the panel to the state asked for; says which it has then.
async function showChat(shown) {
  if (isChatShown() !== shown) await (shown ? openChat() : hideChat());
  await hideList();
  return isChatShown();
}

function click(element) {
  element?.click();
  return Boolean(element);
}

async function openChat() {
  const before = sides();
  const tries = [
    () => changeLayout(CHAT_OPEN()),
    () => click(chatButton()),
    async () => click(listButton()) && click(await until(chatButton, PANEL_MS)),
  ];
  for (const open of tries) {
    if ((await open()) && (await until(isChatShown, OPENING_MS))) return;
    if (before) changeLayout(before); // nothing of what failed stays in the picture
  }
}

async function hideChat() {
  if (!changeLayout(NOTHING_OPEN())) click(findVisible(named("hidePublicChat")) ?? chatButton());
  await until(() => !isChatShown(), PANEL_MS);
}

// Everybody's names, next to the chat or where it was, are not for the audience.
async function hideList() {
  if (!isListShown()) return;
  const wasChatShown = isChatShown();
  // Until 3.0 the list is part of the navigation, in 4.0 a panel in the chat's place.
  const changes = wasChatShown ? NO_NAVIGATION() : [...NOTHING_OPEN(), ...NO_NAVIGATION()];
  if (!changeLayout(changes) && !wasChatShown) click(listButton());
  await until(() => !isListShown(), PANEL_MS);
  if (wasChatShown && !isChatShown() && changeLayout(CHAT_OPEN())) await until(isChatShown, OPENING_MS);
}

// Since 3.0 messages are read as Markdown. Addresses are left alone: they are links as they stand.
const MARKDOWN = /[\\`*_~[\]<>#|&!]|^\s*[-+](?=\s)|^\s*\d+(?=[.)]\s)/g;
const isMarkdownRead = () => Boolean(window.meetingClientSettings);

function asWritten(text) {
  if (!isMarkdownRead()) return text;
  const escaped = (part) => part.replace(MARKDOWN, (mark) => (/\d$/.test(mark) ? `${mark}\\` : mark.replace(/\S/, "\\$&")));
  return text.split(/(https?:\/\/\S+)/).map((part, index) => (index % 2 ? part : escaped(part))).join("");
}

// Writes a message; says why it could not, or nothing. A hidden panel is shown for as long as that takes.
async function writeChat(text) {
  const wasShown = isChatShown();
  if (!wasShown && !(await showChat(true))) return "the meeting’s chat can’t be opened";
  try {
    return await typeIntoBox(asWritten(text));
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
  box().form.requestSubmit(); // a dialog would cancel a click on the button
  if (await until(() => box()?.value === "", SENT_MS)) return "";
  if (box()) fill(box(), "");
  return "the meeting’s chat did not send the message";
}
