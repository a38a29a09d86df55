// One record: its values, its form, and the question before changes are dropped.
import { inspect } from "../checks.mjs";
import { settled } from "../browser.mjs";
import { enter, type } from "../keyboard.mjs";
import { recordsOf } from "../records.mjs";

export const path = async (context) => `#/tables/products/${(await recordsOf(context, "products"))[0].id}`;

export async function use(page) {
  await enter(page, page.getByRole("link", { name: "Edit" }));
  await page.getByRole("button", { name: "Save changes" }).waitFor();
  await settled(page);
  await inspect(page, "record, edited");
  await type(page, page.getByRole("textbox", { name: "Brand" }), "Another brand");
  await enter(page, page.getByRole("button", { name: "Cancel" }));
  const question = page.getByRole("dialog", { name: "Drop your changes?" });
  await question.waitFor();
  await inspect(page, "record, asked before changes are dropped");
  await enter(page, question.getByRole("button", { name: "Drop them" }));
  await page.getByRole("link", { name: "Edit" }).waitFor();
}
