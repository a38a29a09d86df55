// Another program that is told of events: a server of this test, which answers as it is asked to and keeps what it got.
import { createServer } from "node:http";

/** Listens; `answer` gives status and text for each request. */
export async function receiver(answer = () => [204, ""]) {
  const got = [];
  const server = createServer((request, response) => {
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", () => {
      got.push({ headers: request.headers, body: Buffer.concat(parts).toString() });
      const [status, text] = answer(got.length);
      response.writeHead(status, { "content-type": "text/plain" }).end(text);
    });
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  // A test that fails must not wait for it.
  server.unref();
  return { url: `http://127.0.0.1:${server.address().port}/hooks`, got };
}
