// Under Trusted Types, which the header Content-Security-Policy asks for, a text becomes HTML or the address of a worker by way of a policy alone.
// This one is for pages with libraries: media-chrome writes its controls so, jQuery in the administration its own, and hls.js has a worker. Nothing
// that could run or fetch anything, or send something somewhere, passes; pages without it let nothing pass at all.
{
  const BARRED = /<\s*\/?\s*(?:(?:script|i?frame|frameset|object|embed|applet|base|link|meta|portal|math|noscript|foreignobject)\b|form[\s/])|[\s"'/]on[a-z]+\s*=|srcdoc|javascript:/i;
  const OF_THIS_PAGE = `blob:${self.origin}/`;

  globalThis.trustedTypes?.createPolicy("default", {
    createHTML: (html) => (BARRED.test(html) ? null : html),
    createScriptURL: (url) => (url.startsWith(OF_THIS_PAGE) ? url : null),
  });
}
