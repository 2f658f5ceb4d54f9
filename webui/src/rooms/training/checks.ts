/** What is looked at before a run is published, from what the page knows; the command looks closer. */

import type { Shapes } from "$/api/client";
import { count } from "$/words/index.svelte";
import type { Status } from "./run.svelte";
import { t } from "./words";

export interface Line {
  level: "ok" | "wait" | "warn";
  sentence: string;
}

export function checks(whole: Shapes["RunWhole"], status: Status | null, served: string): Line[] {
  return [outcome(whole, status), base(String(whole.recipe.base ?? ""), served), load()];
}

function outcome(whole: Shapes["RunWhole"], status: Status | null): Line {
  if (whole.job.state === "done") return { level: "ok", sentence: t.checkRun };
  if (whole.has_adapter)
    return { level: "wait", sentence: t.checkStopped(count(status?.step ?? 0)) };
  const last = whole.checkpoints.at(-1);
  if (last !== undefined) return { level: "wait", sentence: t.checkRunNot(count(last)) };
  const left = status && status.steps - status.step;
  return { level: "wait", sentence: left ? t.checkLeft(count(left)) : t.checkNone };
}

function base(told: string, served: string): Line {
  const [own, other] = [told, served].map((each) => each.split("/").at(-1)!);
  if (!other) return { level: "wait", sentence: t.checkBaseUnknown(own!) };
  return own === other
    ? { level: "ok", sentence: t.checkBase(own!) }
    : { level: "warn", sentence: t.checkBaseNot(own!, other) };
}

const load = (): Line => ({ level: "wait", sentence: t.checkLoad });
