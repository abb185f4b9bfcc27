// Looks at a meeting's page on behalf of the gateway. Each kind answers null when the page is not of its kind, or {state, reason,
// detail}, with a state of "joining" | "joined" | "reconnecting" | "ended" | "removed" | "refused" | "failing" (an error that another try may mend).

// amphi classroom says how it stands on its root element. Any page can say so, hence it is believed only where an operator wants that.
const classroom = {
  observe(options) {
    if (!options.classroom) return null;
    const state = document.documentElement?.dataset.meetingState; // not there yet while a page begins
    if (!state) return null;
    const reason = state === "reconnecting" ? "disconnected" : "";
    const layout = state === "joined" && options.layout ? this.showLayout(options.layout) : null;
    return { state, reason, detail: document.documentElement.dataset.meetingDetail ?? "", layout };
  },
  showLayout: (layout) => window.amphiClassroom?.setLayout?.(layout) ?? null,
  isChatShown: () => isVisible(find("#chat-input")),
  showChat(shown) {
    window.amphiClassroom.setChatPanel(shown);
    return shown;
  },
  async sendChat(text) {
    return (await window.amphiClassroom.sendChat(text)) === false ? "the meeting’s page took no message" : "";
  },
};

// A join page in front of a meeting, as Esup-Pod and others show to a gateway.
const joinForm = {
  observe(options) {
    const field = find("#id_name, #joinFormName");
    if (!field?.form) return null;
    if (!seen.joinForm) {
      seen.joinForm = true;
      find("#okcookie")?.click();
      fill(field, options.name);
      const button = field.form.querySelector("button[type='submit'], input[type='submit']");
      if (button) button.click();
      else field.form.submit();
    }
    return { state: "joining", detail: "the join page is filled in" };
  },
};

// BBB answers a join that it can't do with XML, or sends it elsewhere with the errors in the address.
const REFUSALS = {
  invalidMeetingIdentifier: { reason: "meeting_not_found" },
  missingMeeting: { reason: "meeting_not_found" },
  notFound: { reason: "meeting_not_found" },
  maxParticipantsReached: { reason: "meeting_full" },
  missingSession: { reason: "session_expired" },
  missingToken: { reason: "session_expired" },
  meetingEnded: { state: "ended" },
  meetingForciblyEnded: { state: "ended" },
};
const apiError = {
  observe() {
    const [key, message] = this.inAddress() ?? this.inXml() ?? [];
    if (key === undefined) return null;
    return { state: "refused", ...REFUSALS[key], detail: [key, message].filter(Boolean).join(": ") };
  },
  inAddress() {
    const errors = new URLSearchParams(location.search).get("errors");
    if (!errors) return null;
    try {
      const [{ key, message }] = JSON.parse(errors);
      return [String(key), String(message ?? "")];
    } catch {
      return [errors];
    }
  },
  inXml() {
    if (!document.contentType.endsWith("xml") || find("returncode")?.textContent !== "FAILED") return null;
    return [textOf(find("messageKey")), textOf(find("message"))];
  },
};

const plain = {
  observe(options) {
    if (!options.anyPage) return null;
    const last = performance.getEntriesByType("resource").reduce((end, { responseEnd }) => Math.max(end, responseEnd), 0);
    const isQuiet = performance.now() - last > 500 && performance.now() > 500;
    return { state: document.readyState === "complete" && isQuiet ? "joined" : "joining" };
  },
};

const kinds = { apiError, classroom, bigbluebutton, joinForm, plain };
let current = null;

const amphiMeetingPage = {
  async observe(options) {
    for (const [kind, adapter] of Object.entries(kinds)) {
      const said = adapter.observe(options);
      if (!said) continue;
      current = adapter;
      // "In the meeting" is said only once the meeting has been painted.
      if (said.state === "joined") await painted();
      return { kind, ...said, ...pictureSigns() };
    }
    return null;
  },
  report: () => current?.report?.() ?? null,
  showChat: (shown) => (shown === null ? current?.isChatShown?.() : current?.showChat?.(shown)) ?? false,
  showLayout: (layout) => current?.showLayout?.(layout) ?? null,
  sendChat: (text) => current?.sendChat?.(text) ?? "this page has no chat",
  // Whether writing shows a panel that is hidden otherwise.
  isWritingSeen: () => current?.isWritingSeen?.() ?? false,
};

// The page's own scripts, which come later, can't put anything else in its place.
Object.defineProperty(window, "amphiMeetingPage", { value: Object.freeze(amphiMeetingPage) });
