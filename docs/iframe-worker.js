// The search of the site runs in a Worker. Browsers refuse one to pages that are opened from disk; there, a hidden frame
// runs the same script. (The theme would fetch something like this from the network; it looks for this file's name.)
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    /** @param {string | URL} url of the script, which listens to "message" and answers with postMessage */
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.append(frame);
      this.inner = /** @type {any} */ (frame.contentWindow);
      this.inner.postMessage = (/** @type {unknown} */ data) => this.dispatchEvent(new MessageEvent("message", { data }));
      const script = this.inner.document.createElement("script");
      script.src = String(url);
      this.ready = new Promise((resolve) => script.addEventListener("load", resolve));
      this.inner.document.head.append(script);
    }

    /** @param {unknown} data */
    postMessage(data) {
      this.ready.then(() => this.inner.dispatchEvent(new MessageEvent("message", { data })));
    }
  };
}
