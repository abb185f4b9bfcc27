// Slides and cameras, or one of them: by the state of the layout of BigBlueButton's client, which arranges the rest itself. It may change
// that state at any time, as when somebody shares a screen, so it is looked at again and again.

const PRESENTATION_IS_OPEN = ["setPresentationIsOpen"];
const NUMBER_OF_CAMERAS = ["setNumCameras"];
// No cameras for the layout, and a number that the client never sets itself: what it sets meanwhile is seen.
const OUT_OF_PICTURE = -1;
const OUT_OF_SIGHT = "#cameraDock { visibility: hidden !important }"; // 2.x and 3.0 draw them on, without a place
const SHARED = `${named("presentationContainer", "presentationPlaceholder", "videoPlayer")}, #presentationInnerWrapper, #screenshareVideo`;
const ARRANGED_MS = 1500;

const media = { cameras: 0, isClosed: false, sheet: null };

// Brings the picture closer to a layout; says which it has now, or null where that can't be told.
function arrange(wanted) {
  const hook = layoutHook();
  const input = (hook?.queue.lastRenderedState ?? hook?.memoizedState)?.input;
  if (!input?.presentation || !input.cameraDock || !canArrange()) return null;
  const isOut = input.cameraDock.numCameras === OUT_OF_PICTURE;
  if (!isOut) media.cameras = input.cameraDock.numCameras;
  const isOpen = Boolean(input.presentation.isOpen);
  if (isOpen) media.isClosed = false; // the client has opened it itself
  // Nothing is taken out of the picture that is all there is to see.
  const closes = wanted === "cameras" && media.cameras > 0;
  const takesOut = wanted === "slides" && isOpen && Boolean(findVisible(SHARED));
  openPresentation(isOpen, closes);
  placeCameras(isOut, takesOut);
  if (wanted === "cameras") return closes && !isOpen ? "cameras" : "slides_and_cameras";
  return wanted === "slides" && takesOut && (isOut || !media.cameras) ? "slides" : "slides_and_cameras";
}

const canArrange = () => Boolean(layoutHook() && knownActions(layoutHook(), [[PRESENTATION_IS_OPEN, true], [NUMBER_OF_CAMERAS, 1]]));

function openPresentation(isOpen, closes) {
  if (closes ? !isOpen : !media.isClosed) return;
  media.isClosed = closes;
  changeLayout([[PRESENTATION_IS_OPEN, !closes]]);
}

function placeCameras(isOut, takesOut) {
  const back = !takesOut && isOut ? media.cameras : null;
  const number = takesOut && !isOut && media.cameras > 0 ? OUT_OF_PICTURE : back;
  if (number !== null) changeLayout([[NUMBER_OF_CAMERAS, number]]);
  hideCameras(takesOut);
}

function hideCameras(hidden) {
  if (!media.sheet) {
    media.sheet = new CSSStyleSheet();
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, media.sheet];
  }
  const isHidden = media.sheet.cssRules.length > 0;
  if (hidden !== isHidden) media.sheet.replaceSync(hidden ? OUT_OF_SIGHT : "");
}

// The same, until the picture has it or shows that it can't.
async function showMedia(wanted) {
  await until(() => [wanted, null].includes(arrange(wanted)), ARRANGED_MS);
  return arrange(wanted);
}
