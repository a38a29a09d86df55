// Reads AsyncAPI documents by the reference parser: no error, no warning, and every sample fits its payload.
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";

let failed = false;
for (const name of process.argv.slice(2)) {
  const { document, diagnostics } = await new Parser().parse(readFileSync(name, "utf8"));
  // 0 is an error, 1 a warning; what is below are hints.
  const grave = diagnostics.filter((one) => one.severity < 2);
  for (const { code, message, path } of grave) console.error(`${name}: ${code}: ${message} (${path.join("/")})`);
  failed ||= grave.length > 0 || !document;
  if (document) {
    const count = [document.channels(), document.operations(), document.allMessages()].map((part) => part.all().length);
    console.log(`${name}: ${count[0]} channels, ${count[1]} operations, ${count[2]} messages`);
    failed ||= count[0] !== 2 || count[1] < 10 || count[2] < 20;
  }
}
process.exit(failed ? 1 : 0);
