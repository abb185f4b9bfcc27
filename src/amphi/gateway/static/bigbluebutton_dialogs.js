// Dialogs that stand between the bot and the meeting. Each cancels all clicks outside it, so it is answered before anything else is pressed.

const RECORDED = /record|enregistr|aufzeichn|aufgenomm|graba|gravad|registra/i;
const AS_OFTEN_AS_ASKED = Infinity;

const dialogsOnPage = () => [...document.querySelectorAll(".ReactModal__Content, [role='dialog']")].filter(isVisible);
const buttonsOf = (dialog) => [...dialog.querySelectorAll("button")].filter((button) => isVisible(button) && !button.disabled);
const isNamed = (element) => "test" in element.dataset || "testid" in element.dataset;
const isOfSound = (dialog) => dialog.matches(named("audioModal")) || Boolean(find(named("audioModal"), dialog));

// Answers one dialog; says what was done, or nothing where there is none to answer.
function answerDialogs() {
  for (const dialog of dialogsOnPage()) {
    if (isOfSound(dialog)) continue;
    for (const [step, find_] of ANSWERS) {
      if (press(step, find_(dialog), { most: AS_OFTEN_AS_ASKED })) return step;
    }
  }
  return "";
}

const ANSWERS = [
  // "This meeting is recorded": unnamed until 3.0, with "continue" first and "leave" second.
  ["a recording is announced: continue", (dialog) => find(named("recordingNotifyContinue"), dialog) ?? unnamedConsent(dialog)],
  ["the browser blocks the sound: told to play it", (dialog) => playButton(dialog)],
  // "Are you still there?": an unnamed dialog with nothing but this to press.
  ["the client asks whether anybody is there: yes", (dialog) => onlyUnnamed(dialog)],
  ["a dialog is closed", (dialog) => find(named("closeModal", "modalDismissButton"), dialog)],
];

function unnamedConsent(dialog) {
  const [first, second, ...more] = buttonsOf(dialog);
  if (!second || more.length || isNamed(first) || isNamed(second)) return null;
  return RECORDED.test(textOf(dialog)) ? first : null;
}

function onlyUnnamed(dialog) {
  const [only, ...more] = buttonsOf(dialog);
  return only && !more.length && !isNamed(only) ? only : null;
}

// It has no name of its own, but is the only thumb in a dialog that has none.
function playButton(dialog) {
  return find("button:not([data-test]):not([data-testid]) .icon-bbb-thumbs_up", dialog)?.closest("button");
}
