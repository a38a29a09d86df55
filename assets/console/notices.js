// What the reader is told, and how much of it is unread: shared by the bell and the screen of notifications.

import { signal } from "./vendor/preact.js";
import { get, post } from "./api.js";
import { useTopic } from "./live.js";
import { account } from "./session.js";

/** @typedef {import("./schema.js").Schemas["Notifications"] & { title: string, body: string, created_at: string }} Notice */

/** How many are unread, null until it is known. */
export const unread = signal(/** @type {number | null} */ (null));

/** Asks how many are unread. @param {AbortSignal} [abort] */
export async function countUnread(abort) {
    unread.value = (await get("/notifications/unread_count", {}, abort)).unread;
}

/** A page of the reader's own notifications, newest first: staff could read those of others. @param {number} limit @param {string | null} cursor @param {AbortSignal} abort
 * @returns {Promise<import("./resource.js").ListPage<Notice>>} */
export const notices = (limit, cursor, abort) =>
    get("/notifications", { user: account.peek()?.id, in_app: true, sort: "-id", limit, cursor }, abort);

/** @param {Notice} notice */
export async function markRead(notice) {
    if (!notice.read_at) unread.value = (await post(`/notifications/${notice.id}/read`)).unread;
}

/** Marks all up to the newest one shown, so that what has just come stays unread. @param {Notice[]} shown */
export async function markAllRead(shown) {
    if (shown.length) unread.value = (await post("/notifications/read_all", { up_to: shown[0].id })).unread;
}

/** Calls back when there are new ones, or some were read in another window. @param {() => void} onNews */
export function useNotices(onNews) {
    const user = account.value?.id;
    useTopic(user ? "notifications" : null, { filter: `user = "${user}"`, fields: "id,read_at" }, { change: onNews, reset: onNews });
}
