// Comes before the controls: each reads the language when it is made.

import { setLanguage } from "media-chrome/dist/utils/i18n.js";
import "media-chrome/dist/lang/fr.js";

setLanguage(document.documentElement.lang);
