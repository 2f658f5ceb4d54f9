/** `values` with what was typed behind them: several at once, none twice. */
export function added(values: readonly string[], typed: string): string[] {
  const next = [...values];
  // A pattern (`/…/`) may hold commas of its own.
  const words = typed.trim().startsWith("/") ? [typed] : typed.split(/[,，、;；\n]/);
  for (const word of words.map((one) => one.trim())) {
    if (word && !next.includes(word)) next.push(word);
  }
  return next;
}
