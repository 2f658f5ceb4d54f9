/** How another program asks `/v1`, ready to be pasted. */

export interface Asking {
  /** Ends in /v1. */
  base: string;
  key: string;
  model: string;
  prompt: string;
}

export function curl({ base, key, model, prompt }: Asking): string {
  const body = JSON.stringify({
    model,
    messages: [{ role: "user", content: prompt }],
    stream: true,
  });
  return [
    `curl -N ${base}/chat/completions \\`,
    `  -H 'authorization: Bearer ${key}' \\`,
    `  -H 'content-type: application/json' \\`,
    `  -d '${body.replaceAll("'", `'\\''`)}'`,
  ].join("\n");
}

export function python({ base, key, model, prompt }: Asking): string {
  return [
    "from openai import OpenAI",
    "",
    `desk = OpenAI(base_url=${JSON.stringify(base)}, api_key=${JSON.stringify(key)})`,
    "answer = desk.chat.completions.create(",
    `    model=${JSON.stringify(model)},`,
    `    messages=[{"role": "user", "content": ${JSON.stringify(prompt)}}],`,
    "    stream=True,",
    ")",
    "for chunk in answer:",
    "    for choice in chunk.choices:",
    `        print(choice.delta.content or "", end="", flush=True)`,
  ].join("\n");
}
