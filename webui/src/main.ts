import "./styles/tokens.css";
import "./styles/ui.css";
import { mount } from "svelte";
import { ahead } from "./ahead";
import App from "./App.svelte";
import { afterwards } from "./state/settled";

ahead();
mount(App, { target: document.body });

if (import.meta.env.PROD && "serviceWorker" in navigator) {
  // It fetches all of the page: not while the author waits for a part of it.
  // Where a browser forbids it the page works as well, only not while the service is away.
  afterwards(() => navigator.serviceWorker.register("./sw.js").catch(() => {}));
}
