// A first day with the console, from the first start: the setup link, a record with a bad value that is mended, an import of 500
// rows, one of them found, edited in two windows at once, deleted and brought back, deleted for good, and all of it in the trail.
import assert from "node:assert/strict";
import { launch, open, person, settled } from "./browser.mjs";
import { assertQuiet, inspect } from "./checks.mjs";

const ROWS = 500;
/** Number of the imported row that the walk goes on with. */
const FOUND = 321;

const browser = await launch();
const context = await person(browser);

/** A step with its name, so that a failure says where. */
async function step(name, run) {
  try {
    await run();
  } catch (error) {
    throw new Error(`${name}: ${error.stack}`);
  }
}

const heading = (page, name) => page.getByRole("heading", { level: 1, name }).waitFor();

const page = await open(context, process.env.SETUP, ["401", "422"]);

await step("set up", async () => {
  await page.getByLabel(/^Your name/).fill("Olivia Owner");
  await page.getByLabel(/^E-mail/).fill("olivia@shop.example");
  await page.getByLabel(/^Password/).fill("short");
  await page.getByRole("button", { name: "Make the account" }).click();
  await page.getByText(/at least 12/i).last().waitFor();
  await page.getByLabel(/^Password/).fill("correct horse battery");
  await page.getByRole("button", { name: "Make the account" }).click();
  await heading(page, /Olivia/);
  await settled(page);
  await inspect(page, "the overview of an empty installation");
});

await step("a record with a bad value, mended", async () => {
  await page.getByRole("region", { name: "First steps" }).getByRole("link", { name: "Add Species" }).click();
  await heading(page, "New record in species");
  await page.getByLabel(/^ID/).fill("Not A Key");
  await page.getByLabel(/^Name/).fill("Dog");
  await page.getByRole("button", { name: "Create record" }).click();
  await page.getByRole("alert").filter({ hasText: "ID" }).waitFor();
  await inspect(page, "the form with a bad value");
  await page.getByLabel(/^ID/).fill("dog");
  await page.getByRole("button", { name: "Create record" }).click();
  await heading(page, "Dog");
});

await step("an import of 500 rows", async () => {
  const lines = Array.from({ length: ROWS }, (_, at) => `kind_${at + 1},Kind number ${at + 1}`);
  const buffer = Buffer.from(`id,name\n${lines.join("\n")}\n`);
  await page.goto("/#/tables/species/import");
  await heading(page, "Import into Species");
  await page.locator("input[type=file]").setInputFiles({ name: "kinds.csv", mimeType: "text/csv", buffer });
  await page.getByRole("button", { name: `Check ${ROWS} rows` }).click();
  await page.getByRole("heading", { name: `All ${ROWS} rows are good` }).waitFor();
  await page.getByRole("button", { name: `Import ${ROWS} records` }).click();
  await page.getByRole("heading", { name: `${ROWS} records are imported` }).waitFor();
  await page.getByRole("link", { name: "See the records" }).click();
  await page.getByText(`of ${ROWS + 1}`).waitFor();
});

await step("one of them found", async () => {
  await page.getByRole("button", { name: "Filter", exact: true }).click();
  await page.getByLabel("Field").selectOption({ label: "Name" });
  await page.getByLabel("Comparison").selectOption("contains");
  await page.getByLabel("Value").fill(`number ${FOUND}`);
  await page.getByRole("button", { name: "Add filter" }).click();
  await page.getByText("1–1 of 1").waitFor();
  await page.getByRole("link", { name: `Kind number ${FOUND}` }).click();
  await heading(page, `Kind number ${FOUND}`);
});

const address = page.url();
const other = await open(context, address, ["412"]);

await step("edited in two windows: the second save is told that it is stale", async () => {
  for (const [window, name] of [[page, "Ferret"], [other, "Polecat"]]) {
    await window.getByRole("link", { name: "Edit" }).click();
    await window.getByRole("button", { name: "Save changes" }).waitFor();
    await settled(window);
    await window.getByLabel(/^Name/).fill(name);
  }
  await page.getByRole("button", { name: "Save changes" }).click();
  await heading(page, "Ferret");
  await other.getByRole("button", { name: "Save changes" }).click();
  const question = other.getByRole("dialog", { name: "Changed in the meantime" });
  await question.getByText("Ferret").waitFor();
  await inspect(other, "the question after a stale save");
  await question.getByRole("button", { name: "Load theirs, drop mine" }).click();
  await other.getByRole("dialog").waitFor({ state: "detached" });
  assert.equal(await other.getByLabel(/^Name/).inputValue(), "Ferret");
  await other.close();
});

const drop = async () => {
  await page.getByRole("button", { name: "More" }).click();
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByText("Ferret deleted").waitFor();
};

await step("deleted, brought back, deleted", async () => {
  await drop();
  await page.getByRole("button", { name: "Undo" }).click();
  await heading(page, "Ferret");
  await page.getByText("Ferret is back").waitFor();
  await drop();
  await page.getByText(`of ${ROWS}`, { exact: false }).first().waitFor();
});

await step("all of it in the trail", async () => {
  await page.goto(`/#/audit?table=species&id=kind_${FOUND}`);
  await heading(page, "Audit");
  await page.locator(".trail-sentence").nth(4).waitFor();
  const lines = await page.locator(".trail-sentence").allInnerTexts();
  const expected = [/deleted Ferret/, /brought back Ferret/, /deleted Ferret/, /changed Ferret/, new RegExp(`imported Kind number ${FOUND}`)];
  assert.equal(lines.length, expected.length, lines.join("\n"));
  lines.forEach((line, at) => assert.match(line, expected[at]));
  for (const line of lines) assert.match(line, /^Olivia Owner /);
  await page.locator(".trail-entry", { hasText: "changed" }).locator("summary").click();
  await page.locator(".changes .was", { hasText: `Kind number ${FOUND}` }).waitFor();
  await page.locator(".changes .is", { hasText: "Ferret" }).waitFor();
  await inspect(page, "the trail");
});

await assertQuiet(page);
await browser.close();
