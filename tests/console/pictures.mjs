// Pictures and other files for tests, made here so that none has to be kept.
import { crc32, deflateSync } from "node:zlib";
import { forgeryHeader } from "./browser.mjs";

function chunk(kind, data) {
  const body = Buffer.concat([Buffer.from(kind), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

/** A PNG of one colour. */
export function png([red, green, blue], width = 400, height = 300) {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const line = Buffer.concat([Buffer.from([0]), Buffer.alloc(width * 3, Buffer.from([red, green, blue]))]);
  const lines = Buffer.concat(Array.from({ length: height }, () => line));
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk("IHDR", head), chunk("IDAT", deflateSync(lines)), chunk("IEND", Buffer.alloc(0))]);
}

/** A picture as a browser's file dialog gives it. */
export const picture = (name, colour) => ({ name, mimeType: "image/png", buffer: png(colour) });

/** Uploads a file through the API; answers its record. */
export async function uploaded(context, purpose, file, more = {}) {
  const reply = await context.request.post("/api/admin/files", { headers: await forgeryHeader(context), multipart: { purpose, ...more, file } });
  if (!reply.ok()) throw new Error(`upload of ${file.name}: ${reply.status()} ${await reply.text()}`);
  return reply.json();
}

/** Drops files onto an element, as from another window. */
export async function drop(page, selector, files) {
  const sent = files.map(({ name, mimeType, buffer }) => ({ name, mimeType, text: buffer.toString("base64") }));
  const data = await page.evaluateHandle((list) => {
    const transfer = new DataTransfer();
    for (const { name, mimeType, text } of list) {
      const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
      transfer.items.add(new File([bytes], name, { type: mimeType }));
    }
    return transfer;
  }, sent);
  for (const kind of ["dragenter", "dragover", "drop"]) await page.dispatchEvent(selector, kind, { dataTransfer: data });
}
