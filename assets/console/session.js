// Who is signed in, and the ways in and out.

import { batch, signal } from "./vendor/preact.js";
import * as api from "./api.js";
import { go, here, isGuarded, replace, replaceHash, setLeaveGuard } from "./router.js";

/** @typedef {import("./schema.js").Schemas["Account"]} Account */

/** The account signed in, null when nobody is, undefined until it is known. */
export const account = signal(/** @type {Account | null | undefined} */ (undefined));

/** Asks the server who is signed in. Throws a Problem when it cannot be reached. */
export async function whoAmI() {
    if (!api.mayBeSignedIn()) {
        account.value = null;
        return;
    }
    try {
        account.value = await api.get("/auth/me");
    } catch (error) {
        if (api.asProblem(error).status !== 401) throw error;
        account.value = null;
    }
}

/** The place to return to after signing in. */
function wanted() {
    const to = here.peek().query.get("to");
    return to && to.startsWith("/") ? to : "/";
}

/** Whether the sign-in ended while something was not saved: it is then renewed above the screen. */
export const isRenewing = signal(false);

/** Signs in again, as the same person, without leaving the screen. @param {string} password */
export async function renew(password) {
    const answer = await api.post("/auth/login", { email: account.peek()?.email, password, use_cookies: true });
    account.value = answer.user;
    isRenewing.value = false;
}

/** Gives up what was not saved and goes to the sign-in screen. */
export function giveUp() {
    setLeaveGuard(null);
    isRenewing.value = false;
    showSignIn();
}

/** Shows the sign-in screen, which returns to where one was. */
function showSignIn() {
    if (isGuarded() && account.peek()) {
        isRenewing.value = true;
        return;
    }
    account.value = null;
    const { path } = here.peek();
    if (path === "/sign-in" || path === "/setup") return;
    const back = location.hash.slice(1) || "/";
    replace("/sign-in", back === "/" ? {} : { to: back });
}
api.onSignedOut(showSignIn);

/** Signs in and returns to the wanted place. @param {string} email @param {string} password */
export async function signIn(email, password) {
    const answer = await api.post("/auth/login", { email, password, use_cookies: true });
    batch(() => {
        replaceHash(`#${wanted()}`);
        account.value = answer.user;
    });
}

/** Makes the first administrator and signs in. @param {{ token: string, email: string, name: string, password: string }} form */
export async function setUp(form) {
    const answer = await api.post("/auth/setup", { ...form, use_cookies: true });
    batch(() => {
        replace("/");
        account.value = answer.user;
    });
}

/** Signs out on this device. */
export async function signOut() {
    try {
        await api.post("/auth/logout");
    } catch (error) {
        if (api.asProblem(error).status !== 401) throw error;
    }
    account.value = null;
    go("/sign-in");
}

/** Whether the account has one of these roles. @param {...string} roles */
export const hasRole = (...roles) => (account.value?.roles ?? []).some((role) => roles.includes(role));
/** Whether the account may change records at all: support only reads. */
export const canWrite = () => hasRole("admin", "super_admin");
