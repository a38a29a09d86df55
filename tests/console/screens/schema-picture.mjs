// The picture of tables: no card covers another, it zooms and moves by keys, and a card leads to its table.
import assert from "node:assert/strict";
import { enter, tabTo } from "../keyboard.mjs";

export const path = "#/schema";

export async function use(page) {
  const cards = await page.locator(".schema-box").evaluateAll((boxes) => boxes.map((box) => ["x", "y", "width", "height"].map((name) => Number(box.getAttribute(name)))));
  assert.ok(cards.length > 15);
  cards.forEach(([x, y, width, height], at) => cards.slice(at + 1).forEach(([left, top, wide, high]) => {
    assert.ok(x + width <= left || left + wide <= x || y + height <= top || top + high <= y, "two cards overlap");
  }));
  const picture = page.locator(".schema-svg");
  const view = async () => (await picture.getAttribute("viewBox")).split(" ").map(Number);
  const changed = (before) => page.waitForFunction((text) => document.querySelector(".schema-svg").getAttribute("viewBox") !== text, before.join(" "));
  await tabTo(page, picture);
  const whole = await view();
  await page.keyboard.press("+");
  await changed(whole);
  const near = await view();
  assert.ok(near[2] < whole[2], "plus comes nearer");
  await page.keyboard.press("ArrowRight");
  await changed(near);
  assert.ok((await view())[0] > near[0], "an arrow moves");
  await page.keyboard.press("0");
  await changed(near);
  const card = page.getByRole("link", { name: /^Products \d+ fields/ });
  await tabTo(page, card);
  assert.ok((await page.locator(".schema-line.is-near").count()) >= 3, "the links of the focused table stand out");
  await enter(page, card);
  await page.getByRole("heading", { level: 1, name: "Schema of products" }).waitFor();
}
