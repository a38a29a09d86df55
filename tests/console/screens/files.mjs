// Files: uploaded by a dialog and by dropping, one refused with a reason; narrowed by what they are for; opened.
import assert from "node:assert/strict";
import { settled } from "../browser.mjs";
import { inspect } from "../checks.mjs";
import { enter, tabTo, type } from "../keyboard.mjs";
import { drop, picture, uploaded } from "../pictures.mjs";
import { operate, recordsOf } from "../records.mjs";

export const expected = ["422", "415"];

const NOTE = { name: "Notes on the harbour.txt", mimeType: "text/plain", buffer: Buffer.from("Opening hours of the harbour shop\n") };

/** One for everybody, one for few, so that the grid has both. */
export async function path(context) {
  await uploaded(context, "product_photo", picture("Harbour.png", [40, 90, 160]), { visibility: "public" });
  await uploaded(context, "document", NOTE, { visibility: "private" });
  return "#/files";
}

export async function use(page) {
  const tile = (name) => page.getByRole("list", { name: "Files" }).getByRole("link", { name });
  await tile(/Harbour.png/).first().waitFor();
  await page.waitForFunction(() => [...document.querySelectorAll(".file-tile img")].every((image) => image.complete && image.naturalWidth > 0));

  await enter(page, page.getByRole("button", { name: "Upload", exact: true }));
  const dialog = page.getByRole("dialog", { name: "Upload files" });
  await dialog.getByLabel("What they are for").selectOption("pet_photo");
  assert.ok(await dialog.getByRole("radio", { name: "Only some" }).isChecked(), "animals are private");
  await dialog.locator("input[type=file]").setInputFiles([{ ...NOTE, name: "Not a picture.png" }, picture("Otter.png", [120, 80, 40])]);
  await inspect(page, "files, about to be uploaded");
  await enter(page, dialog.getByRole("button", { name: "Upload 2 files" }));
  await dialog.locator(".upload.is-failed .upload-why").waitFor();
  await dialog.locator(".upload.is-done", { hasText: "Otter.png" }).waitFor();
  await inspect(page, "files, one refused");
  await enter(page, dialog.getByRole("button", { name: "Leave out Not a picture.png" }));
  await page.getByText("Otter.png uploaded").waitFor();
  await tile(/Otter.png/).first().waitFor();

  await drop(page, ".drop-page", [picture("Dropped.png", [10, 120, 60])]);
  await dialog.getByText("Dropped.png").waitFor();
  await dialog.getByLabel("What they are for").selectOption("listing_photo");
  await enter(page, dialog.getByRole("button", { name: "Upload", exact: true }));
  await tile(/Dropped.png/).waitFor();

  await tabTo(page, page.getByRole("combobox", { name: "Purpose" }));
  await page.keyboard.type("Document");
  await page.waitForURL(/purpose=document/);
  await settled(page);
  await tile(/Dropped.png/).waitFor({ state: "detached" });
  await tile(/Notes on the harbour/).first().waitFor();
  await type(page, page.getByRole("searchbox", { name: "Find by name" }), "nobody-has-this");
  await page.getByRole("heading", { name: "No such file" }).waitFor();
  await enter(page, page.getByRole("link", { name: "Clear" }));
  await tile(/Dropped.png/).waitFor();
  await settled(page);

  await page.locator(".live-mark.is-live").waitFor();
  await settled(page);
  const [dropped] = await recordsOf(page.context(), "files", "name=Dropped.png&limit=1");
  assert.deepEqual([dropped.purpose, dropped.visibility, dropped.mime], ["listing_photo", "public", "image/png"]);
  await operate(page.context(), "DELETE", `files/${dropped.id}`);
  await page.locator(".file-grid .is-deleted", { hasText: "Dropped.png" }).waitFor();
  await enter(page, tile(/Otter.png/).first());
  await page.getByRole("heading", { level: 1, name: "Otter.png" }).waitFor();
}
