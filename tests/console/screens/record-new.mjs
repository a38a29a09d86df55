// A new record, one field of each type: what is missing is told at its field, and the mended form is saved.
import { inspect } from "../checks.mjs";
import { settled } from "../browser.mjs";
import { enter, tabTo, type } from "../keyboard.mjs";

export const path = "#/tables/samples/new";
export const expected = ["422"];

export async function use(page) {
  await tabTo(page, page.getByRole("button", { name: "Create record" }));
  await page.keyboard.press("Enter");
  await page.getByRole("alert").getByRole("link", { name: "Label" }).waitFor();
  await inspect(page, "record-new with an error");
  await page.keyboard.press("Shift+Tab");
  await enter(page, page.getByRole("alert").getByRole("link", { name: "Label" }));
  await page.keyboard.type("Made by keyboard");
  await type(page, page.getByRole("spinbutton", { name: "Ratio" }).or(page.getByRole("textbox", { name: "Ratio" })), "2.5");
  await page.keyboard.press("ControlOrMeta+s");
  await page.getByRole("heading", { level: 1, name: "Made by keyboard" }).waitFor();
  await settled(page);
}
