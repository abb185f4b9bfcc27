// The stage: a screen or a slide if there is one, and the cameras beside it, or the cameras alone.
import { onLanguage, t } from "./strings.js";

const root = document.documentElement;
const $ = (id) => document.getElementById(id);
const RATIO = 16 / 9;
const GAP_PX = 8;
const LAYOUTS = ["slides_and_cameras", "slides", "cameras"];

/** How many columns make the tiles biggest. */
function columns(count, width, height) {
  let best = { columns: 1, width: 0 };
  for (let tried = 1; tried <= count; tried += 1) {
    const rows = Math.ceil(count / tried);
    const byWidth = (width - GAP_PX * (tried - 1)) / tried;
    const byHeight = ((height - GAP_PX * (rows - 1)) / rows) * RATIO;
    const tile = Math.min(byWidth, byHeight);
    if (tile > best.width) best = { columns: tried, width: tile };
  }
  return best;
}

export class Stage {
  constructor(mesh, sessionToken) {
    this.mesh = mesh;
    this.sessionToken = sessionToken;
    this.participants = [];
    this.slides = { documents: [], current: "", page: 1, hidden: false };
    this.selfId = "";
    this.listening = false;
    this.layout = LAYOUTS[0];
    this.tiles = new Map();
    this.sounds = new Map();
    mesh.addEventListener("change", () => this.render());
    new ResizeObserver(() => this.#arrange()).observe($("stage"));
    new ResizeObserver(() => this.#arrange()).observe($("cameras"));
    onLanguage(() => this.#renderSlide());
  }

  update({ participants, slides, selfId, listening }) {
    Object.assign(this, { participants, slides, selfId, listening });
    this.render();
  }

  render() {
    const shared = this.#renderScreen();
    const [sharing, slide, cameras] = this.#arranged(shared, !shared && this.#renderSlide(), this.#renderCameras());
    this.#renderSounds();
    const content = sharing ? "screen" : slide ? "slide" : cameras ? "none" : "welcome";
    $("slide").hidden = content !== "slide";
    $("welcome-slide").hidden = content !== "welcome";
    $("content").hidden = content === "none";
    $("cameras").hidden = cameras === 0;
    root.dataset.content = content;
    root.dataset.cameras = String(cameras);
    this.#arrange();
  }

  /** Show slides, cameras or both to whoever looks at this page; what is shown then. */
  setLayout(layout) {
    if (LAYOUTS.includes(layout) && layout !== this.layout) {
      this.layout = layout;
      this.render();
    }
    return this.shown;
  }

  /** What of a screen, a slide and cameras is shown: nothing is taken away that is all there is. */
  #arranged(sharing, slide, cameras) {
    const content = sharing || slide;
    this.shown = (this.layout === "cameras" && cameras) || (this.layout === "slides" && content) ? this.layout : LAYOUTS[0];
    if (this.shown === "cameras") return [false, false, cameras];
    return [sharing, slide, this.shown === "slides" ? 0 : cameras];
  }

  #stream(participant, kind) {
    if (participant.id !== this.selfId) return this.mesh.stream(participant.id, kind);
    return kind === "screen" ? this.mesh.screenStream : this.mesh.mainStream;
  }

  #renderScreen() {
    const sharer = this.participants.find((participant) => participant.screen);
    const stream = sharer && this.#stream(sharer, "screen");
    const video = $("screen-video");
    const shown = stream?.getVideoTracks().length ? stream : null;
    if (video.srcObject !== shown) video.srcObject = shown;
    video.hidden = !shown;
    return Boolean(shown);
  }

  #renderSlide() {
    const { documents, current, page, hidden } = this.slides;
    const presentation = documents.find(({ id }) => id === current);
    const moderator = root.dataset.moderator === "true";
    $("slide-bar").hidden = !presentation || !moderator || root.dataset.view === "clean";
    if (!presentation) return false;
    const address = `/html5client/slides/${current}/${page}.png?sessionToken=${encodeURIComponent(this.sessionToken)}`;
    const image = $("slide");
    if (image.getAttribute("src") !== address) image.src = address;
    image.alt = t("slide_alt", { name: presentation.name, page, pages: presentation.pages });
    $("slide-position").textContent = t("slide_page", { page, pages: presentation.pages });
    return !hidden;
  }

  #renderCameras() {
    const shown = this.participants.filter((one) => one.camera && this.#stream(one, "camera")?.getVideoTracks().length);
    const ids = new Set(shown.map(({ id }) => id));
    for (const [id, tile] of this.tiles) {
      if (ids.has(id)) continue;
      tile.remove();
      this.tiles.delete(id);
    }
    for (const participant of shown) this.#renderTile(participant);
    return shown.length;
  }

  #renderTile(participant) {
    let tile = this.tiles.get(participant.id);
    if (!tile) {
      tile = document.createElement("figure");
      tile.className = "tile";
      const video = document.createElement("video");
      Object.assign(video, { autoplay: true, playsInline: true, muted: true });
      tile.append(video, document.createElement("figcaption"));
      this.tiles.set(participant.id, tile);
      $("cameras").append(tile);
    }
    const video = tile.querySelector("video");
    const stream = this.#stream(participant, "camera");
    if (video.srcObject !== stream) video.srcObject = stream;
    video.setAttribute("aria-label", participant.name);
    tile.querySelector("figcaption").textContent = participant.name;
    tile.dataset.participant = participant.id;
  }

  #renderSounds() {
    const streams = new Map();
    if (this.listening) {
      for (const { id } of this.participants) {
        if (id === this.selfId) continue;
        for (const kind of ["voice", "screen"]) {
          const stream = this.mesh.stream(id, kind);
          if (stream?.getAudioTracks().length) streams.set(`${id} ${kind}`, stream);
        }
      }
    }
    for (const [key, sound] of this.sounds) {
      if (streams.has(key)) continue;
      sound.srcObject = null;
      sound.remove();
      this.sounds.delete(key);
    }
    for (const [key, stream] of streams) this.#renderSound(key, stream);
  }

  #renderSound(key, stream) {
    let sound = this.sounds.get(key);
    if (!sound) {
      sound = document.createElement("audio");
      sound.autoplay = true;
      $("audio").append(sound);
      this.sounds.set(key, sound);
    }
    if (sound.srcObject !== stream) sound.srcObject = stream;
    sound.play().catch(() => {});  // the next click in the page lets it play
  }

  #arrange() {
    const cameras = $("cameras");
    const count = this.tiles.size;
    if (!count || root.dataset.content !== "none") {
      cameras.style.removeProperty("--columns");
      cameras.style.removeProperty("--tile");
      return;
    }
    const best = columns(count, cameras.clientWidth, cameras.clientHeight);
    cameras.style.setProperty("--columns", String(best.columns));
    cameras.style.setProperty("--tile", `${Math.floor(best.width)}px`);
  }
}
