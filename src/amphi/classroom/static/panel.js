// The side panel: chat and participants. What people wrote is only ever put in as text.
import { onLanguage, setLabel, t } from "./strings.js";

const root = document.documentElement;
const $ = (id) => document.getElementById(id);

function badge(text, kind) {
  const element = document.createElement("span");
  element.className = `badge ${kind}`;
  element.textContent = text;
  return element;
}

function icon(name, key) {
  const element = document.createElement("i");
  element.className = `bi bi-${name}`;
  element.setAttribute("role", "img");
  element.setAttribute("aria-label", t(key));
  element.title = t(key);
  return element;
}

const AUDIO_ICONS = { listen: ["headphones", "state_listening"], microphone: ["mic-fill", "state_microphone"] };

export class Panel {
  constructor() {
    this.unread = 0;
    this.messages = new Set();
    this.participants = [];
    this.selfId = "";
    this.tabs = [$("tab-chat"), $("tab-participants")];
    for (const tab of this.tabs) {
      tab.addEventListener("click", () => this.select(tab));
      tab.addEventListener("keydown", (event) => this.#moveTab(event, tab));
    }
    $("panel-button").addEventListener("click", () => this.show(root.dataset.panel !== "open", { focus: true }));
    $("panel-close").addEventListener("click", () => {
      this.show(false);
      $("panel-button").focus();
    });
    onLanguage(() => this.#renderParticipants());
  }

  show(shown, { focus = false } = {}) {
    root.dataset.panel = shown ? "open" : "closed";
    $("panel-button").setAttribute("aria-expanded", String(shown));
    if (shown && focus) this.tabs.find((tab) => tab.getAttribute("aria-selected") === "true").focus();
    if (shown) this.#read();
    return shown;
  }

  select(tab) {
    for (const other of this.tabs) {
      other.setAttribute("aria-selected", String(other === tab));
      other.tabIndex = other === tab ? 0 : -1;
      $(other.getAttribute("aria-controls")).hidden = other !== tab;
    }
    this.#read();
  }

  addMessage({ id, text, name, sender, at }) {
    if (this.messages.has(id)) return;
    this.messages.add(id);
    const item = document.createElement("li");
    const time = document.createElement("time");
    const date = new Date(at);
    time.dateTime = date.toISOString();
    time.textContent = date.toLocaleTimeString(root.lang, { hour: "2-digit", minute: "2-digit" });
    const author = document.createElement("strong");
    author.textContent = name;
    const body = document.createElement("p");
    body.textContent = text;
    item.dataset.message = id;
    item.classList.toggle("own", sender === this.selfId);
    item.append(author, time, body);
    const list = $("messages");
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 80;
    $("message-list").append(item);
    $("chat-empty").hidden = true;
    if (atEnd || sender === this.selfId) list.scrollTop = list.scrollHeight;
    if (sender !== this.selfId && !this.#reading) this.#setUnread(this.unread + 1);
  }

  setParticipants(participants, selfId) {
    Object.assign(this, { participants, selfId });
    this.#renderParticipants();
  }

  get #reading() {
    return root.dataset.panel === "open" && !$("chat-panel").hidden;
  }

  #read() {
    if (!this.#reading) return;
    this.#setUnread(0);
    $("messages").scrollTop = $("messages").scrollHeight;
  }

  #setUnread(count) {
    this.unread = count;
    $("unread").hidden = !count;
    $("unread").dataset.count = count > 99 ? "99+" : String(count);
  }

  #moveTab(event, tab) {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    const other = this.tabs.find((one) => one !== tab);
    this.select(other);
    other.focus();
  }

  #renderParticipants() {
    $("participant-count").textContent = String(this.participants.length);
    $("participants").replaceChildren(...this.participants.map((one) => this.#participant(one)));
  }

  #participant(one) {
    const item = document.createElement("li");
    item.dataset.participant = one.id;
    item.classList.toggle("away", one.away);
    const initial = document.createElement("span");
    initial.className = "avatar";
    initial.setAttribute("aria-hidden", "true");
    initial.textContent = [...one.name][0]?.toUpperCase() ?? "?";
    const name = document.createElement("span");
    name.className = "name";
    name.textContent = one.id === this.selfId ? `${one.name} (${t("you")})` : one.name;
    const marks = document.createElement("span");
    marks.className = "marks";
    if (one.bot) marks.append(badge(t("role_bot"), "text-bg-danger"));
    if (one.moderator) marks.append(badge(t("role_moderator"), "text-bg-primary"));
    if (one.presenter) marks.append(badge(t("role_presenter"), "text-bg-success"));
    const icons = document.createElement("span");
    icons.className = "icons";
    if (one.away) icons.append(icon("wifi-off", "state_away"));
    if (one.hand) icons.append(icon("hand-index-thumb-fill", "state_hand"));
    if (one.screen) icons.append(icon("display", "state_screen"));
    if (one.camera) icons.append(icon("camera-video-fill", "state_camera"));
    if (one.audio === "microphone" && one.muted) icons.append(icon("mic-mute-fill", "state_muted"));
    else if (AUDIO_ICONS[one.audio]) icons.append(icon(...AUDIO_ICONS[one.audio]));
    item.append(initial, name, marks, icons);
    return item;
  }
}

/** A short message at the foot of the page, for a few seconds or, with no end given, until the next one. */
export function notify(text, { seconds = 6, urgent = false } = {}) {
  const notice = $("notice");
  clearTimeout(notify.timer);
  notice.textContent = text;
  notice.hidden = !text;
  notice.classList.toggle("urgent", urgent);
  if (seconds) notify.timer = setTimeout(() => { notice.hidden = true; }, seconds * 1000);
}

/** Show a button as on or off, with the icon that goes with it. */
export function setPressed(id, pressed, iconName, label) {
  const button = $(id);
  button.setAttribute("aria-pressed", String(pressed));
  button.querySelector("i").className = `bi bi-${iconName}`;
  if (label) setLabel(button, label);
}
