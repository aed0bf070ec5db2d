// The openai package of npm: text, a stream, tools, JSON schema, models, errors, retries, leaving.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [folder, baseURL] = process.argv.slice(2);
const require = createRequire(pathToFileURL(`${folder}/`));
const { default: OpenAI } = await import(pathToFileURL(require.resolve("openai")));
const client = new OpenAI({ baseURL, apiKey: "anything", maxRetries: 0 });
const messages = [{ role: "user", content: "hello" }];
const ask = (model, more = {}) => client.chat.completions.create({ model, messages, ...more });

const reply = await ask("echo/m");
assert.equal(reply.choices[0].message.content, "You said: hello");
assert.equal(reply.usage.prompt_tokens, 8);
assert.equal(reply.id, `chatcmpl-${reply._request_id}`);

let text = "";
let last;
for await (const chunk of await ask("echo/m", { stream: true, stream_options: { include_usage: true } })) {
  text += chunk.choices[0]?.delta?.content ?? "";
  last = chunk;
}
assert.equal(text, "You said: hello");
assert.deepEqual(last.choices, []);
assert.ok(last.usage.total_tokens > 8);

const tools = [
  {
    type: "function",
    function: {
      name: "weather",
      parameters: { type: "object", properties: { city: { type: "string" } } },
      parse: JSON.parse,
      function: ({ city }) => `sunny in ${city}`,
    },
  },
];
const runner = client.chat.completions.runTools({ model: "agent/m", messages, tools, stream: true });
assert.equal(await runner.finalContent(), "sunny in Zürich and sunny in Oslo");

const format = { type: "json_schema", json_schema: { name: "weather", schema: { type: "object" } } };
const parsed = await client.chat.completions.parse({ model: "schema/m", messages, response_format: format });
assert.equal(parsed.choices[0].message.parsed.degrees, 21);
const helper = client.chat.completions.stream({ model: "rich/m", messages, n: 2 });
const final = await helper.finalChatCompletion();
assert.deepEqual(final.choices.map((choice) => choice.message.content), ["Hello", "Salut"]);

const names = [];
for await (const model of client.models.list()) names.push(model.id);
assert.equal(names[0], "chat-router");
assert.equal((await client.models.retrieve("other/only")).owned_by, "other");

await assert.rejects(client.models.retrieve("lost"), OpenAI.NotFoundError);
await assert.rejects(ask("echo/m", { temperatur: 1 }), OpenAI.BadRequestError);
await assert.rejects(ask("other/lost"), OpenAI.NotFoundError);
await assert.rejects(ask("limited/m"), OpenAI.RateLimitError);
await assert.rejects(ask("locked/m"), OpenAI.InternalServerError);
for (const model of ["cut/m", "failing/m"]) {
  let heard = "";
  await assert.rejects(
    (async () => {
      for await (const chunk of await ask(model, { stream: true })) heard += chunk.choices[0]?.delta?.content ?? "";
    })(),
    (error) => error instanceof OpenAI.APIError && error.code === "reply_interrupted",
  );
  assert.ok(heard.startsWith("some"), heard);
}
await assert.rejects(
  client.chat.completions.create({ model: "stall/m", messages, stream: true }, { timeout: 200 }),
  OpenAI.APIConnectionTimeoutError,
);
const slow = await ask("slow/m", { stream: true });
for await (const chunk of slow) if (chunk.choices[0]?.delta?.content) break;
slow.controller.abort();
console.log("ok");
