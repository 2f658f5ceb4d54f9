/** How another program asks a published voice, ready to be pasted. */

export function curl(origin: string, adapter: string, prompt: string): string {
  const body = JSON.stringify({ prompt, adapters: [adapter] });
  return [
    `curl -N ${origin}/api/adapters/compare \\`,
    `  -H 'content-type: application/json' \\`,
    `  -d '${body.replaceAll("'", `'\\''`)}'`,
  ].join("\n");
}

export function python(origin: string, adapter: string, prompt: string): string {
  return [
    "import json",
    "from urllib.request import Request, urlopen",
    "",
    `wish = {"prompt": ${JSON.stringify(prompt)}, "adapters": [${JSON.stringify(adapter)}]}`,
    `request = Request(${JSON.stringify(`${origin}/api/adapters/compare`)}, json.dumps(wish).encode(),`,
    `                  {"content-type": "application/json"})`,
    "with urlopen(request) as answer:",
    "    for line in answer:",
    `        if line.startswith(b"data: "):`,
    `            print(json.loads(line[6:]).get("text", ""), end="", flush=True)`,
  ].join("\n");
}
