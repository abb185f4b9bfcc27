// common/modal: of several dialogs the one of the highest priority is drawn, and the others are taken off the page. Each is in a
// focus-trap: a click anywhere else is cancelled before the page hears of it, whoever made it.
const PRIORITIES = { low: 0, medium: 1, high: 2 };
let dialogs = [];
let drawn = null;

function drawDialogs() {
  drawn?.remove();
  const first = dialogs.toSorted((one, other) => PRIORITIES[other.priority] - PRIORITIES[one.priority])[0];
  drawn = first ? element("div", { class: "ReactModal__Overlay" }, first.content()) : null;
  if (drawn) modals.append(drawn);
}

function openDialog(key, content, { priority = "low" } = {}) {
  dialogs = [...dialogs.filter((dialog) => dialog.key !== key), { key, content, priority }];
  drawDialogs();
}

function closeDialog(key) {
  dialogs = dialogs.filter((dialog) => dialog.key !== key);
  drawDialogs();
}

const box = (attributes, ...children) =>
  element("div", { class: "ReactModal__Content", role: "dialog", "aria-modal": "true", ...attributes }, ...children);

for (const type of ["mousedown", "touchstart", "click"]) {
  document.addEventListener(type, (event) => {
    if (!drawn || drawn.contains(event.target)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    tell({ swallowed: event.target.getAttribute?.(NAME) ?? event.target.tagName });
  }, true);
}

// nav-bar/recording-indicator/notify/component.jsx (2.x) and nav-bar-graphql/recording-indicator/notify/component.tsx: until 3.0 nothing
// of it has a name; 4.0 names all of it. Whoever leaves is out of the meeting.
function askForConsent() {
  const answer = (pressed) => () => { tell({ pressed }); closeDialog("consent"); };
  const leave = () => { tell({ pressed: "leave" }); closeDialog("consent"); app.replaceChildren(element("div", {}, "…")); };
  const named = (name) => (is4 ? test(name) : {});
  openDialog("consent", () => box(named("recordingNotifyModal"), element("header", {}, element("h1", {}, words.recorded)),
    element("div", named("recordingNotifyDescription"), words.recordedNow),
    element("button", { ...named("recordingNotifyContinue"), onClick: answer("continue") }, words.go),
    element("button", { ...named("recordingNotifyLeave"), onClick: leave }, words.leave)), { priority: "high" });
}

// activity-check/component.tsx: no name, no way out but its button.
function askWhetherThere() {
  const answer = () => { tell({ pressed: "here" }); closeDialog("inactive"); };
  openDialog("inactive", () => box({}, element("h1", {}, words.inactive), element("p", {}, "…"),
    element("button", { role: "button", onClick: answer }, words.present)), { priority: "high" });
}

// session-details/component.tsx, since 3.0.
function showDetails() {
  openDialog("details", () => box(test("sessionDetailsModal"),
    element("header", {}, element("button", test("closeModal", { onClick: () => closeDialog("details") }), words.close))));
}

// breakout-join-confirmation: another meeting, which is not to be entered.
function inviteElsewhere() {
  const go = () => tell({ pressed: "elsewhere" });
  openDialog("breakout", () => box({}, element("h1", {}, words.breakout),
    element("button", test("modalConfirmButton", { onClick: go }), words.go),
    element("button", test("modalDismissButton", { onClick: () => closeDialog("breakout") }), words.close)));
}
