// The controls of the player, of the live and of replays. `deploy/setup` makes one file of these thirty, so that a listener's browser asks once.

import "./language.js";
import "media-chrome/dist/media-controller.js";
import "media-chrome/dist/media-control-bar.js";
import "media-chrome/dist/media-fullscreen-button.js";
import "media-chrome/dist/media-loading-indicator.js";
import "media-chrome/dist/media-mute-button.js";
import "media-chrome/dist/media-pip-button.js";
import "media-chrome/dist/media-play-button.js";
import "media-chrome/dist/media-seek-backward-button.js";
import "media-chrome/dist/media-seek-forward-button.js";
// With the previews of a moment, which it has in itself.
import "media-chrome/dist/media-time-range.js";
import "media-chrome/dist/media-volume-range.js";
