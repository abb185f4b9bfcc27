// The meeting's sound: whether it is heard, and the next step towards it.
// With the media server of 2.x and 3.0 it plays from one element for as long as the meeting lasts. With LiveKit (an option of 3.0, usual
// in 4.0) an element comes with each voice and goes with it, so silence says nothing: there only the way in can tell.

const SOUND_MS = 15000; // then it goes without
const UNASKED_MS = 3000; // the client asks by itself how one wants to hear, in most meetings
const ASKED = "audioModal";

const sound = { isHeard: false, hasPlayed: false, isConnecting: false, watch: null };

const plays = (audio) => Boolean(audio?.srcObject?.active && !audio.paused);

function hasSound() {
  const isPlaying = plays(find("#remote-media"));
  sound.hasPlayed ||= isPlaying;
  const isAnyPlaying = isPlaying || [...document.querySelectorAll("audio")].some(plays) || isVisible(find(named("leaveListenOnly")));
  if (!sound.hasPlayed || isAnyPlaying) sound.isHeard ||= isAnyPlaying || wayWasTaken();
  if (sound.hasPlayed) return isAnyPlaying;
  return sound.isHeard && !soundDialog() && !isVisible(find(named("joinAudio")));
}

const soundDialog = () => findVisible(named(ASKED));

// A dialog that was connecting and is gone has done its work. One that another took the place of, or that somebody closed, has not.
function wayWasTaken() {
  noteConnecting();
  return sound.isConnecting && !dialogsOnPage().length && !isVisible(find(named("joinAudio")));
}

function noteConnecting() {
  const dialog = soundDialog();
  if (dialog) sound.isConnecting = Boolean(find(named("establishingAudioLabel"), dialog)) || Boolean(playButton(dialog));
}

// It may connect in less time than passes between two glances.
function watchSoundDialog() {
  const container = find("#modals-container");
  if (!container || sound.watch) return;
  sound.watch = new MutationObserver(noteConnecting);
  sound.watch.observe(container, { childList: true, subtree: true });
}

// Takes the next step towards “listen only”, and says which.
function askForSound(sinceMs) {
  const dialog = soundDialog();
  if (!dialog) {
    if (performance.now() - sinceMs > UNASKED_MS && press("join audio", find(named("joinAudio")))) return "the sound is asked for";
    return "the client has not asked yet how to hear the meeting";
  }
  if (press("listen only", find(named("listenOnlyBtn"), dialog))) return "the client asks how to hear the meeting: listen only";
  // Where the meeting's settings offer no listening at first, it is the way out once no microphone was found.
  if (press("help", find(named("helpListenOnlyBtn"), dialog))) return "the client finds no microphone: listen only";
  if (press("play", playButton(dialog))) return "the browser blocks the sound: told to play it";
  if (press("echo test", find(named("echoYesBtn", "joinEchoTestButton"), dialog))) return "the client wants an echo test: passed over";
  if (isVisible(find(named("microphoneBtn"), dialog))) return "the meeting offers no listening without a microphone";
  if (find(named("establishingAudioLabel"), dialog)) return "the sound is being connected";
  return `the client can’t connect the sound: ${textOf(dialog)}`;
}

function closeSoundDialog() {
  const dialog = soundDialog();
  if (!dialog) return;
  press("close the sound’s dialog", find(named("closeModal"), dialog.closest("[role='dialog']") ?? dialog));
  sound.isConnecting = false;
}
