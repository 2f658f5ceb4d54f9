// The official JavaScript SDK, unchanged: `node openai.mjs CASE BASE_URL MODEL [KEY]`.
// What it saw goes to stdout as JSON; tests/server/v1/test_v1_javascript.py says what it should be.
import OpenAI from "openai";

const [name, baseURL, model, apiKey = "anything"] = process.argv.slice(2);
const desk = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const messages = [{ role: "user", content: "说一句话。" }];
const wish = { model, messages, max_tokens: 30, seed: 1 };
const ask = (more) => desk.chat.completions.create({ ...wish, ...more });

const WEATHER = { type: "function", function: { name: "weather", parameters: { type: "object" } } };
const RAIN = {
  type: "json_schema",
  json_schema: {
    name: "rain",
    schema: {
      type: "object",
      properties: { rain: { type: "boolean" } },
      required: ["rain"],
      additionalProperties: false,
    },
  },
};

const cases = {
  whole: () => ask({}),

  async stream() {
    const chunks = [];
    const stream = await ask({ stream: true, stream_options: { include_usage: true } });
    for await (const chunk of stream) chunks.push(chunk);
    return chunks;
  },

  choices: () => ask({ n: 3, stop: ["。"], max_tokens: 60, logprobs: true }),

  tools: () => ask({ tools: [WEATHER], tool_choice: "auto", response_format: RAIN }),

  schema: () => ask({ response_format: RAIN, max_tokens: 200 }),

  completion: () => desk.completions.create({ model, prompt: "夜深了，", max_tokens: 10 }),

  // Without an encoding the SDK asks for base64 and unpacks it.
  embedding: () => desk.embeddings.create({ model, input: ["雨", "船"] }),

  async models() {
    const ids = [];
    for await (const one of desk.models.list()) ids.push(one.id);
    return ids;
  },

  async refused() {
    const seen = {};
    const wrong = {
      negative: { max_tokens: -3 },
      unknown: { model: "gpt-9" },
      empty: { messages: [] },
    };
    for (const [mistake, fields] of Object.entries(wrong)) seen[mistake] = await caught(fields);
    return seen;
  },

  error: () => caught({}),

  async abort() {
    const stream = await ask({ stream: true, max_tokens: 500 });
    for await (const chunk of stream) {
      if (!chunk.choices[0]?.delta.content) continue;
      stream.controller.abort();
      return chunk.choices[0].delta.content;
    }
  },
};

async function caught(fields) {
  try {
    await ask(fields);
  } catch (error) {
    const { status, code, param, requestID } = error;
    return { kind: error.constructor.name, status, code, param, requestID };
  }
}

process.stdout.write(JSON.stringify(await cases[name]()));
