import "./styles/tokens.css";
import "./styles/ui.css";
import { mount } from "svelte";
import App from "./App.svelte";

mount(App, { target: document.body });

if (import.meta.env.PROD && "serviceWorker" in navigator) {
  // Where a browser forbids it the page works as well, only not while the service is away.
  navigator.serviceWorker.register("./sw.js").catch(() => {});
}
