// The line above the beat: what is going on, in one fixed place. Trouble with saving stands
// before everything else until it is over.

import { $ } from "./dom.js";

export class Strip {
  state = "idle";
  #nodes = [];
  #trouble = null;

  constructor(idle) {
    this.line = $("#strip");
    this.describeIdle = idle;
  }

  show(state, ...nodes) {
    this.state = state;
    this.#nodes = nodes;
    $("#desk").dataset.state = state;
    this.#draw();
  }

  replaceLast(node) {
    this.#nodes[this.#nodes.length - 1] = node;
    this.#draw();
  }

  idle() {
    this.show("idle", ...this.describeIdle());
  }

  /** Nodes that take the line over, or null when all is well again. */
  trouble(nodes) {
    this.#trouble = nodes;
    this.#draw();
  }

  #draw() {
    this.line.replaceChildren(...(this.#trouble ?? this.#nodes));
  }
}
