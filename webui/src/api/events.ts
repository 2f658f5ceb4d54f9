/** Server-sent events out of a fetch body (WHATWG HTML, section 9.2): EventSource cannot POST. */

export interface ServerEvent {
  event: string;
  data: unknown;
}

/** Yields each event with its data parsed from JSON; ends with the stream. */
export async function* events(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const reader = body
    .pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)
    .getReader();
  let rest = "";
  let fields = blank();
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return; // an event without its closing empty line is incomplete: dropped
      rest += value;
      // A \r at the very end may be half of \r\n: it waits for the next piece.
      const lines = rest.split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (line) {
          read(line, fields);
          continue;
        }
        if (fields.data.length) {
          yield { event: fields.event, data: JSON.parse(fields.data.join("\n")) };
        }
        fields = blank();
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

interface Fields {
  event: string;
  data: string[];
}

const blank = (): Fields => ({ event: "message", data: [] });

function read(line: string, fields: Fields): void {
  const colon = line.indexOf(":");
  if (colon === 0) return; // a comment keeps the connection alive
  const name = colon < 0 ? line : line.slice(0, colon);
  const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
  if (name === "event") fields.event = value;
  if (name === "data") fields.data.push(value);
}
