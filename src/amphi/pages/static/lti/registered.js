// LTI Dynamic Registration 1.0, section 3.6: the platform closes the frame when it is told so.
const done = document.getElementById("done");
document.getElementById("close").addEventListener("click", () => {
  parent.postMessage({ subject: "org.imsglobal.lti.close" }, done.dataset.site);
});
