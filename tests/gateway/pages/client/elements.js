// Stands in for BigBlueButton's client: the names, attributes and order of its elements, and what a press does to them, as its public
// source has them for `scene.era`. Nothing of it is BigBlueButton's code. Each behaviour names the file that it was read from, below
// bigbluebutton-html5/imports/ui/components/ of github.com/bigbluebutton/bigbluebutton.
"use strict";

const generation = Number.parseFloat(scene.era); // 2.6, 2.7, 3, 4
const is3 = generation >= 3;
const is4 = generation >= 4;
const isLiveKit = is4 || scene.era.endsWith("livekit"); // the bridge of 3.0 where it is chosen, of 4.0 by default
const app = document.getElementById("app");
const modals = document.getElementById("modals-container");
let current = scene;

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onClick") made.addEventListener("click", value);
    else if (value !== false && value !== null) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

// 4.0 names its elements in another attribute.
const NAME = is4 ? "data-testid" : "data-test";
const test = (name, more = {}) => ({ [NAME]: name, ...more });
const byTest = (name) => document.querySelector(`[${NAME}='${name}']`);
// What the page has to say is said in order, and not lost where the machine is too busy to take a connection.
let told = Promise.resolve();
function tell(what) {
  told = told.then(() => deliver(`/say?${new URLSearchParams(what)}`));
}

async function deliver(address) {
  for (;;) {
    const isTaken = await fetch(address).then(() => true, () => false);
    if (isTaken) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

// public/locales/fr.json and en.json
const WORDS = {
  fr: {
    asked: "Comment désirez-vous rejoindre la réunion ?", listenOnly: "Écoute seule", microphone: "Parler et écouter", back: "Retour",
    connecting: "Connexion audio en cours", play: "Lecture audio", retry: "Essayer à nouveau", chat: "Discussion publique",
    privateChat: "Discussion privée", send: "Envoyer", recorded: "L'enregistrement a commencé", recordedNow: "La suite de cette séance sera enregistrée.",
    go: "Poursuivre", leave: "Quitter la séance", inactive: "Êtes-vous toujours là ?", present: "Je suis là", close: "Fermer",
    joined: "Ada a rejoint la séance", talks: "Ada parle", lobby: "Salon d'attente",
    waiting: "Veuillez attendre qu'un modérateur approuve votre accès à la séance", denied: "L'accès de l'invité à la séance a été refusé.",
    first: "Vous êtes en premier dans la file !", ready: "Vérifiez vos appareils", join: "Rejoindre",
    noMicrophone: "Nous n'avons pas trouvé votre microphone", breakout: "Voulez-vous rejoindre la séance Groupe 1",
  },
  en: {
    asked: "How would you like to join the audio?", listenOnly: "Listen only", microphone: "Microphone", back: "Back",
    connecting: "Connecting audio", play: "Play audio", retry: "Retry", chat: "Public Chat",
    privateChat: "Private Chat", send: "Send message", recorded: "Recording has started", recordedNow: "A recording will be available based on the remainder of this session.",
    go: "Continue", leave: "Leave session", inactive: "Are you still there?", present: "I'm here", close: "Close",
    joined: "Ada joined the session", talks: "Ada is talking", lobby: "Guest lobby",
    waiting: "Please wait for a moderator to approve you joining the meeting", denied: "Guest denied of joining the meeting.",
    first: "You are the first in line!", ready: "Check your devices", join: "Join",
    noMicrophone: "We couldn't find your microphone", breakout: "Do you want to join Room 1",
  },
};
const words = WORDS[scene.language ?? "fr"];
