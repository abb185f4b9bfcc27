function guestWait() {
  const isWaiting = current.lobby === "waiting";
  const children = [element("h1", { id: "heading" }, words.lobby)];
  if (isWaiting) children.push(element("div"));
  children.push(element("p", test("guestMessage"), isWaiting ? words.waiting : words.denied));
  children.push(element("div", { id: "positionInWaitingQueue" }, element("p", {}, isWaiting ? words.first : "")));
  return element("div", {}, element("div", { id: "content" }, ...children));
}

// meeting-ended/component.jsx (2.x), meeting-ended/component.tsx
function meetingEnded(title) {
  const heading = (more) => element("div", {}, element("h1", more, title));
  if (is4) return element("div", {}, element("div", test("meetingEndedModal"), heading(test("meetingEndedModalTitle"))));
  if (is3) return element("div", {}, element("div", test("meetingEndedModal"), heading({})));
  // 2.6 here asks for feedback, 2.7 does not: the name is elsewhere.
  if (scene.era === "2.6") return element("div", {}, element("div", test("meetingEndedModal"), heading({}), element("div", test("rating"))));
  return element("div", {}, element("div", {}, heading(test("meetingEndedModalTitle"))));
}

// error-screen/component.jsx
function errorScreen({ title, message, code }) {
  const children = [element("h1", test("errorScreenMessage"), title)];
  if (message) children.push(element("h1", {}, message));
  if (!is3) children.push(element("hr"), element("h1", {}, code));
  return element("div", {}, ...children, element("div"));
}

// pre-flight/component.tsx, since 4.0
function preFlight() {
  const join = () => tell({ pressed: "join" }); // the server lets it in
  return element("div", test("preFlight"), element("h1", {}, words.ready), element("button", test("preFlightJoinButton", { onClick: join }), words.join));
}

function publishSettings() {
  const app = { bbbServerVersion: scene.serverVersion };
  if (is3) window.meetingClientSettings = { public: { app, chat: { public_id: "public", public_group_id: PUBLIC } } };
  else window.__meteor_runtime_config__ = { PUBLIC_SETTINGS: { app, chat: { public_id: "public" } } };
}

function meeting() {
  const root = element("div", { id: "layout" });
  if (scene.view !== "clean") {
    root.append(element("header", { id: "Navbar" },
      element("button", test(is4 ? "toggleSidebarNavigation" : "toggleUserList", { onClick: toggleList })),
      element("div", test("talkingIndicator"), words.talks)));
  }
  root.append(element("div", test("presentationContainer", { class: "slides" }), element("button", test("whiteboardOptionsButton"), "⋮")));
  if (scene.view !== "clean") {
    root.append(element("section", { id: "ActionsBar" }, element("button", test("joinAudio", { onClick: audioOptions }))));
  }
  root.append(element("div", { class: "Toastify" }, element("div", test("toastContainer"), words.joined)));
  app.replaceChildren(root);
  publishSettings();
  makeLayout(root);
  if (is3) listenToPlugins();
  draw();
  if (scene.details) showDetails();
  if (scene.recorded) whenConsented(startSound);
  else startSound();
}

// The sound is asked for once the consent is given.
function whenConsented(then) {
  askForConsent();
  const timer = setInterval(() => {
    if (dialogs.some(({ key }) => key === "consent")) return;
    clearInterval(timer);
    if (document.getElementById("layout")) then();
  }, 50);
}

const SCREENS = {
  loading: () => app.replaceChildren(element("div", {}, element("div"), element("div"))),
  lobby: () => app.replaceChildren(guestWait()),
  "pre-flight": () => app.replaceChildren(preFlight()),
  meeting,
  ended: () => app.replaceChildren(meetingEnded(current.title)),
  error: () => app.replaceChildren(errorScreen(current.error)),
};

function showBanner(text) {
  const bar = byTest("notificationBannerBar");
  if (bar?.textContent === text) return;
  bar?.remove();
  if (text) app.prepend(element("div", test("notificationBannerBar"), text));
}

function show(next) {
  if (next.version < current.version) return;
  const hasChanged = ["screen", "lobby", "title", "error"].some((name) => JSON.stringify(next[name]) !== JSON.stringify(current[name]));
  if (next.version !== current.version) tell({ version: next.version });
  const before = current;
  current = next;
  if (hasChanged) {
    dialogs = [];
    drawDialogs();
    SCREENS[next.screen]();
  }
  showBanner(next.banner);
  if (next.toast && !before.toast) document.querySelector(".Toastify").append(element("div", { role: "alert" }, next.toast));
  if (next.sound === "lost") document.getElementById("remote-media").srcObject = null;
  if (next.talking !== before.talking) showVoices();
  if (next.cameras !== before.cameras) change(["setNumCameras", next.cameras]);
  if (next.sharing && !before.sharing) change(["setPresentationIsOpen", true]); // screenshare/component.jsx opens the place of slides
  if (next.inactive && !before.inactive) askWhetherThere();
  if (next.invited && !before.invited) inviteElsewhere();
  if (next.asked && !before.asked) askForConsent();
}

SCREENS[scene.screen]();
show(scene);
setInterval(async () => show(await (await fetch("/scene")).json()), 100);
