// Saves what the API answers as a file.

import { address, get } from "./api.js";

/** Starts a download by the browser itself, so that it may be of any size. The sign-in is renewed first, since a plain link cannot.
 * @param {string} path @param {[string, string][]} query */
export async function download(path, query) {
    await get("/auth/me");
    const link = document.createElement("a");
    link.href = address(path, query);
    link.download = "";
    document.body.append(link);
    link.click();
    link.remove();
}
