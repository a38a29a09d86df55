// One file: seen, its address copied, deleted.
import assert from "node:assert/strict";
import { inspect } from "../checks.mjs";
import { enter } from "../keyboard.mjs";
import { picture, uploaded } from "../pictures.mjs";

export async function path(context) {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const { id } = await uploaded(context, "pet_photo", picture("Badger.png", [90, 90, 110]), { visibility: "private" });
  return `#/files/${id}`;
}

export async function use(page) {
  await page.waitForFunction(() => document.querySelector(".file-preview img")?.naturalWidth > 0);
  await enter(page, page.getByRole("button", { name: "Copy address" }));
  await page.getByText("Address copied. It works until").waitFor();
  const address = await page.evaluate(() => navigator.clipboard.readText());
  // Signed: whoever has it needs no sign-in.
  const reply = await fetch(address);
  assert.deepEqual([reply.status, reply.headers.get("content-type")], [200, "image/png"]);

  await enter(page, page.getByRole("button", { name: "More" }));
  await enter(page, page.locator(".panel:popover-open").getByRole("button", { name: "Delete" }));
  const question = page.getByRole("dialog", { name: "Delete Badger.png?" });
  await question.waitFor();
  await inspect(page, "file, asked before it is deleted");
  await enter(page, question.getByRole("button", { name: "Delete" }));
  await page.getByText("Badger.png deleted").waitFor();
  await page.getByRole("heading", { level: 1, name: "Files" }).waitFor();
}
