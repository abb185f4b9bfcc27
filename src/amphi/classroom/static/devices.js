// Camera, microphone and screen of this machine. What goes wrong is named by a key of the catalogue.
const REASONS = {
  NotAllowedError: "device_denied",
  SecurityError: "device_denied",
  NotFoundError: "device_missing",
  OverconstrainedError: "device_missing",
  NotReadableError: "device_busy",
  AbortError: "device_busy",
};

export class DeviceError extends Error {}

async function open(ask) {
  if (!navigator.mediaDevices) throw new DeviceError("device_insecure");
  try {
    return await ask(navigator.mediaDevices);
  } catch (error) {
    throw new DeviceError(REASONS[error.name] ?? "device_failed");
  }
}

export async function openMicrophone() {
  const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  const stream = await open((devices) => devices.getUserMedia({ audio }));
  return stream.getAudioTracks()[0];
}

export async function openCamera() {
  const video = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };
  const stream = await open((devices) => devices.getUserMedia({ video }));
  const [track] = stream.getVideoTracks();
  track.contentHint = "motion";
  return track;
}

/** The screen's picture, and its sound where the browser gives it. */
export async function openScreen() {
  const stream = await open((devices) => devices.getDisplayMedia({ video: { frameRate: { ideal: 25 } }, audio: true }));
  const [track] = stream.getVideoTracks();
  track.contentHint = "detail";
  return { video: track, audio: stream.getAudioTracks()[0] ?? null };
}
