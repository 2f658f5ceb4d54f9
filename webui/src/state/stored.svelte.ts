/** A reactive record that outlives the page, in localStorage; other tabs follow. */
export function stored<T extends object>(key: string, defaults: T): T {
  const value = $state<T>({ ...defaults, ...read<T>(key) });
  $effect.root(() => {
    $effect(() => localStorage.setItem(key, JSON.stringify(value)));
  });
  addEventListener("storage", (event) => {
    if (event.key === key) Object.assign(value, defaults, read<T>(key));
  });
  return value;
}

/** What was stored; nothing where it is missing or not ours. */
function read<T>(key: string): Partial<T> {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(key) ?? "{}");
    return typeof found === "object" && found !== null ? (found as Partial<T>) : {};
  } catch {
    return {};
  }
}
