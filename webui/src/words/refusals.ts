/** What a refusal says: the server's own sentence, or its English where the page is English. */

import { look } from "$/state/look.svelte";

let english: Record<string, string> | null = null;

/** Fetches the English sentences; those who read Chinese never need them. */
export async function learnEnglish(): Promise<void> {
  english ??= (await import("./errors")).ENGLISH;
}

export function sentence(code: string, told: string): string {
  if (look.language !== "en") return told;
  return english?.[code]?.replace("{told}", () => told) ?? told;
}
