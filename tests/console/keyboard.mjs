// What a person without a mouse does: goes to something with Tab, and presses a key there.
import assert from "node:assert/strict";

/** Most steps to anything on a screen. */
const STEPS_MAX = 250;

/** Presses Tab (or Shift+Tab) until the element has the focus. */
export async function tabTo(page, locator, key = "Tab") {
  await locator.waitFor();
  for (let step = 0; step < STEPS_MAX; step++) {
    if (await locator.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press(key);
  }
  assert.fail(`Tab does not reach ${locator}`);
}

/** Goes to the element and presses Enter. */
export async function enter(page, locator) {
  await tabTo(page, locator);
  await page.keyboard.press("Enter");
}

/** Goes to the field and types, over what it has. */
export async function type(page, locator, text) {
  await tabTo(page, locator);
  await page.keyboard.press("ControlOrMeta+A");
  await page.keyboard.type(text);
}
