// A frame whose site took its origin away may ask this server for nothing, not even for modules: WordPress makes such frames of addresses
// that it finds by itself. So the page says where to watch instead of waiting for ever.
if (self.origin === "null") document.documentElement.dataset.sandboxed = "yes";
