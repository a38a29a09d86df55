// The roles of an account: what each means, and a way to change them.

import { html, useEffect, useState } from "../vendor/preact.js";
import { asProblem, put } from "../api.js";
import { hasRole } from "../session.js";
import { words } from "../schema.js";
import { ProblemNote } from "./problem.js";
import { toast } from "./toast.js";

/** @type {{ role: string, text: string, isStaff?: boolean }[]} */
const ROLES = [
    { role: "customer", text: "Uses the apps and the shop" },
    { role: "courier", text: "Delivers orders" },
    { role: "moderator", text: "Looks after posts and comments" },
    { role: "support", text: "Reads everything here, changes nothing", isStaff: true },
    { role: "admin", text: "Reads and changes everything here", isStaff: true },
    { role: "super_admin", text: "Also gives and takes staff roles", isStaff: true },
];

/** @param {{ user: { id: string, name: string, roles: string[] }, onDone: () => void }} props */
export function RolesCard({ user, onDone }) {
    const [chosen, setChosen] = useState(new Set(user.roles));
    const [problem, setProblem] = useState(/** @type {import("../api.js").Problem | null} */ (null));
    const [isSending, setSending] = useState(false);
    useEffect(() => setChosen(new Set(user.roles)), [user.roles.join()]);
    const isChanged = [...chosen].sort().join() !== [...user.roles].sort().join();
    const toggle = (/** @type {string} */ role) => {
        const next = new Set(chosen);
        if (!next.delete(role)) next.add(role);
        setChosen(next);
    };
    const save = async (/** @type {Event} */ event) => {
        event.preventDefault();
        setSending(true);
        setProblem(null);
        try {
            await put(`/users/${user.id}/roles`, { roles: ROLES.map(({ role }) => role).filter((role) => chosen.has(role)) });
            toast(`The roles of ${user.name} are changed. They count at once.`);
            onDone();
        } catch (error) {
            setProblem(asProblem(error));
        }
        setSending(false);
    };
    const mayChange = (/** @type {boolean | undefined} */ isStaff) => (isStaff ? hasRole("super_admin") : hasRole("admin", "super_admin"));
    return html`
        <section class="card" aria-labelledby="roles-title">
            <header class="card-head"><h2 id="roles-title">Roles</h2></header>
            <form class="card-body stack" onSubmit=${save}>
                <ul class="roles">${ROLES.map(({ role, text, isStaff }) => html`
                    <li key=${role}><label class="role">
                        <input type="checkbox" checked=${chosen.has(role)} disabled=${!mayChange(isStaff)} onChange=${() => toggle(role)} />
                        <span><strong>${words(role)}</strong><span class="muted small">${text}</span></span>
                    </label></li>`)}</ul>
                ${!hasRole("super_admin") && html`<p class="help">Only a super admin gives and takes the roles of staff.</p>`}
                ${problem && html`<${ProblemNote} problem=${problem} />`}
                ${isChanged && html`<div class="row">
                    <button type="submit" class="button button-primary" disabled=${isSending}>Save roles</button>
                    <button type="button" class="button" onClick=${() => setChosen(new Set(user.roles))}>Undo</button></div>`}
            </form>
        </section>`;
}
