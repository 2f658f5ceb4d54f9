/** What can be done to the outline, and what of it is folded. */

import { SvelteSet } from "svelte/reactivity";
import { announce } from "$/state/announce.svelte";
import { toasts } from "$/state/toasts.svelte";
import { ask } from "../ask";
import { nodes, type Node } from "../stores";
import { t as s } from "../words";
import { arranged, children, nameOf, rows, under, type Kind, type Target } from "./tree";
import { t } from "./words";

class Plan {
  folded = new SvelteSet<string>();
  below = $derived(children(nodes.list));
  rows = $derived(rows(this.below, this.folded));

  /** Shows the move at once; the server's answer counts. */
  async move(id: string, to: Target | null): Promise<void> {
    const before = nodes.list;
    const node = nodes.get(id);
    if (!to || !node) return;
    nodes.tookAll(arranged(before, id, to));
    if (to.parent_id) this.folded.delete(to.parent_id);
    announce(t.moved(nameOf(node, s.untitled), to.position + 1));
    try {
      nodes.tookAll(await ask<Node[]>("post", `${nodes.url(id)}/move`, to));
    } catch (error) {
      nodes.tookAll(before);
      toasts.error(error);
    }
  }

  add(kind: Kind, parent: string | null, summary = ""): Promise<Node | undefined> {
    if (parent) this.folded.delete(parent);
    return nodes.add({
      kind,
      parent_id: parent,
      title: "",
      summary,
      position: this.below.get(parent)?.length ?? 0,
      done: false,
      color: "",
    });
  }

  remove(node: Node): void {
    nodes.remove(node.id, nameOf(node, s.untitled), under(this.below, node.id));
  }

  toggle(id: string): void {
    if (!this.folded.delete(id)) this.folded.add(id);
  }
}

export const plan = new Plan();
