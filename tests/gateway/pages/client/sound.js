// audio/audio-modal/component.jsx, audio/help/component.jsx, audio/autoplay/component.jsx, livekit/autoplay-modal/component.tsx.
// `scene.sound`: what the meeting's settings and the browser make of the way to the sound.
let speakers = null;

const sounds = (...content) => box(test("audioModal"),
  element("header", {}, element("button", test("closeModal", { onClick: () => closeDialog("sound") }), "x")), ...content);

function audioOptions() {
  openDialog("sound", () => {
    const options = element("span", test("audioModalOptions"));
    const microphone = { "aria-label": words.microphone, onClick: () => tell({ pressed: "microphone" }) };
    options.append(element("button", test("microphoneBtn", microphone)));
    const listen = { "aria-label": words.listenOnly, onClick: listenOnly };
    if (scene.sound !== "microphone only") options.append(element("button", test("listenOnlyBtn", listen)));
    return sounds(element("h2", {}, words.asked), options);
  });
}

function listenOnly() {
  tell({ pressed: "listen only" });
  openDialog("sound", () => sounds(element("div", { role: "alert" }, element("span", test("establishingAudioLabel"), words.connecting))));
  if (scene.sound === "fails") setTimeout(soundFails, 200);
  else if (scene.sound === "blocked") setTimeout(soundIsBlocked, 200);
  else if (scene.sound !== "interrupted") setTimeout(soundJoined, 400);
  else setTimeout(() => closeDialog("sound"), 200);
}

function soundFails() {
  openDialog("sound", () => sounds(element("h2", {}, "Code 1010"), element("button", {}, words.back)));
}

// Where `listenOnlyMode` is false, or LiveKit asks for a microphone that is not there, the client ends up here by itself.
function soundHelp() {
  openDialog("sound", () => sounds(element("p", {}, words.noMicrophone),
    element("button", test("helpListenOnlyBtn", { onClick: listenOnly }), words.listenOnly),
    element("button", test("helpRetryMicBtn", { onClick: () => tell({ pressed: "microphone" }) }), words.retry)));
}

function soundIsBlocked() {
  const play = () => { tell({ pressed: "play" }); closeDialog("blocked"); soundJoined(); };
  const icon = element("i", { class: "icon-bbb-thumbs_up" });
  const button = element("span", {}, element("button", { "aria-label": words.play, onClick: play }, element("span", {}, icon), words.play));
  if (!isLiveKit) return openDialog("sound", () => sounds(button));
  closeDialog("sound");
  return openDialog("blocked", () => box({ "aria-label": words.play }, button)); // it has no name
}

function tone() {
  const context = new AudioContext();
  const destination = context.createMediaStreamDestination();
  const oscillator = new OscillatorNode(context, { frequency: 440 });
  oscillator.connect(destination);
  oscillator.start();
  return destination.stream;
}

function soundJoined() {
  closeDialog("sound");
  const button = byTest("joinAudio");
  if (isLiveKit) {
    // livekit-client attaches an element for each voice, and takes it away when nobody speaks; #remote-media stays empty.
    speakers = tone();
    button?.replaceWith(element("button", test("audioDropdownMenu")));
    showVoices();
    return;
  }
  document.getElementById("remote-media").srcObject = scene.sound === "out of sight" ? null : tone();
  button?.replaceWith(element("button", test("leaveListenOnly")));
}

function showVoices() {
  document.getElementById("voice")?.remove();
  if (!speakers || current.talking === false) return;
  const voice = element("audio", { id: "voice", autoplay: true });
  voice.srcObject = speakers;
  document.body.append(voice);
}

function startSound() {
  if (scene.sound === "forced" || scene.sound === "interrupted") listenOnly();
  else if (scene.sound === "help") soundHelp();
  else if (scene.sound !== "not asked") audioOptions();
}
