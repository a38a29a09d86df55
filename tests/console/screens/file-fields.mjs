// Fields that link to files: pictures chosen and dropped into a form, put in order by the keyboard, kept, and shown in the list.
import assert from "node:assert/strict";
import { go, settled } from "../browser.mjs";
import { inspect } from "../checks.mjs";
import { enter, tabTo } from "../keyboard.mjs";
import { drop, picture } from "../pictures.mjs";
import { recordsOf } from "../records.mjs";

export const expected = ["422", "415"];

export const path = async (context) => `#/tables/products/${(await recordsOf(context, "products"))[0].id}?edit=1`;

const COLOURS = { "Front.png": [200, 60, 40], "Back.png": [40, 160, 90], "Side.png": [60, 60, 200] };

export async function use(page) {
  const id = /products\/([^?]+)/.exec(page.url())[1];
  const field = page.locator("#record-products-images-group");
  const before = await field.locator(".file-list > li").count();
  const cards = field.locator(".file-list > li");
  const names = async () => (await cards.locator(".file-card-name").allInnerTexts()).slice(before);
  await field.locator("input[type=file]").setInputFiles(["Front.png", "Back.png"].map((name) => picture(name, COLOURS[name])));
  await cards.nth(before + 1).locator(".file-card-name", { hasText: "Back.png" }).waitFor();
  await drop(page, "#record-products-images-group .drop", [picture("Side.png", COLOURS["Side.png"])]);
  await cards.nth(before + 2).locator(".file-card-name", { hasText: "Side.png" }).waitFor();
  await settled(page);
  assert.deepEqual(await names(), ["Front.png", "Back.png", "Side.png"]);

  const refused = { name: "Letter.png", mimeType: "image/png", buffer: Buffer.from("no picture") };
  await field.locator("input[type=file]").setInputFiles([refused]);
  await field.locator(".upload-why").waitFor();
  await inspect(page, "file fields, one refused");
  await enter(page, field.getByRole("button", { name: "Leave out Letter.png" }));

  // The button goes with its card, so that it can be pressed again.
  await tabTo(page, field.getByRole("button", { name: `Move number ${before + 3} earlier` }));
  await page.keyboard.press("Enter");
  await field.getByRole("button", { name: `Move number ${before + 2} earlier` }).and(page.locator(":focus")).waitFor();
  await page.keyboard.press("Enter");
  await field.getByRole("button", { name: new RegExp(`^Move number ${before + 1} `) }).and(page.locator(":focus")).waitFor();
  assert.deepEqual(await names(), ["Side.png", "Front.png", "Back.png"]);
  await enter(page, field.getByRole("button", { name: `Remove number ${before + 2}` }));
  await enter(page, page.getByRole("button", { name: "Save changes" }));
  await page.getByText("Changes saved").waitFor();
  await settled(page);
  await page.locator(".record-values .file-card", { hasText: "Back.png" }).last().waitFor();
  await page.waitForFunction(() => [...document.querySelectorAll(".record-values .file-card img")].every((image) => image.complete && image.naturalWidth > 0));
  await inspect(page, "file fields, shown");

  const [product] = await recordsOf(page.context(), "products", `id=${id}`);
  const stored = await recordsOf(page.context(), "files", `id[in]=${product.images.join(",")}&fields=id,name,purpose`);
  const nameOf = new Map(stored.map((file) => [file.id, file.name]));
  assert.deepEqual(product.images.slice(before).map((file) => nameOf.get(file)), ["Side.png", "Back.png"]);
  assert.ok(stored.every((file) => file.purpose === "product_photo"));

  await go(page, `#/tables/products?id=${id}&columns=name,images`);
  await page.locator("tbody .file-line img").first().waitFor();
  await inspect(page, "file fields, in a list");
}
