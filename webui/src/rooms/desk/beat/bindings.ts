/** The keys of a continuation: they count while the paper or the beat bar has the focus.
 *
 * Tab takes what is offered; where nothing is, it goes from the paper to the beat.
 */

import { manuscript } from "$/editor/manuscript.svelte";
import type { Shortcut } from "$/state/keys.svelte";
import { attempts } from "../attempts.svelte";
import { door } from "../rewrite/door.svelte";
import { t } from "./words";

interface Places {
  bar: () => HTMLElement | undefined;
  field: () => HTMLInputElement | undefined;
}

export function bindings({ bar, field }: Places): Shortcut[] {
  const focus = () => document.activeElement;
  const inPaper = () => manuscript.editor?.view.dom.contains(focus()) ?? false;
  const nowhere = () => focus() === document.body || focus() === null;
  const here = () => inPaper() || nowhere() || (bar()?.contains(focus()) ?? false);
  const onText = () => inPaper() || focus() === field();
  const offered = () => attempts.offered;
  const write = "write" as const;

  async function take() {
    await attempts.take();
    manuscript.editor?.view.focus();
  }

  const rewrite = {
    group: write,
    label: () => t.rewriteHint,
    when: () => inPaper() && manuscript.state !== "locked" && !door.busy,
    run: () => void door.openBar(),
  };

  return [
    { keys: "Alt+Enter", ...rewrite },
    { keys: "Mod+KeyE", ...rewrite },
    {
      keys: "Escape",
      group: write,
      label: () => t.stop,
      when: () => here() && door.state !== "closed",
      run: () => door.escape(),
    },
    {
      keys: "Mod+Enter",
      group: write,
      label: () => t.go,
      when: () => here() && manuscript.state !== "locked",
      run: () => void attempts.start(),
    },
    {
      keys: "Tab",
      group: write,
      label: () => t.take,
      when: () => offered() && onText(),
      run: () => void take(),
    },
    {
      keys: "Mod+ArrowRight",
      group: write,
      label: () => t.clause,
      when: () => offered() && inPaper(),
      run: () => void attempts.takeClause(),
    },
    {
      keys: "Escape",
      group: write,
      label: () => `${t.refuse} · ${t.stop}`,
      when: () => here() && attempts.state !== "idle",
      run: () => (attempts.busy ? attempts.stop() : attempts.refuse()),
    },
    {
      keys: "Alt+KeyR",
      group: write,
      label: () => t.again,
      when: () => here() && !attempts.busy && (offered() || attempts.state === "error"),
      run: () => void attempts.again(),
    },
    {
      keys: "Alt+BracketLeft",
      group: write,
      label: () => t.previous,
      when: () => here() && attempts.candidates.length > 1,
      run: () => attempts.leaf(-1),
    },
    {
      keys: "Alt+BracketRight",
      group: write,
      label: () => t.next,
      when: () => here() && attempts.candidates.length > 1,
      run: () => attempts.leaf(1),
    },
    {
      keys: "Tab",
      group: "move",
      label: () => t.toBeat,
      when: () => inPaper() && !offered(),
      // What is about to be offered shall not find the author elsewhere.
      run: () => attempts.busy || field()?.focus(),
    },
  ];
}
