/** What can be done by name: `>` in the search, as a palette. */

import { chrome } from "$/state/chrome.svelte";
import { keys, shown } from "$/state/keys.svelte";
import { look, type Language, type Theme } from "$/state/look.svelte";
import { address, route } from "$/state/route.svelte";
import { c } from "$/words/common";
import { t as settings } from "../settings/words";
import { SECTIONS } from "../settings/sections";
import { marked } from "./marks";
import type { Row } from "./rows";

interface Command {
  label: string;
  keys?: string;
  run: () => void;
}

function themes(): Command[] {
  const all: Theme[] = ["system", "light", "sepia", "dark"];
  return all.map((theme) => ({
    label: c.of(c.theme, c[theme]),
    run: () => (look.theme = theme),
  }));
}

function languages(): Command[] {
  const all: [Language, string][] = [
    ["zh", "中文"],
    ["en", "English"],
  ];
  return all.map(([language, name]) => ({
    label: c.of(c.language, name),
    run: () => (look.language = language),
  }));
}

function rooms(): Command[] {
  const to = (label: string, hash: string): Command => ({
    label,
    run: () => (location.hash = hash),
  });
  const work = route.lastWork;
  return [
    to(c.shelf, "#/"),
    ...(work ? [to(c.desk, address({ name: "desk", work, chapter: null, span: null }))] : []),
    to(c.personas, "#/personas"),
    to(c.training, "#/training"),
    to(c.models, "#/models"),
    ...SECTIONS.map((section) =>
      to(c.of(c.settings, settings[section]), address({ name: "settings", section })),
    ),
  ];
}

/** Every shortcut that counts now, and what has none. */
function all(): Command[] {
  const bound = keys.list
    .filter((shortcut) => (shortcut.when?.() ?? true) && shortcut.label() !== c.search)
    .map((shortcut) => ({
      label: shortcut.label(),
      keys: shown(shortcut.keys),
      run: () => shortcut.run(new KeyboardEvent("keydown")),
    }));
  const rest: Command[] = [
    ...rooms(),
    ...themes(),
    ...languages(),
    { label: settings.tour, run: () => (chrome.tour = true) },
  ];
  const named = new Set(bound.map((command) => command.label));
  return [...bound, ...rest.filter((command) => !named.has(command.label))];
}

export function commandRows(query: string): Row[] {
  const wanted = query.trim().toLowerCase();
  return all()
    .filter((command) => command.label.toLowerCase().includes(wanted))
    .map((command, n) => ({
      id: `command-${n}`,
      kind: "command",
      title: marked(command.label, wanted),
      ...(command.keys ? { note: command.keys } : {}),
      run: command.run,
    }));
}
