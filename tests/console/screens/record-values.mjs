// A value of each type, typed by hand, arrives in the record as the API has it.
import assert from "node:assert/strict";
import { settled } from "../browser.mjs";
import { recordsOf } from "../records.mjs";

export const path = "#/tables/samples/new";

/** Texts as people type them, by field. */
const TYPED = {
  label: "One of each", count_of: "12", ratio: "1,5", amount: "10.000000001", moment: "2026-07-01T08:30:05", span: "1h30m",
  token: "01981c6e-5b7a-7c3e-9f00-0123456789ab", raw: "aGk=", place: "52.52, 13.405", day: "2026-02-28", "box-width": "20", extra: '{"a": [1, 2]}',
};
/** What they become; the times of the test's browser are those of Berlin. */
const STORED = {
  label: "One of each", count_of: 12, ratio: 1.5, amount: "10.000000001", moment: "2026-07-01T06:30:05Z", span: "1h30m",
  token: "01981c6e-5b7a-7c3e-9f00-0123456789ab", raw: "aGk=", place: { type: "Point", coordinates: [13.405, 52.52] }, day: "2026-02-28",
  box: { width: 20 }, extra: { a: [1, 2] }, flag: false, choice: "b", kind: "dog", kinds: ["cat", "bird"], about: { table: "species", id: "fish" },
  words: ["x", "y", "z"], digits: [4], lines: [{ what: "Bone", quantity: 3 }],
};

export async function use(page) {
  const field = (name) => page.locator(`#record-samples-${name}`);
  const pick = async (name, text) => {
    await field(name).fill(text);
    await page.getByRole("option", { name: new RegExp(`^${text}`, "i") }).first().click();
  };
  for (const [name, text] of Object.entries(TYPED)) await field(name).fill(text);
  await field("flag").getByText("No", { exact: true }).click();
  await field("choice").selectOption("b");
  await pick("kind", "Dog");
  await pick("kinds", "Cat");
  await pick("kinds", "Bird");
  await page.getByRole("combobox", { name: "Table of About" }).selectOption("species");
  await pick("about", "Fish");
  await field("words").fill("x, y");
  await field("words").press("Enter");
  await field("words").fill("z");
  await field("digits").click();
  await field("digits-0").fill("4");
  await field("lines").click();
  await field("lines-0-what").fill("Bone");
  await field("lines-0-quantity").fill("3");
  await page.getByRole("button", { name: "Create record" }).click();
  await page.getByRole("heading", { level: 1, name: "One of each" }).waitFor();
  await settled(page);
  const [{ id, created_at: madeAt, ...stored }] = await recordsOf(page.context(), "samples");
  assert.deepEqual(stored, STORED);
  assert.ok(page.url().includes(id) && madeAt, "the new record is open");

  await page.getByRole("link", { name: "Edit" }).click();
  await page.getByRole("button", { name: "Save changes" }).waitFor();
  assert.ok(await page.getByRole("button", { name: "Save changes" }).isDisabled(), "an untouched form has nothing to save");
  await field("amount").fill("");
  await field("box-note").fill("in the cellar");
  await field("flag").getByText("Not set", { exact: true }).click();
  await page.getByRole("button", { name: "Save changes" }).click();
  await page.getByText("Changes saved").waitFor();
  const [changed] = await recordsOf(page.context(), "samples");
  assert.deepEqual([changed.amount, changed.flag, changed.box, changed.moment], [undefined, undefined, { width: 20, note: "in the cellar" }, STORED.moment]);
}
