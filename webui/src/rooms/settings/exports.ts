/** Which formats this desk exports, by its own account of its API. */

interface Schema {
  paths?: Record<
    string,
    { get?: { parameters?: { name: string; schema?: { enum?: string[] } }[] } }
  >;
}

const EXPORT = "/api/works/{work_id}/export";
const PLAIN = ["txt", "md"];

/** In the order in which an author wants them: the project first, where there is one. */
export function formatsOf(schema: Schema): string[] {
  const told = schema.paths?.[EXPORT]?.get?.parameters?.find(({ name }) => name === "format");
  const found = told?.schema?.enum ?? PLAIN;
  return [...found].sort((one, other) => Number(other === "zip") - Number(one === "zip"));
}

export async function formats(): Promise<string[]> {
  const answer = await fetch("/openapi.json").catch(() => null);
  return formatsOf(answer?.ok ? ((await answer.json()) as Schema) : {});
}
